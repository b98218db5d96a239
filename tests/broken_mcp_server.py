"""Servers of the tests that do wrong as soon as they are started: `python broken_mcp_server.py FAULT`.

They import nothing that takes time, so that a test of a fault takes none either.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket  # noqa: TID251 - it is the server
import subprocess
import sys
import time


def die() -> None:
    """Says why, and ends."""
    print("There is no database", file=sys.stderr)
    sys.exit(7)


def mute() -> None:
    """Never answers."""
    sys.stdin.read()


def stubborn() -> None:
    """Never answers, does not end when it is asked and told to, and neither does what it has started."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(300)"
    subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
    time.sleep(300)


def garbage() -> None:
    """Speaks another language."""
    for _ in range(100):
        print("Welcome to my server!", flush=True)
    sys.stdin.read()


def line() -> None:
    """A line without end."""
    try:
        while True:
            os.write(1, b"x" * 65_536)
    except OSError:
        return


def values() -> None:
    """An answer of very many values, which is quick to write and slow to read."""
    os.write(1, b'{"jsonrpc":"2.0","id":0,"result":{"a":[' + b"{}," * 400_000 + b"{}]}}\n")
    sys.stdin.read()


def deaf() -> None:
    """Closes its standard input."""
    os.close(0)
    time.sleep(300)


def answer() -> None:
    """Over HTTP, all with 100 kB of a text, so many times: `answer HEAD TEXT COUNT`; says its port first."""
    head, piece, count = sys.argv[2], sys.argv[3].encode() * (100_000 // len(sys.argv[3])), int(sys.argv[4])
    with socket.create_server(("127.0.0.1", 0)) as server:
        print(server.getsockname()[1], flush=True)
        while True:
            connection, _ = server.accept()
            with contextlib.suppress(OSError), connection:
                connection.recv(65_536)
                connection.sendall(f"HTTP/1.1 200 OK\r\nConnection: close\r\n{head}\r\n\r\n".encode())
                for _ in range(count):
                    connection.sendall(piece)
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(65_536):
                    pass


if __name__ == "__main__":
    {one.__name__: one for one in (die, mute, stubborn, garbage, line, values, deaf, answer)}[sys.argv[1]]()
