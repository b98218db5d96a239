"""One program on a data folder: the first listens for those that are started after it, which hand over what they were
asked to open and end.

A line of JSON each way over a local socket that only this user can reach. The first makes it after its window is
painted, as Qt's network takes time to import; whoever comes earlier waits.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QCoreApplication, QObject, Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.instance import Instance
from nodetool_xl_desktop.core.translation import tr, trn
from nodetool_xl_desktop.ui.tasks import in_thread

if TYPE_CHECKING:
    from PySide6.QtNetwork import QLocalServer, QLocalSocket
    from PySide6.QtWidgets import QWidget

    from nodetool_xl_desktop.hub.named import Named

#: Of a message, in bytes: as much as a command line can hold on Linux, twice over for JSON's escapes.
LONGEST = 4 * 1024 * 1024
#: How long one that connects may take to say what it wants, in milliseconds.
SPEAK_MS = 10_000
#: A socket's whole path fits into 104 bytes on macOS, 108 on Linux; Qt makes it under a longer name.
LONGEST_PATH = 100
_TOKEN = "XDG_ACTIVATION_TOKEN"
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Handed:
    """What a program that was started later was asked to open.

    Attributes:
        named: in its order; may be empty.
        token: with which the desktop lets the window come to the front; may be empty.
    """

    named: tuple[Named, ...] = ()
    token: str = ""

    def to_line(self) -> bytes:
        """As it is sent."""
        named = [["path" if isinstance(each, Path) else "place", str(each)] for each in self.named]
        return json.dumps({"open": named, "token": self.token}).encode() + b"\n"

    @classmethod
    def of_line(cls, line: bytes) -> Handed:
        """As it came.

        Raises:
            ValueError, LookupError, TypeError: it is none.
        """
        said = json.loads(line)
        named: list[Named] = []
        for kind, text in said["open"]:
            if kind not in ("path", "place") or not isinstance(text, str):
                raise ValueError(f"{kind!r} cannot be opened")
            if "\0" in text:
                raise ValueError("no name holds a zero")
            named.append(Path(text) if kind == "path" else text)
        token = said.get("token", "")
        return cls(tuple(named), token if isinstance(token, str) and token.isascii() and token.isprintable() else "")


class FrontDoor(QObject):
    """Where programs that are started later hand over what they were asked to open.

    Args:
        instance: for whom; it may be without the folder.
    """

    #: Open this (a `Handed`), and come to the front.
    asked = Signal(object)

    def __init__(self, instance: Instance) -> None:
        super().__init__()
        self._instance = instance
        self._server: QLocalServer | None = None
        self._own_folder: Path | None = None
        self._is_closed = False

    async def open(self) -> None:
        """Listen, once the window is there; a program that has not the folder leaves that to the one that has."""
        if not self._instance.has_begun:
            return
        await in_thread(_import_network)
        if self._is_closed:
            return
        name = f"nodetool-xl-desktop-{self._instance.key}"
        for folder in await in_thread(lambda: self._folders(name)):
            if self._listen(str(folder / name) if folder is not None else name):
                break
        else:
            own = self._own_folder = await in_thread(lambda: Path(tempfile.mkdtemp(prefix="nodetool-")))
            self._listen(str(own / name))
        address = self.address
        await in_thread(lambda: self._instance.announce(address))

    @property
    def address(self) -> str:
        """The whole name of the socket; empty while it does not listen."""
        return self._server.fullServerName() if self._server is not None else ""

    def close(self) -> None:
        """Listen no longer: who comes now waits for the end of this program, and is the next."""
        self._is_closed = True
        if self._server is not None:
            self._server.close()
            self._server.deleteLater()
            self._server = None
        if self._own_folder is not None:
            shutil.rmtree(self._own_folder, ignore_errors=True)

    def _folders(self, name: str) -> list[Path | None]:
        """Where it can listen, the best first; in a folder of this user's, where nobody else could listen before us.
        None for what is in no folder.
        """
        if sys.platform == "win32":
            return [None]
        given = os.environ.get("XDG_RUNTIME_DIR")
        folders = [*([Path(given)] if given else []), self._instance.folder.resolve()]
        return [each for each in folders if each.is_dir() and len(os.fsencode(each / name)) <= LONGEST_PATH]

    def _listen(self, address: str) -> bool:
        from PySide6.QtNetwork import QLocalServer  # noqa: PLC0415

        server = QLocalServer(self)
        server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        QLocalServer.removeServer(address)  # of one that was killed: the lock says that there is none
        if not server.listen(address):
            _log.info("Nothing can listen at %s: %s", address, server.errorString())
            server.deleteLater()
            return False
        server.newConnection.connect(self._came)
        self._server = server
        return True

    def _came(self) -> None:
        while self._server is not None and (socket := self._server.nextPendingConnection()) is not None:
            _Visitor(socket, self)


class _Visitor(QObject):
    """One connection: a line comes, a line goes."""

    def __init__(self, socket: QLocalSocket, door: FrontDoor) -> None:
        super().__init__(socket)
        self._socket = socket
        self._door = door
        self._said = bytearray()
        self._is_heard = False
        socket.readyRead.connect(self._read)
        socket.disconnected.connect(socket.deleteLater)
        QTimer.singleShot(SPEAK_MS, self, socket.abort)
        if socket.bytesAvailable():
            self._read()

    def _read(self) -> None:
        self._said += self._socket.readAll().data()
        if self._is_heard:
            return
        line, end, _ = self._said.partition(b"\n")
        if not end and len(self._said) <= LONGEST:
            return
        self._is_heard = True
        try:
            if len(line) > LONGEST:
                raise ValueError("it is too long")
            handed = Handed.of_line(bytes(line))
        except (ValueError, LookupError, TypeError, RecursionError) as error:
            _log.warning("A program said something that nobody understands: %r", error)
            self._answer(False)
            return
        self._answer(True)
        self._door.asked.emit(handed)

    def _answer(self, taken: bool) -> None:
        self._socket.write(json.dumps({"taken": taken}).encode() + b"\n")
        self._socket.flush()
        self._socket.disconnectFromServer()


def _import_network() -> None:
    import PySide6.QtNetwork  # noqa: F401, PLC0415 - 16 ms, which the first paint need not wait for


def come_forward(window: QWidget, token: str = "") -> None:
    """Bring a window to the front, as far as the desktop lets it.

    Args:
        window: whatever state it is in.
        token: of the desktop, which the program that was started got for it.
    """
    if token:
        os.environ[_TOKEN] = token  # where Qt looks for it
    window.setWindowState(window.windowState() & ~Qt.WindowState.WindowMinimized)
    window.show()
    if QGuiApplication.platformName() != "offscreen":  # it has no others to be before, and says so each time
        window.raise_()
    window.activateWindow()
    if token:
        os.environ.pop(_TOKEN, None)  # it is good for once, and not for our children


# The program that is started later


@dataclass(frozen=True, slots=True)
class Patience:
    """How long the other program is waited for, in seconds.

    Attributes:
        start_s: until it listens, or has ended.
        answer_s: until it answers, once it was reached.
        look_s: between two looks.
    """

    start_s: float = 30.0
    answer_s: float = 10.0
    look_s: float = 0.1


class _Heard(Enum):
    TAKEN = auto()
    REFUSED = auto()
    SILENT = auto()
    NOBODY = auto()


def hand_over(instance: Instance, named: Sequence[Named], patience: Patience | None = None) -> bool:
    """Have the program that has the folder open something and come to the front.

    Makes a QCoreApplication for as long, so call it before there is a QApplication. Blocks.

    Args:
        instance: that could not begin.
        named: what to open; may be empty.
        patience: how long to wait for it.

    Returns:
        Whether it has taken it: then there is nothing more to do here. False where it has ended meanwhile: `instance`
        has begun, and this program is the one.

    Raises:
        UserFacingError: it neither answers nor ends, and which process it is.
    """
    patience = patience or Patience()
    line = Handed(tuple(named), os.environ.get(_TOKEN, "")).to_line()
    if len(line) > LONGEST:
        raise UserFacingError(
            tr("That is too much to open at once"),
            trn("{count} name", "{count:,} names", len(named)),
            tr("Open the folder instead."),
        )
    with _core_application():
        until = time.monotonic() + patience.start_s
        while True:
            running = instance.running()
            match _say(running.address, line, patience.answer_s) if running.address else _Heard.NOBODY:
                case _Heard.TAKEN:
                    return True
                case _Heard.REFUSED:
                    raise _other(
                        tr(
                            "another NodeTool XL Desktop is open, and did not understand this one: it may be another "
                            "version"
                        ),
                        running.process,
                    )
                case _Heard.SILENT:
                    raise _other(tr("another NodeTool XL Desktop is open, but does not answer"), running.process)
            if instance.try_begin():
                return False
            if time.monotonic() >= until:
                raise _other(
                    tr("another NodeTool XL Desktop has this data folder, and cannot be reached"), running.process
                )
            time.sleep(patience.look_s)


def _other(why: str, process: int) -> UserFacingError:
    if process:
        why = tr("{why} (process {process})", why=why, process=process)
    return UserFacingError(
        tr("The window was not opened"), why, tr("Close that one, or end its process, then try again.")
    )


@contextlib.contextmanager
def _core_application() -> Iterator[None]:
    """Qt's sockets want one; it goes again, as the window wants its own."""
    made: Any = QCoreApplication([]) if QCoreApplication.instance() is None else None
    try:
        yield
    finally:
        if made is not None:
            made.shutdown()


def _say(address: str, line: bytes, answer_s: float) -> _Heard:
    from PySide6.QtNetwork import QLocalSocket  # noqa: PLC0415

    socket = QLocalSocket()
    try:
        socket.connectToServer(address)
        if not socket.waitForConnected(1000):
            return _Heard.NOBODY
        socket.write(line)
        until = time.monotonic() + answer_s
        while not socket.canReadLine():
            left_ms = int((until - time.monotonic()) * 1000)
            if left_ms <= 0:
                return _Heard.SILENT
            has_come = socket.waitForReadyRead(left_ms) or socket.canReadLine()
            if not has_come and socket.state() is not QLocalSocket.LocalSocketState.ConnectedState:
                return _Heard.NOBODY  # it ended before it had taken it
        return _Heard.TAKEN if json.loads(bytes(socket.readLine().data())).get("taken") else _Heard.REFUSED
    except ValueError:
        return _Heard.REFUSED
    finally:
        socket.abort()
        del socket
