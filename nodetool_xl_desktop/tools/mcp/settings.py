"""How servers are described: the `mcpServers` JSON that every program of this kind reads, and the forms of some others.

Read are Claude Desktop's, Claude Code's and Cursor's form (`mcpServers`), VS Code's (`servers`, also inside of its
settings), Zed's (`context_servers`), and a bare object of servers. `${VAR}`, `${env:VAR}` and `${VAR:-otherwise}` are
left as they are until a server is started, so that a file may be shared without its secrets.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.tools.mcp import redaction
from nodetool_xl_desktop.tools.mcp.errors import McpError, SettingsError
from nodetool_xl_desktop.tools.mcp.loose_json import load_json, strict

#: Letters, digits, spaces, dots, `_` and `-`: what can stand in a tool's name, or has a place there.
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9 ._-]{0,38}[A-Za-z0-9])?")
_VARIABLE = re.compile(r"\$\{(?:(env|input|workspaceFolder|userHome)(?::)?)?([^}:]*?)(?::-([^}]*))?\}")
#: What Zed, VS Code and the others call the object of the servers.
_KEYS = ("mcpServers", "servers", "context_servers")
_STDIO = ("", "stdio", "local")
_HTTP = ("", "http", "streamable-http", "streamable_http", "streamableHttp", "streamable")


@dataclass(frozen=True, slots=True)
class Stdio:
    """A server that is a program here, spoken to over its standard input and output."""

    command: str
    args: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: str = ""

    @property
    def about(self) -> str:
        """The command as it may be shown."""
        return " ".join([self.command, *redaction.shown_arguments(self.args)])

    @property
    def secrets(self) -> set[str]:
        """What must never be shown."""
        of_variables = redaction.secrets_of_pairs(_variables(self.command, *self.args, self.cwd, *self.env.values()))
        return redaction.secrets_of_pairs(self.env) | redaction.secrets_of_arguments(self.args) | of_variables

    def expanded(self) -> Stdio:
        """With its variables put in.

        Raises:
            McpError: one of them is not set.
        """
        env = {name: expand(value) for name, value in self.env.items()}
        return Stdio(expand(self.command), tuple(map(expand, self.args)), env, expand(self.cwd))


@dataclass(frozen=True, slots=True)
class Http:
    """A server elsewhere, spoken to over streamable HTTP."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def about(self) -> str:
        """The address as it may be shown."""
        return redaction.shown_address(self.url)

    @property
    def secrets(self) -> set[str]:
        """What must never be shown."""
        of_variables = redaction.secrets_of_pairs(_variables(self.url, *self.headers.values()))
        of_headers = redaction.secrets_of_pairs(self.headers, headers=True)
        return of_headers | redaction.secrets_of_address(self.url) | of_variables

    def expanded(self) -> Http:
        """With its variables put in.

        Raises:
            McpError: one of them is not set, or the address is none then.
        """
        url = expand(self.url)
        if problem := _url_problem(url):
            raise McpError(tr("The server has no address that can be used"), problem, tr("Look at its settings."))
        return Http(url, {name: expand(value) for name, value in self.headers.items()})


Settings = Stdio | Http


@dataclass(frozen=True, slots=True)
class Found:
    """One server of a text.

    Attributes:
        name: its own, as it stands there.
        settings: None where they cannot be used, and `problem` says why.
        enabled: whether it is to be used.
        raw: what stands there, with what this program does not know.
    """

    name: str
    settings: Settings | None
    enabled: bool = True
    problem: str = ""
    raw: Any = None


def name_problem(name: str, others: Collection[str] = ()) -> str:
    """What is wrong with a name for a server, as a sentence for a person; "" where nothing is.

    Args:
        name: of the server.
        others: names that are taken. Two that only differ in what tool names cannot hold are the same.
    """
    if not _NAME.fullmatch(name):
        return tr(
            "A name has 1 to 40 letters, digits, spaces, dots, - and _, and begins and ends with a letter or digit."
        )
    if plain_name(name) in map(plain_name, others):
        return tr('There is a server called "{name}" already.', name=name)
    return ""


