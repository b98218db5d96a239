"""What the program needs of a Linux system and pip cannot bring: the shared libraries that Qt and the engine load.

Standard library only, as it also runs before anything is installed: as a program it prints the Debian and Ubuntu
packages of what is missing, and packaging/system-libraries.sh installs them.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import sys

#: Library -> package. On newer systems some packages carry a suffix (libglib2.0-0t64); apt finds them by these names.
EVERYWHERE = {
    "libglib-2.0.so.0": "libglib2.0-0",
    "libGL.so.1": "libgl1",
    "libEGL.so.1": "libegl1",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libfontconfig.so.1": "libfontconfig1",
    "libdbus-1.so.3": "libdbus-1-3",
    "libgomp.so.1": "libgomp1",  # the engine
}
X11 = {
    "libX11-xcb.so.1": "libx11-xcb1",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-randr.so.0": "libxcb-randr0",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-shm.so.0": "libxcb-shm0",
    "libxcb-sync.so.1": "libxcb-sync1",
    "libxcb-util.so.1": "libxcb-util1",
    "libxcb-xfixes.so.0": "libxcb-xfixes0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
}
WAYLAND = {
    "libwayland-client.so.0": "libwayland-client0",
    "libwayland-cursor.so.0": "libwayland-cursor0",
    "libwayland-egl.so.1": "libwayland-egl1",
}


def missing() -> dict[str, str]:
    """The libraries that this Linux lacks, each with the package that brings it; empty on other systems."""
    if sys.platform != "linux":
        return {}
    needed = dict(EVERYWHERE)
    if os.environ.get("DISPLAY"):
        needed |= X11
    if os.environ.get("WAYLAND_DISPLAY"):
        needed |= WAYLAND
    return {library: package for library, package in needed.items() if not _loads(library)}


def _loads(library: str) -> bool:
    """A library is there if the loader finds it, whoever brought it."""
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def main() -> None:
    """Print the missing packages on one line, Python's own venv module included."""
    packages = list(missing().values())
    if sys.platform == "linux" and not importlib.util.find_spec("ensurepip"):
        packages.append(f"python{sys.version_info.major}.{sys.version_info.minor}-venv")
    sys.stdout.write(f"{' '.join(packages)}\n")


if __name__ == "__main__":
    main()
