"""Access tokens of model hubs: kept by the system's keyring, in no file of ours, and in no log.

A keyring may ask the person for a password, may be locked, or may never answer; it is waited for in bounded time.
"""

from __future__ import annotations

import logging
import queue
import sys
import threading
from collections.abc import Callable
from typing import Protocol, TypeVar

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.hub.endpoint import host_of, origin, parse_endpoint
from nodetool_xl_desktop.hub.errors import BadToken

_log = logging.getLogger(__name__)
#: What the keyring calls this program; its entries are named after the hub.
SERVICE = "NodeTool XL Desktop"
#: Seconds for the keyring: to look something up, and where a person has asked for it and may have to unlock it.
LOOK_UP_WITHIN_S = 10.0
CHANGE_WITHIN_S = 60.0
_LONGEST = 1000
_NONE_THERE = tr("no keyring of this system is running")
_Result = TypeVar("_Result")


class Keyring(Protocol):
    """What is used of `keyring.backend.KeyringBackend`."""

    def get_password(self, service: str, username: str) -> str | None:
        """What is kept; None for nothing."""

    def set_password(self, service: str, username: str, password: str) -> None:
        """Keep it."""

    def delete_password(self, service: str, username: str) -> None:
        """Forget it; raises where there is nothing."""


class NoKeyring(UserFacingError):
    """The system's keyring does not keep the token: it is known until the program ends, and no longer."""

    @classmethod
    def because(cls, why: str) -> NoKeyring:
        """Word why, and what to do."""
        hint = tr(
            "It is used until the program ends. To have it kept, unlock or install a keyring "
            "(GNOME Keyring, KWallet or KeePassXC), and enter it again"
        )
        return cls(tr("The token could not be kept"), why, hint)


class Tokens:
    """The tokens of all hubs. Its methods may block for as long as the keyring does: call them in threads.

    Args:
        backend: the keyring; unless given, the system's own, which is looked for when it is needed first.
        within_s: seconds for it to look something up; a change may take six times as long.
    """

    def __init__(self, backend: Keyring | None = None, *, within_s: float = LOOK_UP_WITHIN_S) -> None:
        self._backend = backend
        self._within_s = within_s
        self._known: dict[str, str | None] = {}  # as long as the program runs
        self._turn = threading.Lock()

    def get(self, endpoint: str) -> str | None:
        """The token for a hub; None where there is none, or the keyring does not hand it out.

        The keyring is asked once for each hub.
        """
        name = origin(endpoint)
        with self._turn:
            if name not in self._known:
                self._known[name] = self._looked_up(name)
            return self._known[name]

    def known(self) -> dict[str, bool]:
        """The origins for which the keyring was asked, or a token was given, since the program began; each with whether
        there is one. Asks nobody.
        """
        with self._turn:
            return {name: token is not None for name, token in self._known.items()}

    def set(self, endpoint: str, token: str) -> None:
        """Keep a token for a hub.

        Raises:
            BadToken: it cannot be one.
            NoKeyring: it is used until the program ends, but not kept.
        """
        name, token = origin(parse_endpoint(endpoint)), sound_token(token)
        with self._turn:
            self._known[name] = token

            def keep(backend: Keyring) -> str | None:
                backend.set_password(SERVICE, name, token)
                return backend.get_password(SERVICE, name)

            # Some accept it, and keep nothing (keyring.backends.null).
            if self._asked(keep, self._within_s * CHANGE_WITHIN_S / LOOK_UP_WITHIN_S) != token:
                raise NoKeyring.because(tr("this system's keyring keeps nothing"))

    def forget(self, endpoint: str) -> None:
        """Keep it no longer.

        Raises:
            NoKeyring: the keyring could not be asked, and may still have it.
        """
        name = origin(endpoint)
        with self._turn:
            self._known[name] = None

            def remove(backend: Keyring) -> None:
                if backend.get_password(SERVICE, name) is not None:
                    backend.delete_password(SERVICE, name)

            try:
                self._asked(remove, self._within_s * CHANGE_WITHIN_S / LOOK_UP_WITHIN_S)
            except NoKeyring as error:
                if error.why == _NONE_THERE:
                    return  # so nothing is kept in it
                hint = tr("It is used no longer here. Remove it with the program that shows the keyring")
                raise NoKeyring(tr("The token may still be in the keyring"), error.why, hint) from error

    def _looked_up(self, name: str) -> str | None:
        try:
            kept = self._asked(lambda backend: backend.get_password(SERVICE, name), self._within_s)
            return sound_token(kept) if kept else None
        except NoKeyring as error:
            _log.info("No token for %s: %s", host_of(name), error.why)
        except BadToken:  # its text is not logged, as it may be a token all the same
            _log.warning("What the keyring has for %s is no token", host_of(name))
        return None

    def _asked(self, question: Callable[[Keyring], _Result], within_s: float) -> _Result:
        """Ask the keyring in a thread of its own, as nothing else ends a call that hangs."""
        answers: queue.SimpleQueue[tuple[_Result | None, str]] = queue.SimpleQueue()

        def run() -> None:
            try:
                answers.put((question(self._keyring()), ""))
            except NoKeyring as error:
                answers.put((None, error.why))
            except Exception as error:  # noqa: BLE001 - each backend has its own errors
                answers.put((None, _told(error)))

        threading.Thread(target=run, name="keyring", daemon=True).start()
        try:
            result, fault = answers.get(timeout=within_s)
        except queue.Empty as error:
            raise NoKeyring.because(tr("the keyring does not answer")) from error
        if fault:
            raise NoKeyring.because(fault)
        return result  # type: ignore[return-value] # it is there where no fault is

    def _keyring(self) -> Keyring:
        if self._backend is None:
            # WORKAROUND: while it is imported, keyring (25.7) looks for two libraries of macOS on every system. On
            # Linux that starts a compiler and a linker, for whose end nobody would wait.
            if sys.platform != "darwin":
                sys.modules.setdefault("keyring.backends.macOS.api", None)  # type: ignore[arg-type] # none to import
            import keyring  # noqa: PLC0415 - most starts never need it

            found = keyring.get_keyring()
            # Below 1 are those that fail, keep nothing, or keep it in a file that anybody can read.
            if found.priority < 1:
                raise NoKeyring.because(_NONE_THERE)
            self._backend = found
        return self._backend


def sound_token(token: str) -> str:
    """A token without blanks around it.

    Raises:
        BadToken: it is none, and would break the header that it is sent in.
    """
    bare = token.strip()
    if not bare or len(bare) > _LONGEST or not bare.isascii() or not bare.isprintable() or " " in bare:
        why = tr("a token is one word of letters, digits and underscores, such as hf_...")
        raise BadToken(
            tr("This is no access token"), why, tr("Copy it from the page of your account where it was made")
        )
    return bare


def _told(error: Exception) -> str:
    """The kind of an error alone: its text might hold what it was about."""
    return tr("the keyring refuses ({name})", name=type(error).__name__)
