"""How a model is to be loaded: the settings that its memory depends on, each with the value that the engine gets."""

from __future__ import annotations

from dataclasses import asdict, dataclass

#: What a chat gets when nobody says otherwise (the provider's `XLLAMACPP_N_CTX`), if the model was made for as much.
DEFAULT_CONTEXT_LENGTH = 8192
SMALLEST_CONTEXT_LENGTH = 256
#: No model comes near it; a header that says more is not believed.
LARGEST_CONTEXT_LENGTH = 2**27
#: Where a context control ends if a header does not say what the model was made for.
FALLBACK_LARGEST_CONTEXT = 131_072
#: Tokens of a prompt that the engine works through at once. Stop is felt at the end of a batch, so it is small:
#: measured on a CPU, prompts are as fast with 128 (138 tokens/s) as with 512 (138 tokens/s).
DEFAULT_BATCH = 128


@dataclass(frozen=True, slots=True)
class LoadOptions:
    """What is asked of the engine for one load.

    Attributes:
        context_length: tokens that one chat may hold, prompt and answers together.
        threads: processor threads that work on a token.
        batch: tokens of a prompt that are worked through at once (the engine's `n_batch` and `n_ubatch`).
        gpu_layers: layers on a graphics card. 0: the estimate counts the machine's memory only, and what is
            previewed is what is loaded.
    """

    context_length: int = DEFAULT_CONTEXT_LENGTH
    threads: int = 1
    batch: int = DEFAULT_BATCH
    gpu_layers: int = 0

    def to_json(self) -> dict[str, int | str | bool]:
        """Every setting the figures depend on, those that have no control yet included."""
        return {
            **asdict(self),
            "kv_type_k": "f16",
            "kv_type_v": "f16",
            "flash_attention": "auto",
            "parallel": 1,
            "mmap": True,
        }


def default_context_length(largest: int | None) -> int:
    """The context that a model gets unasked.

    Args:
        largest: what the model was made for, in tokens, or None where its header does not say.
    """
    return min(DEFAULT_CONTEXT_LENGTH, largest_context_length(largest))


def largest_context_length(largest: int | None) -> int:
    """The context that can be asked for, whatever memory there is.

    Args:
        largest: what the model was made for, in tokens, or None where its header does not say.
    """
    return min(max(largest or FALLBACK_LARGEST_CONTEXT, SMALLEST_CONTEXT_LENGTH), LARGEST_CONTEXT_LENGTH)


def default_threads(physical_cores: int | None) -> int:
    """Threads for this machine: one core stays free.

    With as many threads as cores, decoding falls to a third as soon as anything else runs, our own window included
    (measured: 72 tokens/s alone, 22 beside one busy process).
    """
    return max(1, (physical_cores or 2) - 1)
