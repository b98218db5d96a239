"""Moving the models to another folder: on one disk and to another, killed, stopped, refused, and back again."""

from __future__ import annotations

import hashlib
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.core.units import MIB
from nodetool_xl_desktop.fit.options import LoadSettings
from nodetool_xl_desktop.library.about import Abouts
from nodetool_xl_desktop.library.folders import ModelFolders
from nodetool_xl_desktop.library.model_file import Place
from nodetool_xl_desktop.library.mover import ENDING
from nodetool_xl_desktop.library.moving import give_up, move_models, unfinished
from nodetool_xl_desktop.library.origins import Origin, Origins
from nodetool_xl_desktop.library.settings import ModelSettings
from nodetool_xl_desktop.library.verify import Stopped

#: A file system in memory, which every Linux has beside its disks.
MEMORY = Path("/dev/shm")


@pytest.fixture
def folders(paths: Paths, tmp_path: Path) -> ModelFolders:
    return ModelFolders(paths, tmp_path / "nobody")


@pytest.fixture
def other_disk(tmp_path: Path) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(dir=MEMORY, prefix="ntxl-"))
    assert folder.stat().st_dev != tmp_path.stat().st_dev
    yield folder
    shutil.rmtree(folder)


def model(path: Path, content: bytes = b"GGUF") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def models(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def filled(folders: ModelFolders, count: int = 3, size: int = 9 * MIB) -> dict[str, bytes]:
    for number in range(count):
        model(
            folders.own / "org" / f"repo {number}" / f"m{number}.GGUF", random.Random(number).randbytes(size + number)
        )
    return models(folders.own)


@pytest.mark.parametrize("disk", ["same", "other"])
def test_they_move(folders: ModelFolders, tmp_path: Path, other_disk: Path, disk: str) -> None:
    to = (other_disk if disk == "other" else tmp_path) / "new" / "models"
    source, before = folders.own, filled(folders)
    os.utime(source / "org" / "repo 0" / "m0.GGUF", ns=(1, 10**18 + 1))
    total = sum(map(len, before.values()))
    told: list[tuple[int, int]] = []
    moved = move_models(folders, to, lambda done, of, _: told.append((done, of)))
    assert models(to) == before
    assert {str(new.relative_to(to)) for new in moved.pairs.values()} == set(before)
    assert (to / "org" / "repo 0" / "m0.GGUF").stat().st_mtime_ns == 10**18 + 1  # so that the index knows it
    assert not source.exists()
    assert folders.own == to
    assert unfinished(folders) is None
    assert [root.path for root in folders.roots()] == [to]
    assert told == sorted(told)
    assert told[-1] == (total, total)
    back = move_models(folders, source)
    assert not back.stayed
    assert models(source) == before


def test_only_models_move(folders: ModelFolders, tmp_path: Path) -> None:
    source = folders.own
    for name in ("a.gguf", "letter.txt", "b.gguf.part", "b.gguf.part.json", ".hidden"):
        model(source / name)
    move_models(folders, tmp_path / "new")
    assert set(models(tmp_path / "new")) == {"a.gguf"}
    assert set(models(source)) == {"letter.txt", "b.gguf.part", "b.gguf.part.json", ".hidden"}
    assert unfinished(folders) is None


def test_what_is_coming_moves_where_it_is_paused(folders: ModelFolders, tmp_path: Path) -> None:
    for name in ("b.gguf.part", "b.gguf.part.json"):
        model(folders.own / name)
    move_models(folders, tmp_path / "new", with_downloads=True)
    assert set(models(tmp_path / "new")) == {"b.gguf.part", "b.gguf.part.json"}


def test_what_is_kept_of_them_goes_along(folders: ModelFolders, paths: Paths, other_disk: Path) -> None:
    filled(folders, 2, 10)
    old = folders.own / "org" / "repo 1" / "m1.GGUF"
    new = other_disk / "m" / "org" / "repo 1" / "m1.GGUF"
    abouts, origins, settings = Abouts(paths), Origins(paths), ModelSettings(paths)
    abouts.change(old, notes="mine")
    origins.keep(old, Origin("org/repo", "", "a" * 64, 11))
    settings.choose(old, LoadSettings(threads=3))
    move_models(folders, other_disk / "m", followers=(abouts, origins, settings))
    assert abouts.of(new).notes == "mine"
    assert origins.of(new) == Origin("org/repo", "", "a" * 64, 11)
    assert settings.for_model(new) == LoadSettings(threads=3)


def test_what_others_keep_below_it_does_not_move(folders: ModelFolders, tmp_path: Path) -> None:
    source = folders.own
    studio = model(tmp_path / "nobody" / ".lmstudio" / "models" / "org" / "repo" / "theirs.gguf").parents[2]
    added = model(source / "added" / "mine.gguf").parent
    model(source / "own.gguf")
    folders.add(added)
    move_models(folders, tmp_path / "new")
    assert set(models(tmp_path / "new")) == {"own.gguf"}
    assert set(models(source)) == {"added/mine.gguf"}
    folders.set_own(studio.parent)  # a person chose a folder that another program keeps its models below
    model(studio.parent / "own.gguf")
    move_models(folders, tmp_path / "newer")
    assert set(models(tmp_path / "newer")) == {"own.gguf"}
    assert set(models(studio.parent)) == {"models/org/repo/theirs.gguf"}


# What stays


def test_another_file_of_the_name_is_not_written_over(folders: ModelFolders, tmp_path: Path, other_disk: Path) -> None:
    for to in (tmp_path / "new", other_disk / "new"):
        source = folders.own
        model(source / "same.gguf", b"same")
        model(source / "other.gguf", b"mine")
        model(to / "same.gguf", b"same")
        model(to / "other.gguf", b"your")
        moved = move_models(folders, to)
        assert {path.name: why for path, why in moved.stayed.items()} == {
            "other.gguf": "Another file of this name is in the new folder already."
        }
        assert models(to) == {"same.gguf": b"same", "other.gguf": b"your"}
        assert models(source) == {"other.gguf": b"mine"}
        assert [(root.path, root.place) for root in folders.roots()] == [(to, Place.OWN), (source, Place.OWN)]
        give_up(folders)
        assert [root.path for root in folders.roots()] == [to]


def test_a_disk_that_is_full_leaves_them_whole(folders: ModelFolders, other_disk: Path) -> None:
    source, before = folders.own, filled(folders)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    was = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (9 * MIB + 1, hard))  # the second and the third do not fit
        moved = move_models(folders, other_disk / "new")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, was)
    assert len(moved.pairs) == 2
    assert len(moved.stayed) == 1
    assert {**models(other_disk / "new"), **models(source)} == before
    assert unfinished(folders) == source
    assert not move_models(folders, other_disk / "new").stayed  # the same call goes on
    assert models(other_disk / "new") == before
    assert unfinished(folders) is None


