"""Where the program keeps its files.

One value, made once by `app` or the command line and handed down, so that a test gives its own folder
and nothing else in the program asks the platform.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import platformdirs

APP_NAME = "nodetool-xl-desktop"


def resource(name: str) -> Path:
    """A file of `resources/`: inside the package where it was installed, beside it in a checkout."""
    package = Path(__file__).parent.parent
    installed = package / "resources" / name
    return installed if installed.exists() else package.parent / "resources" / name


@dataclass(frozen=True, slots=True)
class Paths:
    """The program's folders; they are made when something is first written into them."""

    data: Path
    logs: Path
    cache: Path

    @classmethod
    def default(cls) -> Paths:
        """The folders that the platform names for this user."""
        dirs = platformdirs.PlatformDirs(APP_NAME, appauthor=False)
        return cls(data=dirs.user_data_path, logs=dirs.user_log_path, cache=dirs.user_cache_path)

    @classmethod
    def below(cls, root: Path) -> Paths:
        """All folders below one root, as a test or a portable installation wants them."""
        return cls(data=root / "data", logs=root / "logs", cache=root / "cache")

    @property
    def models(self) -> Path:
        """The program's own models folder."""
        return self.data / "models"

    @property
    def engines(self) -> Path:
        """Builds of the engine that run instead of the program's own (`engine.engines`)."""
        return self.data / "engines"

    @property
    def headers(self) -> Path:
        """Where the headers of models on servers are laid out for the engine, for moments."""
        return self.cache / "headers"

    @property
    def chats(self) -> Path:
        """The folder of the chat store."""
        return self.data / "chats"

    @property
    def settings_file(self) -> Path:
        """What was chosen for the whole program; people may edit it."""
        return self.data / "settings.toml"

    @property
    def preferences_file(self) -> Path:
        """What was chosen for the whole program."""
        return self.data / "preferences.json"

    @property
    def mcp_file(self) -> Path:
        """The settings of the MCP servers; people edit it, and may share it with other programs."""
        return self.data / "mcp.json"

    @property
    def mcp_tools_file(self) -> Path:
        """The tools that MCP servers had when they last ran."""
        return self.cache / "mcp-tools.json"

    @property
    def permissions_file(self) -> Path:
        """What tools may do unasked."""
        return self.data / "tool-permissions.json"

    @property
    def downloads_file(self) -> Path:
        """The queue of downloads."""
        return self.data / "downloads.json"

    @property
    def library_file(self) -> Path:
        """The list of models that were dropped or opened."""
        return self.data / "models.json"
