"""What can be wrong with a model file, told for a person.

Every class keeps the three arguments of `UserFacingError`, so that an error can be pickled and sent from a
child process; the class methods word the cases that occur in several places. The names say the state of the
file, which is what a caller asks for (`except Truncated`), so they do without the ending "Error" (N818).
"""

from __future__ import annotations

from pathlib import Path

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.translation import tr, trn

_AGAIN = tr("Download or copy it again")


class GgufError(UserFacingError):
    """A model file that cannot be used; the subclass says of what kind the trouble is."""


class Unreadable(GgufError):
    """The operating system does not hand the file out: missing, a folder, no permission, a dying disk."""

    @classmethod
    def because(cls, path: Path, error: OSError | ValueError) -> Unreadable:
        """Word what the operating system (or Python's path functions: ValueError) said of `path`."""
        what = tr("{path} cannot be read", path=file_name(path))
        if isinstance(error, FileNotFoundError):
            return cls(
                what,
                tr("there is no such file in {parent}", parent=path.absolute().parent),
                tr("It may have been moved or deleted"),
            )
        if isinstance(error, IsADirectoryError):
            return cls(what, tr("it is a folder"), tr("Choose a .gguf file inside it"))
        if isinstance(error, PermissionError):
            why = tr("you do not have the permission to read it")
            return cls(what, why, tr("Change its permissions, or move it to your own folder"))
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        return cls(what, reason, tr("Check the disk that it is on, then try again"))


class NotGguf(GgufError):
    """The file is something else; `foreign` words it."""


class Truncated(GgufError):
    """The file ends too early: an interrupted download or copy, or one that is still going on."""

    @classmethod
    def in_header(cls, path: Path, size: int, needed: int) -> Truncated:
        """The file has `size` bytes, and its header alone needs `needed` or more."""
        if size == 0:
            return cls(tr("{path} is not complete", path=file_name(path)), tr("it is empty (0 bytes)"), _AGAIN)
        why = tr(
            "it ends after {size:,} bytes, inside its header, which needs at least {needed:,}", size=size, needed=needed
        )
        return cls(tr("{path} is not complete", path=file_name(path)), why, _AGAIN)

    @classmethod
    def in_data(cls, path: Path, size: int, expected: int) -> Truncated:
        """The header is whole and tells that the file should have `expected` bytes; it has `size`."""
        why = tr("it ends after {size:,} of {expected:,} bytes", size=size, expected=expected)
        return cls(tr("{path} is not complete", path=file_name(path)), why, _AGAIN)


class UnsupportedVersion(GgufError):
    """A sound file in a form that the engine does not read: an old or a newer version, or big-endian."""


class UnsupportedTensorType(UnsupportedVersion):
    """A tensor stored in a way that the engine does not know (yet, or any more)."""


class MissingSplit(GgufError):
    """Parts of a split set are not beside the one that was opened.

    Attributes:
        missing: the paths where the missing parts were looked for; empty where the name of the file that
            was opened does not tell the others' names.
    """

    missing: tuple[Path, ...] = ()

    @classmethod
    def of(cls, path: Path, missing: tuple[Path, ...], count: int) -> MissingSplit:
        """`missing` (at least one) of the `count` parts of the set that `path` belongs to are not there."""
        names = ", ".join(file_name(part) for part in missing[:3])
        if len(missing) > 3:
            why = trn(
                "{names} and {count} more are not in {folder}",
                "{names} and {count:,} more are not in {folder}",
                len(missing) - 3,
                names=names,
                folder=path.parent,
            )
        else:
            why = trn(
                "{names} is not in {folder}",
                "{names} are not in {folder}",
                len(missing),
                names=names,
                folder=path.parent,
            )
        error = cls(
            tr("{path} is one of {count:,} parts, and not all of them are here", path=file_name(path), count=count),
            why,
            tr("Put all {count:,} files into the same folder, under their original names", count=count),
        )
        error.missing = missing
        return error


class Malformed(GgufError):
    """The header contradicts itself or says something that no model says."""

    @classmethod
    def because(cls, path: Path, why: str) -> Malformed:
        """Word `why` the header of `path` cannot be right."""
        return cls(
            tr("{path} is damaged", path=file_name(path)),
            why,
            tr("Download or copy it again, or choose another build of this model"),
        )


def shown(name: str, limit: int = 80) -> str:
    """A name from inside a file for a message: printable and of at most `limit` characters."""
    text = name if len(name) <= limit else f"{name[: limit - 1]}\N{HORIZONTAL ELLIPSIS}"
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)


def file_name(path: Path) -> str:
    """The name of a file for a message: printable also where it is no valid text, and never empty."""
    return shown(path.name or str(path), limit=255)
