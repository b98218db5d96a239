"""Vocabularies of any size: as many words as a real model has, of about the same length."""

from __future__ import annotations

from typing import Any

from gguf_writer import Typed

_NORMAL, _UNKNOWN, _CONTROL = 1, 2, 3
#: The digits of a word.
_LETTERS = "etaoinshrdlucmfw"


def metadata(kind: str, count: int) -> dict[str, Any]:
    """The tokenizer's keys: of kind "bpe" with merges, "spm" with scores, "wpm"; "none" has no words."""
    return _KINDS[kind](count)


def _none(count: int) -> dict[str, Any]:
    return {"tokenizer.ggml.model": "no_vocab"}


def _bpe(count: int) -> dict[str, Any]:
    tokens = [_word(number) for number in range(count)]
    return {
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "qwen2",
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.token_type": Typed("i32", [_NORMAL] * count),
        "tokenizer.ggml.merges": [f"{tokens[number % 256]} {tokens[number]}" for number in range(count - 300)],
        "tokenizer.ggml.eos_token_id": count - 1,
    }


def _spm(count: int) -> dict[str, Any]:
    return {
        "tokenizer.ggml.model": "llama",
        "tokenizer.ggml.tokens": ["<unk>", "<s>", "</s>", *(_word(number) for number in range(3, count))],
        "tokenizer.ggml.scores": Typed("f32", [-float(number) for number in range(count)]),
        "tokenizer.ggml.token_type": Typed("i32", [_UNKNOWN, _CONTROL, _CONTROL, *[_NORMAL] * (count - 3)]),
        "tokenizer.ggml.bos_token_id": 1,
        "tokenizer.ggml.eos_token_id": 2,
    }


def _wpm(count: int) -> dict[str, Any]:
    return {
        "tokenizer.ggml.model": "bert",
        "tokenizer.ggml.tokens": [_word(number) for number in range(count)],
        "tokenizer.ggml.token_type": Typed("i32", [_NORMAL] * count),
    }


def _word(number: int) -> str:
    """A different word for each number: 6.5 letters on average where there are 150,000, as in real vocabularies."""
    letters: list[str] = []
    while number or not letters:
        number, rest = divmod(number, 16)
        letters.append(_LETTERS[rest])
    return "Ġ" + "".join(letters)


_KINDS = {"none": _none, "bpe": _bpe, "spm": _spm, "wpm": _wpm}
