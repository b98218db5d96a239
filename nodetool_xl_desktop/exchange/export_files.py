"""How an export comes onto the disk: a whole file under its name or none, and never over one that somebody wants."""

from __future__ import annotations

import contextlib
import io
import os
import secrets
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, TextIO

from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.store.errors import StoreError, StoreFault

#: The longest name that is made of a title, in letters and in bytes; file systems end at 255 bytes.
_LETTERS, _BYTES = 80, 180


class AlreadyThere(StoreError):
    """A file of that name is there, and nobody agreed to lose it."""

    def __init__(self, file: Path) -> None:
        super().__init__(
            StoreFault.DISK,
            tr("{name} is there already", name=file.name),
            tr("it is in {parent}, and nothing was changed", parent=file.parent),
            tr("Choose another name, or replace it."),
        )


@contextlib.contextmanager
def fresh(file: Path, *, replace: bool = True) -> Iterator[BinaryIO]:
    """A file to write that takes its name when all of it is on the disk; its folder is made where it is missing.

    Args:
        file: the name.
        replace: whether it may take the place of one that is there.

    Raises:
        StoreError: the disk refused, or (`AlreadyThere`) one is there; what was there is as it was.
    """
    part = file.with_name(f".export-{secrets.token_hex(8)}.part")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:  # one that exists is a file where the folder should be
        raise not_written(file, error) from error
    try:
        try:
            with part.open("xb") as stream:
                yield stream
                stream.flush()
                os.fsync(stream.fileno())
            _give_name(part, file, replace=replace)
        finally:
            part.unlink(missing_ok=True)
    except FileExistsError as error:
        raise AlreadyThere(file) from error
    except OSError as error:
        raise not_written(file, error) from error


@contextlib.contextmanager
def fresh_text(file: Path, *, replace: bool = True) -> Iterator[TextIO]:
    """The same for text, as UTF-8."""
    with fresh(file, replace=replace) as stream:
        text = io.TextIOWrapper(stream, encoding="utf-8", errors="replace", newline="\n")
        yield text
        text.flush()
        text.detach()


def not_written(file: Path, error: OSError) -> StoreError:
    """The operating system's error about an export, for people."""
    return StoreError(
        StoreFault.DISK,
        tr("{name} could not be written", name=file.name),
        f"{error.strerror or error} ({file.parent})",
        tr("Choose another folder, or make room in this one."),
    )


def stem(title: str) -> str:
    """What a file is called after its chat: letters that every file system takes."""
    letters = "".join(letter if letter.isalnum() or letter in " -_.,()" else " " for letter in title)
    short = " ".join(letters.split()).strip(". ")[:_LETTERS].encode()[:_BYTES].decode(errors="ignore").strip(". ")
    return short if short and short.upper() not in _RESERVED else tr("Chat")


def free_name(folder: Path, title: str, ending: str) -> Path:
    """A name in a folder that no file has yet.

    Raises:
        OSError: the folder cannot be looked at.
    """
    name = stem(title)
    file, number = folder / f"{name}.{ending}", 1
    while file.exists():
        number += 1
        file = folder / f"{name} {number}.{ending}"
    return file


#: Names that Windows keeps for devices, whatever their ending.
_RESERVED = {"CON", "PRN", "AUX", "NUL", *(f"{port}{number}" for port in ("COM", "LPT") for number in range(10))}


def _give_name(part: Path, file: Path, *, replace: bool) -> None:
    if replace:
        part.replace(file)
    elif sys.platform == "win32":
        part.rename(file)  # it refuses by itself
    else:
        try:
            os.link(part, file)
        except FileExistsError:
            raise
        except OSError:  # a file system without links, such as that of a USB stick
            if file.exists():
                raise FileExistsError(file) from None
            part.replace(file)
