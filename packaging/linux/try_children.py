"""Asks each kind of child of a frozen program for something that only a whole one can do.

try_children.py PROGRAM
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile

#: What a model may import, out of all corners of the standard library; imported after its rights were taken.
LIBRARY = "import asyncio, concurrent.futures, csv, decimal, email.mime.text, fractions, http.cookies, sqlite3"
LIBRARY += ", statistics, unittest.mock, urllib.parse, xml.etree.ElementTree, zoneinfo"
PAGE = "<html><title>t</title><body><article><h1>Head</h1><p>Some words that are a text.</p></article></body></html>"


def asked(program: str, child: str, request: object) -> str:
    """What a child says."""
    told = json.dumps(request) + "\n"
    done = subprocess.run([program, child], input=told, capture_output=True, text=True, timeout=60, check=False)
    return done.stdout + done.stderr


def tool(program: str, **request: object) -> str:
    """What the child of the tools says, with its limits."""
    with tempfile.TemporaryDirectory() as folder:
        limits = {"folder": folder, "cpu_s": 10, "memory": 2**30, "file_size": 10**6, "parent_pid": os.getpid()}
        return asked(program, "--tool-child", limits | request)


def main() -> None:
    """Try them all; ends with what is wrong."""
    program = sys.argv[1]
    tries = {
        "Python with its library": (tool(program, do="run", code=f"{LIBRARY}\nstatistics.mean([1, 2, 6])"), "3\n"),
        "no socket": (tool(program, do="run", code="import socket; socket.socket()"), "Operation not permitted"),
        "a page": (tool(program, do="page", html=PAGE, address="http://page.test/"), "Some words"),
        "a formula": (asked(program, "--formula-child", ["\\frac{a}{b}", False]), '"svg"'),
        "a scan": (asked(program, "--scan-child", program), '"said"'),
        "the engine": (asked(program, "--engine-worker", {"do": "devices", "parent_pid": os.getpid()}), '"devices"'),
    }
    wrong = [f"{name}: {said}" for name, (said, expected) in tries.items() if expected not in said]
    if wrong:
        sys.exit("\n".join(wrong))


if __name__ == "__main__":
    main()
