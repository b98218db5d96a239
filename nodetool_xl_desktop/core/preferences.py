"""What a person chose for the whole program, in one small file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from nodetool_xl_desktop.core.json_file import JsonFile


@dataclass(frozen=True, slots=True)
class Preferences:
    """The choices, each with what it is while nobody chose.

    Attributes:
        title_chats: whether the model is asked for a chat's title after its first answer.
        zoom: how much larger than usual what is read in a chat is drawn.
        off_line: whether the program connects to nothing but its own engine.
        endpoint: the address of the model hub that is asked; empty for what HF_ENDPOINT says, or Hugging Face.
        model_columns: the columns of the table of models, as the table writes them; empty for the usual ones.
    """

    title_chats: bool = True
    zoom: float = 1.0
    off_line: bool = False
    endpoint: str = ""
    model_columns: str = ""

    @classmethod
    def of_json(cls, said: Mapping[str, Any]) -> Preferences:
        """From what the file says; what is of the wrong kind is as nobody chose it."""
        known = {field.name: field.default for field in fields(cls)}
        return cls(**{name: said[name] for name in known if isinstance(said.get(name), type(known[name]))})


class PreferencesFile:
    """Where they are kept. Touches the disk, and may block.

    Args:
        path: the file.
    """

    def __init__(self, path: Path) -> None:
        self._file = JsonFile(path, "The preferences")

    def read(self) -> Preferences:
        """What was chosen.

        Raises:
            UserFacingError: the disk refused.
        """
        return self._file.read(Preferences.of_json) or Preferences()

    def change(self, **chosen: Any) -> Preferences:
        """Keep these fields, and what another program has chosen of the others; returns all of them.

        Raises:
            UserFacingError: the disk refused; the old ones stay.
        """

        def changed(held: Preferences | None) -> Preferences:
            return replace(held or Preferences(), **chosen)

        return self._file.change(Preferences.of_json, changed, asdict)
