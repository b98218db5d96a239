"""JSON as people and editors write it: with comments, and with a comma too many."""

from __future__ import annotations

import json
import re
from typing import Any

from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.tools.mcp.errors import SettingsError

#: Each takes what has no end up to the end of the text, so that none is looked for twice.
_TEXT, _COMMENT, _TRAILING = r'"(?:\\.|[^"\\])*"?', r"//[^\n]*|/\*.*?(?:\*/|\Z)", r",(?=\s*[}\]])"
_LOOSE_COMMENT = re.compile(f"({_TEXT})|{_COMMENT}", re.S)
_LOOSE_COMMA = re.compile(f"({_TEXT})|{_TRAILING}", re.S)
#: Longer ones are no settings.
LONGEST_FILE = 2_000_000
#: A longer text has to be strict JSON: forgiving takes its time, and pasted texts are read in the window's thread.
_LONGEST_FORGIVEN = 200_000


def load_json(text: str) -> dict[str, Any]:
    """The object of a JSON text.

    Raises:
        SettingsError: it is none; names the line.
    """
    if len(text) > LONGEST_FILE:
        raise SettingsError(
            tr("These settings cannot be read"),
            tr("they are longer than {longest_file:,} characters", longest_file=LONGEST_FILE),
        )
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        raise SettingsError(
            tr("These settings are no JSON"),
            tr("line {lineno}, column {colno}: {msg}", lineno=error.lineno, colno=error.colno, msg=error.msg),
            tr("Mend that line."),
        ) from error
    except (RecursionError, ValueError) as error:
        raise SettingsError(
            tr("These settings cannot be read"), tr("they are nested too deeply, or hold no sane number")
        ) from error
    if not isinstance(content, dict):
        raise SettingsError(tr("These settings cannot be read"), tr("they are no JSON object ({...})"))
    return content


def strict(text: str) -> str:
    """JSON as people and editors write it as strict JSON, with the lines where they were."""
    if len(text) > _LONGEST_FORGIVEN:
        return text

    def kept(found: re.Match[str]) -> str:
        return found.group(1) or "\n" * found.group().count("\n")

    return _LOOSE_COMMA.sub(kept, _LOOSE_COMMENT.sub(kept, text.removeprefix("\ufeff")))
