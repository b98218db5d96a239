"""What sets the architectures apart whose memory the estimate knows: one row each.

A row says only what differs from a Llama: all layers alike, grouped-query attention over the whole context, norms
before attention and feed-forward. Widths, numbers of heads and of experts, and whether there is a gate, the header
tells.

Sources, of llama.cpp: `load_arch_hparams` and the graph in src/models/<architecture>.cpp, `llama_model::create_memory`
in src/llama-model.cpp, `llm_arch_is_recurrent` and `llm_arch_is_hybrid` in src/llama-arch.cpp.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto


@dataclass(frozen=True, slots=True)
class Window:
    """Layers that look at a sliding window of the context (`load_swa_pattern` of src/llama-model.cpp).

    Attributes:
        every: each so-many-th layer sees everything, where the file does not say which do. 0: none does.
        size: of the window in tokens, where the file does not say.
        everything_first: the first of each group of layers sees everything, instead of the last.
        told: only a file that names a window has one.
        fixed: `size` goes before what the file says.
    """

    every: int
    size: int = 0
    everything_first: bool = False
    told: bool = False
    fixed: bool = False


class Recurrent(Enum):
    """Which layers keep a state of fixed size instead of a cache of the context."""

    NONE = auto()
    ALL = auto()
    HEADLESS = auto()  # those without KV heads
    INTERVAL = auto()  # all but each `interval`-th, where the file does not say which
    BARE = auto()  # those without KV heads and without a feed-forward; attention has no feed-forward either
    BESIDE = auto()  # every layer has both, side by side


class Mixer(Enum):
    """How the tokens of a layer learn of each other; the graphs are in `mixers`."""

    ATTENTION = auto()
    LATENT = auto()  # DeepSeek's compressed attention
    MAMBA = auto()
    MAMBA2 = auto()
    DELTA = auto()  # gated delta net
    SHORTCONV = auto()
    RWKV7 = auto()
    NONE = auto()


class Turned(Enum):
    """In which layers queries and keys are turned by their position."""

    ALL = auto()
    WINDOWED = auto()  # those with a sliding window
    FOURTH = auto()  # all but each fourth
    NONE = auto()


class Parallel(Enum):
    """Where attention and feed-forward work side by side: which of them is added first."""

    NONE = auto()
    FEED_FORWARD = auto()
    ATTENTION = auto()
    OWN_NORM = auto()  # as FEED_FORWARD, but each has a norm of its own


@dataclass(frozen=True, slots=True)
class Traits:
    """What is special about an architecture.

    Attributes:
        window: its sliding window.
        recurrent: which of its layers are recurrent.
        interval: for `Recurrent.INTERVAL`, where the file does not say.
        state: how its recurrent layers work.
        latent: its attention is a latent one.
        encoder: it reads whole texts and keeps no context.
        caching_layers: only so many layers, from the first, have a cache; the others look into these.
        parallel: attention and feed-forward work on the same input, side by side.
        repeats_keys: heads of a delta net that share keys get a copy each.
        post_norm: the norms come after attention and feed-forward.
        turned: the layers in which queries and keys are turned by their position.
        weighs_first: what goes into an expert is weighted, instead of what comes out of it.
        flash: it can be computed with flash attention.
        copies_embeddings: it takes the output matrix for a copy of its own, where there is none.
    """

    window: Window | None = None
    recurrent: Recurrent = Recurrent.NONE
    interval: int = 4
    state: Mixer = Mixer.MAMBA2
    latent: bool = False
    encoder: bool = False
    caching_layers: int | None = None
    parallel: Parallel = Parallel.NONE
    repeats_keys: bool = False
    post_norm: bool = False
    turned: Turned = Turned.ALL
    weighs_first: bool = False
    flash: bool = True
    copies_embeddings: bool = False


PLAIN = Traits()
_ENCODER = Traits(encoder=True, post_norm=True)
_UNTURNED = Traits(turned=Turned.NONE)

ARCHITECTURES: dict[str, Traits] = {
    **dict.fromkeys(
        (
            *("llama", "deci", "baichuan", "starcoder2", "stablelm"),
            *("qwen", "qwen2", "qwen2moe", "qwen2vl", "qwen3", "qwen3moe", "qwen3vl", "qwen3vlmoe", "orion", "xverse"),
            *(
                "internlm2",
                "minicpm",
                "minicpm3",
                "gemma",
                "phi3",
                "phimoe",
                "plamo",
                "codeshell",
                "olmo",
                "olmoe",
                "dbrx",
            ),
            *("arctic", "deepseek", "chatglm", "glm4", "glm4moe", "granite", "granitemoe", "exaone", "nemotron"),
            *("dots1", "arcee", "ernie4_5", "ernie4_5-moe", "hunyuan-moe", "hunyuan-dense", "seed_oss"),
            *("bailingmoe", "bailingmoe2", "mistral3", "apertus", "minimax-m2", "llama-embed", "paddleocr"),
        ),
        PLAIN,
    ),
    **dict.fromkeys(("starcoder", "refact", "bloom", "mpt", "gpt2"), _UNTURNED),
    **dict.fromkeys(("falcon", "command-r"), Traits(parallel=Parallel.FEED_FORWARD)),
    "grok": Traits(flash=False),
    "phi2": Traits(parallel=Parallel.ATTENTION),
    "gptneox": Traits(parallel=Parallel.OWN_NORM),
    "llama4": Traits(Window(4, 8192, fixed=True), turned=Turned.WINDOWED, weighs_first=True),
    "smollm3": Traits(turned=Turned.FOURTH),
    "gemma2": Traits(Window(2, 4096)),
    "gemma3": Traits(Window(6, told=True)),
    "gemma3n": Traits(Window(5), caching_layers=20, copies_embeddings=True),
    "gemma4": Traits(Window(0), copies_embeddings=True),
    "cohere2": Traits(Window(4), parallel=Parallel.FEED_FORWARD, turned=Turned.WINDOWED),
    "cohere2moe": Traits(Window(4, everything_first=True), parallel=Parallel.FEED_FORWARD, turned=Turned.WINDOWED),
    "gpt-oss": Traits(Window(2)),
    "exaone4": Traits(Window(4, 4096, told=True)),
    "exaone-moe": Traits(Window(4, 128), turned=Turned.WINDOWED),
    "olmo2": Traits(Window(4, told=True)),
    "plamo3": Traits(Window(8, told=True)),
    "afmoe": Traits(Window(4, told=True)),
    "laguna": Traits(Window(4, everything_first=True, told=True)),
    "mellum": Traits(Window(4, told=True)),
    "smallthinker": Traits(Window(4, 4096, everything_first=True, told=True, fixed=True)),
    "muse-glimmer": Traits(Window(4), turned=Turned.WINDOWED),
    **dict.fromkeys(("step35", "mimo2", "maple", "spark2_5", "granite_swa"), Traits(Window(0))),
    **dict.fromkeys(("deepseek2", "mistral4"), Traits(latent=True)),
    "mamba": Traits(recurrent=Recurrent.ALL, state=Mixer.MAMBA),
    "mamba2": Traits(recurrent=Recurrent.ALL),
    **dict.fromkeys(("rwkv7", "arwkv7", "rwkv6", "rwkv6qwen2"), Traits(recurrent=Recurrent.ALL, state=Mixer.RWKV7)),
    "jamba": Traits(recurrent=Recurrent.HEADLESS, state=Mixer.MAMBA, turned=Turned.NONE),
    **dict.fromkeys(("granitehybrid", "plamo2"), Traits(recurrent=Recurrent.HEADLESS)),
    **dict.fromkeys(("lfm2", "lfm2moe"), Traits(recurrent=Recurrent.HEADLESS, state=Mixer.SHORTCONV)),
    **dict.fromkeys(("nemotron_h", "nemotron_h_moe"), Traits(recurrent=Recurrent.BARE, turned=Turned.NONE)),
    "falcon-h1": Traits(recurrent=Recurrent.BESIDE),
    "qwen3next": Traits(recurrent=Recurrent.INTERVAL, state=Mixer.DELTA, repeats_keys=True),
    **dict.fromkeys(("qwen35", "qwen35moe"), Traits(recurrent=Recurrent.INTERVAL, state=Mixer.DELTA)),
    "kimi-linear": Traits(recurrent=Recurrent.HEADLESS, state=Mixer.DELTA, latent=True),
    **dict.fromkeys(("jina-bert-v3", "nomic-bert", "nomic-bert-moe"), _ENCODER),
    **dict.fromkeys(("bert", "jina-bert-v2"), Traits(encoder=True, post_norm=True, turned=Turned.NONE)),
    **dict.fromkeys(("neo-bert", "eurobert", "dream", "llada", "llada-moe", "rnd1"), Traits(encoder=True)),
    "modern-bert": Traits(Window(3, everything_first=True, told=True), encoder=True),
    "gemma-embedding": Traits(Window(6), encoder=True),
}


#: Rows that were made from the engine's source alone: no plan of the engine was held against the estimate yet.
UNTRIED = frozenset(
    (
        *(
            "deci",
            "baichuan",
            "qwen",
            "orion",
            "xverse",
            "plamo",
            "codeshell",
            "olmo",
            "arctic",
            "bailingmoe",
            "refact",
        ),
        *("llama-embed", "paddleocr", "hunyuan-dense", "qwen3vlmoe", "ernie4_5-moe", "apertus", "exaone-moe", "plamo3"),
        *("laguna", "mellum", "muse-glimmer", "step35", "maple", "spark2_5", "granite_swa", "mistral4", "plamo2"),
        *(
            "rwkv6",
            "rwkv6qwen2",
            "arwkv7",
            "lfm2moe",
            "nemotron_h_moe",
            "nomic-bert-moe",
            "jina-bert-v2",
            "jina-bert-v3",
        ),
        *("neo-bert", "llada", "llada-moe", "rnd1"),
    )
)


def traits_of(architecture: str) -> Traits:
    """What is special about this one; of one that is not known nothing, as if it were a Llama."""
    return ARCHITECTURES.get(architecture, PLAIN)
