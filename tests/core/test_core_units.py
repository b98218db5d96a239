"""Numbers as people read them."""

from __future__ import annotations

import pytest

from nodetool_xl_desktop.core import units
from nodetool_xl_desktop.core.units import GIB, KIB, MIB


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0.0 MiB"),
        (512 * KIB, "0.5 MiB"),
        (round(4.66 * MIB), "4.7 MiB"),
        (10 * MIB - 1, "10 MiB"),
        (10 * MIB, "10 MiB"),
        (796 * MIB, "796 MiB"),
        (1023 * MIB, "1023 MiB"),
        (GIB - 1, "1.00 GiB"),
        (GIB, "1.00 GiB"),
        (round(4.21 * GIB), "4.21 GiB"),
        (10 * GIB - MIB, "10.0 GiB"),
        (10 * GIB, "10.0 GiB"),
        (round(42.1 * GIB), "42.1 GiB"),
        (100 * GIB - MIB, "100 GiB"),
        (100 * GIB, "100 GiB"),
        (1234 * GIB, "1,234 GiB"),
        (-3 * GIB, "-3.00 GiB"),
        (2**200, f"{2**170:,.0f} GiB"),
    ],
)
def test_memory(size: int, text: str) -> None:
    assert units.memory(size) == text


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1000, "1 kB"),
        (999_999, "1 MB"),
        (999_999_999, "1.0 GB"),
        (999_999_999_999, "1.00 TB"),
        (98_362_432, "98 MB"),
        (4_920_000_000, "4.9 GB"),
        (42_500_000_000, "42.5 GB"),
        (1_230_000_000_000, "1.23 TB"),
    ],
)
def test_file_size(size: int, text: str) -> None:
    assert units.file_size(size) == text


@pytest.mark.parametrize(("count", "text"), [(0, "0 tokens"), (1, "1 token"), (2, "2 tokens"), (8192, "8,192 tokens")])
def test_tokens(count: int, text: str) -> None:
    assert units.tokens(count) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (256, "256"),
        (1000, "1000"),
        (1024, "1k"),
        (1536, "1.5k"),
        (2048, "2k"),
        (131_072, "128k"),
        (200_000, "195k"),
        (1_000_000, "977k"),
        (1_024_000, "1000k"),
        (1_048_575, "1024k"),
        (1_048_576, "1M"),
        (10_485_760, "10M"),
    ],
)
def test_short_tokens(count: int, text: str) -> None:
    assert units.short_tokens(count) == text


@pytest.mark.parametrize(
    ("duration_s", "text"),
    [
        (0, "0.00 s"),
        (0.214, "0.21 s"),
        (9.99, "9.99 s"),
        (9.996, "10 s"),
        (12.4, "12 s"),
        (59.4, "59 s"),
        (59.6, "1 min 0 s"),
        (60, "1 min 0 s"),
        (200, "3 min 20 s"),
        (3600, "60 min 0 s"),
    ],
)
def test_seconds(duration_s: float, text: str) -> None:
    assert units.seconds(duration_s) == text