def plain_name(name: str) -> str:
    """A server's name as it stands in the names of its tools; no two servers have the same."""
    return re.sub(r"[^a-z0-9-]+", "_", name.lower())


def expand(text: str) -> str:
    """`text` with the variables of the environment put in.

    Raises:
        McpError: one is not set, or is of a kind that only another program knows.
    """

    def value(found: re.Match[str]) -> str:
        kind, name, otherwise = found.groups()
        if kind == "userHome":
            return str(Path.home())
        if kind in ("input", "workspaceFolder"):
            raise McpError(
                tr("The settings of the server cannot be used here"),
                tr("they hold {found}, which only another program can fill in", found=found.group()),
                tr("Write the value itself, or a variable of the environment: ${env:NAME}."),
            )
        known = os.environ.get(name, otherwise)
        if known is None:
            raise McpError(
                tr("A variable of the server's settings is not set"),
                tr("the environment has no {name}", name=name),
                tr("Set it before the program is started, or write its value into the settings."),
            )
        return known

    return _VARIABLE.sub(value, text)


def _variables(*texts: str) -> dict[str, str]:
    """The variables of the environment that these texts name, as far as they are set."""
    names = {found[2] for text in texts for found in _VARIABLE.finditer(text)}
    return {name: os.environ[name] for name in names if name in os.environ}


def read_settings(text: str) -> tuple[Found, ...]:
    """The servers that a pasted or opened text describes, in any of the known forms; comments and commas are forgiven.

    Raises:
        SettingsError: it is no JSON (with the line), or describes no server.
    """
    # A part of a file, as READMEs show it: "name": {...}
    whole = text.strip().rstrip(",")
    content = load_json(strict(f"{{{whole}}}" if whole.startswith('"') else whole))
    servers = servers_of(content)
    found = tuple(_found(name, raw) for name, raw in servers.items())
    if not found:
        raise SettingsError(
            tr("There is no server in this text"),
            tr('it has no "mcpServers"'),
            tr('Paste what the server\'s own page gives: {"mcpServers": {"name": {"command": ...}}}.'),
        )
    return found


def servers_of(content: Mapping[str, Any]) -> dict[str, Any]:
    """The object of servers within the settings of any program; empty where there is none."""
    for key in _KEYS:
        if isinstance(content.get(key), dict):
            return dict(content[key])
    if isinstance(inner := content.get("mcp"), dict):  # VS Code's settings.json
        return servers_of(inner)
    bare = {name: raw for name, raw in content.items() if _looks_like_server(raw)}
    if not bare and _looks_like_server(content):
        return {"server": dict(content)}
    return bare


def parse(servers: Mapping[str, Any]) -> tuple[Found, ...]:
    """The servers of our own file; what cannot be used has a `problem`."""
    found: list[Found] = []
    for name, raw in servers.items():
        one = _found(name, raw)
        if not one.problem and (problem := name_problem(name, [other.name for other in found])):
            one = replace(one, settings=None, problem=problem)
        found.append(one)
    return tuple(found)


def written(settings: Settings, enabled: bool, raw: Any = None) -> dict[str, Any]:
    """A server as it stands in the file; of `raw`, what this program does not know is kept."""
    kept = dict(raw) if isinstance(raw, dict) else {}
    for key in ("command", "args", "env", "cwd", "url", "serverUrl", "httpUrl", "headers", "disabled", "enabled"):
        kept.pop(key, None)
    if isinstance(settings, Stdio):
        fresh: dict[str, Any] = {"command": settings.command, "args": list(settings.args)}
        fresh |= {"env": dict(settings.env)} if settings.env else {}
        fresh |= {"cwd": settings.cwd} if settings.cwd else {}
        kept.pop("type", None)
    else:
        fresh = {"type": "http", "url": settings.url}
        fresh |= {"headers": dict(settings.headers)} if settings.headers else {}
        kept.pop("type", None)
    return {**fresh, **kept, **({} if enabled else {"disabled": True})}


