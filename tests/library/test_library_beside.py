"""The projectors of one file are those that My Models pairs it with."""

from __future__ import annotations

from pathlib import Path

import pytest
from gguf_writer import write_gguf, write_split_set

from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.gguf import read_model
from nodetool_xl_desktop.library.beside import projectors_beside
from nodetool_xl_desktop.library.models import ModelLibrary

TENSORS = [("token_embd.weight", (256, 4), "Q4_K")]
LLAMA = {"general.architecture": "llama", "llama.embedding_length": 256}
CLIP = {"general.architecture": "clip", "clip.has_vision_encoder": True, "clip.projector_type": "gemma3"}


@pytest.fixture
def folder(paths: Paths) -> Path:
    paths.models.mkdir(parents=True)
    return paths.models


def model(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return write_gguf(path, LLAMA, TENSORS)


def eyes(path: Path, width: int = 256) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return write_gguf(path, CLIP, [("mm.input_projection.weight", (width, 8), "F16")])


def test_they_are_those_of_the_list(folder: Path, paths: Paths, tmp_path: Path) -> None:
    model(folder / "gemma-3-4b-it-Q4_K_M.gguf")
    model(folder / "gemma-3-12b-it-Q4_K_M.gguf")
    model(folder / "one" / "Pixtral-Q4_K_M.gguf")
    model(folder / "one" / "Q8_0" / "Pixtral-Q8_0.gguf")
    model(folder / "two" / "Seer-Q8_0.gguf")
    write_split_set(folder / "one", "Pixtral-F16", LLAMA, [*TENSORS, ("output.weight", (256, 4), "Q4_K")], 2)
    told = [
        eyes(folder / "mmproj-gemma-3-12b-it-F16.gguf"),
        eyes(folder / "one" / "mmproj-BF16.gguf"),
        eyes(folder / "one" / "mmproj-F16.gguf"),
        eyes(folder / "two" / "mmproj-other-F16.gguf", width=512),
    ]
    listed = ModelLibrary(paths, tmp_path / "home").scan()
    pairs = {each.path: each.projectors for each in listed if each.path not in told}
    assert len(pairs) == 6
    assert pairs[folder / "gemma-3-12b-it-Q4_K_M.gguf"] == (told[0],)
    assert pairs[folder / "one" / "Q8_0" / "Pixtral-Q8_0.gguf"] == (told[2], told[1])
    assert pairs[folder / "two" / "Seer-Q8_0.gguf"] == ()
    assert {path: projectors_beside(path, read_model) for path in pairs} == pairs


def test_what_cannot_be_read_is_taken_by_its_name(folder: Path) -> None:
    """Who then reads it is told why it is none."""
    path = model(folder / "Seer-Q8_0.gguf")
    assert projectors_beside(path, read_model) == ()
    assert projectors_beside(folder / "gone" / "Seer-Q8_0.gguf", read_model) == ()
    broken, loop = folder / "mmproj-F16.gguf", folder / "mmproj-loop.gguf"
    broken.symlink_to(folder / "gone.gguf")
    loop.symlink_to(folder)
    assert projectors_beside(path, read_model) == (broken, loop)
    write_gguf(folder / "clip-notes.gguf", LLAMA, TENSORS)
    assert projectors_beside(path, read_model) == (), "another model lies there: whose they are nobody can say"
