"""What the next turn takes of the context, as the engine counts it, and what is done where it does not fit."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from engine_runs import FILLER
from hypothesis import given, settings
from hypothesis import strategies as st
from model_templates import LLAMA, QWEN, with_template

from nodetool_xl_desktop.chat.context import Meter, Request, question_of, reserve_of
from nodetool_xl_desktop.chat.fitting import Cut, Fits, WontFit, plan, summary_tokens
from nodetool_xl_desktop.chat.session import Asked
from nodetool_xl_desktop.chat.sessions import Sessions
from nodetool_xl_desktop.chat.summary import Progress, summarise
from nodetool_xl_desktop.chat.turns import CONTEXT, LeftOut, as_left_out, as_turns, left_out
from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.engine.client import Sampling
from nodetool_xl_desktop.engine.errors import EngineError, Fault
from nodetool_xl_desktop.engine.events import Event, Failed, Finished, Speed, TextDelta, Usage
from nodetool_xl_desktop.engine.pool import Pool
from nodetool_xl_desktop.fit.options import LoadSettings
from nodetool_xl_desktop.fit.verdict import Verdict
from nodetool_xl_desktop.provider import XLlamaCppProvider, values
from nodetool_xl_desktop.provider.tokens import estimate
from nodetool_xl_desktop.store.parts import Attachment, Part, Reasoning, Text, ToolAnswer, ToolUse
from nodetool_xl_desktop.store.records import About, Message, Role, new_id
from nodetool_xl_desktop.store.store import Store
from nodetool_xl_desktop.tools import CalculatorTool, ClockTool

CONTEXT_LENGTH = 1024
LOAD = LoadSettings(context_length=CONTEXT_LENGTH)
#: Half of it, where the engine reads a chat that fills it.
SMALLER = LoadSettings(context_length=CONTEXT_LENGTH // 2)
QUICK = Sampling(temperature=0, max_tokens=8)
#: As Qwen 3: also what was thought before an answer is rendered.
THINKING = QWEN.replace(
    "+ (message.content or '')",
    "+ ('<think>' + message.reasoning_content + '</think>' if message.reasoning_content else '')"
    " + (message.content or '')",
)


def chat(*turns: tuple[Role, str] | tuple[Role, Sequence[Part]], more: dict[int, Any] | None = None) -> list[Message]:
    """Messages one after the other; `more` is what those at these places keep under `CONTEXT`."""
    made: list[Message] = []
    for place, (role, said) in enumerate(turns):
        parts = (Text(said),) if isinstance(said, str) else tuple(said)
        about = About(more={CONTEXT: more[place]}) if more and place in more else About()
        made.append(Message(new_id(), made[-1].id if made else None, role, parts, about=about))
    return made


def exchanges(number: int, words: int = 3) -> list[tuple[Role, str]]:
    """So many questions with their answers, about 20 tokens for each of `words`."""
    pairs = ([("user", f"Question {at}?"), ("assistant", f"Answer {at}. {FILLER * words}")] for at in range(number))
    return list(itertools.chain.from_iterable(pairs))  # type: ignore[arg-type]


@asynccontextmanager
async def loaded(
    starter_model: Path, paths: Paths, load: LoadSettings = LOAD
) -> AsyncIterator[tuple[XLlamaCppProvider, Path]]:
    provider = XLlamaCppProvider(Pool(), paths)
    try:
        await provider.load(starter_model, load=load)
        yield provider, starter_model
    finally:
        await provider.close()


async def estimated(messages: Sequence[values.Message], *, tools: Sequence[Any] = ()) -> values.TokenCount:
    """As the provider counts while no model is loaded."""
    return estimate(messages)


def sent(request: Request, said: Sequence[Part] = ()) -> list[values.Message]:
    """What `ChatSession` sends."""
    question = [Message("", None, "user", tuple(said))] if said else []
    system = [values.Message("system", request.system)] if request.system else []
    return system + as_turns([*request.shown, *question])


# The parts add up


def any_chat(chance: random.Random) -> Request:
    words = [
        "Hi",
        "  spaces  ",
        "\n\nlines\n",
        "漢字かな",
        "é\u2028x",
        "half \ud800",
        "<|im_end|>",
        "```py\nx = 1\n```",
        FILLER,
    ]
    text = lambda: " ".join(chance.choices(words, k=chance.randint(1, 6)))  # noqa: E731
    turns: list[Any] = [("system", text())] if chance.random() < 0.2 else []
    for _ in range(chance.randint(0, 5)):
        turns.append(("user", text()))
        if chance.random() < 0.2:
            continue  # its answer failed before the first word
        said = [part for _ in range(chance.choice((0, 0, 1, 2))) for part in any_round(chance, text)]
        turns.append(("assistant", [*said, Text(text())]))
    at = chance.randrange(len(turns)) if turns and chance.random() < 0.4 else None
    more = {len(turns) - 1: as_left_out(at, "", chance.choice(["", text()]))} if at is not None else None
    tools = [CalculatorTool(), ClockTool()] if chance.random() < 0.3 else []
    system = chance.choice(["", "Be brief.", text()])
    return Request(
        chat(*turns, more=more),
        [Text(text())],
        system,
        tools,
        context=CONTEXT_LENGTH,
        model="loaded",
        send_reasoning=chance.random() < 0.5,
    )


def any_round(chance: random.Random, text: Callable[[], str]) -> list[Part]:
    """What a model thought and said, and calls in every state in which the transcript can hold them."""
    said: list[Part] = [Reasoning(text())] if chance.random() < 0.5 else []
    said += [Text(text())] if chance.random() < 0.5 else []
    arguments, changed = '{"expression": "2+2"}', '{"expression": "3+3", "why": "I said so"}'
    states: dict[str, list[Part]] = {
        "done": [ToolUse("c1", "calculator", arguments), ToolAnswer("c1", "calculator", text())],
        "failed": [ToolUse("c1", "clock", "{}"), ToolAnswer("c1", "clock", "", text())],
        "denied": [ToolUse("c1", "clock", "{}"), ToolAnswer("c1", "clock", "", text(), denied=True)],
        "changed": [ToolUse("c1", "calculator", arguments, edited=changed), ToolAnswer("c1", "calculator", "6")],
        "unread": [ToolUse("c1", "clock", "", "clock(", "it was cut"), ToolAnswer("c1", "clock", "", text())],
        "open": [ToolUse("c1", "clock", "{}")],
        "two": [
            *(ToolUse("c1", "clock", "{}"), ToolUse("c2", "calculator", arguments)),
            *(ToolAnswer("c1", "clock", text()), ToolAnswer("c2", "calculator", "4")),
        ],
    }
    return said + states[chance.choice(list(states))]


@pytest.mark.parametrize("chats", [pytest.param(12, id="some"), pytest.param(40, id="many", marks=pytest.mark.soak)])
@pytest.mark.parametrize("template", ["", THINKING, LLAMA], ids=["own", "thinking", "llama"])
async def test_the_parts_add_up_to_what_the_engine_counts(
    starter_model: Path, paths: Paths, tmp_path: Path, template: str, chats: int
) -> None:
    """With a template that takes neither tools nor reasoning, with one that takes both, with one call a turn."""
    given = with_template(starter_model, tmp_path / "other.gguf", template) if template else starter_model
    async with loaded(given, paths) as (provider, model):
        for seed in range(chats):
            request = any_chat(random.Random(seed))
            meter = Meter(partial(provider.count_tokens, model=model))
            whole = await provider.count_tokens(
                sent(request, request.said), model, request.tools, send_reasoning=request.send_reasoning
            )
            typed, placed = await meter.use(request), await meter.whole(request)
            assert typed.exact
            assert placed.exact
            assert placed.system + placed.tools + placed.history + placed.draft == placed.prompt == whole, seed
            assert typed.prompt == whole, seed
            assert (typed.tools > 0) == bool(request.tools)
            if request.send_reasoning and request.tools:
                last = request
                thought = whole - await provider.count_tokens(sent(request, request.said), model, request.tools)
                assert (thought > 0) == (template == THINKING and any(turn.reasoning for turn in sent(request)))
        request = last
        whole = (await meter.whole(request)).prompt
        events = [
            event
            async for event in provider.stream(
                sent(request, request.said),
                model,
                tools=request.tools,
                load=LOAD,
                sampling=QUICK,
                send_reasoning=request.send_reasoning,
            )
        ]
        assert isinstance(events[-1], Finished)
        assert events[-1].usage.prompt_tokens == whole


async def test_each_part_is_told_where_it_belongs() -> None:
    meter = Meter(estimated)
    nothing = await meter.use(Request([]))
    assert (nothing.tools, nothing.history, nothing.draft) == (0, 0, 0)
    assert 0 < nothing.system < 20
    longer = await meter.use(Request([], [Text(FILLER)], "Be brief. " * 50))
    assert longer.system > 100
    assert 15 < longer.draft < 30
    later = await meter.use(Request(chat(*exchanges(4)), [Text(FILLER)], "Be brief. " * 50))
    assert (later.system, later.draft) == (longer.system, longer.draft)
    assert later.history > 4 * 3 * 15
    assert not later.exact
    in_chat = await meter.use(Request(chat(("system", "Be brief. " * 50)), [Text(FILLER)]))
    assert in_chat.system > 100
    assert in_chat.history == 0


async def test_while_one_types_the_history_is_counted_once() -> None:
    asked: list[int] = []

    async def count(messages: Sequence[values.Message], *, tools: Sequence[Any] = ()) -> values.TokenCount:
        asked.append(len(messages))
        return estimate(messages)

    shown = chat(*exchanges(100))
    meter = Meter(count)
    first = await meter.use(Request(shown))
    assert max(asked) == 201
    asked.clear()
    for end in range(1, 30):
        typed = await meter.use(Request(shown, [Text(FILLER[:end])]))
    assert set(asked) == {1}
    assert typed.history == first.history
    await meter.use(Request([*shown, *chat(("user", "More"))]))
    assert max(asked) == 202  # a question that was stopped is sent with the next one
    asked.clear()
    await meter.use(Request(shown, model="another"))
    assert max(asked) == 201


async def test_tools_that_are_made_anew_are_not_counted_anew_and_reasoning_counts_where_it_is_sent() -> None:
    asked: list[tuple[int, bool]] = []

    async def count(
        messages: Sequence[values.Message], *, tools: Sequence[Any] = (), send_reasoning: bool = False
    ) -> values.TokenCount:
        asked.append((len(tools), send_reasoning))
        words = sum(len(turn.text.split()) + send_reasoning * len(turn.reasoning.split()) for turn in messages)
        return values.TokenCount(words + 10 * len(tools), exact=True)

    shown = chat(("user", "one two"), ("assistant", [Reasoning("I think so"), Text("three")]))
    meter = Meter(count)
    request = Request(shown, [Text("four")], "", [CalculatorTool(), ClockTool()], context=CONTEXT_LENGTH)
    first = await meter.use(request)
    assert (first.tools, first.history) == (20, 3)
    before = len(asked)
    again = await meter.use(replace(request, tools=[CalculatorTool(), ClockTool()]))
    assert (again, len(asked) - before) == (first, 1)  # what is typed alone
    assert (await meter.use(replace(request, tools=[CalculatorTool()]))).tools == 10
    assert (await meter.use(replace(request, send_reasoning=True))).history == 6


async def test_an_estimate_says_so_until_the_model_is_loaded(starter_model: Path, paths: Paths) -> None:
    provider = XLlamaCppProvider(Pool(), paths)
    meter = Meter(partial(provider.count_tokens, model=starter_model))
    request = Request(chat(*exchanges(2)), [Text("And now?")])
    try:
        before = await meter.use(request)
        assert not before.exact
        await provider.load(starter_model, load=LOAD)
        after = await meter.use(request)  # the same request: what was counted before is not mixed in
        assert after.exact
        assert after.prompt == await provider.count_tokens(sent(request, request.said), starter_model)
    finally:
        await provider.close()
    assert abs(before.prompt - after.prompt) < after.prompt / 2


async def test_files_count_and_pictures_are_told_to_be_guessed() -> None:
    held = {"a" * 64: (FILLER * 20).encode(), "b" * 64: b"png"}

    async def read(sha256: str) -> bytes | None:
        return held.get(sha256)

    meter = Meter(estimated, read)
    file = Attachment("a" * 64, "notes.txt", "text/plain", 1)
    assert (await meter.use(Request([], [Text("See"), file]))).draft > 300
    assert (await meter.use(Request(chat(("user", [file]), ("assistant", "Yes"))))).history > 300
    seen = await meter.use(Request([], [Text("See"), Attachment("b" * 64, "x.png", "image/png", 3)]))
    assert seen.draft >= 256
    assert (seen.has_images, seen.exact) == (True, False)


def test_what_is_kept_for_the_answer() -> None:
    assert [reserve_of(context) for context in (512, 2048, 8192, 131_072, None)] == [128, 512, 1024, 1024, 1024]
    assert [reserve_of(8192, most) for most in (100, 3000, 100_000)] == [100, 3000, 4096]


# Whether it fits


async def test_it_is_tight_before_it_does_not_fit() -> None:
    meter = Meter(estimated)
    seen = []
    for words in range(1, 60, 2):
        use = await meter.use(Request([], [Text(FILLER * words)], context=1024))
        seen.append(use.verdict)
        assert use.left == 1024 - use.prompt
        assert bool(use.missing) == (use.verdict is Verdict.WONT_FIT)
    assert [verdict for verdict, _ in itertools.groupby(seen)] == [Verdict.FITS, Verdict.TIGHT, Verdict.WONT_FIT]


async def test_what_is_dropped_is_enough_and_the_engine_agrees(starter_model: Path, paths: Paths) -> None:
    async with loaded(starter_model, paths, SMALLER) as (provider, model):
        meter = Meter(partial(provider.count_tokens, model=model))
        shown = chat(("system", "You are kind."), *exchanges(8))
        said = (Text("What was the last answer?"),)
        request = Request(shown, said, "Be brief.", context=CONTEXT_LENGTH // 2, model=model)
        planned = await plan(meter, request)
        assert isinstance(planned, WontFit)
        cut = planned.cut
        assert cut is not None
        assert planned.can_summarise

        async def ask(messages: Sequence[values.Message]) -> Event:
            return [event async for event in provider.stream(messages, model, load=SMALLER, sampling=QUICK)][-1]

        refused = await ask(sent(request, said))
        assert isinstance(refused, Failed)
        assert isinstance(refused.error, EngineError)
        assert refused.error.fault is Fault.CONTEXT_OVERFLOW
        # As the session has it: the question, and the answer that keeps what was left out.
        question = Message("q", shown[-1].id, "user", said)
        answer = Message("a", "q", "assistant", (), about=About(more={CONTEXT: cut.kept()}))
        turns = sent(Request([*shown, question, answer], system="Be brief."))
        finished = await ask(turns)
        assert isinstance(finished, Finished)
        assert finished.usage.prompt_tokens == planned.use.prompt - cut.frees
        assert finished.usage.prompt_tokens <= CONTEXT_LENGTH // 2 - planned.use.reserve
        assert [turn.text for turn in turns[:2]] == ["Be brief.", "You are kind."]
        assert turns[2].text == f"Question {cut.turns}?"
        assert [row.message for row in cut.rows] == shown[1 : 1 + 2 * cut.turns]
        assert all(row.exact for row in cut.rows)
        counted = sum(row.tokens for row in cut.rows)
        assert counted < cut.frees < counted + 10 * len(cut.rows)  # what is more is the template's, around each


chats = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 40), st.booleans()), max_size=12)


@settings(max_examples=60, deadline=None)
@given(chats, st.integers(0, 30), st.integers(200, 1500), st.none() | st.integers(0, 20), st.booleans())
def test_any_cut_is_whole_exchanges_enough_and_no_more(
    sizes: list[tuple[int, int, bool]], asked: int, context: int, before: int | None, summarised: bool
) -> None:
    turns: list[tuple[Role, str]] = []
    for question, answer, has_answer in sizes:
        turns.append(("user", f"Q. {FILLER * question}"))
        turns += [("assistant", f"A. {FILLER * answer}")] if has_answer else []
    turns = turns or [("user", "Q."), ("assistant", "A.")]
    at = None if before is None else min(before, len(turns) - 1)
    more = None if at is None else {len(turns) - 1: as_left_out(at, "", "It was long." if summarised else "")}
    request = Request(chat(*turns, more=more), [Text(f"Now. {FILLER * asked}")], "Be brief.", context=context)
    asyncio.run(check_cut(request))


@pytest.mark.parametrize("summary", ["", "It was long. " * 20])
async def test_a_cut_is_enough_and_no_more_at_every_size_of_the_context(summary: str) -> None:
    turns = [("system", "You are kind."), *exchanges(8, 1)]
    more = {4: as_left_out(3, "", summary)}
    seen = set()
    for context in range(25, 500):
        request = Request(chat(*turns, more=more), [Text("And now?")], "Be brief.", context=context)
        planned = await check_cut(request)
        if isinstance(planned, WontFit) and planned.cut is not None:
            seen.add((planned.cut.turns, planned.can_summarise))
    assert {turns for turns, can_summarise in seen if can_summarise} >= set(range(2, 8))
    assert (7, False) in seen  # the question alone, without room for a summary
    assert ((0, False) in seen) == bool(summary)  # the summary alone


async def check_cut(request: Request) -> Fits | WontFit:
    """Plan it, and see whether what the plan says is so."""
    meter, context = Meter(estimated), request.context or 0
    planned = await plan(meter, request)
    if isinstance(planned, Fits):
        assert planned.use.prompt + planned.use.reserve <= context
        return planned
    assert planned.use.prompt + planned.use.reserve > context
    room = context - planned.use.reserve
    cut = planned.cut
    if cut is None:
        assert planned.alone > room
        return planned

    def after(kept: dict[str, Any]) -> int:
        last = request.shown[-1]
        answer = Message("a", last.id, "assistant", (), about=About(more={CONTEXT: kept}))
        question = Message("q", last.id, "user", tuple(request.said))
        return estimate(sent(Request([*request.shown, question, answer], system=request.system)))

    assert after(cut.kept()) == planned.use.prompt - cut.frees <= room
    if planned.can_summarise:
        assert after(cut.kept("word " * (summary_tokens(context) - 16))) <= room
    held = left_out(request.shown)
    first = held.at if held else 0
    assert cut.messages == [each for each in request.shown[first : cut.at] if each.role != "system"]
    assert (cut.rows[0].message is None) == bool(held and held.summary)
    whole = cut.at == len(request.shown) or request.shown[cut.at].role == "user"
    assert whole or cut.at == first
    assert cut.begins == (request.shown[cut.at].id if cut.at < len(request.shown) else "")
    fewer = [at for at in range(first + 1, cut.at) if request.shown[at].role == "user"]
    spare = summary_tokens(context) if planned.can_summarise else 0
    if fewer:  # with one exchange less it would not do
        assert after(as_left_out(fewer[-1])) > room - spare
    elif cut.messages and held and held.summary:  # nor would the summary alone
        assert after(as_left_out(first)) > room - spare
    assert after(cut.kept()) <= room - spare
    return planned


async def test_a_question_that_is_too_long_by_itself_is_told_so() -> None:
    said = (Text(FILLER * 60),)
    planned = await plan(Meter(estimated), Request(chat(*exchanges(2)), said, context=1024))
    assert isinstance(planned, WontFit)
    assert planned.cut is None
    assert not planned.can_summarise
    assert not planned.can_send
    assert 1024 < planned.alone < planned.use.prompt
    nearly = await plan(Meter(estimated), Request([], (Text(FILLER * 45),), context=1024))
    assert isinstance(nearly, WontFit)
    assert nearly.can_send  # with less room for the answer than should be
    assert 64 <= nearly.use.left < nearly.use.reserve


async def test_to_ask_again_keeps_the_question() -> None:
    shown = chat(*exchanges(12), ("user", "The last one?"))
    planned = await plan(Meter(estimated), Request(shown, context=1024))
    assert isinstance(planned, WontFit)
    assert planned.cut is not None
    assert shown[-1] not in planned.cut.messages
    assert planned.use.draft < 20
    going_on = await plan(Meter(estimated), Request([*shown, *chat(("assistant", FILLER * 60))], context=1024))
    assert isinstance(going_on, WontFit)
    assert going_on.cut is None  # the question and what there is of its answer


async def test_a_larger_context_is_the_smallest_that_does_and_that_the_machine_has_room_for() -> None:
    asked: list[int] = []

    def judge(most: int) -> Any:
        def says(context: int) -> tuple[str, bool]:
            asked.append(context)
            return ("Fits", True) if context <= most else ("Won't fit", False)

        return says

    request = Request(chat(*exchanges(45)), (Text("And?"),), context=1024)
    for most, largest, context, allowed in (
        (100_000, 8192, 5120, True),
        (4500, 8192, 4352, True),
        (4000, 8192, 4352, False),
        (100_000, 4600, 4600, True),
        (100_000, None, 5120, True),
    ):
        planned = await plan(Meter(estimated), request, largest, judge(most))
        assert isinstance(planned, WontFit)
        assert planned.larger is not None, (most, largest)
        assert (planned.larger.context, planned.larger.allowed) == (context, allowed)
        assert planned.use.prompt + reserve_of(context) <= context
    planned = await plan(Meter(estimated), request, 2048, judge(100_000))
    assert isinstance(planned, WontFit)
    assert planned.larger is None
    assert max(asked) <= 8192


async def test_a_very_long_chat_is_not_counted_over_and_over() -> None:
    counted: list[int] = []

    async def count(messages: Sequence[values.Message], *, tools: Sequence[Any] = ()) -> values.TokenCount:
        counted.append(sum(len(message.text) for message in messages))
        return values.TokenCount(sum(len(message.text) // 4 + 4 for message in messages), exact=True)

    shown = chat(*exchanges(3000))
    planned = await plan(Meter(count), Request(shown, (Text("And?"),), context=8192))
    assert isinstance(planned, WontFit)
    assert planned.cut is not None
    assert len(planned.cut.rows) > 5000
    assert not planned.cut.rows[0].exact
    assert not planned.use.exact
    assert planned.use.is_far_beyond  # the engine was not asked for what nobody need know
    assert max(counted) < 250_000
    assert len(counted) < 40
    after = Request(shown, (Text("And?"),), context=8192)
    left = LeftOut(planned.cut.at, "", planned.cut.at)
    assert (await Meter(count).prompt(after, [*shown, question_of(after.said)], left)).tokens <= 8192 - 1024


# What is left out stays left out


async def test_what_is_left_out_is_inherited_until_something_else_is_chosen() -> None:
    turns = exchanges(4)
    shown = chat(*turns, more={5: as_left_out(2, summary="They spoke of foxes.")})
    left = left_out(shown)
    assert left is not None
    assert (left.at, left.begins, left.count) == (2, shown[2].id, 2)
    assert left.text == "2 messages, summarised"
    sent_now = as_turns(shown)
    assert [turn.role for turn in sent_now] == ["system", *["user", "assistant"] * 3]
    assert sent_now[0].text.endswith("They spoke of foxes.")
    assert as_turns(shown[:5])[0].text == "Question 0?"  # the branch before that answer knows nothing of it
    again = chat(*turns, more={5: as_left_out(2), 7: as_left_out(0)})
    assert left_out(again) is None
    assert len(as_turns(again)) == 8
    dropped = left_out(chat(*turns, more={1: as_left_out(2), 7: as_left_out(6)}))
    assert dropped is not None
    assert dropped.text == "6 messages, dropped"


@pytest.mark.parametrize(
    "said", ["all", 7, None, {"begins": 3}, {"messages": -1}, {"messages": "2"}, {"summary": 1}, {}]
)
def test_what_no_version_wrote_leaves_nothing_out(said: Any) -> None:
    shown = chat(*exchanges(2), more={3: said})
    assert left_out(shown) is None
    assert len(as_turns(shown)) == 4


async def test_a_session_sends_what_its_answers_say_and_so_do_copies_of_the_chat(tmp_path: Path) -> None:
    asked: list[list[str]] = []

    async def ask(messages: Sequence[values.Message]) -> AsyncGenerator[Event, None]:
        asked.append([message.text for message in messages])
        yield TextDelta(f"Answer {len(asked) - 1}.")
        yield Finished("stop", Usage(), Speed())

    store = await Store.open(tmp_path / "chats")
    try:
        session = await Sessions(store, lambda _session: None).new()
        for at in range(4):
            # Nothing but the second question is sent, and its id is not known before it is written.
            more = {CONTEXT: as_left_out(2, summary="Foxes.")} if at == 1 else {}
            answer = await session.send([Text(f"Question {at}?")], Asked(ask, About(more=more), "Be brief."))
        copies = [await store.duplicate(session.chat.id), await store.fork(session.chat.id, answer.id)]
        shown = [list(session.shown), *[(await store.open_chat(copy.id)).shown for copy in copies]]
    finally:
        await store.close()
    summary = "What was said before, as a summary:\n\nFoxes."
    assert asked[1] == ["Be brief.", summary, "Question 1?"]
    assert asked[3] == [
        *("Be brief.", summary, "Question 1?", "Answer 1."),
        *("Question 2?", "Answer 2.", "Question 3?"),
    ]
    assert len({messages[0].id for messages in shown}) == 3
    for messages in shown:
        left = left_out(messages)
        assert left is not None
        assert (left.at, left.begins, left.summary) == (2, messages[2].id, "Foxes.")
        assert [turn.text for turn in as_turns(messages)[:2]] == [summary, "Question 1?"]


# Summaries


class Script:
    """A loaded model that says what it was told to, one answer for each question."""

    def __init__(self, *answers: str | UserFacingError) -> None:
        self._answers = list(answers)
        self.asked: list[str] = []
        self.limits: list[int] = []
        self.left_early = 0

    async def __call__(self, messages: Sequence[values.Message], most: int) -> AsyncGenerator[Event, None]:
        self.asked.append(messages[-1].text)
        self.limits.append(most)
        answer = self._answers.pop(0) if self._answers else "More foxes."
        try:
            await asyncio.sleep(0)
            if isinstance(answer, UserFacingError):
                yield Failed(answer)
                return
            yield TextDelta(answer)
            await asyncio.sleep(0)
            yield Finished("stop", Usage(), Speed())
        except (GeneratorExit, asyncio.CancelledError):
            self.left_early += 1
            raise


async def a_cut(meter: Meter, turns: int = 30, words: int = 3) -> Cut:
    planned = await plan(meter, Request(chat(*exchanges(turns, words)), (Text("And?"),), context=CONTEXT_LENGTH))
    assert isinstance(planned, WontFit)
    assert planned.cut is not None
    return planned.cut


async def test_a_summary_is_made_in_pieces_that_fit_and_none_is_forgotten() -> None:
    meter, script, seen = Meter(estimated), Script("Foxes."), []
    cut = await a_cut(meter)
    summary = await summarise(cut, meter, script, CONTEXT_LENGTH, seen.append)
    assert summary == "More foxes."
    assert len(script.asked) > 2
    assert "Foxes." in script.asked[1]
    for asked, most in zip(script.asked, script.limits, strict=True):
        assert estimate([values.Message("user", asked)]) + most <= CONTEXT_LENGTH
    whole = "".join(asked.split("Conversation:\n\n")[1] for asked in script.asked)
    assert all(f"Question {at}?" in whole and f"Answer {at}." in whole for at in range(cut.turns))
    assert [progress.done for progress in seen] == sorted(progress.done for progress in seen)
    assert seen[0] == Progress(0, len(whole))


async def test_a_turn_that_is_longer_than_the_context_is_summarised_too() -> None:
    meter, script = Meter(estimated), Script()
    await summarise(await a_cut(meter, 2, 300), meter, script, CONTEXT_LENGTH)
    whole = "".join(asked.split("Conversation:\n\n")[1] for asked in script.asked)
    assert whole.count("quick brown fox") >= 299
    for asked, most in zip(script.asked, script.limits, strict=True):
        assert estimate([values.Message("user", asked)]) + most <= CONTEXT_LENGTH


async def test_a_summary_that_is_too_long_is_cut_behind_a_sentence() -> None:
    meter = Meter(estimated)
    summary = await summarise(await a_cut(meter, 12), meter, Script(FILLER * 200), CONTEXT_LENGTH)
    assert await meter.size(summary) <= summary_tokens(CONTEXT_LENGTH)
    assert summary.endswith("beside the river.")


async def test_a_summary_of_a_summary_knows_the_first_one() -> None:
    meter, script = Meter(estimated), Script()
    shown = chat(*exchanges(14), more={5: as_left_out(4, summary="It began with a bear.")})
    planned = await plan(meter, Request(shown, (Text("And?"),), context=CONTEXT_LENGTH))
    assert isinstance(planned, WontFit)
    assert planned.cut is not None
    assert planned.cut.rows[0].message is None
    await summarise(planned.cut, meter, script, CONTEXT_LENGTH)
    assert "It began with a bear." in script.asked[0]
    assert "Question 0?" not in script.asked[0]


@pytest.mark.parametrize(
    ("answer", "why"),
    [("  ", "the model had nothing to say"), (UserFacingError("The engine ended", "", "Load it."), "The engine ended")],
)
async def test_without_a_summary_it_is_said_why(answer: str | UserFacingError, why: str) -> None:
    meter = Meter(estimated)
    with pytest.raises(UserFacingError) as caught:
        await summarise(await a_cut(meter), meter, Script(answer), CONTEXT_LENGTH)
    assert (caught.value.what, caught.value.why) == ("The summary could not be made", why)
    assert caught.value.hint


async def test_cancelling_a_summary_stops_the_model() -> None:
    meter, script = Meter(estimated), Script()
    task = asyncio.ensure_future(summarise(await a_cut(meter), meter, script, CONTEXT_LENGTH))
    while not script.asked:  # noqa: ASYNC110 - it tells nobody
        await asyncio.sleep(0.001)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert script.left_early == 1


async def test_the_model_summarises_and_then_it_fits(starter_model: Path, paths: Paths) -> None:
    async with loaded(starter_model, paths, SMALLER) as (provider, model):
        meter = Meter(partial(provider.count_tokens, model=model))
        shown = chat(*exchanges(7), ("user", "My name is Ada."), ("assistant", "Hello Ada."))
        request = Request(shown, (Text("And?"),), context=CONTEXT_LENGTH // 2, model=model)
        planned = await plan(meter, request)
        assert isinstance(planned, WontFit)
        assert planned.cut is not None

        def ask(messages: Sequence[values.Message], most: int) -> Any:
            return provider.stream(messages, model, load=SMALLER, sampling=Sampling(temperature=0, max_tokens=most))

        summary = await summarise(planned.cut, meter, ask, CONTEXT_LENGTH // 2)
        question = Message("q", shown[-1].id, "user", tuple(request.said))
        answer = Message("a", "q", "assistant", (), about=About(more={CONTEXT: planned.cut.kept(summary)}))
        turns = sent(Request([*shown, question, answer]))
        assert summary in turns[0].text
        events = [event async for event in provider.stream(turns, model, load=SMALLER, sampling=QUICK)]
        assert isinstance(events[-1], Finished)
        assert events[-1].usage.prompt_tokens <= CONTEXT_LENGTH // 2 - planned.use.reserve
        assert isinstance(await plan(meter, Request([*shown, question, answer], context=CONTEXT_LENGTH // 2)), Fits)
