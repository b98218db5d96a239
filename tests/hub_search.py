"""The list of a hub's models, as /api/models tells it: words, filters, order, what is told of each, page by page."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs, urlencode

_SORTS = ("downloads", "likes", "lastModified", "createdAt", "trendingScore")
_UNITS = {"K": 10**3, "M": 10**6, "B": 10**9, "T": 10**12}
#: What is told of each where nothing is named.
_USUAL = ("likes", "private", "downloads", "tags", "createdAt", "modelId")
_MOST = 1000


class BadRequest(Exception):
    """What the hub answers with status 400."""


def listed(models: Sequence[Mapping[str, Any]], query: str) -> tuple[list[dict[str, Any]], str | None]:
    """One page, and the query of the next one.

    Args:
        models: everything that is told of each, by the hub's own names.
        query: of the address.
    """
    asked = parse_qs(query, keep_blank_values=True)
    sort = asked.get("sort", ["trendingScore"])[0]
    if sort not in _SORTS:
        raise BadRequest(f"no such sort: {sort}")
    found = [model for model in models if _is_wanted(model, asked)]
    least = "" if sort in ("lastModified", "createdAt") else 0
    found.sort(key=lambda model: model.get(sort) or least, reverse=True)
    limit = min(int(asked.get("limit", [str(_MOST)])[0]), _MOST)
    start = int(base64.b64decode(asked["cursor"][0])) if "cursor" in asked else 0
    page = [_told(model, asked.get("expand")) for model in found[start : start + limit]]
    if start + limit >= len(found):
        return page, None
    cursor = base64.b64encode(str(start + limit).encode()).decode()
    return page, urlencode({**asked, "cursor": [cursor]}, doseq=True)


def _is_wanted(model: Mapping[str, Any], asked: Mapping[str, Sequence[str]]) -> bool:
    words = asked.get("search", [""])[0].lower().split()
    author = asked.get("author", [""])[0]
    gated = asked.get("gated", [""])[0]
    if gated not in ("", "true", "false"):
        raise BadRequest(f"gated is true or false, not {gated}")
    return (
        all(word in model["id"].lower() for word in words)
        and all(tag in model.get("tags", ()) for tag in asked.get("filter", ()))
        and (not author or model["id"].partition("/")[0] == author)
        and (not gated or bool(model.get("gated")) is (gated == "true"))
        and _is_within(model, asked.get("num_parameters", [""])[0])
    )


def _is_within(model: Mapping[str, Any], bounds: str) -> bool:
    if not bounds:
        return True
    n_params = (model.get("gguf") or {}).get("total")
    if n_params is None:
        return False
    for bound in bounds.split(","):
        told = re.fullmatch(r"(min|max):(\d+(?:\.\d+)?)([KMBT]?)", bound)
        if not told:
            raise BadRequest(f"no bound: {bound}")
        value = float(told[2]) * _UNITS.get(told[3], 1)
        if (told[1] == "min" and n_params < value) or (told[1] == "max" and n_params > value):
            return False
    return True


def _told(model: Mapping[str, Any], expand: Sequence[str] | None) -> dict[str, Any]:
    names = expand if expand is not None else _USUAL
    return {"_id": "0" * 24, "id": model["id"], **{name: model[name] for name in names if name in model}}
