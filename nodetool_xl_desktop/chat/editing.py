"""A message whose text a person wrote anew, while what stands between its texts stays in its place: calls with their
results, reasoning, files.

The editor shows the texts as one. So each line of what was written belongs where the line stood that it was, or took
the place of; a line that is new belongs to the one before it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

from nodetool_xl_desktop.store.parts import Part, Text

#: Where so many lines before were changed into so many, multiplied, they are taken as one passage: to compare them
#: takes time with the square of their number, in the window's thread.
_MOST_COMPARED = 40_000


def with_text(said: Sequence[Part], text: str) -> tuple[Part, ...]:
    """The parts of a message with another text.

    Args:
        said: the parts as they are.
        text: what `store.parts.text_of` made of them, as it was changed. Where a passage was written anew across
            something that is no text, it stands behind that.
    """
    before = [part.text for part in said if isinstance(part, Text)]
    if not before:
        return (*said, Text(text)) if text else tuple(said)
    texts = iter(_divided(before, text))
    changed = [Text(next(texts)) if isinstance(part, Text) else part for part in said]
    return tuple(part for part in changed if not isinstance(part, Text) or part.text)


def _divided(before: Sequence[str], text: str) -> list[str]:
    """What of a text stands where each of these texts stood, which were read with an empty line between them."""
    if len(before) == 1:
        return [text]
    old: list[str] = []
    owners: list[int] = []
    for number, each in enumerate(before):
        lines = each.split("\n") + ([""] if number < len(before) - 1 else [])
        old += lines
        owners += [number] * len(lines)
    new = text.split("\n")
    lines_of: list[list[str]] = [[] for _ in before]
    for line, owner in zip(new, _owners(old, owners, new), strict=True):
        lines_of[owner].append(line)
    for lines in lines_of[:-1]:
        if lines and not lines[-1]:
            lines.pop()  # the empty line between
    return ["\n".join(lines) for lines in lines_of]


def _owners(old: Sequence[str], owners: Sequence[int], new: Sequence[str]) -> Iterator[int]:
    """To which text each line belongs now."""
    most = min(len(old), len(new))
    head = next((at for at in range(most) if old[at] != new[at]), most)
    tail = next((at for at in range(most - head) if old[-1 - at] != new[-1 - at]), most - head)
    yield from owners[:head]
    inner_old, inner_new = old[head : len(old) - tail], new[head : len(new) - tail]
    yield from _compared(inner_old, owners[head : len(old) - tail], inner_new, owners[max(0, head - 1)])
    yield from owners[len(old) - tail :]


def _compared(old: Sequence[str], owners: Sequence[int], new: Sequence[str], before: int) -> Iterator[int]:
    """The same of a passage, with the owner of the line before it."""
    if not old or len(old) * len(new) > _MOST_COMPARED:
        yield from [owners[-1] if owners else before] * len(new)
        return
    for what, old_from, old_to, new_from, new_to in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if what == "equal":
            yield from owners[old_from:old_to]
        elif what == "replace":
            yield from [owners[old_to - 1]] * (new_to - new_from)
        elif what == "insert":
            yield from [owners[old_from - 1] if old_from else before] * (new_to - new_from)
