"""A chat as pages of a PDF, made in the window's thread in slices, between which the window goes on working.

Qt's text could be laid out in another thread, too; but each of its calls holds Python's lock until it returns, and
laying out a long chat whole is one call of 0.6 s. In slices nothing is held longer than one block or one page takes.
"""

from __future__ import annotations

import asyncio
import html
import time
from collections.abc import Iterator
from functools import partial

from PySide6.QtCore import QBuffer, QIODevice, QLocale, QMarginsF, QRectF, QSizeF, Qt
from PySide6.QtGui import (
    QAbstractTextDocumentLayout,
    QBrush,
    QColor,
    QFont,
    QFontDatabase,
    QFontMetricsF,
    QImage,
    QPageLayout,
    QPageSize,
    QPainter,
    QPdfWriter,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
    QTextFrameFormat,
    QTextImageFormat,
    QTextLength,
    QTextOption,
    QTextTableFormat,
)
from PySide6.QtWidgets import QApplication

from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.exchange.export_html import Block, Note, Picture, Thought
from nodetool_xl_desktop.exchange.export_markup import Code, Prose
from nodetool_xl_desktop.exchange.progress import Progress
from nodetool_xl_desktop.exchange.transfer import Printed
from nodetool_xl_desktop.ui.tasks import in_thread
from nodetool_xl_desktop.ui.theme import LIGHT

#: After so long, in seconds, the window gets its turn.
SLICE_S = 0.008
MARGIN_MM, FOOT_MM = 20, 10
TEXT_PT, SMALL_PT, CODE_PT = 10.5, 8.5, 9.0
#: Of the writer, in dots per inch; text stays text whatever it is.
DPI = 600
#: In percent of a line's own.
LINE_HEIGHT = 135
#: In pixels of 96 to the inch.
PAGE_WIDTH = 640
#: Lines of code that are laid out at once.
LINES = 150

_STYLE = f"""
h1 {{ font-size: 15pt; }} h2 {{ font-size: 13pt; }} h3, h4, h5, h6 {{ font-size: 11pt; }}
p, li {{ line-height: 135%; }} p.plain {{ white-space: pre-wrap; }}
a {{ color: {LIGHT.accent}; }} th {{ background-color: {LIGHT.sunken}; }}
code {{ font-family: monospace; font-size: {CODE_PT}pt; background-color: {LIGHT.sunken}; }}
blockquote {{ color: {LIGHT.muted}; }}
pre {{ font-family: monospace; font-size: {CODE_PT}pt; }}
"""
_TABLE = (
    f'<table border="1" cellspacing="0" cellpadding="5" style="border-style: solid; border-color: {LIGHT.others}; '
    'border-collapse: collapse">'
)


async def to_pdf(printed: Printed, progress: Progress) -> bytes:
    """The PDF, with the chat's title and the page's number on each page; empty where it was cancelled."""
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    slices = _Slices(progress)
    page = _Page(printed, QPdfWriter(buffer))
    for turn in printed.turns:
        for step in page.write_turn(turn):
            if isinstance(step, Picture):
                page.add_picture(await in_thread(partial(QImage.fromData, step.data)), step.name)
            if not await slices.goes_on():
                return b""
    for _ in page.paint():
        if not await slices.goes_on():
            page.end()
            return b""
    page.end()
    return bytes(buffer.data().data())


