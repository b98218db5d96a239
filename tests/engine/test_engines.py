"""Wheels of the engine as files: what fits, what is refused, and that nothing half is left."""

from __future__ import annotations

import dataclasses
import os
import stat
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import engine_wheels
import pytest

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.engine.engines import Engines
from nodetool_xl_desktop.engine.wheel_file import Stopped, WheelRefused, look_into

CODE = {"xllamacpp/__init__.py": b"__version__ = '1'\n"}


@pytest.fixture
def engines(tmp_path: Path) -> Engines:
    return Engines(tmp_path / "data" / "engines")


def left(engines: Engines) -> list[str]:
    """What lies in the folder of engines, whatever it is called."""
    return sorted(each.name for each in engines.folder.iterdir()) if engines.folder.exists() else []


# One that is as it should be


def test_a_wheel_is_unpacked_with_what_is_known_of_it(engines: Engines, tmp_path: Path) -> None:
    file = engine_wheels.wheel(tmp_path, {**CODE, "xllamacpp.libs/libcudart-1.so": b"code"}, version="2026.10.1+cu128")
    wheel = look_into(file)
    assert (wheel.name.version, wheel.build, wheel.size) == ("2026.10.1+cu128", "cu128", file.stat().st_size)
    made = engines.install(wheel, "from here")
    assert engines.installed() == (made,)
    assert (made.path / "xllamacpp" / "__init__.py").read_bytes() == CODE["xllamacpp/__init__.py"]
    assert (made.path / "xllamacpp.libs" / "libcudart-1.so").read_bytes() == b"code"
    assert (made.source, made.sha256, made.title) == ("from here", wheel.sha256, "2026.10.1, cu128")
    assert left(engines) == [made.name]
    assert engines.chosen() is None  # not by being installed


def test_what_lies_in_a_data_folder_goes_beside_the_packages(engines: Engines, tmp_path: Path) -> None:
    inside = {"xllamacpp-2026.10.1.data/platlib/xllamacpp/more.py": b"x = 1\n"}
    made = engines.install(look_into(engine_wheels.wheel(tmp_path, {**CODE, **inside})), "here")
    assert (made.path / "xllamacpp" / "more.py").exists()


@pytest.mark.parametrize(
    ("version", "source", "files", "build"),
    [
        ("1.0+vulkan", "", {}, "vulkan"),
        ("1.0", "https://example.org/whl/rocm-7.2.4/xllamacpp/x.whl", {}, "rocm-7.2.4"),
        ("1.0", "", {"xllamacpp.libs/libcublas-12.so": b""}, "cuda"),
        ("1.0", "https://example.org/simple/xllamacpp/x.whl", {}, ""),
    ],
)
def test_the_build_is_told_by_version_address_or_libraries(
    tmp_path: Path, version: str, source: str, files: dict[str, bytes], build: str
) -> None:
    assert look_into(engine_wheels.wheel(tmp_path, {**CODE, **files}, version=version), source).build == build


def test_the_same_wheel_twice_is_one_engine(engines: Engines, tmp_path: Path) -> None:
    wheel = look_into(engine_wheels.wheel(tmp_path, CODE))
    assert engines.install(wheel, "first") == engines.install(wheel, "second")
    assert len(engines.installed()) == 1


def test_one_is_chosen_and_removed(engines: Engines, tmp_path: Path) -> None:
    one = engines.install(look_into(engine_wheels.wheel(tmp_path / "1", CODE, version="1.0")), "")
    two = engines.install(look_into(engine_wheels.wheel(tmp_path / "2", CODE, version="2.0")), "")
    engines.choose(one)
    assert Engines(engines.folder).chosen() == one
    engines.remove(two)
    assert engines.chosen() == one
    engines.remove(one)
    assert engines.chosen() is None
    assert left(engines) == ["current.json"]


def test_a_choice_that_leads_elsewhere_is_none(engines: Engines, tmp_path: Path) -> None:
    made = engines.install(look_into(engine_wheels.wheel(tmp_path, CODE)), "")
    outside = tmp_path / "data" / "outside"
    made.folder.rename(outside)
    engines.folder.mkdir(exist_ok=True)
    for said in ('{"current": "../outside"}', '{"current": 7}', "[]", "no json"):
        (engines.folder / "current.json").write_text(said)
        assert engines.chosen() is None


