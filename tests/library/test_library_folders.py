"""The model folders: which are looked through, each once, and what a person may choose."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.library.folders import FILE_NAME, ModelFolders, Root
from nodetool_xl_desktop.library.model_file import Place
from nodetool_xl_desktop.library.places import Surroundings


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


@pytest.fixture
def folders(paths: Paths, home: Path) -> ModelFolders:
    return ModelFolders(paths, home)


def folder(path: Path) -> Path:
    path.mkdir(parents=True)
    return path


def seen(folders: ModelFolders) -> list[tuple[Path, Place]]:
    return [(root.path, root.place) for root in folders.roots()]


def on_after_reload(folders: ModelFolders, paths: Paths, home: Path) -> list[bool]:
    there = [root.is_on for root in ModelFolders(paths, home).roots()]
    assert [root.is_on for root in folders.roots()] == there
    return there


# What is looked through


def test_at_first_there_is_the_own_folder_and_nothing_is_written(folders: ModelFolders, paths: Paths) -> None:
    assert folders.roots() == (Root(paths.models, Place.OWN, is_on=True, is_there=False),)
    assert folders.own == paths.models
    assert folders.added == ()
    assert not paths.data.exists()


def test_other_programs_are_on_by_themselves(folders: ModelFolders, paths: Paths, home: Path) -> None:
    ollama, studio = folder(home / ".ollama" / "models"), folder(home / ".lmstudio" / "models")
    assert seen(folders) == [(paths.models, Place.OWN), (ollama, Place.OLLAMA), (studio, Place.LM_STUDIO)]
    folders.set_on(Place.OLLAMA, is_on=False)
    assert on_after_reload(folders, paths, home) == [True, False, True]
    folders.set_on(Place.OLLAMA, is_on=True)
    assert on_after_reload(folders, paths, home) == [True, True, True]


def test_variables_count_for_the_real_home_only(paths: Paths, home: Path, tmp_path: Path) -> None:
    chosen = folder(tmp_path / "chosen")
    known = Surroundings("linux", {"OLLAMA_MODELS": str(chosen)}, home, system=tmp_path / "system")
    assert seen(ModelFolders(paths, known))[1:] == [(chosen, Place.OLLAMA)]
    assert seen(ModelFolders(paths, home))[1:] == []


def test_folders_are_added_and_removed(folders: ModelFolders, paths: Paths, home: Path, tmp_path: Path) -> None:
    one, two = folder(tmp_path / "one"), folder(tmp_path / os.fsdecode(b"zw\xe9i\n"))
    assert folders.add(one) == one
    assert folders.add(two) == two
    assert ModelFolders(paths, home).added == (one, two)
    folders.set_on(one, is_on=False)
    assert on_after_reload(folders, paths, home) == [True, False, True]
    assert folders.add(one) == one  # which says that it is wanted
    assert on_after_reload(folders, paths, home) == [True, True, True]
    folders.remove(two)
    assert ModelFolders(paths, home).added == (one,)


def test_a_folder_that_went_is_still_named(folders: ModelFolders, tmp_path: Path) -> None:
    one = folders.add(folder(tmp_path / "one"))
    one.rmdir()
    assert folders.roots()[1] == Root(one, Place.ADDED, is_on=True, is_there=False)


def test_folders_in_one_another_are_each_walked_once(folders: ModelFolders, paths: Paths, home: Path) -> None:
    studio = folder(home / ".lmstudio" / "models")
    deep = folders.add(folder(home / "a" / "b"))
    folders.add(home)
    folders.set_on(Place.LM_STUDIO, is_on=False)
    roots = {root.path: root for root in folders.roots()}
    assert roots[home].without == tuple(sorted((studio, deep, paths.models)))
    assert roots[deep].without == roots[studio].without == ()
    assert not roots[studio].is_on


def test_one_folder_by_two_ways_is_one(folders: ModelFolders, paths: Paths, home: Path, tmp_path: Path) -> None:
    folder(tmp_path / "real")
    (home / ".ollama").mkdir()
    (home / ".ollama" / "models").symlink_to(tmp_path / "real")
    assert seen(folders)[1:] == [(home / ".ollama" / "models", Place.OLLAMA)]
    folders.set_own(tmp_path / "real")
    assert seen(folders) == [(tmp_path / "real", Place.OWN)]


# What may not be added


def test_what_is_no_folder_is_not_added(folders: ModelFolders, tmp_path: Path, home: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "round").symlink_to(tmp_path / "round")
    names = [tmp_path / name for name in ("file", "missing", "round", "a\0b", "x" * 300)]
    for wrong in [*names, Path("~nobody at all/models"), Path("nowhere")]:
        with pytest.raises(UserFacingError, match="could not be added"):
            folders.add(wrong)
    assert folders.added == ()


def test_what_is_looked_through_already_is_not_added(folders: ModelFolders, home: Path, tmp_path: Path) -> None:
    studio = folder(home / ".lmstudio" / "models")
    one = folders.add(folder(tmp_path / "one"))
    (tmp_path / "link").symlink_to(one)
    for known in (studio, one, tmp_path / "link"):
        with pytest.raises(UserFacingError, match="could not be added"):
            folders.add(known)
    folders.set_on(Place.LM_STUDIO, is_on=False)
    with pytest.raises(UserFacingError, match="switch it on"):
        folders.add(studio)


# The own folder


def test_another_own_folder(folders: ModelFolders, paths: Paths, home: Path, tmp_path: Path) -> None:
    assert folders.set_own(tmp_path / "big" / "models") == tmp_path / "big" / "models"
    assert ModelFolders(paths, home).own == tmp_path / "big" / "models"
    assert list((tmp_path / "big" / "models").iterdir()) == []  # what it was tried with is gone
    assert seen(folders) == [(tmp_path / "big" / "models", Place.OWN)]
    assert folders.set_own(None) == paths.models
    assert folders.own == paths.models
    assert folders.own_for_writing() == paths.models


def test_an_added_folder_becomes_the_own_one(folders: ModelFolders, tmp_path: Path) -> None:
    one = folders.add(folder(tmp_path / "one"))
    folders.set_own(one)
    assert folders.added == ()
    assert seen(folders) == [(one, Place.OWN)]


def test_an_own_folder_that_cannot_be_written(folders: ModelFolders, paths: Paths, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    for wrong in (tmp_path / "file", tmp_path / "file" / "in it", Path("/proc/none"), tmp_path / "a\0b"):
        with pytest.raises(UserFacingError, match="cannot be used"):
            folders.set_own(wrong)
    assert folders.own == paths.models


def test_downloads_do_not_go_where_the_disk_was(folders: ModelFolders, tmp_path: Path) -> None:
    own = folders.set_own(tmp_path / "disk" / "models")
    assert folders.own_for_writing() == own
    own.rmdir()
    assert folders.own == own
    assert not folders.roots()[0].is_there
    with pytest.raises(UserFacingError, match="Connect the disk"):
        folders.own_for_writing()
    assert not own.exists()


def test_nor_into_the_empty_folder_under_a_disk(folders: ModelFolders, paths: Paths, tmp_path: Path) -> None:
    own = folders.set_own(tmp_path / "mount")
    said = json.loads((paths.data / FILE_NAME).read_text())
    assert said["is_mount"] is False
    (paths.data / FILE_NAME).write_text(json.dumps({**said, "is_mount": True}))  # as it was chosen with the disk
    assert own.is_dir()
    with pytest.raises(UserFacingError, match="Connect the disk"):
        folders.own_for_writing()
    assert not folders.roots()[0].is_there


# The file


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "7", '{"own": 7, "added": 8, "off": [[]]}', '{"own": "relative", "added": ["x", "\\u0000"]}'],
)
def test_a_spoiled_file_is_as_nobody_chose(folders: ModelFolders, paths: Paths, text: str) -> None:
    paths.data.mkdir(parents=True)
    (paths.data / FILE_NAME).write_text(text)
    assert folders.own == paths.models
    assert folders.added == ()


def test_two_programs_add_at_once(folders: ModelFolders, paths: Paths, home: Path, tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from nodetool_xl_desktop.core.paths import Paths\n"
        "from nodetool_xl_desktop.library.folders import ModelFolders\n"
        "folders = ModelFolders(Paths.below(Path(sys.argv[1])), Path(sys.argv[2]))\n"
        "for name in sys.argv[3:]: folders.add(Path(name))"
    )
    made = [[str(folder(tmp_path / f"{who}{number}")) for number in range(20)] for who in "ab"]
    root = paths.data.parent
    programs = [subprocess.Popen([sys.executable, "-c", script, root, home, *names]) for names in made]
    assert [program.wait(60) for program in programs] == [0, 0]
    assert sorted(map(str, folders.added)) == sorted(made[0] + made[1])