def problem_of(settings: Settings) -> str:
    """What is wrong with settings that a person has made; "" where nothing is."""
    return _found("server", written(settings, True)).problem


def _looks_like_server(raw: Any) -> bool:
    return isinstance(raw, dict) and any(isinstance(raw.get(key), str) for key in ("command", "url", "serverUrl"))


def _found(name: str, raw: Any) -> Found:
    try:
        settings = _settings(raw)
    except _Unusable as unusable:
        return Found(name, None, False, str(unusable), raw)
    return Found(name, settings, raw.get("disabled") is not True and raw.get("enabled") is not False, raw=raw)


class _Unusable(ValueError):
    """Why an entry cannot be used; a sentence."""


def _settings(raw: Any) -> Settings:
    if not isinstance(raw, dict):
        raise _Unusable(tr("It is no object ({...})."))
    kind = raw.get("type", raw.get("transport", ""))
    if isinstance(kind, str) and kind.lower() == "sse":
        raise _Unusable(tr("It speaks the older HTTP+SSE transport, which is not supported; ask for streamable HTTP."))
    url = next((raw[key] for key in ("url", "serverUrl", "httpUrl") if raw.get(key)), None)
    if raw.get("command") and kind in _STDIO:
        return Stdio(
            _text(raw, "command"),
            tuple(_texts(raw, "args")),
            _pairs(raw, "env"),
            _text(raw, "cwd") if raw.get("cwd") else "",
        )
    if url and kind in _HTTP:
        if not isinstance(url, str):
            raise _Unusable(tr("Its url is no text."))
        # One with variables is judged when they are put in.
        if "${" not in url and (problem := _url_problem(url)):
            raise _Unusable(f"{problem[:1].upper()}{problem[1:]}.")
        return Http(url, _pairs(raw, "headers"))
    if kind not in (*_STDIO, *_HTTP):
        raise _Unusable(tr("Its type {kind!r} is not known: stdio and http are.", kind=str(kind)[:40]))
    raise _Unusable(tr("It has neither a command nor a url."))


def _url_problem(url: str) -> str:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return tr("its address is none")
    if not usable or any(char.isspace() or ord(char) < 32 for char in url):
        return tr("its address is none that begins with http:// or https://")
    return ""


def _text(raw: Mapping[str, Any], key: str) -> str:
    value = raw[key]
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        raise _Unusable(tr("Its {key} is no text.", key=key))
    return value


def _texts(raw: Mapping[str, Any], key: str) -> Iterator[str]:
    value = raw.get(key)
    if value is not None and not isinstance(value, list):
        raise _Unusable(tr("Its {key} are no list.", key=key))
    for one in value or ():
        if isinstance(one, bool) or not isinstance(one, str | int | float) or "\0" in str(one):
            raise _Unusable(tr("Its {key} are no list of texts.", key=key))
        yield str(one)


def _pairs(raw: Mapping[str, Any], key: str) -> dict[str, str]:
    value = raw.get(key)
    if value is not None and not isinstance(value, dict):
        raise _Unusable(tr("Its {key} are no object of texts.", key=key))
    pairs: dict[str, str] = {}
    for name, one in (value or {}).items():
        if one is None:  # VS Code: unset
            continue
        plain = json.dumps(one) if isinstance(one, bool) else one
        if not isinstance(plain, str | int | float) or not name or any(bad in f"{name}{plain}" for bad in "\0\r\n"):
            raise _Unusable(tr("Its {key} are no object of texts on one line.", key=key))
        if key == "env" and "=" in name:
            raise _Unusable(tr("A name in its env holds a =."))
        pairs[name] = str(plain)
    return pairs
