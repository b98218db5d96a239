"""How a model is to be loaded: the settings that its memory and its speed depend on, and who decides each of them."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields

from nodetool_xl_desktop.core.errors import UserFacingError

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
    """What is asked of the engine for one load, every setting with the value that the engine gets.

    Attributes:
        context_length: tokens that one chat may hold, prompt and answers together.
        threads: processor threads that work on a token.
        batch: tokens of a prompt that are worked through at once (the engine's `n_batch` and `n_ubatch`).
        gpu_layers: layers on a graphics card, the output layer counted as one.
        parallel: chats that are answered side by side, each with the whole `context_length`.
        cache_ram_mib: memory, in MiB, in which the engine may keep the prompts of earlier chats; it is taken as chats
            come and go, not by the load.
        flash_attention: None leaves it to the engine, which uses it wherever the device can.
    """

    context_length: int = DEFAULT_CONTEXT_LENGTH
    threads: int = 1
    batch: int = DEFAULT_BATCH
    gpu_layers: int = 0
    parallel: int = 1
    cache_ram_mib: int = 0
    flash_attention: bool | None = None

    def to_json(self) -> dict[str, int | str | bool]:
        """Every setting the figures depend on, those that have no control yet included."""
        flash = {None: "auto", True: "on", False: "off"}[self.flash_attention]
        return {**asdict(self), "flash_attention": flash, "kv_type_k": "f16", "kv_type_v": "f16", "mmap": True}


#: The least value of each setting that a person can give.
_LEAST = {
    "context_length": 1,
    "threads": 1,
    "batch": 1,
    "gpu_layers": 0,
    "parallel": 1,
    "cache_ram_mib": 0,
}
#: More would only be a slip of the keyboard, which the engine answers with a crash.
_MOST = {
    "context_length": LARGEST_CONTEXT_LENGTH,
    "threads": 4096,
    "batch": 65_536,
    "gpu_layers": 100_000,
    "parallel": 256,
    "cache_ram_mib": 2**30,
}


@dataclass(frozen=True, slots=True)
class LoadSettings:
    """What one source says about a load: a call, the settings of a model, the environment. None: it says nothing.

    The attributes are those of `LoadOptions`.

    Raises:
        UserFacingError: a value that no load can have.
    """

    context_length: int | None = None
    threads: int | None = None
    batch: int | None = None
    gpu_layers: int | None = None
    parallel: int | None = None
    cache_ram_mib: int | None = None
    flash_attention: bool | None = None

    def __post_init__(self) -> None:
        for name, least in _LEAST.items():
            value = getattr(self, name)
            if value is None:
                continue
            if not isinstance(value, int) or isinstance(value, bool):
                raise UserFacingError("The model cannot be loaded this way", f"{name} is {value!r}, no whole number")
            if not least <= value <= _MOST[name]:
                raise UserFacingError(
                    "The model cannot be loaded this way",
                    f"{name} is {value:,}, which is not between {least:,} and {_MOST[name]:,}",
                )

    def over(self, other: LoadSettings) -> LoadSettings:
        """This source's word, and where it says nothing the other's."""
        own = {field.name: getattr(self, field.name) for field in fields(self)}
        return LoadSettings(**{name: getattr(other, name) if value is None else value for name, value in own.items()})

    @classmethod
    def of(cls, options: LoadOptions) -> LoadSettings:
        """Settings that say just these options."""
        return cls(**{field.name: getattr(options, field.name) for field in fields(cls)})

    def options(self, context_length_max: int | None, physical_cores: int | None) -> LoadOptions:
        """The options of a load, with the program's defaults where nothing was said.

        GPU layers that nobody named are none here: whoever can ask the devices names them first.

        Args:
            context_length_max: what the model was made for, in tokens, or None where its header does not say.
            physical_cores: of this machine, None where the system does not say.
        """
        return LoadOptions(
            context_length=self.context_length or default_context_length(context_length_max),
            threads=self.threads or default_threads(physical_cores),
            batch=self.batch or DEFAULT_BATCH,
            gpu_layers=self.gpu_layers or 0,
            parallel=self.parallel or 1,
            cache_ram_mib=self.cache_ram_mib or 0,
            flash_attention=self.flash_attention,
        )


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
