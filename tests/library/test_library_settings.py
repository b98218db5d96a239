"""Kept settings: for this model on this machine, and whatever a hand or a crash did to the file."""

from __future__ import annotations

import json
import logging
import os
import resource
from pathlib import Path
from typing import Any

import pytest

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.fit.options import LoadSettings
from nodetool_xl_desktop.library.settings import FILE_NAME, Kept, ModelSettings, machine_key

FOUND = LoadSettings(threads=3, batch=512, flash_attention=False)
MEASURED = {"prompt_tokens_per_s": 301.5, "decode_tokens_per_s": 70.0}
NONE = LoadSettings()


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model.gguf"
    path.write_bytes(b"GGUF")
    return path


def file_of(paths: Paths) -> Path:
    return paths.data / FILE_NAME


def kept(paths: Paths, model: Path, machine: str | None = None) -> LoadSettings:
    return ModelSettings(paths, machine).for_model(model)


def test_nothing_is_kept_at_first_and_nothing_is_written(paths: Paths, model: Path) -> None:
    assert kept(paths, model) == NONE
    assert not ModelSettings(paths).forget(model)
    assert not paths.data.exists()


def test_what_is_kept_outlives_the_program(paths: Paths, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(model.parent)
    ModelSettings(paths).keep(Path(model.name), FOUND, MEASURED)
    assert kept(paths, model) == FOUND
    assert [file.name for file in paths.data.iterdir()] == [FILE_NAME]
    assert '"decode_tokens_per_s": 70.0' in file_of(paths).read_text()
    ModelSettings(paths).keep(model, LoadSettings(threads=1), MEASURED)  # in place of it, not over it
    assert kept(paths, model) == LoadSettings(threads=1)


def test_forgetting(paths: Paths, model: Path) -> None:
    settings = ModelSettings(paths)
    other = model.with_name("other.gguf")
    other.write_bytes(b"GGUF")
    for each in (model, other):
        settings.keep(each, FOUND, MEASURED)
    model.unlink()  # a file that is gone can be forgotten, too
    assert settings.forget(model)
    assert not settings.forget(model)
    assert kept(paths, other) == FOUND
    model.write_bytes(b"GGUF")
    assert kept(paths, model) == NONE


def test_another_file_of_the_same_name_has_nothing(paths: Paths, model: Path) -> None:
    ModelSettings(paths).keep(model, FOUND, MEASURED)
    model.write_bytes(b"GGUF, but another one")
    assert kept(paths, model) == NONE
    model.unlink()
    assert kept(paths, model) == NONE


def test_a_file_that_is_gone_cannot_be_kept(paths: Paths, tmp_path: Path) -> None:
    with pytest.raises(UserFacingError, match=r"none\.gguf is gone"):
        ModelSettings(paths).keep(tmp_path / "none.gguf", FOUND, MEASURED)


def test_each_machine_has_its_own(paths: Paths, model: Path) -> None:
    ModelSettings(paths, "laptop, 4 cores").keep(model, FOUND, MEASURED)
    ModelSettings(paths, "tower, 16 cores").keep(model, LoadSettings(threads=15), MEASURED)
    assert kept(paths, model, "laptop, 4 cores") == FOUND
    assert kept(paths, model, "tower, 16 cores") == LoadSettings(threads=15)
    assert kept(paths, model) == NONE
    assert ModelSettings(paths, "laptop, 4 cores").forget(model)
    assert kept(paths, model, "tower, 16 cores") == LoadSettings(threads=15)


def test_the_machine_is_its_processor_and_its_cores(tmp_path: Path) -> None:
    info = tmp_path / "cpuinfo"
    info.write_text(
        "processor\t: 0\nmodel name\t: Some  CPU @ 3 GHz\nprocessor\t: 1\nmodel name\t: Some  CPU @ 3 GHz\n"
    )
    cores = f", {os.cpu_count()} cores"
    assert machine_key(info) == f"Some CPU @ 3 GHz{cores}"
    assert machine_key(tmp_path / "none").endswith(cores)  # another system than Linux
    assert machine_key() == machine_key()


def test_a_name_that_is_no_text(paths: Paths, tmp_path: Path) -> None:
    odd = tmp_path / os.fsdecode(b"caf\xe9.gguf")
    odd.write_bytes(b"GGUF")
    ModelSettings(paths).keep(odd, FOUND, MEASURED)
    assert kept(paths, odd) == FOUND


# What a hand spoils


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ({"threads": 2, "batch": "many"}, LoadSettings(threads=2)),
        ({"threads": 0, "batch": 256}, LoadSettings(batch=256)),
        ({"threads": True, "flash_attention": 1, "batch": 256}, LoadSettings(batch=256)),
        ({"threads": 2.0, "speed": 9, "": None}, NONE),
        ({"threads": 10**30, "gpu_layers": -1}, NONE),
        ({"flash_attention": True}, LoadSettings(flash_attention=True)),
        (["threads", 2], NONE),
        (None, NONE),
    ],
)
def test_values_that_are_spoiled_are_ignored_and_told_in_the_log(
    paths: Paths, model: Path, said: Any, read: LoadSettings, caplog: pytest.LogCaptureFixture
) -> None:
    write(paths, {machine_key(): {str(model): {"size": 4, "settings": said}}})
    with caplog.at_level(logging.WARNING):
        assert kept(paths, model) == read
    assert ("model.gguf" in caplog.text) == (said != {"flash_attention": True})


