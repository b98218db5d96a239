"""What is started while the program ends."""

from __future__ import annotations

import asyncio

from nodetool_xl_desktop.ui.tasks import Tasks


async def test_what_is_started_after_the_end_is_over_at_once(qapp: object) -> None:
    """No loop turns any more when the window goes, and tells its flows of it."""
    tasks, done = Tasks(), list[str]()

    async def work(name: str) -> None:
        done.append(name)

    await tasks.start(work("before"))
    waiting = tasks.start(asyncio.sleep(60))
    await tasks.cancel_all()
    assert waiting.cancelled()
    late = tasks.start(work("after"))
    assert late.cancelled()
    assert asyncio.all_tasks() == {asyncio.current_task()}
    await asyncio.sleep(0)
    assert done == ["before"]
