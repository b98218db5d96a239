"""Which settings make a model fast on this machine: measured, as no table knows it.

Not every combination: first threads, then the batch with the best threads, then flash attention with those, then
layers on a graphics card. Each challenger is measured in turns with the settings that hold so far, on two loaded models
side by side where memory has room for that, as other programs make a machine slower and faster all the time.

What counts is the time of a usual turn: a prompt of 512 tokens, and an answer of 256. A challenger takes over when its
median is better by more than the noise (`_Run.takes_over`).
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

import psutil

from nodetool_xl_desktop.core.translation import tr, trn
from nodetool_xl_desktop.engine.errors import EngineError
from nodetool_xl_desktop.engine.hardware import physical_cores
from nodetool_xl_desktop.engine.speed import Bench, Sample
from nodetool_xl_desktop.fit.options import DEFAULT_BATCH, LoadOptions, LoadSettings

#: Samples of each side of a comparison; their median counts.
SAMPLES = 3
#: No comparison begins, and none goes on, after so long.
BUDGET_S = 120.0
#: A challenger must be better by this part of the time. More is asked of what has a price: Stop is felt at the end of a
#: batch, and a load that takes every core collapses as soon as another program works.
LEAST_GAIN, LEAST_GAIN_AT_A_PRICE = 0.03, 0.10
#: Sides that lie so far apart need no third sample.
CLEAR = 1.5
_TUNED = ("threads", "batch", "flash_attention", "gpu_layers")


@dataclass(frozen=True, slots=True)
class Candidates:
    """The values that are tried, in this order.

    Attributes:
        cores: of the machine; a load that takes all of them has to win by more.
        gpu_layers: around the solver's choice; empty where there is no graphics card.
    """

    threads: tuple[int, ...]
    cores: int
    batch: tuple[int, ...] = (DEFAULT_BATCH, 512)
    flash_attention: tuple[bool, ...] = (True, False)
    gpu_layers: tuple[int, ...] = ()

    @classmethod
    def for_this_machine(cls, gpu_layers: Sequence[int] = ()) -> Candidates:
        """Threads from its cores; the layers come from whoever can ask the devices."""
        logical = psutil.cpu_count() or 1
        physical = physical_cores() or logical
        threads = dict.fromkeys((physical, logical, max(1, physical - 1), 1))
        return cls(tuple(threads), logical, gpu_layers=tuple(gpu_layers))


@dataclass(frozen=True, slots=True)
class Measurement:
    """One row of the table: medians, in tokens per second; None, with the error, where nothing was measured.

    Attributes:
        turn_s: how long a usual turn takes at these speeds, in seconds.
    """

    options: LoadOptions
    prompt_tokens_per_s: float | None = None
    decode_tokens_per_s: float | None = None
    turn_s: float | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class Tuned:
    """The result.

    Attributes:
        winner: the tuned settings alone; GPU layers only where some were tried.
        best: the winner's row, one of `rows`.
        rows: everything that was tried, the settings as they were first.
        seconds: how long it all took.
    """

    winner: LoadSettings
    best: Measurement
    rows: tuple[Measurement, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class Step:
    """How far it is: `done` of `of` samples.

    Attributes:
        what: is measured now, in words.
        row: a row that is complete; the rows of the result have seen more samples.
        result: of the last step alone.
    """

    done: int
    of: int
    what: str
    row: Measurement | None = None
    result: Tuned | None = None


async def tune(
    model: Path,
    base: LoadOptions,
    *,
    candidates: Candidates | None = None,
    command: Sequence[str] | None = None,
    budget_s: float = BUDGET_S,
) -> AsyncGenerator[Step, None]:
    """Find the fastest settings; the last step has the result.

    Close the iterator (`contextlib.aclosing`) or cancel the task to end it at once: no engine child stays behind.

    Args:
        model: a `.gguf` file (of a split set: its first part).
        base: how it is loaded now; what is not tuned stays so, but for side-by-side chats and the prompt cache, which a
            single chat does not need.
        candidates: what to try, None for this machine's own.
        command: what to start instead of this program's own worker.
        budget_s: no comparison goes on after so long.

    Raises:
        UserFacingError: the model cannot be loaded or measured even with `base`.
    """
    base = replace(base, parallel=1, cache_ram_mib=0)
    run = _Run(Bench(model, command), base, candidates or Candidates.for_this_machine(), budget_s)
    try:
        yield run.step(tr("the settings as they are"))
        await run.bench.sample(base)
        yield run.step(tr("the settings as they are"), row=base)
        for challenger in run.challengers():
            for options in run.turns(challenger):
                yield run.step(_in_words(challenger, run.holder))
                await run.sample(options, challenger)
            yield run.step(_in_words(challenger, run.holder), row=challenger)
            await run.decide(challenger)
        yield run.result()
    finally:
        await run.bench.close()


class _Run:
    """One tuning: who holds, who challenges, and what was measured.

    Attributes:
        holder: the best settings so far.
    """

    def __init__(self, bench: Bench, base: LoadOptions, candidates: Candidates, budget_s: float) -> None:
        self.bench = bench
        self.holder = self._base = base
        self._candidates = candidates
        self._budget_s = budget_s
        self._started = time.monotonic()
        self._errors: dict[LoadOptions, str] = {}
        self._tried = [base]
        #: The samples of this comparison alone.
        self._sides: dict[LoadOptions, list[Sample]] = {}
        self._of = 1 + 2 * SAMPLES * len(list(self._possible()))

    def challengers(self) -> Iterator[LoadOptions]:
        """What to try; each is made from the settings that hold when it is asked for."""
        for challenger in self._possible():
            if self._out_of_time():
                return
            if challenger.batch > max(self.holder.batch, self.bench.prompt_tokens):
                continue  # a prompt that does not fill the batch says nothing about it
            self._tried.append(challenger)
            self._sides = {challenger: [], self.holder: []}
            yield challenger

    def turns(self, challenger: LoadOptions) -> Iterator[LoadOptions]:
        """Whom to sample next, until enough is known."""
        order = [challenger, self.holder]
        if self.bench.make_room(self.holder, challenger):
            order *= SAMPLES
        else:  # each change of sides is a load
            order = [challenger] * SAMPLES + [self.holder] * SAMPLES
        for options in order:
            if challenger in self._errors or self._out_of_time() or self._is_clear(challenger):
                return
            yield options

    async def sample(self, options: LoadOptions, challenger: LoadOptions) -> None:
        """Measure once. A challenger that fails has lost; the holder must not fail."""
        try:
            self._sides[options].append(await self.bench.sample(options))
        except (EngineError, OSError) as error:
            if options != challenger:
                raise
            self._errors[challenger] = str(error)

    async def decide(self, challenger: LoadOptions) -> None:
        """End a comparison: the loser leaves the memory."""
        loser = challenger
        if challenger not in self._errors and self.takes_over(challenger):
            loser, self.holder = self.holder, challenger
        await self.bench.end(loser)

    def takes_over(self, challenger: LoadOptions) -> bool:
        """Whether the challenger is better, and by more than the noise.

        That is: by the least gain between the medians, and with hardly a sample out of order. Its slowest one is faster
        than the holder's median, its median faster than the holder's fastest one. Three samples cannot say how large
        the noise is, but where it is larger than the gain they get mixed up.
        """
        new, old = (_turn_times(self._sides[options]) for options in (challenger, self.holder))
        if self._is_clear(challenger):
            return median(new) < median(_turn_times(self.bench.samples[self.holder]))
        if min(len(new), len(old)) < SAMPLES:
            return False
        enough = 1 - median(new) / median(old) > self._least_gain(challenger)
        return enough and max(new) < median(old) and median(new) < min(old)

    def row(self, options: LoadOptions) -> Measurement:
        """All that was measured with these options."""
        samples = self.bench.samples.get(options, [])
        if options in self._errors or not samples:
            return Measurement(options, error=self._errors.get(options, "there was no time left for it"))
        prompt = median(sample.prompt_tokens_per_s for sample in samples)
        decode = median(sample.decode_tokens_per_s for sample in samples)
        return Measurement(options, prompt, decode, Sample(prompt, decode).turn_s)

    def step(self, what: str, row: LoadOptions | None = None) -> Step:
        """How far it is: each comparison that is over counts whole, however early it was decided."""
        done = len(self.bench.samples.get(self._base, []))
        if begun := len(self._tried) - 1:
            done = 1 + 2 * SAMPLES * (begun - 1) + sum(map(len, self._sides.values()))
        return Step(min(done, self._of), self._of, what, self.row(row) if row else None)

    def result(self) -> Step:
        """The last step."""
        rows = tuple(self.row(options) for options in self._tried)
        best = next(row for row in rows if row.options == self.holder)
        said = LoadSettings(
            threads=self.holder.threads,
            batch=self.holder.batch,
            flash_attention=self.holder.flash_attention,
            # Unless it was measured, it stays with whoever looks at the devices before each load.
            gpu_layers=self.holder.gpu_layers if self._candidates.gpu_layers else None,
        )
        tuned = Tuned(said, best, rows, time.monotonic() - self._started)
        return Step(self._of, self._of, "done", row=best, result=tuned)

    def _possible(self) -> Iterator[LoadOptions]:
        for name in _TUNED:
            for value in getattr(self._candidates, name):
                if name == "flash_attention" and value and self.holder.flash_attention is None:
                    continue  # left to the engine, it is on wherever it can be
                challenger = replace(self.holder, **{name: value})
                if challenger not in self._tried:
                    yield challenger

    def _is_clear(self, challenger: LoadOptions) -> bool:
        """Whether every sample of one side is far from every one of the other."""
        new = _turn_times(self._sides[challenger])
        old = _turn_times(self._sides[self.holder])
        ever = _turn_times(self.bench.samples[self.holder])
        if len(new) < SAMPLES - 1:
            return False
        return min(new) > CLEAR * max(ever) or (len(old) >= SAMPLES - 1 and min(old) > CLEAR * max(new))

    def _least_gain(self, challenger: LoadOptions) -> float:
        larger_batch = challenger.batch > max(self.holder.batch, DEFAULT_BATCH)
        every_core = challenger.threads >= self._candidates.cores > self.holder.threads
        return LEAST_GAIN_AT_A_PRICE if larger_batch or every_core else LEAST_GAIN

    def _out_of_time(self) -> bool:
        return time.monotonic() - self._started > self._budget_s


def _turn_times(samples: Sequence[Sample]) -> list[float]:
    return [sample.turn_s for sample in samples]


def _in_words(challenger: LoadOptions, holder: LoadOptions) -> str:
    """What is tried, for a person."""
    name = next(name for name in _TUNED if getattr(challenger, name) != getattr(holder, name))
    value = getattr(challenger, name)
    if name == "threads":
        return trn("{count} thread", "{count} threads", value)
    if name == "batch":
        return trn("batches of {count} token", "batches of {count} tokens", value)
    if name == "gpu_layers":
        return trn("{count} layer on the graphics card", "{count} layers on the graphics card", value)
    return tr("flash attention") if value else tr("no flash attention")
