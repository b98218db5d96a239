"""Models' cards: what comes of them, what is cut off, and what else a hub says of a repository."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import pytest
from hub_server import HubServer, Play, Stored

from nodetool_xl_desktop.hub.card import MOST, read_card, without_front
from nodetool_xl_desktop.hub.errors import BadAnswer, Gated, Interrupted
from nodetool_xl_desktop.hub.repository import look_up
from nodetool_xl_desktop.hub.transfer import Patience

BRISK = Patience(stall_s=0.5, pauses_s=(0.01, 0.01))


@pytest.mark.parametrize(
    ("card", "text"),
    [
        ("# A\n\ntext\n", "# A\n\ntext"),
        ("---\nlicense: mit\n---\n\n# A\n", "# A"),
        ("\ufeff---\r\nlicense: mit\r\n---\r\n# A\r\nb", "# A\nb"),
        ("\n---\na: |\n  x\n  --- y\n---\n# A\n\n---\n\nb", "# A\n\n---\n\nb"),
        ("---\n---\n# A", "# A"),
        ("---\nlicense: mit\n---", ""),
        ("---\nno end\n# A", "---\nno end\n# A"),
        ("# A\n---\nb: c\n---\n", "# A\n---\nb: c\n---"),
        ("----\na\n----\n", "----\na\n----"),
        ("", ""),
    ],
)
def test_the_head_is_left_out(card: str, text: str) -> None:
    assert without_front(card) == text


def test_a_head_without_an_end_takes_no_time() -> None:
    begin = time.process_time()
    without_front("---\n" + "-- -\n" * 200_000)
    assert time.process_time() - begin < 1


@pytest.mark.parametrize("cdn", [True, False])
async def test_a_card_of_any_length(cdn: bool) -> None:
    long = "é" * MOST
    files = {"README.md": long.encode(), "a.gguf": b"a"}
    with HubServer({"org/long": files, "org/none": {"a.gguf": b"a"}, "org/empty": {"README.md": b""}}, cdn=cdn) as hub:
        assert await read_card(await look_up("org/long", endpoint=hub.url)) == "é" * (MOST // 2)
        assert await read_card(await look_up("org/none", endpoint=hub.url)) == ""
        assert await read_card(await look_up("org/empty", endpoint=hub.url)) == ""
        hub.always["bytes"] = Play(ignore_range=True, unmeasured=True)
        odd = Stored(b"\xff\xfe words \x00" * MOST)
        hub.put("org/long", "README.md", odd)
        card = await read_card(await look_up("org/long", endpoint=hub.url))
        assert "words" in card
        assert len(card) <= MOST
        assert hub.requests[-1].sent <= 12 * MOST  # the buffers between take some of what nobody reads


async def test_a_gated_card_is_for_those_with_a_token() -> None:
    with HubServer({"org/repo": {"README.md": b"# Terms", "a.gguf": b"a"}}) as hub:
        hub.gated = {"org/repo"}
        repository = await look_up("org/repo", endpoint=hub.url)
        assert repository.gated
        with pytest.raises(Gated, match="Accept its terms"):
            await read_card(repository)
        assert await read_card(repository, token="good-token") == "# Terms"


async def test_a_broken_connection_is_tried_again() -> None:
    with HubServer({"org/repo": {"README.md": b"# A model of words"}}) as hub:
        repository = await look_up("org/repo", endpoint=hub.url)
        hub.play("bytes", Play(drop_after=5), Play(stall_after=3))
        assert await read_card(repository, patience=BRISK) == "# A model of words"
        hub.always["bytes"] = Play(drop_after=5)
        with pytest.raises(Interrupted, match="The card of org/repo"):
            await read_card(repository, patience=BRISK)
        hub.always["bytes"] = Play(status=418)
        with pytest.raises(BadAnswer, match="status 418"):
            await read_card(repository, patience=BRISK)


# What else is said of a repository


async def look(about: dict[str, Any]) -> Any:
    with HubServer({"org/repo": {"a.gguf": b"a"}}) as hub:
        hub.about["org/repo"] = about
        return await look_up("org/repo", endpoint=hub.url)


async def test_what_a_hub_says_of_a_repository() -> None:
    found = await look(
        {
            "likes": 7,
            "downloads": 1234,
            "lastModified": "2026-08-19T07:19:38.123Z",
            "gated": "auto",
            "private": True,
            "tags": ["gguf", "en", "license:mit", "base_model:org/base", "base_model:quantized:org/base"],
            "cardData": {"license": "other", "license_name": "llama3.2", "base_model": ["org/base", "org/other"]},
        }
    )
    assert (found.likes, found.downloads, found.gated, found.private) == (7, 1234, True, True)
    assert found.modified == datetime(2026, 8, 19, 7, 19, 38, 123_000, tzinfo=UTC)
    assert found.tags[:2] == ("gguf", "en")
    assert (found.licence, found.base_model) == ("llama3.2", "org/base, org/other")
    assert found.page.endswith("/org/repo")


async def test_tags_say_it_where_there_is_no_card() -> None:
    found = await look({"tags": ["license:apache-2.0", "base_model:quantized:org/base", "base_model:org/base"]})
    assert (found.licence, found.base_model) == ("apache-2.0", "org/base")


@pytest.mark.parametrize(
    "about",
    [
        {"likes": "many", "downloads": -1, "tags": {"a": 1}, "gated": 7, "private": "no", "cardData": "text"},
        {"cardData": {"license": ["mit"], "base_model": {"a": 1}, "tags": ["a", 5], "model-index": [7]}, "tags": None},
        {"cardData": {"license": "x\u202e\n" * 1000, "base_model": "../../etc"}, "tags": ["\ud800"] * 9999},
    ],
)
async def test_what_is_odd_is_left_out(about: dict[str, Any]) -> None:
    found = await look(about)
    assert [file.path for file in found.files] == ["a.gguf"]
    assert (found.gated, found.private, found.base_model) == (False, False, "")
    assert len(found.licence) <= 200
    assert found.licence.isprintable()
