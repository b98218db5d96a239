"""The one way from a text of the program to the language of the person.

Every text that a person reads is written in English where it is used, inside of `tr` (or `trn`, where it counts
things); `make texts` collects them into `resources/translations/`, in the form of gettext.

Texts that are constants are translated when their module is imported, so the language is chosen once for a process,
when this module is: by the environment, else by the settings, else as the system says. Another one takes a new start.

`PSEUDO` is no language: each text in it is longer and has accents, so that what was never translated, and what has no
room to grow, is seen at once.
"""

from __future__ import annotations

import gettext
import locale
import os
import string
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from nodetool_xl_desktop.core.paths import Paths, resource

ENGLISH = "en"
PSEUDO = "xx"
#: The same from right to left, as Arabic or Hebrew would lay out the window.
PSEUDO_RTL = "xx-rtl"
#: Names the language for this start, before the settings.
VARIABLE = "NTXL_LANGUAGE"
#: What is translated, in its own words.
LANGUAGES = {ENGLISH: "English", "de": "Deutsch"}
#: Of a number: what stands before its fraction, and between its thousands.
_SIGNS = {"de": (",", ".")}
#: What the environment said before this process and its children were told (`use`).
_ASKED = os.environ.get(VARIABLE, "")
_ACCENTS = str.maketrans("aeiouAEIOUcnsyCNSY", "áéíóúÁÉÍÓÚçñšýÇÑŠÝ")


class _Words(string.Formatter):
    """`str.format`, with numbers as the language writes them."""

    def format_field(self, value: Any, format_spec: str) -> Any:
        written = super().format_field(value, format_spec)
        return number(written) if isinstance(value, int | float) else written


class _Language:
    """What is in force in this process."""

    code = ENGLISH
    signs: dict[int, int] | None = None
    catalogue: gettext.NullTranslations = gettext.NullTranslations()


_words = _Words()


def use(code: str) -> None:
    """Have all texts that are asked for from now on in this language, here and in children of this process.

    Args:
        code: one of `LANGUAGES` (with or without a region: "de_AT"), `PSEUDO` or `PSEUDO_RTL`; English for any other.
    """
    chosen = known(code) or ENGLISH
    os.environ[VARIABLE] = chosen
    _Language.code = chosen
    signs = _SIGNS.get(chosen)
    _Language.signs = str.maketrans(".,", "".join(signs)) if signs else None
    _Language.catalogue = _catalogue(chosen)


def _catalogue(code: str) -> gettext.NullTranslations:
    if code in (PSEUDO, PSEUDO_RTL):
        return _Pseudo()
    if code == ENGLISH:
        return gettext.NullTranslations()
    with resource(f"translations/{code}.mo").open("rb") as file:
        return gettext.GNUTranslations(file)


def wanted() -> str:
    """What this person reads: as the environment says, else the settings, else the system."""
    return os.environ.get(VARIABLE) or _in_settings(Paths.default().settings_file) or _of_system()


def environment() -> dict[str, str]:
    """This process's environment as it was started with: `use` names the language in it."""
    return {**os.environ, VARIABLE: _ASKED}


def _in_settings(file: Path) -> str:
    """Read here alone without the rest of the settings, whose own texts need the language."""
    try:
        said = tomllib.loads(file.read_text("utf-8")).get("language")
    except (OSError, ValueError):  # whoever reads the rest of it says what is wrong
        return ""
    return said if isinstance(said, str) and known(said) else ""


def _of_system() -> str:
    for variable in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        if said := os.environ.get(variable):
            return said.split(":")[0]
    if sys.platform == "win32":
        import ctypes  # noqa: PLC0415 - has what is needed on that system only

        return locale.windows_locale.get(ctypes.windll.kernel32.GetUserDefaultUILanguage(), "")
    if sys.platform == "darwin":  # a program that was started by a double click has no LANG there
        import plistlib  # noqa: PLC0415 - needed on that system only

        try:
            of_user = plistlib.loads(Path("~/Library/Preferences/.GlobalPreferences.plist").expanduser().read_bytes())
            return str(of_user["AppleLanguages"][0])
        except (OSError, ValueError, LookupError, plistlib.InvalidFileException):
            return ""
    return ""


def known(code: str) -> str | None:
    """What this program calls a language that a system or a person names ("de_AT.UTF-8"); None where it has none."""
    if code in (PSEUDO, PSEUDO_RTL):
        return code
    language = code.replace("-", "_").split("_")[0].split(".")[0].lower()
    return language if language in LANGUAGES else None


def language() -> str:
    """The language in force."""
    return _Language.code


def is_right_to_left() -> bool:
    """Whether the window is laid out from right to left."""
    return _Language.code == PSEUDO_RTL


def tr(text: str, /, **values: Any) -> str:
    """A text in the language of the person.

    Args:
        text: in English, written out where this is called: `tr("{count:,} files in {folder}", count=3, folder=name)`.
        values: what stands in its braces, as `str.format` writes it; without any, braces are braces.
    """
    said = _Language.catalogue.gettext(text) if text else ""
    return _words.vformat(said, (), values) if values else said


def trn(one: str, many: str, count: int, /, **values: Any) -> str:
    """A text that counts: `trn("{count} file", "{count:,} files", n)`.

    Args:
        one: for one of them.
        many: for any other number.
        count: how many; stands in the braces called `count`.
        values: what stands in the others.
    """
    said = _Language.catalogue.ngettext(one, many, count)
    return _words.vformat(said, (), {"count": count, **values})


def mark(text: str, /) -> str:
    """Have a text collected that `tr` is given later as a variable, as the value of an enumeration is."""
    return text


def in_a_row(parts: Iterable[str]) -> str:
    """Names or other parts as a sentence has them: "A", "A and B", "A, B and C"; empty for none."""
    *before, last = tuple(parts) or ("",)
    return tr("{before} and {last}", before=", ".join(before), last=last) if before else last


def number(written: str) -> str:
    """A number that was written in English ("1,234.5"), with the signs of the language."""
    return written.translate(_Language.signs) if _Language.signs else written


def pseudo(text: str) -> str:
    """A third longer, with accents, in brackets; what stands in braces stays."""
    parts = []
    for literal, name, spec, conversion in _pieces(text):
        said = literal.translate(_ACCENTS)
        parts.append(said.replace("{", "{{").replace("}", "}}") if literal != text else said)
        if name is not None:
            parts.append("{" + name + (f"!{conversion}" if conversion else "") + (f":{spec}" if spec else "") + "}")
    return f"[{''.join(parts)}{'~' * (len(text) // 3)}]"


def _pieces(text: str) -> list[tuple[str, str | None, str | None, str | None]]:
    try:
        return list(string.Formatter().parse(text))
    except ValueError:  # its braces are braces
        return [(text, None, None, None)]


class _Pseudo(gettext.NullTranslations):
    def gettext(self, message: str) -> str:
        return pseudo(message)

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return pseudo(msgid1 if n == 1 else msgid2)


use(wanted())
