"""A repository of the hub: which file to take, bringing it here, its card, and access tokens, against a real hub."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import button, until
from discover_desk import Desk, repositories
from hub_server import HubServer, Play, Stored, forget_environment
from PySide6.QtCore import QPoint, Qt, QTimer
from PySide6.QtGui import QAccessible
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QLineEdit, QMessageBox, QWidget

from nodetool_xl_desktop.core.units import GIB
from nodetool_xl_desktop.fit.memory import HostMemory, Machine
from nodetool_xl_desktop.hub.choice import candidates
from nodetool_xl_desktop.hub.repository import HubFile
from nodetool_xl_desktop.hub.standing import Download, State
from nodetool_xl_desktop.library.model_file import ModelFile, Place
from nodetool_xl_desktop.ui.discover.offer_list import AT_ONCE
from nodetool_xl_desktop.ui.discover.offers import Offer, lacking, standing
from nodetool_xl_desktop.ui.discover.token_dialog import TokenDialog

K = Qt.Key
LEFT = Qt.MouseButton.LeftButton
GOOD = "good-token"


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    forget_environment(monkeypatch)


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[HubServer]:
    with HubServer(repositories(tmp_path / "hub")) as hub:
        hub.gated = {"acme/Gated-GGUF"}
        hub.about["org/Big-GGUF"] = {
            "likes": 789,
            "downloads": 345_678,
            "lastModified": "2026-04-28T10:00:00.000Z",
            "tags": ["gguf", "license:apache-2.0", "base_model:org/Big", "base_model:quantized:org/Big"],
            "cardData": {"license": "apache-2.0", "base_model": "org/Big"},
        }
        yield hub


def verdicts(desk: Desk) -> dict[str, str]:
    return {row.candidate.quantization: row.pill.text() for row in desk.page.offers.rows}


# What it says


async def test_files_with_verdicts_and_the_best_one(desk: Desk) -> None:
    await desk.show()
    await desk.open("org/Big-GGUF")
    assert verdicts(desk) == {"Q2_K": "Fits", "Q4_K_M": "Fits", "Q8_0": "Fits", "F16": "Won't fit"}
    assert [row.candidate.quantization for row in desk.page.offers.rows if row.is_best] == ["Q8_0"]
    assert desk.page.best.text.startswith("Best for this machine: Q8_0, 8.0 GB\nFits: ")
    assert "GiB with" in desk.page.best.text
    head = desk.page.head.text
    for word in ("Big-GGUF", "by org", "346k downloads", "789 likes", "Licence apache-2.0", "Made from org/Big"):
        assert word in head
    q4 = desk.row("Q4_K_M")
    assert "the usual choice" in q4._explained.text()
    assert q4._need.text().endswith("GiB")
    await until(lambda: "big model" in desk.page.card.toPlainText(), "the card")


async def test_a_machine_that_is_too_small_is_told_so(desk: Desk) -> None:
    desk.machine = Machine(HostMemory(3 * GIB, 2 * GIB))
    await desk.show()
    await desk.open("org/Big-GGUF")
    await until(lambda: "None of these fits" in desk.page.best.text, "the word on all of them")
    assert not desk.page.best.action.isVisible()
    assert set(verdicts(desk).values()) == {"Won't fit"}


async def test_one_header_is_read_and_its_own_where_one_is_pressed(desk: Desk, hub: HubServer) -> None:
    await desk.show()
    await desk.open("org/Big-GGUF")
    read = {request.path.rpartition("/")[2] for request in hub.at("resolve")}
    assert {name for name in read if name.endswith(".gguf")} == {"Big-Q2_K.gguf"}
    q4 = desk.row("Q4_K_M")
    assert q4.verdict is not None
    assert not q4.verdict.is_exact
    QTest.mouseClick(q4.pill, LEFT)
    await until(lambda: q4.verdict.is_exact, "its own header is read")
    assert desk.row("Q8_0").is_best, "which one is best has not changed"


async def test_the_projector_counts_in_memory_and_on_the_disk(desk: Desk, hub: HubServer, tmp_path: Path) -> None:
    await desk.show()
    await desk.open("org/Big-GGUF")
    along = desk.page.along
    assert along.isVisible()
    assert "with the projector" in desk.row("Q4_K_M").note
    with_it = desk.row("Q4_K_M").verdict
    QTest.mouseClick(along.check, LEFT, pos=QPoint(8, along.check.height() // 2))
    assert along.chosen is None
    await until(lambda: desk.row("Q4_K_M").verdict.need < with_it.need, "the verdict without it")
    assert "projector" not in desk.row("Q4_K_M").note
    await desk.open("org/Tiny-GGUF")
    assert not along.isVisible()


async def test_nothing_jumps_when_the_verdicts_come(desk: Desk, hub: HubServer) -> None:
    await desk.show()
    hub.always["bytes"] = Play(bytes_per_s=1_000_000)
    desk.flow.open_repository("org/Big-GGUF")
    await until(lambda: len(desk.page.offers.rows) == 4, "the rows")
    await asyncio.sleep(0.05)
    places = [row.mapTo(desk.page, QPoint()) for row in desk.page.offers.rows]
    assert desk.page.offers.rows[0].verdict is None
    assert desk.row("Q2_K").pill.text() == "Looking ..."
    hub.always.clear()
    await until(lambda: all(row.verdict for row in desk.page.offers.rows), "the verdicts")
    await asyncio.sleep(0.05)
    assert [row.mapTo(desk.page, QPoint()) for row in desk.page.offers.rows] == places


async def test_another_repository_is_opened_before_the_first_has_answered(desk: Desk, hub: HubServer) -> None:
    await desk.show()
    hub.latency_s = 0.3
    desk.flow.open_repository("org/Big-GGUF")
    await asyncio.sleep(0.1)
    hub.latency_s = 0
    await desk.open("org/Tiny-GGUF")
    await asyncio.sleep(0.6)
    assert "Tiny-GGUF" in desk.page.head.text
    assert [row.candidate.quantization for row in desk.page.offers.rows] == ["Q4_K_M", "Q8_0"]


@pytest.mark.parametrize("waits_s", [0.0, 0.02, 0.2])
async def test_who_goes_on_while_headers_and_card_come_leaves_nothing_behind(
    desk: Desk, hub: HubServer, waits_s: float
) -> None:
    card = "text " * 100_000
    for name in ("Big", "Tiny"):
        hub.put(f"org/{name}-GGUF", "README.md", Stored(card.encode(), large=False))
    await desk.show()
    hub.always["bytes"] = Play(bytes_per_s=20_000)
    for repo_id in ("org/Big-GGUF", "org/Tiny-GGUF", "org/Big-GGUF"):
        desk.flow.open_repository(repo_id)
        await until(lambda: desk.page.offers.rows, "the rows")
        await asyncio.sleep(waits_s)
    if waits_s:  # else the program ends in the midst of it
        desk.page.back.click()
        await until(lambda: asyncio.all_tasks() == {asyncio.current_task()}, "nothing runs any more", 5)
    # The fixture looks for tasks that were left, and for what failed unheard.


@pytest.mark.parametrize("repo_id", ["org/Nothing", "not a name"])
async def test_what_is_not_there_is_explained(desk: Desk, repo_id: str) -> None:
    await desk.show()
    desk.flow.open_repository(repo_id)
    await until(lambda: desk.page.notice.text, "why")
    assert not desk.page.best.isVisible()


async def test_a_hub_that_fails_is_asked_again(desk: Desk, hub: HubServer) -> None:
    await desk.show()
    hub.play("api", Play(status=500))
    desk.flow.open_repository("org/Tiny-GGUF")
    await until(lambda: desk.page.notice.text, "why")
    QTest.mouseClick(button(desk.page, "Try Again"), LEFT)
    await until(lambda: len(desk.page.offers.rows) == 2, "the files")
    assert desk.page.notice.text == ""


async def test_off_line_a_repository_says_so(desk: Desk, hub: HubServer) -> None:
    await desk.show()
    desk.off_line.is_on = True
    before = len(hub.requests)
    desk.flow.open_repository("org/Tiny-GGUF")
    await until(lambda: desk.page.notice.text, "why")
    QTest.mouseClick(button(desk.page, "Go On Line"), LEFT)
    assert desk.heard[-1] == "on_line_requested"
    assert len(hub.requests) == before
    desk.off_line.is_on = False
    desk.flow.refresh()
    await until(lambda: len(desk.page.offers.rows) == 2, "the files")


# Bringing it here


async def test_a_download_from_the_press_to_load(desk: Desk, hub: HubServer) -> None:
    await desk.show()
    hub.always["bytes"] = Play(bytes_per_s=2_000_000)
    await desk.open("org/Tiny-GGUF")
    row = desk.row("Q8_0")
    QTest.mouseClick(row.action, LEFT)
    await until(lambda: any(isinstance(each, tuple) and each[0] == "added" for each in desk.heard), "it is added")
    await until(lambda: row.offer.download is not None, "the row shows it")
    assert row.action.text() in ("Show", *(f"{share} %" for share in range(101)))
    QTest.mouseClick(row.action, LEFT)
    assert desk.heard[-1] == "downloads_requested"
    assert desk.row("Q4_K_M").action.text() == "Download", "the other one is not on its way"
    hub.always.clear()
    await until(lambda: row.action.text() == "Load", "it is here")
    assert row.note.startswith("In My Models")
    QTest.mouseClick(row.action, LEFT)
    kind, path = desk.heard[-1]
    assert kind == "load"
    assert path == desk.paths.models / "org" / "Tiny-GGUF" / "Tiny-Q8_0.gguf"
    stored = hub.repositories["org/Tiny-GGUF"]["Tiny-Q8_0.gguf"].content
    assert path.read_bytes() == stored


async def test_the_best_one_is_one_press_away(desk: Desk) -> None:
    await desk.show()
    await desk.open("org/Tiny-GGUF")
    await until(desk.page.best.action.isVisible, "the best one")
    desk.page.best.action.setFocus()
    QTest.keyClick(desk.page.best.action, K.Key_Space)
    await until(lambda: desk.page.best.action.text() == "Load", "it is here")
    assert desk.row("Q8_0").action.text() == "Load"


async def test_a_model_that_is_here_already_is_loaded(desk: Desk, tmp_path: Path) -> None:
    size = desk.hub.repositories["org/Tiny-GGUF"]["Tiny-Q8_0.gguf"].size
    elsewhere = tmp_path / "LM Studio" / "Tiny-Q8_0.gguf"
    desk.models = [
        ModelFile(elsewhere, size, Place.LM_STUDIO),
        ModelFile(tmp_path / "Tiny-Q4_K_M.gguf", size + 1, Place.ADDED),  # another file of that name
    ]
    await desk.show()
    await desk.open("org/Tiny-GGUF")
    assert desk.row("Q8_0").action.text() == "Load"
    assert desk.row("Q4_K_M").action.text() == "Download"
    QTest.mouseClick(desk.row("Q8_0").action, LEFT)
    assert desk.heard[-1] == ("load", elsewhere)
    desk.models = []
    desk.flow.look_again()
    await until(lambda: desk.row("Q8_0").action.text() == "Download", "it is gone")


def test_room_on_the_disk_is_reckoned_with_what_is_coming() -> None:
    file = HubFile("Big-Q4_K_M.gguf", 5 * 10**9)
    (candidate,) = candidates([file])
    coming = Download("1", "a/b", "https://hub.example", (file,), State.RUNNING, 10**9, 5 * 10**9)
    assert lacking(None, (), 10**12) == ""
    assert lacking(5 * 10**9, (), 5 * 10**9) == ""
    assert lacking(5 * 10**9, (coming,), 5 * 10**9) == (
        "No room in the models folder: 5.0 GB free, 4.0 GB of it for other downloads"
    )
    done = Download("1", "a/b", "https://hub.example", (file,), State.DONE, 0, 5 * 10**9)
    assert lacking(5 * 10**9, (done,), 5 * 10**9) == ""
    stands = standing(Offer(candidate), "No room")
    assert (stands.can, stands.note, stands.is_problem) == (False, "No room", True)


async def test_what_has_no_room_cannot_be_pressed(desk: Desk) -> None:
    await desk.show()
    await desk.open("org/Big-GGUF")
    desk.page.show_room(lambda candidate: "No room" if candidate.quantization == "Q8_0" else "")
    assert not desk.row("Q8_0").action.isEnabled()
    assert desk.row("Q8_0").note == "No room"
    assert desk.row("Q2_K").action.isEnabled()
    assert not desk.page.best.action.isEnabled()
    assert "No room" in desk.page.best.text


async def test_a_set_is_one_model_and_all_its_parts_come(desk: Desk, hub: HubServer) -> None:
    content = hub.repositories["org/Tiny-GGUF"]["Tiny-Q4_K_M.gguf"].content
    for part in (1, 2):
        hub.put("org/Set-GGUF", f"Q4_K_M/Set-Q4_K_M-0000{part}-of-00002.gguf", content + bytes(part))
    await desk.show()
    desk.flow.open_repository("org/Set-GGUF")
    await until(lambda: desk.page.offers.rows, "its row")
    (row,) = desk.page.offers.rows
    assert row.note.startswith("2 files · Q4_K_M/Set-Q4_K_M-00001-of-00002.gguf")
    QTest.mouseClick(row.action, LEFT)
    await until(lambda: row.action.text() == "Load", "both are here")
    assert len(list(desk.paths.models.rglob("Set-*.gguf"))) == 2


# Its card


async def test_the_card_is_text_and_its_links_are_asked_for(desk: Desk, hub: HubServer) -> None:
    card = (
        "# Title\n<script>alert(1)</script>\n<img src='https://evil.example/a.png'>\n\n![alt](https://evil.example/b.png)\n\n"
        "[web](https://example.org/x) [here](./docs/more.md) [run](javascript:alert(1)) [file](file:///etc/passwd)"
    )
    hub.put("org/Tiny-GGUF", "README.md", Stored(card.encode(), large=False))
    await desk.show()
    await desk.open("org/Tiny-GGUF")
    await until(lambda: "Title" in desk.page.card.toPlainText(), "the card")
    assert "alert(1)" in desk.page.card.toPlainText(), "what would run is only read"
    desk.window.grab()
    for link, opens in (
        ("https://example.org/x", "https://example.org/x"),
        ("./docs/more.md", f"{hub.url}/org/Tiny-GGUF/blob/main/docs/more.md"),
        ("javascript:alert(1)", ""),
        ("file:///etc/passwd", ""),
        ("//evil.example", f"{hub.url.partition('//')[0]}//evil.example"),
    ):
        desk.page.card.link_activated.emit(link)
        box = next(each for each in desk.window.findChildren(QMessageBox) if each.isVisible())
        assert box.textFormat() is Qt.TextFormat.PlainText
        if opens:
            assert opens in box.text()
            QTest.mouseClick(next(each for each in box.buttons() if each.text() == "Open"), LEFT)
        else:
            assert "not opened" in box.text()
            box.reject()
        await asyncio.sleep(0.01)
    assert desk.browsed == [
        "https://example.org/x",
        f"{hub.url}/org/Tiny-GGUF/blob/main/docs/more.md",
        "http://evil.example",
    ]
    QTest.mouseClick(desk.page.browser, LEFT)
    assert desk.browsed[-1] == f"{hub.url}/org/Tiny-GGUF"
    QTest.mouseClick(desk.page.copy, LEFT)
    assert QApplication.clipboard().text() == f"{hub.url}/org/Tiny-GGUF"


async def test_a_card_that_cannot_be_had_spoils_nothing(desk: Desk, hub: HubServer) -> None:
    await desk.show()
    await desk.open("org/Tiny-GGUF")
    await until(
        lambda: any("wrote nothing" in label.text() for label in desk.page.findChildren(QLabel)), "there is none"
    )
    assert not desk.page.card.isVisible()


# Access tokens


async def give_token(desk: Desk, token: str) -> TokenDialog:
    dialog = desk.flow.tokens.dialog
    assert dialog is not None
    dialog.edit.setFocus()
    QTest.keyClicks(dialog.edit, token)
    QTest.mouseClick(dialog.keep, LEFT)
    await until(dialog.edit.isEnabled, "it was tried")
    return dialog


async def test_a_gated_repository_from_the_notice_to_its_files(
    desk: Desk, hub: HubServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await desk.show()
    desk.flow.open_repository("acme/Gated-GGUF")
    await until(lambda: "gated" in desk.page.notice.text.lower(), "that it is gated")
    await until(lambda: "cannot be said" in desk.page.best.text, "that no verdict can be made")
    QTest.mouseClick(button(desk.page, "Access Token ..."), LEFT)
    dialog = desk.flow.tokens.dialog
    assert dialog is not None
    assert dialog.edit.echoMode() is QLineEdit.EchoMode.Password
    said = " ".join(each.text() for each in dialog.findChildren(QLabel))
    assert "keyring" in said
    assert "127.0.0.1" in said
    await give_token(desk, "wrong-token")
    assert dialog.notice.text
    assert desk.keyring.kept == {}, "one that the hub does not know is not kept"
    dialog.edit.clear()
    await give_token(desk, GOOD)
    assert list(desk.keyring.kept.values()) == [GOOD]
    assert "takes this token" in dialog.notice.text
    assert dialog.edit.text() == "", "it is not shown again"
    await until(lambda: desk.page.offers.rows and desk.page.offers.rows[0].verdict, "the verdict")
    assert desk.page.notice.text == ""
    QTest.mouseClick(dialog.close_button, LEFT)
    assert GOOD not in caplog.text
    for widget in desk.window.findChildren(QWidget):
        assert GOOD not in f"{widget.accessibleName()} {widget.accessibleDescription()} {widget.toolTip()}"
    assert all("authorization" not in request.headers for request in hub.at("bytes")), "to no other host"


async def test_a_token_is_forgotten(desk: Desk, hub: HubServer) -> None:
    desk.tokens.set(hub.url, GOOD)
    await desk.show()
    action = next(each for each in desk.search.more_button.menu().actions() if each.text() == "&Access Token ...")
    action.trigger()
    dialog = desk.flow.tokens.dialog
    assert dialog is not None
    await until(dialog.forget.isVisible, "that there is one")
    assert dialog.edit.text() == ""
    before = len(hub.at("search"))
    QTest.mouseClick(dialog.forget, LEFT)
    await until(lambda: "forgotten" in dialog.notice.text, "it is gone")
    assert desk.keyring.kept == {}
    await until(lambda: len(hub.at("search")) > before, "the hub is asked anew")
    assert "authorization" not in hub.at("search")[-1].headers
    QTest.keyClick(dialog, K.Key_Escape)
    assert desk.flow.tokens.dialog is None


async def test_without_a_keyring_a_token_serves_until_the_end(desk: Desk, hub: HubServer) -> None:
    desk.keyring.keeps = False
    await desk.show()
    desk.flow.open_repository("acme/Gated-GGUF")
    await until(lambda: "gated" in desk.page.notice.text.lower(), "that it is gated")
    QTest.mouseClick(button(desk.page, "Access Token ..."), LEFT)
    dialog = await give_token(desk, GOOD)
    assert "could not be kept" in dialog.notice.text
    await until(lambda: desk.page.offers.rows and desk.page.offers.rows[0].verdict, "it serves all the same")
    dialog.reject()


# A hub that means no good


async def test_a_hostile_repository_holds_nothing_up(desk: Desk, hub: HubServer) -> None:
    content = hub.repositories["org/Tiny-GGUF"]["Tiny-Q4_K_M.gguf"].content
    names = [f"{'<b>x</b>' * 20}\u202e{number:05}-Q4_K_M.gguf" for number in range(5000)]
    hub.repositories["evil/Many-GGUF"] = {name: Stored(content, sha256="a" * 64) for name in names}
    deep = "> " * 2000 + "x\n" + "[" * 5000 + "\n" + "`" * 3000 + "\n"
    card = ("# <img src=x>\n\n" + deep + "| a " * 3000 + "|\n" + "long word " * 1_000_000).encode()
    hub.put("evil/Many-GGUF", "README.md", Stored(card, large=False))
    await desk.show()
    busy = Busy()
    desk.flow.open_repository("evil/Many-GGUF")
    await until(lambda: len(desk.page.offers.rows) == AT_ONCE, "the first rows")
    await until(lambda: desk.page.card.text, "the card")
    await until(lambda: all(row.verdict for row in desk.page.offers.rows), "their verdicts")
    await asyncio.sleep(0.5)
    worst = busy.stop()
    print(f"\n5,000 files and a card of 10 MB: the window's thread worked for {worst * 1000:.0f} ms at most at once")
    assert len(desk.page.offers.rows) == AT_ONCE
    assert desk.page.offers.more.text() == f"Show {AT_ONCE} More of {5000 - AT_ONCE:,}"
    QTest.mouseClick(desk.page.offers.more, LEFT)
    await until(lambda: len(desk.page.offers.rows) == 2 * AT_ONCE, "more of them")
    for row in desk.page.offers.rows[:3]:
        assert row.note.isprintable()
        assert "\u202e" not in row.note
    for each in desk.page.findChildren(QLabel):
        assert each.textFormat() is Qt.TextFormat.PlainText or "<" not in each.text()
    assert worst < 0.1


class Busy:
    """How long the window's thread worked between two ticks of a timer of 10 ms at most: processor time of its own, as
    other programs share this machine.
    """

    def __init__(self) -> None:
        self._before = time.thread_time()
        self._worst = 0.0
        self._timer = QTimer()
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)
        self._timer.start(10)

    def _tick(self) -> None:
        now = time.thread_time()
        self._worst = max(self._worst, now - self._before)
        self._before = now

    def stop(self) -> float:
        """The worst, in seconds."""
        self._timer.stop()
        return self._worst


async def test_everything_has_a_name_and_follows_the_theme(desk: Desk) -> None:
    await desk.show()
    await desk.open("org/Big-GGUF")
    for scheme in (Qt.ColorScheme.Light, Qt.ColorScheme.Dark):
        desk.theme.choose(scheme)
        await asyncio.sleep(0.02)
        desk.window.grab()
    row = desk.row("Q4_K_M")
    for widget in (row.action, row.pill, desk.page.back, desk.page.along.check, desk.page.along.combo, desk.page.card):
        interface = QAccessible.queryAccessibleInterface(widget)
        assert interface.text(QAccessible.Text.Name), widget
    seen: list[QWidget] = []
    desk.page.back.setFocus(Qt.FocusReason.TabFocusReason)
    for _ in range(60):
        QTest.keyClick(desk.window.focusWidget(), K.Key_Tab)
        seen.append(desk.window.focusWidget())
    for widget in (desk.page.best.action, desk.page.along.check, row.pill, row.action, desk.page.card):
        assert widget in seen, widget