@pytest.mark.parametrize("entry", [5, None, [], "text", {}, {"size": "4", "settings": {"threads": 2}}])
def test_an_entry_that_is_spoiled_is_nothing(paths: Paths, model: Path, entry: Any) -> None:
    other = model.with_name("other.gguf")
    other.write_bytes(b"GGUF")
    good = {"size": 4, "settings": {"threads": 2}}
    write(paths, {machine_key(): {str(model): entry, str(other): good}})
    assert kept(paths, model) == NONE
    assert kept(paths, other) == LoadSettings(threads=2)
    ModelSettings(paths).keep(model, FOUND, MEASURED)
    assert kept(paths, model) == FOUND


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b"5", b'{"machines": 5}', b'{"machines": {"a": 5}}', b"\xff\xfe\x00", b"[" * 100_000],
)
def test_a_file_that_cannot_be_read_is_set_aside_and_not_lost(paths: Paths, model: Path, content: bytes) -> None:
    paths.data.mkdir(parents=True)
    file_of(paths).write_bytes(content)
    settings = ModelSettings(paths)
    assert settings.for_model(model) == NONE
    settings.keep(model, FOUND, MEASURED)
    assert kept(paths, model) == FOUND
    assert [file.read_bytes() for file in paths.data.iterdir() if file.name != FILE_NAME] == [content]


def test_a_file_that_the_disk_refuses_is_not_written_over(
    paths: Paths, model: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file_of(paths).mkdir(parents=True)  # a folder in its place: reading it fails, whoever asks
    settings = ModelSettings(paths)
    with caplog.at_level(logging.WARNING):
        assert settings.for_model(model) == NONE
    assert "cannot be read" in caplog.text
    with pytest.raises(UserFacingError, match="cannot be read"):
        settings.keep(model, FOUND, MEASURED)
    with pytest.raises(UserFacingError, match="cannot be read"):
        settings.forget(model)


def test_a_write_that_fails_leaves_what_was_there(paths: Paths, model: Path) -> None:
    """The system refuses in the middle of the write: no file may grow beyond 16 bytes."""
    settings = ModelSettings(paths)
    settings.keep(model, FOUND, MEASURED)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (16, hard))
    try:
        with pytest.raises(UserFacingError, match="could not be saved"):
            settings.keep(model, LoadSettings(threads=1), MEASURED)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert kept(paths, model) == FOUND
    assert [file.name for file in paths.data.iterdir()] == [FILE_NAME]


def write(paths: Paths, machines: object) -> None:
    paths.data.mkdir(parents=True)
    file_of(paths).write_text(json.dumps({"machines": machines}))


def test_a_choice_stands_beside_what_was_found(paths: Paths, model: Path) -> None:
    settings = ModelSettings(paths)
    settings.keep(model, FOUND, MEASURED)
    settings.choose(model, LoadSettings(threads=5, kv_type_k="q8_0"))
    assert settings.kept(model) == Kept(FOUND, LoadSettings(threads=5, kv_type_k="q8_0"))
    assert kept(paths, model) == LoadSettings(threads=5, batch=512, flash_attention=False, kv_type_k="q8_0")
    assert '"decode_tokens_per_s": 70.0' in file_of(paths).read_text()
    settings.choose(model, NONE)
    assert kept(paths, model) == FOUND


def test_what_is_found_later_goes_before_what_was_chosen_of_the_same(paths: Paths, model: Path) -> None:
    settings = ModelSettings(paths)
    settings.choose(model, LoadSettings(threads=5, context_length=1024))
    settings.keep(model, LoadSettings(threads=3), MEASURED)
    assert settings.kept(model) == Kept(LoadSettings(threads=3), LoadSettings(context_length=1024))
    assert settings.forget(model)
    assert kept(paths, model) == NONE


def test_a_choice_for_another_file_of_the_name_is_none(paths: Paths, model: Path) -> None:
    settings = ModelSettings(paths)
    settings.keep(model, FOUND, MEASURED)
    settings.choose(model, LoadSettings(threads=5))
    model.write_bytes(b"GGUF and more")
    assert settings.kept(model) == Kept()
    settings.choose(model, LoadSettings(batch=64))
    assert settings.kept(model) == Kept(NONE, LoadSettings(batch=64))
    model.unlink()
    with pytest.raises(UserFacingError, match="gone"):
        settings.choose(model, NONE)


def test_what_was_chosen_and_what_was_found_since_are_never_no_load_together(paths: Paths, model: Path) -> None:
    kept = ModelSettings(paths)
    kept.choose(model, LoadSettings(context_length=4096, kv_type_k="q8_0", kv_type_v="q8_0"))
    kept.keep(model, FOUND, MEASURED)  # without flash attention, which a small cache of values needs
    settings = kept.for_model(model)
    assert not settings.options(None, 4).conflict
    assert (settings.context_length, settings.flash_attention, settings.threads) == (4096, False, 3)
