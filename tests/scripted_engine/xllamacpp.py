"""An engine with the speeds that a test wants, for what compares speeds: `PYTHONPATH` puts it before the real one.

`PLAYED` is a JSON list of rules; the first one counts whose settings (`threads`, `batch`, `flash`, `layers`) are those
of the load. It gives `prompt` and `decode` in tokens per second, each a number or what the samples say one after the
other; or `fail`, the engine's last words; or `play`: "die" or "hang" in the middle of an answer (`after` so many sound
ones), "silent" for an engine that tells no speeds. `PLAYED_JOURNAL` names a file that is told of each load and each
prompt, one JSON line each.
"""

from __future__ import annotations

import http.server
import json
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

TEMPLATE_TOKENS = 30


class Named:
    """A value or a table of values that nobody looks into."""

    def __init__(self, name: str = "") -> None:
        self.name = name

    def __getattr__(self, name: str) -> Named:
        made = Named(name)
        setattr(self, name, made)
        return made

    def __getitem__(self, name: str) -> Named:
        return Named(name)


CommonParams = Named
ggml_type, llama_flash_attn_type, llama_load_mode = Named(), Named(), Named()


class Server:
    """Answers on loopback as the engine does."""

    def __init__(self, params: Any) -> None:
        flash = {"AUTO": None, "ENABLED": True, "DISABLED": False}[params.flash_attn_type.name.rpartition("_")[2]]
        settings = {
            "threads": params.cpuparams.n_threads,
            "batch": params.n_batch,
            "flash": flash,
            "layers": params.n_gpu_layers,
        }
        tell({"load": settings, "pid": os.getpid()})
        rules = json.loads(os.environ["PLAYED"])
        rule = next(rule for rule in rules if all(rule.get(name, value) == value for name, value in settings.items()))
        if "fail" in rule:
            print(f"E {rule['fail']}", file=sys.stderr, flush=True)
            raise RuntimeError("Failed to init server")
        handler = type("Handler", (Engine,), {"rule": rule, "context": params.n_ctx, "asked": 0})
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.listening_address = f"http://127.0.0.1:{server.server_port}"


class Engine(http.server.BaseHTTPRequestHandler):
    rule: dict[str, Any]
    context: int
    asked: int

    def do_GET(self) -> None:
        self._head("application/json")
        self.wfile.write(json.dumps({"default_generation_settings": {"n_ctx": self.context}}).encode())

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        prompt, most = request["messages"][-1]["content"], request["max_tokens"]
        tokens, number = len(prompt.split()) + TEMPLATE_TOKENS, type(self).asked
        type(self).asked += 1
        tell({"prompt": prompt, "tokens": tokens, "max_tokens": most, "pid": os.getpid()})
        self._head("text/event-stream")
        self._say({"choices": [], "prompt_progress": {"total": tokens, "cache": 0, "processed": tokens}})
        for spoken in range(most):
            if spoken == 2 and number >= self.rule.get("after", 1):  # not in the warm-up
                self._interrupt()
            self._say({"choices": [{"delta": {"content": "word "}}]})
        end: dict[str, Any] = {"choices": [{"delta": {}, "finish_reason": "length"}]}
        end["usage"] = {"prompt_tokens": tokens, "completion_tokens": most}
        if self.rule.get("play") != "silent":
            speeds = (self._speed(name, number) for name in ("prompt", "decode"))
            end["timings"] = dict(zip(("prompt_per_second", "predicted_per_second"), speeds, strict=True))
        self._say(end)
        self.wfile.write(b"data: [DONE]\n\n")

    def log_message(self, *_: Any) -> None:
        """Silence: standard error is the engine's log."""

    def _interrupt(self) -> None:
        if self.rule.get("play") == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.rule.get("play") == "hang":
            time.sleep(600)

    def _speed(self, name: str, number: int) -> float:
        said = self.rule.get(name, 100)
        return float(said[max(0, number - 1) % len(said)] if isinstance(said, list) else said)

    def _head(self, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.end_headers()

    def _say(self, chunk: dict[str, Any]) -> None:
        self.wfile.write(b"data: " + json.dumps(chunk).encode() + b"\n\n")


def tell(entry: dict[str, Any]) -> None:
    if journal := os.environ.get("PLAYED_JOURNAL"):
        with Path(journal).open("a", encoding="utf-8") as file:
            print(json.dumps(entry), file=file, flush=True)
