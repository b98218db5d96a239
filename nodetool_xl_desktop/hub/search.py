"""Searching a hub for models: what a list of repositories shows, page by page.

The pages are asked for with huggingface_hub's client, headers and errors, but not through its `list_models`: that asks
for a thousand entries at once, waits for as long as a server's Retry-After says, has no time-out, and sends the token
wherever the `Link` to the next page leads (2.4.0, utils/_pagination.py and utils/_http.py).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urljoin, urlsplit

from nodetool_xl_desktop.core.network import METADATA_STALL_S
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.hub.card import read_card
from nodetool_xl_desktop.hub.endpoint import hub_of, parse_endpoint
from nodetool_xl_desktop.hub.repository import Repository, is_repository_name, look_up
from nodetool_xl_desktop.hub.session import ask
from nodetool_xl_desktop.hub.tokens import sound_token
from nodetool_xl_desktop.hub.told import count, is_gated, moment, tags

if TYPE_CHECKING:
    from huggingface_hub import HfApi

#: Entries of one page.
PAGE = 30
#: What is taken of a page; a mirror may take no notice of how many were asked for.
MOST_OF_A_PAGE = 1000
#: Pages of one search: nobody reads on, and a hub that never ends is not humoured.
MOST_PAGES = 50
#: What is asked of each repository, by the hub's own names.
_EXPANDED = ("downloads", "likes", "lastModified", "gated", "private", "gguf", "tags")
_SORTS = {"trending_score": "trendingScore", "last_modified": "lastModified", "created_at": "createdAt"}
_LONGEST_WORDS = 200
_Parameters = list[tuple[str, str | int | float | bool | None]]


class Sort(StrEnum):
    """The orders that a hub offers; the value is its own name for it."""

    TRENDING = "trending_score"
    DOWNLOADS = "downloads"
    LIKES = "likes"
    UPDATED = "last_modified"
    CREATED = "created_at"


@dataclass(frozen=True, slots=True)
class Query:
    """What is looked for; always repositories with GGUF files.

    Attributes:
        text: words of the name; empty for everything.
        sort: the order, the most first.
        author: only of this organisation or user; empty for all.
        with_gated: whether repositories that ask for terms to be accepted are among them.
        least_params, most_params: bounds on the number of parameters; None for none.
        tag: a tag or task of the hub that it must have ("image-text-to-text"); empty for any.
    """

    text: str = ""
    sort: Sort = Sort.TRENDING
    author: str = ""
    with_gated: bool = True
    least_params: int | None = None
    most_params: int | None = None
    tag: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """One repository of a search. All text comes from the hub and is never markup.

    Attributes:
        repo_id: `organisation/name`.
        downloads: of the last 30 days; None where the hub does not say.
        likes: None where the hub does not say.
        modified: when it was changed last, UTC; None where the hub does not say.
        gated: whether its owner hands it out only to those who accepted its terms.
        private: whether only the token's owner sees it.
        n_params: as the hub read it from a file; None where it does not say.
        tags: of the hub: task, licence ("license:apache-2.0"), languages.
    """

    repo_id: str
    downloads: int | None
    likes: int | None
    modified: datetime | None
    gated: bool
    private: bool
    n_params: int | None
    tags: tuple[str, ...]

    @property
    def author(self) -> str:
        """The organisation or user."""
        return self.repo_id.partition("/")[0]

    @property
    def name(self) -> str:
        """Without the author."""
        return self.repo_id.partition("/")[2]


class Hub:
    """One model hub, as one person sees it; belongs to one event loop.

    Args:
        endpoint: its address; None for what HF_ENDPOINT says, or Hugging Face.
        token: an access token, sent to this hub alone. None sends none, not even the machine's own.

    Raises:
        BadEndpoint, BadToken: they cannot be used.
    """

    def __init__(self, endpoint: str | None = None, token: str | None = None) -> None:
        self.endpoint = parse_endpoint(hub_of(endpoint))
        self._token = sound_token(token) if token else None

    @property
    def has_token(self) -> bool:
        """Whether it is asked in a person's name."""
        return self._token is not None

    async def search(self, query: Query) -> Results:
        """The first page of what is found.

        Raises:
            HubError: `BadToken`, `Unreachable` or `BadAnswer`.
        """
        results = Results(self, query)
        await results.next()
        return results

    async def repository(self, repo_id: str, revision: str = "main") -> Repository:
        """What a repository holds; raises as `repository.look_up`."""
        return await look_up(repo_id, endpoint=self.endpoint, token=self._token, revision=revision)

    async def card(self, repository: Repository) -> str:
        """What its owner writes of it, as Markdown; raises as `card.read_card`."""
        return await read_card(repository, token=self._token)

    async def page(self, query: Query, following: str | None) -> tuple[list[Any], str | None]:
        """One page as the hub tells it, and what leads to the next one; `following` is that of the page before."""

        def question(api: HfApi) -> tuple[list[Any], str | None]:
            from huggingface_hub import get_session  # noqa: PLC0415 - as in `session`
            from huggingface_hub.utils import (  # type: ignore[attr-defined] # noqa: PLC0415
                build_hf_headers,
                hf_raise_for_status,
            )

            address = f"{api.endpoint}/api/models"
            asked: _Parameters = _parameters(query)
            if following is not None:
                asked = list(parse_qsl(following, keep_blank_values=True))
            # False: None would send the token that the machine keeps.
            headers = build_hf_headers(token=self._token or False)
            answer = get_session().get(address, params=asked, headers=headers, timeout=METADATA_STALL_S)
            hf_raise_for_status(answer)
            entries = answer.json()
            if not isinstance(entries, list):
                raise ValueError("a list that is none")
            return entries, _following(answer.links.get("next", {}).get("url"), address)

        return await ask(self.endpoint, tr("The list of models"), question)


