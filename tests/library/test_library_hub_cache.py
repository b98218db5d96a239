"""What lies on this disk already is found where it lies."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from nodetool_xl_desktop.library.hub_cache import all_cached, cache_folder, cached, downloaded


def snapshot(cache: Path, repo_id: str, commit: str, *names: str, age_s: int = 0) -> list[Path]:
    """As huggingface_hub lays it out: links into `blobs`."""
    repository = cache / f"models--{repo_id.replace('/', '--')}"
    paths = []
    for name in names:
        blob = repository / "blobs" / f"{commit}-{name.replace('/', '-')}"
        blob.parent.mkdir(parents=True, exist_ok=True)
        blob.write_bytes(b"GGUF")
        path = repository / "snapshots" / commit / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(blob)
        paths.append(path)
    folder = repository / "snapshots" / commit
    folder.mkdir(parents=True, exist_ok=True)
    os.utime(folder, (1e9 - age_s, 1e9 - age_s))
    return paths


def main_is(cache: Path, repo_id: str, commit: str) -> None:
    refs = cache / f"models--{repo_id.replace('/', '--')}" / "refs"
    refs.mkdir(parents=True)
    (refs / "main").write_text(commit)


def test_the_files_of_the_branch_main_come_before_newer_ones(tmp_path: Path) -> None:
    old = snapshot(tmp_path, "org/repo", "a" * 40, "m-Q4_0.gguf", age_s=60)
    new = snapshot(tmp_path, "org/repo", "b" * 40, "sub/m-Q4_0.GGUF", "m-Q2_K.gguf", "config.json")
    assert cached("org/repo", tmp_path) == (new[1], new[0])
    main_is(tmp_path, "org/repo", "a" * 40)
    assert cached("org/repo", tmp_path) == tuple(old)


def test_a_snapshot_without_models_does_not_count(tmp_path: Path) -> None:
    old = snapshot(tmp_path, "org/repo", "a" * 40, "m.gguf", age_s=60)
    snapshot(tmp_path, "org/repo", "b" * 40, "config.json")
    main_is(tmp_path, "org/repo", "b" * 40)
    assert cached("org/repo", tmp_path) == tuple(old)


def test_a_link_to_nothing_and_a_folder_are_no_models(tmp_path: Path) -> None:
    (path,) = snapshot(tmp_path, "org/repo", "a" * 40, "m.gguf")
    path.resolve().unlink()
    (path.parent / "folder.gguf").mkdir()
    assert cached("org/repo", tmp_path) == ()


def test_every_repository_that_has_models(tmp_path: Path) -> None:
    one = snapshot(tmp_path, "org/re-po.x", "a" * 40, "m.gguf")
    two = snapshot(tmp_path, "an-org/b", "a" * 40, "m.gguf")
    snapshot(tmp_path, "org/words", "a" * 40, "config.json")
    (tmp_path / "datasets--org--data" / "snapshots" / "c").mkdir(parents=True)
    (tmp_path / "datasets--org--data" / "snapshots" / "c" / "m.gguf").write_bytes(b"GGUF")
    (tmp_path / "version.txt").write_text("1")
    assert all_cached(tmp_path) == {"an-org/b": tuple(two), "org/re-po.x": tuple(one)}
    assert list(all_cached(tmp_path)) == ["an-org/b", "org/re-po.x"]


def test_no_cache_is_an_empty_one(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for cache in (tmp_path / "none", tmp_path / "file", tmp_path):
        assert cached("org/repo", cache) == ()
        assert all_cached(cache) == {}
    snapshot(tmp_path, "org/repo", "a" * 40, "m.gguf")
    refs = tmp_path / "models--org--repo" / "refs"
    refs.mkdir()
    (refs / "main").write_bytes(b"\xff\xfe")
    assert len(cached("org/repo", tmp_path)) == 1


@pytest.mark.parametrize(
    "setting",
    [
        {},
        {"HF_HOME": "{}/hf home"},
        {"HF_HUB_CACHE": "{}/own"},
        {"HUGGINGFACE_HUB_CACHE": "{}/older"},
        {"HF_HUB_CACHE": "{}/own", "HUGGINGFACE_HUB_CACHE": "{}/older", "HF_HOME": "{}/hf"},
        {"XDG_CACHE_HOME": "{}/xdg"},
        {"HF_HOME": "~/hf"},
        {"HF_HUB_CACHE": "$HOME/own"},
    ],
)
def test_the_cache_is_where_huggingface_hub_has_it(
    setting: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    for name, value in setting.items():
        monkeypatch.setenv(name, value.format(tmp_path))
    program = "from huggingface_hub import constants; print(constants.HF_HUB_CACHE)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert str(cache_folder()) == done.stdout.strip()


def test_the_environment_is_read_at_each_call(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (path,) = snapshot(tmp_path / "hub", "org/repo", "a" * 40, "m.gguf")
    assert cached("org/repo") == ()
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    assert cached("org/repo") == (path,)
    assert all_cached() == {"org/repo": (path,)}


def test_what_the_program_itself_has_brought(tmp_path: Path) -> None:
    folder = tmp_path / "org" / "repo"
    (folder / "sub").mkdir(parents=True)
    for name in ("b.gguf", "sub/a.gguf", "c.gguf.part", "c.gguf.part.json", "c.gguf.lock"):
        (folder / name).write_bytes(b"GGUF")
    assert downloaded(tmp_path, "org/repo") == (folder / "b.gguf", folder / "sub" / "a.gguf")
    assert downloaded(tmp_path, "org/other") == ()
