"""Projectors with weights, of some megabytes, so that a model really sees a picture: beside any model of the width."""

from __future__ import annotations

import array
import random
import struct
import zlib
from pathlib import Path
from typing import Any

from gguf_writer import gguf_header, tensor_size

from shapes.projectors import Projector

TOWER, INNER, PATCH = 32, 64, 14
#: The starter model's width.
WIDTH = 576


def write_tiny(path: Path, width: int = WIDTH, kind: str = "mlp", more: dict[str, Any] | None = None) -> Path:
    """Write a projector of one layer with random weights; returns `path`.

    Args:
        path: of the file.
        width: of the model that it is for.
        kind: "mlp" (of LLaVA; an image is 4 tokens) or "gemma3" (an image is 256 tokens, looked at all at once).
        more: other metadata.
    """
    side = 2 if kind == "mlp" else 16
    projector = _tower(width, kind, side)
    metadata: dict[str | bytes, Any] = {
        "general.architecture": "clip",
        "general.type": "mmproj",
        "general.name": "tiny",
        "clip.projector_type": kind,
        "clip.has_vision_encoder": True,
        "clip.use_gelu": True,
        **{f"clip.vision.{key}": value for key, value in projector.keys.items()},
        **(more or {}),
    }
    tensors = [(name, shape, "F32") for name, shape, _ in projector.tensors()]
    dice, content = random.Random(1), [gguf_header(metadata, tensors)]
    for _, shape, storage in tensors:
        numbers = tensor_size(shape, storage) // 4
        data = array.array("f", (dice.uniform(-0.05, 0.05) for _ in range(numbers))).tobytes()
        content.append(data.ljust(-(-len(data) // 32) * 32, b"\0"))
    path.write_bytes(b"".join(content))
    return path


def picture(width: int = 40, height: int = 30) -> bytes:
    """A PNG of many colours."""
    rows = [bytes(at * (6 + colour) % 256 for at in range(width) for colour in range(3)) for _ in range(height)]
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = {b"IHDR": head, b"IDAT": zlib.compress(b"".join(b"\0" + row for row in rows)), b"IEND": b""}
    chunks = [
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in parts.items()
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def _tower(width: int, kind: str, side: int) -> Projector:
    keys = {
        "image_size": side * PATCH,
        "patch_size": PATCH,
        "embedding_length": TOWER,
        "feed_forward_length": INNER,
        "block_count": 1,
        "projection_dim": width,
        "attention.head_count": 2,
        "attention.layer_norm_epsilon": 1e-6,
        "image_mean": [0.5, 0.5, 0.5],
        "image_std": [0.5, 0.5, 0.5],
        "projector.scale_factor": 1,
    }
    outside = [
        ("v.patch_embd.weight", (PATCH, PATCH, 3, TOWER)),
        ("v.position_embd.weight", (TOWER, side * side)),
        ("v.post_ln.weight", (TOWER,)),
        ("v.post_ln.bias", (TOWER,)),
    ]
    if kind == "mlp":
        outside += [("mm.0.weight", (TOWER, width)), ("mm.0.bias", (width,))]
        outside += [("mm.2.weight", (width, width)), ("mm.2.bias", (width,))]
        outside += [("v.pre_ln.weight", (TOWER,)), ("v.pre_ln.bias", (TOWER,))]
    else:
        outside += [("mm.input_projection.weight", (width, TOWER)), ("mm.soft_emb_norm.weight", (TOWER,))]
        outside += [("v.patch_embd.bias", (TOWER,))]
    return Projector("tiny", kind, "starter", keys, outside)