class Results:
    """What a search has found so far.

    Attributes:
        found: of all pages that were read, in the hub's order.
        more: whether there may be more.
    """

    def __init__(self, hub: Hub, query: Query) -> None:
        self.query = query
        self.found: tuple[Found, ...] = ()
        self.more = True
        self._hub = hub
        self._following: str | None = None
        self._pages = 0
        self._turn = asyncio.Lock()

    async def next(self) -> tuple[Found, ...]:
        """Read the next page; what is new on it. After an error it can be asked for again.

        Raises:
            HubError: as `Hub.search`.
        """
        async with self._turn:
            if not self.more:
                return ()
            entries, following = await self._hub.page(self.query, self._following)
            known = {found.repo_id for found in self.found}  # a list changes while it is read
            fresh: dict[str, Found] = {}
            for entry in entries[:MOST_OF_A_PAGE]:
                found = _found(entry)
                if found and found.repo_id not in known and _is_within(found, self.query):
                    fresh[found.repo_id] = found
            self._pages += 1
            self.more = following not in (None, self._following) and self._pages < MOST_PAGES
            self._following = following
            self.found += tuple(fresh.values())
            return tuple(fresh.values())


def _parameters(query: Query) -> _Parameters:
    """A query as the hub's interface has it (`HfApi.list_models` asks the same)."""
    asked: _Parameters = [("filter", "gguf")]
    if tag := query.tag.strip()[:_LONGEST_WORDS]:
        asked.append(("filter", tag))
    if author := query.author.strip()[:_LONGEST_WORDS]:
        asked.append(("author", author))
    if not query.with_gated:
        asked.append(("gated", "false"))
    bounds = (("min", query.least_params), ("max", query.most_params))
    if told := ",".join(f"{name}:{_in_words(bound)}" for name, bound in bounds if bound is not None):
        asked.append(("num_parameters", told))
    if words := " ".join(query.text.split())[:_LONGEST_WORDS]:
        asked.append(("search", words))
    asked.append(("sort", _SORTS.get(query.sort.value, query.sort.value)))
    return [*asked, ("limit", str(PAGE)), *(("expand", name) for name in _EXPANDED)]


def _in_words(number: int) -> str:
    """A number of parameters as the hub reads it: "6B", "500M"."""
    billions, millions = divmod(number, 10**9)[0], round(number / 10**6)
    return f"{billions}B" if number % 10**9 == 0 else f"{millions}M"


def _following(told: str | None, address: str) -> str | None:
    """The query of the next page, which is asked of this hub wherever a mirror's link leads."""
    if not told:
        return None
    asked = urlsplit(urljoin(address, told)).query
    return asked if asked and len(asked) < 8192 else None


def _is_within(found: Found, query: Query) -> bool:
    """Whether the hub has kept to the bounds, as far as it tells."""
    count_ = found.n_params
    too_small = count_ is not None and query.least_params is not None and count_ < query.least_params
    too_large = count_ is not None and query.most_params is not None and count_ > query.most_params
    return not (too_small or too_large or (found.gated and not query.with_gated))


def _found(told: Any) -> Found | None:
    """One entry; None for one that names no repository."""
    name = told.get("id") if isinstance(told, Mapping) else None
    if not isinstance(name, str) or not is_repository_name(name):
        return None
    header = told.get("gguf")
    return Found(
        repo_id=name,
        downloads=count(told.get("downloads")),
        likes=count(told.get("likes")),
        modified=moment(told.get("lastModified")),
        gated=is_gated(told.get("gated")),
        private=told.get("private") is True,
        n_params=(count(header.get("total")) if isinstance(header, Mapping) else None) or None,
        tags=tags(told.get("tags")),
    )
