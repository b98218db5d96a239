"""A scan of real folders: what is found, what is one model, what is told of the rest, and what is not done twice."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import processes
import pytest
from gguf_writer import write_gguf, write_split_set

from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.library.model_file import Capability, ModelFile, Place
from nodetool_xl_desktop.library.models import ModelLibrary

TENSORS = [("token_embd.weight", (256, 64), "F32"), ("output.weight", (256, 64), "F32")]
pytestmark = pytest.mark.usefixtures("no_process_left")
#: Makes the library of this test.
Make = Callable[[], ModelLibrary]


@pytest.fixture
def make(paths: Paths, tmp_path: Path) -> Make:
    return lambda: ModelLibrary(paths, tmp_path / "user")


@pytest.fixture
def folder(paths: Paths) -> Path:
    """The program's own."""
    paths.models.mkdir(parents=True)
    return paths.models


def model(path: Path, name: str = "", rows: int = 64, **more: object) -> Path:
    """A sound one; of another name it is another model."""
    path.parent.mkdir(parents=True, exist_ok=True)
    told = {"general.architecture": "llama", "general.name": name or path.name.encode(errors="replace"), **more}
    return write_gguf(path, told, [("token_embd.weight", (256, rows), "F32")])


def by_name(files: list[ModelFile]) -> dict[str, ModelFile]:
    return {file.path.name: file for file in files}


def why(file: ModelFile) -> str:
    assert file.trouble is not None
    return file.trouble.why


# What a model says


def test_a_model_says_what_its_header_says(make: Make, folder: Path) -> None:
    told = {
        "general.file_type": 15,
        "general.license": "apache-2.0",
        "llama.context_length": 8192,
        "llama.embedding_length": 256,
        "tokenizer.chat_template": "{% if tools %}{% endif %}",
    }
    path = model(folder / "a-Q8_0.gguf", "A Llama", **told)
    (file,) = make().scan()
    assert file.facts is not None
    assert (file.path, file.size, file.place, file.files) == (path, path.stat().st_size, Place.OWN, (path,))
    assert (file.facts.kind, file.facts.name, file.facts.architecture) == ("model", "A Llama", "llama")
    assert (file.facts.n_params, file.facts.quantization, file.quantization) == (256 * 64, "Q4_K_M", "Q4_K_M")
    assert (file.facts.context_length, file.facts.licence, file.facts.width) == (8192, "apache-2.0", 256)
    assert file.capabilities == {Capability.TOOLS}
    assert file.trouble is None


def test_what_is_broken_says_why(make: Make, folder: Path) -> None:
    model(folder / "sound.GGUF")
    write_gguf(folder / "short.gguf", {"general.architecture": "llama"}, TENSORS, truncate_to=20_000)
    (folder / "empty.gguf").touch()
    (folder / "page.gguf").write_text("<!doctype html>")
    write_gguf(folder / "old.gguf", {"general.architecture": "llama"}, TENSORS, version=1)
    found = by_name(make().scan())
    assert found.pop("sound.GGUF").trouble is None
    assert {name: why(file) for name, file in found.items()} == {
        "short.gguf": "it ends after 20,000 of 131,264 bytes",
        "empty.gguf": "it is empty (0 bytes)",
        "page.gguf": "it is a web page, not the model itself",
        "old.gguf": "it is in version 1 of the GGUF format, and versions 2 and 3 are supported",
    }


@pytest.mark.parametrize(
    ("metadata", "reason"),
    [
        ({"general.type": "imatrix"}, "importance matrix"),
        ({"general.type": "adapter", "general.architecture": "llama"}, "changes a model"),
        ({"general.architecture": "clip"}, "see or hear"),
        ({"general.architecture": "llama", "general.type": "mystery"}, "something else"),
    ],
)
def test_what_is_no_model_is_listed_with_its_reason(
    make: Make, folder: Path, metadata: dict[str, str], reason: str
) -> None:
    write_gguf(folder / "it.gguf", metadata, TENSORS)
    (file,) = make().scan()
    assert file.facts is not None
    assert reason in why(file)


