"""`settings.toml`: what a person chose for the whole program, in a file that they may edit, comments and all.

What holds is decided value by value: the environment, else the file, else the default. What cannot be used is told with
its place and counts as not said; a file that cannot be read at all is never written over.
"""

from __future__ import annotations

import contextlib
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from nodetool_xl_desktop.core import translation
from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.lock import PATIENCE_S, locked
from nodetool_xl_desktop.core.preferences import take_over
from nodetool_xl_desktop.core.setting import Origin, Setting, T
from nodetool_xl_desktop.core.settings import SETTINGS
from nodetool_xl_desktop.core.settings_text import line_of, template, with_line
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.core.whole_file import sweep, write_whole

if TYPE_CHECKING:
    from tomlkit import TOMLDocument

#: How tomllib ends what it says.
_PLACE = re.compile(r"\s*\(at line (\d+), column \d+\)$")


@dataclass(frozen=True, slots=True)
class Values:
    """What holds: `values[TITLES]`. Two that say the same are equal.

    Attributes:
        held: the values that are not the default, by key.
        origins: where they come from.
        problems: what could not be used, each with its place.
        is_broken: whether the file could not be read at all, so that nothing can be kept in it.
    """

    held: Mapping[str, Any] = field(default_factory=dict)
    origins: Mapping[str, Origin] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    is_broken: bool = False

    def __getitem__(self, setting: Setting[T]) -> T:
        value: T = self.held.get(setting.key, setting.default)
        return value

    def origin(self, setting: Setting[Any]) -> Origin:
        """Where the value of a setting comes from."""
        return self.origins.get(setting.key, Origin.DEFAULT)

    def told(self, setting: Setting[Any], file: str = "settings.toml") -> str:
        """The same in words: the file, or the variable."""
        match self.origin(setting):
            case Origin.ENVIRONMENT:
                return setting.variable
            case Origin.FILE:
                return file
            case Origin.UNKEPT:
                return tr("Not saved")
        return tr("Default")

    def with_values(self, chosen: Mapping[Setting[Any], Any], origin: Origin = Origin.FILE) -> Values:
        """As they are with these; None takes the default again."""
        held, origins = dict(self.held), dict(self.origins)
        for setting, value in chosen.items():
            held.pop(setting.key, None)
            origins.pop(setting.key, None)
            if value is not None:
                held[setting.key], origins[setting.key] = setting.checked(value), origin
        return Values(held, origins, self.problems, self.is_broken)


