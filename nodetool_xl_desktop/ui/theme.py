"""Colours, spaces and the style sheet made of them: one table of tokens a theme, and nothing else names a colour.

Follows the system between light and dark while the program runs; a high-contrast palette of the system wins over ours.
"""

from __future__ import annotations

import importlib
import re
import sys
from dataclasses import dataclass, fields
from functools import cache
from types import ModuleType
from typing import cast

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QFontInfo, QGuiApplication, QIcon, QPalette, QStyleHints
from PySide6.QtWidgets import QApplication

#: Phosphor, as qtawesome calls it.
ICONS = "ph"


@dataclass(frozen=True, slots=True)
class Tokens:
    """The colours of one theme, as `#RRGGBB`. `tests/gui/test_contrast.py` holds what is drawn on what to a contrast.

    Attributes:
        line: parts what stands beside each other.
        edge: where a control ends that would not be known for one otherwise, as a field that is empty.
    """

    background: str
    surface: str
    sunken: str
    line: str
    edge: str
    text: str
    muted: str
    accent: str
    accent_soft: str
    on_accent: str
    warning: str
    warning_soft: str
    bad: str
    bad_soft: str
    model: str
    context: str
    compute: str
    others: str
    code: str
    code_keyword: str
    code_string: str
    code_number: str
    code_comment: str
    code_name: str
    code_type: str


LIGHT = Tokens(
    background="#FBFAF8",
    surface="#FFFFFF",
    sunken="#F3F1ED",
    line="#E4E1DA",
    edge="#8C877D",
    text="#23211D",
    muted="#6B6760",
    accent="#2F6F5E",
    accent_soft="#E3EFEB",
    on_accent="#FFFFFF",
    warning="#A1590B",
    warning_soft="#FBEFDD",
    bad="#B3362B",
    bad_soft="#FAE7E4",
    model="#2F6F5E",
    context="#B8791F",
    compute="#7A6FB0",
    others="#C9C4BA",
    code="#F6F4F0",
    code_keyword="#8A3B78",
    code_string="#3C6B22",
    code_number="#8F4E08",
    code_comment="#6B6760",
    code_name="#285FA3",
    code_type="#0F6873",
)
DARK = Tokens(
    background="#171614",
    surface="#1F1E1B",
    sunken="#131211",
    line="#34322E",
    edge="#716D64",
    text="#ECE9E2",
    muted="#A29D93",
    accent="#6DB8A2",
    accent_soft="#223630",
    on_accent="#10211C",
    warning="#E3A75A",
    warning_soft="#3A2C18",
    bad="#EC8679",
    bad_soft="#3D2320",
    model="#5FAA95",
    context="#D9A14E",
    compute="#9C92D0",
    others="#4A4741",
    code="#191816",
    code_keyword="#D79BCB",
    code_string="#9DC688",
    code_number="#E2AC70",
    code_comment="#979186",
    code_name="#8FB9EA",
    code_type="#78C4C8",
)

#: What a person may choose; the system decides where it is none of these.
SCHEMES = {"light": Qt.ColorScheme.Light, "dark": Qt.ColorScheme.Dark}
#: So large are the letters of controls, where the system's are not larger, in pixels.
USUAL_PX = 13
#: Nothing grows with the letters beyond that: it has to lie in a window of 1024 x 640.
WIDEST = 960
#: The spaces there are, in device-independent pixels.
SPACE_XS, SPACE_S, SPACE_M, SPACE_L, SPACE_XL = 4, 8, 12, 16, 20
#: Of icons on buttons and in menus, in letters of the usual size, and of those that are larger or smaller
#: (`parts.size_icon`).
ICON_PX, OTHER_ICONS = 16, (10, 12, 14, 18)


