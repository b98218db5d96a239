"""What happens between the dialog of the access token, the hub that it is tried at, and the keyring."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QUrl, Signal
from PySide6.QtWidgets import QWidget

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.hub.search import Query
from nodetool_xl_desktop.hub.tokens import NoKeyring
from nodetool_xl_desktop.ui.discover.door import Door
from nodetool_xl_desktop.ui.discover.token_dialog import TokenDialog
from nodetool_xl_desktop.ui.tasks import Tasks, in_thread
from nodetool_xl_desktop.ui.theme import Theme

if TYPE_CHECKING:
    from nodetool_xl_desktop.hub.tokens import Tokens


class TokenFlow(QObject):
    """Tries a token at the hub before it is kept.

    Args:
        theme: the theme in force.
        tasks: where that is done.
        parent: its window is the dialog's.
        door: the way to the hub.
        tokens: keeps them.
        open_url: hands an address to the system's browser.
    """

    #: There is another token, or none any more.
    changed = Signal()

    def __init__(
        self,
        theme: Theme,
        tasks: Tasks,
        parent: QWidget,
        door: Door,
        tokens: Tokens,
        open_url: Callable[[QUrl], object],
    ) -> None:
        super().__init__(parent)
        self._theme, self._tasks, self._parent, self._door = theme, tasks, parent, door
        self._tokens, self._open_url = tokens, open_url
        #: The dialog that is open.
        self.dialog: TokenDialog | None = None

    def ask(self, repo_id: str) -> None:
        """Ask for a token.

        Args:
            repo_id: what it is wanted for; empty for nothing in particular.
        """
        if self.dialog is not None:
            self.dialog.activateWindow()
            return
        why = tr("For {repo_id}: accept its terms on its page there first.", repo_id=repo_id) if repo_id else ""
        dialog = self.dialog = TokenDialog(self._theme, self._door.host, why, self._parent.window())
        endpoint = self._door.endpoint

        def keep(token: str) -> None:
            dialog.show_busy(tr("Asking the hub whether it knows this token ..."))
            self._tasks.start(self._keep(dialog, endpoint, repo_id, token))

        def forget() -> None:
            dialog.show_busy(tr("Forgetting the token ..."))
            self._tasks.start(self._forget(dialog, endpoint))

        dialog.token_given.connect(keep)
        dialog.forget_requested.connect(forget)
        dialog.page_requested.connect(lambda: self._open_url(QUrl(f"{endpoint}/settings/tokens")))
        dialog.finished.connect(self._finished)
        dialog.open()
        self._tasks.start(self._look(dialog, endpoint))

    def _finished(self) -> None:
        if self.dialog is not None:
            self.dialog.deleteLater()
            self.dialog = None

    async def _look(self, dialog: TokenDialog, endpoint: str) -> None:
        kept = await in_thread(partial(self._tokens.get, endpoint))
        if dialog is self.dialog:
            dialog.show_kept(is_kept=bool(kept))

    async def _keep(self, dialog: TokenDialog, endpoint: str, repo_id: str, token: str) -> None:
        problem: UserFacingError | None = None
        try:
            hub = self._door.hub_with(token)
            if repo_id:
                await hub.repository(repo_id)
            else:
                await hub.search(Query())
            if dialog is not self.dialog or endpoint != self._door.endpoint:
                return  # closed meanwhile: then it is not kept either
            await in_thread(partial(self._tokens.set, endpoint, token))
        except NoKeyring as error:  # it is used all the same, until the program ends
            problem = error
        except UserFacingError as error:
            if dialog is self.dialog:
                dialog.show_problem(error)
            return
        self._door.forget()
        if dialog is self.dialog:
            dialog.show_kept(is_kept=True)
            dialog.show_done(tr("The hub takes this token"), tr("It is kept in the keyring, and used from now on."))
            if problem is not None:
                dialog.show_problem(problem)
        self.changed.emit()

    async def _forget(self, dialog: TokenDialog, endpoint: str) -> None:
        try:
            await in_thread(partial(self._tokens.forget, endpoint))
        except UserFacingError as error:
            if dialog is self.dialog:
                dialog.show_problem(error)
            return
        self._door.forget()
        if dialog is self.dialog:
            dialog.show_kept(is_kept=False)
            dialog.show_done(tr("The token is forgotten"))
        self.changed.emit()
