"""Devices as people call them."""

from __future__ import annotations

import pytest

from nodetool_xl_desktop.fit.memory import Device
from nodetool_xl_desktop.preview.device_names import in_words, titles


@pytest.mark.parametrize(
    ("description", "title"),
    [
        ("NVIDIA GeForce RTX 4070", "RTX 4070"),
        ("AMD Radeon RX 7900 XTX (RADV NAVI31)", "Radeon RX 7900 XTX"),
        ("Intel(R) Arc(TM) A770 Graphics", "Arc A770"),
        ("Apple M2 Pro", "Apple M2 Pro"),
        ("NVIDIA", "GPU0"),
        ("", "GPU0"),
    ],
)
def test_a_title(description: str, title: str) -> None:
    assert titles([Device("GPU0", description=description)]) == (title,)


def test_alike_ones_are_told_apart() -> None:
    cards = [Device(f"CUDA{place}", description="NVIDIA RTX A6000") for place in (0, 1)]
    assert titles(cards) == ("CUDA0 · RTX A6000", "CUDA1 · RTX A6000")
    assert in_words("It leaves 1 MiB free on CUDA1.", cards) == "It leaves 1 MiB free on CUDA1."


def test_a_sentence_says_whole_names_only() -> None:
    cards = [Device("CUDA1", description="NVIDIA T4"), Device("CUDA10", description="NVIDIA L4")]
    assert in_words("5 layers on CUDA1 and CUDA10, not CUDA100", cards) == "5 layers on T4 and L4, not CUDA100"
