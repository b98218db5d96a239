"""Who decides how a model is loaded: the call, what is kept for the model, the environment, the defaults."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from engine_runs import failure_of, gather
from gguf_writer import write_gguf

from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.engine.environment import VARIABLES
from nodetool_xl_desktop.engine.errors import EngineError, Fault
from nodetool_xl_desktop.engine.pool import Pool
from nodetool_xl_desktop.fit.options import LoadOptions, LoadSettings
from nodetool_xl_desktop.library.settings import ModelSettings
from nodetool_xl_desktop.provider import Message, XLlamaCppProvider

pytestmark = pytest.mark.usefixtures("no_process_left")

ASK = [Message("user", "Hi")]
KEPT = LoadSettings(context_length=3072, threads=3, parallel=3, cache_ram_mib=300, batch=64, flash_attention=False)
SAID = {
    "XLLAMACPP_N_CTX": "2048",
    "XLLAMACPP_N_GPU_LAYERS": "0",
    "XLLAMACPP_N_THREADS": "2",
    "XLLAMACPP_PARALLEL": "2",
    "XLLAMACPP_CACHE_RAM_MIB": "200",
}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Made for 32,768 tokens."""
    metadata = {"general.architecture": "llama", "llama.context_length": 32_768}
    return write_gguf(tmp_path / "large.gguf", metadata, [("token_embd.weight", (256, 4), "F32")])


def options(paths: Paths, model: Path, load: LoadSettings | None = None) -> LoadOptions:
    provider = XLlamaCppProvider(Pool(), paths)
    return asyncio.run(provider.prepare(model, load or LoadSettings())).options


def say(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, value in SAID.items():
        monkeypatch.setenv(variable, value)


def test_the_defaults_are_those_of_the_specification(paths: Paths, model: Path) -> None:
    decided = options(paths, model)
    assert (decided.context_length, decided.parallel, decided.cache_ram_mib) == (8192, 1, 2048)
    assert decided.threads >= 1
    assert decided.flash_attention is None


def test_a_model_that_was_made_for_less_gets_less(paths: Paths, tmp_path: Path) -> None:
    metadata = {"general.architecture": "llama", "llama.context_length": 1024}
    small = write_gguf(tmp_path / "small.gguf", metadata, [("token_embd.weight", (256, 4), "F32")])
    assert options(paths, small).context_length == 1024


def test_the_environment_comes_before_the_defaults(paths: Paths, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    say(monkeypatch)
    assert options(paths, model) == LoadOptions(2048, threads=2, gpu_layers=0, parallel=2, cache_ram_mib=200)
    for variable in VARIABLES:
        monkeypatch.setenv(variable, "")
    assert options(paths, model).context_length == 8192


def test_what_is_kept_for_the_model_comes_before_the_environment(
    paths: Paths, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    say(monkeypatch)
    ModelSettings(paths).keep(model, KEPT, {})
    assert options(paths, model) == LoadOptions(3072, 3, 64, 0, 3, 300, False)
    ModelSettings(paths).keep(model, LoadSettings(threads=3), {})
    assert options(paths, model) == LoadOptions(2048, threads=3, gpu_layers=0, parallel=2, cache_ram_mib=200)


def test_the_call_comes_before_all_of_them(paths: Paths, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    say(monkeypatch)
    ModelSettings(paths).keep(model, KEPT, {})
    call = LoadSettings(4096, 4, 32, 4, 4, 400, True)
    assert options(paths, model, call) == LoadOptions(4096, 4, 32, 4, 4, 400, True)
    # What the call leaves open is decided by the next one.
    assert options(paths, model, LoadSettings(cache_ram_mib=0)) == LoadOptions(3072, 3, 64, 0, 3, 0, False)


@pytest.mark.parametrize("variable", VARIABLES)
@pytest.mark.parametrize("value", ["many", "-2", "1.5"])
async def test_a_variable_that_cannot_be_used_is_named(
    paths: Paths, model: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    provider = XLlamaCppProvider(Pool(), paths)
    told = [failure_of(await gather(provider.stream(ASK, model))).error]
    for attempt in (provider.generate_message(ASK, model), provider.load(model), provider.endpoint(model)):
        with pytest.raises(EngineError) as error:
            await attempt
        told.append(error.value)
    for each in told:
        assert isinstance(each, EngineError)
        assert each.fault is Fault.BAD_REQUEST
        assert variable in each.what


async def test_a_load_gets_what_was_decided(starter_model: Path, paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XLLAMACPP_N_CTX", "512")
    pool = Pool()
    provider = XLlamaCppProvider(pool, paths)
    try:
        server = await provider.load(starter_model)
        assert server.context_length == server.options.context_length == 512
        assert server.options.cache_ram_mib == 2048
        assert await provider.load(starter_model, load=LoadSettings(context_length=512)) is server
        other = await provider.load(starter_model, load=LoadSettings(context_length=256))
        assert other.context_length == 256
        assert pool.loaded == (server, other)
        await provider.eject(starter_model)
        assert pool.loaded == ()
    finally:
        await pool.close()
