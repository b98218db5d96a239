"""A model with projectors beside it: previewed with the likeliest of them, unless the person says otherwise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from model_shapes import LLAMA_8B, llama
from shapes.projectors import PROJECTORS, write_projector

from nodetool_xl_desktop.core.units import GIB, MIB
from nodetool_xl_desktop.engine.dry_run import HostPlan, Plan
from nodetool_xl_desktop.fit.memory import HostMemory, Machine, MemoryUse
from nodetool_xl_desktop.fit.options import LoadSettings
from nodetool_xl_desktop.fit.verdict import Verdict
from nodetool_xl_desktop.gguf import HeaderCache, read_model
from nodetool_xl_desktop.library.settings import Kept
from nodetool_xl_desktop.preview.badges import Badges
from nodetool_xl_desktop.preview.choice import Choice
from nodetool_xl_desktop.preview.confirm import Word
from nodetool_xl_desktop.preview.desk import Desk, Source
from nodetool_xl_desktop.preview.report import Preview

HOST = HostMemory(64 * GIB, 32 * GIB)
ALONE = Machine(HOST)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ...]:
    """A model, its projector, another one, and one that is broken."""
    folder = tmp_path_factory.mktemp("models")
    model = llama(folder / "Llama-8B-Q4_K_M.gguf", LLAMA_8B).path
    small, large = (write_projector(folder, PROJECTORS[number]) for number in (1, 0))
    broken = folder / "mmproj-broken.gguf"
    broken.write_bytes(b"GGUF")
    return model, small, large, broken


@pytest.fixture(scope="module")
def preview(files: tuple[Path, ...]) -> Preview:
    return Preview.inspect(files[0], beside=beside(files))


def beside(files: Sequence[Path]) -> Callable[[Path], Sequence[Path]]:
    return lambda model: files[1:] if model == files[0] else ()


def test_it_is_counted_and_told(preview: Preview, files: tuple[Path, ...]) -> None:
    choice = Choice.of(preview, Kept(), 8)
    options = choice.options(ALONE)
    assert [header.path for header in choice.projectors] == list(files[1:3])
    assert options.projector == str(files[1])
    assert not choice.is_changed
    report = preview.report(options, HOST)
    assert report.projector is preview.projectors[0]
    assert report.to_json(0.1)["host"]["projector"] == report.need.host.projector > 500 * MIB
    assert any("mmproj-broken.gguf" in warning for warning in report.warnings)
    blind = preview.report(replace(options, projector=""), HOST)
    assert (blind.projector, blind.need.all.projector) == (None, 0)
    assert blind.need.total == report.need.total - report.need.all.projector


def test_a_person_leaves_it_out_takes_another_and_goes_back(preview: Preview, files: tuple[Path, ...]) -> None:
    choice = Choice.of(preview, Kept(), 8)
    without = choice.change(projector="")
    assert (without.options(ALONE).projector, without.kept.chosen) == ("", LoadSettings(projector=""))
    other = without.change(projector=str(files[2]))
    assert other.options(ALONE).projector == str(files[2])
    assert not other.change(projector=str(files[1])).is_changed
    assert other.reset().options(ALONE).projector == str(files[1])
    kept = Choice.of(preview, Kept(chosen=LoadSettings(projector="/elsewhere/gone.gguf")), 8)
    assert kept.options(ALONE).projector == str(files[1])


def test_the_remedy_leaves_it_out(preview: Preview) -> None:
    choice = Choice.of(preview, Kept(chosen=LoadSettings(context_length=256)), 8)
    need = preview.needs(choice.options(ALONE))
    desk = Desk(Machine(HostMemory(64 * GIB, need.total - 100 * MIB)))
    desk.put(choice, {}, None)
    assert desk.report is not None
    assert desk.report.verdict is Verdict.WONT_FIT
    assert "without Vision, which takes" in desk.advice
    desk.apply(0)
    assert desk.report.options.projector == ""
    assert desk.report.verdict is not Verdict.WONT_FIT
    assert desk.choice is not None
    assert desk.choice.kept.chosen == LoadSettings(context_length=256, projector="")


def test_the_engines_word_is_on_the_load_with_it(preview: Preview) -> None:
    desk = Desk(ALONE)
    desk.put(Choice.of(preview, Kept(), 8), {}, None)
    question = desk.question
    assert question is not None
    assert question.projector is preview.projectors[0]
    host = preview.needs(question.options).host
    whole = MemoryUse(*(size // MIB * MIB for size in (host.model, host.context, host.compute)))
    plan = Plan((), (HostPlan("Host", whole), HostPlan("Projector", MemoryUse(projector=host.projector))))
    desk.hear(Word(question.header, question.options, plan, projector=question.projector))
    assert desk.source is Source.CONFIRMED
    assert desk.choice is not None
    desk.choose(desk.choice.change(projector=""))
    assert desk.source is Source.ESTIMATE, "it was not on this load"


def test_a_badge_is_of_the_load_with_it(preview: Preview, files: tuple[Path, ...]) -> None:
    need = preview.needs(Choice.of(preview, Kept(), 8).options(ALONE))
    there = Machine(HostMemory(64 * GIB, need.total - 100 * MIB))
    read = HeaderCache().read
    verdicts = [
        badges.judge(files[0], there)
        for badges in (
            Badges(lambda _path: Kept(), 8, read, beside(files)),
            Badges(lambda _path: Kept(chosen=LoadSettings(projector="")), 8, read, beside(files)),
            Badges(lambda _path: Kept(), 8, read),
        )
    ]
    assert [badge is not None and badge.verdict for badge in verdicts] == [
        Verdict.WONT_FIT,
        Verdict.TIGHT,
        Verdict.TIGHT,
    ]


def test_what_lies_beside_a_projector_is_nothing(files: tuple[Path, ...]) -> None:
    assert Preview.inspect(files[1], beside=lambda _path: files[1:]).projectors == ()
    assert Preview(read_model(files[0])).projectors == ()
