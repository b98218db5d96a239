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
from typing import Any, ClassVar

PROPERTIES = {"default_generation_settings": {"n_ctx": 512}}
WORDS = ["One", " two", " three", "\u2028four", "\u0085five"]


#: What the parent asked for.
REQUEST: dict[str, Any] = {}
#: What the engine planned for a device of 2 GiB and a Llama of 8B (`engine-facts.md`): layers on it, MiB.
PLANNED_MIB = {0: 0, 4: 577, 8: 1171, 10: 1468, 12: 1765, 13: 1913, 14: 2062, 33: 4872}


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
        if not self.path.endswith("/chat/completions"):  # it counts nothing
            self.send_error(404)
            return
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


def serve(engine: type[Engine] = Engine) -> None:
    """Answer on loopback from now on, and tell the parent where."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), engine)
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


def journaled(journal: str) -> None:
    """Sound; the file is told of each start, one line with the process id."""
    with Path(journal).open("a") as file:
        print(os.getpid(), file=file, flush=True)
    sound()


def weighs() -> None:
    """Sound; it holds as many MiB as it was asked for tokens of context."""
    held = bytearray(os.urandom(4096) * (256 * int(REQUEST["context_length"])))
    sound()
    held.clear()


def weighs_and_works() -> None:
    """The same; a model of the name "working" works without a rest."""

    def work() -> None:
        while True:
            pass

    if Path(REQUEST["model"]).name == "working":
        threading.Thread(target=work, daemon=True).start()
    weighs()


def starts_when(folder: str) -> None:
    """Sound, once there is a file of its model's name in this folder."""
    while not Path(folder, Path(REQUEST["model"]).name).exists():
        time.sleep(0.01)
    sound()


def hangs_up_early(phase: str) -> None:
    """It closes the connection before it has said a word: at the first question ("starting"), or at a chat."""

    def hang_up(engine: Engine) -> None:
        engine.connection.shutdown(2)

    setattr(Engine, "do_GET" if phase == "starting" else "do_POST", hang_up)
    sound()


def closes_its_port() -> None:
    """It answers one chat, then listens no more, and lives on."""
    answers = Engine.do_POST

    def answer_and_close(engine: Engine) -> None:
        engine.server.shutdown()  # else the system may still take a connection that nobody answers
        engine.server.server_close()
        answers(engine)

    Engine.do_POST = answer_and_close  # type: ignore[method-assign]
    sound()


def answers(script: str) -> None:
    """It answers each chat with what the script says, a JSON object.

    `caps`: of its template. `vision`: whether it takes images. `deltas`: what it streams, one chunk each.
    `rounds`: the same for one request after the other, the last one again and again.
    `reason`: why it finished ("stop"), or "crash", or "silence" where it never does.
    `reasons`: the same for one request after the other, the last one again and again.
    `journal`: a file that is told of each request, one JSON line each.
    """
    played = json.loads(script)

    class Player(Engine):
        properties: ClassVar[Any] = {
            **PROPERTIES,
            "chat_template_caps": played.get("caps", {}),
            "modalities": {"vision": played.get("vision", False)},
        }

        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if "journal" in played:
                with Path(played["journal"]).open("a", encoding="utf-8") as file:
                    print(json.dumps(request), file=file, flush=True)
            self._head("text/event-stream")
            rounds = played.get("rounds") or [played["deltas"]]
            played["rounds"] = rounds[1:] or rounds
            for delta in rounds[0]:
                self._say({"choices": [{"delta": delta}]})
            reasons = played.get("reasons") or [played.get("reason", "stop")]
            played["reasons"] = reasons[1:] or reasons
            reason = reasons[0]
            if reason == "silence":
                self.wfile.flush()
                time.sleep(600)
            if reason == "crash":
                self.wfile.flush()
                time.sleep(0.2)  # a crash would take back what the system has not sent yet
                os.kill(os.getpid(), signal.SIGKILL)
            self._say({"choices": [{"delta": {}, "finish_reason": reason}], "usage": {"completion_tokens": 3}})
            self.wfile.write(b"data: [DONE]\n\n")

    serve(Player)
    until_asked_to_end()