class SettingsFile:
    """The file. Its methods touch the disk, and may block.

    Args:
        path: the file; it is made when something is first kept in it.
        older: what versions before it kept their choices in; it is taken over once.
        environment: instead of this process's own.
        patience_s: how long another program that is writing it is waited for, in seconds.
    """

    def __init__(
        self,
        path: Path,
        older: Path | None = None,
        environment: Mapping[str, str] | None = None,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self.path = path
        self._older = older
        self._environment = environment
        self._patience_s = patience_s
        self._read: tuple[object, Values] | None = None
        self._lock = path.with_name(f".{path.name}.lock")

    def given(self) -> Values:
        """What the environment says; reads nothing."""
        return self._values({}, "")

    def read(self) -> Values:
        """What holds. What cannot be used is among its problems. Quick where nothing has changed since."""
        try:
            self._take_over()
            state = self._state()
            if self._read is None or self._read[0] != state:
                text = self._text()
                self._read = state, self._values(_parsed(text), text)
            return self._read[1]
        except (OSError, _Broken) as error:
            given = self.given()
            said = self._broken(error)
            return Values(given.held, given.origins, (str(said), *given.problems), is_broken=True)
        except UserFacingError as error:  # what was chosen before could not be taken over
            given = self.given()
            return Values(given.held, given.origins, (str(error), *given.problems))

    def change(self, chosen: Mapping[Setting[Any], Any]) -> Values:
        """Keep these values, or None for the default again; all else in the file stays as it is. Returns what holds.

        Raises:
            UserFacingError: the environment says otherwise, the value is none, the disk refused, or the file cannot be
                read: it is as it was.
        """
        given = self.given()
        for setting, value in chosen.items():
            if given.origin(setting) is Origin.ENVIRONMENT:
                raise fixed(setting)
            if value is not None:
                self._check(setting, value)
        self._take_over()
        with self._alone():
            before = self._read_or_raise()
            try:
                after = _changed(before or template(SETTINGS), chosen, self.path)
            except _Broken as error:
                raise self._broken(error) from error
            if after != before:
                self._write(after)
        return self._values(_parsed(after), after)

    def make(self) -> Path:
        """Have the file there, with a line for each setting, so that it can be opened; returns it.

        Raises:
            UserFacingError: the disk refused.
        """
        self._take_over()
        with self._alone():
            if not self.path.exists():
                self._write(template(SETTINGS))
        return self.path

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        with contextlib.ExitStack() as alone:
            try:
                alone.enter_context(locked(self._lock, self._patience_s))
            except OSError as error:
                raise self._refused(error) from error
            sweep(self.path)
            yield

    def _write(self, text: str) -> None:
        try:
            write_whole(self.path, text)
        except OSError as error:
            raise self._refused(error) from error

    def _take_over(self) -> None:
        """What a version before `settings.toml` kept is kept in it from now on."""
        if self._older is None or not self._older.exists() or self.path.exists():
            return
        with self._alone():
            if not self.path.exists():
                self._write(_changed(template(SETTINGS), take_over(self._older), self.path))
        with contextlib.suppress(OSError):  # it is not looked at any more
            self._older.unlink()

    def _text(self) -> str:
        try:
            return self.path.read_bytes().decode("utf-8-sig")
        except (FileNotFoundError, NotADirectoryError):
            return ""
        except UnicodeDecodeError as error:
            line = error.object[: error.start].count(b"\n") + 1
            raise _Broken(line, tr("it is not written in UTF-8")) from error

    def _state(self) -> object:
        """What another content of the file, or of the environment, would have another one of."""
        around = self._around()
        said = tuple(around.get(each.variable) for each in SETTINGS if each.variable)
        try:
            found = self.path.stat()
        except (FileNotFoundError, NotADirectoryError):
            return None, said
        return (found.st_mtime_ns, found.st_size, found.st_ino), said

    def _around(self) -> Mapping[str, str]:
        return translation.environment() if self._environment is None else self._environment

    def _read_or_raise(self) -> str:
        try:
            text = self._text()
            _parsed(text)
        except (OSError, _Broken) as error:
            raise self._broken(error) from error
        return text

    def _values(self, said: Mapping[str, Any], text: str) -> Values:
        held: dict[str, Any] = {}
        origins: dict[str, Origin] = {}
        problems = [self._at(line_of(text, key), tr("{key} is no setting", key=key)) for key in _unknown(said)]
        environment = self._around()
        for setting in SETTINGS:
            try:
                if (value := _found(said, setting)) is not None:
                    held[setting.key], origins[setting.key] = setting.checked(value), Origin.FILE
            except ValueError as error:
                told = tr("{key} cannot be used: {why}", key=setting.key, why=error)
                problems.append(self._at(line_of(text, setting.key) or line_of(text, setting.table), told))
            try:
                if setting.variable and (spoken := environment.get(setting.variable, "").strip()):
                    held[setting.key], origins[setting.key] = setting.read(spoken), Origin.ENVIRONMENT
            except ValueError as error:
                told = tr("The variable {variable} cannot be used: {why}.", variable=setting.variable, why=error)
                problems.append(told)
        return Values(MappingProxyType(held), MappingProxyType(origins), tuple(problems))

    def _check(self, setting: Setting[Any], value: Any) -> None:
        try:
            setting.checked(value)
        except ValueError as error:
            raise UserFacingError(tr("{title} was not changed", title=tr(setting.title)), str(error)) from error

    def _at(self, line: int | None, problem: str) -> str:
        if line is None:
            return tr("{file}: {problem}.", file=self.path.name, problem=problem)
        return tr("{file}, line {line}: {problem}.", file=self.path.name, line=line, problem=problem)

    def _broken(self, error: OSError | _Broken) -> UserFacingError:
        if isinstance(error, OSError):
            return UserFacingError(
                tr("The settings cannot be read"),
                tr("{reason} ({path})", reason=error.strerror or error, path=self.path),
                tr("Look at the disk."),
            )
        return UserFacingError(
            tr("The settings cannot be read"),
            tr("{path}, line {line}: {why}", path=self.path, line=error.line, why=error.why),
            tr("Correct the file. Until then nothing in it is changed, and the defaults hold."),
        )

    def _refused(self, error: OSError) -> UserFacingError:
        return UserFacingError(
            tr("The settings could not be saved"),
            tr("{reason} ({path})", reason=error.strerror or error, path=self.path),
            tr("Look at the disk."),
        )


class _Broken(Exception):
    """The text is no TOML."""

    def __init__(self, line: int, why: str) -> None:
        super().__init__(line, why)
        self.line = line
        self.why = why


def _parsed(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # not a TOMLDecodeError alone: a number of 5000 digits is none
        said = str(error)
        place = _PLACE.search(said)
        line = int(place[1]) if place else text.count("\n") + 1  # "at end of document"
        raise _Broken(line, _PLACE.sub("", said)) from error


def _found(said: Mapping[str, Any], setting: Setting[Any]) -> Any:
    """What a file says for a setting; None where it says nothing."""
    held: Any = said
    for name in setting.key.split("."):
        if not isinstance(held, Mapping):
            raise ValueError(tr("{table} is to be a table, written in brackets", table=setting.table))
        if name not in held:
            return None
        held = held[name]
    return held


def _unknown(said: Mapping[str, Any]) -> Iterator[str]:
    """The keys that are none of ours: of a newer version, or mistyped."""
    keys = {setting.key for setting in SETTINGS}
    tables = {setting.table for setting in SETTINGS}
    for name, value in said.items():
        if name in tables and isinstance(value, Mapping):
            yield from (f"{name}.{inner}" for inner in value if f"{name}.{inner}" not in keys)
        elif name not in keys and name not in tables:
            yield name


def _changed(text: str, chosen: Mapping[Setting[Any], Any], path: Path) -> str:
    """The text with these values; what stands in it besides stays as it was written."""
    import tomlkit  # noqa: PLC0415 - 20 ms that only who changes something waits for
    from tomlkit.exceptions import ParseError  # noqa: PLC0415

    for setting, value in chosen.items():
        if value is not None:
            text = _with_place(text, setting)
        try:
            document = tomlkit.parse(text)
        except ParseError as error:  # it reads less than tomllib, as of what is nested deeply
            raise _Broken(error.line, str(error)) from error
        if value is None:
            _drop(document, setting)
        else:
            _put(document, setting, value, path)
        text = tomlkit.dumps(document)
    return text


def _with_place(text: str, setting: Setting[Any]) -> str:
    """With a line for the value behind the line that tells of it, where the file has one that is commented out."""
    try:
        if _found(_parsed(text), setting) is not None:
            return text
        longer = with_line(text, setting)
        said = _found(_parsed(longer), setting)
    except (_Broken, ValueError):  # its table is none: `_put` says so
        return text
    return longer if said == setting.default else text  # else it stood in a text of several lines


def _put(document: TOMLDocument, setting: Setting[Any], value: Any, path: Path) -> None:
    import tomlkit  # noqa: PLC0415

    if not setting.table:
        document[setting.name] = value
        return
    if setting.table not in document:
        document[setting.table] = tomlkit.table()
    table: Any = document[setting.table]
    if not isinstance(table, Mapping):
        raise UserFacingError(
            tr("{title} was not changed", title=tr(setting.title)),
            tr("{table} is to be a table, written in brackets ({path})", table=setting.table, path=path),
            tr("Correct the file."),
        )
    table[setting.name] = value  # type: ignore[index] # tomlkit's tables can be written


def _drop(document: TOMLDocument, setting: Setting[Any]) -> None:
    held: Any = document.get(setting.table) if setting.table else document
    if isinstance(held, Mapping) and setting.name in held:
        del held[setting.name]  # type: ignore[attr-defined]


def fixed(setting: Setting[Any]) -> UserFacingError:
    """A person wants another value than the environment gives."""
    return UserFacingError(
        tr("{title} was not changed", title=tr(setting.title)),
        tr("the environment variable {variable} says what it is", variable=setting.variable),
        tr("Unset it, and start the program again."),
    )
