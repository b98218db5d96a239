"""Addresses of model files, as people copy them."""

from __future__ import annotations

import pytest

from nodetool_xl_desktop.hub.address import parse_address
from nodetool_xl_desktop.hub.errors import BadName

HUB = "https://huggingface.co"


@pytest.mark.parametrize(
    ("text", "url"),
    [
        (f"{HUB}/org/repo/blob/main/a.gguf", f"{HUB}/org/repo/resolve/main/a.gguf"),
        (f"{HUB}/org/repo/resolve/main/a.gguf?download=true", f"{HUB}/org/repo/resolve/main/a.gguf"),
        (f"  {HUB}/org/repo/raw/main/a.gguf#x\n", f"{HUB}/org/repo/resolve/main/a.gguf"),
        ("http://hf.co/org/repo/blob/main/a.gguf", f"{HUB}/org/repo/resolve/main/a.gguf"),
        (f"{HUB}/o/r/blob/refs%2Fpr%2F1/BF16/a%20b.gguf", f"{HUB}/o/r/resolve/refs%2Fpr%2F1/BF16/a%20b.gguf"),
        ("https://example.org/models/a.gguf", "https://example.org/models/a.gguf"),
        ("http://[::1]:8080/a.gguf?key=1#top", "http://[::1]:8080/a.gguf?key=1"),
        ("https://example.org/org/repo/blob/main/a.gguf", "https://example.org/org/repo/blob/main/a.gguf"),
        ("https://example.org/download", "https://example.org/download"),
    ],
)
def test_what_is_asked_for(text: str, url: str) -> None:
    assert parse_address(text).url == url


@pytest.mark.parametrize("endpoint", ["https://mirror.example", "https://mirror.example/", "http://mirror.example/hf"])
def test_another_hub_is_asked_in_place_of_the_usual_one(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = f"{endpoint.rstrip('/')}/org/repo/resolve/main/a.gguf"
    assert parse_address(f"{HUB}/org/repo/blob/main/a.gguf", endpoint).url == expected
    monkeypatch.setenv("HF_ENDPOINT", endpoint)
    for text in (f"{HUB}/org/repo/blob/main/a.gguf", f"{endpoint.rstrip('/')}/org/repo/blob/main/a.gguf"):
        address = parse_address(text)
        assert (address.url, address.repository, address.takes_token) == (expected, "org/repo", True)


@pytest.mark.parametrize(
    ("text", "takes_token"),
    [
        (f"{HUB}/org/repo/blob/main/a.gguf", True),
        (f"{HUB}/buckets/org/a.gguf", True),
        ("http://huggingface.co/buckets/org/a.gguf", False),
        ("https://huggingface.co:8080/buckets/org/a.gguf", False),
        ("https://huggingface.co.example.org/org/repo/blob/main/a.gguf", False),
        ("https://huggingface.co@example.org/org/repo/blob/main/a.gguf", False),
        ("https://example.org/huggingface.co/org/repo/blob/main/a.gguf", False),
    ],
)
def test_the_token_is_for_the_hub(text: str, takes_token: bool) -> None:
    assert parse_address(text).takes_token is takes_token


@pytest.mark.parametrize(
    ("text", "name", "host"),
    [
        ("https://example.org/a%20b.gguf", "a b.gguf", "example.org"),
        ("https://example.org:444/x/..%2F..%2Fetc%2Fa.gguf", "a.gguf", "example.org:444"),
        ("https://example.org/..%5C..%5Ca.gguf", "a.gguf", "example.org"),
        ("https://example.org/a%0A%1B[2Jb.gguf", "a__[2Jb.gguf", "example.org"),
        ("https://user:secret@example.org/a.gguf", "a.gguf", "example.org"),
    ],
)
def test_what_people_read(text: str, name: str, host: str) -> None:
    address = parse_address(text)
    assert (address.name, address.host) == (name, host)


@pytest.mark.parametrize(
    "text",
    [
        *("", "a.gguf", "/a.gguf", "org/repo", "ftp://example.org/a.gguf", "file:///a.gguf", "https:///a.gguf"),
        *("https://example.org", "https://example.org/", "https://example.org/..", "https://[::1/a.gguf"),
        *("https://example.org:0/a.gguf", "https://example.org:99999/a.gguf", "https://example.org:x/a.gguf"),
        *("https://example.org/a b.gguf", "https://example.org/a\u202eb.gguf", "javascript:alert(1)", "https:a.gguf"),
        *(HUB, f"{HUB}/org/repo", f"{HUB}/org/repo/tree/main", f"{HUB}/org/repo/blob/main/", f"{HUB}/models?a=b"),
    ],
)
def test_what_is_no_address_of_a_model_file(text: str) -> None:
    with pytest.raises(BadName) as caught:
        parse_address(text)
    assert caught.value.hint
    assert str(caught.value).isprintable()


def test_the_other_parts_lie_beside_it() -> None:
    address = parse_address("https://example.org/x/a-00001-of-00002.gguf?key=1")
    other = address.beside("a b-00002-of-00002.gguf")
    assert other.url == "https://example.org/x/a%20b-00002-of-00002.gguf?key=1"
    assert other.name == "a b-00002-of-00002.gguf"
    assert (other.host, other.takes_token) == (address.host, address.takes_token)
