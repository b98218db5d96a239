"""What a person does with the messages of a transcript: the bar, the menu and the keys, the one selection, the editors
with what was typed into them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Mapping
from typing import Protocol

from PySide6.QtCore import QObject, QPoint, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QWidget

from nodetool_xl_desktop.store.tree import Versions
from nodetool_xl_desktop.ui.markdown import clipboard
from nodetool_xl_desktop.ui.markdown.markdown_view import MarkdownView
from nodetool_xl_desktop.ui.markdown.text_selection import TextSelection
from nodetool_xl_desktop.ui.theme import Theme
from nodetool_xl_desktop.ui.transcript.chat_texts import sources_of
from nodetool_xl_desktop.ui.transcript.message_actions import ActionBar, Do, menu, of_key, possible
from nodetool_xl_desktop.ui.transcript.message_frame import MessageView
from nodetool_xl_desktop.ui.transcript.message_view import AnswerView
from nodetool_xl_desktop.ui.transcript.turn_view import TurnView, holds_focus


class _Chat(Protocol):
    """What it needs of the transcript."""

    @property
    def is_answering(self) -> bool: ...

    @property
    def selecting(self) -> TextSelection: ...

    def hold(self) -> None: ...

    def turn_changed(self, view: TurnView) -> None: ...


class MessageDesk(QObject):
    """Offers what can be done, and passes on what is wanted.

    Args:
        theme: the theme in force.
        body: what the views lie in; the bar lies over them.
        chat: the transcript.
    """

    #: A `Do` that somebody else does, and the id of the message.
    wanted = Signal(object, str)
    quoted = Signal(str)
    #: What is typed into the editor of a message (its id), or nothing any more (an empty text).
    drafted = Signal(str, str)
    #: The id of a message, its text as it was edited, and whether to ask with it.
    edited = Signal(str, str, bool)

    def __init__(self, theme: Theme, body: QWidget, chat: _Chat) -> None:
        super().__init__(body)
        self._body = body
        self._chat = chat
        self._pointed: MessageView | None = None
        self._drafts: dict[str, str] = {}  # what was typed into editors, by message
        self._saved: dict[str, Collection[str]] = {}  # to these another version is to come, beside those there are
        self.bar = ActionBar(theme, body)
        self.bar.chosen.connect(lambda do: self._pointed is not None and self.do(do, self._pointed))
        self.bar.menu_requested.connect(self.open_menu)

    @property
    def pointed(self) -> MessageView | None:
        """The message that the keys are for."""
        return self._pointed

    @property
    def selection(self) -> str:
        """What is selected in the chat."""
        return self._chat.selecting.text

    def take(self, view: MessageView) -> None:
        """A view was made: hear what is done with it."""
        view.pointed.connect(lambda: self._point(view))
        view.selected.connect(lambda text: self._select(view, text))
        view.text_made.connect(lambda text: text.select_with(self._chat.selecting))
        for text in view.texts:
            text.select_with(self._chat.selecting)
        view.menu_requested.connect(self.open_menu)
        view.edit_requested.connect(lambda: self.do(Do.EDIT, view))
        view.draft_changed.connect(lambda: self._keep_draft(view))
        view.save_requested.connect(lambda text, ask: self._save(view, text, ask=ask))
        self.dress(view)

    def dress(self, view: MessageView) -> None:
        """Show on a view what is known here."""
        view.show_unsaved(unsaved=view.message.id in self._drafts)
        if view.editor is not None:
            view.editor.allow_asking(allowed=not self._chat.is_answering)

    def forget(self, view: TurnView) -> None:
        """A view goes."""
        if view is self._pointed:
            self._pointed = None

    def messages_changed(self, versions: Callable[[str], Versions]) -> None:
        """Others are shown: what was typed is a draft no longer where it is a version.

        Args:
            versions: those at the place of a message; a `LookupError` or `ValueError` where it is not in this chat.
        """
        for each, before in list(self._saved.items()):
            with contextlib.suppress(LookupError, ValueError):
                if set(versions(each).ids) - set(before):
                    del self._saved[each]
                    self._put_draft(each, None)

    # What is done

    def do(self, do: Do, view: MessageView) -> None:
        """Do it with a message, where it can be done."""
        message = view.message
        if do not in self._possible(view):
            return
        selected = any(text.has_selection for text in view.texts)
        match do:
            case Do.COPY if selected:
                clipboard.put(self._chat.selecting.sources())
            case Do.COPY:
                clipboard.put_markdown(sources_of(message))
            case Do.COPY_PLAIN:
                clipboard.put_plain(self._chat.selecting.sources() if selected else sources_of(message))
            case Do.COPY_RICH:
                clipboard.put(self._chat.selecting.sources() if selected else sources_of(message))
            case Do.QUOTE:
                self.quoted.emit(self.selection)
            case Do.EDIT:
                self._open_editor(view)
            case Do.PREVIOUS | Do.NEXT:
                view.stepper.step(1 if do is Do.NEXT else -1)
            case Do.DETAILS if isinstance(view, AnswerView):
                view.show_details()
            case _:
                self.wanted.emit(do, message.id)

    def of_key(self, event: QKeyEvent) -> Callable[[], None] | None:
        """What a key does with the message that it is for; None for nothing."""
        view, do = self._pointed, of_key(event)
        if view is None or do is None or not (holds_focus(view) or holds_focus(self.bar)):
            return None
        if view.editor is not None or do not in self._possible(view):
            return None
        return lambda: self.do(do, view)

    def open_menu(self, place: QPoint) -> None:
        """All that can be done with the message that is pointed at."""
        if (view := self._pointed) is not None and view.editor is None:
            menu(self._body, self._possible(view), lambda do: self.do(do, view)).popup(place)

    def _possible(self, view: MessageView) -> set[Do]:
        selected = any(text.has_selection for text in view.texts)
        return possible(view.message, view.stepper.versions, answering=self._chat.is_answering, selected=selected)

    def _select(self, view: MessageView, text: MarkdownView) -> None:
        """There is one selection in all the chat, as there is one on a page; the keys are for where it is."""
        if text.has_selection and text.hasFocus():
            self._point(view)

    # The editor

    def _open_editor(self, view: MessageView) -> None:
        message = view.message
        self._chat.hold()
        view.open_editor(self._drafts.get(message.id, message.text), answering=self._chat.is_answering)
        view.show_unsaved(unsaved=False)
        self._chat.turn_changed(view)
        self.place_bar()
        if view.editor is not None:
            view.editor.setFocus(Qt.FocusReason.OtherFocusReason)

    def _keep_draft(self, view: MessageView) -> None:
        message_id = view.message.id
        if view.editor is None:  # it was closed just now
            view.show_unsaved(unsaved=message_id in self._drafts)
            self._chat.turn_changed(view)
            self.place_bar()
        elif view.editor.is_changed:
            self._put_draft(message_id, view.editor.text)
        else:
            self._put_draft(message_id, None)

    def _put_draft(self, message: str, text: str | None) -> None:
        if self._drafts.get(message) == text:
            return
        if text is None:
            del self._drafts[message]
        else:
            self._drafts[message] = text
        self.drafted.emit(message, text or "")

    def show_drafts(self, drafts: Mapping[str, str]) -> None:
        """What was typed into editors when the program ran last, by message; what was typed since stays."""
        self._drafts = {**drafts, **self._drafts}

    def _save(self, view: MessageView, text: str, *, ask: bool) -> None:
        """The typed text stays a draft until the other version is shown: it may be that it cannot be written."""
        self._put_draft(view.message.id, text)
        self._saved[view.message.id] = view.stepper.versions.ids if view.stepper.versions else [view.message.id]
        view.close_editor()
        self.edited.emit(view.message.id, text, ask)

    # The bar

    def _point(self, view: MessageView) -> None:
        """Offer what can be done with this message, unless the keys are in the bar of another."""
        if view is not self._pointed and not holds_focus(self.bar):
            if self._pointed is not None:
                self._pointed.bar_covers(None)
            self._pointed = view
            self.place_bar()

    def place_bar(self) -> None:
        """Put the bar where its message is now, with what can be done now."""
        view = self._pointed
        if view is None or view.editor is not None:
            self.bar.hide()
            return
        self.bar.show_possible(self._possible(view))
        place = view.bar_place(self.bar.width())
        view.bar_covers(place.x())
        self.bar.move(view.pos() + place)
        self.bar.raise_()
        self.bar.show()
