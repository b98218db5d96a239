"""What is selected, copied as plain text, as Markdown and as HTML."""

from __future__ import annotations

import pytest

from nodetool_xl_desktop.markdown.leaves import Leaf
from nodetool_xl_desktop.markdown.reading import read
from nodetool_xl_desktop.markdown.writing import as_html, as_markdown, as_plain, selected

TEXT = """\
## An *answer*

1. one **bold**
   - [x] done

     more
2. two $x^2$

> quoted
> > twice

| a | b |
|:-:|--:|
| 1<br>2 | `c` |

$$
\\frac{a}{b}
$$

```py
x = "```"
```

***

See [it](https://a.b/c?d=e&f=g) ![picture](https://a.b/p.png), https://h.i and \\*this\\*.[^n]

[^n]: A note.
"""


def pieces(text: str) -> list[tuple[Leaf, int, int]]:
    return [(leaf, 0, len(leaf.text)) for leaf in read(text)]


def test_markdown_reads_back_to_the_same_leaves() -> None:
    written = as_markdown(pieces(TEXT))
    assert read(written) == read(TEXT)
    assert as_markdown(pieces(written)) == written


@pytest.mark.parametrize(
    "text",
    [
        "5\\. no item", "\\# no heading", "a_b_c and *a_b*", "1 < 2 & 3", "\\`a\\`", "a\\\nb", "[a\\](b)", "`` a`b ``",
        "$5 and $6", "x\\(y\\)z", "**a *b* c** ~~d~~", "***a** b*", "*a [b](c) d*", "[![a](b)](c)", "&amp;copy;",
        "| a \\| b |\n|---|", "- \n- a", "- ```\n  x\n  ```", "> - a\n> - b", "a &lt;b>", "<http://a.b/c_d>", "[x\\] y",
    ],
)  # fmt: skip
def test_what_means_nothing_means_nothing_when_it_is_read_back(text: str) -> None:
    assert read(as_markdown(pieces(text))) == read(text)


def test_plain_text_has_markers_tabs_and_the_source_of_formulas() -> None:
    assert as_plain(pieces(TEXT)) == (
        "An answer\n\n1. one bold\n  - [x] done\n\n    more\n2. two $x^2$\n\nquoted\n\ntwice\n\n"
        'a\tb\n1 2\tc\n\n$$\n\\frac{a}{b}\n$$\n\nx = "```"\n\n---\n\n'
        "See it picture, https://h.i and *this*.n\n\n[n] A note."
    )


def test_html_is_escaped_and_fetches_nothing() -> None:
    html = as_html(pieces(TEXT + "\n<script>alert(1)</script>\n"))
    assert "&lt;script&gt;" in html
    assert "<script" not in html
    assert "<img" not in html
    assert '<a href="https://a.b/p.png">picture</a>' in html
    assert '<a href="https://a.b/c?d=e&amp;f=g">it</a>' in html
    assert html.count("<li>") == html.count("</li>") == 4
    assert "<ol><li>one" in html
    assert "</li><li>two" in html


def test_a_part_of_a_text() -> None:
    leaves = read("- one **two** three\n- four\n")
    part = [(leaves[0], 4, 9), (leaves[1], 0, 2)]
    assert as_plain(part) == "  two t\n- fo"
    assert as_markdown(part) == "**two** t\n- fo\n"
    assert as_html(part).replace("\n", "") == "<div><p><strong>two</strong> t</p></div><ul><li>fo</li></ul>"


def test_a_part_of_a_table() -> None:
    (table,) = read("| a | b |\n|---|---|\n| c | d |\n| e | f |\n")
    assert as_plain([(table, 4, 7)]) == "c\td"
    assert as_plain([(table, 2, 7)]) == "\tb\nc\td"
    assert as_plain([(table, 4, 5)]) == "c"
    assert as_markdown([(table, 0, 7)]) == "| a | b |\n|---|---|\n| c | d |\n"
    assert as_markdown([(table, 4, 7)]) == "| | |\n|---|---|\n| c | d |\n"


def test_nothing_selected_copies_nothing() -> None:
    assert selected([(read("a")[0], 1, 1)]) == []
    assert as_markdown([]) == as_plain([]) == as_html([]) == ""
