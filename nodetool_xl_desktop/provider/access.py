"""`get_provider`: the way in for scripts, and the pool that they share unless they bring their own."""

from __future__ import annotations

import asyncio

from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.engine.pool import Pool
from nodetool_xl_desktop.provider.values import Provider
from nodetool_xl_desktop.provider.xllamacpp_provider import XLlamaCppProvider

#: One pool for each event loop, as children, locks and timers belong to one.
_pools: dict[asyncio.AbstractEventLoop, Pool] = {}
#: Kept here, as a loop itself holds its tasks weakly.
_keepers: set[asyncio.Task[None]] = set()


async def get_provider(
    provider: Provider | str = Provider.XLlamaCpp,
    user_id: str = "1",
    pool: Pool | None = None,
    *,
    paths: Paths | None = None,
    endpoint: str | None = None,
    token: str | None = None,
) -> XLlamaCppProvider:
    """The way to models on this machine.

    Args:
        provider: there is one, `Provider.XLlamaCpp`.
        user_id: whoever asks; kept for callers that have users. Models are shared between them.
        pool: what loads and holds models. None takes the pool of the running event loop, which is closed when the loop
            ends: a script need not close anything.
        paths: the program's folders, None for this user's.
        endpoint: the address of a model hub, None for what `HF_ENDPOINT` says.
        token: for private and gated repositories of that hub.

    Raises:
        ValueError: there is no such provider.
    """
    Provider(provider)
    return XLlamaCppProvider(pool or _shared_pool(), paths or Paths.default(), endpoint=endpoint, token=token)


def _shared_pool() -> Pool:
    loop = asyncio.get_running_loop()
    pool = _pools.get(loop)
    if pool is None or pool.is_closed:
        pool = _pools[loop] = Pool()
        keeper = loop.create_task(_keep(pool))
        _keepers.add(keeper)
        keeper.add_done_callback(_keepers.discard)
    return pool


async def _keep(pool: Pool) -> None:
    """Close the pool when the loop ends: `asyncio.run` cancels what still runs, and waits for it."""
    try:
        await asyncio.Event().wait()
    finally:
        _pools.pop(asyncio.get_running_loop(), None)
        await pool.close()
