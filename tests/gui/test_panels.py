"""What the panels say and how they are reached: without an engine, by keyboard, by a screen reader."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import Build, button, drop, until
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible, QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QSlider, QWidget

from nodetool_xl_desktop.app import Parts
from nodetool_xl_desktop.engine.hardware import Hardware
from nodetool_xl_desktop.engine.wheels import recommend
from nodetool_xl_desktop.fit.memory import HostMemory
from nodetool_xl_desktop.ui.theme import DARK, LIGHT, Tokens


def texts(parent: QWidget) -> str:
    return " | ".join(label.text() for label in parent.findChildren(QLabel) if label.isVisible())


async def preview(parts: Parts, model: Path) -> None:
    drop(parts.window, model)
    await until(lambda: parts.window.fit_panel.report is not None, "a preview")


async def test_without_an_engine_the_window_says_what_to_type(build: Build, starter_model: Path) -> None:
    wheel = recommend(Hardware("Linux", cuda=(12, 8), glibc=(2, 39)))
    parts = build(missing_engine=wheel)
    await preview(parts, starter_model)
    assert "/whl/cu128" in texts(parts.window.chat)
    assert not button(parts.window.fit_panel, "Load").isEnabled()
    QTest.mouseClick(button(parts.window.chat, "Copy the Command"), Qt.MouseButton.LeftButton)
    assert QGuiApplication.clipboard().text() == wheel.command


async def test_a_verdict_for_every_amount_of_memory(parts: Parts, starter_model: Path) -> None:
    await preview(parts, starter_model)
    panel, mib = parts.window.fit_panel, 2**20
    for free, verdict, words in (
        (20_000, "Fits", "leaves"),
        (800, "Tight", "It leaves only"),
        (200, "Won't fit", "8,192 tokens fit if the KV cache is q8_0"),
        (50, "Won't fit", "choose a smaller quantization"),
    ):
        panel._memory = lambda free=free: HostMemory(24_000 * mib, free * mib)
        panel.look_again()
        assert verdict in texts(panel).split(" | ")
        assert words in texts(panel)
    panel._memory = lambda: HostMemory(24_000 * mib, 200 * mib)
    panel.look_again()
    QTest.mouseClick(button(panel, "Apply"), Qt.MouseButton.LeftButton)
    assert panel.report is not None
    assert (panel.report.options.context_length, panel.report.options.kv_type_k) == (8192, "q8_0")
    assert "Tight" in texts(panel)


async def test_the_slider_by_keys(parts: Parts, starter_model: Path) -> None:
    await preview(parts, starter_model)
    panel = parts.window.fit_panel
    slider = panel.findChildren(QSlider)[0]
    seen = []
    for key in (Qt.Key.Key_Home, Qt.Key.Key_Right, Qt.Key.Key_PageUp, Qt.Key.Key_End):
        QTest.keyClick(slider, key)
        assert panel.report is not None
        seen.append(panel.report.options.context_length)
    assert seen == sorted(seen)
    assert seen[0] == 256
    assert seen[-1] == 8192


async def test_every_control_has_a_name(parts: Parts, starter_model: Path) -> None:
    await preview(parts, starter_model)
    nameless = []
    for widget in parts.window.findChildren(QWidget):
        if widget.focusPolicy() is Qt.FocusPolicy.NoFocus or not widget.isVisible():
            continue
        interface = QAccessible.queryAccessibleInterface(widget)
        if interface is not None and not interface.text(QAccessible.Text.Name).strip():
            nameless.append(type(widget).__name__)
    # The line inside the number field is the field itself to a screen reader.
    assert set(nameless) <= {"QLineEdit", "QScrollArea"}, nameless


async def test_every_action_has_a_keyboard_way(parts: Parts) -> None:
    menus = [action.menu() for action in parts.window.menuBar().actions()]
    actions = [action for menu in menus for action in menu.actions() if action.text()]
    assert len(actions) >= 10
    keys = [action.shortcut().toString() for action in actions if not action.shortcut().isEmpty()]
    assert len(set(keys)) == len(keys), "no two actions share a key"
    assert all("&" in action.text() or not action.shortcut().isEmpty() for action in actions)


async def test_tab_reaches_everything(parts: Parts, starter_model: Path) -> None:
    await preview(parts, starter_model)
    reached = set()
    parts.window.chat.composer.setFocus()
    for _ in range(40):
        QTest.keyClick(parts.window.focusWidget() or parts.window, Qt.Key.Key_Tab)
        if (focused := parts.window.focusWidget()) is not None:
            reached.add(type(focused).__name__)
    assert {"MessageEdit", "ModelView", "MarkedSlider", "NumberField", "QPushButton"} <= reached


@pytest.mark.parametrize("tokens", [LIGHT, DARK], ids=["light", "dark"])
def test_texts_can_be_read(tokens: Tokens) -> None:
    """WCAG 2.2, 1.4.3: a contrast of at least 4.5 to 1."""
    for text, ground in (
        ("text", "background"), ("text", "surface"), ("text", "sunken"), ("text", "code"), ("text", "accent_soft"),
        ("muted", "background"), ("muted", "surface"), ("muted", "sunken"),
        ("on_accent", "accent"), ("accent", "accent_soft"), ("warning", "warning_soft"), ("bad", "bad_soft"),
    ):  # fmt: skip
        assert contrast(getattr(tokens, text), getattr(tokens, ground)) >= 4.5, f"{text} on {ground}"


def contrast(one: str, other: str) -> float:
    def luminance(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)
