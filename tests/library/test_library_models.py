"""My Models: what is listed, in which order, and that no accident loses the list."""

from __future__ import annotations

import json
import logging
import os
import resource
from pathlib import Path

import pytest

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.library.model_file import Place, quantization, title
from nodetool_xl_desktop.library.models import ModelLibrary


def model(folder: Path, name: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(b"GGUF")
    return folder / name


def my_models(paths: Paths) -> ModelLibrary:
    """As a person has it who has no other such program."""
    return ModelLibrary(paths, paths.data.parent / "user")


def listed(library: ModelLibrary) -> list[Path]:
    return [file.path for file in library.scan()]


# The list


def test_it_starts_empty_and_writes_nothing(paths: Paths) -> None:
    assert listed(my_models(paths)) == []
    assert not paths.data.exists()


def test_what_was_opened_last_comes_first_then_the_program_s_own(paths: Paths, tmp_path: Path) -> None:
    own = [model(paths.models, name) for name in ("b.gguf", "A.gguf")]
    library = my_models(paths)
    opened = [library.add(model(tmp_path, name)) for name in ("one.gguf", "two.gguf", "three.gguf")]
    assert listed(library) == [*reversed(opened), own[1], own[0]]
    library.add(opened[0])
    assert listed(library) == [opened[0], opened[2], opened[1], own[1], own[0]]


def test_the_list_outlives_the_program(paths: Paths, tmp_path: Path) -> None:
    first = my_models(paths)
    opened = [first.add(model(tmp_path, name)) for name in ("one.gguf", "zwei \u6a21\u578b \u2028.gguf")]
    assert listed(my_models(paths)) == opened[::-1]
    assert [file.name for file in paths.data.iterdir()] == [paths.library_file.name]


def test_what_was_opened_is_listed_where_the_program_has_moved_it(paths: Paths, tmp_path: Path) -> None:
    library = my_models(paths)
    opened = [library.add(model(tmp_path / "old" / "org", name)) for name in ("one.gguf", "two.gguf")]
    stays = library.add(model(tmp_path, "stays.gguf"))
    (tmp_path / "new").mkdir()
    (tmp_path / "old" / "org").rename(tmp_path / "new" / "org")
    library.follow(tmp_path / "old", tmp_path / "new")
    there = [stays, *(tmp_path / "new" / "org" / path.name for path in reversed(opened))]
    assert listed(library) == listed(my_models(paths)) == there


def test_a_name_that_is_no_text_outlives_it_too(paths: Paths, tmp_path: Path) -> None:
    odd = tmp_path / os.fsdecode(b"caf\xe9.gguf")
    odd.write_bytes(b"GGUF")
    my_models(paths).add(odd)
    assert listed(my_models(paths)) == [odd]


def test_a_relative_path_is_kept_whole(paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model(tmp_path, "here.gguf")
    monkeypatch.chdir(tmp_path)
    assert my_models(paths).add(Path("here.gguf")) == tmp_path / "here.gguf"
    monkeypatch.chdir("/")
    assert listed(my_models(paths)) == [tmp_path / "here.gguf"]


def test_a_file_that_is_gone_is_not_shown_and_comes_back_with_its_disk(paths: Paths, tmp_path: Path) -> None:
    library = my_models(paths)
    path = library.add(model(tmp_path / "stick", "away.gguf"))
    (tmp_path / "stick").rename(tmp_path / "unplugged")
    assert listed(library) == listed(my_models(paths)) == []
    (tmp_path / "unplugged").rename(tmp_path / "stick")
    assert listed(my_models(paths)) == [path]


def test_an_own_model_that_was_opened_is_listed_once(paths: Paths) -> None:
    own = model(paths.models, "own.gguf")
    library = my_models(paths)
    library.add(own)
    assert listed(library) == [own]


def test_a_set_is_listed_once_and_says_which_parts_are_missing(paths: Paths) -> None:
    parts = [model(paths.models, f"big-{number:05d}-of-00012.gguf") for number in (1, 2, 10, 12)]
    other = model(paths.models, "not-00002-of-two.gguf")
    model(paths.models, "readme.txt")
    big, alone = my_models(paths).scan()
    assert (big.path, big.files, big.size, alone.path) == (parts[0], tuple(parts), 16, other)
    assert big.trouble is not None
    assert "big-00003-of-00012.gguf, big-00004-of-00012.gguf" in big.trouble.why


def test_removing_forgets_and_deletes_nothing(paths: Paths, tmp_path: Path) -> None:
    library = my_models(paths)
    path = library.add(model(tmp_path, "one.gguf"))
    library.remove(path)
    library.remove(path)  # what is not there is forgotten already
    assert listed(library) == listed(my_models(paths)) == []
    assert path.exists()


def test_folders_are_no_models(paths: Paths, tmp_path: Path) -> None:
    (tmp_path / "folder.gguf").mkdir()
    library = my_models(paths)
    library.add(tmp_path / "folder.gguf")
    assert listed(library) == []


# Accidents


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b'"models"', b'{"models": 5}', b'{"other": []}', b"\xff\xfe\x00", b'{"models": null}'],
)
def test_a_list_that_cannot_be_read_is_set_aside_and_not_lost(
    paths: Paths, tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    paths.data.mkdir(parents=True)
    paths.library_file.write_bytes(content)
    library = my_models(paths)
    with caplog.at_level(logging.WARNING):
        assert listed(library) == []
    assert "cannot be read" in caplog.text
    path = library.add(model(tmp_path, "new.gguf"))
    assert listed(my_models(paths)) == [path]
    kept = [file.read_bytes() for file in paths.data.iterdir() if file != paths.library_file]
    assert kept == [content]


def test_entries_that_are_no_paths_do_no_harm(paths: Paths, tmp_path: Path) -> None:
    good = model(tmp_path, "good.gguf")
    entries = [5, None, "", "\0", "x" * 5000, "/proc/1/root/none", str(good / "below"), ["list"], str(good)]
    paths.data.mkdir(parents=True)
    paths.library_file.write_text(json.dumps({"models": entries}))
    assert listed(my_models(paths)) == [good]


def test_a_list_that_cannot_be_written_is_told_and_kept_until_the_end(paths: Paths, tmp_path: Path) -> None:
    paths.data.parent.mkdir(parents=True)
    paths.data.write_text("a file in place of the folder")
    library = my_models(paths)
    path = model(tmp_path, "one.gguf")
    with pytest.raises(UserFacingError, match="could not be saved"):
        library.add(path)
    assert listed(library) == [path]


def test_a_write_that_fails_leaves_the_old_list(paths: Paths, tmp_path: Path) -> None:
    """The system refuses in the middle of the write: no file may grow beyond 16 bytes."""
    library = my_models(paths)
    first = library.add(model(tmp_path, "first.gguf"))
    second = model(tmp_path, "second.gguf")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (16, hard))
    try:
        with pytest.raises(UserFacingError, match="File too large"):
            library.add(second)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert listed(my_models(paths)) == [first]
    assert [file.name for file in paths.data.iterdir()] == [paths.library_file.name]


