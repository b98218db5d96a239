"""Prints the Debian copyright file: what packaging/linux/copyright says, and a paragraph for each library inside.

    copyright.py FOLDER

Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

PLACE = "opt/nodetool-xl-desktop/_internal"
#: A line that names who has the rights, in a text that has many words more.
_HOLDER = re.compile(
    r"^\W*(?:copyright:?(?: copyright)?(?: \(c\)| ©)?:?\s+(?=.*\d{4}))(.*\w.*)$", re.IGNORECASE | re.MULTILINE
)
_MOST = 8
#: Where the texts name nobody.
HOLDERS = dict.fromkeys(("PySide6_Essentials", "shiboken6"), ("The Qt Company Ltd. and other contributors",))


def paragraph(folder: Path, name: str, version: str, licence: str, entries: str) -> str:
    """What is said of one library."""
    files = [f"{PLACE}/licenses/{name}/*"]
    for entry in entries.split():
        is_folder = (folder / "_internal" / entry).is_dir()
        files.append(f"{PLACE}/{entry}/*" if is_folder else f"{PLACE}/{entry}")
    texts = sorted((folder / "_internal" / "licenses" / name).iterdir())
    holders: dict[str, None] = {}
    for text in texts:
        if text.stem.split("-")[0] not in ("gpl", "lgpl", "mpl", "GPL", "LGPL", "MPL", "GFDL"):
            holders |= dict.fromkeys(one.strip() for one in _HOLDER.findall(text.read_text("utf-8", "replace")))
    named = [*HOLDERS.get(name, ()), *holders][:_MOST] or [f"the authors of {name}"]
    lines = ["Files: " + "\n       ".join(files), "Copyright: " + "\n           ".join(named)]
    lines.append(f"License: {' '.join(licence.split())}")
    lines.append(f" The full text: /{PLACE}/licenses/{name}")
    lines.append(f"Comment: {name} {version}. What has no file of its own here is in the executable.")
    return "\n".join(lines)


def main() -> None:
    """Print it."""
    folder = Path(sys.argv[1])
    print(Path(__file__).with_name("copyright").read_text("utf-8").rstrip("\n"))
    _, *lines = (folder / "_internal" / "licenses" / "CONTENTS.tsv").read_text("utf-8").splitlines()
    for line in lines:
        name, version, licence, entries = line.split("\t")
        print()
        print(paragraph(folder, name, version, licence, entries))


if __name__ == "__main__":
    main()
