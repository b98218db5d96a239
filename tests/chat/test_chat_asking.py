"""What presets say, checked, and asked of the real engine: each value does there what the panel says it does."""

from __future__ import annotations

import json
import math
import struct
from pathlib import Path
from typing import Any

import pytest
from engine_runs import failure_of, finish_of, gather, loaded, text_of, user
from hypothesis import given
from hypothesis import strategies as st

from nodetool_xl_desktop.chat import answer_format, gbnf, preset_files, sampling_values
from nodetool_xl_desktop.chat.answer_format import Kind
from nodetool_xl_desktop.chat.asking import Asking, PresetError, asking, defaults
from nodetool_xl_desktop.chat.preset_desk import PresetDesk
from nodetool_xl_desktop.chat.sampling_values import NUMBERS, TITLES
from nodetool_xl_desktop.chat.starting_presets import BUILT_IN, applied, is_reserved, name_of
from nodetool_xl_desktop.core import network
from nodetool_xl_desktop.engine.client import Sampling
from nodetool_xl_desktop.engine.events import Event
from nodetool_xl_desktop.engine.server import EngineServer
from nodetool_xl_desktop.gguf import read_model
from nodetool_xl_desktop.store.presets import Preset, Scope, Setting, resolve
from nodetool_xl_desktop.store.store import Store

PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string", "maxLength": 12}, "age": {"type": "integer"}},
    "required": ["name", "age"],
    "additionalProperties": False,
}
DATE = 'root ::= year "-" month\nyear ::= [0-9]{4} # four digits\nmonth ::= ("0" [1-9] |\n "1" [0-2])\n'


def said(prompt: str | None = None, **values: Any) -> Asking:
    """What is asked with these values, set for a chat."""
    return asking(resolve([Preset(Scope.CHAT, "c", system_prompt=prompt, sampling=values)]))


async def answer(server: EngineServer, asked: Asking, question: str) -> list[Event]:
    more = {} if asked.response_format is None else {"response_format": dict(asked.response_format)}
    system = [{"role": "system", "content": asked.system}] if asked.system else []
    return await gather(server.stream_chat([*system, *user(question)], asked.sampling, **more))


# From presets to what is asked


def test_without_a_preset_it_is_asked_as_before() -> None:
    assert asking({}) == Asking("", Sampling(), None)
    assert asking({}).to_json() == {"repeat_penalty": 1.1}


def test_every_value_reaches_the_request() -> None:
    numbers = {"temperature": 0.3, "top_k": 7, "top_p": 0.8, "min_p": 0.1, "repeat_penalty": 1.3} | {
        "presence_penalty": -1, "frequency_penalty": 0.5, "max_tokens": 64, "seed": 4_000_000_000
    }  # fmt: skip
    assert {number.name for number in NUMBERS} == set(numbers)
    form = answer_format.of_schema(PERSON)
    asked = said("Be brief.", **numbers, stop=["END", "\n\n"], response_format=form)
    assert asked.system == "Be brief."
    assert asked.response_format == form
    assert asked.sampling.to_json() == numbers | {"stop": ("END", "\n\n")}
    assert asked.to_json() == numbers | {"stop": ["END", "\n\n"], "system_prompt": "Be brief.", "response_format": form}
    assert json.loads(json.dumps(asked.to_json())) == asked.to_json()


def test_nearer_presets_win_and_can_say_none_at_all() -> None:
    presets = [
        Preset(
            Scope.GLOBAL, system_prompt="Be kind.", sampling={"max_tokens": 9, "seed": 3, "stop": ["a"], "top_k": 5}
        ),
        Preset(Scope.MODEL, "m", sampling={"top_k": 6, "response_format": answer_format.of_grammar('root ::= "a"')}),
        Preset(Scope.CHAT, "c", system_prompt="", sampling={"max_tokens": -1, "seed": -1, "stop": []}),
    ]
    asked = asking(resolve(presets))
    assert (asked.system, asked.sampling) == ("", Sampling(top_k=6, grammar='root ::= "a"'))
    assert asked.response_format is None
    text = Preset(Scope.CHAT, "c", sampling={"response_format": {"type": "text"}})
    assert asking(resolve([*presets[:2], text])).sampling.grammar is None


