"""Another program or a web page cannot use the engine's port: path by path, where test_engine_server.py has samples."""

from __future__ import annotations

import logging
import os
import signal
import traceback
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import psutil
import pytest
from engine_runs import OPTIONS, failure_of, gather, loaded, until_text, user

from nodetool_xl_desktop.core.network import engine_client
from nodetool_xl_desktop.engine.client import Sampling
from nodetool_xl_desktop.engine.errors import EngineError
from nodetool_xl_desktop.engine.pool import Pool
from nodetool_xl_desktop.engine.server import EngineServer
from nodetool_xl_desktop.engine.states import Broken
from nodetool_xl_desktop.fit.options import LoadOptions

pytestmark = pytest.mark.usefixtures("no_process_left")

#: Every path of llama.cpp's server (tools/server/server.cpp), and other ways to write them.
PATHS = [
    "/metrics",
    "/props",
    "/models",
    "/v1/models",
    "/api/tags",
    "/api/show",
    "/api/chat",
    "/completion",
    "/completions",
    "/v1/completions",
    "/chat/completions",
    "/v1/chat/completions",
    "/v1/responses",
    "/v1/messages",
    "/v1/messages/count_tokens",
    "/infill",
    "/embedding",
    "/embeddings",
    "/v1/embeddings",
    "/rerank",
    "/reranking",
    "/v1/rerank",
    "/v1/reranking",
    "/tokenize",
    "/detokenize",
    "/apply-template",
    "/lora-adapters",
    "/slots",
    "/slots/0?action=save",
    "/models/load",
    "/models/unload",
    "/cors-proxy",
    "/tools",
    "/bundle.js",
    "/no/such/path",
    "/props/",
    "/PROPS",
    "/health/../props",
    "/%70rops",
    "/props?x=/health",
]
#: Nothing of the model is behind them.
BARE = ["/", "/index.html", "/favicon.ico", "//props", "/health/", "/healthx"]
ORIGINS = (
    "http://evil.example",
    "https://evil.example:8443",
    "null",
    "http://localhost",
    "http://127.0.0.1",
    "file://",
)


async def answers(
    server: EngineServer, paths: list[str], headers: Mapping[str, str]
) -> AsyncIterator[tuple[str, str, int, str]]:
    """Each path asked with each method: path, method, status, text."""
    body = {"messages": user("Hi"), "prompt": "Hi", "content": "Hi", "tokens": [1]}
    async with engine_client(server.endpoint.base_url, "") as http:
        del http.headers["Authorization"]
        for path in paths:
            for method in ("GET", "POST", "PUT", "DELETE"):
                more = {} if method == "GET" else {"json": body}
                answer = await http.request(method, path, headers=headers, **more)
                yield path, method, answer.status_code, answer.text


async def test_without_the_key_nothing_but_health_is_answered(starter_model: Path) -> None:
    async with loaded(starter_model) as server:
        key = server.endpoint.api_key
        for headers in (
            {},
            {"Authorization": f"Bearer {key[:-1]}"},
            {"Authorization": "Bearer", "X-Api-Key": ""},
            {"Cookie": f"api_key={key}", "X-Auth": key},
        ):
            async for path, method, status, text in answers(server, PATHS, headers):
                assert status == 401, (path, method)
                assert starter_model.name not in text
            async for path, method, status, text in answers(server, BARE, headers):
                assert status in (401, 404), (path, method)
                assert starter_model.name not in text
            async for path, method, status, text in answers(server, ["/health"], headers):
                assert status == (200 if method == "GET" else 404), (path, method)
                assert "model" not in text


async def test_no_web_page_gets_permission_with_or_without_the_key(starter_model: Path) -> None:
    async with loaded(starter_model) as server:
        for key in (server.endpoint.api_key, "wrong"):
            async with engine_client(server.endpoint.base_url, key) as http:
                for origin in ORIGINS:
                    for path in ("/health", "/props", "/v1/chat/completions", "/tokenize", "/no/such/path"):
                        asks = {"Origin": origin, "Access-Control-Request-Method": "POST"}
                        for answer in (await http.get(path, headers=asks), await http.options(path, headers=asks)):
                            assert answer.headers.get("access-control-allow-origin") not in (origin, "*")
                            assert answer.headers.get("access-control-allow-credentials") != "true"


async def test_chats_side_by_side_listen_on_loopback_only(starter_model: Path) -> None:
    async with loaded(starter_model, LoadOptions(256, parallel=2)) as server:
        answer = server.stream_chat(user("Write a long story."), Sampling(0))
        await until_text(answer)
        connections = psutil.Process(server.pid).net_connections(kind="inet")
        assert {each.laddr.ip for each in connections} == {"127.0.0.1"}
        assert {each.raddr.ip for each in connections if each.raddr} <= {"127.0.0.1"}
        await answer.aclose()


async def test_the_key_is_in_no_log_process_list_or_error(
    starter_model: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    states: list[tuple[object, object]] = []
    pool = Pool()
    pool.listen(lambda key, state: states.append((key, state)))
    async with pool.lease(starter_model, OPTIONS) as server:
        key = server.endpoint.api_key
        for process in (psutil.Process(), psutil.Process(server.pid)):
            assert all(key not in argument for argument in process.cmdline())
            assert all(key not in value for value in process.environ().values())
            assert all(key not in file.path for file in process.open_files())
        answer = server.stream_chat(user("Write a very long story."), Sampling(0))
        await until_text(answer)
        os.kill(server.pid, signal.SIGKILL)
        error = failure_of(await gather(answer)).error
        assert isinstance(error, EngineError)
        with pytest.raises(EngineError) as raised:
            await server.count_tokens(user("Hi"))
    await pool.close()
    assert isinstance(states[-1][1], Broken)
    told = [repr(each) for each in (error, raised.value, server, server.endpoint, server.options, *states)]
    told += [str(error), *error.log_tail, "".join(traceback.format_exception(raised.value)), caplog.text]
    assert len(caplog.text) > 1000
    assert not [text for text in told if key in text]
