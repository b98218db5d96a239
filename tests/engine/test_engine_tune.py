"""Finding the best settings: what is tried, what takes over, and that no accident leaves an engine behind.

Which speeds are faster is played (tests/scripted_engine); that speeds can be measured at all is tried with the real
engine. No test says how fast this machine is.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import processes
import pytest

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.engine.child import worker_command
from nodetool_xl_desktop.engine.tune import Candidates, Measurement, Step, Tuned, tune
from nodetool_xl_desktop.fit.options import LoadOptions, LoadSettings

pytestmark = pytest.mark.usefixtures("no_process_left")

SCRIPTED = Path(__file__).parents[1] / "scripted_engine"
BASE = LoadOptions(context_length=2048)
#: None of them takes every core.
FOUR = Candidates(threads=(4, 3, 2, 1), cores=8)
Rules = list[dict[str, Any]]


class Play:
    """One tuning of the scripted engine, and what it heard of it."""

    def __init__(self, folder: Path) -> None:
        self._journal = folder / "journal"
        self.model = folder / "model.gguf"
        self.model.write_bytes(b"GGUF")

    def steps(self, rules: Rules, candidates: Candidates = FOUR, base: LoadOptions = BASE, **more: Any) -> Any:
        variables = {"PYTHONPATH": SCRIPTED, "PLAYED": json.dumps(rules), "PLAYED_JOURNAL": self._journal}
        command = ("env", *(f"{name}={value}" for name, value in variables.items()), *worker_command())
        return tune(self.model, base, candidates=candidates, command=command, **more)

    async def result(self, rules: Rules, candidates: Candidates = FOUR, base: LoadOptions = BASE, **more: Any) -> Tuned:
        return result_of([step async for step in self.steps(rules, candidates, base, **more)])

    def heard(self, kind: str) -> list[dict[str, Any]]:
        entries = [json.loads(line) for line in self._journal.read_text().splitlines()]
        return [entry for entry in entries if kind in entry]


@pytest.fixture
def play(tmp_path: Path) -> Play:
    return Play(tmp_path)


def result_of(steps: list[Step]) -> Tuned:
    assert [step.result for step in steps[:-1]] == [None] * (len(steps) - 1)
    assert steps[-1].result is not None
    return steps[-1].result


def tried(tuned: Tuned) -> list[tuple[int, int, bool | None]]:
    return [(row.options.threads, row.options.batch, row.options.flash_attention) for row in tuned.rows]


# What is tried, and what wins


async def test_each_setting_is_tried_with_the_best_of_those_before(play: Play) -> None:
    rules = [
        {"threads": 3, "batch": 512, "flash": False, "prompt": 500, "decode": 90},
        {"threads": 3, "batch": 512, "prompt": 400, "decode": 80},
        {"threads": 3, "prompt": 200, "decode": 70},
        {"threads": 4, "prompt": 150, "decode": 60},
        {"prompt": 100, "decode": 40},
    ]
    steps = [step async for step in play.steps(rules)]
    tuned = result_of(steps)
    assert tried(tuned) == [
        (1, 128, None), (4, 128, None), (3, 128, None), (2, 128, None), (3, 512, None), (3, 512, False),
    ]  # fmt: skip
    assert tuned.winner == LoadSettings(threads=3, batch=512, flash_attention=False)
    assert tuned.best == Measurement(tuned.rows[-1].options, 500, 90, 512 / 500 + 256 / 90)
    assert tuned.best is tuned.rows[-1]
    assert [step.row.options for step in steps if step.row][:-1] == [row.options for row in tuned.rows]
    done = [step.done for step in steps]
    assert done == sorted(done)
    assert (done[0], done[-1]) == (0, steps[-1].of)
    assert [step.what for step in steps if step.row] == [
        "the settings as they are", "4 threads", "3 threads", "2 threads", "batches of 512 tokens",
        "no flash attention", "done",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("better", "gain", "wins"),
    [
        pytest.param({"threads": 2}, 1.02, False, id="less than the least gain"),
        pytest.param({"threads": 2}, 1.06, True, id="more than the least gain"),
        pytest.param({"threads": 8}, 1.08, False, id="every core for little"),
        pytest.param({"threads": 8}, 1.15, True, id="every core for much"),
        pytest.param({"batch": 512}, 1.08, False, id="Stop that is felt late, for little"),
        pytest.param({"batch": 512}, 1.15, True, id="Stop that is felt late, for much"),
        pytest.param({"batch": 64}, 1.06, True, id="Stop that is felt early"),
        pytest.param({"flash": False}, 1.02, False, id="flash attention for nothing"),
        pytest.param({"flash": False}, 1.06, True, id="flash attention"),
    ],
)
async def test_what_has_a_price_has_to_win_by_more(play: Play, better: dict[str, Any], gain: float, wins: bool) -> None:
    rules = [{**better, "prompt": 100 * gain, "decode": 50 * gain}, {"prompt": 100, "decode": 50}]
    values = {"threads": (), "batch": (), "flash": ()} | {name: (value,) for name, value in better.items()}
    tuned = await play.result(rules, Candidates(values["threads"], 8, values["batch"], values["flash"]))
    assert (tuned.best is not tuned.rows[0]) == wins
    said = {"threads": tuned.winner.threads, "batch": tuned.winner.batch, "flash": tuned.winner.flash_attention}
    assert said == {"threads": 1, "batch": 128, "flash": None} | (better if wins else {})


@pytest.mark.parametrize(
    ("new", "wins"),
    [
        pytest.param([60, 62, 64], True, id="all of them faster"),
        pytest.param([60, 62, 51], True, id="one bad moment"),
        pytest.param([60, 62, 35], False, id="as slow as it may be"),
        pytest.param([51, 80, 45], False, id="one good moment"),
    ],
)
async def test_a_difference_within_the_noise_is_none(play: Play, new: list[float], wins: bool) -> None:
    rules = [{"threads": 2, "prompt": 1000, "decode": new}, {"prompt": 1000, "decode": [50, 48, 52, 50]}]
    tuned = await play.result(rules, Candidates((1, 2), cores=8, batch=(), flash_attention=()))
    assert (tuned.winner.threads == 2) == wins


async def test_what_is_clear_is_not_measured_three_times(play: Play) -> None:
    rules = [{"threads": 2, "prompt": 10, "decode": 5}, {"prompt": 100, "decode": 50}]
    await play.result(rules, Candidates((1, 2), cores=8, batch=(), flash_attention=()))
    slow = play.heard("load")[1]["pid"]
    assert len([entry for entry in play.heard("prompt") if entry["pid"] == slow]) == 3  # the warm-up is the first


async def test_flash_attention_that_is_on_may_be_better_off_and_the_other_way_round(play: Play) -> None:
    for now, tried_too in ((True, False), (False, True)):
        base = LoadOptions(context_length=2048, flash_attention=now)
        rules = [{"flash": tried_too, "prompt": 200, "decode": 70}, {"prompt": 100, "decode": 40}]
        tuned = await play.result(rules, Candidates((1,), cores=8, batch=(128,)), base)
        assert tuned.winner.flash_attention is tried_too


async def test_layers_are_said_only_where_they_were_measured_one_model_at_a_time(play: Play) -> None:
    rules = [{"layers": 20, "prompt": 900, "decode": 90}, {"layers": 24, "fail": "out of memory"}, {"prompt": 100}]
    candidates = Candidates((1, 2), cores=8, batch=(), flash_attention=(), gpu_layers=(0, 20, 24))
    alive = []
    steps = play.steps(rules, candidates)
    async for step in steps:
        alive.append(len(processes.children()) if "layers" in step.what else 0)
    tuned = step.result
    assert tuned.winner.gpu_layers == 20
    assert "memory" in tuned.rows[-1].error
    assert max(alive) == 1
    fewer = await play.result(rules, Candidates((1, 2), cores=8, batch=(), flash_attention=()))
    assert fewer.winner.gpu_layers is None


async def test_two_models_at_most_and_what_a_single_chat_does_not_need_is_not_taken(play: Play) -> None:
    alive = []
    base = LoadOptions(context_length=2048, parallel=4, cache_ram_mib=2048)
    async for step in play.steps([{"prompt": 100}], base=base):
        alive.append(len(processes.children()))
        for row in (step.row,) if step.row else ():
            assert (row.options.parallel, row.options.cache_ram_mib) == (1, 0)
    assert max(alive) == 2
    assert len(play.heard("load")) == 6  # each of the settings once, the holder stays


async def test_a_prompt_is_one_of_a_usual_turn_that_no_cache_knows(play: Play) -> None:
    await play.result([{"prompt": 1000}])
    warm_ups = {entry["pid"]: entry for entry in reversed(play.heard("prompt"))}.values()
    assert all(entry["max_tokens"] < 10 and entry["tokens"] < 100 for entry in warm_ups)
    samples = [entry for entry in play.heard("prompt") if entry not in warm_ups]
    assert len(samples) > 18
    assert all(entry["max_tokens"] == 64 and 480 <= entry["tokens"] <= 530 for entry in samples)
    assert len({entry["prompt"][:6] for entry in samples}) > len(samples) - 2


async def test_a_slow_model_gets_short_prompts_which_say_nothing_of_a_batch(play: Play) -> None:
    tuned = await play.result([{"batch": 512, "prompt": 900, "decode": 90}, {"prompt": 20, "decode": 5}])
    assert all(batch == 128 for _, batch, _ in tried(tuned))
    assert max(entry["tokens"] for entry in play.heard("prompt")) <= 130


async def test_when_the_time_is_over_the_best_so_far_is_the_result(play: Play) -> None:
    tuned = await play.result([{"prompt": 100}], budget_s=0)
    assert tried(tuned) == [(1, 128, None)]
    assert tuned.winner == LoadSettings(threads=1, batch=128)


async def test_an_engine_that_tells_no_speeds_is_measured_by_the_clock(play: Play) -> None:
    tuned = await play.result([{"play": "silent"}], Candidates((1,), cores=8, batch=(), flash_attention=()))
    assert tuned.best.prompt_tokens_per_s
    assert tuned.best.decode_tokens_per_s


# Failures


@pytest.mark.parametrize("fault", [{"fail": "something broke"}, {"play": "die"}], ids=["load", "answer"])
async def test_a_candidate_that_fails_is_a_row_and_not_the_end(play: Play, fault: dict[str, Any]) -> None:
    rules = [{"threads": 3, **fault}, {"threads": 4, "prompt": 400, "decode": 80}, {"prompt": 100, "decode": 40}]
    tuned = await play.result(rules)
    failed = [row for row in tuned.rows if row.error]
    assert [row.options.threads for row in failed] == [3]
    assert (failed[0].prompt_tokens_per_s, failed[0].turn_s) == (None, None)
    assert tuned.winner.threads == 4
    assert len(tuned.rows) == 6


@pytest.mark.parametrize("fault", [{"fail": "something broke"}, {"play": "die"}], ids=["load", "answer"])
async def test_settings_as_they_are_that_fail_are_an_error(play: Play, fault: dict[str, Any]) -> None:
    with pytest.raises(UserFacingError):
        await play.result([fault])
    assert len(play.heard("load")) == 1


async def test_settings_that_hold_and_fail_later_are_an_error_too(play: Play) -> None:
    with pytest.raises(UserFacingError):
        await play.result([{"threads": 1, "play": "die", "after": 3}, {"prompt": 100}])
    assert len(play.heard("load")) == 2


# The end in the middle


@pytest.mark.parametrize("hangs", [{}, {"threads": 4}], ids=["first model", "two models"])
async def test_a_cancelled_tuning_leaves_no_engine(play: Play, hangs: dict[str, Any]) -> None:
    task = asyncio.create_task(play.result([{**hangs, "play": "hang"}, {"prompt": 100}]))
    await until(lambda: len(processes.children()) == len(hangs) + 1)
    await asyncio.sleep(0.3)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    assert task.cancelled()
    assert not processes.children()


async def test_a_closed_tuning_leaves_no_engine(play: Play) -> None:
    async with contextlib.aclosing(play.steps([{"prompt": 100}])) as steps:
        async for step in steps:
            if step.done == 3:
                assert len(processes.children()) == 2
                break
    assert not processes.children()


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - processes tell nobody
            await asyncio.sleep(0.01)


# The real engine


async def test_the_real_engine_is_measured_and_a_small_context_is_enough(starter_model: Path) -> None:
    base = LoadOptions(context_length=256)
    candidates = Candidates((1,), cores=8, batch=(512, 64), flash_attention=())
    tuned = result_of([step async for step in tune(starter_model, base, candidates=candidates, budget_s=4)])
    first, *others = tuned.rows
    assert first.prompt_tokens_per_s
    assert first.decode_tokens_per_s
    assert first.turn_s
    for row in others:
        assert row.options.batch == 64  # a prompt that fits says nothing of a batch of 512
        assert row.turn_s or "no time" in row.error
