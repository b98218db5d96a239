"""From a header to what a list shows of it, and from there to a line of JSON and back."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from nodetool_xl_desktop.core.units import MIB
from nodetool_xl_desktop.fit.projector_width import projector_width
from nodetool_xl_desktop.gguf.errors import shown
from nodetool_xl_desktop.gguf.header import Header
from nodetool_xl_desktop.gguf.template import reasons, takes_tools
from nodetool_xl_desktop.library.model_file import Capability, Facts, Trouble

#: `enum llama_pooling_type` (include/llama.h): MEAN, CLS and LAST make one vector of a text. 0 is NONE, 4 ranks.
_POOLED = frozenset({1, 2, 3})
_RANKS = 4
#: Architectures that only read, whatever their pooling says (src/llama-arch.cpp).
_ENCODERS = frozenset(
    {
        "bert",
        "modern-bert",
        "nomic-bert",
        "nomic-bert-moe",
        "neo-bert",
        "jina-bert-v2",
        "jina-bert-v3",
        "eurobert",
        "gemma-embedding",
        "llama-embed",
        "t5encoder",
    }
)
_TEMPLATE = "tokenizer.chat_template"
#: Letters of a text from inside a file that are kept.
_LONGEST = 200


def facts(header: Header) -> Facts:
    """What a list shows of a model. Reads its header again, for the fingerprint.

    Raises:
        OSError: the file cannot be read any more.
    """
    return Facts(
        kind=header.kind,
        name=header.name,
        architecture=shown(header.architecture, _LONGEST),
        n_params=header.n_params,
        quantization=header.quantization,
        context_length=header.context_length_max,
        capabilities=capabilities(header),
        licence=_text(header, "general.license"),
        fingerprint=fingerprint(header),
        width=_width(header),
    )


def capabilities(header: Header) -> frozenset[Capability]:
    """What a model can do by its header and its templates; of a projector, what it adds to a model."""
    found = set()
    if header.metadata.get("clip.has_vision_encoder") is True:
        found.add(Capability.VISION)
    if header.metadata.get("clip.has_audio_encoder") is True:
        found.add(Capability.AUDIO)
    if header.kind == "projector":
        # Those of 2023 do not say it; they all see.
        return frozenset(found or {Capability.VISION})
    pooling = header.get_int("pooling_type", 0)
    if pooling in _POOLED or (header.architecture in _ENCODERS and pooling != _RANKS):
        return frozenset({*found, Capability.EMBEDDING})
    # A model may bring several: "tokenizer.chat_template.tool_use" beside the usual one.
    texts = [text for key, text in header.metadata.items() if key.startswith(_TEMPLATE) and isinstance(text, str)]
    if any(takes_tools(text) for text in texts):
        found.add(Capability.TOOLS)
    if any(reasons(text) for text in texts):
        found.add(Capability.REASONING)
    return frozenset(found)


def fingerprint(header: Header) -> str:
    """The same for two copies of one model: of its header's bytes and the size of all its files.

    Not of the weights: those of a large model take minutes to read.

    Raises:
        OSError: the file cannot be read any more.
    """
    digest = hashlib.sha256()
    left = header.header_bytes
    with header.path.open("rb") as stream:
        while left and (block := stream.read(min(left, MIB))):
            digest.update(block)
            left -= len(block)
    digest.update(f"\n{header.total_size}".encode())
    return digest.hexdigest()


def _width(header: Header) -> int:
    if header.kind == "projector":
        return projector_width(header)
    return header.get_int("embedding_length", 0)


def _text(header: Header, key: str) -> str:
    value = header.metadata.get(key)
    return shown(" ".join(value.split()), _LONGEST) if isinstance(value, str) else ""


# As text


def to_json(said: Facts | Trouble) -> str:
    """One line, for the index and from the child that reads headers."""
    if isinstance(said, Trouble):
        return json.dumps([said.what, said.why, said.hint])
    return json.dumps(
        [
            said.kind,
            said.name,
            said.architecture,
            said.n_params,
            said.quantization,
            said.context_length,
            sorted(said.capabilities),
            said.licence,
            said.fingerprint,
            said.width,
        ]
    )


def from_json(text: str) -> Facts | Trouble:
    """The value again.

    Raises:
        ValueError: it is none.
        TypeError: the same.
    """
    told: Sequence[Any] = json.loads(text)
    if len(told) == 3:
        return Trouble(*told)
    kind, name, architecture, n_params, quantization, context_length, can, licence, mark, width = told
    capable = frozenset(Capability(each) for each in can)
    return Facts(kind, name, architecture, n_params, quantization, context_length, capable, licence, mark, width)
