"""The settings of MCP servers: every program's form is read, nothing a person wrote is lost, no secret is shown."""

from __future__ import annotations

import contextlib
import json
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp_driver import running

from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.tools.mcp import Found, Http, McpError, SettingsError, Stdio, name_problem, read_settings
from nodetool_xl_desktop.tools.mcp.redaction import HIDDEN, Redactor
from nodetool_xl_desktop.tools.mcp.settings import expand, parse, plain_name, written
from nodetool_xl_desktop.tools.mcp.settings_file import SettingsFile

FILES = {"command": "npx", "args": ["-y", "@mcp/files", "/home/me"]}


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"mcpServers": {"files": FILES}}),
        json.dumps({"servers": {"files": {"type": "stdio", **FILES}}, "inputs": []}),
        json.dumps({"editor.fontSize": 12, "mcp": {"servers": {"files": FILES}}}),
        json.dumps({"context_servers": {"files": {"source": "custom", **FILES}}}),
        json.dumps({"files": FILES}),
        f'"files": {json.dumps(FILES)},',
        '\ufeff// mine\n{"mcpServers": {/* all */ "files": ' + json.dumps(FILES)[:-1] + ",}, },}\n",
    ],
)
def test_every_form_is_read(text: str) -> None:
    (found,) = read_settings(text)
    assert (found.name, found.settings, found.enabled) == (
        "files",
        Stdio("npx", ("-y", "@mcp/files", "/home/me")),
        True,
    )


def test_all_fields_are_read() -> None:
    servers = {
        "a": {"command": "uvx", "args": ["x", 5], "env": {"A": 1, "B": True, "C": None}, "cwd": "~", "disabled": True},
        "b": {"type": "streamable-http", "url": "https://x.example/mcp", "headers": {"Authorization": "Bearer 1"}},
        "c": {"httpUrl": "http://localhost:3000/mcp", "enabled": False},
    }
    a, b, c = read_settings(json.dumps({"mcpServers": servers}))
    assert a.settings == Stdio("uvx", ("x", "5"), {"A": "1", "B": "true"}, "~")
    assert b.settings == Http("https://x.example/mcp", {"Authorization": "Bearer 1"})
    assert c.settings == Http("http://localhost:3000/mcp")
    assert [one.enabled for one in (a, b, c)] == [False, True, False]


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        ({}, "neither a command nor a url"),
        ("npx", "no object"),
        ({"command": ["npx"]}, "command is no text"),
        ({"command": "npx", "args": "-y"}, "args are no list"),
        ({"command": "npx", "args": [{}]}, "args are no list of texts"),
        ({"command": "npx", "env": {"A=B": "1"}}, "holds a ="),
        ({"url": "ftp://x.example"}, "http:// or https://"),
        ({"url": "file:///etc/passwd"}, "http:// or https://"),
        ({"url": "http://x.example/\n"}, "http:// or https://"),
        ({"url": "http://[x"}, "its address is none"),
        ({"url": "https://x.example", "headers": {"A": "1\r\nHost: y"}}, "on one line"),
        ({"type": "sse", "url": "https://x.example/sse"}, "older HTTP+SSE"),
        ({"type": "carrier pigeon", "url": "https://x.example"}, "is not known"),
    ],
)
def test_what_cannot_be_used_says_why(raw: object, problem: str) -> None:
    (found,) = parse({"x": raw})
    assert found.settings is None
    assert problem.lower() in found.problem.lower()


def test_json_that_is_none_names_its_line() -> None:
    with pytest.raises(SettingsError, match="line 3"):
        read_settings('{"mcpServers": {\n  "a": {"command": "x"},\n  "b" {}\n}}')
    for text in ("", "[]", "{}", "null", '{"a": 1}', "[" * 100_000, '"x": ' * 1_000, "1" * 10_000):
        with pytest.raises(SettingsError):
            read_settings(text)


def test_names_are_checked() -> None:
    assert name_problem("brave-search 2.0") == ""
    for bad in ("", " a", "a/b", "a" * 41, "ä", "a\n", "-a"):
        assert name_problem(bad), bad
    assert "already" in name_problem("My_Files", ["my files"])


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
keys = st.sampled_from(["command", "args", "env", "cwd", "url", "headers", "type", "disabled", "x"])


@given(st.dictionaries(st.text(max_size=12), st.dictionaries(keys, values, max_size=5) | values, max_size=4))
def test_whatever_stands_in_a_file_is_understood_or_a_problem(servers: dict[str, object]) -> None:
    found = parse(servers)
    assert [one.name for one in found] == list(servers)
    for one in found:
        assert (one.settings is None) == bool(one.problem)
        if one.settings is not None:
            again = parse({one.name: json.loads(json.dumps(written(one.settings, one.enabled, one.raw)))})[0]
            assert (again.settings, again.enabled) == (one.settings, one.enabled)
    names = [plain_name(one.name) for one in found if not one.problem]
    assert len(set(names)) == len(names)


