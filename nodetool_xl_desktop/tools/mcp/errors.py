"""What goes wrong with a server, told to a person."""

from __future__ import annotations

from nodetool_xl_desktop.core.errors import UserFacingError


class McpError(UserFacingError):
    """A server could not be started, or did not do what it was asked for."""


class CutOff(McpError):
    """A server was cut off because of what it sent; it is not started again by itself."""


class SettingsError(UserFacingError):
    """The settings of the servers cannot be read, or what was to be put into them cannot be used."""
