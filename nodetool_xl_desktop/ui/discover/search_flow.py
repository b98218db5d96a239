"""What happens between the page of the search and the hub: one question at a time, the last one wins."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.fit.memory import Machine
from nodetool_xl_desktop.fit.verdict import Verdict
from nodetool_xl_desktop.hub.errors import BadToken
from nodetool_xl_desktop.hub.search import Found, Query
from nodetool_xl_desktop.ui.discover.door import DiscoverSources, Door
from nodetool_xl_desktop.ui.discover.remedies import GIVE_TOKEN, TRY_AGAIN
from nodetool_xl_desktop.ui.discover.result_rows import Card, found_card, pick_card
from nodetool_xl_desktop.ui.discover.search_page import SearchPage
from nodetool_xl_desktop.ui.tasks import Tasks, in_thread

if TYPE_CHECKING:
    from nodetool_xl_desktop.hub.picks import Pick
    from nodetool_xl_desktop.hub.search import Results

#: A machine that was sold with 24 GiB tells of less: its firmware and its graphics keep some for themselves.
SOLD_AS = 0.92


class SearchFlow(QObject):
    """Asks the hub what the page asks for.

    Args:
        page: the page of the side bar.
        tasks: where the asking is done.
        door: the way to the hub.
        sources: what else is asked.
    """

    #: The good models to begin with, each with whether it would fit (pairs of a `Pick` and a `Verdict`).
    picks_judged = Signal(object)

    def __init__(self, page: SearchPage, tasks: Tasks, door: Door, sources: DiscoverSources) -> None:
        super().__init__(page)
        self._page, self._tasks, self._door, self._sources = page, tasks, door, sources
        self._asking: asyncio.Task[None] | None = None
        self._results: Results | None = None
        self._cards: list[Card] = []
        self._picks: tuple[Pick, ...] = ()
        self._was_seen = self._was_stale = self._is_stuck = False
        page.seen.connect(self._seen)
        page.query_left.connect(self._stop)
        page.query_changed.connect(self._ask)
        page.more_requested.connect(self._more)

    def refresh(self) -> None:
        """Ask anew: the hub, the token or the switch is another one. Not before the page is seen."""
        if self._was_seen and self._page.isVisible():
            self._ask(self._page.query)
        else:
            self._was_stale = self._was_seen

    def close(self) -> None:
        """Ask nothing any more."""
        self._stop()

    def _seen(self) -> None:
        if not self._was_seen:
            self._was_seen = True
            self._tasks.start(self._show_picks())
            self._ask(self._page.query)
        elif self._was_stale:
            self._was_stale = False
            self._ask(self._page.query)

    def _stop(self) -> None:
        if self._asking is not None:
            self._asking.cancel()
            self._asking = None

    def _ask(self, query: Query) -> None:
        self._stop()
        self._results, self._is_stuck = None, False
        if self._sources.off_line.is_on:
            self._page.show_found((), more=False)
            self._page.show_off_line()
            return
        self._cards = []
        self._page.show_waiting()
        self._asking = self._tasks.start(self._search(query))

    async def _search(self, query: Query) -> None:
        try:
            hub = await self._door.hub()
            self._results = await hub.search(query)
        except UserFacingError as error:
            self._failed(error)
            return
        self._cards = []
        self._show(self._results.found, more=self._results.more)

    def try_again(self) -> None:
        """What failed is asked again: the next page, or all of it."""
        if self._results is None or not self._is_stuck:
            self.refresh()
        else:
            self._is_stuck = False
            self._page.show_found(self._cards, more=True)
            self._more()

    def _more(self) -> None:
        waits = self._asking is not None and not self._asking.done()
        if self._results is not None and self._results.more and not waits and not self._is_stuck:
            self._asking = self._tasks.start(self._ask_for_more(self._results))

    async def _ask_for_more(self, results: Results) -> None:
        try:
            fresh = await results.next()
        except UserFacingError as error:
            self._is_stuck = True  # asked again, it would fail again with each move of the bar
            self._failed(error)
            return
        self._show(fresh, more=results.more)

    def _show(self, found: Sequence[Found], *, more: bool) -> None:
        self._cards += [found_card(each) for each in found]
        self._page.show_found(self._cards, more=more)

    def _failed(self, error: UserFacingError) -> None:
        if self._sources.off_line.is_on:
            self._page.show_off_line()
        else:
            self._page.show_error(error, GIVE_TOKEN if isinstance(error, BadToken) else TRY_AGAIN)

    # Good models to begin with

    async def _show_picks(self) -> None:
        from nodetool_xl_desktop.hub.picks import picks  # noqa: PLC0415 - only who opens Discover needs them

        self._picks = await in_thread(picks)
        self._page.show_picks([pick_card(pick, None) for pick in self._picks])
        machine = await self._sources.machine()
        judged = [(pick, verdict_of(pick, machine)) for pick in self._picks]
        self._page.show_picks([pick_card(pick, verdict) for pick, verdict in judged])
        self.picks_judged.emit(judged)


def verdict_of(pick: Pick, machine: Machine) -> Verdict:
    """Whether a good model would fit, by its size and what a machine should have for it; its page says it exactly."""
    separate = [device for device in machine.devices if not device.shares_host_memory]
    free = machine.host.free + sum(device.free or 0 for device in separate)
    total = machine.host.total + sum(device.total or 0 for device in separate)
    if total < pick.least_memory * SOLD_AS or free < pick.size:
        return Verdict.WONT_FIT
    return Verdict.FITS if free >= pick.size + machine.margin else Verdict.TIGHT
