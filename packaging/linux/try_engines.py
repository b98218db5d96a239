"""Has a frozen program run an engine out of its data folder, and fall back where one does not start.

    try_engines.py PROGRAM MODEL

The wheels are those of tests/engine_wheels.py: the engine that is installed here, and one that aborts. They are put
where the program of this user looks, by the code that its window does it with.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))
import engine_wheels

from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.engine.engines import Engines
from nodetool_xl_desktop.engine.wheel_file import look_into

MARK = "the engine from the wheel runs"


def said(*command: str) -> str:
    """What a command prints; its end is expected to be a good one."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def doctor(program: str) -> dict[str, object]:
    """What `doctor` finds."""
    found: dict[str, object] = json.loads(said(program, "doctor", "--json"))
    return found


def main() -> None:
    """Try both; ends with what is wrong."""
    program, model = sys.argv[1:]
    engines = Engines(Paths.default().engines)
    with tempfile.TemporaryDirectory() as work:
        trace = Path(work) / "trace"
        before = f"from pathlib import Path; Path({str(trace)!r}).write_text({MARK!r})"
        good = engines.install(look_into(engine_wheels.real(Path(work), before=before)), "a file")
        engines.choose(good)
        runs = doctor(program)["engine"]
        if not isinstance(runs, dict) or runs["from"] != str(good.folder):
            sys.exit(f"doctor says that another engine runs: {runs}")
        trace.unlink()
        if not said(program, "ask", model, "Say hello.", "--max-tokens", "5").strip() or not trace.exists():
            sys.exit("The engine of the data folder has not answered.")

        trace.unlink()
        broken = engines.install(look_into(engine_wheels.scripted(Path(work), "import os; os.abort()")), "a file")
        engines.choose(broken)
        found = doctor(program)
        problems, runs = found["problems"], found["engine"]
        if not problems or not isinstance(runs, dict) or "_internal" not in runs["from"]:
            sys.exit(f"doctor does not say that the engine does not start: {found}")
        if not said(program, "ask", model, "Say hello.", "--max-tokens", "5").strip() or trace.exists():
            sys.exit("The program's own engine has not taken the place of a broken one.")
        for engine in (good, broken):
            engines.remove(engine)
        if (now := doctor(program))["problems"]:
            sys.exit(f"A problem is left once the engine is removed: {now['problems']}")


if __name__ == "__main__":
    main()
