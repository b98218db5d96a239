"""Presets in files of their own.

Ours is an object of JSON:

    {
      "format": "nodetool-xl-desktop preset",
      "version": 1,
      "name": "Pirate",
      "system_prompt": "Answer as a pirate.",
      "sampling": {"temperature": 0.9, "top_k": 40, "stop": ["THE END"], ...}
    }

`system_prompt` is left out where the preset says nothing of it. The names in `sampling` are those of
`sampling_values.TITLES` and mean what they mean in a request to llama.cpp; `response_format` is described in
`answer_format.py`. `grammar` (GBNF) and `json_schema` are read as well, as llama.cpp takes them. Names that are not
known are kept, and not used.

LM Studio's (`*.preset.json`, with `operation.fields`) is read, not written. Its keys and the forms of their values are
those of its own SDK (lmstudio.js, `packages/lms-kv-config/src/schema.ts`): a value with a check box is
`{"checked": ..., "value": ...}`, where unchecked means that it is off. How a model is loaded (`load`) is left out.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from nodetool_xl_desktop.chat import answer_format, sampling_values
from nodetool_xl_desktop.chat.asking import PresetError
from nodetool_xl_desktop.chat.sampling_values import NONE_AT_ALL, RESPONSE_FORMAT, SYSTEM_PROMPT
from nodetool_xl_desktop.core import units
from nodetool_xl_desktop.core.json_file import JsonFile
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.store.presets import Preset, Scope

FORMAT = "nodetool-xl-desktop preset"
VERSION = 1
#: Of a file to import, in bytes.
LARGEST = 4 * 2**20
LONGEST_NAME = 60

#: LM Studio's keys, our names, and what a value that is not checked stands for.
_LM_STUDIO: Mapping[str, tuple[str, Any]] = {
    "llm.prediction.systemPrompt": (SYSTEM_PROMPT, None),
    "llm.prediction.temperature": ("temperature", None),
    "llm.prediction.topKSampling": ("top_k", 0),
    "llm.prediction.topPSampling": ("top_p", 1.0),
    "llm.prediction.minPSampling": ("min_p", 0.0),
    "llm.prediction.repeatPenalty": ("repeat_penalty", 1.0),
    "llm.prediction.llama.presencePenalty": ("presence_penalty", 0.0),
    "llm.prediction.llama.frequencyPenalty": ("frequency_penalty", 0.0),
    "llm.prediction.maxPredictedTokens": ("max_tokens", NONE_AT_ALL),
    "llm.prediction.seed": ("seed", NONE_AT_ALL),
    "llm.prediction.stopStrings": ("stop", None),
    "llm.prediction.structured": (RESPONSE_FORMAT, None),
}


def write(path: Path, preset: Preset) -> None:
    """Write a preset into a file. Touches the disk.

    Raises:
        UserFacingError: the disk refused; a file that was there is as it was.
    """
    said: dict[str, Any] = {"format": FORMAT, "version": VERSION, "name": preset.name}
    said |= {} if preset.system_prompt is None else {SYSTEM_PROMPT: preset.system_prompt}
    JsonFile(path, tr("The preset")).write(said | {"sampling": dict(preset.sampling)})


def read(path: Path) -> Preset:
    """A preset from a file, with a name and no id; every known value of it can be used. Touches the disk.

    Raises:
        PresetError: it cannot be read, is no preset, or has a value that cannot be used.
    """
    try:
        if (size := path.stat().st_size) > LARGEST:
            raise ValueError(
                tr(
                    "it has {size}, and a preset at most {largest}",
                    size=units.file_size(size),
                    largest=units.file_size(LARGEST),
                )
            )
        said = json.loads(path.read_text(encoding="utf-8-sig"))
        found = _of_json(said)
        checked = {name: sampling_values.checked(name, value) for name, value in found.items()}
    except OSError as error:
        raise _not_read(path, error.strerror or str(error), tr("Look at the disk, or choose another file.")) from error
    except UnicodeDecodeError:
        raise _not_read(path, tr("it is no text")) from None
    except json.JSONDecodeError as error:
        raise _not_read(path, tr("it is no JSON ({msg}, line {lineno})", msg=error.msg, lineno=error.lineno)) from error
    except RecursionError:
        raise _not_read(path, tr("it is nested too deeply")) from None
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        raise _not_read(path, str(error)) from error
    name = clean_name(said.get("name")) or clean_name(path.name.removesuffix(".json").removesuffix(".preset"))
    prompt = checked.pop(SYSTEM_PROMPT, None)
    return Preset(Scope.NAMED, name=name or tr("Imported"), system_prompt=prompt, sampling=checked)


def clean_name(name: object) -> str:
    """A name of a preset on one line, as long as a line may be; empty for what is none."""
    return " ".join(name.split())[:LONGEST_NAME].strip() if isinstance(name, str) else ""


def free_name(name: str, taken: Iterable[str]) -> str:
    """The name, or with a number behind it where it is taken."""
    used = {each.casefold() for each in taken}
    number = 2
    free = name
    while free.casefold() in used:
        free, number = f"{name} ({number})", number + 1
    return free


def _of_json(said: Any) -> dict[str, Any]:
    """Values by our names."""
    match said:
        case {"format": format_, "version": version, "sampling": Mapping() as sampling} if format_ == FORMAT:
            if not isinstance(version, int) or version > VERSION:
                raise ValueError(
                    tr(
                        "it is of version {version}, and this program knows up to {known}",
                        version=version,
                        known=VERSION,
                    )
                )
            return _ours({key: said[key] for key in (SYSTEM_PROMPT,) if key in said} | dict(sampling))
        case {"operation": {"fields": [*fields]}}:
            return _lm_studio(fields)
    raise ValueError(tr("it is no preset of this program or of LM Studio"))


def _ours(said: dict[str, Any]) -> dict[str, Any]:
    if said.get(SYSTEM_PROMPT, "") is None:
        del said[SYSTEM_PROMPT]
    if RESPONSE_FORMAT in said:
        return said
    if "json_schema" in said:
        schema = said.pop("json_schema")
        # llama.cpp's own servers are given it as a text, too
        said[RESPONSE_FORMAT] = answer_format.of_schema(json.loads(schema) if isinstance(schema, str) else schema)
    elif "grammar" in said:
        said[RESPONSE_FORMAT] = answer_format.of_grammar(said.pop("grammar"))
    return said


def _lm_studio(fields: list[Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for field in fields:
        key, value = field["key"], field.get("value")
        name, off = _LM_STUDIO.get(key, (key, None))
        if key in _LM_STUDIO and isinstance(value, Mapping) and "checked" in value:
            value = value.get("value") if value["checked"] else off
        if name == RESPONSE_FORMAT:
            value = _lm_studio_format(value)
        elif name == "top_k" and value == -1:  # all of them, which is 0 to the engine
            value = 0
        if value is not None or name not in sampling_values.TITLES:
            found[name] = value
    return found


def _lm_studio_format(value: Any) -> dict[str, Any] | None:
    match value:
        case {"type": "json", "jsonSchema": schema} if schema:
            return answer_format.of_schema(json.loads(schema) if isinstance(schema, str) else schema)
        case {"type": "json"}:
            return {"type": "json_object"}
        case {"type": "gbnf", "gbnfGrammar": str(grammar)}:
            return answer_format.of_grammar(grammar)
        case {"type": "none"} | None:
            return None
    raise ValueError(tr("its structured output cannot be understood"))


def _not_read(path: Path, why: str, hint: str = "") -> PresetError:
    return PresetError(
        tr("{name} cannot be imported", name=path.name),
        why,
        hint or tr("Choose a preset that was exported here, or one of LM Studio's."),
    )


def with_name(preset: Preset, name: str) -> Preset:
    """The same as one that can be chosen."""
    return replace(preset, scope=Scope.NAMED, subject="", name=name, id="")
