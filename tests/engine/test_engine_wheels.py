"""Which engine is named for which machine, and with which command."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import pytest

from nodetool_xl_desktop.engine import wheels
from nodetool_xl_desktop.engine.hardware import Hardware

INDEX = "https://xorbitsai.github.io/xllamacpp/whl"
GLIBC = (2, 36)
OLD_GLIBC = (2, 31)


@pytest.mark.parametrize(
    ("hardware", "build"),
    [
        (Hardware("Linux", glibc=GLIBC), ""),
        (Hardware("Linux"), ""),  # musl says no version
        (Hardware("Windows"), ""),
        (Hardware("Darwin"), ""),
        (Hardware("FreeBSD"), ""),
        # NVIDIA: the newest build that the driver runs
        (Hardware("Linux", cuda=(12, 8), glibc=GLIBC), "cu128"),
        (Hardware("Linux", cuda=(13, 0), glibc=GLIBC), "cu128"),
        (Hardware("Linux", cuda=(13, 1), glibc=GLIBC), "cu128"),
        (Hardware("Linux", cuda=(13, 2), glibc=GLIBC), "cu132"),
        (Hardware("Linux", cuda=(14, 0), glibc=GLIBC), "cu132"),
        (Hardware("Windows", cuda=(12, 8)), "cu128"),
        (Hardware("Linux", cuda=(12, 8), glibc=(2, 35)), "cu128"),
        (Hardware("Linux", cuda=(12, 8), vulkan=True, glibc=GLIBC), "cu128"),
        # a driver that is too old for it, with and without another way to the card
        (Hardware("Linux", cuda=(12, 0), glibc=GLIBC), ""),
        (Hardware("Linux", cuda=(12, 0), vulkan=True, glibc=GLIBC), "vulkan"),
        # a system that is too old for it
        (Hardware("Linux", cuda=(13, 2), glibc=OLD_GLIBC), ""),
        (Hardware("Linux", cuda=(13, 2), vulkan=True, glibc=OLD_GLIBC), "vulkan"),
        # AMD
        (Hardware("Linux", rocm=(6, 4), glibc=GLIBC), "rocm-6.4.1"),
        (Hardware("Linux", rocm=(7, 2), glibc=GLIBC), "rocm-7.2.4"),
        (Hardware("Linux", rocm=(7, 2), vulkan=True, glibc=GLIBC), "rocm-7.2.4"),
        (Hardware("Linux", rocm=(7, 2), glibc=OLD_GLIBC), ""),
        # both cards
        (Hardware("Linux", cuda=(12, 8), rocm=(7, 2), glibc=GLIBC), "cu128"),
        (Hardware("Linux", cuda=(12, 0), rocm=(7, 2), glibc=GLIBC), "rocm-7.2.4"),
        # any card
        (Hardware("Linux", vulkan=True, glibc=GLIBC), "vulkan"),
        (Hardware("Windows", vulkan=True), "vulkan"),
    ],
    ids=str,
)
def test_the_build_fits_the_machine(hardware: Hardware, build: str) -> None:
    wheel = wheels.recommend(hardware)
    assert wheel.build == build
    assert wheel.title
    assert wheel.why
    command = shlex.split(wheel.command)
    assert command[:4] == [sys.executable, "-m", "pip", "install"]
    assert "xllamacpp" in command
    if build:
        # Without it pip would keep the CPU build, as both have the same version.
        assert "--force-reinstall" in command
        assert command[command.index("--index-url") + 1] == f"{INDEX}/{build}"
    else:
        assert not [part for part in command if part.startswith("http")]


@pytest.mark.parametrize(
    ("hardware", "word"),
    [
        (Hardware("Linux", cuda=(13, 2), glibc=OLD_GLIBC), "glibc"),
        (Hardware("Linux", rocm=(7, 2), glibc=OLD_GLIBC), "glibc"),
        (Hardware("Linux", cuda=(12, 0), glibc=GLIBC), "driver"),
    ],
)
def test_it_says_what_a_card_would_need(hardware: Hardware, word: str) -> None:
    wheel = wheels.recommend(hardware)
    assert wheel.title == "CPU"
    assert word in wheel.why


def test_this_machine_gets_one_and_has_one(tmp_path: Path) -> None:
    assert wheels.is_built_in()
    assert wheels.is_installed(tmp_path / "engines")