def test_unknown_names_are_left_out_of_the_request() -> None:
    assert said(mirostat=2, temperature=0.5) == Asking("", Sampling(0.5), None)


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("temperature", "hot", "Temperature is 'hot'; it has to be a number from 0 to 5"),
        ("temperature", 5.1, "Temperature is 5.1; it has to be a number from 0 to 5"),
        ("temperature", -0.1, "Temperature is -0.1"),
        ("temperature", True, "Temperature is True"),
        ("temperature", math.nan, "Temperature is nan"),
        ("temperature", None, "Temperature is None"),
        ("top_k", 1.5, "Top K is 1.5; it has to be a whole number, 0 or more"),
        ("top_k", -1, "Top K is -1"),
        ("top_p", 1.01, "Top P is 1.01; it has to be a number from 0 to 1"),
        ("min_p", [0.1], "Min P is [0.1]"),
        ("repeat_penalty", 0, "Repeat Penalty is 0; it has to be a number from 0.1 to 5"),
        ("presence_penalty", 2.5, "Presence Penalty is 2.5"),
        ("frequency_penalty", -2.5, "Frequency Penalty is -2.5"),
        ("max_tokens", 0, "Max Tokens is 0; it has to be a whole number, 1 or more, or -1 for no limit"),
        ("seed", 2**32 - 1, "Seed is 4294967295; it has to be a whole number from 0 to 4294967294, or -1 for random"),
        ("stop", 3, "Stop Strings is 3"),
        ("stop", ["a", 3], "Stop Strings is ['a', 3]"),
        ("stop", ["a", ""], "Stop Strings holds an empty text"),
        ("response_format", "json", "Answer Format cannot be used"),
        ("response_format", {"type": "xml"}, "Answer Format cannot be used"),
        ("response_format", answer_format.of_schema("x"), "a JSON Schema has to be an object"),
        ("response_format", answer_format.of_schema({"type": "nonsense"}), "the schema is wrong at type"),
        ("response_format", answer_format.of_schema({"properties": 3}), "the schema is wrong at properties"),
        ("response_format", answer_format.of_schema({"enum": []}), "without a choice"),
        ("response_format", answer_format.of_schema({"$ref": "#/nowhere"}), "refers to #/nowhere, which is not in it"),
        ("response_format", answer_format.of_schema({"$ref": "https://a.b/c.json"}), "which is not in it"),
        ("response_format", answer_format.of_grammar(" "), "there is no grammar yet"),
        ("response_format", answer_format.of_grammar("root ::= a"), "line 1: there is no rule `a`"),
    ],
)
def test_a_value_that_cannot_be_asked_is_told(name: str, value: Any, why: str) -> None:
    with pytest.raises(PresetError) as told:
        said(**{name: value})
    assert why in told.value.why
    assert told.value.why.endswith("(set for this chat)")
    assert told.value.hint


def test_what_is_typed_is_understood_as_people_type_it() -> None:
    numbers = {number.name: number for number in NUMBERS}
    assert numbers["temperature"].of_text(" 0,7 ") == 0.7
    assert numbers["seed"].of_text("Random") == -1
    assert numbers["max_tokens"].of_text("no limit") == -1
    assert numbers["max_tokens"].text(-1) == "no limit"
    for name, text in (("top_k", "4.5"), ("temperature", ""), ("temperature", "inf"), ("seed", "1e3"), ("top_p", "2")):
        with pytest.raises(ValueError, match="it has to be"):
            numbers[name].of_text(text)


@given(value=st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.lists(st.text())))
def test_whatever_a_preset_says_is_asked_or_told(value: Any) -> None:
    def told(name: str) -> str:
        try:
            kept = sampling_values.checked(name, value)
        except ValueError as error:
            return str(error)
        assert sampling_values.checked(name, kept) == kept
        return TITLES[name]

    assert all(told(name).startswith(TITLES[name]) for name in TITLES)


def test_a_schema_is_typed_as_text() -> None:
    assert answer_format.of_source(Kind.SCHEMA, json.dumps(PERSON)) == answer_format.of_schema(PERSON)
    assert json.loads(answer_format.source(answer_format.of_schema(PERSON))) == PERSON
    with pytest.raises(ValueError, match="line 2: this is no JSON"):
        answer_format.of_source(Kind.SCHEMA, '{\n"type": object}')
    for deep in ("[" * 100_000, '{"not":' * 3000 + "{}" + "}" * 3000):
        with pytest.raises(ValueError, match=r"nested too deeply|an object"):
            answer_format.of_source(Kind.SCHEMA, deep)
    recursive = {"type": "object", "properties": {"next": {"$ref": "#"}, "one": {"$ref": "#/$defs/a~1b"}}}
    assert answer_format.checked(answer_format.of_schema(recursive | {"$defs": {"a/b": {"const": {"$ref": "x"}}}}))


