"""Tools of other programs: servers that speak the Model Context Protocol.

The window's side, all of it on the program's own loop (nothing here blocks it; what a server sends is read, bounded and
understood on a thread of this package):

- `McpServers(paths, off_line)` is one for the program, and a `ToolSource`. `on_change: Callable[[], None]` is called on
  the loop after anything that can be seen has changed (a state, a list, a problem), `on_log: Callable[[str], None]`
  with the name of a server whose log has grown; each at once, and then at most ten times a second.
- `await load()` reads the settings once after the start, and again when a person has edited the file. `problem` is the
  `UserFacingError` of a file that cannot be read, else None (the file is never written over then); `file` its path.
- `servers -> tuple[Server, ...]` in the order of the file. A `Server` has `name`, `settings` (a `Stdio` or an `Http`),
  `enabled`, `state`, `about` (one line: the command or the address, secrets hidden) and `problem` (why these settings
  cannot be used; "" where they can). `find(name) -> Server | None`.
- `state`: `Off(why)`, `Starting()`, `Running(...)`, `Restarting(why, after_s)`, `Failed(error)`. `Running` has `tools`
  (`ToolInfo`), `left_out` (`LeftOut(name, why)`), `prompts` (`Prompt`), `resources` (`Resource`), `title`, `version`,
  `instructions`.
- `await wake(names=None)` starts these (None: all that are enabled) and waits until each runs or has failed; it raises
  nothing, look at `state`. Call it when a person looks at the servers, and after `add`. One that was cut off, as it
  sent too much, is started again by `await restart(name)` only. `await stop(name)`. A call of a tool starts its server
  by itself; `offered()` starts none: it says what is known, also of earlier runs. It reads the settings if nobody has.
- `log(name) -> tuple[LogLine, ...]`, oldest first, at most 1,000: `at` (a `datetime`), `kind` (`LogKind.NOTE`, `ERROR`
  from us, `STDERR`, `PROTOCOL` what the server wrote), `text`: plain, secrets hidden, no control characters.
- `await add(name, settings)`, `await change(name, new_name, settings)`, `await remove(name)`,
  `await enable(name, on)`, and `read_settings(text) -> tuple[Found, ...]` with `await take(found)` for pasted JSON in
  any program's form. All raise `SettingsError` (a `UserFacingError`) and then have changed nothing.
  `name_problem(name, others)` says what is wrong with a name, "" where nothing is.
- `await prompt(server, name, arguments) -> tuple[PromptMessage, ...]` (`role`, `text`, `image`),
  `await resource(server, uri) -> tuple[ResourceContent, ...]` (`uri`, `mime_type`, `text` or `data`). Both raise
  `McpError` (a `UserFacingError`), and start the server where it does not run.
- `off_line_changed()` after the switch was turned: what runs is ended. `await close()` with the program: every server
  is ended, also what it has started.
"""

from __future__ import annotations

from nodetool_xl_desktop.tools.mcp.entries import Server
from nodetool_xl_desktop.tools.mcp.errors import McpError, SettingsError
from nodetool_xl_desktop.tools.mcp.limits import Limits
from nodetool_xl_desktop.tools.mcp.log import LogKind, LogLine
from nodetool_xl_desktop.tools.mcp.servers import McpServers
from nodetool_xl_desktop.tools.mcp.settings import Found, Http, Settings, Stdio, name_problem, read_settings
from nodetool_xl_desktop.tools.mcp.states import (
    Failed,
    LeftOut,
    Off,
    Prompt,
    PromptArgument,
    PromptMessage,
    Resource,
    ResourceContent,
    Restarting,
    Running,
    Starting,
    State,
    ToolInfo,
)

__all__ = [
    "Failed",
    "Found",
    "Http",
    "LeftOut",
    "Limits",
    "LogKind",
    "LogLine",
    "McpError",
    "McpServers",
    "Off",
    "Prompt",
    "PromptArgument",
    "PromptMessage",
    "Resource",
    "ResourceContent",
    "Restarting",
    "Running",
    "Server",
    "Settings",
    "SettingsError",
    "Starting",
    "State",
    "Stdio",
    "ToolInfo",
    "name_problem",
    "read_settings",
]