def test_what_is_still_coming_or_never_came(make: Make, folder: Path) -> None:
    names = ("a.gguf.part", "b.GGUF.crdownload", "c.gguf.incomplete", "downloading_d.gguf.part", "incomplete-e.gguf")
    for number, name in enumerate(names):
        (folder / name).write_bytes(b"GGUF")
        at = time.time() - 100_000 * number
        os.utime(folder / name, (at, at))
    (folder / "a.gguf.part.json").write_text("{}")
    (folder / "page.part").write_text("a download of something else")
    library = make()
    found = by_name(library.scan())
    assert sorted(found) == sorted(names)
    assert why(found["a.gguf.part"]) == "it is still coming"
    assert all("never finished" in why(found[name]) for name in names[1:])
    assert [found[name].title for name in names] == ["a", "b", "c", "d", "e"]
    assert by_name(library.known()) == found  # their names tell it


# One model


def test_a_set_is_one_model_of_all_its_parts(make: Make, folder: Path) -> None:
    parts = write_split_set(folder, "big-Q8_0", {"general.architecture": "llama"}, TENSORS, 2)
    (file,) = make().scan()
    assert (file.path, file.files) == (parts[0], tuple(parts))
    assert file.size == sum(part.stat().st_size for part in parts)
    assert file.facts is not None
    assert file.facts.n_params == 2 * 256 * 64
    parts[0].unlink()
    (file,) = make().scan()
    assert file.path == parts[1]
    assert "big-Q8_0-00001-of-00002.gguf is not in" in why(file)


def test_links_to_one_file_are_one_model_and_copies_are_two(make: Make, folder: Path, tmp_path: Path) -> None:
    first = model(folder / "a.gguf")
    hard, soft = folder / "b.gguf", folder / "c.gguf"
    hard.hardlink_to(first)
    soft.symlink_to(first)
    copy = Path(shutil.copy(first, folder / "d.gguf"))
    model(folder / "e.gguf", "another")
    found = make().scan()
    assert [file.path for file in found] == [first, copy, folder / "e.gguf"]
    assert (found[0].links, found[0].same_as) == ((hard, soft), (copy,))
    assert (found[1].links, found[1].same_as, found[2].same_as) == ((), (first,), ())
    assert all(found[0].is_at(path) for path in (first, hard, soft))


def test_a_model_that_was_opened_under_another_path_is_listed_once(make: Make, folder: Path, tmp_path: Path) -> None:
    own = model(folder / "own.gguf")
    before = model(folder / "aaa.gguf", "it would come first")
    (tmp_path / "link.gguf").symlink_to(own)
    library = make()
    library.add(tmp_path / "link.gguf")
    found = library.scan()
    assert [(file.path, file.place) for file in found] == [(own, Place.OWN), (before, Place.OWN)]
    assert found[0].links == (tmp_path / "link.gguf",)


def test_an_opened_set_has_its_parts_and_an_opened_model_its_projector(make: Make, tmp_path: Path) -> None:
    parts = write_split_set(tmp_path, "set", {"general.architecture": "llama"}, TENSORS, 2)
    path = model(tmp_path / "seen" / "gemma-3-4b-it-Q4_0.gguf")
    seeing = {"general.architecture": "clip", "clip.has_vision_encoder": True}
    projector = write_gguf(path.with_name("mmproj-F16.gguf"), seeing, TENSORS)
    other = model(path.with_name("nobody-opened-it.gguf"))
    library = make()
    for each in (parts[0], path):
        library.add(each)
    seen, whole = library.scan()
    assert (whole.files, whole.trouble) == (tuple(parts), None)
    assert (seen.projectors, seen.capabilities) == ((projector,), {Capability.VISION})
    assert not seen.is_at(other)


# The Hugging Face cache


