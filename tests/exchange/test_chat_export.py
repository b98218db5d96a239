"""Chats as files: ours comes back as it was; those of other programs come in."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import struct
import zipfile
from collections.abc import Iterator
from copy import deepcopy
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nodetool_xl_desktop.chat.toolbox import Toolbox
from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.network import OffLine
from nodetool_xl_desktop.engine.events import Failed, TextDelta
from nodetool_xl_desktop.exchange import export, export_files, export_html, export_markup, imports, transfer
from nodetool_xl_desktop.exchange.export_files import AlreadyThere
from nodetool_xl_desktop.exchange.imports_found import Skipped
from nodetool_xl_desktop.exchange.imports_json import JsonReader
from nodetool_xl_desktop.exchange.imports_run import Imported
from nodetool_xl_desktop.exchange.progress import Progress
from nodetool_xl_desktop.store.errors import StoreError, StoreFault
from nodetool_xl_desktop.store.parts import Attachment, Other, Part, Reasoning, Text, ToolAnswer, ToolUse
from nodetool_xl_desktop.store.presets import Preset, Scope
from nodetool_xl_desktop.store.records import About, Chat, Message, ModelIdentity, State, TitledBy, new_id
from nodetool_xl_desktop.store.store import Store
from nodetool_xl_desktop.tools.built_in import BuiltIn

PNG = b"\x89PNG\r\n\x1a\nnot really"
QWEN = About(model=ModelIdentity("qwen3-4b", "Qwen3 4B"), sampling={"temperature": 0.7}, more={"from tomorrow": [1]})


async def rich_store(folder: Path) -> tuple[Store, str]:
    """A store with a chat that has everything; returns its id."""
    store = await Store.open(folder)
    work = await store.list.add_folder("Work")
    chat = await store.list.new("Towers <b>& co</b>", (await store.list.add_folder("Client", work.id)).id)
    await store.list.tag(chat.id, ["sea", "stone"])
    await store.list.pin([chat.id])
    picture = await store.files.add_data(PNG, "tower.png", "image/png")
    unknown = Other({"type": "of tomorrow", "depth": {"a": [1, None]}})
    question, answer = await store.begin_turn(chat.id, None, [Text("What is <this>?"), picture, unknown], QWEN)
    answer.add(TextDelta("A **tower**:\n\n```html\n<script>alert(1)</script>\n```\n\nThat is all."))
    await answer.close(State.COMPLETE)
    again = await store.begin_answer(chat.id, question.id, QWEN)
    again.add(Failed(UserFacingError("It broke", "too hot", "Wait.")))
    await again.close()
    said: tuple[Part, ...] = (Reasoning("hm"), ToolUse("c", "look", "{}"), ToolAnswer("c", "look", "a `tower`"))
    edited = await store.add_version(chat.id, question.id, [*said, Text("Well?")])
    gone, _ = await store.begin_turn(chat.id, edited.id, [Text("deleted")], QWEN)
    await store.delete(chat.id, gone.id)
    await store.switch(chat.id, answer.id)
    await store.presets.keep(Preset(Scope.NAMED, name="Pirate", system_prompt="Arr.", sampling={"seed": 1}))
    return store, chat.id


async def test_a_chat_from_a_file_switches_no_tool_on(tmp_path: Path) -> None:
    # What is allowed always would else run in it unasked, at the word of whoever wrote the file.
    store, chat = await rich_store(tmp_path / "one")
    await store.list.keep_more(chat, "tools", {"on": ["/run_python", "shop/shop__buy"]})
    await store.list.keep_more(chat, "mark", [1])
    await transfer.export_json(store, file := tmp_path / "all.json")
    other = await Store.open(tmp_path / "two")
    await transfer.import_file(other, file)
    assert (await other.list.chat(chat)).more == {"mark": [1]}
    toolbox = Toolbox([BuiltIn(OffLine())], tmp_path / "permissions.json")
    toolbox.use(other.list)
    assert not await toolbox.has_on(chat)
    await store.close()
    await other.close()


async def test_our_json_gives_everything_back(tmp_path: Path) -> None:
    store, chat = await rich_store(tmp_path / "one")
    file = tmp_path / "all.json"
    assert await transfer.export_json(store, file) == 1
    other = await Store.open(tmp_path / "two")
    assert await transfer.import_file(other, file) == Imported("this program", (chat,))
    ours, theirs = [await each.read(lambda c: transfer.record(c, chat)) for each in (store, other)]
    assert export.as_json(ours) == export.as_json(theirs)
    assert len(ours.messages) == 4
    assert [list(record.tree) for record in (ours, theirs)] == [list(ours.tree)] * 2
    assert await other.files.read(next(iter(set_of_files(ours.messages)))) == PNG
    assert [preset.name for preset in await other.presets.every()] == ["Pirate"]
    again = await transfer.import_file(other, file)
    assert again.chats != (chat,), "the same chat comes in as a second one"
    assert len((await other.list.page()).chats) == 2
    copy = await other.read(lambda c: transfer.record(c, again.chats[0]))
    assert copy.folder == ("Work", "Client")
    assert len(await other.list.folders()) == 2
    await store.close()
    await other.close()


def set_of_files(messages: tuple[Message, ...]) -> set[str]:
    return {part.sha256 for message in messages for part in message.parts if isinstance(part, Attachment)}


async def test_markdown_and_html_show_what_is_shown(tmp_path: Path) -> None:
    store, _ = await rich_store(tmp_path / "one")
    (markdown,) = await transfer.export_pages(store, tmp_path / "out", transfer.Kind.MARKDOWN)
    text = markdown.read_text(encoding="utf-8")
    assert text.startswith("# Towers <b>& co</b>\n")
    assert "## You\n\nWhat is <this>?\n\n*Attached: tower.png (image/png)*\n\n## Qwen3 4B\n\nA **tower**" in text
    assert "deleted" not in text
    (page,) = await transfer.export_pages(store, tmp_path / "out", transfer.Kind.HTML)
    html = page.read_text(encoding="utf-8")
    assert page.name == "Towers b & co b.html".replace("& ", "")
    assert "<h1>Towers &lt;b&gt;&amp; co&lt;/b&gt;</h1>" in html
    assert "<pre><code>&lt;script&gt;alert(1)&lt;/script&gt;</code></pre>" in html
    assert "<p>A <strong>tower</strong>:</p>" in html
    assert "2 messages of other versions left out" in html
    assert "2 messages of other versions left out" in text
    assert "<script" not in html
    assert 'src="data:image/png;base64,' in html
    (second,) = await transfer.export_pages(store, tmp_path / "out", transfer.Kind.HTML)
    assert second != page
    await store.close()


def test_a_page_says_what_the_window_shows() -> None:
    """It is read as the window reads it: tasks, footnotes, formulas, and no picture from elsewhere."""
    text = (
        "# T[^1]\n\n- [x] done\n- [ ] not **yet**\n\n"
        "![a tower](https://a.b/t.png) ![x](data:image/svg+xml,y) $x_1*2*y$\n\n"
        "> ```\n> quoted\n> ```\n\n```py\ncode <b>\n```\n\n| a |\n|:-:|\n| <i> |\n\n[^1]: Said *elsewhere*.\n"
    )
    before, code, after = export_markup.blocks(text)
    assert code == export_markup.Code("code <b>", "py")
    assert isinstance(before, export_markup.Prose)
    assert isinstance(after, export_markup.Prose)
    assert "<h1>T<sup>1</sup></h1>" in before.html
    assert "<li>☑ done" in before.html
    assert "☐ not <strong>yet</strong>" in before.html
    assert '<a href="https://a.b/t.png">a tower</a>' in before.html
    assert "$x_1*2*y$" in before.html
    assert "<img" not in before.html
    assert "<blockquote>\n<pre><code>quoted\n</code></pre>" in before.html
    assert '<td align="center">&lt;i&gt;</td>' in after.html
    assert "[1] Said <em>elsewhere</em>." in after.html
    assert list(export_markup.blocks("")) == []


def test_parts_as_markdown_and_html() -> None:
    message = Message(
        "m",
        None,
        "assistant",
        (Reasoning("one\n\ntwo"), ToolUse("c", "run", "```"), ToolAnswer("c", "run", "", "no"), Text("done")),
        State.CUT,
    )
    record = export.Record(Chat("c", "", TitledBy.NOBODY, 0, 0, leaf="m"), (message,))
    assert export.markdown(record).partition("## Assistant")[2] == (
        "\n\n> one\n>\n> two\n\n**run** called"
        "\n\n````json\n```\n````\n\n**run** failed\n\n```\nno\n```\n\ndone\n\n*(cut)*\n"
    )
    html = export_html.to_html(record)
    assert "<details>" in html
    assert "(cut)" in html


def test_what_became_of_calls_is_said_on_pages() -> None:
    said = (
        *(ToolUse("1", "add", '{"a": 1}', edited='{"a": 7}'), ToolAnswer("1", "add", "8", ms=3)),
        *(ToolUse("2", "send", "{}"), ToolAnswer("2", "send", "", "This call was not allowed: no", denied=True)),
        ToolUse("3", "look", "", "look(", "it was cut"),
    )
    message = Message("m", None, "assistant", said, State.INTERRUPTED)
    record = export.Record(Chat("c", "", TitledBy.NOBODY, 0, 0, leaf="m"), (message,))
    for page in (export.markdown(record), unescape(export_html.to_html(record))):
        words = " ".join(page.replace("*", "").split())
        assert "add called, with arguments that the person changed" in words
        assert '{"a": 7}' in words
        assert '{"a": 1}' not in words  # nobody was asked that
        assert "send was not allowed" in words
        assert "This call was not allowed: no" in words
        assert "look(" in words


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"[]", id="an empty list"),
        pytest.param(b'{"messages": []}', id="another program's"),
        pytest.param(b"[" * 100_000, id="deep"),
        pytest.param(b"PK\x03\x04 not an archive", id="a broken archive"),
        pytest.param(b"\xf5\xd5\x53\xcc\x00\x00", id="a cut GPT4All"),
        pytest.param(b'{"format": "nodetool-xl-desktop chats", "version": 99, "chats": []}', id="a later version"),
        pytest.param(b'{"format": "nodetool-xl-desktop chats", "version": "1", "chats": []}', id="a broken version"),
        pytest.param(b'{"format": "nodetool-xl-desktop chats", "version": 1, "chats": 5}', id="a broken one"),
        pytest.param(b'{"format": "nodetool-xl-desktop chats", "version": 1, "chats": [', id="cut off"),
        pytest.param(b'"a text"', id="a text"),
        pytest.param(b"\xff\xfe\xff", id="half a letter"),
    ],
)
async def test_what_cannot_be_imported_says_so(tmp_path: Path, content: bytes) -> None:
    store = await Store.open(tmp_path / "chats")
    file = tmp_path / "file.json"
    file.write_bytes(content)
    with pytest.raises(StoreError) as caught:
        await transfer.import_file(store, file)
    assert caught.value.fault is StoreFault.FOREIGN
    assert "file.json" in caught.value.what
    assert not (await store.list.page()).chats
    await store.close()


def our_chat(name: str, text: str = "Hello", **changed: Any) -> dict[str, Any]:
    said = {
        "id": f"{name}-1",
        "parent": None,
        "role": "user",
        "created_ms": 5,
        "parts": [{"type": "text", "text": text}],
    }
    chat = {"id": name, "title": name, "created_ms": 5, "touched_ms": 6, "leaf": said["id"], "messages": [said]}
    return chat | changed


def ours(*chats: Any, **more: Any) -> dict[str, Any]:
    return {"format": export.FORMAT, "version": 1, "chats": list(chats), **more}


async def imported(store: Store, folder: Path, said: Any, **how: Any) -> Imported:
    file = folder / "given.json"
    file.write_text(json.dumps(said), encoding="utf-8")
    return await transfer.import_file(store, file, **how)


HOSTILE = {
    "it is nested too deeply": our_chat("a", more={"a": json.loads("[" * 300 + "]" * 300)}),
    "a time in it is none": our_chat("a", created_ms=-1),
    "it is not built as its program builds it": our_chat("a", messages=7),
    "its folder or its tags are no list": our_chat("a", folder="Work"),
    "its folders are nested too deeply": our_chat("a", folder=["x"] * 50),
    "an id in it is not one": our_chat("a b"),
    "'later' is not a valid TitledBy": our_chat("a", titled_by="later"),
    "it has no 'role'": our_chat("a", messages=[{"id": "x"}]),
    "a number in it is too large": our_chat("a", more={"a": 2**64}),
    "a text in it is none": our_chat("a", messages=[{**our_chat("a")["messages"][0], "parts": [{"type": "text"}]}]),
    "a figure of an answer is no number": our_chat(
        "a", messages=[{**our_chat("a")["messages"][0], "about": {"usage": {"prompt_tokens": "5"}}}]
    ),
}


@pytest.mark.parametrize(("why", "chat"), list(HOSTILE.items()), ids=list(HOSTILE))
async def test_a_chat_that_cannot_come_in_is_named_with_its_reason(tmp_path: Path, why: str, chat: Any) -> None:
    store = await Store.open(tmp_path / "chats")
    found = await imported(store, tmp_path, ours(chat, our_chat("good")))
    assert found == Imported(
        "this program", ("good",), (Skipped("a b" if why == "an id in it is not one" else "a", why),)
    )
    assert (await store.open_chat("good")).shown[0].text == "Hello"
    await store.close()


async def test_what_breaks_off_says_so_and_what_came_before_is_in(tmp_path: Path) -> None:
    store = await Store.open(tmp_path / "chats")
    file = tmp_path / "cut.json"
    file.write_text(json.dumps(ours(our_chat("a"), our_chat("b")))[:-40], encoding="utf-8")
    found = await transfer.import_file(store, file)
    assert found.chats == ("a",)
    assert "breaks off" in found.problem
    await store.close()


async def test_what_is_here_already_does_not_come_twice(tmp_path: Path) -> None:
    store = await Store.open(tmp_path / "chats")

    async def again(*chats: Any) -> Imported:
        return await imported(store, tmp_path, ours(*chats), skip_known=True)

    longer = our_chat("a")
    longer["messages"] = [*longer["messages"], {**longer["messages"][0], "id": "a-2", "parent": "a-1"}]
    assert (await again(our_chat("a"), our_chat("a"))).known == ("a",), "the second time in the same file"
    (copy,) = (await again(longer)).chats
    assert copy != "a", "it says more: it comes as a copy, and what was here is as it was"
    assert [len((await store.open_chat(each)).messages) for each in ("a", copy)] == [1, 2]
    assert (await again(longer, our_chat("a"))).known == ("a", "a"), "the copy is known, too"
    await store.switch("a", (await store.add_version("a", "a-1", [Text("edited")])).id)
    assert (await again(our_chat("a"))).known == ("a",), "there is more here than there was: nothing to add"
    await store.list.delete(["a"])
    (back,) = (await again(our_chat("a"))).chats
    assert (await store.open_chat(back)).shown[0].text == "Hello", "what lies in the trash is not here"
    await store.close()


async def test_foreign_chats_are_known_when_they_come_again(tmp_path: Path) -> None:
    store = await Store.open(tmp_path / "chats")
    gpt4all_chat = tmp_path / "gpt4all-abc.chat"
    gpt4all_chat.write_bytes(gpt4all(12))
    for name, said in (("conversations.json", [chatgpt()]), ("1.conversation.json", lm_studio())):
        (tmp_path / name).write_text(json.dumps(said), encoding="utf-8")
        first, second = [await transfer.import_file(store, tmp_path / name, skip_known=True) for _ in range(2)]
        assert (len(first.chats), first.known) == (1, ())
        assert (second.chats, second.known) == ((), ("Towers",))
    first, second = [await transfer.import_file(store, gpt4all_chat, skip_known=True) for _ in range(2)]
    assert (len(first.chats), second.known) == (1, ("Towers",))
    await store.close()


async def test_a_preset_of_ours_is_not_replaced(tmp_path: Path) -> None:
    store = await Store.open(tmp_path / "chats")
    mine = await store.presets.keep(Preset(Scope.NAMED, name="Pirate", system_prompt="Arr."))
    theirs = {"scope": "named", "name": "Pirate", "system_prompt": "Ahoy.", "sampling": {}}
    of_chat = {"scope": "chat", "subject": "a", "system_prompt": "Be a.", "sampling": {}}
    found = await imported(store, tmp_path, ours(our_chat("a"), presets=[theirs, of_chat]))
    assert found.skipped == (Skipped("the preset Pirate", "there is another one in its place, which was kept"),)
    assert sorted(each.system_prompt or "" for each in await store.presets.every()) == ["Arr.", "Be a."]
    assert mine.system_prompt == "Arr."
    await store.close()


async def test_a_file_that_is_not_what_its_name_says_is_left_out(tmp_path: Path) -> None:
    store = await Store.open(tmp_path / "chats")
    found = await imported(store, tmp_path, ours(our_chat("a"), files={"ab" * 32: "QUJD", "x": 5}))
    assert found.skipped == (
        Skipped("the file abababababab", "it is not what its name says"),
        Skipped("the file x", "it is not built as its program builds it"),
    )
    await store.close()


async def test_an_import_that_is_cancelled_ends_soon_and_keeps_what_came(tmp_path: Path) -> None:
    store = await Store.open(tmp_path / "chats")
    told: list[float] = []

    def tell(done: float, of: float) -> None:
        told.append(done)
        progress.cancel()

    progress = Progress(tell)
    many = ours(*(our_chat(f"chat-{number}", "word " * 2000) for number in range(3000)))
    found = await imported(store, tmp_path, many, progress=progress)
    assert told
    assert 0 < len(found.chats) < 3000
    assert len(await transfer.ids_of_all(store)) == len(found.chats)
    await store.close()


async def test_an_export_that_is_cancelled_leaves_no_file(tmp_path: Path) -> None:
    store = await Store.open(tmp_path / "chats")
    await imported(store, tmp_path, ours(*(our_chat(f"chat-{number}") for number in range(50))))
    progress = Progress(lambda done, of: progress.cancel())
    progress.cancel()
    out = tmp_path / "out"
    assert await transfer.export_json(store, out / "all.json", progress=progress) == 0
    assert await asyncio.to_thread(lambda: list(out.iterdir())) == []
    assert await transfer.export_pages(store, out, transfer.Kind.HTML, progress=progress) == []
    heard: list[tuple[float, float]] = []
    pages = await transfer.export_pages(
        store, out, transfer.Kind.HTML, progress=Progress(lambda done, of: heard.append((done, of)))
    )
    assert len(pages) == len(set(pages)) == 50
    assert heard[-1] == (50, 50)
    await store.close()


async def test_no_file_is_replaced_unasked(tmp_path: Path) -> None:
    store = await Store.open(tmp_path / "chats")
    await imported(store, tmp_path, ours(our_chat("a")))
    file = tmp_path / "mine.md"
    file.write_text("mine")
    for attempt in (
        transfer.export_page(store, file, transfer.Kind.MARKDOWN, "a", replace=False),
        transfer.export_json(store, file, replace=False),
        transfer.keep_file(file, b"%PDF"),
    ):
        with pytest.raises(AlreadyThere) as caught:
            await attempt
        assert caught.value.what == "mine.md is there already"
    assert file.read_text() == "mine"
    await transfer.export_page(store, file, transfer.Kind.MARKDOWN, "a", replace=True)
    assert file.read_text().startswith("# a\n")
    with pytest.raises(StoreError, match="could not be written"):
        await transfer.export_json(store, file / "below" / "a.json")
    assert sorted(each.name for each in await asyncio.to_thread(lambda: list(tmp_path.iterdir()))) == [
        "chats",
        "given.json",
        "mine.md",
    ]
    await store.close()


# What Hypothesis thinks of

SIMPLE = st.none() | st.booleans() | st.integers(-(2**63) + 1, 2**63 - 1) | st.text(max_size=8)
VALUES = st.recursive(
    SIMPLE | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


class Trickle(io.BytesIO):
    """A stream that gives a few bytes at a time."""

    def __init__(self, data: bytes, most: int) -> None:
        super().__init__(data)
        self.most = most

    def read(self, size: int | None = -1) -> bytes:
        return super().read(self.most)


@given(st.lists(VALUES, max_size=5), st.integers(1, 7), st.sampled_from([None, 1]), st.booleans())
def test_json_is_read_alike_however_it_comes(values: Any, most: int, indent: int | None, ascii_only: bool) -> None:
    text = json.dumps({"a": values, "b": 1}, indent=indent, ensure_ascii=ascii_only)
    data = text.encode("utf-8", "surrogatepass")
    try:
        data.decode()
    except UnicodeDecodeError:
        return  # half of a pair, which no file of UTF-8 can hold
    reader = JsonReader(Trickle(data, most))
    found = {
        name: [reader.value() for _ in reader.items()] if name == "a" else reader.value() for name in reader.members()
    }
    assert found == {"a": values, "b": 1}
    assert reader.peek() == ""


@given(VALUES, st.integers(0, 60), st.integers(1, 7))
def test_json_that_breaks_off_is_told(value: Any, at: int, most: int) -> None:
    whole = json.dumps([value])
    cut = whole[: min(at, len(whole) - 1)]
    reader = JsonReader(Trickle(cut.encode(), most))
    with pytest.raises(ValueError):  # noqa: PT011 - of any wording
        [reader.value() for _ in reader.items()]


TEXTS = st.text(max_size=20)
PARTS = st.one_of(
    st.builds(Text, TEXTS),
    st.builds(Reasoning, TEXTS, st.integers(0, 9), st.integers(0, 9)),
    st.builds(ToolUse, TEXTS, TEXTS, TEXTS, edited=TEXTS),
    st.builds(ToolAnswer, TEXTS, TEXTS, TEXTS, TEXTS, denied=st.booleans(), ms=st.integers(0, 9)),
    st.builds(
        Attachment,
        st.binary(max_size=4).map(lambda data: hashlib.sha256(data).hexdigest()),
        TEXTS,
        TEXTS,
        st.integers(0, 9),
    ),
    st.builds(Other, st.fixed_dictionaries({"type": st.just("of tomorrow"), "value": VALUES})),
)


@st.composite
def records(draw: st.DrawFn) -> export.Record:
    made: list[Message] = []
    for _ in range(draw(st.integers(1, 6))):
        parent = draw(st.sampled_from([None, *(each.id for each in made)]))
        about = About(
            model=ModelIdentity(draw(st.text(min_size=1, max_size=9)), draw(TEXTS)),
            sampling={"temperature": 0.5},
            pieces=draw(st.integers(0, 9)),
        )
        kept = tuple(draw(st.lists(PARTS, max_size=3)))
        role = draw(st.sampled_from(["user", "assistant", "system", "tool"]))
        state = draw(st.sampled_from([State.COMPLETE, State.FAILED, State.STOPPED, State.CUT, State.INTERRUPTED]))
        made.append(Message(new_id(), parent, role, kept, state, draw(st.integers(1, 2**40)), about))
    title = " ".join(draw(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20)).split())
    leaf = draw(st.sampled_from(made)).id
    tags = tuple(sorted(set(draw(st.lists(st.text("abc", min_size=1, max_size=3), max_size=3)))))
    chat = Chat(
        new_id(), title, TitledBy.PERSON, 5, 6, draw(st.booleans()), draw(st.booleans()), None, tags, None, leaf
    )
    return export.Record(chat, tuple(made), tuple(draw(st.lists(st.text("xyz", min_size=1, max_size=3), max_size=2))))


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[asyncio.Runner, Store, Path]]:
    """A store for many examples."""
    folder = tmp_path_factory.mktemp("shared")
    with asyncio.Runner() as runner:
        store = runner.run(Store.open(folder / "chats"))
        yield runner, store, folder
        runner.run(store.close())


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(records(), min_size=1, max_size=3))
def test_whatever_is_exported_comes_back_as_it_was(
    shared: tuple[asyncio.Runner, Store, Path], given_records: Any
) -> None:
    runner, store, folder = shared
    file, second = folder / "one.json", folder / "two.json"
    with export_files.fresh_text(file) as stream:
        export.write_json(stream, given_records)
    found = runner.run(transfer.import_file(store, file))
    assert found == Imported("this program", tuple(each.chat.id for each in given_records))
    assert runner.run(transfer.export_json(store, second, found.chats)) == len(given_records)
    one, two = (json.loads(each.read_text(encoding="utf-8"))["chats"] for each in (file, second))
    assert one == two


def places(value: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield way
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, each in inner:
        yield from places(each, (*way, name))


NASTY = (
    st.sampled_from([-1, 2**70, 1e300, "", "\0", "\ud800", [], {}, [[]], None, True, "text", {"type": "text"}]) | VALUES
)


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(["ours", "chatgpt", "lm"]), st.data())
def test_whatever_is_wrong_in_a_file_the_store_can_work_with_what_came(
    shared: tuple[asyncio.Runner, Store, Path], kind: str, data: st.DataObject
) -> None:
    runner, store, folder = shared
    said: Any = {"ours": lambda: ours(our_chat("a")), "chatgpt": lambda: [chatgpt()], "lm": lm_studio}[kind]()
    if kind == "ours":
        said["chats"][0]["messages"][0]["about"] = {
            "usage": {"prompt_tokens": 1},
            "options": {},
            "error": {"what": "x"},
        }
    for _ in range(data.draw(st.integers(1, 3))):
        *way, last = data.draw(st.sampled_from([each for each in places(said) if each]))
        inner = said
        for step in way:
            inner = inner[step]
        inner[last] = deepcopy(data.draw(NASTY))  # or a list might come to lie in itself

    async def work() -> None:
        try:
            found = await imported(store, folder, said)
        except StoreError as error:
            if error.fault is StoreFault.FOREIGN:  # nothing of it could be read
                return
            raise
        for chat in found.chats:
            opened = await store.open_chat(chat)
            assert len(opened.shown) <= len(opened.messages)
            for page in (transfer.Kind.HTML, transfer.Kind.MARKDOWN):
                await transfer.export_page(store, folder / "page", page, chat)
            assert await transfer.export_json(store, folder / "again.json", [chat]) == 1
        await store.list.days()
        await store.list.delete(found.chats)

    runner.run(work())


# ChatGPT


def chatgpt_node(node: str, parent: str | None, role: str, content: Any, **message: Any) -> dict[str, Any]:
    content = {"content_type": "text", "parts": [content]} if isinstance(content, str) else content
    said = {"id": node, "author": {"role": role}, "create_time": 1_700_000_000.5, "content": content, **message}
    return {node: {"id": node, "message": said, "parent": parent, "children": []}}


def chatgpt() -> dict[str, Any]:
    hidden = {"metadata": {"is_visually_hidden_from_conversation": True}}
    thoughts = {"content_type": "thoughts", "thoughts": [{"summary": "Towers", "content": "I recall."}]}
    picture = {"content_type": "multimodal_text", "parts": [{"content_type": "image_asset_pointer"}, "What is it?"]}
    code = {"content_type": "code", "text": "print(6*7)"}
    output = {"content_type": "execution_output", "text": "42"}
    model = {"metadata": {"model_slug": "gpt-4o"}}
    mapping: dict[str, Any] = {"root": {"id": "root", "message": None, "parent": None, "children": []}}
    for node in (
        chatgpt_node("sys", "root", "system", "", **hidden),
        chatgpt_node("q", "sys", "user", picture),
        chatgpt_node("t", "q", "assistant", thoughts, **model),
        chatgpt_node("a1", "t", "assistant", "A tower.", **model),
        chatgpt_node("a2", "q", "assistant", "A lighthouse.", **model),
        chatgpt_node("q2", "a2", "user", "6*7?"),
        chatgpt_node("c", "q2", "assistant", code, recipient="python", **model),
        chatgpt_node("o", "c", "tool", output),
        chatgpt_node("a3", "o", "assistant", "42", **model),
    ):
        mapping |= node
    for node, held in mapping.items():
        if held["parent"]:
            mapping[held["parent"]]["children"].append(node)
    return {
        "title": "Towers",
        "create_time": 1_700_000_000.0,
        "update_time": 1_700_000_900.0,
        "mapping": mapping,
        "current_node": "a3",
        "conversation_id": "abc",
    }


async def test_what_was_said_aloud_to_chatgpt_is_kept_in_words(tmp_path: Path) -> None:
    voice = {"content_type": "real_time_user_audio_video_asset_pointer"}
    aloud = {
        "content_type": "multimodal_text",
        "parts": [{"content_type": "audio_transcription", "text": "Hi."}, voice],
    }
    said = chatgpt() | {"is_archived": True}
    said["mapping"]["q2"]["message"]["content"] = aloud
    store = await Store.open(tmp_path / "chats")
    opened = await store.open_chat((await imported(store, tmp_path, [said])).chats[0])
    assert opened.shown[2].parts == (Text("Hi."), Other({"type": "chatgpt", "content": voice}))
    assert opened.chat.archived
    await store.close()


@pytest.mark.parametrize("packed", [False, True])
async def test_chatgpt(tmp_path: Path, packed: bool) -> None:
    broken = {"title": "Broken", "mapping": {"a": {"message": {"author": None}, "parent": None, "children": []}}}
    file = tmp_path / "conversations.json"
    file.write_text(json.dumps([chatgpt(), broken]))
    if packed:
        with zipfile.ZipFile(tmp_path / "export.zip", "w") as archive:
            archive.write(file, "conversations.json")
        file = tmp_path / "export.zip"
    store = await Store.open(tmp_path / "chats")
    imported = await transfer.import_file(store, file)
    assert imported.source == "ChatGPT"
    assert imported.skipped == (Skipped("Broken", "it is not built as its program builds it"),)
    opened = await store.open_chat(imported.chats[0])
    assert opened.chat.title == "Towers"
    assert opened.chat.touched_ms == 1_700_000_900_000
    assert [message.parts for message in opened.shown] == [
        (Other({"type": "chatgpt", "content": {"content_type": "image_asset_pointer"}}), Text("What is it?")),
        (Text("A lighthouse."),),
        (Text("6*7?"),),
        (ToolUse("c", "python", "print(6*7)"),),
        (ToolAnswer("o", "tool", "42"),),
        (Text("42"),),
    ]
    question = opened.tree.path()[0]
    first, second = opened.tree.children(question)
    assert opened.messages[first].parts == (Reasoning("Towers\n\nI recall."),)
    assert opened.messages[opened.tree.children(first)[0]].text == "A tower."
    assert opened.messages[second].about.model == ModelIdentity("gpt-4o", "gpt-4o")
    assert opened.messages[second].created_ms == 1_700_000_000_500
    await store.close()


# LM Studio


def lm_studio() -> dict[str, Any]:
    def answer(text: str, *before: dict[str, Any]) -> dict[str, Any]:
        block = {"type": "contentBlock", "content": [{"type": "text", "text": text}]}
        info = {"genInfo": {"identifier": "qwen3-4b", "stats": {"stopReason": "eosFound", "tokensPerSecond": 7.6}}}
        debug = {"type": "debugInfoBlock", "debugInfo": "naming"}
        return {"type": "multiStep", "role": "assistant", "steps": [*before, {**block, **info}, debug]}

    thought = {"type": "text", "text": "Hm."}
    thinking = {"type": "contentBlock", "content": [thought], "style": {"type": "thinking", "ended": True}}
    user = {"type": "singleStep", "role": "user", "content": [{"type": "text", "text": "A tower?"}]}
    upload = {"type": "file", "fileIdentifier": "1 - x.png", "fileType": "image"}
    more = {"type": "singleStep", "role": "user", "content": [upload, {"type": "text", "text": "And this?"}]}
    return {
        "name": "Towers",
        "pinned": True,
        "createdAt": 1_774_506_311_562,
        "systemPrompt": "Be brief.",
        "userLastMessagedAt": 1_774_506_411_562,
        "assistantLastMessagedAt": 1_774_506_511_562,
        "tokenCount": 9,
        "messages": [
            {"versions": [user], "currentlySelected": 0},
            {"versions": [answer("No."), answer("Yes.", thinking)], "currentlySelected": 1},
            {"versions": [more], "currentlySelected": 0},
        ],
    }


async def test_lm_studio(tmp_path: Path) -> None:
    file = tmp_path / "1774506311562.conversation.json"
    file.write_text(json.dumps(lm_studio()))
    store = await Store.open(tmp_path / "chats")
    imported = await transfer.import_file(store, file)
    assert imported.source == "LM Studio"
    opened = await store.open_chat(imported.chats[0])
    assert (opened.chat.title, opened.chat.pinned, opened.chat.touched_ms) == ("Towers", True, 1_774_506_511_562)
    system, user, answer, more = opened.shown
    assert (system.role, system.text) == ("system", "Be brief.")
    assert user.text == "A tower?"
    assert answer.parts == (Reasoning("Hm."), Text("Yes."))
    assert answer.about.model == ModelIdentity("qwen3-4b", "qwen3-4b")
    assert answer.about.more["lm_studio"]["tokensPerSecond"] == 7.6
    assert more.parts[0] == Other({"type": "lm_studio_file", "fileIdentifier": "1 - x.png", "fileType": "image"})
    versions = opened.tree.versions(answer.id)
    assert [opened.messages[each].text for each in versions.ids] == ["No.", "Yes."]
    assert versions.index == 1
    await store.close()


# GPT4All


def qt_text(text: str) -> bytes:
    data = text.encode("utf-16-be")
    return struct.pack(">I", len(data)) + data


def gpt4all(version: int, *, thinks: bool = False) -> bytes:
    """A file as chatlistmodel.cpp, chat.cpp, chatllm.cpp and chatmodel.cpp of that version write it."""

    def item(name: str, value: str, *, source: bool = False, attached: bool = False) -> bytes:
        data = b"" if version >= 12 else struct.pack(">i", 0)
        data += qt_text(name) + qt_text(value)
        data += qt_text("") if version < 10 else b""
        data += qt_text("") + bytes([0, int(name == "Response: "), 0, 0])
        data += bytes([0]) if version >= 11 and name == "Response: " else b""
        data += struct.pack(">q", int(source))
        data += b"".join(qt_text(word) for word in "abcdefg") + struct.pack(">iii", 1, 2, 3) if source else b""
        if version >= 10:
            data += struct.pack(">q", int(attached))
            if attached:
                url, content = b"file:///home/me/notes.txt", b"the notes"
                data += struct.pack(">I", len(url)) + url + struct.pack(">I", len(content)) + content
        if version >= 12:
            data += struct.pack(">q", int(thinks))
        return data

    items = [
        item("System: ", "Be brief.") if version >= 11 else b"",
        item("Prompt: ", "A tower? \N{GRINNING FACE}", source=version >= 11, attached=version >= 10),
        item("Response: ", "Yes.", source=version < 11),
    ]
    data = imports.imports_gpt4all.MAGIC + struct.pack(">iq", version, 1_700_000_000)
    data += qt_text("some id") + qt_text("Towers") + struct.pack(">I", 0xFFFFFFFF) + qt_text("llama.gguf")
    data += struct.pack(">I", 1) + qt_text("my documents")
    if version < 11:
        state = struct.pack(">II", 7, 2048) + (struct.pack(">q", 2) + bytes(8) if version < 9 else b"")
        state += struct.pack(">q", 3) + bytes(12) + struct.pack(">I", 4) + b"zlib"
        data += b"\x01" + struct.pack(">ii", 1, 0) + qt_text("r") + qt_text("n") + struct.pack(">I", 9) + state
    return data + struct.pack(">i", sum(map(bool, items))) + b"".join(items)


@pytest.mark.parametrize("version", range(8, 13))
async def test_gpt4all(tmp_path: Path, version: int) -> None:
    file = tmp_path / "gpt4all-abc.chat"
    file.write_bytes(gpt4all(version))
    store = await Store.open(tmp_path / "chats")
    imported = await transfer.import_file(store, file)
    assert imported.source == "GPT4All"
    opened = await store.open_chat(imported.chats[0])
    assert (opened.chat.title, opened.chat.created_ms) == ("Towers", 1_700_000_000_000)
    *_, question, answer = opened.shown
    assert question.parts[0] == Text("A tower? \N{GRINNING FACE}")
    assert question.parts[1:] == ((Text("notes.txt:\n\nthe notes"),) if version >= 10 else ())
    assert (answer.text, answer.state) == ("Yes.", State.STOPPED)
    assert answer.about.model == ModelIdentity("llama.gguf", "llama.gguf")
    assert len(opened.shown) == (3 if version >= 11 else 2)
    await store.close()


@pytest.mark.parametrize("data", [gpt4all(7), gpt4all(12, thinks=True), gpt4all(11)[:-3], gpt4all(10) + b"more"])
def test_a_gpt4all_that_is_not_known_for_sure_is_refused(tmp_path: Path, data: bytes) -> None:
    file = tmp_path / "gpt4all-abc.chat"
    file.write_bytes(data)
    with pytest.raises(StoreError) as caught, imports.opened(file):
        pass
    assert caught.value.fault is StoreFault.FOREIGN
