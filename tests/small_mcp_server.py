"""An MCP server of 2025 in few lines, over stdio: it starts at once, where the official package takes a second.

What its tools do is what goes wrong with servers. It answers one request after the other, so one that takes long keeps
all others waiting, as with many real ones.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import Any

STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(300)"
PROGRESS = {"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progressToken": 1, "progress": 1}}
PIECES = {
    "messages": (json.dumps(PROGRESS) + "\n").encode() * 100,
    "line": b"x" * 65_536,
    "garbage": b"oh no\n",
    "blank": b"\n" * 99,
}


def add(a: int, b: int) -> str:
    """Add two numbers."""
    return str(a + b)


def pid() -> str:
    """Its process."""
    return str(os.getpid())


def environment(name: str) -> str:
    """A variable of its environment."""
    return os.environ.get(name, "(not set)")


def die() -> str:
    """Ends its process."""
    print("I cannot go on", file=sys.stderr, flush=True)
    os._exit(3)


def ignore() -> None:
    """Is never answered."""


def freeze() -> None:
    """Stops its process."""
    os.kill(os.getpid(), signal.SIGSTOP)


def child(escape: bool) -> str:
    """Starts a process that outlives it, unless somebody ends it; returns its number."""
    return str(subprocess.Popen([sys.executable, "-c", STUBBORN], start_new_session=escape).pid)


def huge(megabytes: int) -> str:
    """A large result."""
    return "x" * (megabytes * 1_000_000)


def shout(lines: int) -> str:
    """Writes much to standard error, with a secret and with the colours of a terminal."""
    for number in range(lines):
        print(f"\x1b[31mline {number}\x1b[0m {os.environ.get('TEST_API_KEY', '')}\u202e", file=sys.stderr)
    sys.stderr.flush()
    return "shouted"


def flood(what: str) -> str:
    """Writes without end."""
    try:
        while True:
            os.write(1, PIECES[what])
    except OSError:
        os._exit(0)


TOOLS = {one.__name__: one for one in (add, pid, environment, die, ignore, freeze, child, huge, shout, flood)}
KINDS = {"int": "integer", "str": "string", "bool": "boolean"}


def listed(tool: Any) -> dict[str, Any]:
    kinds = {name: kind for name, kind in tool.__annotations__.items() if name != "return"}
    properties = {name: {"type": KINDS[kind]} for name, kind in kinds.items()}
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    return {"name": tool.__name__, "description": tool.__doc__, "inputSchema": schema}


def answer(method: str, params: dict[str, Any]) -> dict[str, Any] | None:
    """The result; None for none."""
    if method == "initialize":
        about = {"name": "Small server", "version": "1"}
        return {"protocolVersion": params["protocolVersion"], "capabilities": {"tools": {}}, "serverInfo": about}
    if method == "tools/list":
        return {"tools": [listed(tool) for tool in TOOLS.values()]}
    if method == "tools/call":
        text = TOOLS[params["name"]](**params.get("arguments") or {})
        return None if text is None else {"content": [{"type": "text", "text": text}]}
    return {}


def main() -> None:
    for line in sys.stdin:
        request = json.loads(line)
        if "id" not in request:
            continue
        reply: dict[str, Any] = {"jsonrpc": "2.0", "id": request["id"]}
        if request["method"] == "server/discover":
            reply["error"] = {"code": -32601, "message": "Method not found"}
        elif (result := answer(request["method"], request.get("params") or {})) is None:
            continue
        else:
            reply["result"] = result
        print(json.dumps(reply), flush=True)


if __name__ == "__main__":
    main()
