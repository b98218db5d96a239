"""What a file is that is no GGUF file, as far as its first bytes tell.

People drop a safetensors file, a web page saved in place of a model, or a pointer that git left: naming it
says at once what to do instead.
"""

from __future__ import annotations

from pathlib import Path

from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.gguf.errors import NotGguf, file_name

_PICK = tr("Choose a file that ends in .gguf")
_CONVERT = tr("Look for a GGUF build of this model")
_UNPACK = tr("Unpack it first, then choose the .gguf file inside")
_AGAIN = tr("Download the model again")

#: First bytes, what they stand for, what to do. The magics of the formats before GGUF (until August 2023)
#: were little-endian numbers, so "ggml" stands in the file as "lmgg".
_KINDS: tuple[tuple[bytes, str, str], ...] = (
    (b"tjgg", tr("it is a model in the old GGJT format"), _CONVERT),
    (b"lmgg", tr("it is a model in the old GGML format"), _CONVERT),
    (b"fmgg", tr("it is a model in the old GGMF format"), _CONVERT),
    (b"algg", tr("it is an adapter in the old GGLA format"), _CONVERT),
    (b"PK\x03\x04", tr("it is a zip archive or a PyTorch checkpoint"), _CONVERT),
    (b"\x80\x02", tr("it is a PyTorch checkpoint"), _CONVERT),
    (b"\x1f\x8b", tr("it is a gzip archive"), _UNPACK),
    (b"7z\xbc\xaf", tr("it is a 7-Zip archive"), _UNPACK),
    (b"\x28\xb5\x2f\xfd", tr("it is a Zstandard archive"), _UNPACK),
    (b"version http", tr("it is a Git LFS pointer, not the model itself"), tr("Fetch the model with `git lfs pull`")),
    (b"<!", tr("it is a web page, not the model itself"), _AGAIN),
    (b"<html", tr("it is a web page, not the model itself"), _AGAIN),
    (b"<?xml", tr("it is a web page, not the model itself"), _AGAIN),
    (b"{", tr("it is a JSON text"), _PICK),
)


def not_gguf(path: Path, head: bytes) -> NotGguf:
    """The error for a file that begins with `head` (its first bytes, 16 are enough)."""
    what = tr("{path} is not a GGUF model", path=file_name(path))
    for magic, kind, hint in _KINDS:
        if head.startswith(magic):
            return NotGguf(what, kind, hint)
    # A safetensors file begins with the length of its JSON header, 8 bytes, and then the header itself.
    if head[8:9] == b"{":
        return NotGguf(what, tr("it is a safetensors file"), _CONVERT)
    if not any(head):
        return NotGguf(what, tr("it begins with zeros, as a download does that only reserved its space"), _AGAIN)
    return NotGguf(what, tr('it begins with {upper} and not with "GGUF"', upper=head[:4].hex(" ").upper()), _PICK)
