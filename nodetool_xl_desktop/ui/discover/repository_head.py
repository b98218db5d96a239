"""The top of a repository's page: its name, whose it is, and what a person wants to know before looking further."""

from __future__ import annotations

from datetime import datetime

from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from nodetool_xl_desktop.core.text import one_line
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.hub.repository import Repository
from nodetool_xl_desktop.hub.search import Found
from nodetool_xl_desktop.ui.discover.shown import ago, count
from nodetool_xl_desktop.ui.parts import ElidedLabel, set_tip
from nodetool_xl_desktop.ui.theme import SPACE_S, SPACE_XS

_LONGEST_FACT = 60


class RepositoryHead(QWidget):
    """Says what is known; of a repository that was found, that is enough to begin with."""

    def __init__(self) -> None:
        super().__init__()
        self._name = ElidedLabel("headline")
        self._name.setMinimumHeight(28)
        self._mark = QLabel()
        self._mark.setProperty("pill", "warning")
        self._mark.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self._author = ElidedLabel("note")
        self._facts = ElidedLabel()
        self._more = ElidedLabel("note")
        row = QHBoxLayout()
        row.setSpacing(SPACE_S)
        row.addWidget(self._name, 1)
        row.addWidget(self._mark)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE_XS)
        layout.addLayout(row)
        layout.addWidget(self._author)
        layout.addWidget(self._facts)
        layout.addWidget(self._more)

    @property
    def text(self) -> str:
        """Everything it says."""
        mark = "" if self._mark.isHidden() else self._mark.text()
        parts = (self._name.text(), mark, self._author.text(), self._facts.text(), self._more.text())
        return "\n".join(part for part in parts if part)

    def show_found(self, repo_id: str, host: str, found: Found | None) -> None:
        """What a search has said, while the hub is asked for more."""
        self._show_name(repo_id, host)
        if found is None:
            self._show_mark(is_gated=False, is_private=False)
            self._show_facts(None, None, None)
        else:
            self._show_mark(is_gated=found.gated, is_private=found.private)
            self._show_facts(found.downloads, found.likes, found.modified)
        self._more.setText(" ")

    def show_repository(self, repository: Repository) -> None:
        """What the hub says of it."""
        self._show_name(repository.repo_id, repository.host)
        self._show_mark(is_gated=repository.gated, is_private=repository.private)
        self._show_facts(repository.downloads, repository.likes, repository.modified)
        more = (
            tr("Licence {licence}", licence=one_line(repository.licence, _LONGEST_FACT)) if repository.licence else "",
            tr("Made from {base_model}", base_model=one_line(repository.base_model)) if repository.base_model else "",
        )
        self._more.setText(_joined(more))
        set_tip(self._more, self._more.text().strip())

    def _show_name(self, repo_id: str, host: str) -> None:
        author, _, name = repo_id.partition("/")
        self._name.setText(one_line(name or repo_id))
        set_tip(self._name, one_line(repo_id))
        self._author.setText(tr("by {author} on {host}", author=one_line(author), host=one_line(host)))

    def _show_mark(self, *, is_gated: bool, is_private: bool) -> None:
        self._mark.setText(tr("Private") if is_private else tr("Gated"))
        self._mark.setVisible(is_gated or is_private)
        tip = (
            tr("Only the account of your token sees it")
            if is_private
            else tr("Its owner asks for terms to be accepted")
        )
        set_tip(self._mark, tip)

    def _show_facts(self, downloads: int | None, likes: int | None, modified: datetime | None) -> None:
        facts = (
            tr("{downloads} downloads", downloads=count(downloads)) if downloads is not None else "",
            tr("{likes} likes", likes=count(likes)) if likes is not None else "",
            tr("Changed {modified}", modified=ago(modified)) if modified is not None else "",
        )
        self._facts.setText(_joined(facts))


def _joined(facts: tuple[str, ...]) -> str:
    """On one line, which is as high where there are none."""
    return "  ·  ".join(fact for fact in facts if fact) or " "
