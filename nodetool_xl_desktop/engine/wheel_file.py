"""A wheel of the engine as a file that nobody vouches for: what its name says, whether it fits, and taking it apart.

A wheel is a zip archive (https://packaging.python.org/en/latest/specifications/binary-distribution-format/). Nothing in
it may lead out of its folder, be a link, or become much larger than anyone expects; and what comes out is what its own
list of hashes (RECORD) says.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import platform
import re
import stat
import unicodedata
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.text import one_line
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.core.units import GIB, MIB, file_size

#: The engine's name, and what it is imported as.
ENGINE = "xllamacpp"
PIECE = 1 * MIB
#: Builds for graphics cards take up to 2 GiB and a few hundred files.
MOST_FILES = 20_000
MOST_UNPACKED = 8 * GIB
#: Compiled code becomes two to six times as large; more than this is no code. Small archives may (empty files).
MOST_GROWTH = 100
GROWTH_FROM = 64 * MIB
LONGEST_NAME = 255
#: Names that are devices on Windows, whatever comes after their first dot.
_DEVICES = {"con", "prn", "aux", "nul"} | {f"{name}{number}" for name in ("com", "lpt") for number in range(1, 10)}
_RECORD = re.compile(r"[^/]+\.dist-info/RECORD")
#: Builds as their publishers name them, in a version ("+cu128"), an address, or the names of libraries that come along.
_BUILDS = re.compile(r"(?<![a-z0-9])(cu\d{2,3}|rocm[-_.\d]*\d|vulkan|hip|metal|sycl|cpu)(?![a-z0-9])", re.IGNORECASE)
_LIBRARIES = {"cudart": "cuda", "cublas": "cuda", "amdhip": "rocm", "hipblas": "rocm", "vulkan": "vulkan"}


class WheelRefused(UserFacingError):
    """This file is no engine for this machine, or not what it should be."""


class Stopped(Exception):
    """The person does not want it any longer."""


@dataclass(frozen=True, slots=True)
class WheelName:
    """What the name of a wheel says.

    Attributes:
        file: the name itself.
        version: of the engine.
        tag: what it was built for: Python, its binary interface, and the system.
        rank: how well it fits this Python and machine, 0 best; None where it does not.
    """

    file: str
    version: str
    tag: str
    rank: int | None

    @classmethod
    def of(cls, file: str) -> WheelName:
        """Read a name.

        Raises:
            WheelRefused: it is none of a wheel, or of something else than the engine.
        """
        from packaging.utils import InvalidWheelFilename, parse_wheel_filename  # noqa: PLC0415 - not at every start

        what = tr("{file} is no engine", file=one_line(file, 80))
        hint = tr("Choose a wheel of xllamacpp: a file whose name begins with xllamacpp and ends with .whl.")
        if not _is_harmless(file):
            raise WheelRefused(what, tr("no system could write a file of that name"), hint)
        try:
            name, version, _, tags = parse_wheel_filename(file)
        except InvalidWheelFilename as error:
            raise WheelRefused(what, tr("its name is none of a wheel"), hint) from error
        if name != ENGINE and not name.startswith(f"{ENGINE}-"):
            raise WheelRefused(what, tr("it is a wheel of {name}", name=one_line(name, 80)), hint)
        ranks = [rank for rank, tag in enumerate(_supported()) if tag in tags]
        return cls(file, str(version), "-".join(file.removesuffix(".whl").rsplit("-", 3)[1:]), min(ranks, default=None))

    def require_fit(self) -> None:
        """Raises `WheelRefused` where it was built for another machine or another Python."""
        if self.rank is not None:
            return
        why = tr(
            "it was built for {tag}, and this program runs Python {python} on {system}, {machine}",
            tag=one_line(self.tag, 120),
            python=".".join(platform.python_version_tuple()[:2]),
            system=platform.system(),
            machine=platform.machine(),
        )
        hint = tr("Choose the wheel for this system: its tag may be {tag}.", tag=str(next(iter(_supported()))))
        raise WheelRefused(tr("{file} does not fit this machine", file=one_line(self.file, 80)), why, hint)


@dataclass(frozen=True, slots=True)
class WheelFile:
    """A wheel that was looked into.

    Attributes:
        path: the file.
        name: what its name says.
        size: bytes of the file.
        sha256: of the file, in hexadecimal digits.
        unpacked: bytes of all that is in it.
        build: what it computes on as far as its names tell: "cu128", "vulkan", "cpu"; empty where they do not.
    """

    path: Path
    name: WheelName
    size: int
    sha256: str
    unpacked: int
    build: str


def look_into(
    path: Path, source: str = "", progress: Callable[[int, int], None] = lambda _done, _all: None
) -> WheelFile:
    """Read a wheel as a whole, for its hash, and see whether all in it can be written. It blocks.

    Args:
        path: the file, called as its publisher called it.
        source: where it came from; its address may tell the build.
        progress: is told bytes done and of how many; what it raises ends the reading.

    Raises:
        WheelRefused: it is no engine, is damaged, or does not fit this machine.
        UserFacingError: it cannot be read.
    """
    name = WheelName.of(path.name)
    try:
        size = path.stat().st_size
        sha256 = sha256_of(path, lambda done: progress(done, size))
        with _opened(path) as archive:
            entries = _entries(archive, path)
    except OSError as error:
        raise _unreadable(path, error) from error
    name.require_fit()
    unpacked = sum(entry.file_size for entry in entries.values())
    return WheelFile(path, name, size, sha256, unpacked, _build(name, source, list(entries)))


def sha256_of(path: Path, progress: Callable[[int], None] = lambda _done: None) -> str:
    """The hash of a file. It blocks. Raises OSError."""
    digest, done = hashlib.sha256(), 0
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            digest.update(piece)
            done += len(piece)
            progress(done)
    return digest.hexdigest()


def unpack(wheel: WheelFile, folder: Path, progress: Callable[[int, int], None] = lambda _done, _all: None) -> None:
    """Write what is in a wheel below a folder that is empty. It blocks; what it leaves when it raises is the caller's.

    Args:
        wheel: as `look_into` found it.
        folder: is made here.
        progress: as of `look_into`.

    Raises:
        WheelRefused: it is not what its list says, or the file is another one than was looked into.
        OSError: the disk refused.
    """
    done = 0
    with _opened(wheel.path) as archive:
        entries = _entries(archive, wheel.path)
        hashes = _hashes(archive, entries, wheel.path)
        for target, entry in entries.items():
            place = folder / _installed_as(target)
            place.parent.mkdir(parents=True, exist_ok=True)
            digest = hashlib.sha256()
            try:
                with archive.open(entry) as source, place.open("xb") as file:
                    while piece := source.read(PIECE):
                        file.write(piece)
                        digest.update(piece)
                        done += len(piece)
                        progress(done, wheel.unpacked)
            except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
                raise _damaged(wheel.path, str(error)) from error
            if hashes.get(target, "") not in ("", digest.hexdigest()):
                raise _damaged(wheel.path, tr("{file} is not what its list of hashes says", file=one_line(target, 80)))
    if not (folder / ENGINE / "__init__.py").is_file():
        why = tr("there is no package {package} in it", package=ENGINE)
        raise WheelRefused(tr("{file} is no engine", file=one_line(wheel.path.name, 80)), why, _another(wheel.path))


def _opened(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except zipfile.BadZipFile as error:
        raise _damaged(path, tr("it is no archive, or a part of it is missing")) from error


def _entries(archive: zipfile.ZipFile, path: Path) -> dict[str, zipfile.ZipInfo]:
    """The files in it by their names, each of which is harmless."""
    infos = archive.infolist()
    if len(infos) > MOST_FILES:
        raise _hostile(path, tr("it holds {count:,} files", count=len(infos)))
    entries: dict[str, zipfile.ZipInfo] = {}
    folded: set[str] = set()
    for info in infos:
        _require_harmless(info, path)
        if info.is_dir():
            continue
        name = unicodedata.normalize("NFKC", info.filename).casefold()
        if name in folded:
            raise _hostile(path, tr("two files in it are called {name}", name=one_line(info.filename, 80)))
        folded.add(name)
        entries[info.filename] = info
    unpacked = sum(info.file_size for info in entries.values())
    packed = path.stat().st_size
    if unpacked > MOST_UNPACKED or (unpacked > GROWTH_FROM and unpacked > packed * MOST_GROWTH):
        raise _hostile(path, tr("it would become {size} large", size=file_size(unpacked)))
    return entries


def _require_harmless(info: zipfile.ZipInfo, path: Path) -> None:
    name, kind = info.orig_filename, stat.S_IFMT(info.external_attr >> 16)
    shown = one_line(name, 80)
    if name != info.filename or not all(_is_harmless(part) for part in name.removesuffix("/").split("/")):
        raise _hostile(path, tr("a file in it would be written outside its folder: {name}", name=shown))
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise _hostile(path, tr("{name} in it is a link, or no ordinary file", name=shown))
    if info.flag_bits & 0x1:
        raise _hostile(path, tr("{name} in it is encrypted", name=shown))
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise _hostile(path, tr("{name} in it is packed in a way that no wheel is", name=shown))


def _is_harmless(part: str) -> bool:
    """Whether it names one file or folder on every system, and nothing else."""
    if not part or part != part.strip() or part.endswith(".") or not part.isprintable():
        return False
    if len(part.encode(errors="replace")) > LONGEST_NAME or part.partition(".")[0].lower() in _DEVICES:
        return False
    return not any(letter in '/\\:*?"<>|' for letter in part)


def _hashes(archive: zipfile.ZipFile, entries: dict[str, zipfile.ZipInfo], path: Path) -> dict[str, str]:
    """The SHA-256 of each file as RECORD tells it; empty for RECORD itself."""
    record = next((name for name in entries if _RECORD.fullmatch(name)), None)
    if record is None:
        raise _damaged(path, tr("it has no list of its files"))
    if entries[record].file_size > 16 * MIB:
        raise _hostile(path, tr("its list of files takes {size}", size=file_size(entries[record].file_size)))
    hashes = {record: "", f"{record}.jws": "", f"{record}.p7s": ""}
    try:
        for row in csv.reader(io.StringIO(archive.read(record).decode())):
            if len(row) >= 2 and row[1].startswith("sha256="):
                padded = row[1].removeprefix("sha256=") + "=="
                hashes[row[0]] = base64.urlsafe_b64decode(padded).hex()
    except (ValueError, csv.Error, zipfile.BadZipFile, zlib.error) as error:
        raise _damaged(path, tr("its list of files cannot be read")) from error
    unlisted = next((name for name in entries if name not in hashes), None)
    if unlisted is not None:
        raise _damaged(path, tr("{file} in it is not in its list of files", file=one_line(unlisted, 80)))
    return hashes


def _installed_as(name: str) -> PurePosixPath:
    """Where a file of a wheel goes: what lies in `*.data/purelib` and `platlib` belongs beside the packages."""
    parts = PurePosixPath(name).parts
    spread = len(parts) > 2 and parts[0].endswith(".data") and parts[1] in ("purelib", "platlib")
    return PurePosixPath(*parts[2:]) if spread else PurePosixPath(name)


def _build(name: WheelName, source: str, files: list[str]) -> str:
    """What it computes on, as far as its version, its address, and the libraries in it say."""
    local = name.version.partition("+")[2]
    for text in (local, *reversed(source.split("/")[2:-1])):
        if found := _BUILDS.search(text):
            return found[1].lower()
    for file in files:
        for library, build in _LIBRARIES.items():
            if library in PurePosixPath(file).name:
                return build
    return "metal" if "macosx" in name.tag else ""


def _supported() -> tuple[object, ...]:
    """The tags that this Python takes, the best first."""
    from packaging.tags import sys_tags  # noqa: PLC0415 - not at every start

    return tuple(sys_tags())


def _another(path: Path) -> str:
    return tr("Get it again, or from somewhere else.")


def _damaged(path: Path, why: str) -> WheelRefused:
    return WheelRefused(tr("{file} is damaged", file=one_line(path.name, 80)), why, _another(path))


def _hostile(path: Path, why: str) -> WheelRefused:
    what = tr("{file} is not unpacked", file=one_line(path.name, 80))
    return WheelRefused(what, why, tr("Do not use this file: no honest wheel is like that."))


def _unreadable(path: Path, error: OSError) -> UserFacingError:
    why = tr("{reason} ({path})", reason=error.strerror or str(error), path=path)
    return UserFacingError(tr("The wheel cannot be read"), why, tr("Look at the file and its disk."))
