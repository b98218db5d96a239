"""How full the context is: a thin bar and its figures in the composer, and each part of them when it is pressed."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetrics, QKeyEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QHBoxLayout, QLabel, QSizePolicy

from nodetool_xl_desktop.chat.context import ContextUse
from nodetool_xl_desktop.core.translation import number, tr
from nodetool_xl_desktop.fit.verdict import Verdict
from nodetool_xl_desktop.ui.context.context_bar import TONES, ContextBar
from nodetool_xl_desktop.ui.context.context_popup import ContextPopup, about, as_lines, notes
from nodetool_xl_desktop.ui.parts import figure, tooltip
from nodetool_xl_desktop.ui.theme import SPACE_S, SPACE_XS, Theme, scaled

BAR_WIDTH, BAR_HEIGHT = 96, 6
#: A longer text takes what room there is, in pixels.
WIDEST = 150
ICON = 14
_ICONS = {Verdict.TIGHT: "warning-circle", Verdict.WONT_FIT: "warning"}


def short_text(use: ContextUse) -> str:
    """The gauge in words: "2,540 of 8,192", or "about 310 tokens" while there is no context."""
    taken = about(use.prompt, use)
    return (
        tr("{taken} tokens", taken=taken)
        if use.context is None
        else tr("{taken} of {context:,}", taken=taken, context=use.context)
    )


def _spoken(use: ContextUse) -> str:
    if use.context is None:
        return tr("{sentence}.", sentence=short_text(use))
    return tr("{taken} of {context:,} tokens.", taken=about(use.prompt, use), context=use.context)


class ContextGauge(QAbstractButton):
    """A bar and "2,540 of 8,192"; pressed, it opens a list of what takes how much."""

    #: Something else is shown: a `ContextUse`, or None while nothing was counted yet.
    use_changed = Signal(object)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._use: ContextUse | None = None
        self._is_narrow = False
        self._popup = ContextPopup(theme, self)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self._kept = 0
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self._icon = QLabel()
        self._bar = ContextBar(theme, BAR_HEIGHT)
        self._bar.setFixedWidth(BAR_WIDTH)
        self._text = figure("", "note", gives=True)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(SPACE_S, SPACE_XS, SPACE_S, SPACE_XS)
        layout.setSpacing(SPACE_S)
        for part in (self._icon, self._bar, self._text):
            part.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
            layout.addWidget(part)
        self.clicked.connect(self._toggle)
        theme.changed.connect(self._refresh)
        self._refresh()

    @property
    def text_shown(self) -> str:
        """What stands beside the bar."""
        return self._text.text()

    @property
    def verdict_shown(self) -> Verdict:
        """Whether the next turn fits, as the gauge shows it."""
        return self._use.verdict if self._use is not None else Verdict.FITS

    @property
    def popup(self) -> ContextPopup | None:
        """The list, while it is open."""
        return self._popup if self._popup.isVisible() else None

    def show_use(self, use: ContextUse | None) -> None:
        """Show this; None while nothing was counted yet."""
        if use != self._use:
            self._use = use
            self._refresh()
            self.use_changed.emit(use)

    def set_narrow(self, narrow: bool) -> None:
        """Where there is little room the figures stand alone."""
        self._is_narrow = narrow
        self._refresh()

    def sizeHint(self) -> QSize:
        layout = self.layout()
        if layout is None:
            return super().sizeHint()
        return layout.sizeHint() + QSize(max(0, self._kept - self._text.sizeHint().width()), 0)

    def minimumSizeHint(self) -> QSize:
        layout = self.layout()
        return layout.minimumSize() if layout is not None else super().minimumSizeHint()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
            return
        super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = self._theme.tokens
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(tokens.accent)) if self.hasFocus() else Qt.PenStyle.NoPen)
        if self.hasFocus() or self.underMouse():
            painter.setBrush(QColor(tokens.sunken) if self.underMouse() else Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 8, 8)
        painter.end()

    def _refresh(self) -> None:
        use = self._use
        verdict = self.verdict_shown
        tone = TONES[verdict]
        self._bar.show_use(use)
        self._text.setText(short_text(use) if use is not None else "")
        weight = 600 if verdict is Verdict.WONT_FIT else 400
        self._text.setStyleSheet(f"color: {getattr(self._theme.tokens, tone)}; font-weight: {weight};")
        self._keep_width(use)
        icon, size = _ICONS.get(verdict), scaled(ICON)
        self._icon.setFixedWidth(size)
        self._icon.setPixmap(self._theme.icon(icon, tone).pixmap(size, size)) if icon else self._icon.clear()
        self._icon.setVisible(icon is not None)
        self._bar.setVisible(not self._is_narrow and (use is None or use.context is not None))
        self.setAccessibleName(tr("Context"))
        said = " ".join(notes(use)) if use is not None else tr("Not counted yet.")
        self.setAccessibleDescription(f"{_spoken(use)} {said}" if use is not None else said)
        self.setToolTip(tooltip(as_lines(use)) if use is not None else "")
        if self.popup is not None and use is not None:
            self.popup.show_use(use)
        self.updateGeometry()

    def _keep_width(self, use: ContextUse | None) -> None:
        """Room for the longest text that this context can have, so that nothing moves while one types."""
        if use is None:
            return
        self._text.ensurePolished()
        font = self._text.font()
        font.setWeight(font.Weight.DemiBold)
        widest = self._text.text()
        if use.context is not None:
            zeros = "".join("0" if digit.isdigit() else digit for digit in number(f"{max(use.context, use.prompt):,}"))
            taken = zeros if use.exact else tr("about {tokens}", tokens=zeros)
            widest = tr("{taken} of {context:,}", taken=taken, context=use.context)
        self._kept = min(scaled(WIDEST), QFontMetrics(font).horizontalAdvance(widest) + 2)

    def _toggle(self) -> None:
        if self.popup is not None:
            self.popup.close_it()
        elif self._use is not None:
            self._popup.show_use(self._use)
            self._popup.open_above()
