"""The settings of the environment: each read, empty as good as unset, and what cannot be read named."""

from __future__ import annotations

import pytest

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.engine.environment import VARIABLES, load_settings
from nodetool_xl_desktop.fit.options import LoadSettings

every_variable = pytest.mark.parametrize("variable", VARIABLES)


def test_the_variables_are_those_of_the_specification() -> None:
    assert VARIABLES == {
        "XLLAMACPP_N_CTX": "context_length",
        "XLLAMACPP_N_GPU_LAYERS": "gpu_layers",
        "XLLAMACPP_N_THREADS": "threads",
        "XLLAMACPP_PARALLEL": "parallel",
        "XLLAMACPP_CACHE_RAM_MIB": "cache_ram_mib",
    }


@every_variable
@pytest.mark.parametrize("text", ["", " ", "\t \n"])
def test_empty_is_as_good_as_unset(variable: str, text: str) -> None:
    assert load_settings({variable: text}) == load_settings({}) == LoadSettings()


@every_variable
@pytest.mark.parametrize("text", ["12", " 12 ", "012", "+12"])
def test_a_number_is_read(variable: str, text: str) -> None:
    assert load_settings({variable: text}) == LoadSettings(**{VARIABLES[variable]: 12})


def test_all_of_them_at_once_and_nothing_else() -> None:
    environment = {name: str(number) for number, name in enumerate(VARIABLES, 300)}
    environment = environment | {"XLLAMACPP_PARALLEL": "4", "XLLAMACPP_BATCH": "5", "N_CTX": "6"}
    assert load_settings(environment) == LoadSettings(
        context_length=300, gpu_layers=301, threads=302, parallel=4, cache_ram_mib=304
    )


def test_this_process_has_an_environment_too(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    assert load_settings() == LoadSettings()
    monkeypatch.setenv("XLLAMACPP_N_CTX", "4096")
    assert load_settings() == LoadSettings(context_length=4096)


@every_variable
@pytest.mark.parametrize(
    "text", ["auto", "many", "4k", "0x10", "1e3", "2.5", "4,096", "-", "4 096", "True", "\u00bd", "\ud800"]
)
def test_what_is_no_whole_number_is_an_error_that_names_the_variable(variable: str, text: str) -> None:
    error = error_of(variable, text)
    assert repr(text) in error.why
    str(error).encode()  # it can be printed anywhere


@every_variable
@pytest.mark.parametrize("text", ["-1", "-2147483649", "1000000000000", "9" * 4000, "9" * 5000])
def test_what_no_load_can_have_is_an_error_that_names_the_variable(variable: str, text: str) -> None:
    assert len(str(error_of(variable, text))) < 500  # it is read by a person


@pytest.mark.parametrize("variable", ["XLLAMACPP_N_CTX", "XLLAMACPP_N_THREADS", "XLLAMACPP_PARALLEL"])
def test_none_of_these_can_be_nothing(variable: str) -> None:
    assert "between 1 and" in error_of(variable, "0").why


@pytest.mark.parametrize("variable", ["XLLAMACPP_N_GPU_LAYERS", "XLLAMACPP_CACHE_RAM_MIB"])
def test_no_layers_and_no_cache_are_choices(variable: str) -> None:
    assert load_settings({variable: "0"}) == LoadSettings(**{VARIABLES[variable]: 0})


def test_the_variable_that_is_wrong_is_the_one_that_is_named() -> None:
    environment = dict.fromkeys(VARIABLES, "7") | {"XLLAMACPP_PARALLEL": "two"}
    with pytest.raises(UserFacingError) as raised:
        load_settings(environment)
    assert [name for name in VARIABLES if name in str(raised.value)] == ["XLLAMACPP_PARALLEL"]


def error_of(variable: str, text: str) -> UserFacingError:
    with pytest.raises(UserFacingError) as raised:
        load_settings({variable: text})
    error = raised.value
    assert variable in error.what
    assert error.why
    assert error.hint
    return error