class Theme(QObject):
    """The theme in force.

    Args:
        application: is drawn so.
        name: which one a person chose, of `SCHEMES`; the system decides where it is none of these.
    """

    #: The tokens are others now: whoever paints by hand paints again.
    changed = Signal()

    def __init__(self, application: QApplication, name: str = "") -> None:
        super().__init__(application)
        self._application = application
        self._system_palette = QPalette(application.palette())
        #: Which one a person chose; else the system decides.
        self.name = name
        self._scheme = SCHEMES.get(name)
        self.tokens = LIGHT
        #: How much larger than the rest what is read in a chat is drawn, as a person chose it.
        self.chosen_zoom = 1.0
        self._letters = self._of_font(application)
        #: Of the letters of code, the first that there is; empty for the system's own.
        self.code_families: tuple[str, ...] = ()
        application.setStyle("Fusion")
        style_hints().colorSchemeChanged.connect(self.apply)
        application.fontChanged.connect(self._font_changed)
        self.apply()

    @property
    def zoom(self) -> float:
        """How much larger than usual what is read in a chat is drawn: as was chosen, and by the system's letters."""
        return self.chosen_zoom * text_scale()

    def choose(self, scheme: Qt.ColorScheme | None) -> None:
        """Be light or dark whatever the system says; None follows it again."""
        if scheme is not self._scheme:
            self._scheme = scheme
            self.apply()

    def use(self, name: str) -> None:
        """The person chose this one, of `SCHEMES`; the system decides where it is none of these."""
        if name != self.name:
            self.name = name
            self.choose(SCHEMES.get(name))

    def set_zoom(self, zoom: float) -> None:
        """Draw what is read in a chat so much larger than usual, from half to three times."""
        zoom = min(3.0, max(0.5, zoom))
        if zoom != self.chosen_zoom:
            self.chosen_zoom = zoom
            self.changed.emit()

    def apply(self) -> None:
        """Look at what the system asks for, and draw everything so."""
        hints = style_hints()
        if hints.accessibility().contrastPreference() is Qt.ContrastPreference.HighContrast:
            self.tokens = _from_palette(self._system_palette)
        else:
            self.tokens = DARK if (self._scheme or hints.colorScheme()) is Qt.ColorScheme.Dark else LIGHT
        self._application.setPalette(_palette(self.tokens))
        self._application.setStyleSheet(_with_letters(_style_sheet(self.tokens)))
        self.changed.emit()

    @staticmethod
    def _of_font(application: QApplication) -> tuple[str, int]:
        font = application.font()
        return font.family(), QFontInfo(font).pixelSize()

    def _font_changed(self) -> None:
        """The system has other letters now."""
        letters = self._of_font(self._application)
        if letters != self._letters:
            self._letters = letters
            self.apply()

    def icon(self, name: str, role: str = "muted") -> QIcon:
        """An icon of the one family and weight that the program uses.

        Args:
            name: Phosphor's name for it.
            role: the token that colours it.
        """
        color = getattr(self.tokens, role)
        disabled = self.tokens.background if role == "on_accent" else self.tokens.others
        return cast("QIcon", _qtawesome().icon(f"{ICONS}.{name}", color=color, color_disabled=disabled))


def _qtawesome() -> ModuleType:
    """The icons.

    WORKAROUND: qtawesome 1.4 reads Qt through qtpy 2.4, which imports every name of Qt with a star: 0.1 s of the start.
    So it finds Qt's own modules there, which have all the names that it takes. And it loads all of its twelve fonts
    with the first icon, which is 13 MiB: it gets to know the one family that is used.
    """
    if "qtawesome" in sys.modules:
        return sys.modules["qtawesome"]
    for name in ("QtCore", "QtGui", "QtWidgets"):
        sys.modules.setdefault(f"qtpy.{name}", sys.modules[f"PySide6.{name}"])
    icons = importlib.import_module("qtawesome")
    vars(icons)["_BUNDLED_FONTS"] = [font for font in vars(icons)["_BUNDLED_FONTS"] if font[0] == ICONS]
    return icons


def text_scale() -> float:
    """How much larger than ours the letters are that the system asks for; 1 where they are as large, or smaller.

    Every system's default is 12 or 13 pixels, for which the window is drawn.
    """
    return min(2.0, max(1.0, QFontInfo(QApplication.font()).pixelSize() / USUAL_PX))


@cache
def style_hints() -> QStyleHints:
    """What the system asks for, as Qt tells it; there is an application.

    WORKAROUND (PySide 6.11): kept for ever. Where the collector finds both this and what `accessibility()` returned
    unused, and the latter first, PySide takes that for Python's own and deletes it: Qt's next look at it crashes.
    """
    return QGuiApplication.styleHints()


def scaled(pixels: float) -> int:
    """A size of letters, or of what holds them, as the system's letters ask for."""
    return round(pixels * text_scale())


def even(pixels: float) -> int:
    """The same of what has a middle, such as a handle, that lies between two pixels."""
    return 2 * round(pixels * text_scale() / 2)


def wide(pixels: int) -> int:
    """How wide a dialog or a panel over the window is that takes so many pixels with letters of the usual size: wider
    as they are larger, within the smallest window that has to do."""
    return max(pixels, min(scaled(pixels), WIDEST))


def share(pixels: int, width: int, part: float) -> int:
    """How wide a panel beside others is: wider as the letters are larger, but no more than a part of the window.

    Args:
        pixels: with letters of the usual size.
        width: of the window.
        part: of that, at most.
    """
    return max(pixels, min(scaled(pixels), round(width * part)))