def echoes(script: str) -> None:
    """It answers each chat with what it was asked last, a word at a time, as many chats at once as it has slots.

    A prompt has as many tokens as words. The script is a JSON object. `pace_s`: between two words, 0 without it.
    `times`: how often the words are said, once without it. `title`: what it says where it is asked for a title.
    `journal`: a file that is told of each chat when it is begun, one JSON line each.
    `gate`: while there is no such file, no answer goes on behind its first word.
    `caps`: of its template. Where tools are offered, "!add {...}" is not said again but makes a call of `add`; the
    result of a call is said again as anything else.
    """
    played = json.loads(script)
    slots = threading.Semaphore(int(REQUEST["parallel"]))

    class Echo(Engine):
        properties: ClassVar[Any] = {
            "default_generation_settings": {"n_ctx": REQUEST["context_length"]},
            "chat_template_caps": played.get("caps", {}),
        }

        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            match self.path:
                case "/apply-template":
                    self._tell({"prompt": " ".join(text_of(turn) for turn in request["messages"])})
                case "/tokenize":
                    self._tell({"tokens": request["content"].split()})
                case _:
                    with slots:
                        self._answer(request)

        def _tell(self, said: Any) -> None:
            self._head("application/json")
            self.wfile.write(json.dumps(said).encode())

        def _answer(self, request: Any) -> None:
            if "journal" in played:
                with Path(played["journal"]).open("a", encoding="utf-8") as file:
                    print(json.dumps(request), file=file, flush=True)
            self._head("text/event-stream")
            said = text_of(request["messages"][-1])
            if said.startswith("!") and request.get("tools"):
                self._call(said)
                return
            is_title = "title" in played and "a title" in said
            words = played["title"].split() if is_title else said.split() * played.get("times", 1)
            for number, word in enumerate(words):
                self._say({"choices": [{"delta": {"content": f"{' ' if number else ''}{word}"}}]})
                while not is_title and "gate" in played and not Path(played["gate"]).exists():
                    self._say({"choices": [{"delta": {}}]})  # it hears of nobody listening any more by this
                    time.sleep(0.01)
                time.sleep(played.get("pace_s", 0))
            usage = {"prompt_tokens": 1, "completion_tokens": len(words)}
            self._say({"choices": [{"delta": {}, "finish_reason": "stop"}], "usage": usage})
            self.wfile.write(b"data: [DONE]\n\n")

        def _call(self, said: str) -> None:
            name, _, arguments = said[1:].partition(" ")
            call = {"index": 0, "id": f"call-{time.monotonic_ns()}", "type": "function"}
            call["function"] = {"name": name, "arguments": arguments}
            self._say({"choices": [{"delta": {"content": "Let me see."}}]})
            self._say({"choices": [{"delta": {"tool_calls": [call]}}]})
            usage = {"prompt_tokens": 1, "completion_tokens": 1}
            self._say({"choices": [{"delta": {}, "finish_reason": "tool_calls"}], "usage": usage})
            self.wfile.write(b"data: [DONE]\n\n")

    serve(Echo)
    until_asked_to_end()


def text_of(turn: dict[str, Any]) -> str:
    """What a message of a request says."""
    content = turn["content"]
    return content if isinstance(content, str) else " ".join(part.get("text", "") for part in content)


