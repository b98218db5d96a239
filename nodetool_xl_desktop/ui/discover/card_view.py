"""A model's card: what its author wrote of it, read as a text. Nothing in it runs, nothing is fetched for it, and each
of its links is asked for before the system's browser opens it.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urljoin

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QWidget

from nodetool_xl_desktop.ui.markdown.links import Links, Way, way_of


class CardLinks(Links):
    """Follows the links of a card: those of the web when the person says so, and no others.

    Args:
        window: the questions belong to it.
        base: the address of the card, which its relative links are meant from.
        open_url: hands an address to the system.
    """

    def __init__(
        self, window: QWidget, base: str = "", open_url: Callable[[QUrl], object] = QDesktopServices.openUrl
    ) -> None:
        super().__init__(window, open_url)
        self.base = base

    def follow(self, link: str) -> None:
        """Ask, or say why not. A card comes from the network: it opens no file and starts no program here."""
        if link.startswith("#"):
            return
        try:
            whole = urljoin(self.base, link) if self.base else link
        except ValueError:  # brackets that do not match
            whole = link
        if way_of(whole) is Way.OPEN:
            self._ask(whole)
        else:
            self._refuse(whole)
