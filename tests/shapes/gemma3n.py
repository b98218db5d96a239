"""Gemma 3n: embeddings for every layer, four streams side by side (AltUp), and caches that later layers share."""

from __future__ import annotations

from collections.abc import Iterator

from shapes.blocks import attention, feed_forward, norms
from shapes.shape import Keys, Named, Shape

_WIDTH, _EACH, _STREAMS, _RANK = 2048, 256, 4, 64
_VOCABULARY = 262_400


def _streams(keys: Keys, layer: int) -> Iterator[Named]:
    yield "inp_gate.weight", (_WIDTH, _EACH)
    yield "proj.weight", (_EACH, _WIDTH)
    yield "altup_correct_coef.weight", (_STREAMS, _STREAMS)
    yield "altup_correct_scale.weight", (_WIDTH,)
    yield "altup_predict_coef.weight", (_STREAMS, _STREAMS * _STREAMS)
    yield "altup_router.weight", (_WIDTH, _STREAMS)
    yield "laurel_l.weight", (_WIDTH, _RANK)
    yield "laurel_r.weight", (_RANK, _WIDTH)


def gemma_3n(name: str, billions: float, *, layers: int, inner: int, shared: int) -> Shape:
    """One of its sizes; the last `shared` layers have no cache of their own."""
    return Shape(
        name,
        billions,
        "gemma3n",
        _VOCABULARY,
        {
            "context_length": 32_768,
            "embedding_length": _WIDTH,
            "block_count": layers,
            "feed_forward_length": inner,
            "attention.head_count": 8,
            "attention.head_count_kv": 2,
            "attention.key_length": 256,
            "attention.value_length": 256,
            "attention.layer_norm_rms_epsilon": 1e-6,
            "attention.sliding_window": 512,
            "attention.sliding_window_pattern": [layer % 5 < 4 for layer in range(layers)],
            "attention.shared_kv_layers": shared,
            "altup.active_idx": 0,
            "altup.num_inputs": _STREAMS,
            "embedding_length_per_layer_input": _EACH,
        },
        [
            norms("attn_norm", "post_attention_norm", "ffn_norm", "post_ffw_norm", "post_norm"),
            norms("altup_router_norm", "laurel_post_norm"),
            attention(head_norm=True),
            feed_forward(),
            _streams,
        ],
        tied=True,
        outside=[
            ("per_layer_token_embd.weight", (_EACH * layers, _VOCABULARY)),
            ("per_layer_model_proj.weight", (_WIDTH, _EACH * layers)),
            ("per_layer_proj_norm.weight", (_EACH,)),
            ("altup_proj.weight", (_WIDTH, _WIDTH, _STREAMS - 1)),
            ("altup_unembd_proj.weight", (_WIDTH, _WIDTH, _STREAMS - 1)),
        ],
    )


GEMMA_3N = gemma_3n("gemma-3n-e4b", 6.87, layers=35, inner=16_384, shared=15)