# Grammars: what is said against one is what the engine says

GRAMMARS = (
    ('root ::= "yes" | "no"', ""),
    (DATE, ""),
    ('root ::= ("a" "b"?)+ | [^a-z]{2,} | . "\\x41\\n" | <[65]> # end', ""),
    ('root ::= ""', ""),
    ('root ::= a\na ::= "x"*\r\n\n', ""),
    ('foo ::= "a"', "there is no rule `root`"),
    ("", "there is no rule `root`"),
    ('root ::= "a"\n\nother ::= bar', "line 3: there is no rule `bar`"),
    ('root ::= "a', 'line 1: `"` is not closed'),
    ("root ::= [0-9", "line 1: `[` is not closed"),
    ('root ::= ("a"', "line 1: the bracket `(` is not closed"),
    ('root ::= "a")', "')' is not expected here"),
    ('root ::= "a"\n | "b"', "line 2: the name of a rule is expected"),
    ('root = "a"', "`::=` is expected"),
    ("garbage", "`::=` is expected"),
    ('root ::= * "a"', "nothing before `*` to repeat"),
    ('root ::= "a"{x}', "a number of times is expected"),
    ('root ::= "a"{2001}', "2,001 times are more than the 2,000"),
    ('root ::= "\\q"', "no escape"),
    ('root ::= root "a" | "b"', "`root` begins with itself"),
    ('root ::= a\na ::= "x"? b\nb ::= a', "begins with itself"),
    ('root ::= a "c"\na ::= (b | "x")\nb ::= ("y" | root)', "begins with itself"),
    ('root ::= ("a"?)* b\nb ::= "x" | ""', ""),
)


@pytest.mark.parametrize(("grammar", "problem"), GRAMMARS)
def test_what_is_wrong_with_a_grammar_is_told_with_its_line(grammar: str, problem: str) -> None:
    assert problem in gbnf.problem_of(grammar)
    assert bool(problem) == bool(gbnf.problem_of(grammar))


def test_brackets_without_an_end_are_told_and_not_followed() -> None:
    assert "within each other" in gbnf.problem_of(f"root ::= {'(' * 100_000}")
    assert "NUL" in gbnf.problem_of('root ::= "a\0"')


@given(st.text(alphabet='ab:= \n|()[]^*+?{},0123"\\.#-<>!', max_size=40))
def test_no_grammar_ends_the_reader(text: str) -> None:
    for grammar in (text, f"root ::= {text}", f'root ::= {text}\na ::= "a"\nb ::= a'):
        assert isinstance(gbnf.problem_of(grammar), str)


async def test_the_engine_says_the_same_of_each_grammar(starter_model: Path) -> None:
    async with loaded(starter_model) as server:
        for grammar, problem in GRAMMARS:
            if not grammar:  # which the engine takes for none
                continue
            events = await gather(server.stream_chat(user("Hi."), Sampling(0, max_tokens=3, grammar=grammar)))
            if problem:
                assert "failed to parse grammar" in failure_of(events).error.why, grammar
            else:
                finish_of(events)


# The engine


async def test_each_value_does_what_it_says(starter_model: Path) -> None:
    question = "Tell me about the sea."
    async with loaded(starter_model) as server:

        async def text(prompt: str | None = None, question: str = question, **values: Any) -> str:
            return text_of(await answer(server, said(prompt, **({"max_tokens": 16} | values)), question))

        hot = {"temperature": 2.0, "seed": 7}
        greedy = await text(temperature=0)
        assert greedy == await text(temperature=0)
        wild = await text(**hot)
        assert wild == await text(**hot), "the same seed, the same words"
        assert wild != await text(**hot | {"seed": 4_000_000_000})
        assert wild != greedy
        # Whichever leaves one candidate only makes the hottest answer the coldest.
        for only_one in ({"top_k": 1}, {"top_p": 0.0}, {"min_p": 1.0}):
            assert await text(**hot, **only_one) == greedy, only_one
        again = "Repeat: a a a a a a a a"
        plain = await text(temperature=0, repeat_penalty=1.0, question=again)
        for penalty in ({"repeat_penalty": 2.0}, {"presence_penalty": 2.0}, {"frequency_penalty": 2.0}):
            assert await text(**{"temperature": 0, "repeat_penalty": 1.0, **penalty}, question=again) != plain, penalty
        events = await answer(server, said(temperature=0, max_tokens=5), question)
        assert (finish_of(events).reason, finish_of(events).usage.completion_tokens) == ("length", 5)
        word = greedy.split()[2]
        assert (await text(temperature=0, stop=[word])).strip() == greedy.split(word)[0].strip()
        assert await text("Answer in French only.", temperature=0) != greedy


