"""Changes to the servers of the file, each as a function from what stands there to what is to stand there.

What a person wrote there and this program does not know is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.tools.mcp.errors import SettingsError
from nodetool_xl_desktop.tools.mcp.settings import Found, Settings, name_problem, problem_of, written

Edit = Callable[[dict[str, Any]], dict[str, Any]]


def taken(found: tuple[Found, ...]) -> Edit:
    """New servers; all of them or none."""

    def edit(servers: dict[str, Any]) -> dict[str, Any]:
        for one in found:
            settings = _checked(one.name, one.settings, one.problem, servers)
            servers[one.name] = written(settings, one.enabled, one.raw)
        return servers

    return edit


def changed(name: str, new_name: str, settings: Settings) -> Edit:
    """Another name, other settings, or both; it keeps its place."""

    def edit(servers: dict[str, Any]) -> dict[str, Any]:
        raw = _existing(servers, name)
        _checked(new_name, settings, "", [other for other in servers if other != name])
        on = not isinstance(raw, dict) or (raw.get("disabled") is not True and raw.get("enabled") is not False)
        fresh = written(settings, on, raw)
        return {new_name if one == name else one: fresh if one == name else kept for one, kept in servers.items()}

    return edit


def removed(name: str) -> Edit:
    """One fewer."""

    def edit(servers: dict[str, Any]) -> dict[str, Any]:
        _existing(servers, name)
        del servers[name]
        return servers

    return edit


def enabled(name: str, on: bool) -> Edit:
    """Switched on or off."""

    def edit(servers: dict[str, Any]) -> dict[str, Any]:
        raw = _existing(servers, name)
        if isinstance(raw, dict):
            kept = {key: value for key, value in raw.items() if key not in ("disabled", "enabled")}
            servers[name] = kept if on else {**kept, "disabled": True}
        return servers

    return edit


def _checked(name: str, settings: Settings | None, problem: str, others: Iterable[str]) -> Settings:
    why = name_problem(name, list(others)) or problem
    if not why and settings is not None:
        why = problem_of(settings)
    if why or settings is None:
        what = tr('The MCP server "{name}" could not be put into the settings', name=name[:60])
        raise SettingsError(what, why or tr("it has no settings"))
    return settings


def _existing(servers: Mapping[str, Any], name: str) -> Any:
    if name not in servers:
        what = tr('There is no MCP server "{name}" any longer', name=name)
        raise SettingsError(what, "", tr("Another program may have changed the file."))
    return servers[name]