def test_two_windows_do_not_forget_each_other_s_models(paths: Paths, tmp_path: Path) -> None:
    one, two = my_models(paths), my_models(paths)
    first, second = one.add(model(tmp_path, "first.gguf")), two.add(model(tmp_path, "second.gguf"))
    third = one.add(model(tmp_path, "third.gguf"))
    assert set(listed(two)) == {first, second, third}
    two.remove(second)
    assert listed(my_models(paths)) == [third, first]


def test_an_entry_says_what_a_list_shows(paths: Paths, tmp_path: Path) -> None:
    own = model(paths.models, "Tiny-1B-Q4_K_M.gguf")
    opened = model(tmp_path, "Other-2B.gguf")
    library = my_models(paths)
    library.add(opened)
    assert [(file.path, file.size, file.place) for file in library.scan()] == [
        (opened, 4, Place.OPENED),
        (own, 4, Place.OWN),
    ]
    assert [file.full_title for file in library.scan()] == ["Other 2B", "Tiny 1B Q4_K_M"]
    assert [file.title for file in library.scan()] == ["Other 2B", "Tiny 1B"]
    assert [file.quantization for file in library.scan()] == ["", "Q4_K_M"]


# Names


@pytest.mark.parametrize(
    ("name", "shown", "quantized"),
    [
        ("SmolLM2-135M-Instruct.Q4_1.gguf", "SmolLM2 135M Instruct", "Q4_1"),
        ("Meta-Llama-3.1-8B-Instruct-Q4_K_M.gguf", "Meta Llama 3.1 8B Instruct", "Q4_K_M"),
        ("mistral-7b-instruct-v0.2.Q5_K_M.gguf", "mistral 7b instruct v0.2", "Q5_K_M"),
        ("tinyllama-1.1b-chat-v1.0.Q8_0.gguf", "tinyllama 1.1b chat v1.0", "Q8_0"),
        ("Phi-3-mini-4k-instruct-q4.gguf", "Phi 3 mini 4k instruct", "Q4"),
        ("qwen2.5-0.5b-instruct-q4_k_m.gguf", "qwen2.5 0.5b instruct", "Q4_K_M"),
        ("Qwen3-30B-A3B-UD-Q4_K_XL.gguf", "Qwen3 30B A3B", "Q4_K_XL"),
        ("DeepSeek-R1-Distill-Qwen-7B-IQ2_XXS.gguf", "DeepSeek R1 Distill Qwen 7B", "IQ2_XXS"),
        ("Midnight-Miqu-70B-v1.5.i1-Q4_K_S.gguf", "Midnight Miqu 70B v1.5", "Q4_K_S"),
        ("gpt-oss-20b-mxfp4.gguf", "gpt oss 20b", "MXFP4"),
        ("gpt-oss-120b-MXFP4_MOE.gguf", "gpt oss 120b", "MXFP4_MOE"),
        ("gemma-3-4b-it-qat-q4_0.gguf", "gemma 3 4b it qat", "Q4_0"),
        ("bitnet-b1.58-2B-4T-TQ2_0.gguf", "bitnet b1.58 2B 4T", "TQ2_0"),
        ("ggml-model-f16.gguf", "ggml model", "F16"),
        ("llama-2-7b.bf16.gguf", "llama 2 7b", "BF16"),
        ("Llama-2-7b-fp16.gguf", "Llama 2 7b", "FP16"),
        ("all-MiniLM-L6-v2-F32.gguf", "all MiniLM L6 v2", "F32"),
        ("mmproj-model-f16.gguf", "mmproj model", "F16"),
        ("DeepSeek-V3-Q4_K_M-00001-of-00009.gguf", "DeepSeek V3", "Q4_K_M"),
        ("Qwen2-7B.gguf", "Qwen2 7B", ""),
        ("my_own_model.gguf", "my own model", ""),
        ("Q4_0.gguf", "Q4 0", ""),
        ("---.gguf", "---.gguf", ""),
        (".gguf", ".gguf", ""),
        ("UPPER-Q4_K_M.GGUF", "UPPER", "Q4_K_M"),
        ("no extension", "no extension", ""),
        ("two\nlines\x1b[2J-Q8_0.gguf", "two lines [2J", "Q8_0"),
    ],
)
def test_a_file_s_name_as_people_say_it(name: str, shown: str, quantized: str) -> None:
    assert title(Path("/models") / name) == shown
    assert quantization(Path("/models") / name) == quantized
