"""What a message was made with, as the JSON that is kept; fields that hold nothing are left out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.engine.errors import EngineError, Fault
from nodetool_xl_desktop.engine.events import Speed, Usage
from nodetool_xl_desktop.store.parts import dumps
from nodetool_xl_desktop.store.records import NOTHING_KNOWN, About, ModelIdentity

_PLAIN = ("options", "sampling", "first_token_s", "last_token_s", "pieces", "finish_reason")


def as_json(about: About) -> dict[str, Any]:
    """As an object of JSON."""
    if about is NOTHING_KNOWN:
        return {}
    said: dict[str, Any] = dict(about.more)
    said |= {name: getattr(about, name) for name in _PLAIN}
    said["model"] = _full(asdict(about.model)) if about.model else None
    said["usage"], said["speed"] = _full(asdict(about.usage)), _full(asdict(about.speed))
    if (error := about.error) is not None:
        fault = error.fault.value if isinstance(error, EngineError) else ""
        said["error"] = _full({"what": error.what, "why": error.why, "hint": error.hint, "fault": fault})
    return _full(said)


def of_json(said: Mapping[str, Any]) -> About:
    """From an object of JSON; what this version does not know lands in `more`."""
    if not said:
        return NOTHING_KNOWN
    more = dict(said)
    plain = {name: more.pop(name) for name in _PLAIN if name in more}
    model, error = more.pop("model", None), more.pop("error", None)
    return About(
        model=ModelIdentity(**{"id": "", **_known(model, ModelIdentity)}) if model else None,
        usage=Usage(**_known(more.pop("usage", {}), Usage)),
        speed=Speed(**_known(more.pop("speed", {}), Speed)),
        error=_error(error) if error else None,
        more=more,
        **plain,
    )


def _error(said: Mapping[str, Any]) -> UserFacingError:
    words = said.get("what", ""), said.get("why", ""), said.get("hint", "")
    try:
        return EngineError(Fault(said["fault"]), *words)
    except (KeyError, ValueError):  # none of the engine's, or one that this version does not know
        return UserFacingError(*words)


def encode(about: About) -> str:
    """As the text that is kept."""
    return dumps(as_json(about))


def decode(text: str) -> About:
    """From the text that is kept."""
    return NOTHING_KNOWN if text == "{}" else of_json(json.loads(text))


def _full(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value not in (None, "", 0, {}, [])}


def _known(values: Mapping[str, Any], kind: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name in kind.__dataclass_fields__}
