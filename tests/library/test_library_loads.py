"""What loads took, kept for the file and the options that they were of."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.fit.memory import MemoryUse
from nodetool_xl_desktop.fit.options import LoadOptions
from nodetool_xl_desktop.library.loads import FILE_NAME, KEPT_OF_A_MODEL, LoadRecords, key

OPTIONS = LoadOptions(4096)
TOOK = MemoryUse(90, 180, 6)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model.gguf"
    path.write_bytes(b"GGUF")
    return path


def test_what_is_kept_outlives_the_program(paths: Paths, model: Path) -> None:
    assert LoadRecords(paths).taken(model) == {}
    assert not paths.data.exists()
    LoadRecords(paths).keep(model, OPTIONS, TOOK)
    assert LoadRecords(paths).taken(model) == {key(OPTIONS): 276}
    assert LoadRecords(paths, "another machine").taken(model) == {}


def test_options_that_change_no_memory_are_the_same(model: Path) -> None:
    assert key(replace(OPTIONS, threads=7)) == key(OPTIONS)
    assert key(replace(OPTIONS, kv_type_k="q8_0")) != key(OPTIONS)


def test_another_file_of_the_same_name_has_none(paths: Paths, model: Path) -> None:
    records = LoadRecords(paths)
    records.keep(model, OPTIONS, TOOK)
    model.write_bytes(b"GGUF and more")
    assert records.taken(model) == {}
    records.keep(model, LoadOptions(512), TOOK)
    assert records.taken(model) == {key(LoadOptions(512)): 276}
    model.unlink()
    assert records.taken(model) == {}
    with pytest.raises(UserFacingError, match="gone"):
        records.keep(model, OPTIONS, TOOK)


def test_the_newest_few_are_kept(paths: Paths, model: Path) -> None:
    records = LoadRecords(paths)
    every = [LoadOptions(256 * number) for number in range(1, KEPT_OF_A_MODEL + 3)]
    for options in every:
        records.keep(model, options, TOOK)
    assert set(records.taken(model)) == {key(options) for options in every[2:]}


@pytest.mark.parametrize("spoiled", ["[]", "{", '{"machines": {"m": 5}}', '{"machines": {"m": {"x": {"taken": 3}}}}'])
def test_a_spoiled_file_is_nothing(paths: Paths, model: Path, spoiled: str) -> None:
    paths.data.mkdir(parents=True)
    (paths.data / FILE_NAME).write_text(spoiled)
    records = LoadRecords(paths, "m")
    assert records.taken(model) == {}
    records.keep(model, OPTIONS, TOOK)
    assert records.taken(model) == {key(OPTIONS): 276}
