"""Searching a hub: what is asked, what is believed of the answer, page by page, and who gets the token."""

from __future__ import annotations

import asyncio
import json
import time
from datetime import UTC, datetime
from typing import Any

import pytest
from hub_server import HubServer, Play

from nodetool_xl_desktop.core.network import OffLine
from nodetool_xl_desktop.hub.errors import BadAnswer, BadEndpoint, BadToken, HubError, Unreachable
from nodetool_xl_desktop.hub.search import MOST_PAGES, PAGE, Found, Hub, Query, Sort

CARD = b"---\nlicense: mit\n---\n# A model\n"


def some(count: int) -> HubServer:
    """A hub with so many repositories, the first the most liked."""
    hub = HubServer({f"org-{number % 3}/Model-{number}-GGUF": {"a-Q4_K_M.gguf": b"a"} for number in range(count)})
    for number, repo_id in enumerate(hub.repositories):
        hub.about[repo_id] = {
            "likes": count - number,
            "downloads": number,
            "lastModified": f"2026-01-{number % 28 + 1:02}T12:00:00.000Z",
            "createdAt": "2025-01-01T00:00:00.000Z",
            "trendingScore": number % 7,
            "gguf": {"total": (number + 1) * 10**9, "architecture": "llama"},
            "tags": ["gguf", "text-generation", "license:mit", *(["vision"] if number % 2 else [])],
        }
    return hub


async def test_what_is_told_of_each() -> None:
    with some(2) as server:
        server.gated = {"org-1/Model-1-GGUF"}
        results = await Hub(server.url).search(Query("model", Sort.LIKES))
        assert results.found[0] == Found(
            repo_id="org-0/Model-0-GGUF",
            downloads=0,
            likes=2,
            modified=datetime(2026, 1, 1, 12, tzinfo=UTC),
            gated=False,
            private=False,
            n_params=10**9,
            tags=("gguf", "text-generation", "license:mit"),
        )
        assert (results.found[1].author, results.found[1].name, results.found[1].gated) == (
            "org-1",
            "Model-1-GGUF",
            True,
        )
        assert not results.more
        assert await results.next() == ()
        assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("query", "names"),
    [
        (Query("model-1"), {1, 10, 11, 12, 13}),
        (Query("  gguf\nmodel-1 "), {1, 10, 11, 12, 13}),
        (Query(author="org-0"), {0, 3, 6, 9, 12}),
        (Query(tag="vision"), {1, 3, 5, 7, 9, 11, 13}),
        (Query(least_params=12 * 10**9), {11, 12, 13}),
        (Query(most_params=1_500_000_000), {0}),
        (Query(least_params=2 * 10**9, most_params=3 * 10**9), {1, 2}),
        (Query("model-1", with_gated=False), {1, 11, 12, 13}),
        (Query("nothing at all"), set()),
    ],
)
async def test_what_is_looked_for(query: Query, names: set[int]) -> None:
    with some(14) as server:
        server.gated = {"org-1/Model-10-GGUF"}
        found = (await Hub(server.url).search(query)).found
        assert {int(each.name.split("-")[1]) for each in found} == names


@pytest.mark.parametrize("sort", list(Sort))
async def test_each_order_asks_as_huggingface_hub_itself_does(sort: Sort) -> None:
    """Its own `list_models` is the judge: the same parameters but for the length of a page, and the same answer."""
    from huggingface_hub import HfApi  # noqa: PLC0415 - as the program has it

    query = Query("model", sort, "org-1", with_gated=False, least_params=10**9, most_params=9 * 10**9, tag="vision")
    with some(20) as server:
        ours = (await Hub(server.url).search(query)).found
        theirs = list(
            HfApi(endpoint=server.url, token=False).list_models(
                filter=["gguf", "vision"],
                author="org-1",
                gated=False,
                num_parameters="min:1B,max:9B",
                search="model",
                sort=sort.value,
                expand=["downloads", "likes", "lastModified", "gated", "private", "gguf", "tags"],
            )
        )
        assert [(each.repo_id, each.downloads, each.likes, each.modified) for each in ours] == [
            (each.id, each.downloads, each.likes, each.last_modified) for each in theirs
        ]
        assert ours
        asked, told = (sorted(request.path.partition("?")[2].split("&")) for request in server.at("search"))
        asked.remove(f"limit={PAGE}")
        assert asked == told


