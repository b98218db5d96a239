"""Say something to whoever listens: a screen reader, by the system's accessibility. Costs nothing where none does."""

from __future__ import annotations

from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent
from PySide6.QtWidgets import QWidget


def is_heard() -> bool:
    """Whether anybody listens."""
    return QAccessible.isActive()


def say(widget: QWidget, words: str, *, at_once: bool = False) -> None:
    """Have this read out.

    Args:
        widget: what it is about.
        words: in plain words.
        at_once: before whatever is being read; else after it.
    """
    if words and is_heard():
        event = QAccessibleAnnouncementEvent(widget, words)
        politeness = QAccessible.AnnouncementPoliteness
        event.setPoliteness(politeness.Assertive if at_once else politeness.Polite)
        QAccessible.updateAccessibility(event)
