"""The page of downloads: what its rows say, and what keys and the mouse do on them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from conftest import button, until
from PySide6.QtCore import QCoreApplication, QEvent, QPoint, QRect, Qt
from PySide6.QtGui import QAccessible
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QMessageBox, QProgressBar, QVBoxLayout, QWidget
from test_names import below

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.hub.repository import HubFile
from nodetool_xl_desktop.hub.standing import Download, Limits, State
from nodetool_xl_desktop.ui.downloads import download_words as words
from nodetool_xl_desktop.ui.downloads.download_row import DownloadRow
from nodetool_xl_desktop.ui.downloads.downloads_foot import DownloadsFoot
from nodetool_xl_desktop.ui.downloads.downloads_page import ASK_FROM, DownloadsPage
from nodetool_xl_desktop.ui.downloads.row_buttons import Wish
from nodetool_xl_desktop.ui.theme import Theme

K = Qt.Key
LEFT = Qt.MouseButton.LeftButton
ALT, CTRL = Qt.KeyboardModifier.AltModifier, Qt.KeyboardModifier.ControlModifier
BROKE = UserFacingError("The download was interrupted", "the connection broke", "Try again")
GB = 1_000_000_000


def download(number: int, state: State = State.WAITING, done: int = 0, **more: Any) -> Download:
    name = more.pop("name", f"Model-{number}B-Q4_K_M.gguf")
    size = more.pop("size", 9 * GB)
    files = tuple(HubFile(each, size) for each in (name if isinstance(name, tuple) else (name,)))
    return Download(f"d{number}", "org/repo", "https://hub.example", files, state, done, size, **more)


@dataclass
class Desk:
    """The page in a window of its own, and what it asked for."""

    window: QWidget
    page: DownloadsPage
    theme: Theme
    heard: list[object] = field(default_factory=list)

    def row(self, number: int) -> DownloadRow:
        return next(row for row in self.page.list.rows if row.download.id == f"d{number}")

    @property
    def order(self) -> list[str]:
        """From top to bottom, as they are seen."""
        rows = [row for row in self.page.findChildren(DownloadRow) if row.isVisible()]
        return [row.download.id for row in sorted(rows, key=lambda row: row.mapTo(self.page, QPoint()).y())]

    async def show(self, *downloads: Download) -> None:
        self.page.show_downloads(downloads)
        await until(lambda: len(self.page.list.rows) == len(downloads), "all rows are made")
        await asyncio.sleep(0.02)  # some rounds of layout


@pytest.fixture
def desk(qapp: QApplication) -> Iterator[Desk]:
    theme = Theme(qapp)
    page = DownloadsPage(theme)
    page.resize(900, 800)
    made = Desk(page, page, theme)
    page.wished.connect(lambda wish, key: made.heard.append((wish, key)))
    page.moved.connect(lambda key, to: made.heard.append(("moved", key, to)))
    page.closed.connect(lambda: made.heard.append("closed"))
    page.clear_requested.connect(lambda: made.heard.append("clear"))
    page.pause_all_requested.connect(lambda: made.heard.append("pause all"))
    page.resume_all_requested.connect(lambda: made.heard.append("resume all"))
    page.limits_changed.connect(made.heard.append)
    page.discover_requested.connect(lambda: made.heard.append("discover"))
    page.show()
    yield made
    page.close()
    page.deleteLater()
    theme.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


# Words


@pytest.mark.parametrize(
    ("shown", "said"),
    [
        (download(1, State.RUNNING, speed=1e6), "Downloading"),
        (download(1, State.RUNNING), "Connecting"),
        (download(1, State.RUNNING, retry_in_s=7.2), "Next attempt in 8 s"),
        (download(1, State.WAITING, retry_in_s=90), "Next attempt in 2 min"),
        (download(1, State.WAITING, retry_in_s=0), "Next attempt now"),
        (download(1, State.PAUSED, retry_in_s=9), "Paused"),
        (download(1, State.FAILED), "Failed"),
        (download(1, State.CHECKING), "Checking"),
    ],
)
def test_the_state_is_said_in_words(shown: Download, said: str) -> None:
    assert words.state_words(shown)[0] == said


@pytest.mark.parametrize(
    ("left_s", "said"),
    [
        (0.2, "1 s left"),
        (59.0, "59 s left"),
        (61, "2 min left"),
        (3599.5, "1 h left"),
        (3600, "1 h left"),
        (11_400, "3 h 10 min left"),
        (200_000, "2 days left"),
        (None, ""),
        (float("inf"), ""),
        (float("nan"), ""),
        (-1, ""),
    ],
)
def test_the_time_left_is_said_as_people_say_it(left_s: float | None, said: str) -> None:
    assert words.time_left(download(1, State.RUNNING, speed=1, left_s=left_s)) == said


def test_no_figure_is_said_of_what_does_not_run() -> None:
    stale = download(1, State.PAUSED, speed=5e6, left_s=10.0)
    assert (words.speed(stale), words.time_left(stale)) == ("", "")


@pytest.mark.parametrize(("bytes_per_s", "said"), [(42.4e6, "42 MB/s"), (1.52e6, "1.5 MB/s"), (999_600, "1.0 MB/s")])
def test_a_slow_speed_has_a_digit_more(bytes_per_s: float, said: str) -> None:
    assert words.rate(bytes_per_s) == said


def test_the_total_does_not_fall_when_one_is_done_and_starts_anew_when_all_are() -> None:
    batch = words.Batch()
    both = [download(1, State.RUNNING, 9 * GB - 1), download(2, State.WAITING)]
    assert batch.total(both).words == "2 downloads · 49 %"
    one = [replace(both[0], state=State.DONE, done=9 * GB), both[1]]
    assert batch.total(one).words == "1 download · 50 %"
    assert batch.total([one[0], replace(both[1], state=State.DONE, done=9 * GB)]).is_nothing
    assert batch.total([one[0], download(3, State.RUNNING)]).words == "1 download · 0 %"


@pytest.mark.parametrize(
    ("states", "said"),
    [
        ([State.FAILED], "Download failed"),
        ([State.FAILED, State.FAILED], "2 downloads failed"),
        ([State.FAILED, State.RUNNING], "1 download · 0 % · 1 failed"),
        ([State.PAUSED], "Paused · 0 %"),
        ([State.DONE], ""),
        ([], ""),
    ],
)
def test_the_foot_says_what_matters_most(states: list[State], said: str) -> None:
    total = words.Batch().total([download(number, state) for number, state in enumerate(states)])
    assert total.words == said
    assert total.is_nothing is (said == "")


def test_never_100_percent_before_the_end() -> None:
    assert words.percent(10**12 - 1, 10**12) == 99
    assert words.percent(0, 0) == 0


@pytest.mark.parametrize(
    ("free", "downloads", "said", "is_short"),
    [
        (None, [], "", False),
        (60 * GB, [download(1, State.DONE, 9 * GB)], "60.0 GB free on the disk of the models folder.", False),
        (60 * GB, [download(1, State.PAUSED, 4 * GB)], "free on the disk of the models folder, 5.0 GB still", False),
        (4 * GB, [download(1, State.WAITING)], "Not enough room: 9.0 GB are still to come, 4.0 GB are free", True),
    ],
)
def test_the_room_is_told_and_where_it_is_short(
    free: int | None, downloads: list[Download], said: str, is_short: bool
) -> None:
    text, short = words.room(free, downloads)
    assert said in text
    assert short is is_short


# Rows


async def test_figures_change_and_nothing_moves(desk: Desk) -> None:
    first = download(1, State.RUNNING, 10**6, speed=1e6, left_s=3600 * 5)
    await desk.show(first, download(2))
    row = desk.row(1)
    row.buttons.main.setFocus()

    def places() -> dict[QWidget, QRect]:
        return {each: QRect(each.geometry()) for each in row.findChildren(QWidget)}

    before, texts = places(), set()
    for done, speed, left in ((5 * 10**8, 999e6, 9.0), (9 * 10**8, 42e6, 59 * 60.0), (8 * GB, 1.5e3, 20 * 3600.0)):
        await desk.show(replace(first, done=done, speed=speed, left_s=left), download(2))
        assert places() == before
        texts.add(tuple(each.text() for each in row.findChildren(QLabel)))
    assert len(texts) == 3
    assert desk.row(1) is row
    assert row.buttons.main.hasFocus()


async def test_a_failed_one_says_why_and_offers_to_try_again(desk: Desk) -> None:
    await desk.show(download(1, State.FAILED, 5, error=BROKE))
    said = " ".join(each.text() for each in desk.row(1).findChildren(QLabel) if each.isVisible())
    assert "Failed" in said
    assert "The download was interrupted. The connection broke. Try again." in said
    QTest.mouseClick(button(desk.row(1), "Retry"), LEFT)
    assert desk.heard == [(Wish.RETRY, "d1")]
    await desk.show(download(1, State.WAITING, 5, error=BROKE, retry_in_s=8))
    QTest.mouseClick(button(desk.row(1), "Try Now"), LEFT)
    assert desk.heard[1:] == [(Wish.RETRY, "d1")]


async def test_what_is_held_while_off_line_says_so(desk: Desk) -> None:
    off_line = UserFacingError("No model hub is asked", "the program works off line", "Switch that off")
    await desk.show(download(1, State.PAUSED, 5, error=off_line))
    said = [each.text() for each in desk.row(1).findChildren(QLabel) if each.isVisible()]
    assert "Paused" in said
    assert "No model hub is asked. The program works off line. Switch that off." in said
    assert not desk.row(1).buttons.again.isVisible()


async def test_the_one_button_follows_the_state_and_keeps_the_keys(desk: Desk) -> None:
    await desk.show(download(1, State.RUNNING))
    row = desk.row(1)
    row.buttons.main.setFocus()
    QTest.keyClick(row.buttons.main, K.Key_Space)
    await desk.show(download(1, State.PAUSED))
    assert row.buttons.main.accessibleName().startswith("Resume: ")
    assert row.buttons.main.hasFocus()
    QTest.keyClick(row.buttons.main, K.Key_Space)
    assert desk.heard == [(Wish.PAUSE, "d1"), (Wish.RESUME, "d1")]
    await desk.show(download(1, State.FAILED, error=BROKE))
    assert not row.buttons.main.isVisible()
    assert row.hasFocus()  # the keys are not lost


async def test_keys_on_a_row(desk: Desk) -> None:
    await desk.show(download(1, State.RUNNING), download(2), download(3, State.DONE, path=Path("/m.gguf")))
    desk.row(1).setFocus()
    QTest.keyClick(desk.row(1), K.Key_Space)
    QTest.keyClick(desk.row(1), K.Key_Down)
    assert desk.row(2).hasFocus()
    QTest.keyClick(desk.row(2), K.Key_Up, ALT)
    QTest.keyClick(desk.row(2), K.Key_Down, ALT)  # it is the last
    QTest.keyClick(desk.row(2), K.Key_Delete)  # no key alone takes anything away
    QTest.keyClick(desk.row(2), K.Key_Delete, CTRL)
    QTest.keyClick(desk.row(2), K.Key_Down)
    assert desk.row(3).hasFocus()
    QTest.keyClick(desk.row(3), K.Key_Delete, CTRL)  # what is here is no download any more
    QTest.keyClick(desk.row(3), K.Key_Return)
    QTest.keyClick(desk.row(3), K.Key_Escape)
    assert desk.heard == [
        (Wish.PAUSE, "d1"),
        ("moved", "d2", "d1"),
        (Wish.CANCEL, "d2"),
        (Wish.LOAD, "d3"),
        "closed",
    ]


async def test_a_row_that_moves_stays_the_same_and_keeps_the_keys(desk: Desk) -> None:
    one, two, three = download(1), download(2), download(3)
    await desk.show(one, two, three)
    row = desk.row(3)
    row.buttons.down.setFocus()
    row.buttons.up.setFocus()
    await desk.show(three, one, two)
    assert desk.order == ["d3", "d1", "d2"]
    assert desk.row(3) is row
    assert row.hasFocus() or row.buttons.up.hasFocus() or row.buttons.down.hasFocus()
    row.setFocus()
    for _ in range(4):
        QTest.keyClick(QApplication.focusWidget(), K.Key_Tab)
    assert desk.row(1).hasFocus()  # the tab key goes as one reads: down, pause, cancel, the next row


async def test_what_is_done_goes_below_with_load_and_show(desk: Desk) -> None:
    done = download(1, State.DONE, path=Path("/models/a.gguf"), finished=5)
    await desk.show(done, download(2), replace(done, id="d3", finished=9))
    assert desk.order == ["d2", "d3", "d1"]
    assert not desk.row(1).findChild(QProgressBar).isVisible()
    QTest.mouseClick(desk.row(1).buttons.load, LEFT)
    QTest.mouseClick(desk.row(3).buttons.show_it, LEFT)
    QTest.mouseClick(desk.page.list.clear, LEFT)
    assert desk.heard == [(Wish.LOAD, "d1"), (Wish.SHOW, "d3"), "clear"]


async def test_the_keys_go_to_the_next_row_when_one_is_gone(desk: Desk) -> None:
    await desk.show(download(1), download(2), download(3))
    desk.row(2).buttons.cancel.setFocus()
    await desk.show(download(1), download(3))
    assert desk.row(3).hasFocus()
    await desk.show(download(1))
    assert desk.row(1).hasFocus()


async def test_dragging_changes_the_order_and_escape_leaves_it(desk: Desk) -> None:
    await desk.show(*(download(number) for number in (1, 2, 3)))
    row, last = desk.row(1), desk.row(3)
    start = QPoint(60, 20)
    end = row.mapFromGlobal(last.mapToGlobal(QPoint(60, last.height() - 4)))
    QTest.mousePress(row, LEFT, pos=start)
    QTest.mouseMove(row, start + QPoint(0, 3))
    QTest.mouseRelease(row, LEFT, pos=start + QPoint(0, 3))
    assert desk.heard == []  # a click is no drag
    for lets_go in (True, False):
        QTest.mousePress(row, LEFT, pos=start)
        for step in range(1, 6):
            QTest.mouseMove(row, start + (end - start) * step / 5)
        assert row.property("held") == "true"
        if not lets_go:
            QTest.keyClick(row, K.Key_Escape)
        QTest.mouseRelease(row, LEFT, pos=end)
        assert row.property("held") == "false"
    assert desk.heard == [("moved", "d1", "d3")]


async def test_cancel_asks_only_where_much_has_come(desk: Desk) -> None:
    await desk.show(download(1, State.RUNNING, ASK_FROM - 1), download(2, State.PAUSED, 3 * GB))
    QTest.mouseClick(desk.row(1).buttons.cancel, LEFT)
    assert desk.heard == [(Wish.CANCEL, "d1")]
    for answer, expected in (("Cancel", 1), ("Remove Download", 2)):
        QTest.mouseClick(desk.row(2).buttons.cancel, LEFT)
        box = desk.page.findChild(QMessageBox)
        assert box is not None
        assert "3.0 GB have come" in box.informativeText()
        box.show()
        QTest.mouseClick(button(box, answer), LEFT)
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        assert len(desk.heard) == expected
    assert desk.heard[-1] == (Wish.CANCEL, "d2")


ODD = [
    "a\nb\r\nc-Q4_0.gguf",
    "<b>bold</b>-<img src=x>.gguf",
    "\u202egnp.gguf",
    "x" * 255,
    "caf\udce9-\udcff.gguf",
    "\U0001f999 llama.gguf",
    ".gguf",
    "",
    "a\x00b.gguf",
]


async def test_odd_names_are_shown_on_one_line_and_as_text(desk: Desk) -> None:
    await desk.show(*(download(number, State.RUNNING, name=name) for number, name in enumerate(ODD)))
    for number in range(len(ODD)):
        row = desk.row(number)
        for each in row.findChildren(QLabel):
            assert each.textFormat() is Qt.TextFormat.PlainText
        said = words.name_of(row.download)
        assert said
        assert all(letter.isprintable() for letter in said)
        assert row.width() <= desk.page.width()
        row.grab()
    assert {desk.row(number).height() for number in range(len(ODD))} == {desk.row(0).height()}


async def test_many_rows_come_in_their_order(desk: Desk) -> None:
    await desk.show(*(download(number) for number in range(40)))
    assert desk.order == [f"d{number}" for number in range(40)]
    await desk.show()
    assert desk.order == []


async def test_nothing_there_yet(desk: Desk) -> None:
    QTest.mouseClick(button(desk.page, "Discover Models"), LEFT)
    assert not desk.page.all_button.isVisible()
    QTest.keyClick(desk.page.discover, K.Key_Escape)
    assert desk.heard == ["discover", "closed"]


async def test_pause_all_turns_into_resume_all(desk: Desk) -> None:
    await desk.show(download(1, State.RUNNING), download(2, State.PAUSED))
    QTest.mouseClick(button(desk.page, "Pause All"), LEFT)
    await desk.show(download(1, State.PAUSED), download(2, State.PAUSED))
    QTest.mouseClick(button(desk.page, "Resume All"), LEFT)
    assert desk.heard == ["pause all", "resume all"]
    desk.page.all_button.setFocus()
    await desk.show(download(1, State.DONE), download(2, State.FAILED))
    assert not desk.page.all_button.isVisible()
    assert desk.row(2).hasFocus()


async def test_limits_are_typed_and_told_once(desk: Desk) -> None:
    desk.page.show_limits(Limits(None, 3))
    bar = desk.page.limits
    assert bar.at_once.value() == 3
    assert not bar.speed.isEnabled()
    bar.at_once.setFocus()
    bar.at_once.selectAll()
    QTest.keyClicks(bar.at_once, "2")
    QTest.keyClick(bar.at_once, K.Key_Return)
    QTest.keyClick(bar.is_limited, K.Key_Space)
    bar.speed.setFocus()
    bar.speed.selectAll()
    QTest.keyClicks(bar.speed, "25")
    QTest.keyClick(bar.speed, K.Key_Return)
    desk.page.show_limits(Limits(25_000_000, 2))
    QTest.keyClick(bar.is_limited, K.Key_Space)
    assert desk.heard == [Limits(None, 2), Limits(10_000_000, 2), Limits(25_000_000, 2), Limits(None, 2)]


async def test_every_control_has_a_name_and_no_markup_is_said(desk: Desk) -> None:
    await desk.show(
        download(1, State.RUNNING, speed=1e6, left_s=5),
        download(2, State.FAILED, error=BROKE),
        download(3, State.DONE, path=Path("/m.gguf")),
    )
    seen = 0
    for each in below(QAccessible.queryAccessibleInterface(desk.page)):
        said = each.text(QAccessible.Text.Name), each.text(QAccessible.Text.Description)
        assert "<span" not in " ".join(said), said
        if each.state().focusable:
            seen += 1
            assert said[0], each.object()
    assert seen > 12


async def test_the_theme_changes_while_rows_are_shown(desk: Desk) -> None:
    await desk.show(download(1, State.RUNNING, 4 * GB, speed=1e6), download(2))
    for button_ in (desk.row(1).buttons.main, desk.row(1).buttons.down):
        pictures = []
        for scheme in (Qt.ColorScheme.Light, Qt.ColorScheme.Dark):
            desk.theme.choose(scheme)
            picture = button_.icon().pixmap(16, 16).toImage()
            pictures.append([picture.pixelColor(x, y).name() for x in range(16) for y in range(16)])
        assert pictures[0] != pictures[1]


# The foot


async def test_the_foot_is_there_while_there_is_something_to_say(qapp: QApplication) -> None:
    theme = Theme(qapp)
    foot = DownloadsFoot(theme)
    clicks: list[bool] = []
    foot.clicked.connect(lambda: clicks.append(True))
    around = QWidget()
    around.resize(264, 300)
    QVBoxLayout(around).addWidget(foot)
    around.show()
    batch = words.Batch()
    assert foot.isHidden()
    foot.show_total(batch.total([download(1, State.RUNNING, 576 * 10**7)]))
    assert foot.words == "1 download · 64 %"
    assert foot.button.accessibleName() == "Downloads: 1 download · 64 %"
    QTest.keyClick(foot.button, K.Key_Space)
    QTest.mouseClick(foot.button, LEFT)
    assert len(clicks) == 2
    foot.show_total(batch.total([download(1, State.FAILED)]))
    assert foot.words == "Download failed"
    foot.notice.tell_done(download(2, State.DONE, path=Path("/m.gguf")))
    foot.show_total(batch.total([]))
    await asyncio.sleep(0.02)  # some rounds of layout
    assert foot.isVisible()  # for the notice
    assert foot.words == ""
    QTest.mouseClick(foot.notice.dismiss, LEFT)
    assert foot.isHidden()
    around.close()
    around.deleteLater()
    theme.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
