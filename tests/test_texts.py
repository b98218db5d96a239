"""The texts of the program and their translations belong together: `make texts` makes what is compared here."""

from __future__ import annotations

import ast
import importlib.util
import string
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from nodetool_xl_desktop.core import translation
from nodetool_xl_desktop.core.paths import resource

ROOT = Path(__file__).parents[1]
LANGUAGES = sorted(set(translation.LANGUAGES) - {translation.ENGLISH})


@cache
def texts() -> ModuleType:
    spec = importlib.util.spec_from_file_location("texts", ROOT / "packaging" / "texts.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@cache
def collected() -> Any:
    return texts().collected()


def braces(text: str) -> list[tuple[str | None, str | None, str | None]]:
    """What stands in the braces of a text, in any order."""
    return sorted((piece[1:] for piece in string.Formatter().parse(text) if piece[1] is not None), key=repr)


def accelerators(text: str) -> int:
    return text.replace("&&", "").count("&")


def test_the_template_holds_the_texts_of_the_sources() -> None:
    made = texts().written(collected())
    assert made == texts().TEMPLATE.read_bytes(), "run `make texts`"


@pytest.mark.parametrize("code", LANGUAGES)
def test_a_language_has_all_texts_and_is_compiled(code: str) -> None:
    po, template = texts().FOLDER / f"{code}.po", texts().read(texts().TEMPLATE)
    assert texts().written(texts().brought_up_to_date(po, template)) == po.read_bytes(), "run `make texts`"
    assert resource(f"translations/{code}.mo").read_bytes() == texts().compiled(po.read_bytes(), code), (
        "run `make texts`"
    )


@pytest.mark.parametrize("code", LANGUAGES)
def test_a_translation_has_what_is_filled_into_its_text(code: str) -> None:
    wrong = []
    for message in texts().read(texts().FOLDER / f"{code}.po", code):
        if not message.id or message.fuzzy:
            continue
        one, many = message.id if message.pluralizable else (message.id, message.id)
        said = message.string if isinstance(message.string, tuple) else (message.string,)
        for number, text in enumerate(said):
            of = one if number == 0 else many
            if text and (braces(text) not in (braces(of), braces(many)) or accelerators(text) != accelerators(of)):
                wrong.append((of, text))
    assert not wrong


def written_out(file: Path) -> Iterator[str]:
    """What a source gives to `tr`, `trn` and `mark`."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in texts().KEYWORDS:
            first = node.args[0]
            if isinstance(first, ast.Constant) and first.value:
                yield first.value
            assert not isinstance(first, ast.JoinedStr), f"{file}:{node.lineno}: a text cannot be an f-string"


def test_every_text_of_the_sources_is_found() -> None:
    """The collector does not look into f-strings: a text in there would never be translated."""
    has = {one for message in collected() for one in ([message.id] if isinstance(message.id, str) else message.id)}
    lost = [
        (file.name, text) for file in texts().SOURCES.rglob("*.py") for text in written_out(file) if text not in has
    ]
    assert not lost, "take it out of the f-string"


def test_no_text_stands_in_an_f_string() -> None:
    """The collector sees it with Python 3.12 and not with 3.11, so the template would not be the same."""
    inside = [
        f"{file.name}:{call.lineno}"
        for file in texts().SOURCES.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_bytes()))
        if isinstance(node, ast.JoinedStr)
        for call in ast.walk(node)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in texts().KEYWORDS
        if isinstance(call.args[0], ast.Constant)
    ]
    assert not inside


@pytest.mark.parametrize("code", LANGUAGES)
def test_a_language_is_complete(code: str) -> None:
    lacking = [
        message.id
        for message in texts().read(texts().FOLDER / f"{code}.po", code)
        if message.id and (message.fuzzy or not all(message.string if message.pluralizable else [message.string]))
    ]
    assert not lacking


def test_a_text_that_counts_names_its_count() -> None:
    """A language may say "one" of other numbers than 1, so its first form has to be able to hold the number."""
    for message in collected():
        if message.pluralizable:
            one, many = (dict.fromkeys(name for name, *_ in braces(text)) for text in message.id)
            assert set(one) <= set(many), message.id
