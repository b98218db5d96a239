"""Each part of what the next turn takes of the context, in figures and in words, over the window."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QPoint, QRectF, Qt
from PySide6.QtGui import QAccessible, QAccessibleInterface, QFocusEvent, QHideEvent, QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QApplication, QFrame, QGridLayout, QLabel, QVBoxLayout, QWidget

from nodetool_xl_desktop.chat.context import ContextUse
from nodetool_xl_desktop.core import units
from nodetool_xl_desktop.core.translation import number, tr, trn
from nodetool_xl_desktop.fit.verdict import Verdict
from nodetool_xl_desktop.ui.accessible import Accessible
from nodetool_xl_desktop.ui.context.context_bar import ContextBar, paint_part
from nodetool_xl_desktop.ui.parts import figure, label
from nodetool_xl_desktop.ui.theme import SPACE_M, SPACE_S, SPACE_XS, Theme, wide

POPUP_WIDTH = 320
NAMES = {
    "system": tr("System prompt and template"),
    "tools": tr("Tools"),
    "history": tr("History"),
    "draft": tr("Your message"),
}


def about(count: int, use: ContextUse) -> str:
    """A number of tokens as good as it is known: "2,540", "about 2,540"."""
    return number(f"{count:,}") if use.exact else tr("about {count:,}", count=count)


def notes(use: ContextUse) -> list[str]:
    """What a person should know of the figures, a sentence each."""
    said = (
        [_verdict_text(use)] if use.context is not None else [tr("No model is loaded: how much fits is not known yet.")]
    )
    if use.left_out is not None:
        said.append(tr("Not sent to the model: {text}.", text=use.left_out.text))
    if use.has_images:
        said.append(tr("Pictures are taken for the least that they make; the model counts them when they are sent."))
    elif use.is_far_beyond:
        said.append(tr("Estimated, as it is far longer than the context."))
    elif not use.exact:
        said.append(tr("Estimated with the tokenizer of another model; exact once the model is loaded."))
    else:
        said.append(tr("Counted by the loaded model."))
    if use.slots > 1 and use.context is not None:
        said.append(
            trn(
                "The model answers {count} chat side by side, which share this context.",
                "The model answers {count} chats side by side, which share this context.",
                use.slots,
            )
            if use.shared
            else trn(
                "The model answers {count} chat side by side, which have {context:,} tokens each.",
                "The model answers {count} chats side by side, which have {context:,} tokens each.",
                use.slots,
                context=use.context,
            )
        )
    return said


def _verdict_text(use: ContextUse) -> str:
    match use.verdict:
        case Verdict.WONT_FIT if use.left <= 0:
            return tr(
                "It does not fit: {units} too many, without any room for the answer.", units=units.tokens(-use.left)
            )
        case Verdict.WONT_FIT:
            return tr(
                "It does not fit: {reserve:,} are kept for the answer, and {left:,} are left.",
                reserve=use.reserve,
                left=max(0, use.left),
            )
        case Verdict.TIGHT:
            return tr("It is getting tight: {reserve:,} are kept for the answer.", reserve=use.reserve)
    return tr("At least {reserve:,} are kept for the answer.", reserve=use.reserve)


class ContextPopup(QFrame):
    """What takes how much of the context; closed by Escape, by Enter, by the gauge, or by what happens elsewhere.

    It lies over the window and is no window itself: those are placed and given the keys by the system, as it likes.
    """

    def __init__(self, theme: Theme, gauge: QWidget) -> None:
        super().__init__(gauge)
        self.hide()
        self._gauge = gauge
        self.setObjectName("contextPopup")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setFixedWidth(wide(POPUP_WIDTH))
        self._bar = ContextBar(theme, 14)
        self._figures: dict[str, QLabel] = {}
        grid = QGridLayout()
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(SPACE_S)
        grid.setVerticalSpacing(SPACE_S - 2)
        grid.setColumnStretch(1, 1)
        for row, (key, name) in enumerate(NAMES.items()):
            grid.addWidget(_Swatch(theme, key), row, 0)
            self._add_row(grid, row, key, name)
        self._add_row(grid, len(NAMES), "left", tr("Left for the answer"))
        self._add_row(grid, len(NAMES) + 1, "context", tr("Context of one chat"))
        self._notes = label("", "note", wrap=True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE_M + 2, SPACE_M, SPACE_M + 2, SPACE_M)
        layout.setSpacing(SPACE_S + 2)
        layout.addWidget(label(tr("Context of the next turn"), "strong"))
        layout.addWidget(self._bar)
        layout.addLayout(grid)
        layout.addWidget(self._notes)

    def show_use(self, use: ContextUse) -> None:
        """Say how much each is."""
        self._bar.show_use(use)
        figures = {key: about(getattr(use, key), use) for key in NAMES}
        figures["left"] = tr("not known") if use.context is None else about(max(0, use.left), use)
        figures["context"] = tr("not known") if use.context is None else number(f"{use.context:,}")
        for key, text in figures.items():
            self._figures[key].setText(text)
        self._notes.setText(" ".join(notes(use)))
        self.setAccessibleName(tr("Context of the next turn"))
        self.setAccessibleDescription(as_lines(use))
        layout = self.layout()
        if layout is not None:
            self.setFixedWidth(wide(POPUP_WIDTH))
            self.setFixedHeight(layout.totalHeightForWidth(self.width()))
        if self.isVisible():
            self._place()

    def accessible(self) -> QAccessibleInterface:
        """What a screen reader is told of it: figures that belong together."""
        return Accessible(self, QAccessible.Role.Grouping)

    def open_above(self) -> None:
        """Show it above the gauge, and give it the keys."""
        self.setParent(self._gauge.window())
        self._place()
        self.show()
        self.raise_()
        self.setFocus(Qt.FocusReason.PopupFocusReason)
        application = QApplication.instance()
        if application is not None:
            application.installEventFilter(self)

    def close_it(self) -> None:
        """Close it, and give the keys back."""
        if self.hasFocus():
            self._gauge.setFocus(Qt.FocusReason.PopupFocusReason)
        self.hide()

    def event(self, event: QEvent) -> bool:
        # The window has Escape as a shortcut of its own, which else would take it.
        is_escape = isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_Escape
        if is_escape and event.type() is QEvent.Type.ShortcutOverride:
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space, Qt.Key.Key_Escape):
            self.close_it()
            return
        super().keyPressEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        if event.reason() is not Qt.FocusReason.ActiveWindowFocusReason and not self._gauge.hasFocus():
            self.hide()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        application = QApplication.instance()
        if application is not None:
            application.removeEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() is QEvent.Type.MouseButtonPress and isinstance(watched, QWidget):
            inside = watched is self or self.isAncestorOf(watched)
            if not inside and watched is not self._gauge:
                self.hide()
        if event.type() is QEvent.Type.Resize and watched is self.parentWidget():
            self.hide()
        return False

    def _place(self) -> None:
        window = self._gauge.window()
        corner = self._gauge.mapTo(window, QPoint(self._gauge.width(), 0))
        x = max(SPACE_S, min(corner.x() - self.width(), window.width() - self.width() - SPACE_S))
        self.move(x, max(SPACE_S, corner.y() - self.height() - SPACE_XS))

    def _add_row(self, grid: QGridLayout, row: int, key: str, name: str) -> None:
        grid.addWidget(label(name), row, 1)
        self._figures[key] = figure()
        grid.addWidget(self._figures[key], row, 2)


class _Swatch(QWidget):
    """The colour and the pattern of a part."""

    def __init__(self, theme: Theme, part: str) -> None:
        super().__init__()
        self._theme, self._part = theme, part
        self.setFixedSize(12, 12)
        theme.changed.connect(self.update)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        paint_part(painter, QRectF(self.rect()), self._part, self._theme)
        painter.end()


def as_lines(use: ContextUse) -> str:
    """All of it, a line each."""
    lines = [f"{name}: {about(getattr(use, key), use)}" for key, name in NAMES.items()]
    if use.context is not None:
        lines += [
            tr("Left for the answer: {about}", about=about(max(0, use.left), use)),
            tr("Context of one chat: {context:,}", context=use.context),
        ]
    return "\n".join([*lines, *notes(use)])
