"""Makes wheels of the engine: the real one that is installed here, and others that nobody should install."""

from __future__ import annotations

import base64
import hashlib
import importlib.metadata
import zipfile
from collections.abc import Mapping
from pathlib import Path

from packaging.tags import sys_tags

VERSION = "2026.10.1"


def best_tag() -> str:
    """What a wheel for this Python and this machine is named."""
    return str(next(iter(sys_tags())))


def wheel(
    folder: Path, files: Mapping[str, bytes], *, version: str = VERSION, tag: str = "", record: Mapping[str, str] = {}
) -> Path:
    """A wheel with these files, a right list of them, and a right name.

    Args:
        folder: where it is made.
        files: by their names in it.
        version: of the engine.
        tag: what it says that it was built for; empty for this machine.
        record: what its list says instead of the right hash of a file; "" leaves the file out of it.
    """
    info = f"xllamacpp-{version}.dist-info"
    everything = {
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: xllamacpp\nVersion: {version}\n".encode(),
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: {tag or best_tag()}\n".encode(),
    }
    listed = {name: record.get(name, hash_of(content)) for name, content in everything.items()}
    lines = [f"{name},sha256={said},{len(everything[name])}" for name, said in listed.items() if said]
    everything[f"{info}/RECORD"] = "\n".join([*lines, f"{info}/RECORD,,", ""]).encode()
    path = folder / f"xllamacpp-{version}-{tag or best_tag()}.whl"
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, content in everything.items():
            archive.writestr(name, content)
    return path


def real(folder: Path, version: str = VERSION, before: str = "") -> Path:
    """The engine that is installed here, as a wheel.

    Args:
        folder: where it is made.
        version: what the wheel calls it; the engine itself says what it is.
        before: Python that its `__init__.py` runs first.
    """
    files = importlib.metadata.files("xllamacpp") or []
    inside = {
        str(file): Path(str(file.locate())).read_bytes()
        for file in files
        if file.parts[0] == "xllamacpp" and "__pycache__" not in file.parts
    }
    inside["xllamacpp/__init__.py"] = before.encode() + b"\n" + inside["xllamacpp/__init__.py"]
    return wheel(folder, inside, version=version)


def scripted(folder: Path, code: str, version: str = VERSION) -> Path:
    """An engine of one line, which does this when it is started."""
    return wheel(folder, {"xllamacpp/__init__.py": code.encode()}, version=version)


def bulky(folder: Path, kilobytes: int) -> Path:
    """One that cannot be packed, and so takes about so much on its way."""
    noise = b"".join(hashlib.sha256(str(number).encode()).digest() for number in range(32 * kilobytes))
    return wheel(folder, {"xllamacpp/__init__.py": b"x = 1\n", "xllamacpp/data.bin": noise}, version="2026.9.1")


def hash_of(content: bytes) -> str:
    """As RECORD writes it."""
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")
