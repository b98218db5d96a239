"""How a model is to be loaded: the settings that its memory and its speed depend on, and who decides each of them."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, fields

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.translation import tr

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
#: Tokens that are computed at once, however large the batch is (the engine's own default of `n_ubatch`).
DEFAULT_UBATCH = 512
#: What the keys and the values of a context can be kept as, by the engine's names (`kv_cache_types` of llama.cpp's
#: common/arg.cpp), the most exact first.
KV_TYPES = ("f32", "f16", "bf16", "q8_0", "q5_1", "q5_0", "q4_1", "q4_0", "iq4_nl")
DEFAULT_KV_TYPE = "f16"
#: Those of which several numbers share a scale. For values the engine reads them with flash attention only.
QUANTIZED_KV_TYPES = KV_TYPES[3:]


@dataclass(frozen=True, slots=True)
class LoadOptions:
    """What is asked of the engine for one load, every setting with the value that the engine gets.

    Attributes:
        context_length: tokens that one chat may hold, prompt and answers together.
        threads: processor threads that work on a token.
        batch: tokens of a prompt that are handed to the engine at once (its `n_batch`).
        gpu_layers: layers on a graphics card, the output layer counted as one.
        parallel: chats that are answered side by side, each with the whole `context_length`.
        cache_ram_mib: memory, in MiB, in which the engine may keep the prompts of earlier chats; it is taken as chats
            come and go, not by the load.
        flash_attention: None leaves it to the engine, which uses it wherever the device can.
        kv_type_k: what the keys of the context are kept as, one of `KV_TYPES`.
        kv_type_v: what its values are kept as.
        ubatch: tokens that are computed at once (the engine's `n_ubatch`), at most; see `physical_batch`.
        swa_full: keep the whole context also where the model looks at a sliding window of it only.
        kv_unified: the chats share one cache of `context_length` tokens, instead of having as many each.
        mmap: weights that the processor works with stay in the mapped file.
        mlock: they are kept in memory, so that they are never swapped out.
        cpu_moe: of so many layers, counted from the first, the experts stay on the processor.
        tensor_split: the shares of the devices in the layers, such as "3,1"; empty for shares by what is free of each.
        projector: the file that lets the model see, loaded beside it; empty for none.
    """

    context_length: int = DEFAULT_CONTEXT_LENGTH
    threads: int = 1
    batch: int = DEFAULT_BATCH
    gpu_layers: int = 0
    parallel: int = 1
    cache_ram_mib: int = 0
    flash_attention: bool | None = None
    kv_type_k: str = DEFAULT_KV_TYPE
    kv_type_v: str = DEFAULT_KV_TYPE
    ubatch: int = DEFAULT_UBATCH
    swa_full: bool = False
    kv_unified: bool = False
    mmap: bool = True
    mlock: bool = False
    cpu_moe: int = 0
    tensor_split: str = ""
    projector: str = ""

    @property
    def shares(self) -> tuple[int, ...]:
        """`tensor_split` as numbers; empty where it says nothing."""
        return tuple(map(int, self.tensor_split.split(","))) if self.tensor_split else ()

    @property
    def keeps_off_first_device(self) -> bool:
        """Whether the first device gets nothing, not even a share in the work on the processor's layers."""
        return bool(self.shares) and not self.shares[0]

    @property
    def projector_on_device(self) -> bool:
        """Whether the projector goes onto the first device, where there is one: not where that is to get nothing."""
        return self.gpu_layers > 0 and not self.keeps_off_first_device

    @property
    def physical_batch(self) -> int:
        """Tokens that are computed at once: the engine never takes more than the batch."""
        return min(self.batch, self.ubatch)

    @property
    def conflict(self) -> str:
        """Why the engine would refuse these options whatever the model is; empty where it would not."""
        return _conflict(self.kv_type_v, self.flash_attention)

    def to_json(self) -> dict[str, int | str | bool]:
        """Every setting the figures depend on, with what the engine makes of it."""
        flash = {None: "auto", True: "on", False: "off"}[self.flash_attention]
        return {**asdict(self), "flash_attention": flash, "ubatch": self.physical_batch}


#: The least value of each setting that a person can give.
_LEAST = {
    "context_length": 1,
    "threads": 1,
    "batch": 1,
    "gpu_layers": 0,
    "parallel": 1,
    "cache_ram_mib": 0,
    "ubatch": 1,
    "cpu_moe": 0,
}
#: More would only be a slip of the keyboard, which the engine answers with a crash.
_MOST = {
    "context_length": LARGEST_CONTEXT_LENGTH,
    "threads": 4096,
    "batch": 65_536,
    "gpu_layers": 100_000,
    "parallel": 256,
    "cache_ram_mib": 2**30,
    "ubatch": 65_536,
    "cpu_moe": 1024,
}
#: Up to 16 devices (`GGML_SCHED_MAX_BACKENDS`), and a number above 0 for at least one.
_SPLIT = re.compile(r"(?=.*[1-9])[0-9]{1,12}(,[0-9]{1,12}){0,15}")
_TYPES = ("kv_type_k", "kv_type_v")
_WHAT = tr("The model cannot be loaded this way")


@dataclass(frozen=True, slots=True)
class LoadSettings:
    """What one source says about a load: a call, the settings of a model, the environment. None: it says nothing.

    The attributes are those of `LoadOptions`. A `projector` that nobody names is the one that lies beside the model.

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
    kv_type_k: str | None = None
    kv_type_v: str | None = None
    ubatch: int | None = None
    swa_full: bool | None = None
    kv_unified: bool | None = None
    mmap: bool | None = None
    mlock: bool | None = None
    cpu_moe: int | None = None
    tensor_split: str | None = None
    projector: str | None = None

    def __post_init__(self) -> None:
        for name in _TYPES:
            if getattr(self, name) not in (None, *KV_TYPES):
                why = tr(
                    "{name} is {value!r}, which is none of {types}",
                    name=name,
                    value=getattr(self, name),
                    types=", ".join(KV_TYPES),
                )
                raise UserFacingError(_WHAT, why)
        if self.tensor_split is not None and not (isinstance(self.tensor_split, str) and self._split_is_fine()):
            why = tr(
                "tensor_split is {tensor_split!r}, which are no shares of devices such as 3,1",
                tensor_split=self.tensor_split,
            )
            raise UserFacingError(_WHAT, why)
        if not isinstance(self.projector, str | None):
            raise UserFacingError(_WHAT, tr("projector is {projector!r}, no path of a file", projector=self.projector))
        for name, least in _LEAST.items():
            value = getattr(self, name)
            if value is None:
                continue
            if not isinstance(value, int) or isinstance(value, bool):
                raise UserFacingError(_WHAT, tr("{name} is {value!r}, no whole number", name=name, value=value))
            if not least <= value <= _MOST[name]:
                raise UserFacingError(
                    _WHAT,
                    tr(
                        "{name} is {value:,}, which is not between {least:,} and {most:,}",
                        name=name,
                        value=value,
                        least=least,
                        most=_MOST[name],
                    ),
                )

    @property
    def conflict(self) -> str:
        """Why no load can be as these settings say together; empty where one can."""
        return _conflict(self.kv_type_v or DEFAULT_KV_TYPE, self.flash_attention)

    def _split_is_fine(self) -> bool:
        return not self.tensor_split or _SPLIT.fullmatch(self.tensor_split) is not None

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

        GPU layers that nobody named are none here: whoever can ask the devices names them first. Likewise a projector:
        whoever knows what lies beside the model decides it (`fit.projector.seeing`).

        Args:
            context_length_max: what the model was made for, in tokens, or None where its header does not say.
            physical_cores: of this machine, None where the system does not say.

        Raises:
            UserFacingError: what the sources say together is no load.
        """
        if self.conflict:
            raise UserFacingError(_WHAT, self.conflict, tr("Leave flash attention on, or keep the values as f16."))
        return LoadOptions(
            context_length=self.context_length or default_context_length(context_length_max),
            threads=self.threads or default_threads(physical_cores),
            batch=self.batch or DEFAULT_BATCH,
            gpu_layers=self.gpu_layers or 0,
            parallel=self.parallel or 1,
            cache_ram_mib=self.cache_ram_mib or 0,
            flash_attention=self.flash_attention,
            kv_type_k=self.kv_type_k or DEFAULT_KV_TYPE,
            kv_type_v=self.kv_type_v or DEFAULT_KV_TYPE,
            ubatch=self.ubatch or DEFAULT_UBATCH,
            swa_full=bool(self.swa_full),
            kv_unified=bool(self.kv_unified),
            mmap=self.mmap is not False,
            mlock=bool(self.mlock),
            cpu_moe=self.cpu_moe or 0,
            tensor_split=self.tensor_split or "",
            projector=self.projector or "",
        )


def _conflict(kv_type_v: str, flash_attention: bool | None) -> str:
    """`llama_init_from_model` of llama.cpp: "V cache quantization requires flash_attn"."""
    if kv_type_v in QUANTIZED_KV_TYPES and flash_attention is False:
        return tr("values that are kept as {kv_type_v} need flash attention, which is off", kv_type_v=kv_type_v)
    return ""


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
