"""What each thing that can be written in Markdown is read as."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from markdown_texts import runs_of, texts, visible

from nodetool_xl_desktop.markdown.leaves import (
    Align,
    Code,
    Content,
    Formula,
    Frame,
    Gap,
    Rule,
    Run,
    Table,
    Words,
)
from nodetool_xl_desktop.markdown.reading import read


def only(text: str) -> Content:
    (leaf,) = read(text)
    return leaf.content


def runs(text: str) -> tuple[Run, ...]:
    content = only(text)
    assert isinstance(content, Words)
    return content.runs


def test_the_looks_of_words() -> None:
    assert runs("a **b *c*** ~~d~~ `e` [f](https://g.h) ![i](j.png)\\\nk") == (
        Run("a "),
        Run("b ", bold=True),
        Run("c", bold=True, italic=True),
        Run(" "),
        Run("d", strike=True),
        Run(" "),
        Run("e", code=True),
        Run(" "),
        Run("f", link="https://g.h"),
        Run(" "),
        Run("i", image="j.png"),
        Run("\nk"),
    )


def test_lists_quotes_and_what_lies_in_them() -> None:
    leaves = read("1. a\n   > b\n   - c\n   - [x] d\n\n     e\n2. f\n\n***\n- [ ] g\n")
    item, quote = Frame.ITEM, Frame.QUOTE
    assert [(leaf.frames, leaf.marker, leaf.gap, leaf.text) for leaf in leaves] == [
        ((item,), "1.", Gap.NORMAL, "a"),
        ((item, quote), "", Gap.SMALL, "b"),
        ((item, item), "•", Gap.SMALL, "c"),
        ((item, item), "☑", Gap.SMALL, "d"),
        ((item, item), "", Gap.NORMAL, "e"),
        ((item,), "2.", Gap.SMALL, "f"),
        ((), "", Gap.NORMAL, ""),
        ((item,), "☐", Gap.NORMAL, "g"),
    ]
    assert leaves[6].content == Rule()


def test_a_table_keeps_what_is_beyond_its_last_column_and_breaks_lines_where_it_says_so() -> None:
    content = only("| a | b |\n|:-:|--:|\n| 1<br>2 |\n| c | `x|y` | z |\n| \\| |\n")
    assert content == Table(
        (
            ((Run("a"),), (Run("b"),)),
            ((Run("1\n2"),), ()),
            ((Run("c"),), (Run("x|y", code=True), Run("|z"))),
            ((Run("|"),), ()),
        ),
        (Align.CENTRE, Align.RIGHT),
    )


@pytest.mark.parametrize(
    ("text", "formulas"),
    [
        ("$x^2$ and \\(y\\) and $$z$$ and \\[w\\]", ["x^2", "y", "z", "w"]),
        ("it costs $5 and $6, or 7$ in all", []),
        ("between $5 and 10$ dollars", []),
        ("US$5 and A$6$", []),
        ("a `$x$` b", []),
        ("$ x $ is none, nor is $x $", []),
        ("$2x + 1$ begins with a number", ["2x + 1"]),
        ("\\$5 and \\$6", []),
        ("$HOME/bin:$PATH", []),
        ("[a\\] and \\(\\)", []),
        ("**$x$**", ["x"]),
    ],
)
def test_what_is_a_formula_and_what_a_price(text: str, formulas: list[str]) -> None:
    assert [run.text for leaf in read(text) for run in runs_of(leaf) if run.formula] == formulas


@pytest.mark.parametrize("text", ["$$\nx\n= y\n$$", "\\[\nx\n= y\n\\]", "\\[ x\n= y \\]", "$$x\n= y$$"])
def test_a_formula_on_lines_of_its_own(text: str) -> None:
    assert only(text) == Formula("x\n= y")
    before, formula, behind = read(f"- a\n  {text.replace(chr(10), chr(10) + '  ')}\n  b")
    assert (before.marker, formula.content, formula.frames, behind.text) == ("•", Formula("x\n= y"), (Frame.ITEM,), "b")


@pytest.mark.parametrize(
    ("text", "links"),
    [
        ("see https://a.b/c_d_(e).", ["https://a.b/c_d_(e)"]),
        ("(www.a.b), c@d.ef!", ["http://www.a.b", "mailto:c@d.ef"]),
        ("<https://a.b>", ["https://a.b"]),
        ("main.py, README.md and e.g. this", []),
        ("`https://a.b` [https://a.b](https://c.d)", ["https://c.d"]),
        ("[a](javascript:alert(1)) [b](file:///etc/passwd) [c](data:text/html,x) [d](vbscript:x)", []),
        ("https://a.b**bold**", ["https://a.b**bold"]),
    ],
)
def test_what_is_a_link(text: str, links: list[str]) -> None:
    assert [run.link for leaf in read(text) for run in runs_of(leaf) if run.link] == links


def test_raw_html_is_text() -> None:
    text = '<script>alert(1)</script>\n\n<img src="http://a.b/c.png">\n\nA <b>*b*</b>.'
    assert visible(read(text)) == '<script>alert(1)</script><imgsrc="http://a.b/c.png">A<b>b</b>.'
    assert not any(run.image for leaf in read(text) for run in runs_of(leaf))


def test_a_footnote_is_referred_to_only_where_there_is_one() -> None:
    leaves = read("a[^1] b[^2]\n\n[^1]: c\n\n    d\n\ne")
    assert [(run.text, run.small) for run in runs_of(leaves[0])] == [("a", False), ("1", True), (" b[^2]", False)]
    assert [(leaf.marker, leaf.frames, leaf.text) for leaf in leaves[1:]] == [
        ("[1]", (Frame.ITEM,), "c"),
        ("", (Frame.ITEM,), "d"),
        ("", (), "e"),
    ]


@pytest.mark.parametrize("mark", ["> ", "- ", "1. ", "> - "])
def test_what_is_nested_too_deep_is_shown_as_it_was_written(mark: str) -> None:
    assert "the end" in read(mark * 1000 + "the end")[-1].text
    lines = "".join("  " * depth + "- the end\n" for depth in range(200))
    assert "".join(leaf.text for leaf in read(lines)).count("the end") == 200


def test_code_is_as_it_was_written() -> None:
    assert only("```py title\n  a\n\n\tb\n```\n") == Code("  a\n\n\tb", "py")
    assert only("  ~~~\n   a\n  b\n ~~~~  \n") == Code(" a\nb")
    assert only("```\na\n``\n") == Code("a\n``", closed=False)
    assert only("    a\n\n    b\n") == Code("a\n\nb")
    assert read("- ```py\n  a\n   b\n  ```\n")[0].content == Code("a\n b", "py")


@settings(max_examples=150, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
@given(texts)
def test_any_text_reads_and_loses_no_word(text: str) -> None:
    words = "".join(f"word{number}w " for number in range(3))
    assert visible(read(f"{text}\n\n{words}")).endswith("word0wword1wword2w")


def test_the_spaces_of_code_and_words_survive() -> None:
    assert runs("a `` ` `` b") == (Run("a "), Run("`", code=True), Run(" b"))
    assert runs("a  b\t c") == (Run("a  b\t c"),)