def test_the_cache_of_the_hub_is_listed_by_its_newest_snapshot(make: Make, tmp_path: Path) -> None:
    repository = tmp_path / "user" / ".cache" / "huggingface" / "hub" / "models--org--repo"
    blob = model(repository / "blobs" / "b1")
    snapshots = [repository / "snapshots" / commit for commit in ("a" * 40, "b" * 40)]
    for snapshot in snapshots:
        snapshot.mkdir(parents=True)
        (snapshot / "m-Q4_0.gguf").symlink_to(blob)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("b" * 40)
    (repository / "blobs" / "c0ffee.incomplete").write_bytes(b"GGUF and more")
    (repository / "blobs" / "c1.incomplete").write_bytes(b"of something else")
    library = make()
    for _ in range(2):
        found = library.scan()
        assert [(file.path.name, file.place) for file in found] == [
            ("m-Q4_0.gguf", Place.HUGGING_FACE),
            ("c0ffee.incomplete", Place.HUGGING_FACE),
        ]
        assert (found[0].path, found[0].links) == (snapshots[1] / "m-Q4_0.gguf", (snapshots[0] / "m-Q4_0.gguf",))
        assert found[1].title == "org/repo"
        library.add(snapshots[1] / "m-Q4_0.gguf")  # opened as well: listed once


def test_a_blob_of_ollama_has_the_name_that_ollama_gives_it(make: Make, tmp_path: Path) -> None:
    store = tmp_path / "user" / ".ollama" / "models"
    digest = "ab" * 32
    blob = model(store / "blobs" / f"sha256-{digest}")
    manifest = store / "manifests" / "registry.ollama.ai" / "library" / "llama3.2" / "3b"
    manifest.parent.mkdir(parents=True)
    layer = {
        "mediaType": "application/vnd.ollama.image.model",
        "digest": f"sha256:{digest}",
        "size": blob.stat().st_size,
    }
    manifest.write_text(json.dumps({"schemaVersion": 2, "layers": [layer]}))
    (file,) = make().scan()
    assert (file.path, file.place, file.title) == (blob, Place.OLLAMA, "llama3.2:3b")
    assert file.facts is not None
    assert file.adapters == ()
    lora = store / "blobs" / f"sha256-{'cd' * 32}"
    lora.write_bytes(b"GGUF of a LoRA")
    over = {"mediaType": "application/vnd.ollama.image.adapter", "digest": f"sha256:{'cd' * 32}", "size": 14}
    manifest.write_text(json.dumps({"schemaVersion": 2, "layers": [layer, over]}))
    assert [each.adapters for each in make().scan() if each.path == blob] == [(lora,)]


# Names, links, and what vanishes


@pytest.mark.parametrize(
    "name",
    [
        b"two words.gguf",
        b"line\nfeed.gguf",
        "\U0001f40d and \u202e.gguf".encode(),
        b"x" * 250 + b".gguf",
        b"caf\xe9.gguf",
        b"'\"\\.gguf",
        b"-rf.gguf",
    ],
)
def test_any_name_is_listed_and_found_again(make: Make, folder: Path, name: bytes) -> None:
    path = model(folder / os.fsdecode(name[:200]) / os.fsdecode(name), "it")
    for _ in range(2):
        (file,) = make().scan()
        assert file.path == path
        assert file.facts is not None
        assert file.title.isprintable()


def test_folders_that_lead_into_themselves_and_links_to_nothing(make: Make, folder: Path, tmp_path: Path) -> None:
    path = model(folder / "a" / "one.gguf")
    (folder / "a" / "again").symlink_to(folder)
    (folder / "b").symlink_to(folder / "c")
    (folder / "c").symlink_to(folder / "b")
    (folder / "self.gguf").symlink_to("self.gguf")
    (folder / "gone.gguf").symlink_to(tmp_path / "unplugged" / "gone.gguf")
    os.mkfifo(folder / "pipe.gguf")
    elsewhere = model(tmp_path / "elsewhere" / "two.gguf")
    (folder / "linked").symlink_to(elsewhere.parent)
    library = make()
    library.folders.add(elsewhere.parent)
    found = by_name(library.scan())
    assert sorted(found) == ["gone.gguf", "one.gguf", "self.gguf", "two.gguf"]
    assert (found["one.gguf"].path, found["two.gguf"].path) == (path, elsewhere)
    assert found["two.gguf"].place is Place.ADDED
    assert "unplugged/gone.gguf, which is not there" in why(found["gone.gguf"])
    assert "symbolic links" in why(found["self.gguf"])


