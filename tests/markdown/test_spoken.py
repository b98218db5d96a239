"""What is read aloud of a text that grows: each sentence once, as soon as it is finished, and nothing left out."""

from __future__ import annotations

import random

import pytest

from nodetool_xl_desktop.markdown.spoken import LONGEST, Spoken

ANSWER = """# Two ways

The **first** one is short. It takes 3.5 s! Does it? See [the page](https://example.org/a.b.c) for more.

1. Load it.
2. Ask it

```python
a = 1
print(a)
```

| a | b. c |
|---|---|
| 1 | 2. 3 |

$$x^2$$

At the end $y$ holds... 😀 Done
"""
SAID = [
    "Two ways",
    "The first one is short.",
    "It takes 3.5 s!",
    "Does it?",
    "See the page for more.",
    "1. Load it.",
    "2. Ask it",
    "Code, python, 2 lines",
    "Table, 2 by 2",
    "Formula",
    "At the end formula holds...",
    "😀 Done",
]


def heard(text: str, steps: list[int], *, plain: bool = False) -> list[str]:
    spoken, said = Spoken(plain=plain), []
    for step in steps:
        said += spoken.take(text[:step], more=True)
    return said + spoken.take(text, more=False)


def test_sentences_are_said_and_blocks_are_named() -> None:
    assert heard(ANSWER, []) == SAID


@pytest.mark.parametrize("seed", range(12))
def test_however_it_comes_each_is_said_once(seed: int) -> None:
    rng = random.Random(seed)
    steps = sorted(rng.sample(range(1, len(ANSWER)), rng.choice([3, 20, 100]))) if seed else list(range(len(ANSWER)))
    assert heard(ANSWER, steps) == SAID


def test_a_sentence_is_said_when_it_is_finished() -> None:
    spoken = Spoken()
    assert spoken.take("One and", more=True) == []
    assert spoken.take("One and two.", more=True) == [], "2.5 may follow"
    assert spoken.take("One and two. Th", more=True) == ["One and two."]
    assert spoken.take("One and two. Three\n\nFou", more=True) == ["Three"]
    assert spoken.take("One and two. Three\n\nFour", more=False) == ["Four"]


def test_what_never_ends_is_cut_at_a_space_and_nothing_is_lost() -> None:
    text = "word " * 400
    said = heard(text, list(range(0, len(text), 7)))
    assert " ".join(said).split() == text.split()
    assert len(said) > 3
    assert max(map(len, said)) <= LONGEST
    letters = "x" * 5000
    assert "".join(heard(letters, list(range(0, 5000, 77)))) == letters


def test_thoughts_are_read_as_they_were_typed() -> None:
    text = "* I think. **So**\n* yes"
    assert heard(text, list(range(len(text))), plain=True) == ["* I think.", "**So**", "* yes"]


def test_what_was_skipped_is_not_said() -> None:
    spoken = Spoken()
    spoken.skip("# Old\n\nThis was said before. And th")
    assert spoken.take("# Old\n\nThis was said before. And this goes on. New", more=True) == ["is goes on."]


def test_marks_that_turn_a_line_around_are_not_said() -> None:
    assert heard("Good \u202etxt.exe\u202c file. ", []) == ["Good txt.exe file."]
