"""What a person says of a model: kept, bounded, found again where the file was moved, lost by no other program."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.library.about import (
    FILE_NAME,
    LONGEST_NOTES,
    LONGEST_TAG,
    LONGEST_TITLE,
    MOST_MODELS,
    MOST_TAGS,
    Abouts,
)
from nodetool_xl_desktop.library.model_file import About, Facts, ModelFile, Place

PRINT = "f" * 64


@pytest.fixture
def abouts(paths: Paths) -> Abouts:
    return Abouts(paths)


def model(path: Path, fingerprint: str = PRINT) -> ModelFile:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"GGUF")
    facts = Facts("model", "", "llama", 1, "Q4_K_M", None, frozenset(), "", fingerprint)
    return ModelFile(path, 4, Place.OWN, facts=facts)


def test_nothing_is_said_at_first(abouts: Abouts, paths: Paths, tmp_path: Path) -> None:
    assert abouts.of(tmp_path / "a.gguf") == About()
    assert not paths.data.exists()


def test_what_was_said_outlives_the_program(abouts: Abouts, paths: Paths, tmp_path: Path) -> None:
    one = model(tmp_path / "one.gguf")
    assert abouts.change(one, title="My Model", favourite=True) == About(title="My Model", favourite=True)
    said = abouts.change(one, tags=["code", "fast"], notes="good\nat code", last_used=1.5)
    assert said == About("My Model", ("code", "fast"), "good\nat code", True, 1.5)
    assert Abouts(paths).of(one) == Abouts(paths).of(one.path) == abouts.of(one) == said
    assert Abouts(paths).told([one, model(tmp_path / "two.gguf", "2")])[0].about == said
    assert abouts.change(one, title="", tags=(), notes="", favourite=False) == About(last_used=1.5)


def test_another_window_s_words_are_seen(abouts: Abouts, paths: Paths, tmp_path: Path) -> None:
    one = model(tmp_path / "one.gguf")
    assert abouts.of(one) == About()
    Abouts(paths).change(one, title="There")
    assert abouts.of(one).title == "There"


# Files that move


def test_a_moved_model_keeps_its_notes(abouts: Abouts, paths: Paths, tmp_path: Path) -> None:
    old = model(tmp_path / "old.gguf")
    abouts.change(old, notes="mine")
    new = tmp_path / "other" / "new.gguf"
    new.parent.mkdir()
    old.path.rename(new)
    assert abouts.of(new) == About()  # not before its header was read
    assert abouts.of(model(new)).notes == "mine"
    abouts.change(model(new), title="New")
    assert Abouts(paths).of(new) == About(title="New", notes="mine")
    abouts.change(model(new), title="", notes="")
    assert abouts.of(model(new)) == About()  # taken back is taken back


def test_a_copy_is_a_model_of_its_own(abouts: Abouts, tmp_path: Path) -> None:
    one, copy = model(tmp_path / "one.gguf"), model(tmp_path / "copy.gguf")
    abouts.change(one, notes="of the first")
    assert abouts.of(copy) == About()


def test_another_file_of_the_name_inherits_nothing(abouts: Abouts, tmp_path: Path) -> None:
    one = model(tmp_path / "one.gguf")
    abouts.change(one, title="Old One")
    replaced = model(one.path, "another")
    assert abouts.of(replaced) == About()
    abouts.change(replaced, favourite=True)
    assert abouts.of(replaced) == About(favourite=True)


def test_another_file_of_the_name_takes_no_word_away(abouts: Abouts, paths: Paths, tmp_path: Path) -> None:
    one = model(tmp_path / "one.gguf")
    abouts.change(one, notes="of the first")
    other = model(one.path, "another")
    abouts.change(other, notes="of the second")
    assert abouts.of(other).notes == "of the second"
    (elsewhere := tmp_path / "back").mkdir()
    for books in (abouts, Abouts(paths)):
        assert books.of(model(elsewhere / "two.gguf")).notes == "of the first"
    assert abouts.of(model(one.path)).notes == "of the first"  # it came back
    assert abouts.change(model(one.path), favourite=True) == About(notes="of the first", favourite=True)
    assert abouts.of(model(one.path, "another")).notes == "of the second"


def test_files_that_change_names_keep_their_notes(abouts: Abouts, tmp_path: Path) -> None:
    one, two = model(tmp_path / "one.gguf", "1"), model(tmp_path / "two.gguf", "2")
    abouts.change(one, notes="first")
    abouts.change(two, notes="second")
    swapped = [model(two.path, "1"), model(one.path, "2")]
    assert [each.about.notes for each in abouts.told(swapped)] == ["first", "second"]
    assert abouts.change(swapped[0], title="First").notes == "first"
    assert [each.about.notes for each in abouts.told(swapped)] == ["first", "second"]


def test_a_fingerprint_that_comes_later_is_learnt(abouts: Abouts, tmp_path: Path) -> None:
    one = model(tmp_path / "one.gguf")
    abouts.change(one.path, last_used=2.0)
    abouts.change(one, notes="x")
    one.path.rename(tmp_path / "two.gguf")
    assert abouts.of(model(tmp_path / "two.gguf")) == About(notes="x", last_used=2.0)


def test_what_the_program_moves_keeps_its_words(abouts: Abouts, tmp_path: Path) -> None:
    one = model(tmp_path / "a" / "org" / "one.gguf")
    stays = model(tmp_path / "a" / "stays.gguf", "2")
    abouts.change(one.path, notes="mine")
    abouts.change(stays, notes="stays")
    (tmp_path / "b" / "org").mkdir(parents=True)
    one.path.rename(tmp_path / "b" / "org" / "one.gguf")
    abouts.follow(tmp_path / "a", tmp_path / "b")
    assert abouts.of(tmp_path / "b" / "org" / "one.gguf").notes == "mine"
    assert abouts.of(stays).notes == "stays"


# What comes from people


def test_titles_and_tags_are_one_line_and_bounded(abouts: Abouts, tmp_path: Path) -> None:
    one = model(tmp_path / "one.gguf")
    said = abouts.change(
        one,
        title=" a\n\tb\u202egnp\ud800\x00 \U0001f468\u200d\U0001f469 " + "x" * 10**6,
        tags=["Code", "code", " CODE ", "", "\n", "a\nb", "y" * 99, 7, *(str(number) for number in range(99))],
        notes="a\r\nb\x00\x1b[31m\ud800\tc" + "z" * 10**6,
    )
    assert said.title.startswith("a b gnp\N{REPLACEMENT CHARACTER} \U0001f468\u200d\U0001f469 xxx")
    assert len(said.title) == LONGEST_TITLE
    assert said.tags[:4] == ("Code", "a b", "y" * (LONGEST_TAG - 1) + "…", "0")
    assert len(said.tags) == MOST_TAGS
    assert said.notes.startswith("a\nb[31m\tczz")
    assert len(said.notes) <= LONGEST_NOTES
    assert abouts.of(one) == said


def test_what_is_no_value_is_none(abouts: Abouts, tmp_path: Path) -> None:
    one = model(tmp_path / "one.gguf")
    for wrong in (math.nan, math.inf, -1, True, "x", None, 10**30):
        assert abouts.change(one, last_used=wrong, title=7, tags="code", notes=[], favourite="yes") == About()
    with pytest.raises(KeyError):
        abouts.change(one, titel="x")


# The file


def test_a_hand_that_edits_it_spoils_one_entry_only(abouts: Abouts, paths: Paths, tmp_path: Path) -> None:
    one = model(tmp_path / "one.gguf")
    abouts.change(one, title="Kept")
    said = json.loads((paths.data / FILE_NAME).read_text())
    odd = {"/a": 7, "/b": {"title": [], "tags": {}, "fingerprint": 7, "changed": "x", "last_used": "x"}, "/c": None}
    (paths.data / FILE_NAME).write_text(json.dumps({"models": {**odd, **said["models"]}}))
    assert abouts.of(one).title == "Kept"
    assert abouts.of(Path("/b")) == About()


def test_a_disk_that_refuses_is_told(abouts: Abouts, paths: Paths, tmp_path: Path) -> None:
    one = model(tmp_path / "one.gguf")
    paths.data.parent.mkdir(parents=True, exist_ok=True)
    paths.data.write_bytes(b"a file in place of the folder")
    with pytest.raises(UserFacingError, match="could not be saved"):
        abouts.change(one, title="x")
    assert abouts.of(one) == About()


def test_what_was_said_longest_ago_goes_first(abouts: Abouts, paths: Paths, tmp_path: Path) -> None:
    entries = {f"/gone/{number}.gguf": {"changed": number, "title": "x"} for number in range(MOST_MODELS)}
    paths.data.mkdir(parents=True)
    (paths.data / FILE_NAME).write_text(json.dumps({"models": entries}))
    abouts.change(model(tmp_path / "one.gguf"), title="new")
    assert abouts.of(Path("/gone/0.gguf")) == About()
    assert abouts.of(Path("/gone/1.gguf")).title == "x"
    assert abouts.of(tmp_path / "one.gguf").title == "new"


def test_many_are_told_at_once(abouts: Abouts, tmp_path: Path) -> None:
    files = [model(tmp_path / f"{number}.gguf", str(number)) for number in range(2000)]
    for file in files[::200]:
        abouts.change(file, favourite=True)
    told = abouts.told(files)
    assert [file.path for file in told if file.about.favourite] == [file.path for file in files[::200]]


def test_two_programs_lose_nothing_of_each_other(abouts: Abouts, paths: Paths, tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from nodetool_xl_desktop.core.paths import Paths\n"
        "from nodetool_xl_desktop.library.about import Abouts\n"
        "abouts, said = Abouts(Paths.below(Path(sys.argv[1]))), sys.argv[2]\n"
        "for number in range(40): abouts.change(Path(f'/m/{number % 4}.gguf'), **{said: said + str(number)})"
    )
    root = paths.data.parent
    programs = [subprocess.Popen([sys.executable, "-c", script, root, name]) for name in ("title", "notes")]
    assert [program.wait(60) for program in programs] == [0, 0]
    for number in range(4):
        assert abouts.of(Path(f"/m/{number}.gguf")) == About(title=f"title{36 + number}", notes=f"notes{36 + number}")
