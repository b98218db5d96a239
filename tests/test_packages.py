"""What the packages say of the program is true: one version, one MIME type, and children that it can start when frozen.

The packages themselves take minutes to build: `make dist`, then `make dist-test`.
"""

from __future__ import annotations

import configparser
import importlib.metadata
import importlib.util
import re
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree

import pytest
import yaml

from nodetool_xl_desktop.__main__ import CHILDREN
from nodetool_xl_desktop.core import system_libraries
from nodetool_xl_desktop.core.translation import ENGLISH, LANGUAGES
from nodetool_xl_desktop.ui.report.about_dialog import packaged

ROOT = Path(__file__).parents[1]
LINUX = ROOT / "packaging" / "linux"
NAME = "nodetool-xl-desktop"
MIME_TYPE = "application/x-gguf"
TRANSLATED = set(LANGUAGES) - {ENGLISH}
XML_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
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


@pytest.fixture(scope="module")
def licences() -> ModuleType:
    """packaging/licences.py, which no package holds."""
    spec = importlib.util.spec_from_file_location("licences", ROOT / "packaging" / "licences.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["licences"] = module  # its dataclasses look for it there
    spec.loader.exec_module(module)
    return module


def along() -> set[str]:
    """The distributions that the program and its engine bring along here."""
    found: dict[str, str] = {}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    waiting = [*project["dependencies"], *project["optional-dependencies"]["xllamacpp"]]
    while waiting:
        name = re.findall(r"^[\w.-]+", waiting.pop())[0]
        try:
            library = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            continue  # for another system
        if name in found:
            continue
        found[name] = library.name
        waiting += [line for line in library.requires or () if "extra ==" not in line]
    return set(found.values())


def modules_of(name: str) -> list[tuple[str, str, str]]:
    """Its modules as PyInstaller lists them."""
    files = importlib.metadata.distribution(name).files or ()
    return [(str(file), str(file.locate()), "PYMODULE") for file in files if file.suffix in (".py", ".so")]


def test_everything_that_goes_along_has_its_licence(licences: ModuleType) -> None:
    names = along()
    assert {"PySide6_Essentials", "shiboken6", "xllamacpp", "tomlkit"} <= names
    parts = licences.parts([module for name in names for module in modules_of(name)])
    assert names - {"hf-xet"} <= {part.name for part in parts}
    for part in parts:
        assert max(path.stat().st_size for path in part.texts.values()) > 200, part.name
    texts = {part.name: set(part.texts) for part in parts}
    assert {"lgpl-3.0.txt", "gpl-3.0.txt", "qt-third-party.txt"} <= texts["PySide6_Essentials"]
    assert {"LICENSE", "xllamacpp-third-party.txt"} <= texts["xllamacpp"]
    library = Path(sysconfig.get_path("stdlib"), "json", "__init__.py")
    assert [part.name for part in licences.parts([("json", str(library), "PYMODULE")])] == ["Python"]


def test_what_has_no_licence_stops_the_build(licences: ModuleType, tmp_path: Path) -> None:
    stray = tmp_path / "libstray.so.1"
    stray.write_bytes(b"\x7fELF")
    with pytest.raises(licences.NoLicence, match="libstray"):
        licences.parts([("libstray.so.1", str(stray), "BINARY")])


def test_each_text_of_a_licence_is_used_and_says_where_it_is_from(licences: ModuleType) -> None:
    readme = (licences.TEXTS / "README.md").read_text(encoding="utf-8")
    texts = {path.name for path in licences.TEXTS.glob("*.txt")}
    assert texts == {name for names in licences.BESIDE.values() for name in names}
    assert all(name in readme for name in texts)


def test_the_debian_copyright_file_and_about_name_each_library(licences: ModuleType, tmp_path: Path) -> None:
    inside = tmp_path / "_internal"
    parts = licences.parts([*modules_of("tomlkit"), ("psutil/_x.so", modules_of("psutil")[0][1], "EXTENSION")])
    for part in parts:
        (inside / "licenses" / part.name).mkdir(parents=True)
        for name, text in part.texts.items():
            (inside / "licenses" / part.name / name).write_bytes(text.read_bytes())
    (inside / "psutil").mkdir()
    (inside / "licenses" / "CONTENTS.tsv").write_text(licences.contents(parts), encoding="utf-8")
    about = list(packaged(inside / "licenses" / "CONTENTS.tsv"))
    assert [re.sub(r" [\d.]+ ", " N ", line) for line in about] == ["psutil N  BSD-3-Clause", "tomlkit N  MIT"]
    command = [sys.executable, str(LINUX / "copyright.py"), str(tmp_path)]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    paragraphs = [dict(re.findall(r"^([A-Z][\w-]+): ?((?:.*)(?:\n .*)*)", one, re.M)) for one in said.split("\n\n")]
    assert paragraphs[0]["Format"].startswith("https://www.debian.org/")
    files = {one["Files"].split()[0]: one for one in paragraphs[1:]}
    psutil = files["opt/nodetool-xl-desktop/_internal/licenses/psutil/*"]
    assert "opt/nodetool-xl-desktop/_internal/psutil/*" in psutil["Files"].split()
    assert "Giampaolo" in psutil["Copyright"]
    assert files["opt/nodetool-xl-desktop/_internal/licenses/tomlkit/*"]["License"].startswith("MIT")
    assert all({"Files", "Copyright", "License"} <= one.keys() for one in paragraphs[1:])


def test_the_packages_speak_every_language_of_the_program() -> None:
    entry = configparser.ConfigParser(interpolation=None)
    entry.read(LINUX / f"{NAME}.desktop", encoding="utf-8")
    mime = ElementTree.parse(LINUX / f"{NAME}.mime.xml").getroot()
    metainfo = ElementTree.parse(LINUX / f"{NAME}.metainfo.xml.in").getroot()
    installer = (ROOT / "packaging" / "windows" / f"{NAME}.iss").read_text(encoding="ascii")
    for language in TRANSLATED:
        desktop = entry["Desktop Entry"]
        assert all(desktop[f"{key}[{language}]"] for key in ("genericname", "comment", "keywords"))
        assert [each for each in mime.iter() if each.tag.endswith("comment") and each.get(XML_LANGUAGE) == language]
        for tag in ("summary", "description/p", "description/ul/li"):
            texts = metainfo.findall(tag)
            in_it = [text for text in texts if text.get(XML_LANGUAGE) == language]
            assert len(in_it) == len([text for text in texts if text.get(XML_LANGUAGE) is None]) > 0, tag
    english, german = (set(re.findall(rf"^{name}\.(\w+)=", installer, re.M)) for name in ("english", "german"))
    assert english == german >= {"UninstalledAll", "FileType"}


def test_the_workflow_names_what_is_there() -> None:
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "packages.yml").read_text(encoding="utf-8"))
    jobs = workflow["jobs"]
    assert {"linux", "windows", "macos"} <= set(jobs)
    targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)
    for name, job in jobs.items():
        steps = job["steps"]
        assert all(("run" in step) != ("uses" in step) for step in steps)
        commands = "\n".join(step["run"] for step in steps if "run" in step)
        for path in re.findall(r"packaging[/\\][\w./\\-]+", commands):
            assert (ROOT / path.replace("\\", "/")).exists(), path
        for made in re.findall(r"make ([\w -]+)", commands):
            assert set(made.split()) <= set(targets)
        uploads = [step for step in steps if step.get("uses", "").startswith("actions/upload-artifact")]
        assert uploads or job.get("needs"), name
        if uploads:  # what is handed out was started before
            assert re.search(r"dist-test|doctor", commands), name