def _with_letters(sheet: str) -> str:
    """The sheet with its letters as large as the system asks for."""
    scale = text_scale()
    if scale == 1:
        return sheet
    return re.sub(r"font-size: ([\d.]+)px", lambda size: f"font-size: {round(float(size[1]) * scale, 1):g}px", sheet)


def zoomed(zoom: float) -> str:
    """What stands around the text of a message, such as its figures and its calls, larger in the same measure; nothing
    where it is as large as ever. A sheet of the one message, as a new one for the program takes long."""
    if zoom == 1:
        return ""
    small, usual = round(12 * zoom), round(13 * zoom)
    return f"""
    QLabel, QPushButton, QLineEdit {{ font-size: {usual}px; }}
    QLabel[kind="note"], QLabel[kind="author"], QLabel[kind="problem"], QLabel[pill="quiet"], QLabel[tone="muted"],
    QLabel[tone="accent"], QLabel[tone="warning"], QLabel[tone="bad"], QPushButton[kind="quiet"],
    QPushButton[small="true"] {{ font-size: {small}px; }}
    """


def _from_palette(palette: QPalette) -> Tokens:
    """Tokens from the system's own colours."""
    role = QPalette.ColorRole
    source = {
        role.Window: "background surface sunken accent_soft warning_soft bad_soft code",
        role.WindowText: (
            "line edge text muted warning bad model context compute others "
            "code_keyword code_string code_number code_comment code_name code_type"
        ),
        role.Highlight: "accent",
        role.HighlightedText: "on_accent",
    }
    values = {name: palette.color(key).name() for key, names in source.items() for name in names.split()}
    return Tokens(**{field.name: values[field.name] for field in fields(Tokens)})


def _palette(tokens: Tokens) -> QPalette:
    """What Qt's own painting uses where no style sheet reaches."""
    palette, role = QPalette(), QPalette.ColorRole
    for key, value in {
        role.Window: tokens.background,
        role.WindowText: tokens.text,
        role.Base: tokens.surface,
        role.AlternateBase: tokens.sunken,
        role.Text: tokens.text,
        role.Button: tokens.surface,
        role.ButtonText: tokens.text,
        role.PlaceholderText: tokens.muted,
        role.Highlight: tokens.accent,
        role.HighlightedText: tokens.on_accent,
        role.ToolTipBase: tokens.surface,
        role.ToolTipText: tokens.text,
        role.Link: tokens.accent,
        role.Accent: tokens.accent,
    }.items():
        palette.setColor(key, QColor(value))
    return palette


def _other_icons() -> str:
    return "\n".join(
        f'QPushButton[icons="{size}"], QToolButton[icons="{size}"] {{ icon-size: {scaled(size)}px; }}'
        for size in OTHER_ICONS
    )


def _marks(t: Tokens) -> str:
    """What stands beside words and is as large as they are: icons, and what is checked or drawn along."""
    box, radio, ring, handle = scaled(14), even(12), scaled(4), even(12)
    return f"""
QPushButton, QToolButton, QMenu {{ icon-size: {scaled(ICON_PX)}px; }}
{_other_icons()}
QLineEdit > QToolButton {{ icon-size: {ICON_PX}px; }}
QCheckBox::indicator {{
    width: {box}px; height: {box}px; border: 1px solid {t.muted}; border-radius: 4px; background: {t.surface};
}}
QCheckBox::indicator:checked {{ background: {t.accent}; border-color: {t.accent}; }}
QCheckBox::indicator:focus {{ border: 2px solid {t.accent}; width: {box - 2}px; height: {box - 2}px; }}
QCheckBox::indicator:checked:focus {{ border-color: {t.text}; }}
QRadioButton::indicator {{
    width: {radio}px; height: {radio}px; border: 1px solid {t.muted}; border-radius: {radio // 2 + 1}px;
    background: {t.surface};
}}
QRadioButton::indicator:checked {{
    width: {radio + 2 - 2 * ring}px; height: {radio + 2 - 2 * ring}px; border: {ring}px solid {t.accent};
}}
QRadioButton::indicator:focus {{ border-color: {t.accent}; }}
QSlider {{ min-height: {handle + 8}px; }}
QSlider::handle:horizontal {{
    width: {handle}px; height: {handle}px; margin: -{handle // 2}px 0; border-radius: {handle // 2 + 2}px;
    background: {t.surface}; border: 2px solid {t.accent};
}}
"""


