"""The theme as what is said aside is drawn in it."""

from __future__ import annotations

import weakref
from dataclasses import replace
from weakref import WeakKeyDictionary

from nodetool_xl_desktop.ui.theme import Theme

#: Reasoning is drawn so much smaller.
NOTE_ZOOM = 12 / 14


class QuietTheme:
    """The theme as what is said aside is drawn in it: smaller, and in the quiet colour."""

    def __init__(self, theme: Theme) -> None:
        self._theme = weakref.proxy(theme)
        self._tokens = theme.tokens
        self.tokens = replace(theme.tokens, text=theme.tokens.muted)
        self.zoom = theme.zoom * NOTE_ZOOM

    def __getattr__(self, name: str) -> object:
        return getattr(self._theme, name)

    @classmethod
    def of(cls, theme: Theme) -> QuietTheme:
        """The one for the theme as it is now."""
        made = _MADE.get(theme)
        if made is None or made._tokens is not theme.tokens or made.zoom != theme.zoom * NOTE_ZOOM:
            made = _MADE[theme] = cls(theme)
        return made


_MADE: WeakKeyDictionary[Theme, QuietTheme] = WeakKeyDictionary()
