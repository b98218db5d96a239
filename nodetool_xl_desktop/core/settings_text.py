"""The text of `settings.toml`: how a new one explains itself, and where in it a setting stands."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

from nodetool_xl_desktop.core.setting import Setting
from nodetool_xl_desktop.core.translation import tr

WIDTH = 100
_TABLE = re.compile(r"\s*\[\s*([\w.-]+)\s*\]\s*(?:#.*)?$")


def literal(value: Any) -> str:
    """A value as TOML writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")  # a text of JSON is one of TOML


def template(settings: Sequence[Setting[Any]]) -> str:
    """A new file: every setting with what it does and its default, as comments."""
    lines = [
        *_comment(tr("The settings of NodeTool XL Desktop. The page Settings (Ctrl+,) changes the same.")),
        *_comment(tr("Each is as the program chose it until you take the # away from the front of its line.")),
    ]
    table = ""
    for setting in sorted(settings, key=lambda each: bool(each.table)):  # what stands in no table comes first
        if setting.table != table:
            table = setting.table
            lines += ["", f"[{table}]"]
        lines += ["", *_comment(_about(setting)), f"# {setting.name} = {literal(setting.default)}"]
    return "\n".join(lines) + "\n"


def line_of(text: str, key: str) -> int | None:
    """The line on which a key stands, counted from 1; None where it is not found."""
    table, _, name = key.rpartition(".")
    for number, (within, line) in enumerate(_lines(text), 1):
        if re.match(rf"\s*{re.escape(name)}\s*=", line) and within == table:
            return number
        if re.match(rf"\s*{re.escape(key)}\s*[.=]", line) and not within:
            return number
        if (head := _TABLE.match(line)) and head[1] == key:
            return number
    return None


def with_line(text: str, setting: Setting[Any]) -> str:
    """With the setting's default on a line behind the one where it is commented out; the same where there is none."""
    pattern = re.compile(rf"\s*#\s*{re.escape(setting.name)}\s*=")
    lines = text.split("\n")
    for place, (within, line) in enumerate(_lines(text)):
        if within == setting.table and pattern.match(line):
            end = "\r" if line.endswith("\r") else ""
            lines.insert(place + 1, f"{setting.name} = {literal(setting.default)}{end}")
            break
    return "\n".join(lines)


def _lines(text: str) -> Iterator[tuple[str, str]]:
    """Each line with the table that it stands in."""
    table = ""
    for line in text.split("\n"):
        if head := _TABLE.match(line):
            table = head[1]
        yield table, line


def _about(setting: Setting[Any]) -> str:
    parts = [tr(setting.about)]
    if setting.choices:
        parts.append(tr("One of: {choices}.", choices=", ".join(literal(choice) for choice in setting.choices)))
    elif setting.most:
        parts.append(tr("From {least:,} to {most:,}.", least=setting.least, most=setting.most))
    if setting.special:
        parts.append(tr("{least} is: {special}.", least=setting.least, special=tr(setting.special)))
    if setting.needs_restart:
        parts.append(tr("Holds from the next start on."))
    if setting.variable:
        parts.append(tr("The variable {variable} goes before.", variable=setting.variable))
    return " ".join(parts)


def _comment(text: str) -> list[str]:
    return [f"# {line}" for line in textwrap.wrap(" ".join(text.split()), WIDTH - 2)]