def test_a_folder_that_is_not_whole_is_no_engine(engines: Engines, tmp_path: Path) -> None:
    made = engines.install(look_into(engine_wheels.wheel(tmp_path, CODE)), "")
    engines.choose(made)
    (made.path / "xllamacpp" / "__init__.py").unlink()
    assert engines.chosen() is None
    assert engines.installed() == ()
    again = engines.install(look_into(next(tmp_path.glob("*.whl"))), "")
    assert engines.chosen() == again


# Those that are refused


@pytest.mark.parametrize(
    ("tag", "words"),
    [
        ("cp311-cp311-win_amd64", "built for cp311-cp311-win_amd64"),
        ("cp27-cp27m-manylinux1_x86_64", "runs Python 3"),
        ("cp311-cp311-macosx_11_0_arm64", "its tag may be"),
    ],
)
def test_one_for_another_machine_is_refused(tmp_path: Path, tag: str, words: str) -> None:
    with pytest.raises(WheelRefused, match="does not fit this machine") as refused:
        look_into(engine_wheels.wheel(tmp_path, CODE, tag=tag))
    assert words in str(refused.value)


@pytest.mark.parametrize("name", ["numpy-2.0-py3-none-any.whl", "xllamacpp.whl", "engine.zip", "xllamacpp-1-2.whl"])
def test_what_is_no_wheel_of_the_engine_is_refused(tmp_path: Path, name: str) -> None:
    file = engine_wheels.wheel(tmp_path, CODE).rename(tmp_path / name)
    with pytest.raises(WheelRefused, match="is no engine"):
        look_into(file)


def test_one_without_the_package_is_refused(engines: Engines, tmp_path: Path) -> None:
    wheel = look_into(engine_wheels.wheel(tmp_path, {"other/__init__.py": b""}))
    with pytest.raises(WheelRefused, match="no package xllamacpp"):
        engines.install(wheel, "")
    assert left(engines) == []


def add(file: Path, name: str, content: bytes = b"x", mode: int = 0) -> Path:
    """Put one more into a wheel, as no tool would."""
    with zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED) as archive:
        info = zipfile.ZipInfo(name)
        info.compress_type = zipfile.ZIP_DEFLATED
        info.external_attr = mode << 16
        archive.writestr(info, content)
    return file


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("../../escaped.py", "outside its folder"),
        ("/tmp/escaped.py", "outside its folder"),
        ("xllamacpp/../../escaped.py", "outside its folder"),
        ("xllamacpp//escaped.py", "outside its folder"),
        ("C:/escaped.py", "outside its folder"),
        ("xllamacpp\\..\\escaped.py", "outside its folder"),
        ("xllamacpp/con.py", "outside its folder"),
        ("xllamacpp/line\nfeed.py", "outside its folder"),
        ("xllamacpp/nul\0byte.py", "outside its folder"),
        (f"xllamacpp/{'a' * 300}", "outside its folder"),
        ("XLLAMACPP/__INIT__.py", "two files"),
        ("xllamacpp/unlisted.py", "not in its list of files"),
    ],
)
def test_no_name_leads_out(engines: Engines, tmp_path: Path, name: str, words: str) -> None:
    file = add(engine_wheels.wheel(tmp_path / "w", CODE), name)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(WheelRefused, match=words):
        engines.install(look_into(file), "")
    assert left(engines) == []
    assert [each for each in sorted(tmp_path.rglob("*")) if each not in before] in (
        [],
        [engines.folder.parent, engines.folder],
    )


def test_no_links(engines: Engines, tmp_path: Path) -> None:
    file = add(engine_wheels.wheel(tmp_path, CODE), "xllamacpp/link", b"/etc/passwd", stat.S_IFLNK | 0o777)
    with pytest.raises(WheelRefused, match="is a link"):
        look_into(file)


def test_no_bomb(tmp_path: Path) -> None:
    file = engine_wheels.wheel(tmp_path, {**CODE, "xllamacpp/zeros": b"\0" * 100_000_000})
    assert file.stat().st_size < 1_000_000
    with pytest.raises(WheelRefused, match="would become 100 MB"):
        look_into(file)