async def test_an_answer_keeps_to_its_format(starter_model: Path) -> None:
    async with loaded(starter_model) as server:

        async def text(response_format: dict[str, Any]) -> str:
            asked = said(temperature=0, max_tokens=120, response_format=response_format)
            events = await answer(server, asked, "Tell me about a person.")
            assert finish_of(events).reason == "stop"
            return text_of(events)

        person = json.loads(await text(answer_format.of_schema(PERSON)))
        assert set(person) == {"name", "age"}
        assert isinstance(person["age"], int)
        assert await text(answer_format.of_grammar('root ::= "yes" | "no"')) in ("yes", "no")
        date = await text(answer_format.of_grammar(DATE))
        assert len(date) == 7
        assert 1 <= int(date.split("-")[1]) <= 12
        assert isinstance(json.loads(await text({"type": "json_object"})), dict)


async def test_every_starting_preset_is_taken(starter_model: Path) -> None:
    async with loaded(starter_model) as server:
        for preset in BUILT_IN:
            events = await answer(server, said(**dict(preset.sampling), max_tokens=4), "Say hi.")
            assert finish_of(events).usage.completion_tokens > 0, preset.name


async def engine_defaults(model: Path) -> dict[str, Any]:
    async with (
        loaded(model) as server,
        network.engine_client(server.endpoint.base_url, server.endpoint.api_key) as client,
    ):
        response = await client.get("/props")
    params: dict[str, Any] = response.json()["default_generation_settings"]["params"]
    return params


async def test_the_defaults_are_those_of_the_engine(starter_model: Path) -> None:
    params, ours = await engine_defaults(starter_model), defaults()
    for number in NUMBERS:
        default = ours[number.name]
        if number.name in ("max_tokens", "seed"):
            assert default.value is None
        elif default.whose == "engine's default":
            assert params[number.name] == pytest.approx(default.value), number.name
    assert params["max_tokens"] == -1
    assert ours["repeat_penalty"].value == Sampling().repeat_penalty


def with_temperature(model: Path, copy: Path, temperature: float) -> Path:
    """A copy of a model whose file says how it is best sampled."""
    content, header = model.read_bytes(), read_model(model)
    key = b"general.sampling.temp"
    entry = struct.pack("<Q", len(key)) + key + struct.pack("<If", 6, temperature)
    (entries,) = struct.unpack_from("<Q", content, 16)
    head = content[:16] + struct.pack("<Q", entries + 1) + entry + content[24 : header.header_bytes]
    copy.write_bytes(head + b"\0" * (-len(head) % header.alignment) + content[header.data_offset :])
    return copy


async def test_a_models_file_may_have_defaults_of_its_own(starter_model: Path, tmp_path: Path) -> None:
    """As the engine's own, where the file says them: `general.sampling.*`."""
    copy = with_temperature(starter_model, tmp_path / "cool.gguf", 0.25)
    found = defaults(read_model(copy).metadata)
    assert (await engine_defaults(copy))["temperature"] == found["temperature"].value == 0.25
    assert found["temperature"].whose == "from the model's file"
    assert found["top_p"] == defaults()["top_p"]
    assert defaults({"general.sampling.temp": "warm"})["temperature"].value == 0.8


# Presets by name, and files


