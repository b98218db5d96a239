"""The command line of a command, whose help is in the language of the person."""

from __future__ import annotations

import argparse
from typing import Any

from nodetool_xl_desktop.core.translation import tr


class Arguments(argparse.ArgumentParser):
    """An `argparse.ArgumentParser` with its own words in that language, but for what it says of errors."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(add_help=False, **settings)
        self._positionals.title, self._optionals.title = tr("positional arguments"), tr("options")
        self.add_argument(
            "-h", "--help", action="help", default=argparse.SUPPRESS, help=tr("show this help message and exit")
        )

    def format_usage(self) -> str:
        return _translated(super().format_usage())

    def format_help(self) -> str:
        return _translated(super().format_help())


def _translated(said: str) -> str:
    return tr("usage: ") + said.removeprefix("usage: ")
