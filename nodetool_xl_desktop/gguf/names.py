"""What a model file's name says: the quantization at its end, and its place in a split set.

A list of files on a server has nothing but names, and a list on this disk shall not open each file.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import NamedTuple

#: At the end of a name: "-Q4_K_M", ".IQ2_XS", "-UD-Q6_K_XL", "-F16", "-MXFP4".
_QUANTIZATION = re.compile(r"[-_. ](?:UD-|i1-)?(I?Q\d\w*|TQ\d_0|B?F16|FP16|F32|MXFP4\w*)$", re.IGNORECASE)
_SPLIT = re.compile(r"-(\d{5})-of-(\d{5})$")
_EXTENSION = re.compile(r"\.gguf$", re.IGNORECASE)


class FileName(NamedTuple):
    """The parts of a model file's name.

    Attributes:
        stem: what is left without the others: "Qwen3-30B-A3B".
        quantization: in upper case, without the maker's mark (UD, i1): "Q4_K_M"; empty where the name says none.
        part: which file of a split set it is, from 1; 1 for a single file.
        parts: of how many files the set consists; 1 for a single file.
    """

    stem: str
    quantization: str
    part: int
    parts: int


def read_name(name: str) -> FileName:
    """Take a file's name (without its folder) apart."""
    stem = _EXTENSION.sub("", PurePosixPath(name).name)
    split = _SPLIT.search(stem)
    if split:
        stem = stem[: split.start()]
    quantization = _QUANTIZATION.search(stem)
    if quantization:
        stem = stem[: quantization.start()]
    part, parts = (int(split[1]), int(split[2])) if split else (1, 1)
    return FileName(stem, quantization[1].upper() if quantization else "", part, parts)