def test_a_choice_is_called_by_what_it_says() -> None:
    mine = Preset(Scope.NAMED, name="Pirate", system_prompt="Arr.", sampling={"temperature": 0.9})
    chat = Preset(Scope.CHAT, "c")
    assert name_of(chat, [mine]) == "Default"
    precise = applied(BUILT_IN[0], chat)
    assert (precise.scope, precise.subject, name_of(precise, [mine])) == (Scope.CHAT, "c", "Precise")
    pirate = applied(mine, precise)
    assert name_of(pirate, [mine]) == "Pirate"
    assert name_of(pirate, []) == "Custom"
    assert applied(BUILT_IN[0], pirate, [mine]).system_prompt is None, "what came with a preset goes with it"
    kept = applied(BUILT_IN[0], pirate)
    assert kept.system_prompt == "Arr.", "a preset without a prompt costs none"
    assert name_of(kept, [mine]) == "Precise"
    assert all(is_reserved(name) for name in ("precise", "Default", "JSON ONLY", "custom"))
    assert not is_reserved("Pirate")


def test_a_preset_comes_back_from_its_file(tmp_path: Path) -> None:
    values = {"temperature": 0.9, "stop": ["\n"], "response_format": answer_format.of_schema(PERSON), "mirostat": 2}
    preset = Preset(Scope.NAMED, name="Pirate", system_prompt="Arr.\n\N{PARROT}", sampling=values)
    file = tmp_path / "pirate.json"
    preset_files.write(file, preset)
    assert preset_files.read(file) == preset
    preset_files.write(file, Preset(Scope.NAMED, name="Pirate", sampling=values))
    assert preset_files.read(file).system_prompt is None


def test_llama_cpps_names_of_a_format_are_read(tmp_path: Path) -> None:
    def read(sampling: dict[str, Any]) -> Any:
        file = tmp_path / "one.json"
        file.write_text(json.dumps({"format": preset_files.FORMAT, "version": 1, "sampling": sampling}))
        return preset_files.read(file).sampling

    assert read({"grammar": 'root ::= "a"'}) == {"response_format": answer_format.of_grammar('root ::= "a"')}
    assert read({"json_schema": PERSON}) == {"response_format": answer_format.of_schema(PERSON)}


LM_STUDIO = {
    "identifier": "@local:pirate",
    "name": "Pirate",
    "changed": False,
    "operation": {
        "fields": [
            {"key": "llm.prediction.systemPrompt", "value": "Arr."},
            {"key": "llm.prediction.temperature", "value": 0.6},
            {"key": "llm.prediction.topKSampling", "value": -1},
            {"key": "llm.prediction.topPSampling", "value": {"checked": True, "value": 0.9}},
            {"key": "llm.prediction.minPSampling", "value": {"checked": False, "value": 0.05}},
            {"key": "llm.prediction.repeatPenalty", "value": {"checked": False, "value": 1.1}},
            {"key": "llm.prediction.llama.presencePenalty", "value": {"checked": True, "value": 1.5}},
            {"key": "llm.prediction.maxPredictedTokens", "value": {"checked": False, "value": 1000}},
            {"key": "llm.prediction.seed", "value": {"checked": True, "value": 42}},
            {"key": "llm.prediction.stopStrings", "value": ["THE END"]},
            {"key": "llm.prediction.structured", "value": {"type": "json", "jsonSchema": PERSON}},
            {"key": "llm.prediction.llama.cpuThreads", "value": 14},
        ]
    },
    "load": {"fields": [{"key": "llm.load.contextLength", "value": 4096}]},
}


def test_lm_studios_presets_are_read(tmp_path: Path) -> None:
    file = tmp_path / "Pirate.preset.json"
    file.write_text(json.dumps(LM_STUDIO))
    preset = preset_files.read(file)
    assert (preset.scope, preset.name, preset.system_prompt) == (Scope.NAMED, "Pirate", "Arr.")
    assert preset.sampling == {
        "temperature": 0.6,
        "top_k": 0,
        "top_p": 0.9,
        "min_p": 0.0,
        "repeat_penalty": 1.0,
        "presence_penalty": 1.5,
        "max_tokens": -1,
        "seed": 42,
        "stop": ["THE END"],
        "response_format": answer_format.of_schema(PERSON),
        "llm.prediction.llama.cpuThreads": 14,
    }
    assert asking(resolve([applied(preset, Preset(Scope.CHAT, "c"))])).sampling.seed == 42


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "it is no JSON"),
        (b"[1, 2]", "it is no preset of this program or of LM Studio"),
        (b"\xff\xfe\x00", "it is no text"),
        (b"[" * 200_000, "nested too deeply"),
        (b'{"format": "nodetool-xl-desktop preset", "version": 2, "sampling": {}}', "of version 2"),
        (b'{"format": "nodetool-xl-desktop preset", "version": 1, "sampling": []}', "it is no preset"),
        (b'{"format": "nodetool-xl-desktop preset", "version": 1, "sampling": {"top_p": 7}}', "Top P is 7; it has"),
        (b'{"operation": {"fields": [{"key": "llm.prediction.temperature", "value": "x"}]}}', "Temperature is 'x'"),
        (b'{"operation": {"fields": [3]}}', "not subscriptable"),
        (b" " * (preset_files.LARGEST + 1), "at most 4 MB"),
    ],
)
def test_a_file_that_is_no_preset_is_told(tmp_path: Path, content: bytes, why: str) -> None:
    file = tmp_path / "odd.json"
    file.write_bytes(content)
    with pytest.raises(PresetError) as told:
        preset_files.read(file)
    assert told.value.what == "odd.json cannot be imported"
    assert why in told.value.why


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(PresetError, match="No such file"):
        preset_files.read(tmp_path / "gone.json")
    assert preset_files.free_name("Pirate", ["pirate", "Pirate (2)"]) == "Pirate (3)"


