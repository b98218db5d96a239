"""An engine child that counts: it answers every chat with the numbers from 0 on, at an even pace, several at once.
Where tools are offered it often ends with a call of one of them, and each call is about something that none was before.

Pool(command=counting_engine.command())
"""

from __future__ import annotations

import json
import random
import secrets
import sys
import time
from pathlib import Path
from typing import Any, ClassVar

import scripted_worker

#: Between two numbers, in seconds.
PACE_S = 0.005
#: The longest answer, in numbers.
LONGEST = 250
#: How often it calls, where it can.
CALLS = 0.6


def command() -> tuple[str, ...]:
    """The command that starts it."""
    return (sys.executable, str(Path(__file__)))


class Counting(scripted_worker.Engine):
    """Counts up to a number that nobody knows before."""

    properties: ClassVar[Any] = {
        **scripted_worker.PROPERTIES,
        "chat_template_caps": {"supports_system_role": True, "supports_tools": True, "supports_tool_calls": True},
    }

    def do_POST(self) -> None:
        tools = json.loads(self.rfile.read(int(self.headers["Content-Length"]))).get("tools")
        if not self.path.endswith("/chat/completions"):  # it counts no tokens
            self.send_error(404)
            return
        self._head("text/event-stream")
        calls = bool(tools) and random.random() < CALLS
        count = random.randint(1, LONGEST // 10 if calls else LONGEST)
        for number in range(count):
            self._say({"choices": [{"delta": {"content": f"{number} "}}]})
            time.sleep(PACE_S)
        if calls:
            arguments = json.dumps({"about": secrets.token_hex(8)})
            function = {"name": random.choice(tools)["function"]["name"], "arguments": arguments}
            self._say({"choices": [{"delta": {"tool_calls": [{"index": 0, "id": "0", "function": function}]}}]})
        self._say({"choices": [{"delta": {}, "finish_reason": "stop"}], "usage": {"completion_tokens": count}})
        self.wfile.write(b"data: [DONE]\n\n")


if __name__ == "__main__":
    scripted_worker.REQUEST.update(json.loads(sys.stdin.readline() or "{}"))
    scripted_worker.serve(Counting)
    scripted_worker.until_asked_to_end()