def _style_sheet(t: Tokens) -> str:
    """One sheet for the whole program; a widget says what it is by its object name or its `kind` property."""
    return f"""{_marks(t)}
* {{ font-size: 13px; color: {t.text}; }}
QMainWindow, QDialog {{ background: {t.background}; }}
QToolTip {{ background: {t.surface}; color: {t.text}; border: 1px solid {t.line}; padding: 4px 8px; }}

QMenuBar {{ background: {t.sunken}; border-bottom: 1px solid {t.line}; padding: 2px 8px; }}
QMenuBar::item {{ padding: 4px 10px; border-radius: 6px; background: transparent; }}
QMenuBar::item:selected {{ background: {t.accent_soft}; }}
QMenu {{ background: {t.surface}; border: 1px solid {t.line}; border-radius: 8px; padding: 4px; }}
QMenu::item {{ padding: 6px 24px 6px 12px; border-radius: 6px; }}
QMenu::item:selected {{ background: {t.accent_soft}; }}
QMenu::item:disabled {{ color: {t.muted}; }}
QMenu::separator {{ height: 1px; background: {t.line}; margin: 4px 8px; }}

#sideBar {{ background: {t.sunken}; border-right: 1px solid {t.line}; }}
#tabs {{ background: transparent; border: 1px solid {t.line}; border-radius: 8px; }}
#tabs QTabBar {{ background: transparent; qproperty-drawBase: 0; }}
#tabs QTabBar::tab {{
    background: transparent; color: {t.muted}; border: 1px solid transparent; border-radius: 6px; padding: 6px 0;
}}
#tabs QTabBar::tab:hover {{ color: {t.text}; }}
#tabs QTabBar::tab:selected {{ background: {t.surface}; color: {t.text}; font-weight: 600; }}
#tabs QTabBar::tab:selected:focus {{ border-color: {t.accent}; }}
#search {{
    background: {t.surface}; border: 1px solid {t.edge}; border-radius: 8px; padding: 6px 4px;
    selection-background-color: {t.accent}; selection-color: {t.on_accent};
}}
#search:focus {{ border-color: {t.accent}; }}
QLineEdit[kind="inplace"] {{
    background: {t.surface}; border: 1px solid {t.accent}; border-radius: 8px; padding: 0 6px;
    selection-background-color: {t.accent}; selection-color: {t.on_accent};
}}
#fitPanel, #fitScroll, #fitBody {{ background: {t.background}; }}
#fitPanel {{ border-left: 1px solid {t.line}; }}
#topBar {{ background: {t.background}; border-bottom: 1px solid {t.line}; }}
#transcript, #transcriptBody, #welcome, #welcomeBody {{ background: {t.background}; border: none; }}
#startPage, #startBody {{ background: {t.background}; border: none; }}
#card {{ background: {t.surface}; border: 1px solid {t.line}; border-radius: 12px; }}
#composer {{ background: {t.surface}; border: 1px solid {t.edge}; border-radius: 14px; }}
#composer[focused="true"] {{ border-color: {t.accent}; }}
#chips, #chipsBody {{ background: transparent; border: none; }}
#chip {{ background: {t.sunken}; border: 1px solid {t.line}; border-radius: 8px; }}
#chip:hover {{ background: {t.accent_soft}; }}
#chip:focus {{ border-color: {t.accent}; }}
#chip[problem="true"] {{ background: {t.warning_soft}; border-color: {t.warning_soft}; }}
#chip[problem="true"] QLabel {{ color: {t.warning}; }}
#chip[problem="true"]:focus {{ border-color: {t.warning}; }}
#attachmentText {{
    font-family: monospace; font-size: 12.5px; background: {t.code}; border: 1px solid {t.line}; border-radius: 8px;
    padding: 8px; selection-background-color: {t.accent}; selection-color: {t.on_accent};
}}
#bubble {{ background: {t.sunken}; border-radius: 12px; }}
#presetPanel {{ background: {t.surface}; border: 1px solid {t.line}; border-radius: 12px; }}
#presetBody {{ background: {t.surface}; }}
#toolsPopup {{ background: {t.surface}; border: 1px solid {t.line}; border-radius: 12px; }}
#toolsBody {{ background: {t.surface}; }}
#hairline {{ background: {t.line}; border: none; }}
#segments {{ background: {t.sunken}; border: 1px solid {t.line}; border-radius: 8px; }}
QToolButton[kind="segment"] {{
    background: transparent; border: 1px solid transparent; border-radius: 6px; padding: 4px 8px; color: {t.muted};
}}
QToolButton[kind="segment"]:hover {{ color: {t.text}; }}
QToolButton[kind="segment"]:checked {{ background: {t.surface}; color: {t.text}; font-weight: 600; }}
QToolButton[kind="segment"]:focus {{ border-color: {t.accent}; }}
QToolButton[kind="segment"]:disabled {{ color: {t.edge}; }}
#turn {{ border: 1px solid transparent; border-radius: 12px; background: transparent; }}
#turn[ring="true"] {{ border-color: {t.accent}; }}
#turn[marked="true"] {{ background: {t.accent_soft}; }}
#messageActions {{ background: {t.background}; border: none; }}
#fold {{ background: transparent; border: 1px solid {t.line}; border-radius: 8px; }}
#toolCard {{ background: {t.surface}; border: 1px solid {t.line}; border-radius: 8px; }}
#toolCard[waits="true"] {{ border-color: {t.warning}; }}
#foldHead {{ background: transparent; border: 1px solid transparent; border-radius: 7px; }}
#foldHead:hover {{ background: {t.sunken}; }}
#foldHead[ring="true"] {{ border-color: {t.accent}; }}
#callResult {{ background: transparent; border: none; border-top: 1px solid {t.line}; border-radius: 0; }}
QTextEdit[kind="tool"] {{ font-family: monospace; font-size: 12.5px; border: none; }}
QTextEdit[kind="tool"][framed="true"] {{ background: {t.code}; border-radius: 6px; }}
QTextEdit[kind="tool"][tone="bad"] {{ color: {t.bad}; }}
QTextEdit[kind="tool"][tone="muted"] {{ color: {t.muted}; }}
QPlainTextEdit[kind="code"] {{
    background: transparent; border: none; font-family: monospace; font-size: 12.5px;
    selection-background-color: {t.accent}; selection-color: {t.on_accent};
}}
QLabel[pill="quiet"] {{
    font-size: 12px; border-radius: 8px; padding: 1px 8px; color: {t.accent}; background: {t.accent_soft};
}}
QLabel[tone="muted"] {{ font-size: 12px; color: {t.muted}; }}
QLabel[tone="accent"] {{ font-size: 12px; color: {t.accent}; font-weight: 600; }}
QLabel[tone="warning"] {{ font-size: 12px; color: {t.warning}; font-weight: 600; }}
QLabel[tone="bad"] {{ font-size: 12px; color: {t.bad}; font-weight: 600; }}
#leftOut {{ border-top: 1px solid {t.line}; padding: 8px 0 12px 0; }}
#findBar {{ background: {t.surface}; border: 1px solid {t.edge}; border-radius: 8px; }}
#findField {{
    background: transparent; border: 1px solid transparent; border-radius: 6px; padding: 4px 0;
    selection-background-color: {t.accent}; selection-color: {t.on_accent};
}}
#findField:focus {{ border-color: {t.accent}; }}
#modelsTable {{ background: {t.background}; }}
#modelCards {{ background: transparent; border: none; outline: none; selection-background-color: transparent; }}
#modelTable, #headerTable {{
    background: transparent; border: none; outline: none;
    selection-background-color: {t.accent_soft}; selection-color: {t.text};
}}
#headerTable {{ font-size: 12px; border: 1px solid transparent; }}
#headerTable:focus {{ border-color: {t.accent}; }}
#modelTable QHeaderView {{ background: transparent; }}
#modelTable QHeaderView::section {{
    background: {t.background}; color: {t.muted}; font-size: 12px; border: none;
    border-bottom: 1px solid {t.line}; padding: 0 8px;
}}
#modelTable QHeaderView::section:hover {{ color: {t.text}; }}
#modelDetails {{
    background: {t.surface}; border: none; border-left: 1px solid {t.line}; border-top: 1px solid {t.line};
}}
#detailsAbout {{ background: transparent; }}
#modelDetails QPlainTextEdit[kind="note"] {{ background: transparent; border: none; font-size: 13px; }}
QAbstractScrollArea::corner {{ background: transparent; border: none; }}
QSplitter::handle {{ background: {t.line}; }}
QScrollBar:horizontal {{ background: transparent; height: 10px; margin: 0; }}
QScrollBar::handle:horizontal {{ background: {t.edge}; border-radius: 3px; margin: 2px; min-width: 32px; }}
#details, #detailsBody {{ background: {t.surface}; }}
#details {{ border: 1px solid {t.line}; }}

QDialogButtonBox {{ dialogbuttonbox-buttons-have-icons: 0; }}
#undoBar {{ background: {t.surface}; border: 1px solid {t.muted}; border-radius: 10px; }}
#palette {{ background: {t.surface}; border: 1px solid {t.muted}; border-radius: 12px; }}
#keyCap {{
    background: {t.surface}; border: 1px solid {t.line}; border-radius: 6px; padding: 1px 7px; font-size: 12px;
}}
#undoBar QPushButton {{ color: {t.accent}; }}
#storeProblem {{ background: {t.background}; }}

QLabel[kind="title"] {{ font-size: 15px; font-weight: 600; }}
QLabel[kind="headline"] {{ font-size: 20px; font-weight: 600; }}
QLabel[kind="strong"] {{ font-weight: 600; }}
QLabel[kind="author"] {{ font-size: 12px; font-weight: 600; }}
QLabel[kind="note"] {{ font-size: 12px; color: {t.muted}; }}
QLabel[kind="body"] {{ font-size: 14px; color: {t.muted}; }}
QLabel[kind="problem"] {{ font-size: 12px; color: {t.bad}; }}
QLabel[pill="good"], QLabel[pill="warning"], QLabel[pill="bad"] {{
    font-size: 12px; font-weight: 600; border-radius: 10px; padding: 3px 10px;
}}
QLabel[pill="good"] {{ color: {t.accent}; background: {t.accent_soft}; }}
QLabel[pill="warning"] {{ color: {t.warning}; background: {t.warning_soft}; }}
QLabel[pill="bad"] {{ color: {t.bad}; background: {t.bad_soft}; }}

#contextPopup {{ background: {t.surface}; border: 1px solid {t.line}; border-radius: 12px; }}
#contextPopup:focus {{ border-color: {t.accent}; }}
#contextChoice {{ background: {t.surface}; border: 1px solid {t.warning}; border-radius: 12px; }}
#contextChoice QListView {{ background: {t.sunken}; border: 1px solid {t.line}; border-radius: 8px; padding: 3px; }}
#contextChoice QListView:focus {{ border-color: {t.accent}; }}

#repositoryPage, #repositoryScroll, #repositoryBody {{ background: {t.background}; border: none; }}
#bestBox {{ background: {t.surface}; border: 1px solid {t.line}; border-radius: 12px; }}
#bestBox[tone="good"] {{ background: {t.accent_soft}; border-color: {t.accent_soft}; }}
#bestBox[tone="warning"] {{ background: {t.warning_soft}; border-color: {t.warning_soft}; }}
#bestBox[tone="bad"] {{ background: {t.bad_soft}; border-color: {t.bad_soft}; }}
#bestBox[tone="good"] QLabel {{ color: {t.accent}; }}
#bestBox[tone="warning"] QLabel {{ color: {t.warning}; }}
#bestBox[tone="bad"] QLabel {{ color: {t.bad}; }}
#offerRow {{ background: transparent; border: none; border-top: 1px solid {t.line}; border-radius: 0; }}
#offerRow[first="true"] {{ border-top: none; }}
#verdictPill {{
    font-size: 12px; font-weight: 600; border-radius: 10px; padding: 2px 4px; border: 1px solid transparent;
    background: transparent; color: {t.muted};
}}
#verdictPill[tone="good"] {{ color: {t.accent}; background: {t.accent_soft}; }}
#verdictPill[tone="warning"] {{ color: {t.warning}; background: {t.warning_soft}; }}
#verdictPill[tone="bad"] {{ color: {t.bad}; background: {t.bad_soft}; }}
#verdictPill:hover, #verdictPill:focus {{ border-color: {t.accent}; }}
#verdictPill:disabled {{ color: {t.muted}; font-weight: 400; }}

QFrame[notice="good"] {{ background: {t.accent_soft}; border-radius: 8px; }}
QFrame[notice="warning"] {{ background: {t.warning_soft}; border-radius: 8px; }}
QFrame[notice="bad"] {{ background: {t.bad_soft}; border-radius: 8px; }}
QFrame[notice="plain"] {{ background: {t.surface}; border: 1px solid {t.line}; border-radius: 12px; }}
QFrame[notice="good"] QLabel {{ color: {t.accent}; }}
QFrame[notice="warning"] QLabel {{ color: {t.warning}; }}
QFrame[notice="bad"] QLabel {{ color: {t.bad}; }}
QLabel#command {{
    font-family: monospace; font-size: 12px; color: {t.text}; background: {t.code};
    border: 1px solid {t.line}; border-radius: 8px; padding: 8px 12px;
}}

QPushButton, QToolButton {{
    background: {t.surface}; border: 1px solid {t.line}; border-radius: 8px; padding: 7px 14px;
}}
QPushButton[narrow="true"] {{ padding: 7px 9px; }}
QPushButton:hover, QToolButton:hover {{ background: {t.accent_soft}; }}
QPushButton:pressed, QToolButton:pressed {{ background: {t.line}; }}
QPushButton:focus, QToolButton:focus {{ border: 1px solid {t.accent}; }}
QPushButton:disabled, QToolButton:disabled {{ color: {t.muted}; background: {t.background}; }}
QPushButton[kind="primary"] {{
    background: {t.accent}; color: {t.on_accent}; border-color: {t.accent}; font-weight: 600;
}}
QPushButton[kind="primary"]:hover, QPushButton[kind="primary"]:pressed {{ background: {t.model}; }}
QPushButton[kind="primary"]:focus {{ border: 2px solid {t.text}; padding: 6px 13px; }}
QPushButton[kind="primary"]:disabled {{ background: {t.line}; border-color: {t.line}; color: {t.muted}; }}
QPushButton[small="true"] {{ padding: 1px 10px; font-size: 12px; }}
QPushButton[kind="choice"] {{ text-align: left; padding: 7px 14px; }}
QPushButton[kind="choice"]:hover {{ background: {t.accent_soft}; border-color: {t.accent_soft}; }}
QPushButton[kind="choice"]:focus {{ border-color: {t.accent}; }}
QPushButton[side="left"] {{ border-top-right-radius: 0; border-bottom-right-radius: 0; }}
QToolButton[kind="primary"] {{ border-top-left-radius: 0; border-bottom-left-radius: 0;
    background: {t.accent}; border-color: {t.accent}; padding: 7px 6px; }}
QToolButton[kind="primary"]:hover, QToolButton[kind="primary"]:pressed {{ background: {t.model}; }}
QToolButton[kind="primary"]:focus {{ border: 2px solid {t.text}; padding: 6px 5px; }}
QToolButton[kind="end"] {{
    background: {t.surface}; border: 1px solid {t.line}; border-radius: {scaled(17)}px; padding: 4px 12px 4px 8px;
    color: {t.accent}; font-weight: 600;
}}
QToolButton[kind="end"]:hover {{ background: {t.accent_soft}; }}
QToolButton[kind="end"]:focus {{ border-color: {t.accent}; }}
QPushButton[kind="quiet"] {{
    background: transparent; border: none; border-bottom: 1px solid transparent; border-radius: 0; padding: 2px 0;
    color: {t.muted}; font-size: 12px;
}}
QPushButton[kind="quiet"]:hover {{ color: {t.text}; }}
QPushButton[kind="quiet"]:focus {{ color: {t.text}; border-bottom-color: {t.accent}; }}
QToolButton[kind="icon"] {{ background: transparent; border: 1px solid transparent; padding: 3px; }}
QToolButton[kind="icon"]:hover {{ background: {t.sunken}; }}
QToolButton[kind="icon"]:focus {{ border-color: {t.accent}; }}
QPushButton[kind="link"], QToolButton[kind="link"], QToolButton[kind="quiet"] {{
    background: transparent; border: 1px solid transparent; padding: 4px 8px;
}}
QPushButton[kind="link"] {{ font-weight: 600; text-decoration: underline; }}
QFrame[notice="bad"] QPushButton[kind="link"], QFrame[notice="bad"] QToolButton[kind="link"] {{ color: {t.bad}; }}
QFrame[notice="good"] QPushButton[kind="link"], QFrame[notice="good"] QToolButton[kind="link"] {{ color: {t.accent}; }}
QFrame[notice="warning"] QPushButton[kind="link"], QFrame[notice="warning"] QToolButton[kind="link"] {{
    color: {t.warning};
}}
QToolButton::menu-indicator {{ image: none; }}
QToolButton[kind="toggle"] {{
    background: transparent; color: {t.muted}; border-radius: 9px; padding: 1px 7px; font-size: 12px;
}}
QToolButton[kind="toggle"]:checked {{
    background: {t.accent_soft}; color: {t.accent}; border-color: {t.accent_soft}; font-weight: 600;
}}
QToolButton[kind="toggle"]:focus {{ border-color: {t.accent}; }}
QToolButton[kind="quiet"] {{ color: {t.muted}; font-size: 12px; }}
QToolButton[kind="quiet"]:hover {{ background: {t.sunken}; }}
QPushButton[kind="link"]:focus, QToolButton[kind="link"]:focus, QToolButton[kind="quiet"]:focus {{
    border-color: {t.accent};
}}
QToolButton[kind="code"] {{
    background: transparent; border: 1px solid transparent; border-radius: 6px; padding: 2px 7px; margin: 2px 1px;
    font-size: 12px; color: {t.muted};
}}
QToolButton[kind="code"]:hover {{ background: {t.sunken}; color: {t.text}; }}
QToolButton[kind="code"]:checked {{ color: {t.accent}; }}
QToolButton[kind="code"]:focus {{ border-color: {t.accent}; }}
QToolButton#modelPill {{ border-radius: 17px; padding: 7px 14px; font-weight: 600; }}

QListView {{ background: transparent; border: none; outline: none; }}
QTextEdit {{
    background: transparent; border: none; font-size: 14px;
    selection-background-color: {t.accent}; selection-color: {t.on_accent};
}}

QTextEdit[kind="note"] {{ font-size: 12px; color: {t.muted}; }}
#field {{ background: {t.surface}; border: 1px solid {t.edge}; border-radius: 8px; }}
#field[focused="true"] {{ border-color: {t.accent}; }}
#field[problem="true"] {{ border-color: {t.bad}; }}
QLineEdit[kind="value"] {{
    background: transparent; border: none; padding: 0; placeholder-text-color: {t.muted};
    selection-background-color: {t.accent}; selection-color: {t.on_accent};
}}
QTextEdit[kind="value"] {{ font-size: 13px; placeholder-text-color: {t.muted}; }}
QTextEdit[kind="code"] {{ font-family: monospace; font-size: 12px; }}
QPlainTextEdit[kind="code"], QPlainTextEdit[kind="log"] {{
    font-family: monospace; font-size: 12px; background: transparent; placeholder-text-color: {t.muted};
    border: 1px solid transparent; border-radius: 6px;
    selection-background-color: {t.accent}; selection-color: {t.on_accent};
}}
QPlainTextEdit[kind="code"]:focus, QPlainTextEdit[kind="log"]:focus {{ border-color: {t.accent}; }}
QFrame[kind="lined"] {{ border: none; border-bottom: 1px solid {t.line}; border-radius: 0; }}
#allowedBody, #serverForm {{ background: transparent; }}
QComboBox {{ background: transparent; border: none; padding: 0; }}
QComboBox QAbstractItemView {{
    background: {t.surface}; border: 1px solid {t.line}; padding: 4px; outline: none;
    selection-background-color: {t.accent_soft}; selection-color: {t.text};
}}
QRadioButton {{ spacing: 8px; font-weight: 600; border: 1px solid transparent; border-radius: 6px; padding: 1px; }}
QRadioButton:disabled {{ color: {t.muted}; }}
QRadioButton:focus {{ border-color: {t.accent}; }}
QSlider::groove:horizontal {{ height: 4px; border-radius: 2px; background: {t.line}; }}
QSlider::sub-page:horizontal {{ height: 4px; border-radius: 2px; background: {t.accent}; }}
QSlider::sub-page:horizontal:disabled {{ background: {t.others}; }}
QSlider[inherited="true"]::sub-page:horizontal {{ background: {t.edge}; }}
QSlider[inherited="true"]::handle:horizontal {{ border-color: {t.edge}; }}
QSlider[inherited="true"]::handle:horizontal:focus {{ border-color: {t.accent}; background: {t.accent}; }}
QSlider::handle:horizontal:focus {{ background: {t.accent}; }}
QSlider::handle:horizontal:disabled {{ border-color: {t.others}; }}
QProgressBar {{ border: none; border-radius: 3px; background: {t.line}; height: 6px; }}
QProgressBar::chunk {{ border-radius: 3px; background: {t.accent}; }}

QProgressBar[tone="warning"]::chunk {{ background: {t.warning}; }}
QProgressBar[tone="bad"]::chunk {{ background: {t.bad}; }}
QProgressBar[tone="muted"]::chunk {{ background: {t.muted}; }}

#settingsPage, #settingsScroll, #settingsBody {{ background: {t.background}; }}
#settingsList {{ background: {t.background}; border-right: 1px solid {t.line}; }}
#settingsFoot {{ background: {t.background}; border-top: 1px solid {t.line}; }}
#downloadsPage, #downloadsScroll, #downloadsBody {{ background: {t.background}; }}
#downloadsLimits {{ background: {t.background}; border-top: 1px solid {t.line}; }}
#downloadRow {{ background: {t.surface}; border: 1px solid {t.line}; border-radius: 12px; }}
#downloadRow:focus {{ border-color: {t.accent}; }}
#downloadRow[held="true"] {{ background: {t.accent_soft}; border-color: {t.accent}; }}
QPushButton[kind="foot"] {{
    background: transparent; border: 1px solid transparent; border-radius: 6px; padding: 2px 4px; text-align: left;
    color: {t.muted}; font-size: 12px;
}}
QPushButton[kind="foot"]:hover {{ background: transparent; color: {t.text}; }}
QPushButton[kind="foot"]:focus {{ border-color: {t.accent}; }}
QPushButton[kind="foot"][tone="bad"] {{ color: {t.bad}; font-weight: 600; }}

QScrollArea {{ border: none; background: transparent; }}
QScrollBar:vertical {{ background: transparent; width: 10px; margin: 0; }}
QScrollBar::handle:vertical {{ background: {t.edge}; border-radius: 3px; margin: 2px; min-height: 32px; }}
QScrollBar::handle:vertical:hover {{ background: {t.muted}; }}
QScrollBar::add-line, QScrollBar::sub-line, QScrollBar::add-page, QScrollBar::sub-page {{
    background: none; height: 0;
}}
"""