class _Slices:
    """Gives the window its turn when it is due."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._begun = time.perf_counter()

    async def goes_on(self) -> bool:
        if time.perf_counter() - self._begun > SLICE_S:
            await asyncio.sleep(0)
            self._begun = time.perf_counter()
        return not self._progress.is_cancelled


class _Page:
    """The text, and the pages that it is painted on."""

    def __init__(self, printed: Printed, writer: QPdfWriter) -> None:
        self._title = printed.title
        self._writer = writer
        is_american = QLocale.system().measurementSystem() is QLocale.MeasurementSystem.ImperialUSSystem
        size = QPageSize.PageSizeId.Letter if is_american else QPageSize.PageSizeId.A4
        margins = QMarginsF(MARGIN_MM, MARGIN_MM, MARGIN_MM, MARGIN_MM + FOOT_MM)
        writer.setPageLayout(
            QPageLayout(QPageSize(size), QPageLayout.Orientation.Portrait, margins, QPageLayout.Unit.Millimeter)
        )
        writer.setResolution(DPI)
        writer.setTitle(printed.title)
        writer.setCreator(tr("NodeTool XL Desktop"))
        self._area = QRectF(0, 0, writer.width(), writer.height())
        self._painter: QPainter | None = None
        self._document = QTextDocument()
        self._document.setUndoRedoEnabled(False)
        self._document.setDocumentMargin(0)
        self._document.setDefaultStyleSheet(_STYLE)
        self._document.setDefaultFont(_font(TEXT_PT))
        option = QTextOption()
        option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        self._document.setDefaultTextOption(option)
        self._document.documentLayout().setPaintDevice(writer)
        self._document.setPageSize(QSizeF(self._area.width(), self._area.height()))
        self._cursor = QTextCursor(self._document)
        self._pictures = 0
        self._line(printed.title, 17, LIGHT.text, bold=True)
        self._line(printed.subtitle, SMALL_PT, LIGHT.muted, below=10)

    # Text

    def write_turn(self, turn: tuple[str, bool, tuple[Block, ...]]) -> Iterator[Block]:
        """Write a turn, block by block; what comes out at a picture is not written yet."""
        speaker, is_person, blocks = turn
        self._line(speaker, TEXT_PT - 1, LIGHT.accent if is_person else LIGHT.text, bold=True, above=16, below=3)
        for block in blocks:
            match block:
                case Prose(text):
                    self._html(text.replace("<table>", _TABLE))
                case Code(text, language):
                    if language:
                        self._line(language, SMALL_PT, LIGHT.muted, above=4, below=2)
                    for _ in self._code(text):
                        yield block
                case Thought(text):
                    self._html(f'<p style="white-space: pre-wrap; color: {LIGHT.muted}">{html.escape(text)}</p>')
                case Note(text):
                    self._line(text, SMALL_PT, LIGHT.muted, above=4, below=2)
            yield block

    def add_picture(self, picture: QImage, name: str) -> None:
        """Write a picture, no wider than the text."""
        if picture.isNull():
            self._line(tr("{name} (a picture that cannot be shown)", name=name), SMALL_PT, LIGHT.muted)
            return
        self._pictures += 1
        format_ = QTextImageFormat()
        format_.setName(f"picture:{self._pictures}")
        self._document.addResource(QTextDocument.ResourceType.ImageResource, format_.name(), picture)
        width = min(picture.width(), PAGE_WIDTH)
        format_.setWidth(width)
        format_.setHeight(picture.height() * width / picture.width())
        self._begin_block(6, 6, line_height=100)
        self._cursor.insertImage(format_)

    def _begin_block(self, above: float, below: float, line_height: float = LINE_HEIGHT) -> None:
        self._cursor.movePosition(QTextCursor.MoveOperation.End)
        format_ = QTextBlockFormat()
        format_.setTopMargin(above)
        format_.setBottomMargin(below)
        format_.setLineHeight(line_height, QTextBlockFormat.LineHeightTypes.ProportionalHeight.value)
        if not self._cursor.block().text():  # at the beginning, and after a box
            self._cursor.setBlockFormat(format_)
            self._cursor.setCharFormat(QTextCharFormat())
        else:
            self._cursor.insertBlock(format_, QTextCharFormat())

    def _line(
        self, text: str, points: float, color: str, *, bold: bool = False, above: float = 0, below: float = 0
    ) -> None:
        self._begin_block(above, below)
        format_ = QTextCharFormat()
        font = _font(points)
        font.setBold(bold)
        format_.setFont(font)
        format_.setForeground(QBrush(QColor(color)))
        self._cursor.insertText(" ".join(text.split()), format_)

    def _html(self, text: str) -> None:
        self._begin_block(5, 5)
        self._cursor.insertHtml(text)

    def _code(self, text: str) -> Iterator[None]:
        """A shaded box, as several where it is long."""
        lines = text.split("\n")
        for at in range(0, len(lines), LINES):
            self._cursor.movePosition(QTextCursor.MoveOperation.End)
            format_ = QTextTableFormat()
            format_.setWidth(QTextLength(QTextLength.Type.PercentageLength, 100))
            format_.setBorder(1)
            format_.setBorderCollapse(True)
            format_.setTopMargin(6)
            format_.setBottomMargin(10)
            format_.setBorderStyle(QTextFrameFormat.BorderStyle.BorderStyle_Solid)
            format_.setBorderBrush(QBrush(QColor(LIGHT.others)))
            format_.setCellPadding(7)
            format_.setCellSpacing(0)
            cell = self._cursor.insertTable(1, 1, format_).cellAt(0, 0)
            shade = cell.format()
            shade.setBackground(QBrush(QColor(LIGHT.sunken)))
            cell.setFormat(shade)
            inside = cell.firstCursorPosition()
            code = QTextCharFormat()
            font = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
            font.setPointSizeF(CODE_PT)
            code.setFont(font)
            inside.insertText("\n".join(lines[at : at + LINES]), code)
            yield

    # Pages

    def paint(self) -> Iterator[None]:
        """Paint page after page."""
        count = self._document.pageCount()
        painter = self._painter = QPainter(self._writer)
        for number in range(count):
            if number:
                self._writer.newPage()
            painter.save()
            painter.translate(0, -number * self._area.height())
            context = QAbstractTextDocumentLayout.PaintContext()
            context.clip = self._area.translated(0, number * self._area.height())
            painter.setClipRect(context.clip)
            self._document.documentLayout().draw(painter, context)
            painter.restore()
            self._paint_foot(painter, number + 1, count)
            yield

    def end(self) -> None:
        """Complete the file."""
        if self._painter is not None:
            self._painter.end()

    def _paint_foot(self, painter: QPainter, number: int, count: int) -> None:
        painter.setFont(_font(SMALL_PT - 0.5))
        painter.setPen(QColor(LIGHT.muted))
        height = FOOT_MM / 25.4 * DPI
        foot = QRectF(0, self._area.height() + height / 2, self._area.width(), height / 2)
        page = f"{number} / {count}"
        metrics = QFontMetricsF(painter.font(), self._writer)
        room = foot.width() - metrics.horizontalAdvance(page) - height
        title = metrics.elidedText(self._title, Qt.TextElideMode.ElideRight, room)
        painter.drawText(foot, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, title)
        painter.drawText(foot, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, page)


def _font(points: float) -> QFont:
    font = QFont(QApplication.font())
    font.setPointSizeF(points)
    return font
