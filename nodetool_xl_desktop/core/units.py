"""Numbers as people read them.

Memory is counted in binary units (GiB), as every figure of the engine and of a device is; the size of a file is told in
decimal units (GB), as every download page and file manager tells it.
"""

from __future__ import annotations

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB


def memory(size: int) -> str:
    """Bytes of memory: "796 MiB", "4.21 GiB", "42.1 GiB". The steps are where the rounded number would grow longer."""
    if abs(size) >= 99.95 * GIB:
        return f"{size / GIB:,.0f} GiB"
    if abs(size) >= 9.995 * GIB:
        return f"{size / GIB:.1f} GiB"
    if abs(size) >= 1023.5 * MIB:
        return f"{size / GIB:.2f} GiB"
    if abs(size) >= 9.95 * MIB:
        return f"{size / MIB:.0f} MiB"
    return f"{size / MIB:.1f} MiB"


def file_size(size: int) -> str:
    """Bytes of a file: "98 MB", "4.9 GB"."""
    if size >= 999.95e9:
        return f"{size / 1e12:.2f} TB"
    if size >= 999.5e6:
        return f"{size / 1e9:.1f} GB"
    if size >= 999.5e3:
        return f"{size / 1e6:.0f} MB"
    if size >= 1e3:
        return f"{size / 1e3:.0f} kB"
    return f"{size} bytes"


def tokens(count: int) -> str:
    """A number of tokens: "8,192 tokens"."""
    return f"{count:,} token" if count == 1 else f"{count:,} tokens"


def short_tokens(count: int) -> str:
    """A number of tokens for the end of a scale: "512", "2k", "128k", "1M"."""
    if count >= 1024 * 1024:
        return f"{count / (1024 * 1024):.3g}M"
    if count >= 999.5 * 1024:
        return f"{count / 1024:.0f}k"
    return f"{count / 1024:.3g}k" if count >= 1024 else str(count)


def seconds(duration_s: float) -> str:
    """A duration: "0.21 s", "12 s", "3 min 20 s"."""
    if duration_s < 9.995:
        return f"{duration_s:.2f} s"
    if duration_s < 59.5:
        return f"{duration_s:.0f} s"
    minutes, rest = divmod(round(duration_s), 60)
    return f"{minutes} min {rest} s"