# What is set where


def test_where_each_value_comes_from() -> None:
    desk = PresetDesk()
    around = [
        Preset(Scope.GLOBAL, system_prompt="Be kind.", sampling={"top_k": 5}),
        Preset(Scope.MODEL, "m", sampling={"temperature": 0.3}),
    ]
    desk.put("c", "m", around, {"general.sampling.min_p": 0.01})
    assert (desk.row("temperature").value, desk.row("temperature").whence) == (0.3, "from this model")
    assert (desk.row("top_k").value, desk.row("top_k").whence) == (5, "from all chats")
    assert (desk.row("top_p").value, desk.row("top_p").whence) == (0.95, "engine's default")
    assert (desk.row("min_p").value, desk.row("min_p").whence) == (0.01, "from the model's file")
    assert desk.row("repeat_penalty").whence == "this program's default"
    desk.set("temperature", 1.0)
    assert (desk.row("temperature").own, desk.row("temperature").inherited) == (1.0, 0.3)
    assert desk.row("temperature").whence == "set for this chat"
    desk.scope = Scope.MODEL
    assert (desk.row("temperature").value, desk.row("temperature").instead) == (0.3, "this chat has its own")
    desk.scope = Scope.CHAT
    desk.set("temperature", None)
    assert desk.row("temperature").whence == "from this model"
    desk.set("system_prompt", "")
    assert desk.settings["system_prompt"] == Setting("", desk.shown)


async def test_what_is_set_is_what_the_store_then_says(tmp_path: Path) -> None:
    store = await Store.open(tmp_path / "chats")
    try:
        chat = (await store.list.new()).id
        desk = PresetDesk()
        desk.put(chat, "m", await store.presets.around(chat, "m"))
        desk.set("temperature", 0.2)
        first = desk.unsaved()[0]
        desk.set("top_k", 3)
        await store.presets.settle(first)
        desk.is_saved(first)
        assert desk.unsaved(), "what was changed meanwhile is still to be written"
        for preset in desk.unsaved():
            await store.presets.settle(preset)
            desk.is_saved(preset)
        assert not desk.unsaved()
        assert {name: each.value for name, each in (await store.presets.settings(chat, "m")).items()} == {
            "temperature": 0.2,
            "top_k": 3,
        }
        desk.choose(None, desk.shown)
        await store.presets.settle(desk.unsaved()[0])
        assert await store.presets.every() == []
        await store.presets.keep(Preset(Scope.CHAT, chat, "a name that it may not have", sampling={"seed": 1}))
        await store.presets.settle(Preset(Scope.CHAT, chat, sampling={"seed": 2}))
        assert [preset.sampling for preset in await store.presets.every()] == [{"seed": 2}]
    finally:
        await store.close()


def test_what_is_set_before_a_chat_exists_waits_for_it() -> None:
    desk = PresetDesk()
    desk.put("", "m", [])
    desk.set("temperature", 0.2)
    assert desk.new_chat == Preset(Scope.CHAT, sampling={"temperature": 0.2})
    assert not desk.unsaved()
    desk.put("other", "m", [])
    assert desk.row("temperature").own is None
    desk.put("", "m", [])
    assert desk.row("temperature").own == 0.2
    desk.new_chat_is_made()
    assert desk.new_chat is None
    assert desk.row("temperature").own is None
