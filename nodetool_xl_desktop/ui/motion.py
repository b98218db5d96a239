"""Whether things may move by themselves: bars that run to and fro, menus that slide, a caret that blinks.

As the person chose, else as the system says. There is little that moves here: no animation is made anywhere else.
"""

from __future__ import annotations

import plistlib
import shutil
import subprocess
import sys
from pathlib import Path

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QApplication, QProgressBar

from nodetool_xl_desktop.core.threads import to_its_end
from nodetool_xl_desktop.ui.tasks import Tasks

#: What a person may choose.
SYSTEM, LESS, FULL = "system", "less", "full"
#: Kept with the application, where every widget finds it.
_PROPERTY = "lessMotion"
#: The desktop is asked for so long, in seconds.
ASKED_S = 2.0
_EFFECTS = (
    Qt.UIEffect.UI_AnimateMenu,
    Qt.UIEffect.UI_FadeMenu,
    Qt.UIEffect.UI_AnimateCombo,
    Qt.UIEffect.UI_AnimateTooltip,
    Qt.UIEffect.UI_FadeTooltip,
    Qt.UIEffect.UI_AnimateToolBox,
)


def is_wanted() -> bool:
    """Whether something may move by itself now."""
    application = QApplication.instance()
    return application is None or not application.property(_PROPERTY)


def show_busy(bar: QProgressBar) -> None:
    """Have a bar say that something goes on, nobody knows how far; where nothing may move it is empty."""
    bar.setRange(0, 0 if is_wanted() else 1)
    bar.setValue(0)


def system_wants_less() -> bool:
    """Whether the system is set to show less motion; False where it cannot say. May block: it asks another program."""
    if sys.platform == "win32":
        import ctypes  # noqa: PLC0415 - has what is needed on that system only

        animated = ctypes.c_int(1)
        ctypes.windll.user32.SystemParametersInfoW(0x1042, 0, ctypes.byref(animated), 0)  # SPI_GETCLIENTAREAANIMATION
        return not animated.value
    if sys.platform == "darwin":
        try:
            file = Path("~/Library/Preferences/com.apple.universalaccess.plist").expanduser()
            return bool(plistlib.loads(file.read_bytes()).get("reduceMotion", False))
        except (OSError, ValueError, plistlib.InvalidFileException):
            return False
    return _desktop_wants_less()


def _desktop_wants_less() -> bool:
    """What GNOME and those that follow it keep; each desktop brings `gsettings` that does."""
    command = shutil.which("gsettings")
    if command is None:
        return False
    asked = [command, "get", "org.gnome.desktop.interface", "enable-animations"]
    try:
        said = subprocess.run(asked, capture_output=True, text=True, timeout=ASKED_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return said.returncode == 0 and said.stdout.strip() == "false"


class Motion(QObject):
    """Of the whole program.

    Args:
        parent: the window.
        tasks: where the system is asked, once a person leaves it to the system.
    """

    #: It is wanted, or no longer (bool).
    changed = Signal(bool)

    def __init__(self, parent: QObject, tasks: Tasks) -> None:
        super().__init__(parent)
        self._tasks = tasks
        self._choice = FULL
        self._blinks_ms = QApplication.cursorFlashTime()
        self._effects = [effect for effect in _EFFECTS if QApplication.isEffectEnabled(effect)]

    def choose(self, choice: str) -> None:
        """Have it as a person chose: one of `SYSTEM`, `LESS` and `FULL`."""
        self._choice = choice
        if choice == SYSTEM:
            self._tasks.start(self._ask())
        else:
            self._use(less=choice == LESS)

    async def _ask(self) -> None:
        less = await to_its_end(system_wants_less)  # it starts a program
        if self._choice == SYSTEM:
            self._use(less=less)

    def _use(self, *, less: bool) -> None:
        if less is not is_wanted():
            return
        application = QApplication.instance()
        assert application is not None
        application.setProperty(_PROPERTY, less)
        for effect in self._effects:
            QApplication.setEffectEnabled(effect, not less)
        QApplication.setCursorFlashTime(0 if less else self._blinks_ms)
        self.changed.emit(not less)
