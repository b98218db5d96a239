"""An engine child that plays a script: it speaks worker.py's protocol and the engine's HTTP, and then does what no
sound engine does.

    EngineServer.start(model, options, command=scripted_worker.command("deaf"))
"""

from __future__ import annotations

import http.server
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

PROPERTIES = {"default_generation_settings": {"n_ctx": 512}}
WORDS = ["One", " two", " three", "\u2028four", "\u0085five"]


def command(script: str, *arguments: str) -> tuple[str, ...]:
    """The command that starts a child with this script (the names are in `SCRIPTS`)."""
    return (sys.executable, str(Path(__file__)), script, *arguments)


class Engine(http.server.BaseHTTPRequestHandler):
    """Answers as the engine does: what it is, and a few words."""

    properties: Any = PROPERTIES
    #: What happens between the first words and the rest of the answer, with the connection's socket.
    interlude: Callable[[Any], None] = staticmethod(lambda _: None)

    def do_GET(self) -> None:
        self._head("application/json")
        self.wfile.write(json.dumps(self.properties).encode())

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._head("text/event-stream")
        for number, word in enumerate(WORDS):
            if number == 2:
                type(self).interlude(self.connection)
            self._say({"choices": [{"delta": {"content": word}}]})
        self._say({"choices": [{"delta": {}, "finish_reason": "stop"}], "usage": {"completion_tokens": len(WORDS)}})
        self.wfile.write(b"data: [DONE]\n\n")

    def log_message(self, *_: Any) -> None:
        """Silence: standard error is the engine's log."""

    def _head(self, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.end_headers()

    def _say(self, chunk: dict[str, Any]) -> None:
        self.wfile.write(b"data: " + json.dumps(chunk, ensure_ascii=False).encode() + b"\n\n")


def serve() -> None:
    """Answer on loopback from now on, and tell the parent where."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Engine)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    answer({"address": f"http://127.0.0.1:{server.server_port}"})


def answer(value: Any) -> None:
    print(json.dumps(value), flush=True)


def until_asked_to_end() -> None:
    sys.stdin.read()
    os._exit(0)


def sound() -> None:
    """What a healthy engine does."""
    serve()
    until_asked_to_end()


def deaf() -> None:
    """Ready, but it hears neither the end of its input nor a polite signal."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    serve()
    time.sleep(600)


def garbage() -> None:
    """Words in place of the answer, and no end."""
    print("Segmentation fault, or is it?", flush=True)
    time.sleep(600)


def number() -> None:
    """Sound JSON that is no answer, and no end."""
    answer(5)
    time.sleep(600)


def mute() -> None:
    """No answer, ever."""
    os.close(1)
    time.sleep(600)


def silent(status: str) -> None:
    """It ends without a word."""
    os._exit(int(status))


def last_words(text: str) -> None:
    """It says something on its log, and ends."""
    print(text, file=sys.stderr, flush=True)
    os._exit(3)


def stuck() -> None:
    """It tells an error and then does not end."""
    answer({"error": "load", "text": "Failed to init server"})
    time.sleep(600)


def talkative() -> None:
    """Far more log than a pipe holds, and lines longer than anybody reads; then it is ready."""
    for _ in range(2_000):
        print("0.00.000.001 I noise: " + "x" * 1_000, file=sys.stderr)
    print("y" * 1_000_000, file=sys.stderr, flush=True)
    serve()
    until_asked_to_end()


def foreign() -> None:
    """Something else answers on its port."""
    Engine.properties = ["no", "engine"]
    serve()
    until_asked_to_end()


def closed() -> None:
    """Nobody listens where it says."""
    answer({"address": "http://127.0.0.1:9"})
    until_asked_to_end()


def dies_in_the_middle() -> None:
    """It crashes behind the first words of an answer."""

    def crash(_: object) -> None:
        os.kill(os.getpid(), signal.SIGSEGV)
        time.sleep(600)  # the signal may reach another thread first

    Engine.interlude = staticmethod(crash)
    sound()


def hangs_up() -> None:
    """It closes the connection behind the first words of an answer, and lives on."""
    Engine.interlude = staticmethod(lambda connection: connection.shutdown(2))
    sound()


def pauses(file: str) -> None:
    """Its answer waits in the middle until this file is there."""

    def wait(_: object) -> None:
        while not Path(file).exists():
            time.sleep(0.01)

    Engine.interlude = staticmethod(wait)
    sound()


SCRIPTS: dict[str, Callable[..., None]] = {
    "sound": sound,
    "deaf": deaf,
    "garbage": garbage,
    "number": number,
    "mute": mute,
    "silent": silent,
    "last-words": last_words,
    "stuck": stuck,
    "talkative": talkative,
    "foreign": foreign,
    "closed": closed,
    "dies-in-the-middle": dies_in_the_middle,
    "hangs-up": hangs_up,
    "pauses": pauses,
}


if __name__ == "__main__":
    sys.stdin.readline()  # what the parent wants is always the same
    SCRIPTS[sys.argv[1]](*sys.argv[2:])
