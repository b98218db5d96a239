"""Settings of a load: what can be asked for, who decides, and what is loaded where nobody says anything."""

from __future__ import annotations

from dataclasses import asdict, fields, replace
from itertools import permutations
from typing import Any

import pytest

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.fit.options import (
    DEFAULT_BATCH,
    DEFAULT_CONTEXT_LENGTH,
    KV_TYPES,
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
    "ubatch": (1, 65_536),
    "cpu_moe": (0, 1024),
}
SHARES, FILE = "tensor_split", "projector"
SWITCHES = ("flash_attention", "swa_full", "kv_unified", "mmap", "mlock")
TYPES = ("kv_type_k", "kv_type_v")
SAID = LoadSettings(
    4096,
    3,
    256,
    12,
    2,
    512,
    flash_attention=False,
    kv_type_k="q8_0",
    kv_type_v="bf16",
    ubatch=64,
    swa_full=True,
    kv_unified=True,
    mmap=False,
    mlock=True,
    cpu_moe=5,
    tensor_split="3,1",
    projector="mmproj.gguf",
)
every_number = pytest.mark.parametrize("name", RANGES)


def test_settings_and_options_have_the_same_fields() -> None:
    assert [field.name for field in fields(LoadSettings)] == [field.name for field in fields(LoadOptions)]
    assert {*RANGES, *SWITCHES, *TYPES, SHARES, FILE} == {field.name for field in fields(LoadSettings)}


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
        kv_type_k="f16",
        kv_type_v="f16",
        ubatch=512,
        swa_full=False,
        kv_unified=False,
        mmap=True,
        mlock=False,
        cpu_moe=0,
        tensor_split="",
        projector="",
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
    ends = {
        **RANGES,
        **dict.fromkeys(SWITCHES, (False, True)),
        **dict.fromkeys(TYPES, ("f32", "q4_0")),
        SHARES: ("", "0,1"),
        FILE: ("", "mmproj.gguf"),
    }
    low: dict[str, Any] = {key: low for key, (low, _) in ends.items()}
    high: dict[str, Any] = {key: most for key, (_, most) in ends.items()}
    for first, second in permutations([low[name], high[name]]):
        over = LoadSettings(**{name: first}).over(LoadSettings(**{name: second}))
        assert over == LoadSettings(**{name: first})  # also where it is 0 or False
    assert LoadSettings().over(LoadSettings(**{name: high[name]})) == LoadSettings(**{name: high[name]})
    assert SAID.over(LoadSettings(**high)) == SAID.over(LoadSettings()) == LoadSettings().over(SAID) == SAID


def test_options_tell_what_the_figures_depend_on() -> None:
    assert SAID.options(None, None).to_json() == asdict(SAID) | {"flash_attention": "off"}
    assert LoadOptions(flash_attention=True).to_json()["flash_attention"] == "on"
    assert LoadOptions().to_json()["flash_attention"] == "auto"
    assert LoadOptions(flash_attention=False).to_json()["flash_attention"] == "off"


# What the caches are kept as


@pytest.mark.parametrize("name", TYPES)
@pytest.mark.parametrize("kind", KV_TYPES)
def test_each_type_of_the_engine_can_be_asked_for(name: str, kind: str) -> None:
    assert getattr(LoadSettings(**{name: kind}).options(None, None), name) == kind  # type: ignore[arg-type]


@pytest.mark.parametrize("name", TYPES)
@pytest.mark.parametrize("kind", ["", "F16", "q4_k", "q8_1", "f16 ", 16, True])
def test_another_type_is_an_error_that_names_those_there_are(name: str, kind: Any) -> None:
    with pytest.raises(UserFacingError) as raised:
        LoadSettings(**{name: kind})
    assert name in raised.value.why
    assert repr(kind) in raised.value.why
    assert "f16, bf16, q8_0" in raised.value.why


@pytest.mark.parametrize("kind", ["q8_0", "q4_0", "iq4_nl", "q5_1"])
def test_quantised_values_need_flash_attention(kind: str) -> None:
    both = LoadSettings(kv_type_v=kind).over(LoadSettings(flash_attention=False))  # no source alone is wrong
    with pytest.raises(UserFacingError) as raised:
        both.options(None, None)
    assert kind in raised.value.why
    assert "flash attention" in raised.value.why
    assert raised.value.hint
    assert LoadOptions(kv_type_v=kind, flash_attention=False).conflict == raised.value.why
    assert both.conflict == raised.value.why
    assert LoadSettings(kv_type_v=kind).conflict == LoadSettings(flash_attention=False).conflict == ""
    for flash in (None, True):
        assert LoadSettings(kv_type_v=kind, flash_attention=flash).options(None, None).conflict == ""
    for fine in (LoadSettings(kv_type_k=kind), LoadSettings(kv_type_v="bf16"), LoadSettings()):
        assert replace(fine, flash_attention=False).options(None, None).conflict == ""


# What is computed at once


@pytest.mark.parametrize(
    ("batch", "ubatch", "at_once"), [(128, None, 128), (2048, None, 512), (512, 64, 64), (8, 64, 8)]
)
def test_no_more_is_computed_at_once_than_the_batch(batch: int, ubatch: int | None, at_once: int) -> None:
    options = LoadSettings(batch=batch, ubatch=ubatch).options(None, None)
    assert options.physical_batch == options.to_json()["ubatch"] == at_once
    assert options.to_json()["batch"] == batch


# The shares of the devices


@pytest.mark.parametrize(
    ("said", "shares"),
    [("", ()), ("1", (1,)), ("3,1", (3, 1)), ("0,7168", (0, 7168)), ("0," * 15 + "1", (0,) * 15 + (1,))],
)
def test_shares_of_the_devices(said: str, shares: tuple[int, ...]) -> None:
    options = LoadSettings(tensor_split=said).options(None, None)
    assert options.shares == shares
    assert options.to_json()["tensor_split"] == said
    assert options.keeps_off_first_device is said.startswith("0,")


@pytest.mark.parametrize(
    "said",
    ["0", "0,0", ",", "1,", ",1", "1 2", "1.5,1", "-1,2", "a,b", "1;2", "1,\n2", "1," * 16 + "1", "9" * 20, 3, (3, 1)],
)
def test_what_are_no_shares(said: Any) -> None:
    with pytest.raises(UserFacingError) as raised:
        LoadSettings(tensor_split=said)
    assert "tensor_split" in raised.value.why
