"""Which projector belongs to which model, by the names that they are published under."""

from __future__ import annotations

from pathlib import Path

import pytest
from gguf_writer import write_gguf
from shapes.corpus import by_name
from shapes.projectors import PROJECTORS, Projector, write_projector
from shapes.shape import write

from nodetool_xl_desktop.gguf import read_model
from nodetool_xl_desktop.library.facts import facts as told_by
from nodetool_xl_desktop.library.gather import Group, models
from nodetool_xl_desktop.library.model_file import Capability, Facts, Place
from nodetool_xl_desktop.library.walk import Seen

SEES = frozenset({Capability.VISION})


def facts(path: Path, kind: str, width: int = 0, can: frozenset[Capability] = frozenset()) -> Facts:
    return Facts(kind, path.stem, "llama", 1, "", None, can, "", str(path), width)  # type: ignore[arg-type]


def paired(
    *names: str, widths: dict[str, int] | None = None, told: dict[str, str] | None = None, known: bool = True
) -> dict[str, list[str]]:
    """What is listed, each with its projectors."""
    groups, said = [], {}
    for number, name in enumerate(names):
        path = Path("/models", name)
        projectors = (Path("/models", told[name]),) if told and name in told else None
        groups.append(Group((Seen(path, Place.ADDED, 1, 1, (1, number)),), projectors=projectors))
        is_projector = "mmproj" in name or name.startswith("clip-")
        width = (widths or {}).get(name, 0)
        said[path] = facts(path, "projector" if is_projector else "model", width, SEES if is_projector else frozenset())
    found = models(groups, said if known else {})
    for model in found:
        assert bool(model.projectors) == (model.senses == SEES) or not known
    return {
        str(model.path.relative_to("/models")): [str(each.relative_to("/models")) for each in model.projectors]
        for model in found
    }


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize(
    ("model", "projector"),
    [
        ("gemma-3-4b-it-Q4_K_M.gguf", "mmproj-gemma-3-4b-it-f16.gguf"),
        ("google_gemma-3-4b-it-Q4_K_M.gguf", "mmproj-google_gemma-3-4b-it-bf16.gguf"),
        ("Qwen2.5-VL-7B-Instruct-Q8_0.gguf", "mmproj-Qwen2.5-VL-7B-Instruct-f16.gguf"),
        ("Qwen2.5-VL-7B-Instruct-Q8_0.gguf", "Qwen2.5-VL-7B-Instruct-mmproj-f16.gguf"),
        ("llava-v1.5-7b-Q4_K.gguf", "llava-v1.5-7b-mmproj-model-f16.gguf"),
        ("ggml-model-q4_k.gguf", "mmproj-model-f16.gguf"),
        ("SmolVLM2-2.2B-Instruct-Q4_K_M.gguf", "mmproj-SmolVLM2-2.2B-Instruct-Q8_0.gguf"),
        ("pixtral-12b-Q4_K_M.gguf", "mmproj-F16.gguf"),
        ("Q4_K_M/big-Q4_K_M-00001-of-00002.gguf", "mmproj-F16.gguf"),
        ("something-7B.gguf", "mmproj.gguf"),
    ],
)
def test_those_that_are_published_together(model: str, projector: str, known: bool) -> None:
    assert paired(model, projector, known=known) == {model: [projector]}


def test_all_builds_of_one_model_share_one(tmp_path: Path) -> None:
    builds = [f"gemma-3-4b-it-{name}.gguf" for name in ("Q4_K_M", "Q8_0", "BF16")]
    found = paired(*builds, "mmproj-BF16.gguf", "mmproj-F16.gguf", "mmproj-F32.gguf")
    assert found == {name: ["mmproj-F16.gguf", "mmproj-BF16.gguf", "mmproj-F32.gguf"] for name in builds}


def test_in_a_folder_of_many_models_only_a_name_tells() -> None:
    found = paired(
        "gemma-3-4b-it-Q4_K_M.gguf",
        "gemma-3-12b-it-Q4_K_M.gguf",
        "Llama-3.2-1B-Q4_K_M.gguf",
        "mmproj-gemma-3-12b-it-f16.gguf",
        "mmproj-F16.gguf",
    )
    assert found == {
        "gemma-3-4b-it-Q4_K_M.gguf": [],
        "gemma-3-12b-it-Q4_K_M.gguf": ["mmproj-gemma-3-12b-it-f16.gguf"],
        "Llama-3.2-1B-Q4_K_M.gguf": [],
        "mmproj-F16.gguf": [],  # whose it is nobody can say
    }


def test_another_models_projector_is_not_taken() -> None:
    names = ("Llama-3.2-1B-Q4_K_M.gguf", "mmproj-gemma-3-12b-it-f16.gguf")
    apart = paired(*names, widths={names[0]: 2048, names[1]: 3840})
    assert apart == {names[0]: [], names[1]: []}
    assert paired(*names, widths={names[0]: 3840, names[1]: 3840}) == {names[0]: [names[1]]}


def test_a_projector_above_many_folders_belongs_to_none_of_them() -> None:
    found = paired("a/gemma-3-4b-it-Q4_0.gguf", "b/Llama-3.2-1B-Q4_0.gguf", "mmproj-F16.gguf")
    assert found == {"a/gemma-3-4b-it-Q4_0.gguf": [], "b/Llama-3.2-1B-Q4_0.gguf": [], "mmproj-F16.gguf": []}


def test_a_projector_by_its_header_and_one_that_its_program_names() -> None:
    assert paired("moon-2.gguf", "clip-moon-2.gguf") == {"moon-2.gguf": ["clip-moon-2.gguf"]}
    names = ("x/sha256-a", "x/sha256-b", "y/mmproj-other.gguf")
    found = paired(*names, told={"x/sha256-a": "y/mmproj-other.gguf"})
    assert found == {"x/sha256-a": ["y/mmproj-other.gguf"], "x/sha256-b": []}


@pytest.mark.parametrize("projector", PROJECTORS, ids=repr)
def test_a_projector_is_as_wide_as_its_model(projector: Projector, tmp_path: Path) -> None:
    """Whatever the header calls its projection: that of LLaVA 1.5 is the one of the CLIP that it was cut from."""
    said = told_by(read_model(write_projector(tmp_path, projector)))
    assert said.width == told_by(read_model(write(tmp_path, by_name(projector.beside)))).width > 0


@pytest.mark.parametrize(
    ("kind", "tensor", "shape", "width"),
    [
        (None, "mm.2.weight", (64, 512), 512),
        ("mlp", "mm.3.bias", (512,), 512),
        ("mlp", "mm.0.weight", (64, 512), 0),  # it does not say, and 768 would be wrong
        ("internvl", "mm.model.mlp.3.weight", (64, 512), 512),
        ("resampler", "resampler.proj.weight", (512, 64), 512),
        ("of tomorrow", "mm.9.weight", (64, 512), 768),
    ],
)
def test_the_width_of_a_projector_is_that_of_its_last_matrix(
    tmp_path: Path, kind: str | None, tensor: str, shape: tuple[int, ...], width: int
) -> None:
    metadata = {"general.architecture": "clip", "clip.vision.projection_dim": 768}
    told = metadata if kind is None else {**metadata, "clip.projector_type": kind}
    assert told_by(read_model(write_gguf(tmp_path / "mmproj.gguf", told, [(tensor, shape, "F32")]))).width == width
