"""The whole program with a model that has its projector beside it, and the real engine."""

from __future__ import annotations

from pathlib import Path

import pytest
from chat_driver import Person, sat_down
from conftest import Build, until
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel
from shapes.tiny_projectors import picture, write_tiny

from nodetool_xl_desktop.engine.states import Broken, Ready
from nodetool_xl_desktop.ui.fit.vision_control import VisionControl


@pytest.fixture
def model(starter_model: Path, tmp_path: Path) -> Path:
    path = tmp_path / "models" / "Starter-135M-Q4_K_M.gguf"
    path.parent.mkdir()
    path.symlink_to(starter_model)
    write_tiny(path.with_name("mmproj-F16.gguf"))
    return path


def told(person: Person) -> list[str]:
    return [each.text() for each in person.window.fit_panel.findChildren(QLabel) if each.isVisible()]


async def switch(person: Person) -> VisionControl:
    """The switch, unfolded."""
    control = person.window.fit_panel._controls.advanced.vision
    if not control.isVisible():
        await person.click("Advanced", person.window.fit_panel)
    return control


async def test_a_picture_is_shown_to_a_model_that_sees(build: Build, model: Path, tmp_path: Path) -> None:
    person = await sat_down(build)
    await person.window.models.open([model])
    assert "Projector" in told(person)
    control = await switch(person)
    assert control.check.text() == "Vision: mmproj-F16 · 2 MB"
    assert (control.check.isChecked(), control.combo.isVisible()) == (True, False)
    await person.window.models.load()
    state = person.parts.loader.state
    assert isinstance(state, Ready)
    assert state.server.properties.vision

    (tmp_path / "cat.png").write_bytes(picture())
    person.composer.attach([tmp_path / "cat.png"])
    await until(lambda: person.composer.parts, "the picture")
    await person.ask("What is this?")
    await person.answered()
    answer = person.shown[-1]
    assert answer.about.error is None
    assert answer.text

    control.check.setFocus()
    QTest.keyClick(control.check, Qt.Key.Key_Space)
    assert "Projector" not in told(person)
    await person.click("Reload", person.window.fit_panel)
    await until(lambda: person.parts.loader.state is not state and isinstance(person.parts.loader.state, Ready), "anew")
    person.composer.attach([tmp_path / "cat.png"])
    await until(lambda: "cannot see pictures" in person.notices, "refused")

    await person.close()
    again = await sat_down(build)
    await again.window.models.open([model])
    assert "Projector" not in told(again), "it is kept"
    assert not (await switch(again)).check.isChecked()


async def test_one_of_several_is_chosen_and_one_that_does_not_belong_is_told(build: Build, model: Path) -> None:
    other = write_tiny(model.with_name("mmproj-model-vision-encoder-projector-F32.gguf"), width=64)
    person = await sat_down(build)
    await person.window.models.open([model])
    control = await switch(person)
    assert [control.combo.itemText(row) for row in range(control.combo.count())] == [
        "mmproj-F16 · 2 MB",
        "mmproj…der-projector-F32 · 138 kB",
    ]
    await person.do(lambda: control.combo.setCurrentIndex(1))
    assert person.window.fit_panel.options.projector == str(other)
    await person.window.models.load()
    state = person.parts.loader.state
    assert isinstance(state, Broken)
    assert "does not belong to this model" in state.error.why
    await person.do(control.check.click)
    assert person.window.fit_panel.options.projector == ""
    assert not control.combo.isEnabled()
    await person.window.models.load()
    assert isinstance(person.parts.loader.state, Ready)
    await person.do(control.check.click)
    assert person.window.fit_panel.options.projector == str(other), "what was chosen comes back"


async def test_without_a_projector_there_is_no_switch(build: Build, starter_model: Path) -> None:
    person = await sat_down(build)
    await person.window.models.open([starter_model])
    await person.click("Advanced", person.window.fit_panel)
    assert not person.window.fit_panel._controls.advanced.vision.isVisible()
