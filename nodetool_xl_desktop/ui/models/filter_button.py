"""The button beside the search that says what models are sorted by, and which of them are shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import fields, replace
from enum import StrEnum
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QMenu, QToolButton

from nodetool_xl_desktop.core.text import one_line
from nodetool_xl_desktop.core.translation import number, tr
from nodetool_xl_desktop.library.model_file import Capability, Place
from nodetool_xl_desktop.ui.models.columns import TITLES
from nodetool_xl_desktop.ui.models.entries import Entry
from nodetool_xl_desktop.ui.models.filters import VERDICTS, Column, Filter, Order, Size, size_of
from nodetool_xl_desktop.ui.models.model_rows import ModelRows
from nodetool_xl_desktop.ui.parts import caption
from nodetool_xl_desktop.ui.theme import Theme

#: The orders of the menu: what begins with the largest or the latest says so.
ORDERS: tuple[tuple[str, Order], ...] = (
    (tr("Favourites, Then Recent"), Order()),
    (tr("Name"), Order(Column.NAME)),
    (tr("Last Used"), Order(Column.LAST_USED, descending=True)),
    (tr("Largest File"), Order(Column.SIZE, descending=True)),
    (tr("Smallest File"), Order(Column.SIZE)),
    (tr("Most Parameters"), Order(Column.PARAMETERS, descending=True)),
    (tr("Longest Context"), Order(Column.CONTEXT, descending=True)),
    (tr("Best Fit"), Order(Column.FIT)),
)
MOST_VALUES = 40


class StayMenu(QMenu):
    """A menu that stays open while things are checked in it: several are chosen at a time."""

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if not self._check(self.actionAt(event.position().toPoint())):
            super().mouseReleaseEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() != Qt.Key.Key_Space or not self._check(self.activeAction()):
            super().keyPressEvent(event)

    def _check(self, action: QAction | None) -> bool:
        if action is None or not action.isCheckable() or not action.isEnabled():
            return False
        action.trigger()
        return True


class FilterButton(QToolButton):
    """Opens the menu; it is marked while something is left out or sorted otherwise.

    Args:
        theme: the theme in force.
        rows: the list that is sorted and filtered.
    """

    def __init__(self, theme: Theme, rows: ModelRows) -> None:
        super().__init__()
        self._theme, self._rows = theme, rows
        self.setProperty("kind", "icon")
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.setToolTip(tr("Sort and Filter"))
        self.setAccessibleName(tr("Sort and filter"))
        menu = StayMenu(self)
        menu.aboutToShow.connect(self._fill)
        self.setMenu(menu)
        rows.changed.connect(lambda _same: self._show())
        theme.changed.connect(self._show)
        self._show()

    def _show(self) -> None:
        is_set = self._rows.filter.has_choices or self._rows.order != Order()
        self.setIcon(self._theme.icon("sliders-horizontal", "accent" if is_set else "muted"))
        self.setAccessibleDescription(self._rows.filter.says)

    def _fill(self) -> None:
        menu, rows = self.menu(), self._rows
        menu.clear()
        for child in menu.findChildren(QMenu, options=Qt.FindChildOption.FindDirectChildrenOnly):
            child.deleteLater()
        self._fill_orders(self._submenu(tr("Sort By")))
        menu.addSeparator()
        files = [entry.file for entry in rows.all]
        self._flag(tr("Favourites"), "favourites", sum(file.about.favourite for file in files))
        self._flag(tr("Problems"), "troubled", sum(file.trouble is not None for file in files))
        self._flag(tr("Duplicates"), "duplicates", sum(bool(file.same_as) for file in files))
        menu.addSeparator()
        verdicts = (badge.verdict for badge in (rows.badges.get(entry.path) for entry in rows.all) if badge)
        self._values(tr("Fit"), "verdicts", verdicts, VERDICTS, is_whole=False)
        self._values(tr("Capabilities"), "capabilities", (each for f in files for each in f.capabilities), Capability)
        self._values(tr("Size"), "sizes", (size_of(file.size) for file in files), Size)
        self._values(tr("Architecture"), "architectures", _architectures(rows.all))
        self._values(tr("Place"), "places", (file.place for file in files), Place)
        self._values(tr("Tags"), "tags", (tag for file in files for tag in file.about.tags))
        menu.addSeparator()
        clear = menu.addAction(tr("Clear Filters"))
        clear.setEnabled(rows.filter.has_choices)
        clear.triggered.connect(lambda: rows.set_filter(Filter(words=rows.filter.words)))

    def _submenu(self, title: str) -> QMenu:
        made = StayMenu(title, self.menu())
        self.menu().addMenu(made)
        return made

    def _fill_orders(self, menu: QMenu) -> None:
        shown = ORDERS
        if self._rows.order not in [order for _, order in ORDERS] and (column := self._rows.order.column) is not None:
            shown = (*ORDERS, (TITLES[column], self._rows.order))  # chosen in the table's header
        for name, order in shown:
            action = menu.addAction(name)
            action.setCheckable(True)
            action.setChecked(order == self._rows.order)
            action.triggered.connect(lambda _checked, order=order: self._sort(menu, order))

    def _sort(self, menu: QMenu, order: Order) -> None:
        self._rows.set_order(order)
        for action, (_, each) in zip(menu.actions(), ORDERS, strict=False):
            action.setChecked(each == order)

    def _flag(self, text: str, field: str, count: int) -> None:
        action = self.menu().addAction(f"{text}\t{number(f'{count:,}')}")
        action.setCheckable(True)
        action.setChecked(getattr(self._rows.filter, field))
        action.setEnabled(bool(count) or action.isChecked())
        action.triggered.connect(lambda checked: self._change(field, checked))

    def _values(
        self,
        title: str,
        field: str,
        there: Iterable[Hashable],
        order: Iterable[Hashable] | None = None,
        *,
        is_whole: bool = True,
    ) -> None:
        """A menu of the values that there are.

        Args:
            title: of the menu.
            field: of the filter.
            there: the value of each model.
            order: of the values; None for the most frequent first.
            is_whole: whether all are counted; else all values are offered, without figures.
        """
        counted, chosen = Counter(there), getattr(self._rows.filter, field)
        values: Sequence[Any] = [value for value, _ in counted.most_common(MOST_VALUES)] if order is None else [*order]
        values = [value for value in values if value in counted or value in chosen or not is_whole]
        values = [*values, *(value for value in chosen if value not in values)]
        menu = self._submenu(f"{title} · {len(chosen)}" if chosen else title)
        menu.setEnabled(bool(values))
        for value in values:
            figure = number(f"\t{counted[value]:,}") if is_whole else ""
            action = menu.addAction(
                caption(one_line(tr(value.value) if isinstance(value, StrEnum) else str(value))) + figure
            )
            action.setCheckable(True)
            action.setChecked(value in chosen)
            action.triggered.connect(_changer(self._choose, field, value))

    def _choose(self, field: str, value: Hashable, is_on: bool) -> None:
        chosen = getattr(self._rows.filter, field)
        self._change(field, chosen | {value} if is_on else chosen - {value})

    def _change(self, field: str, value: object) -> None:
        if field not in {each.name for each in fields(Filter)}:
            raise AttributeError(field)
        changes: dict[str, Any] = {field: value}
        self._rows.set_filter(replace(self._rows.filter, **changes))


def _changer(work: Callable[[str, Hashable, bool], None], field: str, value: Hashable) -> Callable[[bool], None]:
    return lambda checked: work(field, value, checked)


def _architectures(all_entries: Iterable[Entry]) -> Iterable[str]:
    return (entry.architecture for entry in all_entries if entry.architecture)
