"""Where links lead, and what is done when one is followed: the web is opened, some is asked for, some never opens."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from urllib.parse import unquote

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QMessageBox, QWidget

from nodetool_xl_desktop.core.translation import tr

#: A target is shown up to so many letters.
LONGEST = 300
_WEB = ("http", "https")
#: These could run something, or show what an answer made up as if it were a page.
_NEVER = ("javascript", "vbscript", "data", "blob", "about", "view-source", "ms-msdt", "search-ms", "jar")


class Way(Enum):
    """How a link is followed."""

    OPEN = "open"
    ASK = "ask"
    NEVER = "never"


def way_of(link: str) -> Way:
    """How this one is; what is no address at all never is."""
    scheme = scheme_of(link)
    if not scheme or scheme in _NEVER:
        return Way.NEVER
    if scheme in _WEB:
        return Way.OPEN if QUrl(link.strip()).host() else Way.NEVER
    return Way.ASK


def scheme_of(link: str) -> str:
    """The scheme of an address in small letters; spaces and control letters in it hide nothing."""
    bare = "".join(letter for letter in unquote(link) if letter.isprintable() and not letter.isspace())
    head, colon, _ = bare.partition(":")
    fine = head and head[0].isalpha() and all(letter.isalnum() or letter in "+-." for letter in head)
    return head.lower() if colon and fine else ""


def told(link: str) -> str:
    """The target as it is shown: on one line, without letters that cannot be seen or turn the direction."""
    seen = "".join(letter if letter.isprintable() else f"\\u{ord(letter):04x}" for letter in link)
    return seen if len(seen) <= LONGEST else f"{seen[:LONGEST]} ..."


class Links:
    """Follows links.

    Args:
        window: the dialogs belong to it.
        open_url: hands an address to the system.
    """

    def __init__(self, window: QWidget, open_url: Callable[[QUrl], object] = QDesktopServices.openUrl) -> None:
        self._window = window
        self.open_url = open_url

    def follow(self, link: str) -> None:
        """Open the link in the system's program for it, or ask, or say why not."""
        match way_of(link):
            case Way.OPEN:
                self.open_url(QUrl(link.strip()))
            case Way.ASK:
                self._ask(link)
            case Way.NEVER:
                self._refuse(link)

    def _ask(self, link: str) -> None:
        url = QUrl(link.strip())
        if url.isLocalFile():
            text = tr("Open this file of this computer?\n\n{told}", told=told(url.toLocalFile()))
            more = tr("The link stands in a message. Opening a file may start a program.")
        else:
            text = tr("Open this link?\n\n{link}", link=told(link))
            more = tr("The program of this computer for {link} links would be started with it.", link=scheme_of(link))
        box = self._box(QMessageBox.Icon.Question, text, more)
        opens = box.addButton(tr("Open"), QMessageBox.ButtonRole.AcceptRole)
        box.setDefaultButton(box.addButton(QMessageBox.StandardButton.Cancel))
        opens.clicked.connect(lambda: self.open_url(url))
        box.open()

    def _refuse(self, link: str) -> None:
        why = tr("Links of this kind could run something, or show a page that an answer made up.")
        if not scheme_of(link):
            why = tr("It leads to no address of the web: it has no host or scheme.")
        box = self._box(QMessageBox.Icon.Information, tr("This link is not opened:\n\n{link}", link=told(link)), why)
        box.addButton(QMessageBox.StandardButton.Close)
        box.open()

    def _box(self, icon: QMessageBox.Icon, text: str, more: str) -> QMessageBox:
        box = QMessageBox(self._window)
        box.setIcon(icon)
        box.setWindowTitle(tr("Link"))
        box.setTextFormat(Qt.TextFormat.PlainText)
        box.setText(text)
        box.setInformativeText(more)
        box.finished.connect(box.deleteLater)
        return box
