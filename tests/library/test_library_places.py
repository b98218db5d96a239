"""What other programs hold: found where each of them keeps it on each system, read as strangers' files."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pytest

from nodetool_xl_desktop.library.folders import Root
from nodetool_xl_desktop.library.model_file import Place
from nodetool_xl_desktop.library.places import Surroundings, entries, folders_of_others
from nodetool_xl_desktop.library.strangers import PlacedModel

SYSTEMS = ("linux", "darwin", "win32")


def around(home: Path, platform: str = "linux", **environ: str) -> Surroundings:
    return Surroundings(platform, environ, home, system=home / "system")


def found(surroundings: Surroundings, place: Place) -> list[Path]:
    return [folder for whose, folder in folders_of_others(surroundings) if whose is place]


def folder(path: Path) -> Path:
    path.mkdir(parents=True)
    return path


def written(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def models(place: Place, path: Path) -> list[PlacedModel]:
    return list(entries(Root(path, place)))


# Where each program keeps its models


@pytest.mark.parametrize("platform", SYSTEMS)
def test_a_home_with_none_of_them(tmp_path: Path, platform: str) -> None:
    assert folders_of_others(around(tmp_path, platform)) == []


@pytest.mark.parametrize(
    ("place", "platform", "where"),
    [
        *((Place.HUGGING_FACE, platform, ".cache/huggingface/hub") for platform in SYSTEMS),
        *((Place.LM_STUDIO, platform, ".lmstudio/models") for platform in SYSTEMS),
        *((Place.LM_STUDIO, platform, ".cache/lm-studio/models") for platform in SYSTEMS),
        *((Place.OLLAMA, platform, ".ollama/models") for platform in SYSTEMS),
        (Place.GPT4ALL, "linux", ".local/share/nomic.ai/GPT4All"),
        (Place.GPT4ALL, "darwin", "Library/Application Support/nomic.ai/GPT4All"),
        (Place.GPT4ALL, "win32", "AppData/Local/nomic.ai/GPT4All"),
        *((Place.GPT4ALL, platform, ".cache/gpt4all") for platform in SYSTEMS),
        (Place.JAN, "linux", ".local/share/Jan/data/llamacpp/models"),
        (Place.JAN, "linux", ".config/Jan/data/models"),
        (Place.JAN, "darwin", "Library/Application Support/Jan/data/llamacpp/models"),
        (Place.JAN, "win32", "AppData/Roaming/Jan/data/llamacpp/models"),
        (Place.LLAMA_CPP, "linux", ".cache/llama.cpp"),
        (Place.LLAMA_CPP, "darwin", "Library/Caches/llama.cpp"),
        (Place.LLAMA_CPP, "win32", "AppData/Local/llama.cpp"),
    ],
)
def test_where_they_keep_them_by_themselves(tmp_path: Path, place: Place, platform: str, where: str) -> None:
    there = folder(tmp_path / where)
    assert folders_of_others(around(tmp_path, platform)) == [(place, there)]


@pytest.mark.parametrize(
    ("place", "name", "below"),
    [
        (Place.HUGGING_FACE, "HF_HUB_CACHE", ""),
        (Place.HUGGING_FACE, "HUGGINGFACE_HUB_CACHE", ""),
        (Place.HUGGING_FACE, "HF_HOME", "hub"),
        (Place.HUGGING_FACE, "XDG_CACHE_HOME", "huggingface/hub"),
        (Place.OLLAMA, "OLLAMA_MODELS", ""),
        (Place.JAN, "JAN_DATA_FOLDER", "llamacpp/models"),
        (Place.LLAMA_CPP, "LLAMA_CACHE", ""),
        (Place.LLAMA_CPP, "XDG_CACHE_HOME", "llama.cpp"),
        (Place.GPT4ALL, "XDG_DATA_HOME", "nomic.ai/GPT4All"),
    ],
)
def test_a_variable_says_another_folder(tmp_path: Path, place: Place, name: str, below: str) -> None:
    there = folder(tmp_path / "disk two" / below if below else tmp_path / "disk two")
    assert found(around(tmp_path, **{name: str(tmp_path / "disk two")}), place) == [there]
    assert found(around(tmp_path, **{name: "~/disk two"}), place) == [there]
    assert found(around(tmp_path, **{name: "$DISK/disk two", "DISK": str(tmp_path)}), place) == [there]
    assert found(around(tmp_path, **{name: ""}), place) == []


def test_windows_variables(tmp_path: Path) -> None:
    roaming, local = tmp_path / "R", tmp_path / "L"
    there = {
        Place.JAN: folder(roaming / "Jan" / "data" / "llamacpp" / "models"),
        Place.GPT4ALL: folder(local / "nomic.ai" / "GPT4All"),
        Place.LLAMA_CPP: folder(local / "llama.cpp"),
    }
    windows = around(tmp_path, "win32", APPDATA=str(roaming), LOCALAPPDATA=str(local))
    assert dict(folders_of_others(windows)) == there


def test_lm_studio_s_pointer_and_settings(tmp_path: Path) -> None:
    home, chosen = folder(tmp_path / "elsewhere" / "models").parent, folder(tmp_path / "big disk")
    written(tmp_path / ".lmstudio-home-pointer", f"{home}\n")
    assert found(around(tmp_path), Place.LM_STUDIO) == [home / "models"]
    written(home / "settings.json", json.dumps({"downloadsFolder": str(chosen)}))
    assert found(around(tmp_path), Place.LM_STUDIO) == [chosen, home / "models"]


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"downloadsFolder": 7}', '{"downloadsFolder": "a\\u0000b"}', "[" * 10**5]
)
def test_settings_that_are_broken_are_passed_over(tmp_path: Path, text: str) -> None:
    there = folder(tmp_path / ".lmstudio" / "models")
    written(there.parent / "settings.json", text)
    written(tmp_path / ".lmstudio-home-pointer", text)
    assert found(around(tmp_path), Place.LM_STUDIO) == [there]


@pytest.mark.parametrize("said", ["{}", '"{}"'])
def test_gpt4all_s_settings(tmp_path: Path, said: str) -> None:
    chosen = folder(tmp_path / "Mod\u00e8les; IA")
    text = said.format(chosen).replace("\u00e8", "\\xe8")
    for config in (".config", "AppData/Roaming"):
        written(tmp_path / config / "nomic.ai" / "GPT4All.ini", f"[General]\nx=1\nmodelPath={text}\n[a]\ny=2\n")
    for platform in SYSTEMS:
        assert found(around(tmp_path, platform), Place.GPT4ALL) == [chosen]


def test_jan_s_settings(tmp_path: Path) -> None:
    there = folder(tmp_path / "jan data" / "llamacpp" / "models")
    written(tmp_path / ".local/share/Jan/settings.json", json.dumps({"data_folder": str(tmp_path / "jan data")}))
    assert found(around(tmp_path), Place.JAN) == [there]


def test_ollama_as_a_service(tmp_path: Path) -> None:
    store = folder(tmp_path / "system/usr/share/ollama/.ollama/models")
    assert found(around(tmp_path), Place.OLLAMA) == []  # no store yet
    folder(store / "manifests")
    assert found(around(tmp_path), Place.OLLAMA) == [store]
    assert found(around(tmp_path, "darwin"), Place.OLLAMA) == []


def test_a_folder_that_two_of_them_share_is_named_once(tmp_path: Path) -> None:
    shared = folder(tmp_path / "shared")
    (tmp_path / ".lmstudio").mkdir()
    (tmp_path / ".lmstudio" / "models").symlink_to(shared)
    assert folders_of_others(around(tmp_path, OLLAMA_MODELS=str(shared))) == [(Place.OLLAMA, shared)]


# Ollama


def blob(store: Path, content: bytes, separator: str = "-") -> str:
    digest = hashlib.sha256(content).hexdigest()
    (store / "blobs").mkdir(parents=True, exist_ok=True)
    (store / "blobs" / f"sha256{separator}{digest}").write_bytes(content)
    return f"sha256:{digest}"


def manifest(store: Path, name: str, *layers: tuple[str, object], host: str = "registry.ollama.ai/library") -> Path:
    content: dict[str, Any] = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
        "config": {"mediaType": "application/vnd.docker.container.image.v1+json", "digest": "sha256:0", "size": 4},
        "layers": [
            {"mediaType": f"application/vnd.ollama.image.{kind}", "digest": digest, "size": 4}
            for kind, digest in layers
        ],
    }
    return written(store / "manifests" / host / name, json.dumps(content))


def path_of(store: Path, digest: str) -> Path:
    return store / "blobs" / digest.replace(":", "-")


def test_ollama_s_models_have_their_names(tmp_path: Path) -> None:
    llama, llava, eyes, lora = (blob(tmp_path, content) for content in (b"llama", b"llava", b"eyes", b"lora"))
    manifest(tmp_path, "llama3.2/3b", ("model", llama), ("template", blob(tmp_path, b"{{ }}")), ("license", "x"))
    manifest(tmp_path, "llava/latest", ("model", llava), ("projector", eyes), ("adapter", lora))
    other = blob(tmp_path, b"other")
    manifest(tmp_path, "gpt/v1", ("model", other), host="registry.ollama.ai/somebody")
    third = blob(tmp_path, b"third")
    manifest(tmp_path, "Tiny-GGUF/Q4_K_M", ("model", third), host="hf.co/org")
    assert sorted(models(Place.OLLAMA, tmp_path), key=lambda model: model.name) == [
        PlacedModel(path_of(tmp_path, third), "hf.co/org/Tiny-GGUF:Q4_K_M"),
        PlacedModel(path_of(tmp_path, llama), "llama3.2:3b"),
        PlacedModel(path_of(tmp_path, llava), "llava:latest", (path_of(tmp_path, eyes),), (path_of(tmp_path, lora),)),
        PlacedModel(path_of(tmp_path, other), "somebody/gpt:v1"),
    ]


def test_one_file_with_two_names_is_one_model(tmp_path: Path) -> None:
    digest = blob(tmp_path, b"llama")
    for tag in ("latest", "3b"):
        manifest(tmp_path, f"llama3.2/{tag}", ("model", digest))
    assert [model.name for model in models(Place.OLLAMA, tmp_path)] == ["llama3.2:3b"]


def test_a_model_is_not_called_after_one_that_lays_an_adapter_over_it(tmp_path: Path) -> None:
    base, lora = blob(tmp_path, b"llama"), blob(tmp_path, b"lora")
    manifest(tmp_path, "mine/v1", ("model", base), ("adapter", lora))
    manifest(tmp_path, "llama3.2/latest", ("model", base))
    assert models(Place.OLLAMA, tmp_path) == [PlacedModel(path_of(tmp_path, base), "llama3.2:latest")]


def test_blobs_of_its_first_versions(tmp_path: Path) -> None:
    digest = blob(tmp_path, b"old", separator=":")
    manifest(tmp_path, "old/1b", ("model", digest))
    assert [model.path.name for model in models(Place.OLLAMA, tmp_path)] == [digest]


def test_no_digest_leads_out_of_the_blobs(tmp_path: Path) -> None:
    store = tmp_path / "store"
    secret = written(tmp_path / ("a" * 64), "secret")
    blob(store, b"x")
    hostile: list[object] = [
        f"sha256:../../{secret.name}",
        f"sha256-../../{secret.name}",
        f"../../{secret.name}",
        str(secret),
        "sha256:" + "a" * 63 + "/",
        "sha256:" + "A" * 64,
        "sha256:" + "a" * 64 + "\n",
        "sha256:" + "\u0661" * 64,  # digits, of another script
        "",
        None,
        7,
        ["sha256"],
        {},
    ]
    for number, digest in enumerate(hostile):
        manifest(store, f"bad/{number}", ("model", digest))
    assert models(Place.OLLAMA, store) == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "null",
        "[]",
        '{"layers": 7}',
        '{"layers": [7, null, {}, {"mediaType": []}]}',
        "[" * 10**5,
        "\x00",
    ],
)
def test_a_broken_manifest_is_passed_over(tmp_path: Path, text: str) -> None:
    manifest(tmp_path, "good/1b", ("model", blob(tmp_path, b"good")))
    written(tmp_path / "manifests/registry.ollama.ai/library/bad/1b", text)
    assert [model.name for model in models(Place.OLLAMA, tmp_path)] == ["good:1b"]


def test_odd_things_among_the_manifests(tmp_path: Path) -> None:
    good = manifest(tmp_path, "good/1b", ("model", blob(tmp_path, b"good")))
    namespace = good.parent.parent
    with (namespace / "huge").open("wb") as stream:  # too high up, and 1 TiB
        stream.truncate(1 << 40)
    folder(namespace / "deep" / "a" / "b" / "c")
    (namespace / "round").symlink_to(namespace.parent)
    with (folder(namespace / "large") / "1b").open("wb") as stream:
        stream.truncate(1 << 40)
    os.mkfifo(folder(namespace / "pipe") / "1b")
    (good.parent / ".DS_Store").write_bytes(b"x")
    missing = hashlib.sha256(b"gone").hexdigest()
    manifest(tmp_path, "gone/1b", ("model", f"sha256:{missing}"))
    named = folder(namespace / os.fsdecode(b"caf\xe9\n\xe2\x80\xae"))
    (named / "1b").symlink_to(good)
    assert [model.name for model in models(Place.OLLAMA, tmp_path)] == ["caf\ufffd :1b"]  # a link to a manifest counts


# Jan


def test_jan_s_models_have_their_names(tmp_path: Path) -> None:
    root = tmp_path / "data" / "llamacpp" / "models"
    for name in ("model.gguf", "mmproj.gguf"):
        written(root / "org" / "Qwen3-VL-8B" / name, "GGUF")
    written(
        root / "org/Qwen3-VL-8B/model.yml",
        "embedding: false\nmmproj_path: 'llamacpp/models/org/Qwen3-VL-8B/mmproj.gguf'\n"
        "model_path: llamacpp/models/org/Qwen3-VL-8B/model.gguf # here\nname: org/Qwen3-VL-8B\nsize_bytes: 4\n",
    )
    lying = written(tmp_path / "else where" / "own: model.gguf", "GGUF")
    written(root / "mine" / "model.yml", f'model_path: "{lying}"\nsize_bytes: 4\nname: ""\n')
    written(root / "gone" / "model.yml", "model_path: llamacpp/models/gone/model.gguf\n")
    written(root / "out" / "model.yml", "model_path: ../../../else where/own: model.gguf\n")
    written(root / "odd" / "model.yml", "model_path: [a, b]\n\x00: &a *a\n? - : -\nname: " + "x" * 10**5)
    at = root / "org" / "Qwen3-VL-8B"
    assert models(Place.JAN, root) == [
        PlacedModel(lying, "mine"),
        PlacedModel(at / "model.gguf", "org/Qwen3-VL-8B", (at / "mmproj.gguf",)),
    ]


def test_a_file_that_is_no_model_is_not_taken_from_jan(tmp_path: Path) -> None:
    root = tmp_path / "data" / "llamacpp" / "models"
    secret = written(tmp_path / "secret.txt", "secret")
    written(root / "bad" / "model.yml", f"model_path: {secret}\n")
    assert models(Place.JAN, root) == []


def test_other_programs_need_no_words(tmp_path: Path) -> None:
    written(tmp_path / "model.gguf", "GGUF")
    for place in (
        Place.LM_STUDIO,
        Place.GPT4ALL,
        Place.LLAMA_CPP,
        Place.HUGGING_FACE,
        Place.OWN,
        Place.OLLAMA,
        Place.JAN,
    ):
        assert models(place, tmp_path) == []
    assert models(Place.OLLAMA, tmp_path / "missing") == []
