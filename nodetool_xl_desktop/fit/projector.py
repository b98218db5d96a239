"""The vision projector beside a model: which one, and what it takes: its weights, and what an image is computed in.

Reckoned for the image that the engine warms up with, which is what it tells in its plan ("memory usage of mmproj").
An encoder of sounds is counted with its weights alone.

Source: `clip_graph::build_vit` and `warmup` of llama.cpp's tools/mtmd/clip.cpp.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from nodetool_xl_desktop.fit import mixers
from nodetool_xl_desktop.fit.anatomy import padded
from nodetool_xl_desktop.fit.architectures import Mixer
from nodetool_xl_desktop.fit.feed_forward import feed_forward
from nodetool_xl_desktop.fit.graph import F16_BYTES, Batch, Graph, Widths
from nodetool_xl_desktop.fit.keys import F32_BYTES
from nodetool_xl_desktop.fit.options import DEFAULT_UBATCH, LoadOptions
from nodetool_xl_desktop.gguf import Header

COLOURS = 3
#: The largest image that is believed, in pixels a side, and the most patches of it.
LARGEST_IMAGE = 16_384
MOST_PATCHES = 2**20

#: By kind: how many tokens a side the image has that the engine warms up with (`set_warmup_n_tokens`), and how many
#: patches a side become one token, where the file does not say. Others use the size of image that they were made for.
_WARMED_UP = {
    **dict.fromkeys(("qwen2vl_merger", "qwen2.5vl_merger", "qwen3vl_merger", "ling3vl", "glm4v", "glm5v"), (46, 2)),
    **dict.fromkeys(("mimovl", "exaone4_5"), (46, 2)),
    **dict.fromkeys(("dots_ocr", "dots3note_v"), (46, 1)),
    **dict.fromkeys(("pixtral", "lightonocr", "kimivl", "phi4"), (16, 1)),
    **dict.fromkeys(("minimax_m3", "youtuvl"), (16, 2)),
    **dict.fromkeys(("muse-glimmer", "hunyuanvl"), (32, 2)),
    **dict.fromkeys(("gemma4v", "gemma4uv"), (16, 3)),
    "paddleocr": (28, 2),
}
#: Kinds that tell positions by turning queries and keys, and so have no learned ones.
_TURNED = ("qwen", "ling", "glm", "pixtral", "lightonocr", "kimi", "dots", "mimo", "paddle", "exaone", "minimax")
#: Kinds of which the model looks at all of an image at once, so that it has to fit into one batch: an image of Gemma 3
#: makes 256 tokens. In a smaller batch it would see pieces that know nothing of each other, without a word of the
#: engine (`mtmd_helper_decode_image_chunk` and `mtmd_decode_use_non_causal` of llama.cpp's tools/mtmd).
_AT_ONCE = ("gemma3", "gemma4v", "gemma4uv", "deepseek4v")


def sees(header: Header) -> bool:
    """Whether it is a projector for images; older ones do not say what they are for."""
    if header.kind != "projector":
        return False
    told = header.metadata.get("clip.has_vision_encoder")
    return told is True or (told is None and header.metadata.get("clip.has_audio_encoder") is not True)


def pick(said: str | None, beside: Sequence[Header]) -> Header | None:
    """The projector that is meant.

    Args:
        said: by `LoadSettings.projector`: a path, empty for none, None where nobody says anything. Of a file that was
            moved the name is enough; one that is not there any more says nothing.
        beside: those that lie beside the model, the likeliest first.
    """
    if said == "" or not beside:
        return None
    for path in filter(None, (said, said and _name(said))):
        for each in beside:
            if path in (str(each.path), each.path.name):
                return each
    return beside[0]


def seeing(options: LoadOptions, projector: Header | None) -> LoadOptions:
    """These options with this projector beside the model, or with none."""
    if projector is None:
        return replace(options, projector="")
    least = DEFAULT_UBATCH if _kind(projector) in _AT_ONCE else 1
    return replace(
        options,
        projector=str(projector.path),
        batch=max(options.batch, least),
        ubatch=max(options.ubatch, least),
    )


def projector_bytes(header: Header, options: LoadOptions) -> int:
    """What the engine takes for this projector, in bytes."""
    return sum(padded(tensor.size) for tensor in header.tensors) + compute(header, options.flash_attention is not False)


def compute(header: Header, flash: bool) -> int:
    """The buffer that an image is computed in, in bytes; 0 for what sees no images."""
    width, patch = _number(header, "vision.embedding_length"), _number(header, "vision.patch_size")
    side = _patches_a_side(header, patch)
    if not width or not patch or not side:
        return 0
    names = {tensor.name for tensor in header.tensors}
    tokens = side * side + ("v.class_embd" in names)
    graph = Graph(Batch(tokens, 1, tokens, tokens, flash, turned_keys=False, turned_values=False), width)
    hidden = _image(graph, side, patch)
    widths = _widths(header, names, width)
    for _ in range(2):
        hidden = _layer(graph, widths, hidden)
    for name in ("mm.0.weight", "mm.2.weight"):  # from the tower into the model
        rows = next((tensor.shape[1] for tensor in header.tensors if tensor.name == name and len(tensor.shape) > 1), 0)
        merged = _merged(header)
        out = graph.take(tokens // merged**2 * rows * F32_BYTES)
        graph.give(hidden)
        hidden = out
    return graph.packing.peak


def _image(graph: Graph, side: int, patch: int) -> tuple[int, int]:
    """An image as the patches of a tower, with what tells their places."""
    pixels = graph.take(COLOURS * (side * patch) ** 2 * F32_BYTES)
    columns = graph.take(COLOURS * (side * patch) ** 2 * F16_BYTES)
    patches = graph.rows(graph.embedding)
    graph.give(columns)
    turned = graph.rows(graph.embedding)
    graph.give(patches)
    hidden = graph.rows(graph.embedding)
    graph.give(turned, pixels)
    return hidden


def _layer(graph: Graph, widths: Widths, hidden: tuple[int, int]) -> tuple[int, int]:
    found = mixers.encoding(graph, widths, graph.rows(graph.embedding))
    added = graph.rows(graph.embedding)
    graph.give(found, hidden)
    out = feed_forward(graph, widths, graph.rows(graph.embedding))
    if out is None:
        return added
    graph.give(out)  # added in place
    return added


def _widths(header: Header, names: set[str], width: int) -> Widths:
    kind = _kind(header)
    return Widths(
        mixers=(Mixer.ATTENTION,),
        windowed=False,
        stores=False,
        heads=_number(header, "vision.attention.head_count"),
        queries=width,
        keys=width,
        values=width,
        attended=width,
        fused="v.blk.0.attn_qkv.weight" in names,
        turned=kind.startswith(_TURNED) or "v.blk.0.attn_q_norm.weight" in names,
        normed=True,
        feed_normed=True,
        gate=0,
        latent=0,
        latent_queries=0,
        rotary=0,
        absorbed=False,
        inner=_number(header, "vision.feed_forward_length"),
        gated="v.blk.0.ffn_gate.weight" in names,
        joined=False,
        experts=0,
        used=0,
        expert_inner=0,
        experts_gated=False,
        experts_joined=False,
        shared_inner=0,
        biased=False,
        weighed_first=False,
    )


def _name(path: str) -> str:
    return re.split(r"[/\\]", path)[-1]


def _kind(header: Header) -> str:
    for key in ("clip.vision.projector_type", "clip.projector_type"):
        told = header.metadata.get(key)
        if isinstance(told, str):
            return told
    return ""


def _merged(header: Header) -> int:
    """How many patches a side become one token."""
    told = _number(header, "vision.spatial_merge_size") or _number(header, "vision.projector.scale_factor")
    return min(told or _WARMED_UP.get(_kind(header), (0, 1))[1], LARGEST_IMAGE)


def _patches_a_side(header: Header, patch: int) -> int:
    kind = _kind(header)
    if kind in _WARMED_UP:
        side = _WARMED_UP[kind][0] * _merged(header)
    else:
        side = min(_number(header, "vision.image_size"), LARGEST_IMAGE) // max(patch, 1)
    return side if side * side <= MOST_PATCHES else 0


def _number(header: Header, suffix: str) -> int:
    told = header.metadata.get(f"clip.{suffix}")
    return told if isinstance(told, int) and told > 0 else 0
