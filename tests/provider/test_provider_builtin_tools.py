"""The real engine's grammars take the built-in tools' arguments, and what it writes by them fits, and runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from nodetool_xl_desktop.core.network import OffLine
from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.engine.pool import Pool
from nodetool_xl_desktop.provider import LoadSettings, Message, XLlamaCppProvider
from nodetool_xl_desktop.tools.arguments import fit
from nodetool_xl_desktop.tools.built_in import BuiltIn
from nodetool_xl_desktop.tools.source import Workspace

ASK = [Message("user", "What does notes.txt say of the tide? Look into the folder, or at https://example.org/tides.")]


async def notes() -> bytes:
    return b"High water is at 6:12."


@pytest.mark.parametrize(
    "names",
    [
        pytest.param(("fetch_page", "search_folder"), id="two"),
        pytest.param(
            ("calculator", "clock", "read_file", "list_folder", "search_folder", "fetch_page", "run_python"),
            id="all",
            marks=pytest.mark.soak,
        ),
    ],
)
async def test_a_forced_call_of_each_fits_and_one_runs(
    starter_model: Path, paths: Paths, tmp_path: Path, names: Sequence[str]
) -> None:
    (tmp_path / "tides.txt").write_text("High water is at 6:12.")
    source, attached = BuiltIn(OffLine()), {"notes.txt": notes}
    offered = {each.tool.name: each.tool for each in await source.offered(Workspace(tmp_path))}
    for each in await source.offered(Workspace(files=attached)):
        offered[each.tool.name] = each.tool  # read_file with what was attached
    assert set(names) <= offered.keys()
    assert len(offered) == 7
    pool = Pool()
    provider = XLlamaCppProvider(pool, paths)
    load = LoadSettings(context_length=2048)
    try:
        for name in names:
            tool = offered[name]
            message = await provider.generate_message(
                ASK, starter_model, [tool], 700, tool_choice=name, load=load, temperature=0, seed=1
            )
            (call,) = message.tool_calls
            assert (call.name, call.problem, fit(tool, call.args).problem) == (name, "", ""), call
        answer = await provider.generate_message(
            ASK, starter_model, [offered["read_file"]], 30, tool_choice="read_file", run_tools=True, load=load, seed=1
        )
        assert answer.tool_calls[0].args["name"] == "notes.txt"
        assert answer.text
    finally:
        await pool.close()
