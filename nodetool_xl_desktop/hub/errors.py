"""What can go wrong between this machine and a model hub, or any other server of models, told for a person.

The names say what is wrong, which is what a caller asks for (`except Gated`), so they do without the ending "Error".
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator

from nodetool_xl_desktop.core.connections import Purpose
from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.network import NotAllowed, OffLine
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.hub.told import text

#: What a hub may repeat of a token, which shall stand in no message and no log.
_TOKEN = re.compile(r"\bhf_\w+")
_STAYS = tr("What has come stays; trying again continues there")
_OFFLINE_VALUES = ("1", "ON", "YES", "TRUE")


class HubError(UserFacingError):
    """A model that could not be found on a hub, or not be brought here; the subclass says why."""


class BadName(HubError):
    """It is no name of a repository, or of a file in one, that this program could use."""


class BadEndpoint(HubError):
    """It is no address of a hub that could be asked."""

    @classmethod
    def because(cls, what: str, why: str) -> BadEndpoint:
        """Word why `what`, as it was given, is none."""
        return cls(
            tr("{what} is no address of a model hub", what=what), why, tr("Give one such as https://hub.example.org")
        )


class NotFound(HubError):
    """The repository or the file does not exist, or is private: a hub does not tell which."""


class Gated(HubError):
    """The repository exists, and is handed out only to those whom its owner has let in."""


class BadToken(HubError):
    """The hub does not know the access token."""


class Unreachable(HubError):
    """No connection: this machine is off line, or was told to be, or the hub is."""

    @classmethod
    def because(cls, host: str, why: str) -> Unreachable:
        """Word why `host` could not be reached."""
        hint = tr("Look at the network connection and the proxy; a model that is on this disk works without network")
        return cls(tr("The server {host} could not be reached", host=host), why, hint)

    @classmethod
    def by_choice(cls) -> Unreachable:
        """The environment says that nothing may be asked."""
        hint = tr("Unset it to download models; a model that is on this disk works without network")
        return cls(tr("No model hub is asked"), tr("HF_HUB_OFFLINE is set"), hint)


class BadAnswer(HubError):
    """The hub answered with an error of its own, or with nonsense."""

    @classmethod
    def because(cls, host: str, why: str, hint: str = tr("Try again later")) -> BadAnswer:
        """Word what was wrong with the answer of `host`."""
        return cls(tr("The server {host} did not answer as it should", host=host), why, hint)


class Interrupted(HubError):
    """The connection was lost again and again; the next attempt continues where this one ended."""

    @classmethod
    def of(cls, name: str, why: str, arrived: str) -> Interrupted:
        """`name` was being fetched, and `arrived` says how much of it has come."""
        return cls(tr("The download of {name} was interrupted at {arrived}", name=name, arrived=arrived), why, _STAYS)


class Damaged(HubError):
    """What came is not the file that the hub had announced, or what is here is not."""

    @classmethod
    def set_aside(cls, name: str, why: str, aside: str) -> Damaged:
        """What came of `name` is kept beside its place under the name `aside`."""
        hint = tr(
            "Try again; if it stays so, the server hands out another file. What came was set aside as {aside}",
            aside=aside,
        )
        return cls(tr("{name} came damaged", name=name), why, hint)

    @classmethod
    def another(cls, name: str, folder: str) -> Damaged:
        """Another file of that size lies under the name already."""
        why = tr("a file of that name and size is in {folder}, and its SHA-256 is another one", folder=folder)
        return cls(
            tr("{name} is here already, and is not what the server has", name=name),
            why,
            tr("Rename it or delete it, then retry"),
        )

    @classmethod
    def another_size(cls, name: str, folder: str) -> Damaged:
        """Another file lies under the name already: an earlier version, or one of the person's own."""
        why = tr("a file of that name is in {folder}, and its size is another one", folder=folder)
        return cls(
            tr("{name} is here already, and is not what the server has", name=name),
            why,
            tr("Rename it or delete it, then retry"),
        )


class NoRoom(HubError):
    """The disk is too full."""

    @classmethod
    def needed(cls, name: str, needed: str, free: str, folder: str) -> NoRoom:
        """`needed` is still to come, and `free` is there; both as people read them."""
        why = tr("{needed} are still to come, and {free} are free in {folder}", needed=needed, free=free, folder=folder)
        return cls(
            tr("There is not enough room for {name}", name=name), why, tr("Make room, or choose a smaller quantization")
        )

    @classmethod
    def meanwhile(cls, name: str, needed: str, free: str, folder: str) -> NoRoom:
        """There was enough when it began; `needed` and `free` as people read them."""
        why = tr(
            "{needed} are still to come, and only {free} are free by now in {folder}",
            needed=needed,
            free=free,
            folder=folder,
        )
        return cls(
            tr("There is not enough room any longer for {name}", name=name),
            why,
            tr("Make room. What has come stays; trying again continues there"),
        )

    @classmethod
    def suddenly(cls, name: str, folder: str) -> NoRoom:
        """The disk became full meanwhile."""
        return cls(
            tr("The disk became full while {name} was fetched", name=name),
            tr("no room is left in {folder}", folder=folder),
            _STAYS,
        )