def test_a_size_that_is_a_lie_gets_no_further(engines: Engines, tmp_path: Path) -> None:
    """The list of the archive says one byte, and more is packed."""
    file = engine_wheels.wheel(tmp_path, {**CODE, "xllamacpp/zeros": b"\0" * 50_000})
    data = file.read_bytes()
    file.write_bytes(data.replace((50_000).to_bytes(4, "little"), (1).to_bytes(4, "little")))
    with pytest.raises(WheelRefused, match="is damaged"):
        engines.install(look_into(file), "")
    assert left(engines) == []


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda data: data[: len(data) // 2], "a part of it is missing"),
        (lambda data: data.replace(b"PK\x03\x04", b"PK\x03\x05", 1), "is damaged"),
        (lambda data: b"no archive", "no archive"),
    ],
)
def test_a_damaged_one_is_refused(
    engines: Engines, tmp_path: Path, spoil: Callable[[bytes], bytes], words: str
) -> None:
    file = engine_wheels.wheel(tmp_path, CODE)
    file.write_bytes(spoil(file.read_bytes()))
    with pytest.raises(WheelRefused, match=words):
        engines.install(look_into(file), "")
    assert left(engines) == []


def test_a_file_that_is_not_what_its_list_says_is_refused(engines: Engines, tmp_path: Path) -> None:
    wrong = {"xllamacpp/__init__.py": engine_wheels.hash_of(b"another")}
    wheel = look_into(engine_wheels.wheel(tmp_path, CODE, record=wrong))
    with pytest.raises(WheelRefused, match="not what its list of hashes says"):
        engines.install(wheel, "")
    assert left(engines) == []


def test_what_was_shown_is_what_is_installed(engines: Engines, tmp_path: Path) -> None:
    file = engine_wheels.wheel(tmp_path / "a", CODE)
    wheel = look_into(file)
    engine_wheels.wheel(tmp_path / "b", {"xllamacpp/__init__.py": b"evil()"}).replace(file)
    with pytest.raises(WheelRefused, match="changed meanwhile"):
        engines.install(wheel, "")
    assert left(engines) == []


# What is interrupted


def test_stopping_leaves_nothing(engines: Engines, tmp_path: Path) -> None:
    wheel = look_into(engine_wheels.wheel(tmp_path, {**CODE, "xllamacpp/code.so": os.urandom(3_000_000)}))
    seen = []

    def stop(done: int, size: int) -> None:
        seen.append((done, size))
        if done > 1_000_000:
            assert left(engines) != []
            raise Stopped

    with pytest.raises(Stopped):
        engines.install(wheel, "", stop)
    assert left(engines) == []
    assert seen[-1][1] == wheel.unpacked


_FULL = """
import resource, signal, sys
from pathlib import Path
from nodetool_xl_desktop.engine.engines import Engines
from nodetool_xl_desktop.engine.wheel_file import look_into
wheel = look_into(Path(sys.argv[2]))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
try:
    Engines(Path(sys.argv[1])).install(wheel, "")
except Exception as error:
    print(type(error).__name__, error)
"""


def test_a_disk_that_refuses_leaves_nothing(engines: Engines, tmp_path: Path) -> None:
    file = engine_wheels.wheel(tmp_path, {**CODE, "xllamacpp/code.so": os.urandom(3_000_000)})
    command = [sys.executable, "-c", _FULL, str(engines.folder), str(file)]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout
    assert said.startswith("UserFacingError The engine could not be installed: File too large")
    assert left(engines) == []


def test_no_room_is_said_before_anything_is_written(engines: Engines, tmp_path: Path) -> None:
    wheel = dataclasses.replace(look_into(engine_wheels.wheel(tmp_path, CODE)), unpacked=10**15)
    with pytest.raises(UserFacingError, match=r"it takes 1000\.00 TB, and .* are free"):
        engines.install(wheel, "")
    assert left(engines) == []


_KILLED = """
import os, sys
from pathlib import Path
from nodetool_xl_desktop.engine.engines import Engines
from nodetool_xl_desktop.engine.wheel_file import look_into
Engines(Path(sys.argv[1])).install(look_into(Path(sys.argv[2])), "", lambda done, size: os.kill(os.getpid(), 9))
"""


def test_what_a_killed_program_left_is_swept(engines: Engines, tmp_path: Path) -> None:
    file = engine_wheels.wheel(tmp_path, CODE)
    killed = subprocess.run([sys.executable, "-c", _KILLED, str(engines.folder), str(file)], check=False, timeout=30)
    assert killed.returncode != 0
    assert [name.split("-")[0] for name in left(engines)] == [".incoming"]
    assert engines.installed() == ()
    mine = engines.folder / f".incoming-{os.getpid()}-00ff"  # another install of this very program
    mine.mkdir()
    made = engines.install(look_into(file), "")
    assert left(engines) == sorted([made.name, mine.name])