@given(st.text(alphabet='"{}[]:,/*\\ \nabc', max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    found: tuple[Found, ...] | None = None
    with contextlib.suppress(SettingsError):
        found = read_settings(text)
    assert found != ()


def test_a_text_of_quotes_and_comments_takes_no_time() -> None:
    for text in ('"\\' * 100_000, "/*" * 100_000, "{" + '"a":,' * 30_000):
        with pytest.raises(SettingsError):
            read_settings(text)


def test_variables_are_put_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME", "thing")
    assert expand("a ${SOME} ${env:SOME} ${NOT_THERE_1:-else} $SOME ${") == "a thing thing else $SOME ${"
    assert expand("${userHome}/x") == f"{Path.home()}/x"
    for bad in ("${NOT_THERE_1}", "${input:key}", "${workspaceFolder}"):
        with pytest.raises(McpError):
            expand(bad)


async def test_what_we_do_not_know_stays_in_the_file(paths: Paths) -> None:
    paths.mcp_file.parent.mkdir(parents=True)
    content = {"$schema": "x", "mcpServers": {"a": {"command": "x", "autoApprove": ["y"]}, "bad": {"command": 5}}}
    paths.mcp_file.write_text(json.dumps(content))
    async with running(paths) as servers:
        assert [(one.name, bool(one.problem)) for one in servers.servers] == [("a", False), ("bad", True)]
        await servers.change("a", "b", Stdio("z", ("1",)))
        await servers.add("c", Http("https://x.example/mcp"))
        await servers.enable("c", False)
        after = json.loads(paths.mcp_file.read_text())
        assert after == {
            "$schema": "x",
            "mcpServers": {
                "b": {"command": "z", "args": ["1"], "autoApprove": ["y"]},
                "bad": {"command": 5},
                "c": {"type": "http", "url": "https://x.example/mcp", "disabled": True},
            },
        }
        assert stat.S_IMODE(paths.mcp_file.stat().st_mode) == 0o600
        await servers.remove("bad")
        assert [one.name for one in servers.servers] == ["b", "c"]


async def test_what_cannot_be_taken_changes_nothing(paths: Paths) -> None:
    async with running(paths, a=Stdio("x")) as servers:
        before = paths.mcp_file.read_text()
        with pytest.raises(SettingsError, match="already"):
            await servers.add("A", Stdio("y"))
        with pytest.raises(SettingsError, match="http:// or"):
            await servers.add("b", Http("gopher://x"))
        with pytest.raises(SettingsError):
            await servers.take([Found("ok", Stdio("x")), Found("not/ok", Stdio("x"))])
        with pytest.raises(SettingsError, match="no MCP server"):
            await servers.remove("z")
        assert paths.mcp_file.read_text() == before


async def test_a_broken_file_is_told_of_and_never_written_over(paths: Paths) -> None:
    paths.mcp_file.parent.mkdir(parents=True)
    broken = '{"mcpServers": {\n"a": }}'
    paths.mcp_file.write_text(broken)
    async with running(paths) as servers:
        assert servers.problem is not None
        assert "line 2" in str(servers.problem)
        with pytest.raises(SettingsError, match="line 2"):
            await servers.add("b", Stdio("x"))
        assert paths.mcp_file.read_text() == broken
        paths.mcp_file.write_text('{"mcpServers": {"a": {"command": "x"}}}')
        await servers.load()
        assert servers.problem is None
        assert [one.name for one in servers.servers] == ["a"]


def test_a_link_to_the_file_stays_one(tmp_path: Path) -> None:
    real = tmp_path / "dotfiles" / "mcp.json"
    real.parent.mkdir()
    real.write_text("{}")
    link = tmp_path / "mcp.json"
    link.symlink_to(real)
    SettingsFile(link).change(lambda servers: {**servers, "a": {"command": "x"}})
    assert link.is_symlink()
    assert SettingsFile(real).read() == {"a": {"command": "x"}}


def test_no_secret_is_shown() -> None:
    stdio = Stdio(
        "npx", ("-y", "--api-key", "s3cret-one", "--token=s3cret-two", "postgres://me:s3cret-three@db/x?y=s3cret-4")
    )
    web = Http(
        "https://me:s3cret-five@x.example/mcp?key=s3cret-six", {"Authorization": "Bearer s3cret-7", "Accept": "a/b"}
    )
    assert "s3cret" not in stdio.about + web.about
    redactor = Redactor(stdio.secrets | web.secrets | Stdio("x", (), {"API_KEY": "s3cret-8", "LANG": "de_DE"}).secrets)
    said = "s3cret-one s3cret-two s3cret-three s3cret-4 s3cret-five s3cret-six s3cret-7 s3cret-8 de_DE a/b"
    assert redactor.clean(said) == " ".join([HIDDEN] * 8) + " de_DE a/b"


def test_no_secret_is_shown_wherever_people_put_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_TOKEN", "hush-6")
    args = ("mcp-remote", "--header", "X-Shop: hush-1", "--header", "Authorization:Bearer hush-2", "-H", "Accept: a/b")
    stdio = Stdio("npx", (*args, "--url=https://hush-3@x.example/?a=hush-4", "-e", "API_KEY=hush-5", "${SHOP_TOKEN}"))
    web = Http("https://x.example/api/s/a1b2c3d4e5f6a7b8c9d0/${SHOP_TOKEN}/mcp")
    assert "hush" not in stdio.about
    assert "Accept: a/b" in stdio.about
    assert web.about == f"https://x.example/api/s/{HIDDEN}/${{SHOP_TOKEN}}/mcp"
    redactor = Redactor(stdio.secrets | web.secrets)
    said = "hush-1 hush-2 hush-3 hush-4 hush-5 hush-6 a1b2c3d4e5f6a7b8c9d0"
    assert redactor.clean(said) == " ".join([HIDDEN] * 7)
    assert redactor.clean_for_model("hush-1 a1b2c3d4e5f6a7b8c9d0") == f"hush-1 {HIDDEN}"
