"""Chats as files: ours comes back as it was; those of other programs come in."""

from __future__ import annotations

import json
import struct
import zipfile
from pathlib import Path
from typing import Any

import pytest

from nodetool_xl_desktop.chat import export, export_html, imports, transfer
from nodetool_xl_desktop.chat.parts import Attachment, Other, Part, Reasoning, Text, ToolAnswer, ToolUse
from nodetool_xl_desktop.chat.presets import Preset, Scope
from nodetool_xl_desktop.chat.records import About, Message, ModelIdentity, State
from nodetool_xl_desktop.chat.store import Store
from nodetool_xl_desktop.chat.store_errors import StoreError, StoreFault
from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.engine.events import Failed, TextDelta

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


async def test_our_json_gives_everything_back(tmp_path: Path) -> None:
    store, chat = await rich_store(tmp_path / "one")
    file = tmp_path / "all.json"
    assert await transfer.export_json(store, file) == 1
    other = await Store.open(tmp_path / "two")
    assert await transfer.import_file(other, file) == transfer.Imported("this program", (chat,), ())
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
    assert "<script" not in html
    assert 'src="data:image/png;base64,' in html
    (second,) = await transfer.export_pages(store, tmp_path / "out", transfer.Kind.HTML)
    assert second != page
    await store.close()


def test_parts_as_markdown_and_html() -> None:
    message = Message(
        "m",
        None,
        "assistant",
        (Reasoning("one\n\ntwo"), ToolUse("c", "run", "```"), ToolAnswer("c", "run", "", "no"), Text("done")),
        State.CUT,
    )
    assert export.message_markdown(message) == (
        "> one\n>\n> two\n\n**run**\n\n````json\n```\n````\n\n**run** failed\n\n```\nno\n```\n\ndone"
    )
    chat = imports.Chat("c", "", imports.TitledBy.NOBODY, 0, 0, leaf="m")
    html = export_html.to_html(export.Record(chat, (message,)))
    assert "<details>" in html
    assert "(cut)" in html


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
        pytest.param(b'{"format": "nodetool-xl-desktop chats", "version": 1, "chats": [{}]}', id="a broken one"),
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
    assert imported.skipped == ("Broken",)
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
    with pytest.raises(StoreError) as caught:
        imports.read(file)
    assert caught.value.fault is StoreFault.FOREIGN
