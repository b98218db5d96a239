"""Markdown as plain text: what is read of it, with its lists and paragraphs, and without its marks."""

from __future__ import annotations

from PySide6.QtGui import QTextBlock, QTextCursor, QTextDocument, QTextFormat, QTextTable

FEATURES = QTextDocument.MarkdownFeature(
    QTextDocument.MarkdownFeature.MarkdownDialectGitHub.value | QTextDocument.MarkdownFeature.MarkdownNoHTML.value
)
INDENT = "  "


def plain_text(markdown: str) -> str:
    """The text that is read, paragraphs apart by an empty line, items of lists with their numbers or a dash."""
    document = QTextDocument()
    document.setMarkdown(markdown, FEATURES)
    out, block, before = "", document.begin(), ""
    while block.isValid():
        kind, text = _kind(block), _line(block)
        if text or not _is_between(block):
            out += (_between(before, kind) if out else "") + text
            before = kind
        block = block.next()
    return out.strip("\n")


def _is_between(block: QTextBlock) -> bool:
    """Whether it is one of the empty blocks that Qt puts before a table and into its first cell."""
    table = QTextCursor(block).currentTable()
    if not isinstance(table, QTextTable):
        return block.textList() is None and not _is_code(block)
    return block.next().isValid() and table.cellAt(block.position()) == table.cellAt(block.next().position())


def _kind(block: QTextBlock) -> str:
    """Blocks of one kind stand close together; paragraphs never do."""
    table = QTextCursor(block).currentTable()
    if isinstance(table, QTextTable):
        return f"row {table.firstPosition()} {table.cellAt(block.position()).row()}"
    if block.textList() is not None:
        return "item"
    return "code" if _is_code(block) else ""


def _is_code(block: QTextBlock) -> bool:
    return block.blockFormat().hasProperty(QTextFormat.Property.BlockCodeFence.value)


def _between(before: str, kind: str) -> str:
    if before.startswith("row") and kind.startswith("row"):
        return "\t" if before == kind else "\n"
    return "\n" if before and before == kind else "\n\n"


def _line(block: QTextBlock) -> str:
    items = block.textList()
    if items is None:
        return block.text().replace("\u2028", "\n")
    number = items.itemText(block).strip()
    mark = number if any(letter.isalnum() for letter in number) else "-"
    return f"{INDENT * (items.format().indent() - 1)}{mark} {block.text()}"
