"""Prints what the .deb depends on: the packages of the libraries that are left to the system, and the C library that
the newest symbol of the folder asks for.

    depends.py FOLDER
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
from nodetool_xl_desktop.core import system_libraries

#: Letters; one of them is enough.
FONTS = "fonts-dejavu-core | fonts-noto-core | fonts-liberation2"
_SYMBOL = re.compile(rb"GLIBC_2\.(\d+)\0")


def newest_symbol(folder: Path) -> int:
    """The y of the largest GLIBC_2.y that a library of a folder names."""
    libraries = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    contents = (path.read_bytes() for path in libraries)
    return max(int(found) for data in contents if data[:4] == b"\x7fELF" for found in _SYMBOL.findall(data))


def depends(folder: Path) -> str:
    """The value of the field."""
    tables = (system_libraries.EVERYWHERE, system_libraries.X11, system_libraries.WAYLAND)
    packages = {package for table in tables for package in table.values()}
    packages |= {"libstdc++6", "libgcc-s1", "libfreetype6", "libexpat1", "fontconfig-config", FONTS}
    return ", ".join([f"libc6 (>= 2.{newest_symbol(folder)})", *sorted(packages)])


if __name__ == "__main__":
    print(depends(Path(sys.argv[1])))
