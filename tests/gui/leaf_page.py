"""A page with every element that Markdown has, and a widget that shows leaves without a chat around them."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPoint, QRectF, QSize
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from nodetool_xl_desktop.markdown.leaves import (
    Align,
    Code,
    Content,
    Formula,
    Frame,
    Gap,
    Leaf,
    Rule,
    Run,
    Table,
    Words,
)
from nodetool_xl_desktop.ui.leaf.drawing import FramedLeaf, draw
from nodetool_xl_desktop.ui.theme import Theme

MARGIN = 16
GAPS = {Gap.NONE: 0, Gap.SMALL: 3, Gap.NORMAL: 10}
ITEM, QUOTE = Frame.ITEM, Frame.QUOTE


def words(*runs: str | Run, level: int = 0) -> Words:
    """Words of these runs."""
    return Words(tuple(Run(run) if isinstance(run, str) else run for run in runs), level)


def leaf(content: Content, *frames: Frame, marker: str = "", gap: Gap = Gap.NORMAL) -> Leaf:
    """A leaf in these frames."""
    return Leaf(content, frames, marker, gap)


def cell(*runs: str | Run) -> tuple[Run, ...]:
    """A cell of a table."""
    return words(*runs).runs


PYTHON = '''\
@cache
def light_seconds(distance_km: float) -> float:
    """How long light takes."""
    return distance_km / 299_792.458

print(f"{light_seconds(384_400):.2f} s")  # 1.28 s'''
TABLE = Table(
    (
        (cell("Body"), cell("Distance"), cell("Light")),
        (cell("Moon"), cell("384,400 km"), cell(Run("1.28 s", code=True))),
        (cell(Run("Sun", bold=True)), cell("149,597,871 km"), cell(Run("t_0", formula=True))),
    ),
    (Align.LEFT, Align.RIGHT, Align.CENTRE),
)
ABOVE = (
    leaf(words("Light", level=1)),
    leaf(
        words(
            "The moon is ",
            Run("1.28 light seconds", bold=True),
            " away: its ",
            Run("mean", italic=True),
            " distance is ",
            Run("384,400 km", code=True),
            ", ",
            Run("not 400,000", strike=True),
            ". See ",
            Run("the article", link="https://example.org"),
            Run("1", small=True, link="#note-1"),
            ", and ",
            Run("t = \\frac{d}{c}", formula=True),
            " for more.",
        )
    ),
    leaf(words("How to compute it", level=2)),
    leaf(Code(PYTHON, "python")),
    leaf(Formula(r"\int_0^\infty e^{-x^2}\,dx=\frac{\sqrt\pi}{2}")),
    leaf(words("Bodies", level=3)),
    leaf(TABLE),
)
BELOW = (
    leaf(words("Measure the distance"), ITEM, marker="1."),
    leaf(words("Divide by the speed:"), ITEM, marker="2.", gap=Gap.SMALL),
    leaf(words("within an item, so long that it has to be wrapped"), ITEM, ITEM, marker="•", gap=Gap.SMALL),
    leaf(words("deeper"), ITEM, ITEM, ITEM, marker="•", gap=Gap.SMALL),
    leaf(words("The tenth"), ITEM, marker="10.", gap=Gap.SMALL),
    leaf(words("done"), ITEM, marker="☑"),
    leaf(words("still to do"), ITEM, marker="☐", gap=Gap.SMALL),
    leaf(words("What one said of light, who said it at length."), QUOTE),
    leaf(words("And what another answered."), QUOTE, QUOTE),
    leaf(words("one thing of it"), QUOTE, ITEM, marker="•", gap=Gap.SMALL),
    leaf(Rule()),
    leaf(words("مرحبا بالعالم، هذا نص من اليمين إلى اليسار.")),
    leaf(words("بند في قائمة"), ITEM, marker="•", gap=Gap.SMALL),
    leaf(words("An override \u202egnp.exe\u202c and an escape \x1b[31m.")),
    leaf(words(Run("the orbit", image="https://example.org/orbit.png"), " is an image")),
    leaf(Code("SELECT body, distance_km / 299792.458 AS seconds FROM bodies WHERE near = 1;", "sql")),
    leaf(Formula(r"\frac{a")),
    leaf(words("The mean distance."), ITEM, marker="[1]"),
)
PAGE = ABOVE + BELOW


class Page(QWidget):
    """Leaves below each other, as a view has them."""

    def __init__(self, theme: Theme, leaves: Sequence[Leaf], width: int = 480) -> None:
        super().__init__()
        self.theme = theme
        self._room = width
        self.changes = 0
        self.drawn: list[FramedLeaf] = [draw(each, theme, on_change=self._changed) for each in leaves]
        self.tops: list[int] = []
        self.bars: list[QWidget | None] = []
        self.stack()
        for each in self.drawn:
            self.bars.append(each.make_bar(self))
        self.stack()

    def stack(self) -> None:
        """Put them below each other."""
        y, self.tops, above = MARGIN, [], None
        for each in self.drawn:
            each.lay_out(self._room)
            gap = GAPS[each.leaf.gap] if above is not None else 0
            each.join(above, gap)
            y += gap
            self.tops.append(y)
            y += int(each.height)
            above = each.leaf
        self.resize(self._room + 2 * MARGIN, y + MARGIN)
        for bar, top in zip(self.bars, self.tops, strict=False):
            if bar is not None:
                bar.move(MARGIN, top)
                bar.show()
        self.update()

    def drop(self) -> None:
        """Be gone, with all that it draws."""
        self.drawn.clear()
        self.close()
        self.deleteLater()

    @property
    def is_ready(self) -> bool:
        """Whether its formulas are drawn and its code is coloured."""
        return all(each.is_settled for each in self.drawn)

    def picture(self, ratio: float = 1.0) -> QImage:
        """What it looks like, with so many pixels for each of Qt's."""
        size = QSize(round(self.width() * ratio), round(self.height() * ratio))
        made = QImage(size, QImage.Format.Format_RGB32)
        made.setDevicePixelRatio(ratio)
        self.render(made, QPoint())
        return made

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(self.theme.tokens.background))
        for each, top in zip(self.drawn, self.tops, strict=True):
            painter.save()
            painter.translate(MARGIN, top)
            each.paint(painter, QRectF(0, 0, self._room, each.height))
            painter.restore()
        painter.end()

    def _changed(self) -> None:
        self.changes += 1
        self.stack()
