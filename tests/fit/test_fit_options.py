"""Settings of a load: what can be asked for, who decides, and what is loaded where nobody says anything."""

from __future__ import annotations

from dataclasses import asdict, fields, replace
from itertools import permutations

import pytest

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.fit.options import (
    DEFAULT_BATCH,
    DEFAULT_CONTEXT_LENGTH,
    LARGEST_CONTEXT_LENGTH,
    LoadOptions,
    LoadSettings,
)

RANGES = {
    "context_length": (1, LARGEST_CONTEXT_LENGTH),
    "threads": (1, 4096),
    "batch": (1, 65_536),
    "gpu_layers": (0, 100_000),
    "parallel": (1, 256),
    "cache_ram_mib": (0, 2**30),
}
SAID = LoadSettings(4096, 3, 256, 12, 2, 512, flash_attention=False)
every_number = pytest.mark.parametrize("name", RANGES)


def test_settings_and_options_have_the_same_fields() -> None:
    assert [field.name for field in fields(LoadSettings)] == [field.name for field in fields(LoadOptions)]
    assert set(RANGES) | {"flash_attention"} == {field.name for field in fields(LoadSettings)}


@every_number
def test_the_ends_of_a_range_belong_to_it(name: str) -> None:
    for value in RANGES[name]:
        assert getattr(LoadSettings(**{name: value}), name) == value
        assert getattr(LoadSettings(**{name: value}).options(None, None), name) == value


@every_number
@pytest.mark.parametrize("beside", [-1, 1])
def test_what_lies_beside_a_range_is_an_error_that_names_it(name: str, beside: int) -> None:
    least, most = RANGES[name]
    value = least - 1 if beside < 0 else most + 1
    with pytest.raises(UserFacingError) as raised:
        LoadSettings(**{name: value})
    assert name in raised.value.why
    assert f"{value:,}" in raised.value.why
    assert f"between {least:,} and {most:,}" in raised.value.why
    with pytest.raises(UserFacingError):
        replace(SAID, **{name: value})


def test_nothing_said_are_the_defaults() -> None:
    assert LoadSettings().options(131_072, 8) == LoadOptions(
        context_length=DEFAULT_CONTEXT_LENGTH,
        threads=7,
        batch=DEFAULT_BATCH,
        gpu_layers=0,
        parallel=1,
        cache_ram_mib=0,
        flash_attention=None,
    )


@pytest.mark.parametrize(("cores", "threads"), [(None, 1), (1, 1), (2, 1), (4, 3), (64, 63)])
def test_one_core_stays_free(cores: int | None, threads: int) -> None:
    assert LoadSettings().options(None, cores).threads == threads


@pytest.mark.parametrize(("made_for", "context"), [(None, 8192), (2048, 2048), (100, 256), (2**40, 8192), (8192, 8192)])
def test_the_default_context_is_one_that_the_model_was_made_for(made_for: int | None, context: int) -> None:
    assert LoadSettings().options(made_for, 2).context_length == context


def test_what_is_said_is_what_is_loaded() -> None:
    assert asdict(SAID.options(2048, 1)) == asdict(SAID)
    assert LoadSettings.of(SAID.options(2048, 1)) == SAID
    assert LoadSettings(gpu_layers=0, cache_ram_mib=0).options(None, None).gpu_layers == 0


def test_the_first_source_that_says_something_decides() -> None:
    call = LoadSettings(context_length=1, flash_attention=False)
    model = LoadSettings(context_length=2, threads=2, gpu_layers=0)
    environment = LoadSettings(context_length=3, threads=3, batch=3, gpu_layers=9, flash_attention=True)
    default = LoadSettings(cache_ram_mib=2048)
    together = call.over(model).over(environment).over(default)
    assert together == LoadSettings(1, 2, 3, 0, None, 2048, flash_attention=False)
    assert together == call.over(model.over(environment.over(default)))  # in whatever order they are put together


@pytest.mark.parametrize("name", [field.name for field in fields(LoadSettings)])
def test_each_setting_is_decided_by_itself(name: str) -> None:
    low: dict[str, int | bool] = {"flash_attention": False} | {key: low for key, (low, _) in RANGES.items()}
    high = {"flash_attention": True} | {key: most for key, (_, most) in RANGES.items()}
    for first, second in permutations([low[name], high[name]]):
        over = LoadSettings(**{name: first}).over(LoadSettings(**{name: second}))
        assert over == LoadSettings(**{name: first})  # also where it is 0 or False
    assert LoadSettings().over(LoadSettings(**{name: high[name]})) == LoadSettings(**{name: high[name]})
    assert SAID.over(LoadSettings(**high)) == SAID.over(LoadSettings()) == LoadSettings().over(SAID) == SAID


def test_options_tell_what_the_figures_depend_on() -> None:
    told = LoadOptions(4096, 3, 256, 12, 2, 512, flash_attention=True).to_json()
    assert told == asdict(SAID) | {
        "flash_attention": "on",
        "kv_type_k": "f16",
        "kv_type_v": "f16",
        "mmap": True,
    }
    assert LoadOptions().to_json()["flash_attention"] == "auto"
    assert LoadOptions(flash_attention=False).to_json()["flash_attention"] == "off"
