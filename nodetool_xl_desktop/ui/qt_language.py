"""What Qt itself says and writes, in the language of the person: menus of text fields, buttons of dialogs, dates."""

from __future__ import annotations

from PySide6.QtCore import QLibraryInfo, QLocale, Qt, QTranslator
from PySide6.QtWidgets import QApplication

from nodetool_xl_desktop.core import translation

_QT_TEXTS = "qtTexts"
_PSEUDO = (translation.PSEUDO, translation.PSEUDO_RTL)
#: Names of keys, which Qt reads as well.
_KEYS = "QShortcut"


def speak(qt: QApplication) -> None:
    """Have Qt use the language that is in force; once for an application."""
    if qt.findChild(QTranslator, _QT_TEXTS) is not None:
        return
    code = translation.language()
    translator = _Pseudo(qt) if code in _PSEUDO else QTranslator(qt)
    translator.setObjectName(_QT_TEXTS)
    if code not in (translation.ENGLISH, *_PSEUDO):
        translator.load(f"qtbase_{code}", QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath))
    qt.installTranslator(translator)
    QLocale.setDefault(locale())
    if translation.is_right_to_left():
        qt.setLayoutDirection(Qt.LayoutDirection.RightToLeft)


def locale() -> QLocale:
    """How dates are written: as this person's system does where it speaks the same language, else as is usual in it."""
    code = translation.language()
    own = QLocale(translation.ENGLISH if code in _PSEUDO else code)
    system = QLocale.system()
    return system if system.language() == own.language() else own


class _Pseudo(QTranslator):
    """Qt's own texts in the language that is none."""

    def translate(self, context: str, text: str, disambiguation: str | None = None, n: int = -1) -> str | None:
        return translation.pseudo(text) if text and context != _KEYS else None

    def isEmpty(self) -> bool:
        return False
