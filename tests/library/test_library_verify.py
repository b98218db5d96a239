"""Whether a file is right to the byte: its hash, and what this disk knows that it should be."""

from __future__ import annotations

import hashlib
import json
import os
import time
from pathlib import Path

import pytest

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.core.units import MIB
from nodetool_xl_desktop.library.origins import FILE_NAME, Origin, Origins
from nodetool_xl_desktop.library.verify import Expected, Stopped, expected, sha256, verify

CONTENT = b"GGUF and more"
RIGHT = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def origins(paths: Paths) -> Origins:
    return Origins(paths)


def model(path: Path, content: bytes = CONTENT) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


# The hash


def test_the_hash_of_a_model(starter_model: Path) -> None:
    told: list[tuple[int, int]] = []
    assert (
        sha256(starter_model, lambda *step: told.append(step)) == hashlib.sha256(starter_model.read_bytes()).hexdigest()
    )
    size = starter_model.stat().st_size
    assert told[-1] == (size, size)
    assert told == sorted(told)
    assert {done % (8 * MIB) for done, _ in told[:-1]} <= {0}


def test_all_files_of_a_set_are_read(origins: Origins, tmp_path: Path) -> None:
    files = [model(tmp_path / f"m-0000{part}-of-00003.gguf", bytes([part]) * part * MIB) for part in (1, 2, 3)]
    origins.keep(files[1], Origin("org/name", "c" * 40, hashlib.sha256(files[1].read_bytes()).hexdigest(), 2 * MIB))
    origins.keep(files[2], Origin("org/name", "c" * 40, "0" * 64, 3 * MIB))
    told: list[tuple[int, int]] = []
    found = verify(files, origins, lambda *step: told.append(step))
    assert [one.is_right for one in found] == [None, True, False]
    assert [one.size for one in found] == [MIB, 2 * MIB, 3 * MIB]
    assert told[0] == (MIB, 6 * MIB)
    assert told[-1] == (6 * MIB, 6 * MIB)


def test_it_stops_within_one_step(origins: Origins, tmp_path: Path) -> None:
    with (tmp_path / "huge.gguf").open("wb") as stream:
        stream.truncate(1 << 40)
    asked = iter([False] * 3)
    with pytest.raises(Stopped):
        verify([tmp_path / "huge.gguf"], origins, stop=lambda: next(asked, True))


def test_progress_is_told_as_often_as_an_eye_can_use_it(tmp_path: Path) -> None:
    with (tmp_path / "m.gguf").open("wb") as stream:
        stream.truncate(400 * MIB)
    told: list[tuple[float, int]] = []
    began = time.monotonic()
    sha256(tmp_path / "m.gguf", lambda done, _: told.append((time.monotonic(), done)))
    assert told[-1][1] == 400 * MIB
    assert len(told) <= 2 + (told[-1][0] - began) / 0.05


