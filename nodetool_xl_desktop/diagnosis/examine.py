"""A look at this installation: what is there, what the engine sees, where things lie, what is wrong with its remedy."""

from __future__ import annotations

import asyncio
import importlib.metadata
import importlib.util
import platform
import tempfile
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from nodetool_xl_desktop import __version__
from nodetool_xl_desktop.core import system_libraries, units
from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.logging import log_file
from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.core.setting import Origin
from nodetool_xl_desktop.core.settings import SETTINGS
from nodetool_xl_desktop.core.settings_file import SettingsFile
from nodetool_xl_desktop.core.settings_text import literal
from nodetool_xl_desktop.core.threads import in_own_thread
from nodetool_xl_desktop.core.translation import mark, tr
from nodetool_xl_desktop.engine import hardware, wheels
from nodetool_xl_desktop.engine.engines import Engines, Installed
from nodetool_xl_desktop.engine.errors import EngineError, Fault
from nodetool_xl_desktop.engine.in_use import InUse
from nodetool_xl_desktop.library import starter

PACKAGES = ("xllamacpp", "PySide6-Essentials", "qasync", "httpx2", "huggingface-hub", "tiktoken", "psutil")
#: What the places are called, which the JSON names otherwise.
_PLACES = {
    "data": mark("Data"),
    "models": mark("Models"),
    "starter model": mark("Starter model"),
    "settings": mark("Settings"),
    "log": mark("Log"),
}


@dataclass(slots=True)
class Diagnosis:
    """What was found.

    `settings` are those that are not the default, as the file writes them and with who says so; `problems` are pairs of
    what is wrong and what to do about it.
    """

    versions: dict[str, str | None]
    memory: dict[str, int]
    devices: list[dict[str, Any]]
    engine: dict[str, str]
    paths: dict[str, str]
    settings: dict[str, str] = field(default_factory=dict)
    problems: list[dict[str, str]] = field(default_factory=list)


def examine(paths: Paths) -> Diagnosis:
    """Look at this machine; the engine is asked in a throw-away child. Blocks for seconds."""
    return asyncio.run(look(paths))


async def look(paths: Paths) -> Diagnosis:
    """The same, for who has a loop; cancelled, it ends the child."""
    wheel = wheels.recommend(await hardware.looked())
    diagnosis, chosen = await in_own_thread(partial(_look_without_child, paths, wheel), "doctor")
    try:
        diagnosis.devices = await hardware.engine_devices()
    except EngineError as error:
        remedy = wheel.command if error.fault is Fault.ENGINE_MISSING else error.hint
        diagnosis.problems.append({"problem": f"{error.what}{': ' if error.why else ''}{error.why}", "remedy": remedy})
    fallen = InUse.why_not(chosen) if chosen is not None else None
    if fallen is not None:
        diagnosis.problems.append({"problem": f"{fallen.what}: {fallen.why}", "remedy": fallen.hint})
    runs = chosen if fallen is None else None
    diagnosis.engine |= {
        "runs": runs.title if runs is not None else tr("the program's own"),
        "from": str(runs.folder) if runs is not None else _own_engine(),
    }
    return diagnosis


def _look_without_child(paths: Paths, wheel: wheels.Wheel) -> tuple[Diagnosis, Installed | None]:
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
            "settings": str(paths.settings_file),
            "log": str(log_file(paths.logs)),
        },
    )
    chosen = _chosen(paths, diagnosis)
    _add_settings(paths, diagnosis)
    diagnosis.problems += _library_problems() + _folder_problems(paths)
    return diagnosis, chosen


def _chosen(paths: Paths, diagnosis: Diagnosis) -> Installed | None:
    try:
        return Engines(paths.engines).chosen()
    except UserFacingError as error:
        diagnosis.problems.append({"problem": f"{error.what}: {error.why}", "remedy": error.hint})
        return None


def _add_settings(paths: Paths, diagnosis: Diagnosis) -> None:
    values = SettingsFile(paths.settings_file).read()
    for setting in SETTINGS:
        if setting.is_shown and values.origin(setting) is not Origin.DEFAULT:
            said = tr("{value} ({origin})", value=literal(values[setting]), origin=values.told(setting))
            diagnosis.settings[setting.key] = said
    remedy = tr("Correct it, or remove it for the default.")
    diagnosis.problems += [{"problem": each, "remedy": remedy} for each in values.problems]


def _own_engine() -> str:
    """Where the program's own engine lies; empty where it has none."""
    found = importlib.util.find_spec("xllamacpp")
    return str(Path(found.origin).parent) if found is not None and found.origin else ""


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


def _row(name: str, said: str) -> str:
    return f"{name:<21} {said}"


def as_text(diagnosis: Diagnosis) -> str:
    """All of it as people read it, in lines."""
    lines = [_row(name, version or tr("not installed")) for name, version in diagnosis.versions.items()]
    free, total = (units.memory(diagnosis.memory[key]) for key in ("free", "total"))
    lines += ["", _row(tr("Memory"), tr("{free} of {total} free", free=free, total=total))]
    lines += [_row(tr("Device: {name}", name=each["name"]), each["description"]) for each in diagnosis.devices]
    lines += ["", _row(tr("Engine in use"), diagnosis.engine["runs"])]
    lines += [_row("", diagnosis.engine["from"])] if diagnosis.engine["from"] else []
    lines += [_row(tr("Engine that suits"), f"{diagnosis.engine['suits']}: {diagnosis.engine['because']}")]
    lines += [_row("", diagnosis.engine["command"]), ""]
    lines += [_row(tr(_PLACES[name]), path) for name, path in diagnosis.paths.items()]
    if diagnosis.settings:
        lines += ["", tr("Settings that are not the default:")]
        lines += [f"{key:<30}{value}" for key, value in diagnosis.settings.items()]
    lines.append("")
    if not diagnosis.problems:
        return "\n".join([*lines, tr("No problem was found.")])
    for problem in diagnosis.problems:
        lines += [
            tr("Problem: {problem}", problem=problem["problem"]),
            tr("  Remedy: {problem}", problem=problem["remedy"]),
        ]
    return "\n".join(lines)
