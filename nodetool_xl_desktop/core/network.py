"""The one factory of HTTP clients.

Nothing else in the program opens a connection (ruff's banned-api list in pyproject.toml holds that), so that time-outs,
the proxy and the off-line switch have one place.
"""

from __future__ import annotations

import ssl

import httpx2

#: The type of every client, for those who are handed one.
HttpClient = httpx2.AsyncClient

#: Seconds to reach a server. Loopback answers at once or not at all.
CONNECT_TIMEOUT_S = 10.0

#: Seconds without a single byte after which a connection to a model hub counts as dropped.
HUB_STALL_S = 30.0


def engine_client(base_url: str, api_key: str) -> HttpClient:
    """A client for an engine child on this machine's loopback.

    No proxy (a proxy in the environment must never see a chat), no read time-out (a slow model is healthy, silence
    alone is no fault), and no idle connections kept: the engine closes them, and reusing one fails.

    Args:
        base_url: `http://127.0.0.1:PORT`.
        api_key: the child's secret, sent as a bearer token.
    """
    return HttpClient(
        base_url=base_url,
        headers={"Authorization": f"Bearer {api_key}"},
        timeout=httpx2.Timeout(None, connect=CONNECT_TIMEOUT_S),
        limits=httpx2.Limits(max_keepalive_connections=0),
        trust_env=False,
        # Loopback speaks no TLS. A context without authorities trusts nobody, and costs nothing; reading the
        # authorities would hold up the window for 23 ms.
        verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
    )


def hub_client(stall_s: float = HUB_STALL_S) -> HttpClient:
    """A client for a model hub and for the servers that it sends on to.

    The proxy and the authorities of the environment are used. An `Authorization` header of a request is not sent on
    to another host (tests/hub holds that). Making it reads the authorities, which takes 23 ms: make it in a thread.

    Args:
        stall_s: seconds to wait for the next byte.
    """
    return HttpClient(
        # Compressed, a range would count other bytes than the file's.
        headers={"Accept-Encoding": "identity"},
        timeout=httpx2.Timeout(stall_s, connect=CONNECT_TIMEOUT_S),
        follow_redirects=True,
    )
