"""The rows of what a search found, as texts: made once from what the hub said, so that painting them only paints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from nodetool_xl_desktop.core import units
from nodetool_xl_desktop.core.text import one_line
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.fit.verdict import Verdict
from nodetool_xl_desktop.hub.search import Found
from nodetool_xl_desktop.ui.discover.shown import ago, count, parameters

if TYPE_CHECKING:
    from nodetool_xl_desktop.hub.picks import Pick

#: The colour of a verdict in a row: what fits is nothing to look at.
ROLES = {Verdict.FITS: "accent", Verdict.PARTLY: "warning", Verdict.TIGHT: "warning", Verdict.WONT_FIT: "bad"}


@dataclass(frozen=True, slots=True)
class Heading:
    """Over the rows of one kind."""

    text: str


@dataclass(frozen=True, slots=True)
class Words:
    """A line of words in place of a row, such as that more is coming."""

    text: str


@dataclass(frozen=True, slots=True)
class Fact:
    """A short fact, with an icon before it where `icon` names one."""

    text: str
    icon: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """One repository.

    Attributes:
        repo_id: what opens when it is chosen.
        title: its name without the author.
        second: a line below.
        facts: on the last line, from the left.
        corner: on the right of the last line, coloured with the token `role`.
        mark: on the right of the title: how large the model is.
        says: all of it, for a screen reader.
        tip: what the mouse is told.
        found: what the search said of it; None for a pick.
    """

    repo_id: str
    title: str
    second: str
    facts: tuple[Fact, ...]
    mark: str = ""
    corner: str = ""
    role: str = "muted"
    says: str = ""
    tip: str = ""
    found: Found | None = None


Row = Heading | Words | Card


def found_card(found: Found, now: datetime | None = None) -> Card:
    """The row of a repository that was found."""
    facts = []
    if found.downloads is not None:
        facts.append(Fact(count(found.downloads), "download-simple"))
    if found.likes is not None:
        facts.append(Fact(count(found.likes), "heart"))
    if found.modified is not None:
        facts.append(Fact(ago(found.modified, now)))
    mark = parameters(found.n_params) if found.n_params else ""
    corner = tr("Private") if found.private else tr("Gated") if found.gated else ""
    title, author = one_line(found.name or found.repo_id), one_line(found.author)
    said = [title, tr("by {author}", author=author), tr("{mark} parameters", mark=mark) if mark else ""]
    said += [tr("{downloads} downloads", downloads=count(found.downloads)) if found.downloads is not None else ""]
    said += [tr("{likes} likes", likes=count(found.likes)) if found.likes is not None else ""]
    said += [
        tr("changed {modified}", modified=ago(found.modified, now)) if found.modified is not None else "",
        corner.lower(),
    ]
    says = ", ".join(part for part in said if part)
    return Card(
        found.repo_id,
        title,
        author,
        tuple(facts),
        mark,
        corner,
        "warning",
        says,
        one_line(found.repo_id),
        found,
    )


def pick_card(pick: Pick, verdict: Verdict | None) -> Card:
    """The row of a good model to begin with; the verdict is by its size, None while the machine is not known."""
    facts = (Fact(f"{pick.quantization} · {units.file_size(pick.size)}"),)
    corner = tr(verdict.value) if verdict else ""
    title = one_line(pick.title)
    says = tr(
        "{title}, {n_params} parameters, {text}, {about}",
        title=title,
        n_params=parameters(pick.n_params),
        text=facts[0].text,
        about=tr(pick.about),
    )
    tip = tr(
        "{about}\n{task} \xb7 licence {licence}\n{repo_id}",
        about=tr(pick.about),
        task=tr(pick.task),
        licence=pick.licence,
        repo_id=pick.repo_id,
    )
    tip += tr("\nWhether it fits is by its size alone; its page says more.") if verdict else ""
    return Card(
        pick.repo_id,
        title,
        one_line(tr(pick.about)),
        facts,
        parameters(pick.n_params),
        corner,
        ROLES[verdict] if verdict else "muted",
        f"{says}, {corner}" if corner else says,
        tip,
    )


def with_headings(picks: Sequence[Card], found: Sequence[Card], heading: str) -> list[Row]:
    """Rows of picks and of what was found, each below its heading; nothing of what there is none of."""
    rows: list[Row] = []
    if picks:
        rows += [Heading(tr("Good models to begin with")), *picks]
    if found and heading:
        rows.append(Heading(heading))
    return [*rows, *found]
