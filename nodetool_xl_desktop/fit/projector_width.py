"""How wide what a projector hands to its model is: a model of another width refuses it.

Source: `clip_n_mmproj_embd` and `load_tensors` of llama.cpp's tools/mtmd/clip.cpp.
"""

from __future__ import annotations

from nodetool_xl_desktop.gguf import Header

#: The tensor that says it, and which of its lengths, by kind: the last matrix of the projector, or its bias. A file
#: that says no kind is of 2023, and "mlp". Of "qwen3vl_merger" its model takes several at once, each of that width.
_LAST = {
    **dict.fromkeys(
        (
            *("", "mlp", "phi4", "pixtral", "lightonocr", "dots_ocr", "dots3note_v", "muse-glimmer", "lfm2"),
            *("d1omni_v", "kimivl", "kimik25", "paddleocr", "yasa2", "deepseek4v", "cohere2v", "mimovl"),
            *("qwen2vl_merger", "qwen2.5vl_merger", "qwen2.5o", "qwen3vl_merger", "ling3vl", "exaone4_5", "youtuvl"),
        ),
        ("mm.2.weight", 1),
    ),
    **dict.fromkeys(("gemma3", "gemma3nv"), ("mm.input_projection.weight", 0)),
    **dict.fromkeys(("gemma4v", "gemma4uv"), ("mm.input_projection.weight", 1)),
    **dict.fromkeys(("idefics3", "llama4", "step3vl", "hunyuanvl"), ("mm.model.fc.weight", 1)),
    **dict.fromkeys(("internvl", "nemotron_v2_vl"), ("mm.model.mlp.3.weight", 1)),
    **dict.fromkeys(("glm4v", "glm5v", "minicpmv4_6", "cogvlm"), ("mm.down.weight", 1)),
    **dict.fromkeys(("ultravox", "voxtral", "musicflamingo", "qwen3a", "glma"), ("mm.a.mlp.2.weight", 1)),
    "ldp": ("mm.model.mb_block.1.block.2.1.bias", 0),
    "ldpv2": ("mm.model.peg.0.bias", 0),
    "resampler": ("resampler.proj.weight", 0),
    "minimax_m3": ("mm.merger.fc2.bias", 0),
    "meralion": ("mm.a.mlp.3.weight", 1),
    "qwen2a": ("mm.a.fc.weight", 1),
}
#: The last one of a LLaVA on a Yi, which says the kind of the others.
_OF_YI = "mm.3.bias"
_KINDS = ("clip.vision.projector_type", "clip.projector_type", "clip.audio.projector_type")


def projector_width(header: Header) -> int:
    """The length of the embeddings that it makes, 0 where it does not say.

    Of a kind that is not known here the header's own word is taken, `projection_dim`. Not of the others: that of LLaVA
    1.5 is 768, of the CLIP that it was cut from, and what it makes is as wide as its model.
    """
    kind = next((told for key in _KINDS if isinstance(told := header.metadata.get(key), str)), "")
    shapes = {tensor.name: tensor.shape for tensor in header.tensors}
    if kind not in _LAST:
        told = header.metadata.get("clip.vision.projection_dim") or header.metadata.get("clip.audio.projection_dim")
        return told if isinstance(told, int) else 0
    name, at = (_OF_YI, 0) if kind in ("", "mlp") and _OF_YI in shapes else _LAST[kind]
    shape = shapes.get(name, ())
    return shape[at] if len(shape) > at else 0
