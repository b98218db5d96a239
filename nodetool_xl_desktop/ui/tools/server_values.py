"""A server and its state as the dialog and the popover show them, in words."""

from __future__ import annotations

from nodetool_xl_desktop.core import units
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.tools.mcp import Failed, Off, Prompt, Resource, Restarting, Running, Server, Starting, State
from nodetool_xl_desktop.ui.tools.tool_values import Dot, Item, ServerShown


def dot_of(server: Server) -> Dot:
    """How it is, as a colour."""
    if server.problem:
        return Dot.FAILED
    match server.state:
        case Starting() | Restarting():
            return Dot.STARTING
        case Running():
            return Dot.RUNNING
        case Failed():
            return Dot.FAILED
    return Dot.OFF


def state_words(server: Server) -> str:
    """How it is, on one line."""
    if server.problem:
        return server.problem
    return _words(server.state, server.enabled)


def _words(state: State, enabled: bool) -> str:
    match state:
        case Starting():
            return tr("starting ...")
        case Restarting(why, after_s):
            return (
                tr("{why}; started again in {after_s:.0f} s", why=why, after_s=after_s)
                if why
                else tr("started again in {after_s:.0f} s", after_s=after_s)
            )
        case Running():
            return "running"
        case Failed(error):
            return error.what
        case Off(why) if why:
            return why
    return tr("starts when it is needed") if enabled else tr("switched off")


def shown(server: Server) -> ServerShown:
    """All that the dialog shows of it."""
    state = server.state
    running = state if isinstance(state, Running) else Running()
    what, why = "", ""
    if server.problem:
        what, why = tr("Its settings cannot be used"), server.problem
    elif isinstance(state, Failed):
        what, why = state.error.what, state.error.explanation
    words = tr("failed") if what else state_words(server)  # what and why stand below
    version = " ".join(filter(None, [running.title, running.version]))
    return ServerShown(
        name=server.name,
        dot=dot_of(server),
        state=f"{words} · {version}" if version else words,
        command=server.about,
        is_running=isinstance(state, Starting | Running | Restarting),
        is_enabled=server.enabled,
        what=what,
        why=why,
        tools=(
            *(Item(tool.title or tool.own_name, tool.description) for tool in running.tools),
            *(Item(left.name, problem=left.why) for left in running.left_out),
        ),
        prompts=tuple(map(prompt_item, running.prompts)),
        resources=tuple(map(resource_item, running.resources)),
    )


def prompt_item(prompt: Prompt) -> Item:
    """A prompt in a list."""
    return Item(prompt.title or prompt.name, prompt.description, key=prompt.name)


def resource_item(resource: Resource) -> Item:
    """A resource in a list."""
    size = units.file_size(resource.size) if resource.size is not None else ""
    about = " · ".join(filter(None, [resource.description, resource.mime_type, size]))
    return Item(resource.title or resource.uri, about or resource.uri, key=resource.uri)
