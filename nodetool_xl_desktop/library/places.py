"""Where other programs keep their models, and what they call those that a file's name does not tell.

Files are used where they lie; nothing here writes. What these programs have written is read as a stranger's: it may be
broken, huge or hostile, and is then passed over. The system, its variables and the home are values, so that the layout
of every system can be tested on any.
"""

from __future__ import annotations

import os
import re
import string
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nodetool_xl_desktop.library import jan, ollama
from nodetool_xl_desktop.library.model_file import Place
from nodetool_xl_desktop.library.strangers import PlacedModel, json_of, text_of

if TYPE_CHECKING:
    from nodetool_xl_desktop.library.folders import Root

_HOME_POINTER = ".lmstudio-home-pointer"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What tells where programs keep their files.

    Attributes:
        platform: as `sys.platform` names it.
        environ: the variables.
        home: the user's.
        system: what the absolute folders of a system's services lie below.
    """

    platform: str
    environ: Mapping[str, str]
    home: Path
    system: Path = Path("/")

    @classmethod
    def real(cls) -> Surroundings:
        """Those of this process, as they are at this moment."""
        # Where no home is known, it stays "~", which is no folder; Path.home() would raise.
        return cls(sys.platform, os.environ, Path(os.path.expanduser("~")))  # noqa: PTH111

    @property
    def is_windows(self) -> bool:
        """Whether it is Windows."""
        return self.platform == "win32"

    def named(self, *names: str) -> Path | None:
        """The folder in the first variable that is set, with `~` and variables in it expanded."""
        value = next((value for name in names if (value := self.environ.get(name))), "")
        return self.expanded(value) if value else None

    def expanded(self, text: str) -> Path:
        """A folder as a person may write it."""
        path = string.Template(text).safe_substitute(self.environ)
        return self.home / path[1:].lstrip("/\\") if re.match(r"~(?:[/\\]|$)", path) else Path(path)

    @property
    def data(self) -> Path:
        """Where programs keep what they hold: roaming on Windows."""
        return self._folder("XDG_DATA_HOME", ".local/share", "Library/Application Support", "APPDATA", "Roaming")

    @property
    def local_data(self) -> Path:
        """The same, for this machine alone."""
        return self._folder("XDG_DATA_HOME", ".local/share", "Library/Application Support", "LOCALAPPDATA", "Local")

    @property
    def config(self) -> Path:
        """Where programs keep their settings."""
        return self._folder("XDG_CONFIG_HOME", ".config", "Library/Application Support", "APPDATA", "Roaming")

    @property
    def cache(self) -> Path:
        """Where programs keep what they could fetch again."""
        return self._folder("XDG_CACHE_HOME", ".cache", "Library/Caches", "LOCALAPPDATA", "Local")

    def _folder(self, xdg: str, linux: str, mac: str, windows: str, roaming: str) -> Path:
        if self.is_windows:
            return self.named(windows) or self.home / "AppData" / roaming
        return self.home / mac if self.platform == "darwin" else self.named(xdg) or self.home / linux


def folders_of_others(around: Surroundings) -> list[tuple[Place, Path]]:
    """The folders of other programs that are there and can be entered, each once; touches the disk."""
    found: dict[str, tuple[Place, Path]] = {}
    for place, folders in _PLACES.items():
        for folder in folders(around):
            if folder.is_absolute() and os.path.isdir(folder) and os.access(folder, os.R_OK | os.X_OK):  # noqa: PTH112 - never raises
                found.setdefault(os.path.realpath(folder), (place, folder))
    return list(found.values())


def entries(root: Root) -> Iterator[PlacedModel]:
    """What a program says of the models in a folder of its own: those whose files are no `*.gguf`, and the names and
    projectors of others. Nothing where the files tell all; never fails.

    A file of it may lie outside the folder (Jan's), and may be found by a walk as well.
    """
    if root.place is Place.OLLAMA:
        yield from ollama.models(root.path)
    elif root.place is Place.JAN:
        yield from jan.models(root.path)


def hugging_face(around: Surroundings) -> Iterator[Path]:
    """The cache of huggingface_hub, in its own order; llama.cpp has come to use it too."""
    if hub := around.named("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        yield hub
    elif home := around.named("HF_HOME"):
        yield home / "hub"
    else:  # on every system, and its XDG variable too
        yield (around.named("XDG_CACHE_HOME") or around.home / ".cache") / "huggingface" / "hub"


def _lm_studio(around: Surroundings) -> Iterator[Path]:
    pointed = text_of(around.home / _HOME_POINTER).strip()
    homes = [around.home / ".lmstudio", around.home / ".cache" / "lm-studio"]
    if pointed:
        homes.insert(0, around.expanded(pointed.splitlines()[0]))
    for home in [*homes, around.config / "LM Studio"]:
        said = json_of(home / "settings.json").get("downloadsFolder")
        if isinstance(said, str) and said:
            yield around.expanded(said)
    for home in homes:
        yield home / "models"


def _ollama(around: Surroundings) -> Iterator[Path]:
    if chosen := around.named("OLLAMA_MODELS"):
        yield chosen
    yield around.home / ".ollama" / "models"
    if around.platform == "linux":  # as a service, which runs as a user of its own
        for folder in ("usr/share/ollama/.ollama/models", "var/lib/ollama/models", "var/lib/ollama"):
            if ollama.is_store(around.system / folder):
                yield around.system / folder
        yield around.system / "var/snap/ollama/common/models"


def _gpt4all(around: Surroundings) -> Iterator[Path]:
    config = around.home / ".config" if around.platform == "darwin" else around.config  # Qt's place for .ini files
    if said := re.search(r"^modelPath=(.*)$", text_of(config / "nomic.ai" / "GPT4All.ini"), re.M):
        yield Path(_qt_text(said[1].strip()))
    yield around.local_data / "nomic.ai" / "GPT4All"
    yield around.home / ".cache" / "gpt4all"  # its Python package
    yield around.home / ".var/app/io.gpt4all.gpt4all/data/nomic.ai/GPT4All"  # as a Flatpak


def _jan(around: Surroundings) -> Iterator[Path]:
    folders = [around.named("JAN_DATA_FOLDER")]
    for home in (around.data / "Jan", around.data / "jan.ai.app", around.config / "Jan"):
        said = json_of(home / "settings.json").get("data_folder")
        folders += [around.expanded(said) if isinstance(said, str) and said else None, home / "data"]
    folders += [around.home / ".var/app/ai.jan.Jan/data/Jan/data", around.home / "jan"]
    for folder in folders:
        if folder is not None:
            yield folder / "llamacpp" / "models"
            yield folder / "models"  # of its versions before 0.6


def _llama_cpp(around: Surroundings) -> Iterator[Path]:
    yield around.named("LLAMA_CACHE") or around.cache / "llama.cpp"


#: In the order in which a folder that two of them share is said to be of one.
_PLACES = {
    Place.OLLAMA: _ollama,
    Place.JAN: _jan,
    Place.LM_STUDIO: _lm_studio,
    Place.GPT4ALL: _gpt4all,
    Place.HUGGING_FACE: hugging_face,
    Place.LLAMA_CPP: _llama_cpp,
}


def _qt_text(text: str) -> str:
    """What Qt wrote into an .ini file: in quotation marks where it had to, with \\x for other letters."""
    quoted = len(text) > 1 and text[0] == text[-1] == '"'
    return re.sub(
        r"\\(?:x([0-9a-fA-F]{1,4})|(.))",
        lambda mark: chr(int(mark[1], 16)) if mark[1] else mark[2],
        text[1:-1] if quoted else text,
    )
