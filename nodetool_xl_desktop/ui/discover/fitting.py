"""Dialogs of one width that are as high as what they say."""

from __future__ import annotations

from PySide6.QtWidgets import QDialog


def fit_height(dialog: QDialog, width: int) -> None:
    """Make a dialog as high as its layout wants to be at this width: Qt lets one grow, but only when it is resized."""
    layout = dialog.layout()
    assert layout is not None
    dialog.ensurePolished()
    layout.activate()
    dialog.setFixedHeight(layout.totalHeightForWidth(width))
