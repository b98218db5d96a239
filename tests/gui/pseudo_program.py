"""The whole window in the language that is none: tells what it says in another one. Run by `test_translations.py`.

Every text that a person can read has to stand in the brackets of the pseudo-language, but for what comes from a file, a
model or a person, and for names that are the same in every language. What is walked: each page and section, each action
of the table with the dialog, menu or page that it opens, a model that is previewed and loaded, an answer of it, and the
places of `pseudo_places.py`.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path

LANGUAGE, FOLDER, MODEL, PICTURES = sys.argv[1:5]
os.environ.update(NTXL_LANGUAGE=LANGUAGE, QT_QPA_PLATFORM="offscreen", HOME=FOLDER)
os.environ.pop("HF_HUB_OFFLINE", None)  # the only hub that is asked is one of this machine
sys.path.insert(0, str(Path(__file__).parents[1]))

import pseudo_places
import scripted_worker
from hub_server import HubServer
from PySide6.QtCore import QAbstractItemModel, QAbstractTableModel, QModelIndex, QObject, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QAbstractItemView, QApplication, QComboBox, QTabBar, QWidget

from nodetool_xl_desktop import app
from nodetool_xl_desktop.core import settings
from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.core.settings_file import SettingsFile
from nodetool_xl_desktop.engine.pool import Pool
from nodetool_xl_desktop.library.settings import machine_key
from nodetool_xl_desktop.ui.tools.paste_page import EXAMPLE

#: What is the same in every language, or comes from elsewhere: names of formats, products, models, keys and tools.
SAME = (
    r"JSON|GGUF|Llama|Hugging Face|LM Studio|Ollama|Jan|GPT4All|MCP|CPU|GPU|tzdata|Python|SmolLM2|Instruct|llama"
    r"|instruct|Esc|Ctrl|Shift|Alt|Del|Enter|Return|Home|End|Space|PgUp|PgDown|Tab|Backspace|Up|Down|Left|Right|Menu|Meta"
    r"|HTML|PDF|\*\.\w+|Documents|files|xllamacpp|apache|Smollm2|Lc100K|Mix1|Ep2|npx|xx|rtl"
    r"|f16|f32|bf16|q8_0|q4_0|q4_1|q5_0|q5_1|iq4_nl|Deutsch|English|https?://\S+|hf_\.*|/\S+|[\w.-]+\.(?:gguf|json|toml|md)"
)
_SAME = re.compile(rf"(?<![A-Za-z])(?:{SAME})(?![A-Za-z])")
_LETTERS = re.compile(r"[^\W\d_]{2,}")
#: What is too long for its place ends in dots.
_INNERMOST = re.compile(r"\[[^\[\]]*(?:\]|…)")
_MARKUP = re.compile(r"<[^>]*>")
READ = (
    "text",
    "toolTip",
    "accessibleName",
    "accessibleDescription",
    "placeholderText",
    "title",
    "windowTitle",
    "prefix",
)
READ += ("suffix", "specialValueText")
#: These ask a person where, close the window, or need what is not there.
SKIPPED = {"file.close", "file.quit"}
#: Lists of what a file holds, and of models that a hub has.
ELSEWHERE = {"_LinesView", "ResultView", "QHeaderView"}
ROLES = (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole)

found: dict[tuple[str, str], str] = {}
from_elsewhere: set[str] = set()
looked_at: list[str] = []


def outside(text: str) -> str:
    """What of a text stands outside of the brackets, and says something."""
    text = _MARKUP.sub("", text)
    for given in from_elsewhere:
        text = text.replace(given, "")
    before = ""
    while before != text:
        before, text = text, _INNERMOST.sub("", text)
    return " ".join(_LETTERS.findall(_SAME.sub("", text)))


def texts(thing: QObject) -> Iterator[tuple[str, str]]:
    for name in READ:
        read = getattr(thing, name, None)
        if callable(read):
            try:
                said = read()
            except TypeError:  # another method of the same name
                continue
            if isinstance(said, str) and said:
                yield name, said
    if isinstance(thing, QComboBox):
        yield from (("item", thing.itemText(row)) for row in range(thing.count()))
    if isinstance(thing, QTabBar):
        yield from (("tab", thing.tabText(row)) for row in range(thing.count()))
    if isinstance(thing, QAbstractItemView) and type(thing).__name__ not in ELSEWHERE and thing.model() is not None:
        yield from items(thing.model())


def items(model: QAbstractItemModel) -> Iterator[tuple[str, str]]:
    columns = model.columnCount(QModelIndex()) if isinstance(model, QAbstractTableModel) else 1
    for column in range(columns if columns > 1 else 0):
        yield "header", str(model.headerData(column, Qt.Orientation.Horizontal) or "")
    for row in range(min(100, model.rowCount(QModelIndex()))):
        for column in range(columns):
            for role in ROLES:
                said = model.index(row, column).data(role)
                if isinstance(said, str):
                    yield f"row, {role.name}", said


def look(where: str) -> None:
    """Note what is said outside of the brackets now, in all windows."""
    for top in QApplication.topLevelWidgets():
        for thing in (top, *top.findChildren(QObject)):
            if not isinstance(thing, QWidget | QAction):
                continue
            for kind, said in texts(thing):
                looked_at.append(kind)
                if outside(said):
                    found.setdefault((kind, said[:200]), f"{where}: {type(thing).__name__}")


def picture(window: QWidget, name: str) -> None:
    if PICTURES != "-":
        window.grab().save(str(Path(PICTURES) / f"{LANGUAGE}-{name}.png"))


def close_what_opened(window: QWidget) -> None:
    while (popup := QApplication.activePopupWidget()) is not None:
        popup.close()
    for top in QApplication.topLevelWidgets():
        if top is not window and top.isVisible():
            top.close()


async def walk(hub: HubServer) -> None:
    paths = Paths.below(Path(FOLDER) / "program")
    SettingsFile(paths.settings_file).change({settings.ENDPOINT: hub.url})
    command = scripted_worker.command("echoes", "{}")
    parts = app.build(paths, Pool(command=command), None, user_home=Path(FOLDER) / "user")
    window = parts.window
    from_elsewhere.update((Path(FOLDER).name, EXAMPLE, pseudo_places.REPOSITORY, pseudo_places.GATED))
    from_elsewhere.add(machine_key().rpartition(",")[0])
    window.resize(1280, 800)
    window.show()
    await asyncio.sleep(1)
    look("first start")
    picture(window, "first")
    await window.models.open([Path(MODEL)])
    await window.models.previewed()
    await window.models.load()
    await asyncio.sleep(0.2)
    look("a loaded model")
    window.chats.send("1234")
    await window.chats.answered()
    await asyncio.sleep(0.3)
    look("an answer")
    picture(window, "answer")
    await pseudo_places.message(window, look)
    for row in window.commands:
        action = window.commands[row.id]
        if row.id in SKIPPED or not action.isEnabled():
            continue
        action.trigger()
        await asyncio.sleep(0.15)
        look(row.id)
        top = QApplication.activeModalWidget() or window
        picture(top, row.id)
        close_what_opened(window)
        await asyncio.sleep(0.05)
        if action.isCheckable():
            action.trigger()
    await pseudo_places.go_through(window, hub, Path(FOLDER), look)
    await parts.shut_down()
    window.close()


def main() -> None:
    qt = app.application()
    loop = app.event_loop(qt)
    with pseudo_places.hub_in(Path(FOLDER)) as hub:
        loop.run_until_complete(walk(hub))
    loop.close()


try:
    main()
except BaseException:  # noqa: BLE001 - told, and the end
    traceback.print_exc()
    os._exit(1)  # its threads would keep it alive
print(json.dumps({"looked_at": len(looked_at), "found": [[*key, where] for key, where in found.items()]}), flush=True)
os._exit(0)  # what Qt destroys at the end of a process is no part of this
