"""Looks into a frozen folder: what is in it and what is not, that each library has its licence, and how large it is.

    try_inside.py FOLDER

Run with the Python that froze it: `packages_distributions` says which library a module is of.
"""

from __future__ import annotations

import importlib.metadata
import sys
from pathlib import Path

from PyInstaller.archive.readers import CArchiveReader

NAME = "nodetool-xl-desktop"
#: It had 187 MiB at first, of which Qt is 73 (31 of them the ICU's tables), and the engine 25.
MOST_MIB = 200
#: What is imported when it is first needed, so that nothing else would miss it here.
INSIDE = ("tomlkit", "mcp", "keyring", "ziamath", "tiktoken_ext", "watchfiles", "selectolax", "packaging", "xllamacpp")
#: Tools of the tests, and what libraries take along where it is there.
OUTSIDE = (
    "babel",
    "pytest",
    "hypothesis",
    "numpy",
    "PIL",
    "gguf",
    "mypy",
    "setuptools",
    "pip",
    "tkinter",
    "torch",
    "xdist",
)
#: What is read by its name: the texts, the icon, the list of libraries, where the starter model comes from.
RESOURCES = ("de.mo", "icon.svg", "picks.json", "libraries.tsv", "package-index.txt")
OURS = {"nodetool_xl_desktop", "base_library.zip", "LICENSE", "licenses"}


def modules(program: Path) -> set[str]:
    """The first part of the name of each module in the executable."""
    archive = CArchiveReader(str(program))
    name = next(name for name in archive.toc if name.startswith("PYZ"))
    return {module.split(".")[0] for module in archive.open_embedded_archive(name).toc}


def without_licence(inside: Path, packages: set[str]) -> list[str]:
    """Libraries and files of which the folder does not say under which terms they are."""
    _, *lines = (inside / "licenses" / "CONTENTS.tsv").read_text("utf-8").splitlines()
    rows = [line.split("\t") for line in lines]
    listed = {row[0] for row in rows if any((inside / "licenses" / row[0]).iterdir())}
    entries = {entry for row in rows for entry in row[3].split()}
    distributions = importlib.metadata.packages_distributions()
    known = packages - sys.stdlib_module_names - OURS
    lacking = [package for package in known if not listed & set(distributions.get(package, ()))]
    # PyInstaller's own helper, and Python's table of how it was built.
    lacking = [name for name in lacking if not name.startswith(("_pyi_rth", "_sysconfigdata"))]
    files = [path for path in inside.iterdir() if not path.is_symlink()]
    return sorted(lacking + [path.name for path in files if path.name not in entries | OURS])


def main() -> None:
    """Look; ends with what is wrong."""
    folder = Path(sys.argv[1])
    inside = folder / "_internal"
    packages = modules(folder / NAME)
    there = packages | {path.name for path in inside.iterdir()}
    wrong = [f"{name} is not inside." for name in INSIDE if name not in there]
    wrong += [f"{name} is inside." for name in OUTSIDE if name in there]
    wrong += [f"{name} has no licence in the folder." for name in without_licence(inside, packages)]
    shipped = {path.name for path in (inside / "nodetool_xl_desktop").rglob("*") if path.is_file()}
    wrong += [f"{name} is not among the resources." for name in RESOURCES if name not in shipped]
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    if size > MOST_MIB * 2**20:
        wrong.append(f"The folder has {size / 2**20:.0f} MiB, more than {MOST_MIB}.")
    if wrong:
        sys.exit("\n".join(wrong))
    print(f"{size / 2**20:.0f} MiB, {len(list((inside / 'licenses').iterdir())) - 1} libraries with their licences.")


if __name__ == "__main__":
    main()
