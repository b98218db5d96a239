"""Scripts and `ask` with a model that has its projector beside it: it sees unless somebody says otherwise."""

from __future__ import annotations

from pathlib import Path

import pytest
from gguf_writer import write_gguf
from shapes.tiny_projectors import picture, write_tiny

from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.engine.errors import EngineError, Fault
from nodetool_xl_desktop.engine.pool import Pool
from nodetool_xl_desktop.fit.options import LoadSettings
from nodetool_xl_desktop.library.models import ModelLibrary
from nodetool_xl_desktop.provider import ImagePart, Message, XLlamaCppProvider
from nodetool_xl_desktop.provider.values import TextPart

pytestmark = pytest.mark.usefixtures("no_process_left")

SMALL = LoadSettings(context_length=1024)
BLIND = LoadSettings(context_length=1024, projector="")
WORDS = [Message("user", "Hello")]
SHOWN = [Message("user", [TextPart("Hello"), ImagePart(picture(), "image/png")])]


@pytest.fixture
def model(starter_model: Path, paths: Paths) -> Path:
    """The starter model in My Models, with a projector beside it."""
    path = paths.models / "org" / "Starter-GGUF" / "Starter-135M-Q4_K_M.gguf"
    path.parent.mkdir(parents=True)
    path.symlink_to(starter_model)
    write_tiny(path.with_name("mmproj-F16.gguf"))
    return path


@pytest.fixture
def provider(paths: Paths) -> XLlamaCppProvider:
    return XLlamaCppProvider(Pool(), paths)


async def prompt_tokens(provider: XLlamaCppProvider, model: Path, load: LoadSettings, said: list[Message]) -> int:
    answer = await provider.generate_message(said, model, max_tokens=2, load=load)
    assert answer.usage is not None
    return answer.usage.prompt_tokens


async def test_a_picture_is_seen_unless_a_person_switched_it_off(provider: XLlamaCppProvider, model: Path) -> None:
    try:
        words = await prompt_tokens(provider, model, SMALL, WORDS)
        assert await prompt_tokens(provider, model, SMALL, SHOWN) == words + 4
        provider.choose_settings(model, LoadSettings(projector=""))
        with pytest.raises(EngineError) as error:
            await prompt_tokens(provider, model, SMALL, SHOWN)
        assert "takes text only" in error.value.why
        named = LoadSettings(context_length=1024, projector="mmproj-F16.gguf")
        assert await prompt_tokens(provider, model, named, SHOWN) == words + 4, "the call goes before"
        assert await provider.load(model, load=named) is not await provider.load(model, load=BLIND)
    finally:
        await provider.close()


async def test_how_it_would_be_loaded(provider: XLlamaCppProvider, model: Path, tmp_path: Path) -> None:
    async def projector(load: LoadSettings = SMALL) -> str:
        return (await provider.prepare(model, load)).options.projector

    beside = model.with_name("mmproj-F16.gguf")
    assert await projector() == str(beside)
    assert await projector(BLIND) == ""
    other = write_tiny(tmp_path / "other.gguf")
    assert await projector(LoadSettings(projector=str(other))) == str(other)
    with pytest.raises(EngineError) as error:
        await projector(LoadSettings(projector=str(tmp_path / "gone.gguf")))
    assert error.value.fault is Fault.FILE
    provider.choose_settings(model, LoadSettings(projector=str(tmp_path / "moved" / "mmproj-F16.gguf")))
    assert await projector() == str(beside), "what a person chose went along with the model"
    beside.write_bytes(b"GGUF")
    assert await projector() == "", "what is broken keeps nobody from the model"
    beside.unlink()
    assert await projector() == ""


async def test_the_list_says_which_models_see(provider: XLlamaCppProvider, model: Path, paths: Paths) -> None:
    ModelLibrary(paths).scan()  # what a projector adds stands in its header
    shape = {"general.architecture": "llama", "llama.block_count": 1}
    (paths.models / "other").mkdir()
    blind = write_gguf(paths.models / "other" / "Blind-Q8_0.gguf", shape, [("token_embd.weight", (256, 4), "Q4_K")])
    listed = await provider.get_available_language_models()
    assert {each.path: each.vision for each in listed} == {model: True, blind: False}