def planned(journal: str, free_mib: str = "2048", most: str = "33", name: str = "Vulkan0 (llvmpipe (LLVM 15))") -> None:
    """It logs the plan of a load with so many layers on a device as the engine does, and aborts.

    Args:
        journal: the file that is told of each plan, one line with its layers.
        free_mib: of the device, which has 2 GiB.
        most: with more layers it aborts before it has a plan.
        name: the device's, and in brackets its description.
    """
    layers = int(REQUEST["gpu_layers"])
    with Path(journal).open("a") as file:
        print(layers, file=file, flush=True)
    no_core_file()
    if layers <= int(most):
        total = interpolated(layers)
        log_table([device_row(name, 2048, int(free_mib), total), host_row("Host", 728), host_row("CPU_REPACK", 9)])
        log("I common_params_fit_impl: projected memory use")
        log_table([device_row(name, 2048, int(free_mib), 1), host_row("Host", 1)])  # its own attempts to fit
    os.abort()


def planned_for_ever(journal: str) -> None:
    """It logs a plan, and then neither aborts nor hears that it should end."""
    with Path(journal).open("a") as file:
        print(os.getpid(), file=file, flush=True)
    log_table([host_row("Host", 728)])
    log("D create_tensor: loading tensor blk.0.attn_q.weight")
    time.sleep(600)


def planned_when(file: str, journal: str) -> None:
    """It plans once this file is there."""
    with Path(journal).open("a") as told:
        print(os.getpid(), file=told, flush=True)
    while not Path(file).exists():
        time.sleep(0.01)
    log_table([host_row("Host", 728)])
    no_core_file()
    os.abort()


def plan_in_other_words() -> None:
    """It logs a table with a row of another shape."""
    log_table(["|   - CUDA0 (A card) | 2048 of which 1913 are needed |", host_row("Host", 728)])
    no_core_file()
    os.abort()


def interpolated(layers: int) -> int:
    """MiB of the device for this number of layers; those that were measured are told as they were."""
    low = max(known for known in PLANNED_MIB if known <= layers)
    high = min(known for known in PLANNED_MIB if known >= layers)
    share = (layers - low) / max(high - low, 1)
    return round(PLANNED_MIB[low] + share * (PLANNED_MIB[high] - PLANNED_MIB[low]))


def device_row(name: str, total: int, free: int, taken: int) -> str:
    """`template_gpu` of llama.cpp's common/fit.cpp; the KV cache and the compute buffer are 16 and 8 MiB at most."""
    context, compute = min(taken, 16), min(max(taken - 16, 0), 8)
    model, rest = taken - context - compute, total - free - taken
    parts = f"({taken:>4} = {model:>5} + {context:>7} + {compute:>7})"
    return f"|   - {name:<18} | {total:>5} = {free:>4} + {parts} + {rest:>11} |"


def host_row(name: str, model: int) -> str:
    """`template_other` of llama.cpp's common/fit.cpp."""
    return f"|   - {name:<18} | {'':>5}   {'':>4}    {model + 5:>4} = {model:>5} + {3:>7} + {2:>7}    {'':>11} |"


def log_table(rows: list[str]) -> None:
    heading = "| memory breakdown [MiB] | total   free    self   model   context   compute    unaccounted |"
    for row in (heading, *rows):
        log(f"I common_memory_breakdown_print: {row}")


def log(text: str) -> None:
    print(f"0.00.145.607 {text}", file=sys.stderr, flush=True)


def no_core_file() -> None:
    if sys.platform != "win32":
        import resource  # noqa: PLC0415 - POSIX only

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


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
    "journaled": journaled,
    "weighs": weighs,
    "weighs-and-works": weighs_and_works,
    "starts-when": starts_when,
    "hangs-up-early": hangs_up_early,
    "closes-its-port": closes_its_port,
    "answers": answers,
    "echoes": echoes,
    "planned": planned,
    "planned-for-ever": planned_for_ever,
    "planned-when": planned_when,
    "plan-in-other-words": plan_in_other_words,
}


if __name__ == "__main__":
    REQUEST.update(json.loads(sys.stdin.readline() or "{}"))
    SCRIPTS[sys.argv[1]](*sys.argv[2:])
