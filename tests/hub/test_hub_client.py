"""The client for a hub: the environment's proxy is used, and silence has an end."""

from __future__ import annotations

import pytest
from hub_server import HubServer

from nodetool_xl_desktop.core.connections import Purpose
from nodetool_xl_desktop.core.network import hub_client


async def test_the_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with HubServer({}) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        async with hub_client(Purpose.HUB) as client:
            await client.get("http://hub.invalid/org/repo")
        assert [request.path for request in proxy.requests] == ["http://hub.invalid/org/repo"]
        assert proxy.requests[0].headers["accept-encoding"] == "identity"


async def test_silence_has_an_end() -> None:
    async with hub_client(Purpose.HUB, 12.5) as client:
        assert client.timeout.read == 12.5
        assert client.timeout.connect == 10
    async with hub_client(Purpose.HUB) as client:
        assert client.timeout.read == 30
