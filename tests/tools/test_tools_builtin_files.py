"""What a model reads of a person's files is what they gave, and nothing else, whatever name it writes."""

from __future__ import annotations

import os
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.network import OffLine
from nodetool_xl_desktop.tools import call
from nodetool_xl_desktop.tools.built_in import BuiltIn, by_name
from nodetool_xl_desktop.tools.folder import Folder
from nodetool_xl_desktop.tools.folder_tools import MOST_FOUND, MOST_LISTED, ListFolderTool, SearchFolderTool
from nodetool_xl_desktop.tools.read_file import MOST_CHARACTERS, ReadFileTool
from nodetool_xl_desktop.tools.source import Workspace

SECRET = "what nobody may read"
INSIDE = "a note of the folder"


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder `open` with links in and out, beside what is not to be read."""
    root = tmp_path_factory.mktemp("place")
    (root / "secret").write_text(SECRET)
    (root / "closed").mkdir()
    (root / "closed" / "secret").write_text(SECRET)
    (root / "open-not").mkdir()  # begins with the name of the folder
    (root / "open-not" / "secret").write_text(SECRET)
    folder = root / "open"
    (folder / "docs" / "deep").mkdir(parents=True)
    (folder / "note.txt").write_text(INSIDE)
    (folder / "docs" / "Plan.md").write_text(f"# Plan\n{INSIDE}\n")
    (folder / "docs" / "deep" / "x.py").write_text("def tide():\n    return 'high water'\n")
    (folder / "link-in").symlink_to(folder / "docs")
    (folder / "note-link").symlink_to("note.txt")
    (folder / "out").symlink_to(root / "closed")
    (folder / "out-file").symlink_to("../secret")
    (folder / "docs" / "up").symlink_to("../..")
    (folder / "nowhere").symlink_to(root / "gone")
    (folder / "circle").symlink_to("circle")
    os.mkfifo(folder / "pipe")
    (folder / "device").symlink_to("/dev/zero")
    return folder


def read(folder: Path | None, name: str, first_line: int = 1) -> str:
    told = ReadFileTool(folder, {})(name, first_line)
    assert isinstance(told, str)
    return told


@pytest.mark.parametrize("name", ["note.txt", "./note.txt", "NOTE.TXT", "open/note.txt", "note-link", "note.txt/"])
def test_a_file_is_found_as_a_model_writes_its_name(there: Path, name: str) -> None:
    assert read(there, name).startswith(INSIDE)


@pytest.mark.parametrize("name", ["docs/Plan.md", "docs//Plan.md", "Docs/plan.MD", "link-in/Plan.md"])
def test_a_file_below_is_found(there: Path, name: str) -> None:
    assert read(there, name).startswith(f"# Plan\n{INSIDE}\n")


@pytest.mark.parametrize(
    "name",
    [
        "../secret", "docs/../../secret", "..", "../open-not/secret", "out/secret", "out-file", "docs/up/secret",
        "docs/up/closed/secret", "/etc/passwd", "//etc/passwd", "~/.bashrc", "nowhere", "circle", "pipe", "device", "",
        "docs", ".", "note.txt/x", "no\0te", "\udcff\ud800", "a" * 5000, "/".join("a" * 3000), "con", "link-in",
    ],
)  # fmt: skip
async def test_nothing_else_is_read_and_nobody_waits(there: Path, name: str) -> None:
    began = time.perf_counter()
    result = await call(ReadFileTool(there, {}), {"name": name})
    assert result.error
    assert SECRET not in result.error
    assert len(result.error) < 500
    assert time.perf_counter() - began < 2


_PARTS = st.sampled_from(
    ["..", ".", "", "open", "docs", "deep", "out", "up", "link-in", "closed", "secret", "out-file", "note.txt",
     "Plan.md", "nowhere", "circle", "pipe", "device", "dev", "etc", "~", "\\", "..\\secret", "open-not"]
) | st.text(max_size=4)  # fmt: skip


@given(st.lists(_PARTS, max_size=7).map("/".join))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_no_name_leads_out(there: Path, name: str) -> None:
    folder = Folder(there)
    seen: list[str] = []
    for look in (
        lambda: seen.append(b"".join(folder.blocks(name, 10_000)).decode()),
        lambda: seen.extend(entry.name for entry in folder.entries(name)),
        lambda: seen.append(read(there, name)),
    ):
        try:
            look()
        except UserFacingError:
            continue
    assert all(SECRET not in each for each in seen)
    assert not {"secret", "open", "closed", "passwd"} & set(seen)


@given(st.text(max_size=30))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_text_is_searched_for(there: Path, text: str) -> None:
    try:
        told = SearchFolderTool(there)(text)
    except UserFacingError:
        assert not text.split()
        return
    assert SECRET not in told


def test_a_link_that_is_put_there_in_between_is_not_followed(there: Path, tmp_path: Path) -> None:
    """The name is looked at, then changed, then opened."""
    folder = tmp_path / "open"
    folder.mkdir()
    (folder / "a.txt").write_text(INSIDE * 100_000)
    blocks = Folder(folder).blocks("a.txt", 10_000_000)
    first = next(blocks)
    (folder / "a.txt").unlink()
    (folder / "a.txt").symlink_to(there.parent / "secret")
    assert SECRET.encode() not in b"".join([first, *blocks])
    with pytest.raises(UserFacingError, match="leads out"):
        next(Folder(folder).blocks("a.txt", 100))


def test_the_folder_may_go_away(tmp_path: Path) -> None:
    for tool in (
        ListFolderTool(tmp_path / "gone"),
        lambda: read(tmp_path / "gone", "x"),
        lambda: SearchFolderTool(tmp_path / "gone")("x"),
    ):
        with pytest.raises(UserFacingError, match="not there any more"):
            tool()


# Text


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"plain\r\nlines\r\n", "plain\nlines"),
        ("caf\xe9".encode(), "caf\xe9"),
        ("caf\xe9".encode("latin-1"), "caf\xe9"),
        ("\ufeffmark".encode(), "mark"),
        ("\ufeffwide \u0431".encode("utf-16-le"), "wide \u0431"),
        ("\ufeffwide".encode("utf-32-be"), "wide"),
        ("unmarked wide".encode("utf-16-le"), "unmarked wide"),
        (b"MZ is a name, too", "MZ is a name, too"),
        (b"\x1b[31mred\x1b[0m", "\x1b[31mred\x1b[0m"),
        (b"half \xe2\x82", "half \xe2\u201a"),
    ],
)
def test_text_is_read_in_its_encoding(tmp_path: Path, content: bytes, text: str) -> None:
    (tmp_path / "a").write_bytes(content)
    assert read(tmp_path, "a").rsplit("\n", 1)[0] == text


def test_the_first_letter_that_tells_the_encoding_may_come_late(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"ascii\n" * 4000 + b"caf\xe9")
    assert read(tmp_path, "a", 4001).startswith("caf\xe9\n")
    (tmp_path / "b").write_bytes(b"ascii\n" * 4000 + "caf\xe9".encode())
    assert read(tmp_path, "b", 4001).startswith("caf\xe9\n")


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"\x89PNG\r\n\x1a\n", "a picture (PNG)"),
        (b"%PDF-1.7", "a PDF document"),
        (b"PK\x03\x04", "an archive or an Office document"),
        (b"GGUF\x03\0\0\0", "a language model"),
        (b"\x7fELF\x02", "a program"),
        (bytes(1000), "bytes that are no text"),
        (b"\x01\x02\x03\x04", "bytes that are no text"),
    ],
)
def test_what_is_no_text_is_refused_with_what_it_is(tmp_path: Path, content: bytes, kind: str) -> None:
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(UserFacingError) as refused:
        read(tmp_path, "a")
    assert kind in str(refused.value)


def test_a_long_file_comes_in_parts_without_a_gap(tmp_path: Path) -> None:
    whole = [f"line {number} {'x' * (number % 90)}" for number in range(1, 3001)]
    (tmp_path / "a").write_text("\n".join(whole))
    got: list[str] = []
    first, parts = 1, 0
    while True:
        told = read(tmp_path, "a", first).split("\n")
        assert sum(map(len, told)) < MOST_CHARACTERS + 200
        got += told[:-1]
        parts += 1
        if told[-1].endswith("the end of the file)"):
            break
        first = int(told[-1].rpartition("=")[2].rstrip(")"))
    assert got == whole
    assert parts > 5
    with pytest.raises(UserFacingError, match="ends at line 3,000"):
        read(tmp_path, "a", 3001)


def test_lines_and_files_without_end_are_bounded(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("y" * 3_000_000 + "\nend")
    told = read(tmp_path, "a")
    assert len(told) < MOST_CHARACTERS + 500
    assert "y... (" in told
    with (tmp_path / "sparse").open("wb") as file:
        file.write(b"begin\n")
        file.seek(2**36)
        file.write(b"end")
    began = time.perf_counter()
    assert read(tmp_path, "a", 2)
    with pytest.raises(UserFacingError):
        read(tmp_path, "sparse", 3)
    assert time.perf_counter() - began < 5
    (tmp_path / "empty").touch()
    assert read(tmp_path, "empty") == "empty is empty."


# What was attached


def given_files(files: Mapping[str, bytes]) -> dict[str, Callable[[], Awaitable[bytes]]]:
    def reader(content: bytes) -> Callable[[], Awaitable[bytes]]:
        async def content_of() -> bytes:
            return content

        return content_of

    return {name: reader(content) for name, content in files.items()}


async def test_attached_files_are_read_by_name(there: Path) -> None:
    files = given_files({"Report.txt": b"one\ntwo", "photo.png": b"\x89PNG", "a\nb\u202e.txt": b"odd"})
    tool = ReadFileTool(None, files)
    for name in ("Report.txt", "report.TXT", "/mnt/data/Report.txt"):
        assert (await call(tool, {"name": name})).text == "one\ntwo\n(Report.txt, lines 1 to 2; the end of the file)"
    assert (await call(tool, {"name": "Report.txt", "first_line": 2})).text.startswith("two\n")
    assert "a picture (PNG)" in (await call(tool, {"name": "photo.png"})).error
    assert (await call(tool, {"name": "a\\nb\\u202e.txt"})).text.startswith("odd")
    missing = (await call(tool, {"name": "other"})).error
    assert missing == ("There is no file other: the attached files are Report.txt, photo.png, a\\nb\\u202e.txt.")
    assert "attached no file" in (await call(ReadFileTool(None, {}), {"name": "x"})).error
    both = ReadFileTool(there, files)
    assert (await call(both, {"name": "Report.txt"})).text.startswith("one")
    assert (await call(both, {"name": "note.txt"})).text.startswith(INSIDE)


# Looking around


def test_a_folder_is_listed_folders_first(there: Path) -> None:
    assert ListFolderTool(there)().split("\n") == [
        "docs/",
        "circle  (a link that is not followed)",
        "device  (a link that is not followed)",
        "link-in  (a link that is not followed)",
        "note-link  20 bytes",
        "note.txt  20 bytes",
        "nowhere  (a link that is not followed)",
        "out  (a link that is not followed)",
        "out-file  (a link that is not followed)",
        "pipe  (no file)",
    ]
    assert ListFolderTool(there)("docs").startswith("deep/\n")
    assert ListFolderTool(there)("link-in").startswith("deep/\n")
    with pytest.raises(UserFacingError, match=r"note.txt is no folder"):
        ListFolderTool(there)("note.txt")
    with pytest.raises(UserFacingError, match="leads out"):
        ListFolderTool(there)("out")


def test_names_are_shown_so_that_they_can_do_no_harm_and_are_found_by_that(tmp_path: Path) -> None:
    names = [b"a\nb.txt", b"\xff.txt", "\u202egnp.exe".encode(), "\u200bx".encode()]
    for name in names:
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)).write_text(INSIDE)
    told = ListFolderTool(tmp_path)().split("\n")
    shown = [line.rpartition("  ")[0] for line in told]
    assert sorted(shown) == sorted(["a\\nb.txt", "\\xff.txt", "\\u202egnp.exe", "\\u200bx"])
    for name in shown:
        assert read(tmp_path, name).startswith(INSIDE)
    "\n".join(told).encode()
    SearchFolderTool(tmp_path)("note").encode()


def test_a_large_folder_is_cut_and_says_so(tmp_path: Path) -> None:
    for number in range(MOST_LISTED + 50):
        (tmp_path / f"{number:04}.txt").touch()
    lines = ListFolderTool(tmp_path)().split("\n")
    assert len(lines) == MOST_LISTED + 1
    assert lines[-1] == "(and 50 more; search_folder finds files by name)"
    found = SearchFolderTool(tmp_path)("", "*.txt").split("\n")
    assert len(found) == MOST_FOUND + 2
    assert found[-1] == f"(and {MOST_LISTED + 50 - MOST_FOUND} more)"


def test_it_is_found_where_it_stands(there: Path) -> None:
    search = SearchFolderTool(there)
    assert search("HIGH water") == "Lines:\ndocs/deep/x.py:2: return 'high water'"
    assert search("plan").startswith("Files and folders:\ndocs/Plan.md\n\nLines:\ndocs/Plan.md:1: # Plan")
    assert search("note", "*.txt").startswith("Files and folders:\nnote.txt\n\nLines:\nnote.txt:1:")
    assert search("", "*.py") == "Files and folders:\ndocs/deep/x.py"
    assert search("nobody may read").startswith("Nothing was found for 'nobody may read'")
    with pytest.raises(UserFacingError, match="nothing to search for"):
        search("  ")


def test_noise_is_left_out_and_much_is_bounded(tmp_path: Path) -> None:
    for noise in (".git", "node_modules", "__pycache__"):
        (tmp_path / noise).mkdir()
        (tmp_path / noise / "a.txt").write_text("needle")
    assert SearchFolderTool(tmp_path)("needle").startswith("Nothing was found")
    for number in range(30):
        (tmp_path / f"{number}.txt").write_text("needle " * 200 + "\n" + "x needle\n" * 50)
    (tmp_path / "b.bin").write_bytes(b"needle\0" * 100)
    told = SearchFolderTool(tmp_path)("needle")
    assert told.count("\n") < MOST_FOUND + 10
    assert "only 60 lines are shown" in told
    assert "b.bin" not in told
    assert max(map(len, told.split("\n"))) < 300


# The source


async def test_a_chat_has_the_tools_that_have_something_to_work_on(there: Path) -> None:
    source = BuiltIn(OffLine())

    async def names(workspace: Workspace) -> list[str]:
        return [each.tool.name for each in await source.offered(workspace)]

    always = ["calculator", "clock", "fetch_page", "run_python"]
    assert await names(Workspace()) == always
    assert await names(Workspace(files=given_files({"a": b""}))) == [*always[:2], "read_file", *always[2:]]
    in_folder = ["read_file", "list_folder", "search_folder"]
    assert await names(Workspace(there)) == [*always[:2], *in_folder, *always[2:]]
    for each in await source.offered(Workspace(there)):
        assert each.source == ""
        assert each.title
        assert each.asks == (each.tool.name not in ("calculator", "clock"))
        assert each.reaches_out == (each.tool.name in ("fetch_page", "run_python"))
        assert each.starts_on == (each.tool.name != "run_python")
        assert len(str(each.tool.parameters)) + len(each.tool.description) < 700  # small models read it each time
    assert list(by_name()) == ["calculator", "clock"]


async def test_arguments_are_mended_as_for_any_tool(there: Path) -> None:
    assert (await call(ReadFileTool(there, {}), {"name": "docs/Plan.md", "first_line": "2"})).text.startswith(INSIDE)
    assert (await call(ListFolderTool(there), {"name": None})).text.startswith("docs/")
    assert (await call(SearchFolderTool(there), {"text": ""})).error.startswith("There is nothing to search for")


async def test_a_forced_call_has_an_end_and_names_a_file_that_is_there(there: Path) -> None:
    files = given_files({"a.txt": b"", "b\u202e.txt": b""})
    offered = await BuiltIn(OffLine()).offered(Workspace(files=files))
    forced = {each.tool.name: getattr(each.tool, "forced_parameters", {}) for each in offered}
    assert forced["read_file"]["properties"]["name"] == {"enum": ["a.txt", "b\\u202e.txt"]}
    assert forced["run_python"]["properties"]["code"]["maxLength"] == 1000
    assert ReadFileTool(there, files).forced_parameters == ReadFileTool.parameters
    for each in offered:
        for part in each.tool.parameters["properties"].values():
            assert "minLength" not in part  # the provider bounds a text that says nothing of its length
