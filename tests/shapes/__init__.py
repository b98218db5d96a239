"""Shapes of real models, as sparse files: real headers with the published sizes, and a hole in place of the data.

    from shapes import SHAPES, by_name, write

    model = write(folder, by_name("qwen3-8b"))  # the first file, if the shape is a split set

The engine plans a load from such a file as from the real one (`engine.dry_run`), so the estimate can be held against
the engine for models of any size. To add a model: a `Shape` in the table of its kind (`dense`, `mixtures`,
`recurrent`, `other_kinds`), made of the blocks in `blocks` and `states`, or another size of a known one in
`other_sizes`. Sizes are those of the models' published configurations, and are held against the published numbers of
parameters; keys and tensors come from llama.cpp (src/models, conversion), the types of tensors from its quantiser.
`UNSURE` in a comment marks what no number of parameters confirms.
"""

from shapes.corpus import SHAPES, by_name
from shapes.shape import Shape, write

__all__ = ["SHAPES", "Shape", "by_name", "write"]