@contextlib.contextmanager
def as_nobody() -> Iterator[None]:
    """Tests may run as somebody who may read everything."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65_534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_folder_that_may_not_be_read_is_told_once_and_the_rest_listed() -> None:
    with tempfile.TemporaryDirectory() as made:  # not pytest's folder, which is its user's alone
        base = Path(made)
        base.chmod(0o755)
        library = ModelLibrary(Paths.below(base), base / "user")
        folder = library.folders.own
        seen = model(folder / "seen" / "one.gguf")
        hidden = model(folder / "hidden" / "two.gguf").parent
        library.folders.add(folder / "seen")
        hidden.chmod(0)
        with as_nobody():
            found = library.scan()
        hidden.chmod(0o755)
        assert [file.path for file in found] == [seen]
        assert library.closed_folders == ((hidden, "Permission denied"),)
        assert len(library.scan()) == 2
        assert library.closed_folders == ()


def test_a_folder_too_deep_to_be_named_is_told(make: Make, folder: Path) -> None:
    path = model(folder / "one.gguf")
    here = os.open(folder, os.O_RDONLY)
    for _ in range(22):
        os.mkdir("d" * 200, dir_fd=here)
        deeper = os.open("d" * 200, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = deeper
    os.close(here)
    library = make()
    assert [file.path for file in library.scan()] == [path]
    assert [closed.why for closed in library.closed_folders] == ["File name too long"]


def test_files_that_come_and_go_while_it_scans(make: Make, folder: Path) -> None:
    stays = {model(folder / f"stays-{number}.gguf") for number in range(20)}
    is_over = threading.Event()

    def disturb() -> None:
        while not is_over.is_set():
            for number in range(20):
                model(folder / f"comes-{number}.gguf")
            for number in range(20):
                (folder / f"comes-{number}.gguf").unlink()

    thread = threading.Thread(target=disturb)
    thread.start()
    try:
        for _ in range(8):
            found = {file.path: file for file in make().scan()}
            assert stays <= set(found)
            assert all(found[path].facts for path in stays)
    finally:
        is_over.set()
        thread.join()
    assert {file.path for file in make().scan()} == stays


# The index, and scans beside each other


def test_a_second_scan_opens_nothing_and_starts_no_process(paths: Paths, tmp_path: Path, folder: Path) -> None:
    for number in range(5):
        model(folder / f"{number}.gguf")
    write_gguf(folder / "short.gguf", {"general.architecture": "llama"}, TENSORS, truncate_to=20_000)
    first = ModelLibrary(paths, tmp_path / "user")
    assert all(file.facts is None for file in first.known())
    found = first.scan()
    assert sum(file.facts is not None for file in found) == 5
    for library in (first, ModelLibrary(paths, tmp_path / "user", command=["/no/such/program"])):
        assert library.scan() == library.known() == found


def test_a_file_that_changed_is_read_anew(make: Make, folder: Path) -> None:
    path = model(folder / "a.gguf", "before", 64)
    before = make().scan()[0].facts
    model(path, "beyond", 64)  # as long as it was
    after = make().scan()[0].facts
    assert before is not None
    assert after is not None
    assert (before.name, after.name) == ("before", "beyond")


def test_it_tells_how_far_it_is(make: Make, folder: Path) -> None:
    for number in range(300):
        model(folder / f"{number}.gguf")
    told: list[tuple[float, int, int, int]] = []
    library = make()
    found = library.scan(lambda files, done, total: told.append((time.monotonic(), len(files), done, total)))
    assert len(found) == 300
    assert told
    assert all((files, total) == (300, 300) and 0 < done <= 300 for _, files, done, total in told)
    assert [done for _, _, done, _ in told] == sorted(done for _, _, done, _ in told)
    assert all(later[0] - earlier[0] >= 0.2 for earlier, later in itertools.pairwise(told))
    told.clear()
    library.scan(lambda files, done, total: told.append((0.0, len(files), done, total)))
    assert told == []


def test_two_scans_at_once_read_each_header_once(paths: Paths, tmp_path: Path, folder: Path) -> None:
    """Each process that reads headers writes a line of its own."""
    for number in range(40):
        model(folder / f"{number}.gguf")
    log = tmp_path / "read.txt"
    script = (
        "import json, sys; from pathlib import Path\n"
        "from nodetool_xl_desktop.library.header_child import HELLO, answer\n"
        "sys.stdout.write(HELLO.decode()); sys.stdout.flush()\n"
        "for line in sys.stdin:\n"
        "    path = Path(json.loads(line))\n"
        f"    open({str(log)!r}, 'a').write(path.name + chr(10))\n"
        "    print(json.dumps(answer(path)), flush=True)\n"
    )
    library = ModelLibrary(paths, tmp_path / "user", command=[sys.executable, "-c", script])
    found: list[list[ModelFile]] = []
    threads = [threading.Thread(target=lambda: found.append(library.scan())) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found[0] == found[1] == found[2]
    assert all(file.facts for file in found[0])
    assert sorted(log.read_text().split()) == sorted(f"{number}.gguf" for number in range(40))


def test_two_programs_scan_at_once(paths: Paths, tmp_path: Path, folder: Path) -> None:
    for number in range(120):
        model(folder / f"{number}.gguf")
    script = (
        "import sys; from pathlib import Path\n"
        "from nodetool_xl_desktop.core.paths import Paths\n"
        "from nodetool_xl_desktop.library.models import ModelLibrary\n"
        "library = ModelLibrary(Paths.below(Path(sys.argv[1])), Path(sys.argv[2]))\n"
        "print(sum(file.facts is not None for file in library.scan()))\n"
    )
    command = [sys.executable, "-c", script, str(paths.data.parent), str(tmp_path / "user")]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert [each.communicate(timeout=60)[0] for each in both] == ["120\n", "120\n"]
    known = ModelLibrary(paths, tmp_path / "user").known()
    assert sum(file.facts is not None for file in known) == 120


def test_what_was_read_before_the_program_was_killed_is_not_read_again(
    paths: Paths, tmp_path: Path, folder: Path
) -> None:
    for number in range(400):
        model(folder / f"{number}.gguf")
    script = (
        "import sys; from pathlib import Path\n"
        "from nodetool_xl_desktop.core.paths import Paths\n"
        "from nodetool_xl_desktop.library.models import ModelLibrary\n"
        "ModelLibrary(Paths.below(Path(sys.argv[1])), Path(sys.argv[2])).scan(lambda f, d, t: print(d, flush=1))"
    )
    command = [sys.executable, "-c", script, str(paths.data.parent), str(tmp_path / "user")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.readline()
        process.send_signal(signal.SIGKILL)
    known = sum(file.facts is not None for file in ModelLibrary(paths, tmp_path / "user").known())
    assert 0 < known <= 400
    assert all(file.facts for file in ModelLibrary(paths, tmp_path / "user").scan())


def test_it_stops_when_it_is_told_to(make: Make, folder: Path) -> None:
    for number in range(200):
        model(folder / f"{number}.gguf")
    library = make()
    told: list[int] = []

    def on_found(files: list[ModelFile], done: int, total: int) -> None:
        told.append(done)

    found = library.scan(on_found, lambda: bool(told))
    assert len(found) == 200
    assert 0 < sum(file.facts is not None for file in found) < 200
    assert processes.children() == []


def test_closing_ends_a_scan_and_its_process(make: Make, folder: Path) -> None:
    for number in range(2000):
        model(folder / f"{number}.gguf")
    library = make()
    begun = threading.Event()
    thread = threading.Thread(target=lambda: library.scan(lambda files, done, total: begun.set()))
    thread.start()
    assert begun.wait(20)
    started = time.monotonic()
    library.close()
    assert time.monotonic() - started < 1.5
    thread.join(5)
    assert processes.children() == []