class NotStored(HubError):
    """The operating system does not let the file be written, for another reason than room."""

    @classmethod
    def because(cls, name: str, error: OSError) -> NotStored:
        """Word what the operating system said."""
        where = f" ({error.filename})" if error.filename else ""
        hint = tr("Look at the disk and at the permissions of the folder; what has come stays")
        return cls(tr("{name} could not be stored", name=name), f"{error.strerror or error}{where}", hint)

    @classmethod
    def nowhere(cls, name: str, folder: str) -> NotStored:
        """The models folder is gone, most often with its disk."""
        hint = tr("Connect the disk, or choose another models folder; then retry")
        return cls(
            tr("{name} could not be stored", name=name),
            tr("{folder} is not there, or the disk that it is on", folder=folder),
            hint,
        )


class TooLong(HubError):
    """More would have to be fetched than a look at a model is worth."""

    @classmethod
    def of(cls, name: str, most: str) -> TooLong:
        """The header of `name` did not end within `most`."""
        why = tr("it does not end within the {most} that are fetched for a look", most=most)
        return cls(tr("The header of {name} is too long", name=name), why, tr("Download the file, then open it here"))


@contextlib.contextmanager
def off_line_sorted() -> Iterator[None]:
    """Around what makes a connection: that the person does not allow it becomes an error of this room."""
    try:
        yield
    except NotAllowed as error:
        raise Unreachable(error.what, error.why, error.hint) from error


def require_network(purpose: Purpose = Purpose.HUB) -> None:
    """Raises `Unreachable` where no hub may be asked: the person does not allow it, or HF_HUB_OFFLINE=1 says so."""
    with off_line_sorted():
        OffLine.check_all(tr("No model hub is asked"), purpose)
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):  # huggingface_hub listens to both
        if os.environ.get(name, "").upper() in _OFFLINE_VALUES:
            raise Unreachable.by_choice()


def refusal_elsewhere(status: int, headers: dict[str, str], name: str, host: str) -> HubError:
    """As `refusal`, for a file on a server that is no model hub."""
    if status in (401, 403):
        why = tr("{host} does not hand it out to everyone (status {status})", host=host, status=status)
        return Gated(
            tr("{name} is not open to everyone", name=name), why, tr("Download it in a browser that is signed in there")
        )
    if status in (404, 410):
        return NotFound(
            tr("{name} could not be found", name=name),
            tr("there is no such file on {host}", host=host),
            tr("Check the address"),
        )
    return BadAnswer.because(host, tr("it answered with status {status}", status=status))


def refusal(status: int, headers: dict[str, str], repo_id: str, host: str) -> HubError:
    """The error for an answer of status 400 and above.

    Args:
        status: the HTTP status.
        headers: the answer's headers, their names in lower case. X-Error-Code says more than the status does.
        repo_id: what was asked for.
        host: who was asked.
    """
    code, message = headers.get("x-error-code", ""), _TOKEN.sub("hf_...", text(headers.get("x-error-message", "")))
    if code == "GatedRepo" or status == 403:
        why = (
            tr("its owner hands it out to registered users only")
            if code == "GatedRepo"
            else message or tr("access is denied")
        )
        hint = tr(
            "Accept its terms on its page there and give an access token of your account, or choose another build"
        )
        return Gated(tr("{repo_id} is not open to everyone", repo_id=repo_id), why, hint)
    if status == 401 and "credentials" in message.lower():
        return BadToken(
            tr("{host} does not know the access token", host=host),
            message,
            tr("Make a new one there, or go without one"),
        )
    if status in (401, 404):
        why = {
            "RevisionNotFound": tr("there is no such version on {host}, or it is private", host=host),
            "EntryNotFound": tr("there is no such file on {host}, or it is private", host=host),
        }.get(code) or tr("there is no such repository on {host}, or it is private", host=host)
        hint = tr("Check the name, as in organisation/repository; a private one needs an access token that may read it")
        return NotFound(tr("{repo_id} could not be found", repo_id=repo_id), why, hint)
    if status == 429:
        pause = headers.get("retry-after", "")
        hint = (
            tr("Wait {pause} seconds, then try again; a token allows more", pause=pause)
            if pause.isdigit()
            else tr("Wait some minutes, then try again; a token allows more")
        )
        return BadAnswer.because(host, tr("too many requests came from this address (429)"), hint)
    return BadAnswer.because(host, tr("it answered with status {status}", status=status))
