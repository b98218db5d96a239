"""An engine child that counts: it answers every chat with the numbers from 0 on, at an even pace, several at once.

Pool(command=counting_engine.command())
"""

from __future__ import annotations

import json
import random
import sys
import time
from pathlib import Path

import scripted_worker

#: Between two numbers, in seconds.
PACE_S = 0.005
#: The longest answer, in numbers.
LONGEST = 250


def command() -> tuple[str, ...]:
    """The command that starts it."""
    return (sys.executable, str(Path(__file__)))


class Counting(scripted_worker.Engine):
    """Counts up to a number that nobody knows before."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._head("text/event-stream")
        count = random.randint(1, LONGEST)
        for number in range(count):
            self._say({"choices": [{"delta": {"content": f"{number} "}}]})
            time.sleep(PACE_S)
        self._say({"choices": [{"delta": {}, "finish_reason": "stop"}], "usage": {"completion_tokens": count}})
        self.wfile.write(b"data: [DONE]\n\n")


if __name__ == "__main__":
    scripted_worker.REQUEST.update(json.loads(sys.stdin.readline() or "{}"))
    scripted_worker.serve(Counting)
    scripted_worker.until_asked_to_end()
