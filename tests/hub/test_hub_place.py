"""What people paste to name a model: paths, pages of a hub, names, any address; and what names none."""

from __future__ import annotations

from pathlib import Path

import pytest

from nodetool_xl_desktop.hub.address import Address, LocalPath, RepositoryAddress, parse_place
from nodetool_xl_desktop.hub.endpoint import parse_endpoint
from nodetool_xl_desktop.hub.errors import BadEndpoint, BadName

HUB = "https://huggingface.co"


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("/models/a b.gguf", "/models/a b.gguf"),
        (' "/models/a b.gguf"\n', "/models/a b.gguf"),
        ("'/models/it''s.gguf'", "/models/it''s.gguf"),
        ("./org/repo", "org/repo"),
        ("../x.gguf", "../x.gguf"),
        ("a.gguf", "a.gguf"),
        ("models/a.gguf", "models/a.gguf"),
        ("C:\\Models\\a.gguf", "C:\\Models\\a.gguf"),
        ("D:/Models/a.gguf", "D:/Models/a.gguf"),
        ("\\\\server\\models\\a.gguf", "\\\\server\\models\\a.gguf"),
        ("file:///models/a%20b%0Ac.gguf", "/models/a b\nc.gguf"),
        ("file://localhost/models/a.gguf", "/models/a.gguf"),
        ("file:///models/a%FFb.gguf", "/models/a\udcffb.gguf"),
        ("file:///C:/Models/a.gguf", "C:/Models/a.gguf"),
    ],
)
def test_a_path(text: str, path: str) -> None:
    assert parse_place(text) == LocalPath(Path(path))


def test_a_path_of_the_home_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/someone")
    assert parse_place("~/models/a.gguf") == LocalPath(Path("/home/someone/models/a.gguf"))
    assert parse_place("~") == LocalPath(Path("/home/someone"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("org/repo", RepositoryAddress("org/repo")),
        (" org/repo:Q4_K_M ", RepositoryAddress("org/repo", quantization="Q4_K_M")),
        ("org/repo:latest", RepositoryAddress("org/repo")),
        ("org/repo/BF16/a.gguf", RepositoryAddress("org/repo", file="BF16/a.gguf")),
        ("hf://org/repo", RepositoryAddress("org/repo")),
        ("hf://org/repo@v1.0/sub/a.gguf", RepositoryAddress("org/repo", "v1.0", "sub/a.gguf")),
        ("hf.co/org/repo:Q4_K_M", RepositoryAddress("org/repo", quantization="Q4_K_M")),
        ("ollama run hf.co/org/repo:UD-Q4_K_XL", RepositoryAddress("org/repo", quantization="UD-Q4_K_XL")),
        ("llama-server -hf org/repo:Q8_0", RepositoryAddress("org/repo", quantization="Q8_0")),
        ("huggingface.co/org/repo", RepositoryAddress("org/repo")),
        (f"{HUB}/org/repo", RepositoryAddress("org/repo")),
        (f"<{HUB}/org/repo/>", RepositoryAddress("org/repo")),
        (f"{HUB}/org/repo?library=x#how-to", RepositoryAddress("org/repo")),
        (f"{HUB}/org/repo?show_file_info=a-Q4.gguf", RepositoryAddress("org/repo", file="a-Q4.gguf")),
        (f"{HUB}/org/repo/discussions/7", RepositoryAddress("org/repo")),
        (f"{HUB}/org/repo/tree/main", RepositoryAddress("org/repo")),
        (f"{HUB}/org/repo/tree/v2/sub%20folder", RepositoryAddress("org/repo", "v2")),
        (f"{HUB}/o/r/blob/refs%2Fpr%2F1/BF16/a%20b.gguf", RepositoryAddress("o/r", "refs/pr/1", "BF16/a b.gguf")),
        (f"{HUB}/org/repo/resolve/main/a.gguf?download=true", RepositoryAddress("org/repo", file="a.gguf")),
        (f"{HUB}/api/models/org/repo", RepositoryAddress("org/repo")),
        ("http://www.huggingface.co/org/repo", RepositoryAddress("org/repo")),
    ],
)
def test_a_repository(text: str, expected: RepositoryAddress) -> None:
    assert parse_place(text) == expected


def test_a_repository_on_a_mirror() -> None:
    mirror = "https://mirror.example/hf"
    assert parse_place(f"{mirror}/org/repo/blob/main/a.gguf", mirror) == RepositoryAddress("org/repo", file="a.gguf")
    other = parse_place("https://other.example/org/repo/a.gguf", mirror)
    assert isinstance(other, Address)
    assert (other.url, other.takes_token) == ("https://other.example/org/repo/a.gguf", False)


@pytest.mark.parametrize(
    "text",
    [
        *("", "  ", '""', "llama", "some words to search for", "a/b c", "org/repo/x/y", "org/..", "../org\0"),
        *("org/repo:", "org/repo:a b", "org/repo:Q4/a.gguf", "org/repo/../../a.gguf", "/a\0b", "x" * 40_000),
        *("ftp://example.org/a.gguf", "javascript:alert(1)", "http:a", "https://[::1/a.gguf", "file://[/x"),
        *("hf://datasets/org/set", "hf://org", "hf:org/repo", "file://elsewhere/a.gguf", "mailto:a@example.org/b"),
        *(HUB, f"{HUB}/", f"{HUB}/org", f"{HUB}/models?search=x", f"{HUB}/datasets/org/set", f"{HUB}/docs/hub/gguf"),
        *(f"{HUB}/org/repo/resolve/main/README.md", f"{HUB}/org/repo/blob/main/..%2F..%2Fa.gguf"),
        *(f"{HUB}/org/r\u202eepo", f"{HUB}/o/r/blob/main/a\u202eb.gguf", "https://example.org"),
    ],
)
def test_what_names_nothing_is_told_as_such(text: str) -> None:
    with pytest.raises(BadName) as caught:
        parse_place(text)
    assert caught.value.why
    assert caught.value.hint
    assert len(str(caught.value)) < 700


@pytest.mark.parametrize(
    ("text", "endpoint"),
    [
        (" https://mirror.example/ ", "https://mirror.example"),
        ("http://127.0.0.1:8080/hub", "http://127.0.0.1:8080/hub"),
        ("mirror.example", "https://mirror.example"),
        ("http://[::1]:9", "http://[::1]:9"),
    ],
)
def test_an_endpoint(text: str, endpoint: str) -> None:
    assert parse_endpoint(text) == endpoint


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "https://",
            "ftp://mirror.example",
            "https://mirror.example:0",
            "https://mirror.example:x",
            "http://[bad",
        ),
        *("https://mirror.example/a b", "https://mirror.example/?a=b", "https://mirror.example/#x", "no address"),
        *("https://mirr\u00f6r.example", "https://mirror.example\\x", "file:///etc", "https://mirror.example\n\nX: y"),
    ],
)
def test_no_endpoint(text: str) -> None:
    with pytest.raises(BadEndpoint, match="no address of a model hub"):
        parse_endpoint(text)


@pytest.mark.parametrize("text", ["https://user:hf_secret@mirror.example", "hf_secret@mirror.example", "a:hf_secret@b"])
def test_a_password_in_an_endpoint_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(BadEndpoint, match="give an access token instead") as caught:
        parse_endpoint(text)
    assert "hf_secret" not in str(caught.value)
