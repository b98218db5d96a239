"""What Discover shows before and after a repository, and what becomes of the HTML of a model card."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import until
from discover_desk import Desk, forget, repositories
from hub_server import HubServer, forget_environment
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.core.units import GIB
from nodetool_xl_desktop.fit.memory import HostMemory, Machine
from nodetool_xl_desktop.fit.verdict import Verdict
from nodetool_xl_desktop.hub.picks import picks
from nodetool_xl_desktop.ui.discover.card_text import readable
from nodetool_xl_desktop.ui.discover.search_flow import verdict_of
from nodetool_xl_desktop.ui.discover.start_page import TASKS, suggested
from nodetool_xl_desktop.ui.theme import Theme


@pytest.fixture
def desk(
    qapp: QApplication, loop: asyncio.AbstractEventLoop, tmp_path: Path, paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Desk]:
    forget_environment(monkeypatch)
    with HubServer(repositories(tmp_path / "hub")) as hub:
        desk = Desk(hub, paths, Theme(qapp))
        yield desk
        forget(desk, loop)


async def test_before_and_after_a_repository(desk: Desk) -> None:
    """Nothing is open: good models for this machine stand there, not an empty page; Esc comes back to them."""
    await desk.show()
    start, page = desk.page.start, desk.page
    await until(lambda: start.buttons, "good models are named")
    assert start.isVisible()
    assert not page.back.isVisible()
    assert not page.best.isVisible()
    asked: list[str] = []
    start.wanted.connect(asked.append)
    start.buttons[0].click()
    assert asked
    assert page.back.isVisible()
    await desk.open("org/Tiny-GGUF")
    assert not start.isVisible()
    page.back.setFocus()
    QTest.keyClick(page.back, Qt.Key.Key_Escape)
    assert start.isVisible()
    assert not page.back.isVisible()
    assert desk.heard[-1] == "closed"
    desk.window.activateWindow()
    assert desk.window.focusWidget() is desk.search.view


async def test_a_repository_that_is_not_there_is_told_in_a_few_lines(desk: Desk) -> None:
    await desk.show()
    desk.flow.open_repository("org/None")
    await until(lambda: desk.page.notice.text, "it says so")
    await asyncio.sleep(0.05)
    assert desk.page.notice.height() < 120


def test_a_machine_is_what_it_was_sold_as() -> None:
    """One of 24 GiB tells of 23.4; for each task the largest that fits is named."""
    all_of_them = picks()
    machine = Machine(HostMemory(round(23.4 * GIB), round(22 * GIB)))
    judged = [(pick, verdict_of(pick, machine)) for pick in all_of_them]
    assert {pick.title: verdict for pick, verdict in judged}["Mistral Small 3.2 24B"] is Verdict.FITS
    named = suggested(judged)
    assert [pick.task for pick in named] == list(TASKS)
    assert named[0].title == "Gemma 4 26B A4B"
    assert suggested([(pick, Verdict.WONT_FIT) for pick in all_of_them]) == []


@pytest.mark.parametrize(
    ("card", "shown"),
    [
        ("1 < 2 > 0, <think> and <|im_start|>.", "1 < 2 > 0, <think> and <|im_start|>."),
        ('<p align="center">\n    <b>Bold</b> <em>text</em></p>', "\n\n**Bold** *text*\n\n"),
        ('<a href="https://a.b/c">text</a><br/>more', "[text](https://a.b/c)\nmore"),
        ('<img width=3 alt="A [b]" src="x y.png">', "![A (b)](x%20y.png)"),
        ("```html\n<div>stays</div>\n```\n<div>goes</div>", "```html\n<div>stays</div>\n```\n\n\ngoes\n\n"),
        ("| a<br>b | <b>c</b> |", "| a b | **c** |"),
        ("one<!-- two\nthree -->four<!-- never ends", "onefour<!-- never ends"),
        ("<ul><li>x</li></ul>", "\n\n- x\n\n"),
    ],
)
def test_the_html_of_a_card(card: str, shown: str) -> None:
    assert readable(card) == shown


def test_a_hostile_card_takes_no_long_time() -> None:
    began = time.perf_counter()
    for card in ("<a " * 300_000, "<!--" * 250_000, "</a>" * 200_000, "```" * 300_000, "<a href=" + '"x' * 400_000):
        readable(card)
    assert time.perf_counter() - began < 10