def test_what_cannot_be_read_is_told(origins: Origins, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.gguf")
    (tmp_path / "round.gguf").symlink_to(tmp_path / "round.gguf")
    for name in ("missing.gguf", "pipe.gguf", "round.gguf", "", "x" * 300, "a\0b"):
        with pytest.raises(UserFacingError, match="cannot be verified"):
            verify([tmp_path / name], origins)


def test_a_file_that_grows_while_it_is_read(origins: Origins, tmp_path: Path) -> None:
    path = model(tmp_path / "growing.gguf", b"x" * 9 * MIB)

    def grown() -> bool:
        if path.stat().st_size < 20 * MIB:
            with path.open("ab") as stream:
                stream.write(b"x" * 9 * MIB)
        return False

    (found,) = verify([path], origins, stop=grown)
    assert found.size == 27 * MIB


# What it should be


def test_what_was_downloaded_is_known(origins: Origins, paths: Paths, tmp_path: Path) -> None:
    path = model(tmp_path / "m.gguf")
    assert expected(path, origins) is None
    origins.keep(path, Origin("org/name", "c" * 40, RIGHT, 13, "m.gguf", "https://example.org"))
    assert expected(path, Origins(paths)) == Expected(RIGHT, "org/name", 13)
    assert verify([path], origins)[0].is_right
    path.write_bytes(b"GGUF and m0re")
    assert verify([path], origins)[0].is_right is False


def test_it_is_known_after_a_move(origins: Origins, tmp_path: Path) -> None:
    path = model(tmp_path / "a" / "m.gguf")
    origins.keep(path, Origin("org/name", "", RIGHT, 13))
    (tmp_path / "b").mkdir()
    path.rename(tmp_path / "b" / "m.gguf")
    origins.follow(tmp_path / "a", tmp_path / "b")
    assert expected(tmp_path / "b" / "m.gguf", origins) == Expected(RIGHT, "org/name", 13)
    assert origins.of(path) is None


@pytest.mark.parametrize("entry", [None, 7, {"size": "x"}, {"size": 1, "sha256": "x"}, {"size": 1, "repo_id": 7}])
def test_a_spoiled_record_says_nothing(origins: Origins, paths: Paths, tmp_path: Path, entry: object) -> None:
    origins.keep(tmp_path / "b.gguf", Origin("org/name", "", RIGHT, 13))
    said = json.loads((paths.data / FILE_NAME).read_text())
    said["files"][str(tmp_path / "a.gguf")] = entry
    (paths.data / FILE_NAME).write_text(json.dumps(said))
    assert origins.of(tmp_path / "a.gguf") is None
    assert origins.of(tmp_path / "b.gguf") is not None


def test_the_hugging_face_cache_names_blobs_by_their_hash(origins: Origins, tmp_path: Path) -> None:
    repository = tmp_path / "hub" / "models--org--name"
    model(repository / "blobs" / RIGHT)
    small = model(repository / "blobs" / ("a" * 40))
    snapshot = repository / "snapshots" / ("c" * 40)
    snapshot.mkdir(parents=True)
    (snapshot / "m.gguf").symlink_to(f"../../blobs/{RIGHT}")
    (snapshot / "small.gguf").symlink_to(small)
    assert expected(snapshot / "m.gguf", origins) == Expected(RIGHT, "the Hugging Face cache")
    assert expected(snapshot / "small.gguf", origins) is None
    assert verify([snapshot / "m.gguf"], origins)[0].is_right


def test_so_does_ollama(origins: Origins, tmp_path: Path) -> None:
    blob = model(tmp_path / "models" / "blobs" / f"sha256-{RIGHT}")
    (tmp_path / "linked.gguf").symlink_to(blob)
    for path in (blob, tmp_path / "linked.gguf"):
        assert expected(path, origins) == Expected(RIGHT, "Ollama")
    assert expected(model(tmp_path / f"sha256-{RIGHT}"), origins) is None


def test_jan_writes_it_beside(origins: Origins, tmp_path: Path) -> None:
    path, eyes = model(tmp_path / "model.gguf"), model(tmp_path / "mmproj.gguf")
    (tmp_path / "model.yml").write_text(
        f"model_path: llamacpp/models/x/model.gguf\nmodel_sha256: {RIGHT}\n"
        "mmproj_path: llamacpp/models/x/mmproj.gguf\nmmproj_sha256: unknown\n"
    )
    assert expected(path, origins) == Expected(RIGHT, "Jan")
    assert expected(eyes, origins) is None
    assert expected(model(tmp_path / "other.gguf"), origins) is None


def test_a_download_of_huggingface_hub_to_a_folder(origins: Origins, tmp_path: Path) -> None:
    path = model(tmp_path / "Q4" / "m.gguf")
    beside = tmp_path / ".cache" / "huggingface" / "download" / "Q4" / "m.gguf.metadata"
    beside.parent.mkdir(parents=True)
    beside.write_text(f"{'c' * 40}\n{RIGHT}\n1700000000.5\n")
    assert expected(path, origins) == Expected(RIGHT, "the Hugging Face download")
    beside.write_text("\0")
    assert expected(path, origins) is None
