"""The file of the servers: one that people read, edit and share, so nothing in it that we do not know is lost.

A file that is no JSON is left as it is, and nothing is written over it until a person has mended it.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nodetool_xl_desktop.core.lock import locked
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.tools.mcp.errors import SettingsError
from nodetool_xl_desktop.tools.mcp.loose_json import load_json

_KEY = "mcpServers"


class SettingsFile:
    """The file. Its methods touch the disk, and may block.

    Args:
        path: where it is; its folder is made when it is first written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> dict[str, Any]:
        """The servers in it, by name, as they stand there; none where there is no file.

        Raises:
            SettingsError: it cannot be read, or is no JSON.
        """
        return self._servers(self._content())

    def change(self, edit: Callable[[dict[str, Any]], dict[str, Any]]) -> dict[str, Any]:
        """Read it, let `edit` give its servers, and write it; what stands beside the servers stays.

        Raises:
            SettingsError: it cannot be read, or not be written; it is as it was.
        """
        with contextlib.ExitStack() as alone:
            try:
                alone.enter_context(locked(self.path.with_name(f".{self.path.name}.lock")))
            except OSError as error:
                raise self._not_saved(error) from error
            content = self._content()
            servers = edit(self._servers(content))
            self._write({**content, _KEY: servers})
        return servers

    def _content(self) -> dict[str, Any]:
        try:
            text = self.path.read_text(encoding="utf-8-sig")
        except FileNotFoundError:
            return {}
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) and error.strerror else tr("it is no text")
            raise SettingsError(tr("The settings of the MCP servers cannot be read"), f"{why} ({self.path})") from error
        if not text.strip():
            return {}
        try:
            return load_json(text)
        except SettingsError as error:
            raise SettingsError(
                tr("The settings of the MCP servers cannot be read"),
                f"{error.what[:1].lower()}{error.what[1:]}: {error.why} ({self.path})",
                tr("Mend the file; until then it is left as it is."),
            ) from error

    def _servers(self, content: dict[str, Any]) -> dict[str, Any]:
        servers = content.get(_KEY, {})
        if not isinstance(servers, dict):
            raise SettingsError(
                tr("The settings of the MCP servers cannot be read"),
                tr('"{key}" is no object ({{...}}) ({path})', key=_KEY, path=self.path),
                tr("Mend the file; until then it is left as it is."),
            )
        return dict(servers)

    def _write(self, content: dict[str, Any]) -> None:
        """Beside and renamed; for this person's eyes only, as it may hold keys."""
        target = Path(os.path.realpath(self.path))  # a link, say into a folder that is kept in git, stays one
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=".saving-")
            fresh = Path(name)
            try:
                with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
                    json.dump(content, stream, indent=2, ensure_ascii=True)
                    stream.write("\n")
                    stream.flush()
                    os.fsync(stream.fileno())
                fresh.replace(target)
            finally:
                fresh.unlink(missing_ok=True)
        except OSError as error:
            raise self._not_saved(error) from error

    def _not_saved(self, error: OSError) -> SettingsError:
        return SettingsError(
            tr("The settings of the MCP servers could not be saved"),
            f"{error.strerror or error} ({self.path})",
            tr("Look at the disk."),
        )
