"""The tools that come with the program, as a source of tools.

Which of them a chat has depends on what its person gave: without a folder there is nothing to search, and a small model
that is shown a tool tries to use it.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from nodetool_xl_desktop.core.connections import Purpose
from nodetool_xl_desktop.core.network import OffLine
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.tools.calculator import CalculatorTool
from nodetool_xl_desktop.tools.clock import ClockTool
from nodetool_xl_desktop.tools.folder_tools import ListFolderTool, SearchFolderTool
from nodetool_xl_desktop.tools.read_file import ReadFileTool
from nodetool_xl_desktop.tools.source import Offered, Workspace
from nodetool_xl_desktop.tools.tool import Tool


def by_name() -> dict[str, Tool]:
    """Those that need nothing of a person's and reach nowhere, by name; new each time, as a tool may have state."""
    tools: list[Tool] = [CalculatorTool(), ClockTool()]
    return {tool.name: tool for tool in tools}


class BuiltIn:
    """All of them; a `ToolSource`.

    Args:
        off_line: while it is on, the tools that reach out refuse.
    """

    def __init__(self, off_line: OffLine) -> None:
        self._off_line = off_line

    async def offered(self, workspace: Workspace) -> Sequence[Offered]:
        """Those that have something to work on in this chat, the harmless first."""
        found = [
            Offered(
                CalculatorTool(),
                tr("Calculator"),
                asks=False,
                about=tr("Works out arithmetic: + - * / ^, roots, logarithms, sines and the like."),
            ),
            Offered(
                ClockTool(),
                tr("Date and Time"),
                asks=False,
                about=tr("The date, the weekday and the time, here or in another time zone."),
            ),
        ]
        if workspace.folder is not None or workspace.files:
            about = tr("Reads text files that you attached, or that lie in the folder that you opened.")
            found.append(Offered(ReadFileTool(workspace.folder, workspace.files), tr("Read Files"), about=about))
        if workspace.folder is not None:
            about = tr("Lists what is in the folder that you opened, and in those below it.")
            found.append(Offered(ListFolderTool(workspace.folder), tr("List Folders"), about=about))
            about = tr("Finds files and lines in the folder that you opened.")
            found.append(Offered(SearchFolderTool(workspace.folder), tr("Search Folder"), about=about))
        found += self._reaching_out()
        return found

    def _reaching_out(self) -> list[Offered]:
        # Their imports, once somebody asks for tools at all: the HTTP client and TLS.
        from nodetool_xl_desktop.tools.python import RunPythonTool  # noqa: PLC0415
        from nodetool_xl_desktop.tools.web_page import FetchPageTool  # noqa: PLC0415

        found = [
            Offered(
                FetchPageTool(self._off_line),
                tr("Fetch Web Page"),
                reaches_out=True,
                purpose=Purpose.PAGES,
                about=tr("Fetches a page of the web and reads its text."),
            )
        ]
        if sys.platform != "win32":  # there nothing bounds what it takes
            about = tr("Runs a program in Python that the model wrote, and reads what it prints.")
            tool = RunPythonTool(self._off_line)
            found.append(Offered(tool, tr("Run Python"), reaches_out=True, starts_on=False, about=about))
        return found