async def test_pages_come_as_they_are_asked_for() -> None:
    with some(75) as server:
        results = await Hub(server.url).search(Query(sort=Sort.LIKES))
        assert (len(results.found), results.more, len(server.requests)) == (30, True, 1)
        fresh = await results.next()
        assert (len(fresh), results.found[30:], results.more) == (30, fresh, True)
        first, second = await asyncio.gather(results.next(), results.next())  # two who scroll
        assert (len(first), second) == (15, ())
        assert [each.likes for each in results.found] == list(range(75, 0, -1))
        assert len(server.requests) == 3


async def test_a_page_that_did_not_come_can_be_asked_for_again() -> None:
    with some(40) as server:
        results = await Hub(server.url).search(Query())
        server.play("search", Play(status=503))
        with pytest.raises(BadAnswer, match="status 503"):
            await results.next()
        assert results.more
        assert len(await results.next()) == 10


async def test_a_list_that_changes_meanwhile_shows_nothing_twice() -> None:
    with some(40) as server:
        results = await Hub(server.url).search(Query(sort=Sort.LIKES))
        server.put("org-0/New-GGUF", "a.gguf", b"a")
        server.about["org-0/New-GGUF"] = {"likes": 1000}
        await results.next()
        assert len({each.repo_id for each in results.found}) == len(results.found) == 40


async def test_a_list_without_an_end_ends() -> None:
    body = json.dumps([{"id": "org/repo"}]).encode()
    with HubServer({}) as server:
        results = await Hub(server.url).search(Query())
        for number in range(MOST_PAGES + 10):
            link = f'<{server.url}/api/models?cursor={number}>; rel="next"'
            server.play("search", Play(status=200, body=body, headers={"Link": link}))
        results = await Hub(server.url).search(Query())
        while results.more:
            await results.next()
        assert len(server.requests) == MOST_PAGES + 1
        # A link to the same page again leads nowhere.
        server._plays.clear()
        server.always["search"] = Play(status=200, body=body, headers={"Link": '</api/models?cursor=x>; rel="next"'})
        results = await Hub(server.url).search(Query())
        assert (await results.next(), results.more) == ((), False)


HOSTILE: list[Any] = [
    {"id": "org/sound", "tags": ["a\u202eb\nc", 7, "x" * 10_000, "\ud800"], "gguf": {"total": -5}, "likes": True},
    {
        "id": "org/odd",
        "downloads": "9",
        "likes": -1,
        "lastModified": 12,
        "gated": {"a": 1},
        "private": "yes",
        "gguf": [],
    },
    {"id": "org/far", "downloads": 2**80, "lastModified": "0001-01-01T00:00:00+14:00", "gated": "auto", "tags": "gguf"},
    {"id": "../etc/passwd"},
    {"id": "org/../.."},
    {"id": "<b>org</b>/repo"},
    {"id": 7},
    {},
    None,
    "org/repo",
    {"id": "x" * 100_000 + "/y"},
]


async def test_what_a_hub_says_is_not_believed() -> None:
    with HubServer({}) as server:
        server.play("search", Play(body=json.dumps(HOSTILE).encode()))
        found = (await Hub(server.url).search(Query())).found
    assert [each.repo_id for each in found] == ["org/sound", "org/odd", "org/far"]
    sound, odd, far = found
    assert sound.tags == ("a b c", "x" * 199 + "…", "\N{REPLACEMENT CHARACTER}")
    assert (sound.n_params, sound.likes) == (None, None)
    assert (odd.downloads, odd.likes, odd.modified, odd.gated, odd.private) == (None, None, None, False, False)
    assert (far.downloads, far.modified, far.gated, far.tags) == (None, None, True, ())


@pytest.mark.parametrize(
    ("play", "kind", "said"),
    [
        (Play(body=b"<html>a hotel</html>"), BadAnswer, "cannot be read"),
        (Play(body=b"{}"), BadAnswer, "cannot be read"),
        (Play(body=b"[" * 200_000), BadAnswer, "cannot be read"),
        (Play(status=500), BadAnswer, "status 500"),
        (Play(status=429, headers={"Retry-After": "100000"}), BadAnswer, "Wait 100000 seconds"),
        (Play(status=200, body=b"xx", headers={"Content-Encoding": "gzip"}), BadAnswer, "compressed form"),
        (Play(body=b"[" + b" " * 33 * 2**20 + b"]"), BadAnswer, "longer than any"),
        (Play(status=302, headers={"Location": "/api/models"}), BadAnswer, "redirect"),
    ],
)
async def test_each_fault_is_told_at_once(play: Play, kind: type[HubError], said: str) -> None:
    with some(1) as server:
        server.always["search"] = play
        begin = time.monotonic()
        with pytest.raises(kind, match=said) as caught:
            await Hub(server.url).search(Query())
        assert caught.value.hint
        assert time.monotonic() - begin < 5


