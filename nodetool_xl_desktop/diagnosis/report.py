"""A report of a problem, for those who could mend it: what runs where, and the end of the log.

A person gives it to strangers, so nothing in it is theirs: no text of a chat, no content of a file, no name of theirs
in a path, no token. What is left of the log are its own lines; everything else in it is left out.
"""

from __future__ import annotations

import os
import platform
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nodetool_xl_desktop import __version__
from nodetool_xl_desktop.core import logging as program_log
from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.core.setting import Origin, Setting
from nodetool_xl_desktop.core.settings import SETTINGS
from nodetool_xl_desktop.core.settings_file import Values
from nodetool_xl_desktop.core.text import one_line

LOG_LINES = 60
REMOVED = "[removed]"
#: No line is told further than this, in letters.
_LONGEST = 400
#: Of what the interpreter wrote when the program was ended by a fault.
_CRASH_LINES = 120
#: A line that `core.logging` begins, or one of a traceback as `core.uncaught` writes it.
_LOGGED = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d+ (DEBUG|INFO|WARNING|ERROR|CRITICAL) nodetool_xl_desktop\S*:")
_FRAME = re.compile(r'\s*File ".+", line \d+(, in .+)?|Traceback \(most recent call last\):|\s*\^+\s*|\s*~*\^+~*\s*')
_RAISED = re.compile(r"\s*[A-Za-z_][\w.]*(Error|Exception|Warning|Interrupt|Exit|Group|Iteration)\b(: .*)?")
_CHAINED = "The above exception was the direct cause of this one:"
_SECRETS = (
    re.compile(r"\b(hf_|sk-|gh[pousr]_|github_pat_|glpat-|xox[abp]-|AKIA|eyJ)[\w.-]{6,}"),
    re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{6,}"),
    re.compile(
        r"(?i)((?:api[_-]?key|token|secret|passw(?:or)?d|authorization)[\"']?\s*[=:]\s*[\"']?)(?!\s)[^\s\"',;)]{3,}"
    ),
    re.compile(r"(?<=://)[^/\s@]+@"),
    re.compile(r"(?<=[\w/])\?[^\s\"')]*=[^\s\"')]*"),  # what stands behind the ? of an address
    re.compile(r"\b(?=[\w-]*\d)(?=[\w-]*[A-Za-z])[\w-]{40,}\b"),
)
#: Homes of others, or of this person on another disk.
_HOMES = re.compile(r"((?:[A-Za-z]:)?[\\/]+(?:home|Users)[\\/]+)[^\\/\"'<>|:\n]+")
_QUOTED_FILE = re.compile(
    r"([^\s\"'(]*[\\/])[^\\/\"'()]{1,200}\.(md|txt|html?|pdf|docx?|csv|png|jpe?g|webp)\b", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Facts:
    """What the window knows and the log does not.

    Attributes:
        qt: its version, and how it draws.
        engine: which one runs; empty where nobody knows.
        devices: what the engine sees beside the processor, one line each.
        model: of the loaded model what its header says of its kind; empty for none.
        values: the settings.
    """

    qt: str = ""
    engine: str = ""
    devices: Sequence[str] = ()
    model: str = ""
    values: Values = field(default_factory=Values)


def report(paths: Paths, facts: Facts, happened: str = "", crash: str = "") -> str:
    """The report as lines of text; touches the disk.

    It is in English whatever the person reads, as those who mend it are to understand it.

    Args:
        paths: the program's folders.
        facts: what the window knows.
        happened: what the program says happened; empty where a person reports something.
        crash: what the interpreter wrote when the program was ended by a fault.
    """
    parts = [f"NodeTool XL Desktop {__version__}", *_lines(_about_system(facts))]
    if happened:
        parts += ["", "What happened:", happened]
    if chosen := list(_settings(facts.values)):
        parts += ["", "Settings that are not the default:", *chosen]
    if crash:
        parts += ["", "Where the program was when it was ended:", *crash.splitlines()[:_CRASH_LINES]]
    log = [line for line in program_log.tail(paths.logs, LOG_LINES) if _is_ours(line)]
    parts += ["", f"The last lines of the log ({len(log)}):", *log]
    return "\n".join(one_line_of(line) for line in parts)


def log_tail(paths: Paths) -> str:
    """The end of the log as the report has it; touches the disk."""
    return "\n".join(one_line_of(line) for line in program_log.tail(paths.logs, LOG_LINES) if _is_ours(line))


def one_line_of(line: str) -> str:
    """A line without what is a person's."""
    indent = line[: len(line) - len(line.lstrip())]
    return indent + without_names(one_line(line, _LONGEST)) if line.strip() else ""


def without_names(text: str) -> str:
    """A text without the home, the names of the user, tokens, and the names of documents."""
    for home in _homes():
        text = re.sub(re.escape(home) + r"(?![\w.-])", "~", text, flags=re.IGNORECASE if os.name == "nt" else 0)
    text = _HOMES.sub(lambda found: f"{found[1]}{REMOVED}", text)
    for secret in _SECRETS:
        text = secret.sub(lambda found: (found[1] if _keeps(found) else "") + REMOVED, text)
    text = _QUOTED_FILE.sub(lambda found: f"{found[1]}{REMOVED}.{found[2]}", text)
    for name in _users():
        text = re.sub(rf"(?<![A-Za-z0-9]){re.escape(name)}(?![A-Za-z0-9])", REMOVED, text, flags=re.IGNORECASE)
    return text


def _keeps(found: re.Match[str]) -> bool:
    """Whether what stands before a secret names what it is, as `token=` does."""
    return bool(found.re.groups) and found[1].rstrip("\"' ").endswith(("=", ":"))


def _homes() -> list[str]:
    """The home as it may be written, the longest first."""
    found = {os.path.expanduser("~"), os.environ.get("HOME", ""), os.environ.get("USERPROFILE", "")}  # noqa: PTH111
    found |= {os.path.realpath(home) for home in found if home}
    return sorted((home for home in found if len(home) > 3 and home != os.sep), key=len, reverse=True)


def _users() -> list[str]:
    """How the user is called, where that is a name: "root" says nothing about anybody."""
    named = {os.environ.get(name, "") for name in ("USER", "LOGNAME", "USERNAME", "SUDO_USER")}
    named |= {Path(home).name for home in _homes()}
    return sorted((name for name in named if len(name) > 2 and name.lower() not in _NOBODY), key=len, reverse=True)


_NOBODY = {"root", "user", "admin", "administrator", "home", "data", "python", "nobody", "runner", "models", "model"}


def _is_ours(line: str) -> bool:
    """Whether a line of the log is of the program's own words."""
    if _LOGGED.match(line):
        return True
    return bool(_FRAME.fullmatch(line)) or line == _CHAINED or bool(_RAISED.fullmatch(line))


def _about_system(facts: Facts) -> Mapping[str, str]:
    system = f"{platform.system()} {platform.release()} ({platform.machine()})"
    if platform.system() == "Linux":
        try:
            about = platform.freedesktop_os_release()
        except OSError:  # none is named
            about = {}
        system = f"{about.get('PRETTY_NAME', 'Linux')}, {platform.release()} ({platform.machine()})"
    elif platform.system() == "Darwin":
        system = f"macOS {platform.mac_ver()[0]} ({platform.machine()})"
    return {
        "System": system,
        "Python": f"{platform.python_version()}{', frozen' if getattr(sys, 'frozen', False) else ''}",
        "Qt": facts.qt,
        "Engine": facts.engine,
        "Devices": "; ".join(facts.devices) or "the processor",
        "Model": facts.model or "none is loaded",
    }


def _lines(about: Mapping[str, str]) -> Iterable[str]:
    return [f"{name + ':':<10}{value}" for name, value in about.items() if value]


def _settings(values: Values) -> Iterable[str]:
    for setting in SETTINGS:
        if values.origin(setting) is not Origin.DEFAULT and setting.is_shown:
            yield f"{setting.key} = {_value(setting, values)} ({values.origin(setting).value})"


def _value(setting: Setting[Any], values: Values) -> str:
    """Numbers and choices as they are; of what a person typed only that it is there."""
    value = values[setting]
    if isinstance(value, str) and value not in setting.choices:
        return REMOVED if value else '""'
    return repr(value)
