"""The chat template of a model, with the colours of Jinja."""

from __future__ import annotations

from PySide6.QtGui import QColor, QTextCharFormat, QTextLayout, QTextOption
from PySide6.QtWidgets import QPlainTextEdit

from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.ui.leaf.highlighting import Highlighter, load_lexer
from nodetool_xl_desktop.ui.theme import Theme

#: What begins and ends at these letters of a line (UTF-16, as Qt counts), and the token of the theme that colours it.
Span = tuple[int, int, str]
_LANGUAGE = "jinja"
_LONGEST_S = 2.0


def coloured(template: str) -> tuple[str, list[list[Span]]]:
    """A template as it can be drawn, and the colours of each of its lines. Takes some ms: in a thread."""
    text = template.replace("\r\n", "\n").replace("\r", "\n").encode("utf-8", "replace").decode()
    text = "".join(letter if letter in "\n\t" or letter.isprintable() else "\ufffd" for letter in text)
    lines = text.split("\n")
    found: list[list[Span]] = [[] for _ in lines]
    lexer = load_lexer(_LANGUAGE)
    if lexer is None:
        return text, found
    highlighter = Highlighter(lexer, text)
    highlighter.work(len(text), _LONGEST_S)
    at = 0
    for line, spans in zip(lines, found, strict=True):
        for start, end, role in highlighter.spans(at, at + len(line)):
            spans.append((_units(line[: start - at]), _units(line[start - at : end - at]), role))
        at += len(line) + 1
    return text, found


def _units(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-16-le")) // 2


class TemplatePane(QPlainTextEdit):
    """Shows it, to be read and copied."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._spans: list[list[Span]] = []
        self.setReadOnly(True)
        self.setProperty("kind", "code")
        self.setAccessibleName(tr("Chat template"))
        self.setWordWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        self.setUndoRedoEnabled(False)
        theme.changed.connect(self._colour)

    def show_template(self, text: str, spans: list[list[Span]]) -> None:
        """Show a template, as `coloured` made it; one that is shown already stays where it is scrolled to."""
        if text == self.toPlainText():
            return
        self._spans = spans
        self.setPlainText(text or tr("This model brings no chat template."))
        self._colour()

    def _colour(self) -> None:
        tokens, block = self._theme.tokens, self.document().firstBlock()
        for spans in self._spans:
            ranges = []
            for start, length, role in spans:
                each = QTextLayout.FormatRange()
                each.start, each.length = start, length
                look = QTextCharFormat()
                look.setForeground(QColor(getattr(tokens, role)))
                each.format = look
                ranges.append(each)
            block.layout().setFormats(ranges)
            self.document().markContentsDirty(block.position(), block.length())
            block = block.next()
