"""Discover's search: typed, filtered, scrolled and opened by keys and the mouse, against a hub on this machine."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from conftest import button, until
from discover_desk import Desk, repositories
from hub_server import HubServer, Play, forget_environment
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from nodetool_xl_desktop.core.text import one_line
from nodetool_xl_desktop.hub.picks import picks
from nodetool_xl_desktop.hub.search import Found, Query, Sort
from nodetool_xl_desktop.ui.discover.hub_dialog import HubDialog
from nodetool_xl_desktop.ui.discover.result_rows import Card, Heading, found_card
from nodetool_xl_desktop.ui.discover.shown import ago, count, parameters

K = Qt.Key
LEFT = Qt.MouseButton.LeftButton
NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    forget_environment(monkeypatch)


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[HubServer]:
    with HubServer(repositories(tmp_path / "hub")) as hub:
        hub.gated = {"acme/Gated-GGUF"}
        for number, repo_id in enumerate(hub.repositories):
            hub.about[repo_id] |= {
                "tags": ["gguf", "text-generation"],
                "trendingScore": 100 - number,
                "downloads": 1000 * (number + 1),
                "likes": number,
                "lastModified": "2026-04-28T10:00:00.000Z",
                "gguf": {"total": 8_030_000_000 if "Big" in repo_id else 2_000_000},
            }
        yield hub


def asked(hub: HubServer) -> list[dict[str, list[str]]]:
    """The queries of all searches."""
    return [parse_qs(urlsplit(request.path).query) for request in hub.at("search")]


async def test_picks_and_what_trends_are_there_at_once(desk: Desk) -> None:
    desk.window.show()
    await until(lambda: len(desk.cards) >= len(picks()), "the picks")
    await until(lambda: desk.listed, "what trends")
    assert desk.texts[0] == "Good models to begin with"
    assert desk.listed == ["org/Big-GGUF", "org/Tiny-GGUF", "acme/Gated-GGUF"]
    assert Heading("Trending") in desk.search.view.results.rows
    fits = {card.title: card.corner for card in desk.cards if card.found is None}
    assert set(fits.values()) <= {"Fits", "Tight", "Won't fit"}
    assert "Fits" in fits.values()
    assert "Won't fit" in fits.values()
    big = next(card for card in desk.cards if card.repo_id == "org/Big-GGUF")
    assert (big.mark, [fact.text for fact in big.facts][:2]) == ("8B", ["1.0k", "0"])
    assert [card.corner for card in desk.cards if card.found is not None] == ["", "", "Gated"]


async def test_typing_asks_once_when_the_keys_rest(desk: Desk, hub: HubServer) -> None:
    await desk.show()
    desk.search.field.setFocus()
    QTest.keyClicks(desk.search.field, "tiny", delay=1)
    await until(lambda: desk.listed == ["org/Tiny-GGUF"], "what was found")
    assert [query.get("search") for query in asked(hub)] == [None, ["tiny"]]
    assert desk.texts == ["Tiny-GGUF"], "no picks, and no headings over what was looked for"
    QTest.keyClick(desk.search.field, K.Key_Escape)
    await until(lambda: len(desk.listed) == 3, "all of them again")
    assert desk.texts[0] == "Good models to begin with"


async def test_an_older_question_is_given_up(desk: Desk, hub: HubServer) -> None:
    await desk.show()
    hub.latency_s = 0.6
    desk.search.field.setText("tiny")
    await asyncio.sleep(0.45)  # it is asked, and not answered yet
    desk.search.field.setText("big")
    seen: set[str] = set()
    await until(lambda: seen.update(desk.listed[-1:]) or desk.listed == ["org/Big-GGUF"], "the answer")
    await until(lambda: len(hub.at("search")) == 3, "the hub has answered both")
    await asyncio.sleep(0.1)
    assert desk.listed == ["org/Big-GGUF"]
    assert "org/Tiny-GGUF" not in seen, "the answer to the older question is nobody's"


async def test_filters_reach_the_hub(desk: Desk, hub: HubServer) -> None:
    await desk.show()
    desk.search.size_filter.choose("3 to 9B")
    await until(lambda: desk.listed == ["org/Big-GGUF"], "those of that size")
    desk.search.size_filter.choose("Any Size")
    desk.search.sort.choose("Downloads")
    await until(lambda: desk.listed[:1] == ["acme/Gated-GGUF"], "the other order")
    desk.search.hide_gated.trigger()
    await until(lambda: "acme/Gated-GGUF" not in desk.listed and desk.listed, "without those that are gated")
    desk.search.task.choose("Vision")
    await until(lambda: desk.search.says, "nothing is left")
    assert desk.search.says.startswith("Nothing on the hub")
    assert asked(hub)[-1]["sort"] == ["downloads"]
    assert desk.search.query == Query(sort=Sort.DOWNLOADS, with_gated=False, tag="image-text-to-text")


async def test_more_is_loaded_at_the_end_of_the_scroll(desk: Desk, hub: HubServer) -> None:
    for number in range(130):
        hub.repositories[f"many/Model-{number:03}-GGUF"] = {}
        hub.about[f"many/Model-{number:03}-GGUF"] = {"trendingScore": 50 - number / 10}
    await desk.show()
    first = len(desk.listed)
    assert first < 133
    assert desk.texts[-1] == "Loading more ..."
    bar = desk.search.view.verticalScrollBar()
    top = desk.texts[:20]
    await until(lambda: bar.setValue(bar.maximum()) or len(desk.listed) == 133, "all of them")
    assert desk.texts[:20] == top
    assert "Loading more ..." not in desk.texts
    assert len(set(desk.listed)) == 133


async def test_a_page_that_fails_is_asked_for_again(desk: Desk, hub: HubServer) -> None:
    for number in range(130):
        hub.repositories[f"many/Model-{number:03}-GGUF"] = {}
    await desk.show()
    first = len(desk.listed)
    hub.play("search", *[Play(status=500)] * 5)
    bar = desk.search.view.verticalScrollBar()
    bar.setValue(bar.maximum())
    await until(lambda: desk.search.notice.text, "it is said")
    asked_before = len(hub.at("search"))
    for value in (0, bar.maximum(), 0, bar.maximum()):
        bar.setValue(value)
        await asyncio.sleep(0.02)
    assert len(hub.at("search")) == asked_before, "it is not asked with each move of the bar"
    assert len(desk.listed) == first
    hub._plays["search"].clear()
    QTest.mouseClick(button(desk.search, "Try Again"), LEFT)
    await until(lambda: len(desk.listed) > first, "the next page")


async def test_off_line_says_so_and_shows_the_picks(desk: Desk, hub: HubServer) -> None:
    desk.off_line.is_on = True
    desk.window.show()
    await until(lambda: len(desk.cards) == len(picks()), "the picks")
    assert "works off line" in desk.search.notice.text
    assert hub.requests == []
    QTest.mouseClick(button(desk.search, "Go On Line"), LEFT)
    assert desk.heard == ["on_line_requested"]
    desk.off_line.is_on = False
    desk.flow.refresh()
    await until(lambda: desk.listed, "what trends")
    assert desk.search.notice.text == ""


async def test_no_connection_offers_to_try_again(desk: Desk, hub: HubServer) -> None:
    hub.always["search"] = Play(status=503)
    await desk.show()
    assert desk.search.notice.text
    assert len(desk.cards) == len(picks())
    hub.always.clear()
    QTest.mouseClick(button(desk.search, "Try Again"), LEFT)
    await until(lambda: desk.listed, "what trends")


async def test_keys_alone_go_from_the_field_into_a_repository_and_back(desk: Desk) -> None:
    await desk.show()
    desk.window.activateWindow()
    desk.search.field.setFocus()
    QTest.keyClick(desk.search.field, K.Key_Down)
    view = desk.search.view
    assert view.hasFocus()
    assert view.results.card(view.currentIndex()) == desk.cards[0], "past the heading"
    QTest.keyClick(view, K.Key_Up)
    assert desk.search.field.hasFocus()
    QTest.keyClick(desk.search.field, K.Key_Down)
    for _ in range(len(picks())):
        QTest.keyClick(view, K.Key_Down)
    assert view.results.card(view.currentIndex()).repo_id == "org/Big-GGUF"
    QTest.keyClick(view, K.Key_Return)
    assert desk.heard == ["opened"]
    assert view.delegate.shown == "org/Big-GGUF"
    await until(lambda: desk.page.offers.rows, "the repository")
    QTest.keyClick(desk.page.back, K.Key_Escape)
    assert desk.heard[-1] == "closed"
    assert view.delegate.shown == ""


async def test_a_click_opens_and_a_screen_reader_hears_the_row(desk: Desk) -> None:
    await desk.show()
    view = desk.search.view
    row = next(at for at, each in enumerate(view.results.rows) if isinstance(each, Card) and each.found)
    index = view.results.index(row)
    said = index.data(Qt.ItemDataRole.AccessibleTextRole)
    assert said.startswith("Big-GGUF, by org, 8B parameters, 1.0k downloads, 0 likes, changed ")
    view.scrollTo(index)
    QTest.mouseClick(view.viewport(), LEFT, pos=view.visualRect(index).center())
    await until(lambda: desk.page.offers.rows, "the repository")
    for widget in (desk.search.field, desk.search.sort, desk.search.more_button, view):
        assert QAccessible.queryAccessibleInterface(widget).text(QAccessible.Text.Name)


@pytest.mark.parametrize(
    "text", ["{hub}/org/Tiny-GGUF", "{hub}/org/Tiny-GGUF/blob/main/Tiny-Q8_0.gguf", "hf.co/org/Tiny-GGUF:Q8_0"]
)
async def test_an_address_that_is_pasted_opens(desk: Desk, hub: HubServer, text: str) -> None:
    await desk.show()
    QApplication.clipboard().setText(text.format(hub=hub.url))
    desk.search.field.setFocus()
    desk.search.field.paste()
    await until(lambda: len(desk.page.offers.rows) == 2, "the repository")
    assert len(hub.at("search")) == 1, "nobody searches for an address"
    if "Q8_0" in text:
        action = desk.row("Q8_0").action
        await until(action.hasFocus, "the file that is meant")


async def test_a_name_and_a_path_open_with_enter(desk: Desk) -> None:
    await desk.show()
    desk.search.field.setText("org/Tiny-GGUF")
    QTest.keyClick(desk.search.field, K.Key_Return)
    await until(lambda: len(desk.page.offers.rows) == 2, "the repository")
    desk.search.field.setText("/home/me/model.gguf")
    QTest.keyClick(desk.search.field, K.Key_Return)
    assert desk.heard[-1] == ("path", Path("/home/me/model.gguf"))
    desk.search.field.setText("https://example.org/")
    QTest.keyClick(desk.search.field, K.Key_Return)
    assert "example.org" in str(desk.heard[-1])


async def test_another_hub_is_chosen_and_taken_back(desk: Desk, tmp_path: Path) -> None:
    await desk.show()
    with HubServer({"mirror/Only-GGUF": {"a-Q4_0.gguf": b""}}) as mirror:
        next(each for each in desk.search.more_button.menu().actions() if each.text() == "&Hub ...").trigger()
        dialog = desk.window.findChild(HubDialog)
        assert dialog.edit.text() == desk.hub.url
        for wrong in ("ftp://mirror", "https://me:secret@mirror", "no address"):
            dialog.edit.setText(wrong)
            QTest.mouseClick(button(dialog, "Use This Hub"), LEFT)
            assert dialog.notice.text, wrong
        dialog.edit.setText(mirror.url + "/")
        QTest.mouseClick(button(dialog, "Use This Hub"), LEFT)
        await until(lambda: desk.listed == ["mirror/Only-GGUF"], "what the mirror has")
        assert desk.heard == [("endpoint", mirror.url)]
        assert desk.flow.door.endpoint == mirror.url
        # The default is one press away; it is not asked here, as nothing on this machine may reach it.
        desk.off_line.is_on = True
        next(each for each in desk.search.more_button.menu().actions() if each.text() == "&Hub ...").trigger()
        dialog = desk.window.findChildren(HubDialog)[-1]
        QTest.mouseClick(button(dialog, "Use the Default"), LEFT)
        assert desk.heard[-1] == ("endpoint", "")
        assert desk.flow.door.host == "huggingface.co"
        await asyncio.sleep(0.02)


async def test_hostile_texts_are_one_line_and_no_markup(desk: Desk, hub: HubServer, tmp_path: Path) -> None:
    await desk.show()
    evil = "<img src=x onerror=alert(1)>\u202egpj.exe\n\u2028\ud800" + "x" * 1_000_000
    found = Found("a/" + evil, 10**30, -5, datetime.max.replace(tzinfo=UTC), True, False, 10**20, (evil,))
    began = time.monotonic()
    desk.search.show_found([found_card(found)] * 200, more=True)
    desk.window.grab()
    took = time.monotonic() - began
    card = found_card(found)
    for text in (card.title, card.second, card.says, card.tip):
        assert text.isprintable(), ascii(text)
        assert len(text) < 2000
    assert took < 1.0, "a coarse bound; the figure is in the report"


def test_words_of_the_hub_are_short() -> None:
    assert [count(number) for number in (0, 999, 1000, 1234, 9949, 99_500, 1_000_000, 2_340_000_000)] == [
        "0",
        "999",
        "1.0k",
        "1.2k",
        "9.9k",
        "100k",
        "1.0M",
        "2.3B",
    ]
    assert [parameters(number) for number in (135_000_000, 1_500_000_000, 8_030_000_000, 70_000_000_000)] == [
        "135M",
        "1.5B",
        "8B",
        "70B",
    ]
    days = {0: "today", 1: "yesterday", 2: "2 days ago", 7: "1 week ago", 20: "2 weeks ago", 40: "1 month ago"}
    days |= {400: "1 year ago", 800: "2 years ago", -3: "today"}
    assert {day: ago(NOW - timedelta(days=day), NOW) for day in days} == days
    assert ago(NOW.replace(tzinfo=None), NOW) == "today"
    assert one_line("a\n\u202eb\ud800c", 4) == "a b…"
