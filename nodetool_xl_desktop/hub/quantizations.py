"""What each quantization is, in one line for a person who has to choose.

Bits per weight are those of a whole file of Llama 3.1 8B, from the table of llama.cpp's tools/quantize/README.md; where
that has none, those of the blocks (ggml/src/ggml-common.h). What it costs in quality is put into words from the
perplexities in the same tool's list (QUANT_OPTIONS of tools/quantize/quantize.cpp, Llama 3 8B): +3.52 for Q2_K, +0.66
for Q3_K_M, +0.18 for Q4_K_M, +0.06 for Q5_K_M, +0.02 for Q6_K, +0.003 for Q8_0. Small models lose more by it.
"""

from __future__ import annotations

import re

from nodetool_xl_desktop.core.translation import mark, tr
from nodetool_xl_desktop.gguf.names import read_name

_BITS = {
    "F32": 32,
    "BF16": 16,
    "F16": 16,
    "FP16": 16,
    "Q8_0": 8.5,
    "Q6_K": 6.6,
    "Q5_K_M": 5.7,
    "Q5_K_S": 5.6,
    "Q5_1": 6,
    "Q5_0": 5.5,
    "Q4_K_M": 4.9,
    "Q4_K_S": 4.7,
    "Q4_1": 5,
    "Q4_0": 4.5,
    "IQ4_NL": 4.7,
    "IQ4_XS": 4.5,
    "MXFP4": 4.25,
    "NVFP4": 4.5,
    "Q3_K_L": 4.3,
    "Q3_K_M": 4,
    "Q3_K_S": 3.6,
    "IQ3_M": 3.8,
    "IQ3_S": 3.7,
    "IQ3_XS": 3.5,
    "IQ3_XXS": 3.3,
    "Q2_K": 3.2,
    "Q2_K_S": 3,
    "IQ2_M": 2.9,
    "IQ2_S": 2.7,
    "IQ2_XS": 2.6,
    "IQ2_XXS": 2.4,
    "Q2_0": 2.25,
    "IQ1_M": 2.1,
    "IQ1_S": 2,
    "TQ2_0": 2.06,
    "TQ1_0": 1.69,
    "Q1_0": 1.125,
}

_SAYS = {
    "F32": tr("full precision, for those who convert models; nobody needs it to chat"),
    "BF16": tr("as it was trained; twice the size of Q8_0 for a difference that nobody notices"),
    "F16": tr("as good as trained; twice the size of Q8_0 for a difference that nobody notices"),
    "Q8_0": tr("as good as the original; for those who have the memory"),
    "Q6_K": tr("next to no loss; the last step before Q8_0"),
    "Q5_K_M": tr("a loss that is hard to notice; for a bit more memory than Q4_K_M"),
    "Q5_K_S": tr("a bit smaller than Q5_K_M, with a loss that is hard to notice"),
    "Q5_1": tr("an older kind; Q5_K_M is better at the same size"),
    "Q5_0": tr("an older kind; Q5_K_M is better at the same size"),
    "Q4_K_M": tr("small with little loss; the usual choice"),
    "Q4_K_S": tr("a bit smaller than Q4_K_M, and a bit worse"),
    "Q4_1": tr("an older kind; Q4_K_M is better and smaller"),
    "Q4_0": tr("an older kind that is quick on processors; fine where the model was trained for it (QAT)"),
    "IQ4_NL": tr("about as good as Q4_K_S; quick on ARM processors"),
    "IQ4_XS": tr("the smallest that loses little; slower than Q4_K_S on some processors"),
    "MXFP4": tr("the precision that such a model was trained in, so nothing is lost"),
    "NVFP4": tr("four bits for newer NVIDIA cards"),
    "Q3_K_L": tr("a loss that shows; for a model that is a bit too large at four bits"),
    "Q3_K_M": tr("a loss that shows; for a model that is a bit too large at four bits"),
    "Q3_K_S": tr("a clear loss; IQ3_M is better at this size"),
    "IQ3_M": tr("a loss that shows, the least of its size; slower without a graphics card"),
    "IQ3_S": tr("a loss that shows; better than Q3_K_S at the same size"),
    "IQ3_XS": tr("a clear loss; where nothing larger fits"),
    "IQ3_XXS": tr("a clear loss; where nothing larger fits"),
    "Q2_K": tr("a great loss; a smaller model at four bits is mostly better"),
    "Q2_K_S": tr("a great loss; a smaller model at four bits is mostly better"),
    "IQ2_M": tr("a great loss; for very large models that fit no other way"),
    "IQ2_S": tr("a great loss; for very large models that fit no other way"),
    "IQ2_XS": tr("a great loss; for very large models that fit no other way"),
    "IQ2_XXS": tr("hardly usable but for the largest models"),
    "Q2_0": tr("for models that were trained for two bits"),
    "IQ1_M": tr("broken for most models; an experiment with the largest ones"),
    "IQ1_S": tr("broken for most models; an experiment with the largest ones"),
    "TQ2_0": tr("for models that were trained with three values a weight, such as BitNet"),
    "TQ1_0": tr("for models that were trained with three values a weight, such as BitNet"),
    "Q1_0": tr("for models that were trained for one bit"),
}
_SAME = {"FP16": "F16", "Q4_K": "Q4_K_M", "Q5_K": "Q5_K_M", "Q3_K": "Q3_K_M", "MXFP4_MOE": "MXFP4"}
#: Behind the name of a known type: what a maker keeps more exactly than usual.
_MORE = re.compile(r"_(?:XXL|XL|L)$")
_MARK = re.compile(r"(?:^|[-_./ ])(UD|i1)-", re.IGNORECASE)
_MARKS = {
    "ud": mark("About {bits:g} bits a weight: {says}; UD: what matters most is kept more exactly"),
    "i1": mark("About {bits:g} bits a weight: {says}; i1: made with an importance matrix, which helps small types"),
}
_MIXED = mark("About {bits:g} bits a weight: {says}; some parts are kept more exactly")
_PLAIN = mark("About {bits:g} bits a weight: {says}")


def explained(name: str) -> str:
    """One line about a quantization; empty for one that is not known here.

    Args:
        name: the quantization ("Q4_K_M", "UD-Q4_K_XL"), or the name of a file that has it.
    """
    wanted = name.strip().upper()
    found = _known(wanted) or _known(read_name(f"-{name.strip()}").quantization)
    if found is None:
        return ""
    bits, says, is_mixed = found
    marked = _MARK.search(name)
    text = _MARKS[marked[1].lower()] if marked else _MIXED if is_mixed else _PLAIN
    return tr(text, bits=bits, says=says)


def _known(name: str) -> tuple[float, str, bool] | None:
    bare = re.sub(r"^(?:UD|I1)-", "", name)
    kind = _SAME.get(bare, bare)
    if kind in _SAYS:
        return _BITS[kind], _SAYS[kind], False
    if not _MORE.search(kind):
        return None
    base = _MORE.sub("", kind)
    base = base if base in _SAYS else f"{base}_M"
    return (_BITS[base], _SAYS[base], True) if base in _SAYS else None
