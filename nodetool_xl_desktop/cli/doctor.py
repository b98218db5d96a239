"""`doctor`: what is installed, what the engine sees, where things lie, and what is wrong with its remedy."""

from __future__ import annotations

import asyncio
import importlib.metadata
import json
import platform
import tempfile
from dataclasses import asdict, dataclass, field
from typing import Any

from nodetool_xl_desktop import __version__
from nodetool_xl_desktop.core import system_libraries, units
from nodetool_xl_desktop.core.logging import log_file
from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.engine import hardware, wheels
from nodetool_xl_desktop.engine.errors import EngineError, Fault
from nodetool_xl_desktop.library import starter

PACKAGES = ("xllamacpp", "PySide6-Essentials", "qasync", "httpx2", "huggingface-hub", "tiktoken", "psutil")


@dataclass(slots=True)
class Diagnosis:
    """What was found. `problems` are pairs of what is wrong and what to do about it."""

    versions: dict[str, str | None]
    memory: dict[str, int]
    devices: list[dict[str, Any]]
    engine: dict[str, str]
    paths: dict[str, str]
    problems: list[dict[str, str]] = field(default_factory=list)


def run(paths: Paths, *, as_json: bool) -> None:
    """Look at this machine and print what was found."""
    diagnosis = examine(paths)
    print(json.dumps(asdict(diagnosis), indent=2) if as_json else _text(diagnosis))


def examine(paths: Paths) -> Diagnosis:
    """Look at this machine; the engine is asked in a throw-away child."""
    wheel = wheels.recommend(hardware.look())
    memory = hardware.host_memory()
    diagnosis = Diagnosis(
        versions={
            "nodetool-xl-desktop": __version__,
            "Python": platform.python_version(),
            **{package: _version(package) for package in PACKAGES},
        },
        memory={"total": memory.total, "free": memory.free},
        devices=[],
        engine={"suits": wheel.title, "because": wheel.why, "command": wheel.command},
        paths={
            "data": str(paths.data),
            "models": str(paths.models),
            "starter model": str(starter.starter_path(paths)),
            "log": str(log_file(paths.logs)),
        },
    )
    try:
        diagnosis.devices = asyncio.run(hardware.engine_devices())
    except EngineError as error:
        remedy = wheel.command if error.fault is Fault.ENGINE_MISSING else error.hint
        diagnosis.problems.append({"problem": f"{error.what}{': ' if error.why else ''}{error.why}", "remedy": remedy})
    diagnosis.problems += _library_problems() + _folder_problems(paths)
    return diagnosis


def _library_problems() -> list[dict[str, str]]:
    missing = system_libraries.missing()
    if not missing:
        return []
    return [
        {
            "problem": tr("Qt and the engine lack {missing}", missing=", ".join(missing)),
            "remedy": tr("sudo apt-get install {join}", join=" ".join(missing.values())),
        }
    ]


def _folder_problems(paths: Paths) -> list[dict[str, str]]:
    problems = []
    for folder in (paths.data, paths.logs):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):  # asking for permission would not see a full or read-only disk
                pass
        except OSError as error:
            problems.append(
                {
                    "problem": tr(
                        "Nothing can be written in {folder}: {strerror}", folder=folder, strerror=error.strerror
                    ),
                    "remedy": tr("Make room, or give yourself the right to write there."),
                }
            )
    return problems


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _text(diagnosis: Diagnosis) -> str:
    lines = [f"{name:<22}{version or 'not installed'}" for name, version in diagnosis.versions.items()]
    free, total = (units.memory(diagnosis.memory[key]) for key in ("free", "total"))
    lines += ["", tr("{value:<22}{free} of {total} free", value="Memory", free=free, total=total)]
    lines += [f"{'Device: ' + device['name']:<22}{device['description']}" for device in diagnosis.devices]
    lines += ["", f"{'Engine that suits':<22}{diagnosis.engine['suits']}: {diagnosis.engine['because']}"]
    lines += [f"{'':<22}{diagnosis.engine['command']}", ""]
    lines += [f"{name.capitalize():<22}{path}" for name, path in diagnosis.paths.items()]
    lines.append("")
    if not diagnosis.problems:
        return "\n".join([*lines, tr("No problem was found.")])
    for problem in diagnosis.problems:
        lines += [
            tr("Problem: {problem}", problem=problem["problem"]),
            tr("  Remedy: {problem}", problem=problem["remedy"]),
        ]
    return "\n".join(lines)
