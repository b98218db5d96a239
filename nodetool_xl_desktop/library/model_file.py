"""One model of My Models, as a value: where it lies, what its header says, and what a person says of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from nodetool_xl_desktop.core.text import one_line
from nodetool_xl_desktop.core.translation import mark
from nodetool_xl_desktop.gguf.header import Kind, size_label
from nodetool_xl_desktop.gguf.names import read_name


class Place(StrEnum):
    """Whose folder a model lies in; the value is what it is called in files and for people."""

    OWN = "NodeTool XL"
    ADDED = mark("Added folder")
    OPENED = mark("Opened file")
    HUGGING_FACE = "Hugging Face"
    LM_STUDIO = "LM Studio"
    OLLAMA = "Ollama"
    GPT4ALL = "GPT4All"
    JAN = "Jan"
    LLAMA_CPP = "llama.cpp"


class Capability(StrEnum):
    """What a model can do beyond text in and text out, from its header, its template and what lies beside it."""

    TOOLS = mark("Tools")
    VISION = mark("Vision")
    AUDIO = mark("Audio")
    REASONING = mark("Reasoning")
    EMBEDDING = mark("Embedding")


@dataclass(frozen=True, slots=True)
class Facts:
    """What a header says that a list shows; kept in the index, so that no list opens a file twice.

    Attributes:
        kind: what the file is; only a "model" can be loaded.
        name: `general.name`, cleaned.
        architecture: such as "llama".
        n_params: elements of all tensors.
        quantization: such as "Q4_K_M".
        context_length: that it was made for, in tokens; None where it does not say.
        capabilities: from the header and the chat template alone.
        licence: `general.license`, empty where it says none.
        fingerprint: SHA-256 of the (first file's) header and of the size of all files: the same for two copies of one
            model.
        width: of a model the length of its embeddings, of a projector that of what it hands to its model; 0 where it
            does not say.
    """

    kind: Kind
    name: str
    architecture: str
    n_params: int
    quantization: str
    context_length: int | None
    capabilities: frozenset[Capability]
    licence: str
    fingerprint: str
    width: int = 0

    @property
    def size_label(self) -> str:
        """The number of parameters as people say it: "7.2B"; empty where there are none."""
        return size_label(self.n_params)


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a file of the list is no model to load: what, why and what to do, as in `UserFacingError`."""

    what: str
    why: str
    hint: str


@dataclass(frozen=True, slots=True)
class About:
    """What a person says of a model.

    Attributes:
        title: in place of the name that its file gives it; empty for that.
        tags: in the order in which they were given.
        notes: any text.
        favourite: it stands first.
        last_used: when it was last loaded, in seconds since 1970; 0 for never.
    """

    title: str = ""
    tags: tuple[str, ...] = ()
    notes: str = ""
    favourite: bool = False
    last_used: float = 0.0


def title(path: Path) -> str:
    """A model's name as people say it, from its file's: "Llama 3.1 8B Instruct".

    Not `general.name`: that is often a name of the training run ("Smollm2 135M 8k Lc100K Mix1 Ep2").
    """
    stem = read_name(path.name).stem
    # A file's name may hold line feeds and worse; a list has one line for it.
    return one_line(stem.replace("-", " ").replace("_", " ")) or path.name


def quantization(path: Path) -> str:
    """The quantization that a file's name says, or nothing."""
    return read_name(path.name).quantization


@dataclass(frozen=True, slots=True)
class ModelFile:
    """One model of the list.

    Attributes:
        path: its file; of a split set the first.
        size: of all its files, in bytes.
        place: whose folder it lies in.
        files: all files of a split set in their order; just `path` for a single file.
        modified_ns: when its (first) file changed last, in nanoseconds since 1970.
        name: what its program calls it where its file's name says nothing ("llama3.2:3b" for a blob of Ollama).
        facts: what its header says; None while that was not read, or where it cannot be.
        trouble: why it cannot be loaded: broken, still coming, a part is missing, no model at all.
        projectors: vision or audio projectors that belong to it, the likeliest first.
        senses: what the projectors add to it.
        adapters: what its program lays over it (LoRA), and this one does not load: here it is the model without them.
        links: other paths of the very same file (links, or the name under which it was opened).
        same_as: other files that hold the same model (the same fingerprint).
        about: what a person says of it.
    """

    path: Path
    size: int
    place: Place
    files: tuple[Path, ...] = ()
    modified_ns: int = 0
    name: str = ""
    facts: Facts | None = None
    trouble: Trouble | None = None
    projectors: tuple[Path, ...] = ()
    senses: frozenset[Capability] = frozenset()
    adapters: tuple[Path, ...] = ()
    links: tuple[Path, ...] = ()
    same_as: tuple[Path, ...] = ()
    about: About = About()

    @property
    def own(self) -> bool:
        """Whether it lies in the program's own folder."""
        return self.place is Place.OWN

    @property
    def title(self) -> str:
        """Its name as people say it."""
        return self.about.title or self.name or title(self.path)

    @property
    def quantization(self) -> str:
        """What its header says of that, or else its file's name."""
        return (self.facts.quantization if self.facts else "") or quantization(self.path)

    @property
    def full_title(self) -> str:
        """Name and quantization, which tell two builds of one model apart."""
        return " ".join(part for part in (self.title, self.quantization) if part)

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What it can do, with the projectors that lie beside it."""
        return (self.facts.capabilities if self.facts else frozenset()) | self.senses

    def is_at(self, path: Path) -> bool:
        """Whether a path leads to it: its own, a part of its set, or a link to it."""
        return path == self.path or path in self.files or path in self.links
