"""Numbers as people read them.

Memory is counted in binary units (GiB), as every figure of the engine and of a device is; the size of a file is told in
decimal units (GB), as every download page and file manager tells it.
"""

from __future__ import annotations

from nodetool_xl_desktop.core.translation import number, tr, trn

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB


def memory(size: int) -> str:
    """Bytes of memory: "796 MiB", "4.21 GiB", "42.1 GiB". The steps are where the rounded number would grow longer."""
    if abs(size) >= 99.95 * GIB:
        return tr("{size:,.0f} GiB", size=size / GIB)
    if abs(size) >= 9.995 * GIB:
        return tr("{size:.1f} GiB", size=size / GIB)
    if abs(size) >= 1023.5 * MIB:
        return tr("{size:.2f} GiB", size=size / GIB)
    if abs(size) >= 9.95 * MIB:
        return tr("{size:.0f} MiB", size=size / MIB)
    return tr("{size:.1f} MiB", size=size / MIB)


def file_size(size: int) -> str:
    """Bytes of a file: "98 MB", "4.9 GB"."""
    if size >= 999.95e9:
        return tr("{size:.2f} TB", size=size / 1e12)
    if size >= 999.5e6:
        return tr("{size:.1f} GB", size=size / 1e9)
    if size >= 999.5e3:
        return tr("{size:.0f} MB", size=size / 1e6)
    if size >= 1e3:
        return tr("{size:.0f} kB", size=size / 1e3)
    return trn("{count} byte", "{count} bytes", size)


def tokens(count: int) -> str:
    """A number of tokens: "8,192 tokens"."""
    return trn("{count} token", "{count:,} tokens", count)


def short_tokens(count: int) -> str:
    """A number of tokens for the end of a scale: "512", "2k", "128k", "1M"."""
    if count >= 1024 * 1024:
        return number(f"{count / (1024 * 1024):.3g}M")
    if count >= 999.5 * 1024:
        return f"{count / 1024:.0f}k"
    return number(f"{count / 1024:.3g}k") if count >= 1024 else str(count)


def seconds(duration_s: float) -> str:
    """A duration: "0.21 s", "12 s", "3 min 20 s"."""
    if duration_s < 9.995:
        return tr("{duration:.2f} s", duration=duration_s)
    if duration_s < 59.5:
        return tr("{duration:.0f} s", duration=duration_s)
    minutes, rest = divmod(round(duration_s), 60)
    return tr("{minutes} min {seconds} s", minutes=minutes, seconds=rest)
