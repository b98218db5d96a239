"""Projectors (mmproj files): no models, but loaded beside one, so that it sees. Sizes as published, weights in F16."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gguf_writer import Tensor, write_gguf

from nodetool_xl_desktop.core.units import MIB
from shapes.shape import Named


@dataclass(frozen=True, repr=False)
class Projector:
    """A tower of vision layers and what leads from it into a model.

    Attributes:
        kind: llama.cpp's name of the projector (tools/mtmd/clip-impl.h).
        beside: a shape of its width.
        keys: its metadata behind "clip.vision.".
        outside: the tensors beside the layers.
    """

    name: str
    kind: str
    beside: str
    keys: Mapping[str, Any]
    outside: Sequence[Named]

    def __repr__(self) -> str:
        return self.name

    def tensors(self) -> list[Tensor]:
        """All of them; norms, biases and positions are F32."""
        named = list(self.outside)
        for layer in range(self.keys["block_count"]):
            named += [(f"v.blk.{layer}.{name}", lengths) for name, lengths in self._layer()]
        return [(name, tuple(lengths), _type_of(name, lengths)) for name, lengths in named]

    def _layer(self) -> list[Named]:
        width, inner = self.keys["embedding_length"], self.keys["feed_forward_length"]
        named: list[Named] = []
        for name in ("attn_q", "attn_k", "attn_v", "attn_out"):
            named += [(f"{name}.weight", (width, width)), (f"{name}.bias", (width,))]
        for name in ("ln1", "ln2"):
            named += [(f"{name}.weight", (width,)), (f"{name}.bias", (width,))]
        named += [("ffn_up.weight", (width, inner)), ("ffn_up.bias", (inner,))]
        return [*named, ("ffn_down.weight", (inner, width)), ("ffn_down.bias", (width,))]


def write_projector(folder: Path, projector: Projector) -> Path:
    """Write it as a sparse file."""
    metadata: dict[str | bytes, Any] = {
        "general.architecture": "clip",
        "general.type": "mmproj",
        "general.name": projector.name,
        "general.file_type": 1,
        "clip.projector_type": projector.kind,
        "clip.has_vision_encoder": True,
        "clip.use_gelu": True,
        **{f"clip.vision.{key}": value for key, value in projector.keys.items()},
    }
    return write_gguf(folder / f"mmproj-{projector.name}-f16.gguf", metadata, projector.tensors())


#: Has the engine plan a model with a projector beside it.
_PLAN = """
import json, os, sys
os.environ["GGML_NO_BACKTRACE"] = "1"
if os.name == "posix":
    import resource
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
import xllamacpp
params = xllamacpp.CommonParams()
params.model.path, params.mmproj.path = json.loads(sys.argv[1])
params.n_ctx, params.cpuparams.n_threads = 2048, 1
params.no_alloc = params.fit_params = True
params.verbosity = 4
xllamacpp.Server(params)
"""


def told_by_the_engine(model: Path, file: Path) -> float:
    """What the engine says a projector takes, in bytes, with what the largest image is computed in.

    Raises:
        ValueError: it says nothing.
    """
    command = [sys.executable, "-c", _PLAN, json.dumps([str(model), str(file)])]
    log = []
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as child:
        for line in child.stderr or ():
            if told := re.search(rb"memory usage of mmproj is ([\d.]+) MiB", line):
                child.kill()
                return float(told[1]) * MIB
            log.append(line)
    raise ValueError(log[-20:])


def _type_of(name: str, lengths: Sequence[int]) -> str:
    return "F32" if len(lengths) == 1 or "position_embd" in name else "F16"


def _tower(image: int, patch: int, width: int, inner: int, layers: int, projection: int) -> dict[str, Any]:
    return {
        "image_size": image,
        "patch_size": patch,
        "embedding_length": width,
        "feed_forward_length": inner,
        "block_count": layers,
        "projection_dim": projection,
        "attention.head_count": 16,
        "attention.layer_norm_epsilon": 1e-6,
        "image_mean": [0.5, 0.5, 0.5],
        "image_std": [0.5, 0.5, 0.5],
    }


def _norm(name: str, width: int) -> list[Named]:
    return [(f"{name}.weight", (width,)), (f"{name}.bias", (width,))]


def _linear(name: str, source: int, target: int) -> list[Named]:
    return [(f"{name}.weight", (source, target)), (f"{name}.bias", (target,))]


PROJECTORS = (
    # CLIP ViT-L/14 at 336 pixels, without its last layer
    Projector(
        "llava-1.5-7b",
        "mlp",
        "llama-2-7b",
        _tower(336, 14, 1024, 4096, 23, 768),
        [
            ("v.class_embd", (1024,)),
            ("v.patch_embd.weight", (14, 14, 3, 1024)),
            ("v.position_embd.weight", (1024, 577)),
            *_norm("v.pre_ln", 1024),
            *_norm("v.post_ln", 1024),
            *_linear("mm.0", 1024, 4096),
            *_linear("mm.2", 4096, 4096),
        ],
    ),
    # SigLIP so400m
    Projector(
        "gemma-3-4b",
        "gemma3",
        "gemma-3-4b",
        _tower(896, 14, 1152, 4304, 27, 2560),
        [
            ("v.patch_embd.weight", (14, 14, 3, 1152)),
            ("v.patch_embd.bias", (1152,)),
            ("v.position_embd.weight", (1152, 4096)),
            *_norm("v.post_ln", 1152),
            ("mm.input_projection.weight", (2560, 1152)),
            ("mm.soft_emb_norm.weight", (1152,)),
        ],
    ),
    Projector(
        "qwen2-vl-7b",
        "qwen2vl_merger",
        "qwen2.5-7b",
        _tower(560, 14, 1280, 5120, 32, 3584),
        [
            ("v.patch_embd.weight", (14, 14, 3, 1280)),
            ("v.patch_embd.weight.1", (14, 14, 3, 1280)),
            *_norm("v.post_ln", 1280),
            *_linear("mm.0", 5120, 5120),
            *_linear("mm.2", 5120, 3584),
        ],
    ),
)