def test_no_room_is_told_before(folders: ModelFolders, other_disk: Path) -> None:
    folders.own.mkdir(parents=True)
    with (folders.own / "huge.gguf").open("wb") as stream:
        stream.truncate(1 << 43)
    own = folders.own
    with pytest.raises(UserFacingError, match="they take"):
        move_models(folders, other_disk / "new")
    assert folders.own == own
    assert unfinished(folders) is None


def test_one_folder_in_the_other_is_refused(folders: ModelFolders, tmp_path: Path) -> None:
    filled(folders, 1, 1)
    (tmp_path / "link").symlink_to(folders.own)
    for wrong in (folders.own / "below", folders.own.parent, tmp_path / "link" / "below"):
        with pytest.raises(UserFacingError, match="cannot be moved there"):
            move_models(folders, wrong)


def test_a_move_that_goes_on_is_not_forgotten_for_another(folders: ModelFolders, tmp_path: Path) -> None:
    source, before = folders.own, filled(folders, 2, 10)
    stopped = iter([False, True])
    with pytest.raises(Stopped):
        move_models(folders, tmp_path / "second", stop=lambda: next(stopped, True))
    with pytest.raises(UserFacingError, match="Go on with that one first"):
        move_models(folders, tmp_path / "third")
    assert unfinished(folders) == source
    folders.set_own(source)  # back, without the files
    assert unfinished(folders) is None
    folders.set_own(tmp_path / "second", leaving=source)
    move_models(folders, tmp_path / "second")
    assert models(tmp_path / "second") == before


def test_what_a_killed_move_was_about_to_remove_has_its_name_again(folders: ModelFolders, tmp_path: Path) -> None:
    source, to = folders.own, tmp_path / "new"
    folders.set_own(to, leaving=source)
    model(source / "twice.gguf.leaving", b"twice")
    model(to / "twice.gguf", b"twice")
    model(source / "once.gguf.leaving", b"once")  # to was another way to the same folder
    assert not move_models(folders, to).stayed
    assert models(to) == {"twice.gguf": b"twice", "once.gguf": b"once"}
    assert not source.exists()
    folders.set_own(source, leaving=to)
    (to / "once.gguf").rename(to / "once.gguf.leaving")
    give_up(folders)
    assert set(models(to)) == {"twice.gguf", "once.gguf"}