async def test_no_hub_there_is_told_at_once() -> None:
    begin = time.monotonic()
    with pytest.raises(Unreachable, match=r"127\.0\.0\.1:9 could not be reached"):
        await Hub("http://127.0.0.1:9").search(Query())
    assert time.monotonic() - begin < 3


async def test_who_is_cancelled_does_not_wait() -> None:
    with some(1) as server:
        server.latency_s = 20.0
        begin = time.monotonic()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(Hub(server.url).search(Query()), 0.2)
        assert time.monotonic() - begin < 10
        server.ending.set()


def test_what_no_hub_can_be_made_of() -> None:
    with pytest.raises(BadEndpoint):
        Hub("ftp://example.org")
    for token in ("a b", "a\r\nX: y", "\u20ac", "x" * 2000):
        with pytest.raises(BadToken):
            Hub("https://example.org", token)
    assert not Hub("https://example.org", "").has_token


# The token


async def test_no_token_but_the_one_that_was_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "the-machine-s")
    with some(1) as server:
        server.put("org-0/Model-0-GGUF", "README.md", CARD)
        for token, sent in ((None, None), ("good-token", "Bearer good-token")):
            hub = Hub(server.url, token)
            repository = await hub.repository((await hub.search(Query())).found[0].repo_id)
            assert await hub.card(repository) == "# A model"
            requests = [request for request in server.requests if request.stage != "bytes"]
            assert [request.headers.get("authorization") for request in requests] == [sent] * 3
            assert not any("authorization" in request.headers for request in server.at("bytes"))
            server.requests.clear()


async def test_a_private_repository_is_found_with_its_token() -> None:
    with some(2) as server:
        server.private = {"org-1/Model-1-GGUF"}
        assert len((await Hub(server.url).search(Query())).found) == 1
        mine = (await Hub(server.url, "good-token").search(Query())).found
        assert [each.private for each in mine if each.repo_id == "org-1/Model-1-GGUF"] == [True]
        with pytest.raises(BadToken):
            await Hub(server.url, "stale-token").search(Query())


async def test_the_token_goes_to_no_other_host() -> None:
    """Neither after a redirect nor to where the link to the next page leads: pages are asked of the hub itself."""
    with some(40) as server, some(40) as other:
        hub = Hub(server.url, "good-token")
        server.link = other.url
        results = await hub.search(Query())
        assert len(await results.next()) == 10
        assert other.requests == []
        assert [request.headers["authorization"] for request in server.requests] == ["Bearer good-token"] * 2
        elsewhere = Play(status=302, headers={"Location": f"{other.url}/api/models?limit=30"})
        server.play("search", elsewhere)
        assert (await hub.search(Query())).found
        server.play("api", Play(status=307, headers={"Location": f"{other.url}/api/models/org-0/Model-0-GGUF"}))
        repository = await hub.repository("org-0/Model-0-GGUF")
        server.play("resolve", Play(status=302, headers={"Location": f"{other.url}/org-0/Model-0-GGUF/resolve/main/x"}))
        assert await hub.card(repository) == ""
        assert len(other.requests) == 3
        assert not any("authorization" in request.headers for request in other.requests)


async def test_huggingface_hub_s_own_way_over_pages_does_not_carry_the_token_off() -> None:
    """Nothing of ours asks so; what it does is held all the same."""
    from huggingface_hub import HfApi  # noqa: PLC0415 - as the program has it

    with some(3) as server, some(3) as other:
        await Hub(server.url).search(Query())  # our client is in place from here on
        server.link = other.url
        server.always["search"] = Play(
            status=200, body=b'[{"id": "org/a"}]', headers={"Link": f'<{other.url}/api/models?x=1>; rel="next"'}
        )
        list(HfApi(endpoint=server.url, token="good-token").list_models())
        assert len(other.at("search")) == 1
        assert "authorization" not in other.requests[0].headers


async def test_off_line_nothing_is_asked_not_even_through_huggingface_hub() -> None:
    from huggingface_hub import HfApi  # noqa: PLC0415 - as the program has it

    with some(40) as server:
        hub = Hub(server.url)
        results = await hub.search(Query())
        repository = await hub.repository("org-0/Model-0-GGUF")
        before = len(server.requests)
        off_line = OffLine(is_on=True)
        for attempt in (results.next(), hub.search(Query()), hub.repository("org/repo"), hub.card(repository)):
            with pytest.raises(Unreachable, match="works off line"):
                await attempt
        with pytest.raises(Exception, match="works off line"):
            HfApi(endpoint=server.url).model_info("org-0/Model-0-GGUF")
        assert len(server.requests) == before
        off_line.is_on = False
        assert len(await results.next()) == 10
