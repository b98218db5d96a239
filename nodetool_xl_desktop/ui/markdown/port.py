"""What a widget is seen through."""

from __future__ import annotations

from PySide6.QtWidgets import QAbstractScrollArea, QWidget


def port_of(widget: QWidget) -> QWidget | None:
    """The viewport of what scrolls a widget; None where nothing does."""
    inner = widget.parentWidget()
    while inner is not None:
        area = inner.parentWidget()
        if isinstance(area, QAbstractScrollArea) and area.viewport() is inner:
            return inner
        inner = area
    return None
