"""The report of `fit` for a person: a verdict, one sentence, and a table with a column for each memory."""

from __future__ import annotations

from nodetool_xl_desktop.core import units
from nodetool_xl_desktop.core.translation import in_a_row, tr, trn
from nodetool_xl_desktop.fit.options import LoadOptions
from nodetool_xl_desktop.library.model_file import title
from nodetool_xl_desktop.preview.report import FitReport

_SOURCES = {"estimate": tr("estimate"), "engine": tr("planned by the engine")}
_NAME_WIDTH = 20
#: No column is narrower than the longest figure and a space before it.
_COLUMN_WIDTH = 12


def text(report: FitReport) -> str:
    """The whole report."""
    header = report.header
    facts = [header.quantization, header.size_label, units.file_size(header.total_size)]
    if header.context_length_max:
        facts.append(tr("up to {tokens}", tokens=units.tokens(header.context_length_max)))
    lines = [
        f"{title(header.path)}  ({', '.join(fact for fact in facts if fact)})",
        f"{tr(report.verdict.value)}: {report.advice}",
        *(tr("Or: {says}", says=_sentence(remedy.says)) for remedy in report.remedies[1:]),
        "",
        tr("With {settings} ({source}):", settings=", ".join(_settings(report)), source=_SOURCES[report.source]),
        *_table(report),
    ]
    return "\n".join([*lines, *(tr("\nNote: {warning}", warning=warning) for warning in report.warnings)])


def _settings(report: FitReport) -> list[str]:
    """What the figures depend on, where it is not as ever."""
    options, need = report.options, report.need
    said = [tr("{tokens} of context", tokens=units.tokens(options.context_length))]
    if options.parallel > 1:
        said.append(
            trn("{count} chat together", "{count} chats together", options.parallel)
            if options.kv_unified
            else trn("{count} chat each", "{count} chats each", options.parallel)
        )
    said += _unusual(options)
    if sum(need.layers_on):
        on = [(device.name, layers) for (device, _), layers in zip(need.devices, need.layers_on, strict=True) if layers]
        where = ", ".join(tr("{layers} on {device}", layers=layers, device=name) for name, layers in on)
        named = {"on": sum(need.layers_on), "where": where, "device": on[0][0]}
        said.append(
            trn("{on} of {count} layer ({where})", "{on} of {count} layers ({where})", need.layers, **named)
            if len(on) > 1
            else trn("{on} of {count} layer on {device}", "{on} of {count} layers on {device}", need.layers, **named)
        )
    return said


def _unusual(options: LoadOptions) -> list[str]:
    ordinary, said = LoadOptions(), []
    if (options.kv_type_k, options.kv_type_v) != (ordinary.kv_type_k, ordinary.kv_type_v):
        kinds = dict.fromkeys((options.kv_type_k, options.kv_type_v))
        said.append(tr("a KV cache in {types}", types=in_a_row(kinds)))
    if options.flash_attention is False:
        said.append(tr("no flash attention"))
    if options.physical_batch != ordinary.physical_batch:
        said.append(tr("batches of {physical_batch}", physical_batch=units.tokens(options.physical_batch)))
    return said


def _table(report: FitReport) -> list[str]:
    host, need = report.host, report.need
    columns = [
        (tr("Memory"), need.host, host.free),
        *((device.name, use, device.free) for device, use in need.devices),
    ]
    rows: list[tuple[str, list[str]]] = []
    for name, part in ((tr("Model"), "model"), (tr("Context (KV cache)"), "context"), (tr("Compute"), "compute")):
        rows.append((name, [units.memory(getattr(use, part)) for _, use, _ in columns]))
    if need.all.projector:
        rows.append((tr("Projector"), [units.memory(use.projector) for _, use, _ in columns]))
    rows.append((tr("Together"), [units.memory(use.total) for _, use, _ in columns]))
    rows.append(
        (tr("Free memory"), [tr("not reported") if free is None else units.memory(free) for _, _, free in columns])
    )
    names = [name for name, _, _ in columns]
    widths = [
        max(_COLUMN_WIDTH, len(name) + 2, *(len(cells[place]) + 2 for _, cells in rows))
        for place, name in enumerate(names)
    ]
    table = [_row("", names, widths)] if need.devices else []
    return [*table, *(_row(name, cells, widths) for name, cells in rows)]


def _row(name: str, cells: list[str], widths: list[int]) -> str:
    return f"  {name:<{_NAME_WIDTH}}" + "".join(f"{cell:>{width}}" for cell, width in zip(cells, widths, strict=True))


def _sentence(part: str) -> str:
    return f"{part[:1].upper()}{part[1:]}."
