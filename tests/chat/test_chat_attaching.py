"""What of a file goes along with a message, what is refused, and how a text is put before the model."""

from __future__ import annotations

import codecs
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodetool_xl_desktop.chat import attaching
from nodetool_xl_desktop.chat.quoting import quoted
from nodetool_xl_desktop.core.errors import UserFacingError


@given(
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]),
)
def test_a_text_comes_back_from_every_unicode_encoding(text: str, encoding: str) -> None:
    read = attaching.decode(text.encode(encoding))
    assert read is not None
    assert read[0] == text.removeprefix("\ufeff")


@given(st.binary(min_size=1, max_size=2000))
def test_any_bytes_are_a_text_or_a_picture_or_refused_in_words(data: bytes) -> None:
    refused: UserFacingError | None = None
    try:
        material = attaching.of_bytes(data, "some.file")
    except UserFacingError as error:
        refused = error
    if refused is not None:
        assert (refused.what, bool(refused.why)) == ("some.file was not attached", True)
        return
    assert material.media_type.startswith("image/") == (material.text is None)
    if material.text is not None:
        assert material.data.decode() == material.text
        assert "\0" not in material.text


@given(st.text(st.characters(exclude_categories=["Cs"])) | st.text("`\n a"))
def test_nothing_in_a_text_ends_its_fence(text: str) -> None:
    first, blank, fence, *inside = quoted("a.py", text).split("\n")
    assert (first, blank) == ("a.py:", "")
    assert fence.endswith("python")
    ticks = fence.removesuffix("python")
    assert inside[-1] == ticks
    assert "\n".join(inside[:-1]) == text.removesuffix("\n")
    assert ticks not in text


@pytest.mark.parametrize(
    ("name", "language"),
    [("a.py", "python"), ("A.RS", "rust"), ("Dockerfile", "dockerfile"), ("notes.txt", ""), ("Pasted text", "")],
)
def test_a_fence_names_the_language(name: str, language: str) -> None:
    assert f"\n```{language}\nx\n" in quoted(name, "x")


def test_what_begins_like_another_kind_of_file_and_is_a_text() -> None:
    for text in ("MZ is a letter pair", "BM, BZh, II*, ID3 and Rar! are others", "ID3 tags", "GIF is a format"):
        assert attaching.of_bytes(text.encode(), "a.txt").text == text


@pytest.mark.parametrize("name", ["a.svg", "a.ts", "a.json", "a", "a.mp4"])
def test_a_text_is_never_a_picture_by_its_name(name: str) -> None:
    assert attaching.of_bytes(b"<svg/>", name).media_type.startswith("text/")


def test_a_file_larger_than_it_said(tmp_path: Path) -> None:
    file = tmp_path / "large.log"
    with file.open("wb") as grown:
        grown.truncate(attaching.MOST_TEXT + 1)
        grown.write(b"text")
    with pytest.raises(UserFacingError, match="2 MB"):
        attaching.read(file)


def test_what_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path, words in ((tmp_path, "folder"), (tmp_path / "pipe", "pipe"), (tmp_path / "none", "no such file")):
        with pytest.raises(UserFacingError, match=words):
            attaching.read(path)


def test_what_windows_wrote_is_guessed_and_says_so() -> None:
    material = attaching.of_bytes("Größe".encode("cp1252"), "alt.txt")
    assert material.text is not None
    assert material.guessed
    assert codecs.lookup(material.guessed)
    assert attaching.of_bytes("Größe".encode(), "neu.txt").guessed == ""
