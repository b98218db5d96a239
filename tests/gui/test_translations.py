"""Nothing is said past the translation: the window in a language that is none, and the sources as they stand."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from nodetool_xl_desktop.core import translation

SOURCES = Path(__file__).parents[2] / "nodetool_xl_desktop"
PROGRAM = Path(__file__).parent / "pseudo_program.py"
#: What is given to these is read by a person.
SHOWING = {
    "QLabel",
    "QPushButton",
    "QToolButton",
    "QAction",
    "QCheckBox",
    "QRadioButton",
    "QGroupBox",
    "QMenu",
    "label",
}
SHOWING |= {"setText", "setToolTip", "set_tip", "setWindowTitle", "setAccessibleName", "setAccessibleDescription"}
SHOWING |= {"setPlaceholderText", "setTitle", "setInformativeText", "setPrefix", "setSuffix", "addAction", "addMenu"}
SHOWING |= {"addItem", "addTab", "tell", "say", "set_hint", "tooltip", "quiet_button", "empty_words"}
#: Errors for people; others are for the log.
IS_FOR_PEOPLE = re.compile("UserFacingError|HubError|EngineError|StoreError|McpError|PresetError")
#: What built-in tools say is for models, in any language of the window: see `tools/call.py`.
FOR_MODELS = re.compile(r"tools[/\\]\w+\.py")
TRANSLATING = {"tr", "trn", "mark"}
#: Kinds of widgets and names of icons, which stand beside the texts.
NO_TEXT = re.compile(r"[a-z_-]*|[^A-Za-z]*|[A-Za-z]|.*<.*>.*|[A-Z0-9_]+|Ctrl.*|OK|https://")


@cache
def trees() -> dict[str, ast.Module]:
    return {
        str(file.relative_to(SOURCES)): ast.parse(file.read_text("utf-8")) for file in sorted(SOURCES.rglob("*.py"))
    }


def name_of(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")


def untranslated(file: str, tree: ast.AST) -> Iterator[tuple[int, str]]:
    if FOR_MODELS.fullmatch(file):
        return
    showing = SHOWING if file.startswith("ui") else set()
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and (name_of(call) in showing or IS_FOR_PEOPLE.fullmatch(name_of(call))):
            for given in (*call.args, *(keyword.value for keyword in call.keywords)):
                yield from constants(given)


def constants(given: ast.AST) -> Iterator[tuple[int, str]]:
    """The texts in an expression that nobody translates."""
    if isinstance(given, ast.Call | ast.Compare | ast.Subscript | ast.Lambda):
        return
    if isinstance(given, ast.Constant):
        if isinstance(given.value, str) and not NO_TEXT.fullmatch(given.value):
            yield given.lineno, given.value
        return
    for child in ast.iter_child_nodes(given):
        yield from constants(child)


def test_no_text_is_shown_untranslated() -> None:
    found = [f"{file}:{line}: {text!r}" for file, tree in trees().items() for line, text in untranslated(file, tree)]
    assert not found


def test_each_text_is_written_out_where_it_is_translated() -> None:
    """`tr(f"...")`, `tr("a" if b else "c")` and `tr("a" + b)` are collected by nobody."""
    wrong = []
    for file, tree in trees().items():
        for call in ast.walk(tree):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in TRANSLATING:
                texts = call.args[:2] if call.func.id == "trn" else call.args[:1]
                if any(isinstance(text, ast.JoinedStr | ast.IfExp | ast.BinOp) for text in texts):
                    wrong.append(f"{file}:{call.lineno}")
    assert not wrong


@pytest.mark.parametrize("language", [translation.PSEUDO, pytest.param(translation.PSEUDO_RTL, marks=pytest.mark.soak)])
def test_the_window_says_nothing_past_the_translation(language: str, tmp_path: Path, starter_model: Path) -> None:
    said = subprocess.run(
        [sys.executable, PROGRAM, language, tmp_path, starter_model, "-"],
        capture_output=True,
        text=True,
        check=False,
        timeout=110,
    )
    assert said.returncode == 0, said.stderr
    seen = json.loads(said.stdout.splitlines()[-1])
    assert seen["looked_at"] > 10_000
    assert not seen["found"]
