"""The program's log: where it goes, what goes in, and that it never stands in the way."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path

from nodetool_xl_desktop.core.logging import log_file

#: Sets the log up, and does what a test says.
PROGRAM = """
import logging, sys
from pathlib import Path
from nodetool_xl_desktop.core.logging import set_up

set_up(Path(sys.argv[1]))
log = logging.getLogger("nodetool_xl_desktop.some.room")
exec(sys.argv[2])
"""


def run(folder: Path, action: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", PROGRAM, str(folder), action]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


def test_news_go_to_the_file_and_nowhere_else(tmp_path: Path) -> None:
    foreign = "logging.getLogger('httpx2').error('not ours')"
    done = run(tmp_path / "logs", f"log.info('told'); log.debug('not told'); {foreign}")
    content = log_file(tmp_path / "logs").read_text(encoding="utf-8")
    assert "INFO nodetool_xl_desktop.some.room: told" in content
    assert "not told" not in content
    assert "not ours" not in content
    assert "told\n" not in done.stderr.replace("not ours", "")
    assert done.returncode == 0


def test_an_uncaught_error_goes_to_the_file_and_to_standard_error(tmp_path: Path) -> None:
    done = run(tmp_path, "raise RuntimeError('a bug')")
    assert done.returncode == 1
    assert "RuntimeError: a bug" in done.stderr
    content = log_file(tmp_path).read_text(encoding="utf-8")
    assert "CRITICAL nodetool_xl_desktop: Uncaught" in content
    assert "RuntimeError: (its message is left out" in content
    assert "a bug" not in content.replace("raise RuntimeError(", "").replace("<string>", "")
    assert "Traceback" in content


def test_ctrl_c_is_no_bug(tmp_path: Path) -> None:
    run(tmp_path, "raise KeyboardInterrupt")
    assert log_file(tmp_path).read_text(encoding="utf-8") == ""


def test_a_name_that_is_no_text_is_logged_too(tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9.gguf")
    done = run(tmp_path, f"log.warning('%s is odd', {name!r})")
    assert "Logging error" not in done.stderr
    assert "caf\\udce9.gguf is odd" in log_file(tmp_path).read_text(encoding="utf-8")


def test_a_folder_that_cannot_be_written_is_said_and_does_not_stop_the_program(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = run(tmp_path / "file" / "logs", "log.info('news'); log.warning('a warning'); print('alive')")
    assert done.stdout == "alive\n"
    assert done.returncode == 0
    lines = done.stderr.splitlines()
    assert len(lines) == 2
    assert "No log file in" in lines[0]
    assert "a warning" in lines[1]


def test_the_file_never_grows_without_end(tmp_path: Path) -> None:
    run(tmp_path, "[log.info('x' * 10_000) for _ in range(600)]")
    sizes = [file.stat().st_size for file in tmp_path.iterdir()]
    assert len(sizes) == 3
    assert sum(sizes) < 3_100_000
    handlers = logging.getLogger("nodetool_xl_desktop").handlers
    assert [type(handler) for handler in handlers] == [
        logging.NullHandler
    ]  # nothing of this reached the tests' own process
