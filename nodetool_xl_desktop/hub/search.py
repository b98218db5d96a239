"""Searching a hub for models: what a list of repositories shows, page by page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


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
