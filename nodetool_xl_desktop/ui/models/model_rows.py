"""The one list behind the cards of the side bar and the table: what is in it, what of it is shown, in which order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QAbstractTableModel, QModelIndex, Qt, Signal

from nodetool_xl_desktop.core.text import one_line
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.library.model_file import ModelFile
from nodetool_xl_desktop.preview.badges import Badge
from nodetool_xl_desktop.ui.models.columns import TEXTS, TITLES, edge, facts_of, trouble_of
from nodetool_xl_desktop.ui.models.entries import Entry, entries, path_text
from nodetool_xl_desktop.ui.models.filters import Column, Filter, Order, arranged
from nodetool_xl_desktop.ui.parts import tooltip
from nodetool_xl_desktop.ui.rows import Index


class ModelRows(QAbstractTableModel):
    """Models as rows. A change resets it: `ModelSelection` and the views put back what a person had before them."""

    #: Rows are about to be others.
    changing = Signal()
    #: They are; whether only the models have changed, and not what a person asks to see of them.
    changed = Signal(bool)

    def __init__(self) -> None:
        super().__init__()
        self._loaded: Path | None = None
        self.badges: dict[Path, Badge] = {}
        self.filter = Filter()
        self.order = Order()
        self.all: list[Entry] = []
        self.shown: list[Entry] = []
        self._by_path: dict[Path, Entry] = {}
        self._listed_as: dict[Path, Path] = {}
        self._row_of: dict[Path, int] = {}

    # What is in it

    @property
    def files(self) -> list[ModelFile]:
        """All models, shown or not, in the library's order."""
        return [entry.file for entry in self.all]

    @property
    def known(self) -> Mapping[Path, Entry]:
        """All of them by path; not changed in place, so that a thread may look into it."""
        return self._by_path

    def listed_as(self, path: Path | None) -> Path | None:
        """The path under which a file is listed, by any of its own: a link to it, a part of its set."""
        return path if path is None or path in self._by_path else self._listed_as.get(path, path)

    def set_files(self, files: Iterable[ModelFile]) -> None:
        """List these."""
        self.set_entries(entries(files, self._by_path))

    def set_entries(self, made: Sequence[Entry]) -> None:
        """List these, as `entries` made them."""
        before = self._by_path
        self.all = list(made)
        self._by_path = {entry.path: entry for entry in made}
        several = (entry.file for entry in made if entry.file.links or len(entry.file.files) > 1)
        self._listed_as = {path: file.path for file in several for path in (*file.links, *file.files)}
        for path in [path for path in self.badges if _is_other(before.get(path), self._by_path.get(path))]:
            del self.badges[path]
        self._arrange(same_question=True)

    def set_filter(self, chosen: Filter) -> None:
        """Show what passes this."""
        if chosen != self.filter:
            self.filter = chosen
            self._arrange()

    def search(self, words: str) -> None:
        """Show what holds these words, and passes what else is chosen."""
        self.set_filter(replace(self.filter, words=words))

    def set_order(self, order: Order) -> None:
        """Sort so."""
        if order != self.order:
            self.order = order
            self._arrange()

    def set_loaded(self, model: Path | None) -> None:
        """Mark the one in memory."""
        before, self._loaded = self.loaded, model
        for path in {before, self.loaded} - {None}:
            self._tell(path)

    @property
    def loaded(self) -> Path | None:
        """The one in memory, as it is listed."""
        return self.listed_as(self._loaded)

    def set_badges(self, badges: Mapping[Path, Badge | None]) -> None:
        """Say whether models would fit; None where that cannot be said."""
        is_other = False
        for path, badge in badges.items():
            if badge == self.badges.get(path) or path not in self._by_path:
                continue
            is_other = True
            if badge is None:
                del self.badges[path]
            else:
                self.badges[path] = badge
            self._tell(path)
        if is_other and self.needs_all_badges:
            self._arrange(same_question=True)

    @property
    def needs_all_badges(self) -> bool:
        """Whether the badges decide what is shown, or where."""
        return self.order.column is Column.FIT or bool(self.filter.verdicts)

    def _tell(self, path: Path | None) -> None:
        index = self.index_of(path)
        if index.isValid():
            self.dataChanged.emit(index, self.index(index.row(), len(Column) - 1))

    def _arrange(self, *, same_question: bool = False) -> None:
        passes = self.filter.matches(self.badges)
        shown = arranged((entry for entry in self.all if passes(entry)), self.order, self.badges)
        if same_question and [entry.path for entry in shown] == [entry.path for entry in self.shown]:
            self.shown = shown  # nothing moves
            if shown:
                self.dataChanged.emit(self.index(0, 0), self.index(len(shown) - 1, len(Column) - 1))
        else:
            self.changing.emit()
            self.beginResetModel()
            self.shown = shown
            self._row_of = {entry.path: row for row, entry in enumerate(shown)}
            self.endResetModel()
        self.changed.emit(same_question)

    # As Qt asks for it

    def index_of(self, model: Path | None) -> QModelIndex:
        """Where a model stands; an invalid index where it is not shown."""
        row = self._row_of.get(model, -1) if model is not None else -1
        return self.index(row, 0) if row >= 0 else QModelIndex()

    def entry(self, index: Index) -> Entry:
        """The model of a row."""
        return self.shown[index.row()]

    def file(self, index: Index) -> ModelFile:
        """The same, as the library has it."""
        return self.entry(index).file

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own default
        return 0 if parent.isValid() else len(self.shown)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(Column)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if orientation is not Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return TITLES[Column(section)]
        return edge(Column(section)) if role == Qt.ItemDataRole.TextAlignmentRole else None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        entry, column = self.shown[index.row()], Column(index.column())
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return self.text(entry, column)
            case Qt.ItemDataRole.UserRole:
                return facts_of(entry.file)
            case Qt.ItemDataRole.TextAlignmentRole:
                return edge(column)
            case Qt.ItemDataRole.ToolTipRole:
                return tooltip(self._tip(entry))
            case Qt.ItemDataRole.AccessibleTextRole:
                said = self.text(entry, column) or tr("none")
                return self._spoken(entry) if column is Column.NAME else f"{TITLES[column]}: {said}"
        return None

    def text(self, entry: Entry, column: Column) -> str:
        """What a column says of a model."""
        return self._fit(entry) if column is Column.FIT else TEXTS[column](entry)

    def _fit(self, entry: Entry) -> str:
        if entry.file.trouble is not None:
            return trouble_of(entry.file)
        badge = self.badges.get(entry.path)
        return tr(badge.verdict.value) if badge is not None else ""

    def _tip(self, entry: Entry) -> str:
        badge, file = self.badges.get(entry.path), entry.file
        said = [badge.says] if badge is not None else []
        if file.trouble is not None:
            said = [f"{file.trouble.what}: {file.trouble.why}", file.trouble.hint]
        said += [self.text(entry, Column.CAPABILITIES), path_text(file.path)]
        if file.same_as:
            said.append(tr("The same as {path}", path=path_text(file.same_as[0])))
        return "\n".join(one_line(line) for line in said if line)

    def _spoken(self, entry: Entry) -> str:
        file = entry.file
        said = [entry.title, facts_of(file), self._fit(entry)]
        said += [tr("favourite")] if file.about.favourite else []
        said += [tr("duplicate")] if file.same_as else []
        said += [tr("loaded")] if file.path == self.loaded else []
        return ", ".join(part for part in said if part)


def _is_other(before: Entry | None, now: Entry | None) -> bool:
    """Whether a badge does not count any more: the file is gone, or another one of its name."""
    if before is None or now is None:
        return True
    return (before.file.size, before.file.modified_ns) != (now.file.size, now.file.modified_ns)
