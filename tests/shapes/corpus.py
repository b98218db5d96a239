"""All shapes, from 33M to 1026B."""

from __future__ import annotations

from shapes.dense import DENSE
from shapes.mixtures import MIXTURES
from shapes.other_kinds import OTHER_KINDS
from shapes.other_sizes import OTHER_SIZES
from shapes.recurrent import RECURRENT
from shapes.shape import Shape

SHAPES: tuple[Shape, ...] = (*DENSE, *MIXTURES, *RECURRENT, *OTHER_SIZES, *OTHER_KINDS)


def by_name(name: str) -> Shape:
    """The shape of this name.

    Raises:
        KeyError: there is none.
    """
    return {shape.name: shape for shape in SHAPES}[name]
