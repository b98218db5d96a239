"""A desktop of its own for one test: a screen that nobody sees, a session bus and the accessibility bus.

All of it is started as a desktop does: the accessibility bus by its name on the session bus, the registry by its name
on that; so nothing here knows where a system keeps these programs. `packaging/setup.sh test` installs what is missing.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from accessible_tree import Bus

SCREEN = "1400x900x24"
#: What would lead the programs of this desktop to another one, or to another screen.
_OF_ANOTHER = ("WAYLAND_DISPLAY", "XAUTHORITY", "QT_QPA_PLATFORM", "AT_SPI_BUS_ADDRESS", "XDG_SESSION_ID")


@dataclass(frozen=True)
class Desktop:
    """Where programs find their screen and their buses.

    Args:
        environment: what a program is started with.
    """

    environment: dict[str, str]

    @contextlib.contextmanager
    def program(self, arguments: Sequence[str] = (), **more: str) -> Iterator[subprocess.Popen[str]]:
        """The program, as a person would start it; asked to end afterwards, and made to if it does not.

        Args:
            arguments: of its command line.
            more: variables of its environment.
        """
        command = [sys.executable, "-m", "nodetool_xl_desktop", *arguments]
        with subprocess.Popen(command, env=self.environment | more, text=True) as started:
            try:
                yield started
                started.terminate()
                assert started.wait(timeout=20) == 0
            finally:
                started.kill()


@contextlib.contextmanager
def desktop(home: Path) -> Iterator[Desktop]:
    """A desktop on which somebody uses a screen reader, below `home`; away afterwards with all that it started."""
    with contextlib.ExitStack() as running:
        environment = {name: value for name, value in os.environ.items() if name not in _OF_ANOTHER}
        for name, folder in {"HOME": "", "XDG_CONFIG_HOME": "config", "XDG_CACHE_HOME": "cache"}.items():
            environment[name] = str(home / folder)
        environment |= {
            "XDG_DATA_HOME": str(home / "share"),
            "XDG_STATE_HOME": str(home / "state"),
            "XDG_RUNTIME_DIR": str(home / "run"),
            "GSETTINGS_BACKEND": "memory",  # what is switched on here is of nobody's desktop
        }
        (home / "run").mkdir(parents=True, mode=0o700)
        screen = ["Xvfb", "-displayfd", "{fd}", "-screen", "0", SCREEN, "-nolisten", "tcp", "-noreset"]
        environment["DISPLAY"] = f":{_started(running, screen, environment)}"
        bus = ["dbus-daemon", "--session", "--nofork", "--print-address={fd}"]
        environment["DBUS_SESSION_BUS_ADDRESS"] = _started(running, bus, environment)
        yield Desktop(environment)


def _started(running: contextlib.ExitStack, command: list[str], environment: dict[str, str]) -> str:
    """Start what says a line once it is ready, to the number that takes the place of {fd}; returns that line."""
    reading, writing = os.pipe()
    with os.fdopen(reading, encoding="utf-8") as said:
        started = subprocess.Popen(
            [word.format(fd=writing) for word in command],
            env=environment,
            pass_fds=[writing],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        running.callback(started.wait)
        running.callback(started.terminate)
        os.close(writing)
        line = said.readline().strip()
    assert line, f"{command[0]} did not start"
    return line


@contextlib.contextmanager
def listening(desk: Desktop) -> Iterator[Bus]:
    """The accessibility bus of a desktop, with a screen reader on it."""
    with Bus(desk.environment["DBUS_SESSION_BUS_ADDRESS"]) as bus:
        yield bus
