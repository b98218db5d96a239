"""What the packages say of the program is true: one version, one MIME type, and children that it can start when frozen.

The packages themselves take minutes to build: `make dist`, then `make dist-test`.
"""

from __future__ import annotations

import configparser
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from xml.etree import ElementTree

from nodetool_xl_desktop.__main__ import CHILDREN
from nodetool_xl_desktop.core import system_libraries

ROOT = Path(__file__).parents[1]
LINUX = ROOT / "packaging" / "linux"
NAME = "nodetool-xl-desktop"
MIME_TYPE = "application/x-gguf"
FROZEN = """
import sys
sys.frozen, sys.executable = True, "/opt/program"
from nodetool_xl_desktop.engine import child, wheels
from nodetool_xl_desktop.library import headers
from nodetool_xl_desktop.tools import confined
from nodetool_xl_desktop.ui.leaf import formula_child
for made in (child.worker_command, headers.scan_command, confined.child_command, formula_child.formula_command):
    print(*made())
print(wheels.Wheel("vulkan", "", "").command)
"""


def test_a_frozen_program_starts_itself_as_each_of_its_children() -> None:
    said = subprocess.run([sys.executable, "-c", FROZEN], capture_output=True, text=True, check=True, timeout=60)
    *commands, remedy = said.stdout.splitlines()
    assert sorted(commands) == sorted(f"/opt/program {child}" for child in CHILDREN)
    assert "pip" not in remedy  # there is none in it


def test_what_the_system_is_told_of_the_program_agrees() -> None:
    entry = configparser.ConfigParser(interpolation=None)
    entry.read(LINUX / f"{NAME}.desktop", encoding="utf-8")
    desktop = entry["Desktop Entry"]
    assert desktop["mimetype"] == f"{MIME_TYPE};"
    assert desktop["exec"].split()[0] == NAME

    mime = ElementTree.parse(LINUX / f"{NAME}.mime.xml").getroot()
    space = "{http://www.freedesktop.org/standards/shared-mime-info}"
    types = mime.findall(f"{space}mime-type")
    assert [one.get("type") for one in types] == [MIME_TYPE]
    assert [glob.get("pattern") for glob in types[0].findall(f"{space}glob")] == ["*.gguf"]

    metainfo = ElementTree.parse(LINUX / f"{NAME}.metainfo.xml.in").getroot()
    assert metainfo.findtext("launchable") == f"{NAME}.desktop"
    assert metainfo.findtext("provides/mediatype") == MIME_TYPE
    assert metainfo.findtext("provides/binary") == NAME


def test_the_version_has_one_place() -> None:
    """No file of the packages names one: each is given it by what builds it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert "version" in project["dynamic"]
    release = ElementTree.parse(LINUX / f"{NAME}.metainfo.xml.in").find("releases/release")
    assert release is not None
    assert release.get("version") == "@VERSION@"
    installer = (ROOT / "packaging" / "windows" / f"{NAME}.iss").read_text(encoding="utf-8")
    assert "AppVersion={#Version}" in installer
    assert not re.search(r"#define Version", installer)


def test_the_package_depends_on_what_is_left_to_the_system(tmp_path: Path) -> None:
    (tmp_path / "library.so").write_bytes(b"\x7fELF\0GLIBC_2.4\0GLIBC_2.17\0GLIBC_2.9\0")
    (tmp_path / "words.txt").write_bytes(b"GLIBC_2.99\0")
    command = [sys.executable, str(LINUX / "depends.py"), str(tmp_path)]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.strip().split(", ")
    assert said[0] == "libc6 (>= 2.17)"
    tables = (system_libraries.EVERYWHERE, system_libraries.X11, system_libraries.WAYLAND)
    assert {package for table in tables for package in table.values()} <= set(said)
