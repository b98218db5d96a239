"""A real model's forced call in the transcript: changed and allowed by keyboard, its result drawn and used."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import pytest
from conftest import until
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QPlainTextEdit
from transcript_window import Sight, opened, press

from nodetool_xl_desktop.chat.asker import Asker
from nodetool_xl_desktop.chat.asking import Asking
from nodetool_xl_desktop.chat.session import ChatSession
from nodetool_xl_desktop.chat.sessions import Sessions
from nodetool_xl_desktop.chat.toolbox import Toolbox
from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.engine.client import Sampling
from nodetool_xl_desktop.engine.events import PromptProgress
from nodetool_xl_desktop.engine.pool import Pool
from nodetool_xl_desktop.fit.options import LoadSettings
from nodetool_xl_desktop.provider import XLlamaCppProvider
from nodetool_xl_desktop.store.parts import Text
from nodetool_xl_desktop.store.records import Message
from nodetool_xl_desktop.store.store import Store
from nodetool_xl_desktop.tools import CalculatorTool
from nodetool_xl_desktop.tools.source import Offered, Workspace
from nodetool_xl_desktop.ui.transcript.call_approval import ARMED_AFTER_S
from nodetool_xl_desktop.ui.transcript.code_text import CodeText
from nodetool_xl_desktop.ui.transcript.message_view import AnswerView


@pytest.fixture
def sight(qapp: QApplication, loop: asyncio.AbstractEventLoop) -> Iterator[Sight]:
    yield from opened(qapp)


class Source:
    async def offered(self, workspace: Workspace) -> Sequence[Offered]:
        return [Offered(CalculatorTool(), "Calculator")]


def watched(session: ChatSession) -> tuple[Message, PromptProgress | None, str]:
    return session.answer.message if session.answer is not None else session.shown[-1], session.progress, ""


async def test_a_real_call_is_changed_and_allowed_by_keyboard(sight: Sight, starter_model: Path, paths: Paths) -> None:
    pool, store = Pool(), await Store.open(paths.chats)
    provider = XLlamaCppProvider(pool, paths)
    transcript = sight.transcript

    def show(session: ChatSession) -> None:
        transcript.show_chat(session.shown, session.tree.versions)
        if session.answer is not None:
            transcript.watch(partial(watched, session))

    try:
        server = await provider.load(starter_model, load=LoadSettings(context_length=2048))
        toolbox = Toolbox([Source()], paths.permissions_file)
        toolbox.use(store.list)
        asker, sessions = Asker(provider, toolbox), Sessions(store, show)
        asker.tool_choice = "calculator"
        session = await sessions.new()
        session.calls.on_change = transcript.calls_changed
        transcript.set_calls(session.calls)
        await toolbox.set_on(session.chat.id, "/calculator", True)
        how = Asking(sampling=Sampling(temperature=0, max_tokens=48))
        offer = await asker.offer(store, how, session.chat.id)
        asked = asker.asked(server, how, {}, offer)
        sending = asyncio.ensure_future(session.send([Text("What is 12 * 12?")], asked))
        await until(lambda: transcript.waits and transcript.go_to_waiting(), "the card waits")
        await asyncio.sleep(ARMED_AFTER_S + 0.05)
        card = view_of(sight).cards[0]
        assert "forced | calculator | Waiting for you" in sight.words(card)
        for _ in range(2):  # past Allow and what allows for longer
            press(Qt.Key.Key_Tab)
        press(Qt.Key.Key_Return)
        editor = QApplication.focusWidget()
        assert isinstance(editor, QPlainTextEdit)
        editor.selectAll()
        QTest.keyClicks(editor, '{"expression": "20+22"}')
        press(Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
        await asyncio.wait_for(sending, 60)
        await until(lambda: not transcript.is_watching, "it is complete")
        assert [each.toPlainText() for each in card.findChildren(CodeText) if each.isVisible()] == ["42"]
        assert 'changed by you: expression = "20+22"' in sight.words(card)
        assert [text.toPlainText() for text in view_of(sight).texts if text.isVisible()]
        assert not transcript.waits
    finally:
        transcript.watch(None)
        await store.close()
        await pool.close()


def view_of(sight: Sight) -> AnswerView:
    view = sight.transcript.turn(1)
    assert isinstance(view, AnswerView)
    return view
