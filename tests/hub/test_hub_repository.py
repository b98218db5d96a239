"""What a repository holds, and each way in which a hub may not tell."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hub_server import HubServer, Play, Stored

from nodetool_xl_desktop.hub.errors import (
    BadAnswer,
    BadEndpoint,
    BadName,
    BadToken,
    Gated,
    HubError,
    NotFound,
    Unreachable,
    refusal,
)
from nodetool_xl_desktop.hub.repository import MOST_FILES, HubFile, Repository, look_up

FILES = {"m-Q4_K_M.gguf": b"four", "sub/m-Q8_0.GGUF": b"eight bits", "README.md": b"words"}


async def test_the_model_files_with_sizes_and_hashes() -> None:
    with HubServer({"org/repo": {**FILES, "small.gguf": Stored(b"x", large=False)}}) as hub:
        found = await look_up("org/repo", endpoint=f"{hub.url}/")
        assert found == Repository(
            "org/repo",
            hub.commit("org/repo"),
            (
                HubFile("m-Q4_K_M.gguf", 4, hashlib.sha256(b"four").hexdigest()),
                HubFile("small.gguf", 1, None),
                HubFile("sub/m-Q8_0.GGUF", 10, hashlib.sha256(b"eight bits").hexdigest()),
            ),
            hub.url,
        )
        assert found.host == hub.url.removeprefix("http://")
        assert len(hub.requests) == 1


async def test_the_endpoint_of_the_environment_and_no_token_of_the_machine(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HF_TOKEN", "the-machine-s")
    with HubServer({"org/repo": FILES}) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        await look_up("org/repo")
        assert "authorization" not in hub.requests[0].headers
        await look_up("org/repo", token="good-token")
        assert hub.requests[1].headers["authorization"] == "Bearer good-token"


async def test_a_private_repository_needs_a_token() -> None:
    with HubServer({"org/repo": FILES}) as hub:
        hub.private = {"org/repo"}
        with pytest.raises(NotFound, match="or it is private"):
            await look_up("org/repo", endpoint=hub.url)
        assert (await look_up("org/repo", endpoint=hub.url, token="good-token")).files
        with pytest.raises(BadToken, match="access token"):
            await look_up("org/repo", endpoint=hub.url, token="stale-token")


@pytest.mark.parametrize(
    ("play", "kind", "said"),
    [
        (Play(status=401, error_code="GatedRepo"), Gated, "Accept its terms"),
        (Play(status=403, error_code="GatedRepo"), Gated, "registered users only"),
        (Play(status=403), Gated, "access is denied"),
        (Play(status=401, error_code="RepoNotFound"), NotFound, "no such repository"),
        (Play(status=404), NotFound, "no such repository"),
        (Play(status=429, headers={"Retry-After": "17"}), BadAnswer, "Wait 17 seconds"),
        (Play(status=429), BadAnswer, "Wait some minutes"),
        (Play(status=500), BadAnswer, "status 500"),
        (Play(status=418), BadAnswer, "status 418"),
        (Play(body=b"<html>a page of the hotel's network</html>"), BadAnswer, "cannot be read"),
        (Play(body=b"[]"), BadAnswer, "cannot be read"),
        (Play(body=b"{}"), BadAnswer, "cannot be read"),
        (Play(body=b'"text"'), BadAnswer, "cannot be read"),
        (Play(status=302, headers={"Location": "/api/models/org/repo"}), BadAnswer, "redirect"),
    ],
)
async def test_each_refusal_says_what_why_and_what_to_do(play: Play, kind: type[HubError], said: str) -> None:
    with HubServer({"org/repo": FILES}) as hub:
        hub.always["api"] = play
        with pytest.raises(kind, match=said) as caught:
            await look_up("org/repo", endpoint=hub.url)
        assert type(caught.value) is kind
        assert caught.value.what
        assert caught.value.why
        assert caught.value.hint


@pytest.mark.parametrize(
    "change",
    [
        {"sha": None},
        {"sha": "../../etc"},
        {"siblings": None},
        {"siblings": [{"rfilename": "a.gguf"}]},
        {"siblings": [{"rfilename": "a.gguf", "size": -1}]},
        {"siblings": [{"rfilename": "a.gguf", "size": "5"}]},
        {"siblings": [{"rfilename": "a.gguf", "size": 10**400}]},
        {"siblings": [{"rfilename": f"{number}.gguf", "size": 5} for number in range(MOST_FILES + 1)]},
        {"siblings": [{"rfilename": 5, "size": 5}]},
        {"siblings": [{"rfilename": "a.gguf", "size": 5, "lfs": {"size": 5, "sha256": "short", "pointerSize": 1}}]},
        {"siblings": [{"rfilename": "a.gguf", "size": 5, "lfs": {"size": 5, "sha256": None, "pointerSize": 1}}]},
        {"siblings": {"a.gguf": 5}},
        {"createdAt": "yesterday"},
    ],
)
async def test_an_answer_that_cannot_be_true_is_no_answer(change: dict[str, object]) -> None:
    sound = {"id": "org/repo", "sha": "a" * 40, "siblings": [{"rfilename": "a.gguf", "size": 5}]}
    with HubServer({}) as hub:
        hub.play("api", Play(body=json.dumps(sound).encode()), Play(body=json.dumps({**sound, **change}).encode()))
        assert (await look_up("org/repo", endpoint=hub.url)).files == (HubFile("a.gguf", 5),)
        with pytest.raises(BadAnswer, match="cannot be read"):
            await look_up("org/repo", endpoint=hub.url)


async def test_a_name_that_no_address_can_hold_is_left_out() -> None:
    sizes = {"size": 5, "blobId": "0" * 40}
    names = ["half \ud83d.gguf", "long" * 1000 + ".gguf", "whole \U0001f600.gguf"]
    told = {"id": "org/repo", "sha": "a" * 40, "siblings": [{"rfilename": name, **sizes} for name in names]}
    with HubServer({}) as hub:
        hub.play("api", Play(body=json.dumps(told).encode()))
        repository = await look_up("org/repo", endpoint=hub.url)
    assert [file.path for file in repository.files] == names[2:]
    assert repository.url(repository.files[0]).endswith("whole%20%F0%9F%98%80.gguf")


async def test_a_version_that_is_not_there() -> None:
    with HubServer({"org/repo": FILES}) as hub, pytest.raises(NotFound, match="no such version"):
        await look_up("org/repo", endpoint=hub.url, revision="v2")


@pytest.mark.parametrize(
    "name", ["", "repo", "a/b/c", "../x", "org/..", "org/re po", "org/r\u00e9po", "org/-x", "org/a--b", "org/x.git"]
)
async def test_no_name_of_a_repository(name: str) -> None:
    with HubServer({}) as hub:
        with pytest.raises(BadName, match="no name of a repository"):
            await look_up(name, endpoint=hub.url)
        assert hub.requests == []


async def test_off_line_names_the_host_and_what_works_all_the_same() -> None:
    with pytest.raises(Unreachable, match=r"127\.0\.0\.1:9 could not be reached.*works without network"):
        await look_up("org/repo", endpoint="http://127.0.0.1:9")


@pytest.mark.parametrize("endpoint", ["ftp://example.invalid", "no address", "http://[bad", "http://"])
async def test_an_endpoint_that_is_none(endpoint: str) -> None:
    with pytest.raises(BadEndpoint) as caught:
        await look_up("org/repo", endpoint=endpoint)
    assert caught.value.why


async def test_told_to_stay_off_line_asks_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with HubServer({"org/repo": FILES}) as hub:
        with pytest.raises(Unreachable, match="HF_HUB_OFFLINE is set"):
            await look_up("org/repo", endpoint=hub.url)
        assert hub.requests == []


def test_a_proxy_or_authorities_that_cannot_be_used_are_told(tmp_path: Path) -> None:
    """In a process of its own: huggingface_hub keeps its client."""
    program = (
        "import asyncio\n"
        "from nodetool_xl_desktop.hub.repository import look_up\n"
        "from nodetool_xl_desktop.hub.errors import Unreachable\n"
        "try:\n"
        "    asyncio.run(look_up('org/repo', endpoint='http://127.0.0.1:9'))\n"
        "except Unreachable as error:\n"
        "    print(error)\n"
    )
    for setting in ({"SSL_CERT_FILE": str(tmp_path / "none.pem")}, {"ALL_PROXY": "nonsense://x"}):
        done = subprocess.run(
            [sys.executable, "-c", program], env={**os.environ, **setting}, capture_output=True, text=True, check=True
        )
        assert "could not be reached" in done.stdout


def test_huggingface_hub_is_not_imported_before_it_is_needed() -> None:
    program = (
        "import sys, nodetool_xl_desktop.hub.repository, nodetool_xl_desktop.hub.download,"
        " nodetool_xl_desktop.hub.choice, nodetool_xl_desktop.hub.header, nodetool_xl_desktop.library.hub_cache\n"
        "print('huggingface_hub' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_a_missing_file_is_told_as_one() -> None:
    error = refusal(404, {"x-error-code": "EntryNotFound"}, "org/repo", "hub")
    assert "no such file" in error.why


def test_what_a_hub_says_is_shortened_and_no_token_is_repeated() -> None:
    told = {"x-error-message": f"Invalid credentials hf_AbCdEf0123456789 \u202e{'x' * 5000}\n"}
    for status in (401, 403):
        error = refusal(status, told, "org/repo", "hub")
        assert "Invalid credentials hf_..." in error.why
        assert len(error.why) < 300
        assert error.why.isprintable()