def test_one_that_cannot_follow_does_not_keep_the_others_back(folders: ModelFolders, paths: Paths) -> None:
    filled(folders, 1, 1)
    old = folders.own / "org" / "repo 0" / "m0.GGUF"
    new = folders.own.with_name("new") / "org" / "repo 0" / "m0.GGUF"
    abouts, origins = Abouts(paths), Origins(paths)
    abouts.change(old, notes="mine")
    origins.keep(old, Origin("org/repo", "", "a" * 64, 11))
    (paths.data / "origins.json").unlink()
    (paths.data / "origins.json").mkdir()  # it can be neither read nor written
    with pytest.raises(UserFacingError, match="record of downloads"):
        move_models(folders, folders.own.with_name("new"), followers=(origins, abouts, origins))
    assert abouts.of(new).notes == "mine"


def test_a_disk_that_is_gone_does_not_end_the_move(folders: ModelFolders, other_disk: Path) -> None:
    source, before = folders.own, filled(folders, 2)
    stopped = iter([False, True])
    with pytest.raises(Stopped):
        move_models(folders, other_disk / "new", stop=lambda: next(stopped, True))
    source.rename(source.with_name("pulled out"))
    with pytest.raises(UserFacingError, match="Connect the disk"):
        move_models(folders, other_disk / "new")
    source.with_name("pulled out").rename(source)
    move_models(folders, other_disk / "new")
    assert models(other_disk / "new") == before


def test_links_lead_where_they_led(folders: ModelFolders, tmp_path: Path) -> None:
    outside = model(tmp_path / "outside.gguf", b"outside")
    source = folders.own
    model(source / "sub" / "real.gguf", b"real")
    (source / "inner.gguf").symlink_to("sub/real.gguf")
    (source / "absolute.gguf").symlink_to(source / "sub" / "real.gguf")
    (source / "outer.gguf").symlink_to(os.path.relpath(outside, source))
    (source / "dangling.gguf").symlink_to("nowhere")
    move_models(folders, tmp_path / "deep" / "new")
    new = tmp_path / "deep" / "new"
    assert [(new / f"{name}.gguf").read_bytes() for name in ("inner", "absolute", "outer")] == [
        b"real",
        b"real",
        b"outside",
    ]
    assert (new / "dangling.gguf").is_symlink()
    assert not source.exists()
    assert outside.exists()


def test_stopped_in_the_middle_of_a_file(folders: ModelFolders, other_disk: Path) -> None:
    before = filled(folders, 2, 40 * MIB)
    asked = iter([False] * 3)
    with pytest.raises(Stopped):
        move_models(folders, other_disk / "new", stop=lambda: next(asked, True))
    assert models(other_disk / "new") == {}  # nothing half
    assert models(folders.leaving or other_disk) == before


# Killed


@pytest.mark.parametrize("kills", [pytest.param(4, id="some"), pytest.param(60, id="many", marks=pytest.mark.soak)])
def test_killed_at_any_moment_nothing_is_lost(
    folders: ModelFolders, paths: Paths, tmp_path: Path, other_disk: Path, kills: int
) -> None:
    script = (
        "import sys; from pathlib import Path; from nodetool_xl_desktop.core.paths import Paths\n"
        "from nodetool_xl_desktop.library.folders import ModelFolders\n"
        "from nodetool_xl_desktop.library.moving import move_models\n"
        "folders = ModelFolders(Paths.below(Path(sys.argv[1])), Path(sys.argv[2]))\n"
        "print('begin', flush=True); move_models(folders, Path(sys.argv[3])); print('moved', flush=True)"
    )
    before = {name: hashlib.sha256(content).digest() for name, content in filled(folders, 24, 3 * MIB).items()}
    ends = [folders.own, other_disk / "new"]
    chance = random.Random(8)
    for kill in range(kills):
        command = [sys.executable, "-c", script, *map(str, (paths.data.parent, tmp_path / "nobody", ends[1]))]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
            assert program.stdout is not None
            assert program.stdout.readline() == "begin\n"
            time.sleep(chance.random() * 0.25)
            program.kill()
            rest = program.stdout.read()
        whole = {
            str(path.relative_to(root.path)): hashlib.sha256(path.read_bytes()).digest()
            for root in folders.roots()
            if root.is_there
            for path in root.path.rglob("*.GGUF")
        }
        assert whole == before, f"kill {kill}"
        if rest == "moved\n":
            ends.reverse()  # and back again
    move_models(folders, ends[1])
    assert {name: hashlib.sha256(content).digest() for name, content in models(ends[1]).items()} == before
    assert unfinished(folders) is None
    assert not list(ends[1].rglob(f"*{ENDING}"))
