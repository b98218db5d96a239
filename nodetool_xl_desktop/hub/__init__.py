"""Models that lie elsewhere: finding them on a Hugging Face hub, and bringing them here."""

from __future__ import annotations

from nodetool_xl_desktop.hub.cache import all_cached, cached, downloaded
from nodetool_xl_desktop.hub.choice import (
    Candidate,
    Choice,
    Reference,
    candidates,
    choose,
    needs,
    parse_reference,
    pick,
)
from nodetool_xl_desktop.hub.download import fetch, fetch_all
from nodetool_xl_desktop.hub.errors import HubError, NotFound
from nodetool_xl_desktop.hub.header import read_remote_header
from nodetool_xl_desktop.hub.repository import HubFile, Repository, look_up

__all__ = [
    "Candidate",
    "Choice",
    "HubError",
    "HubFile",
    "NotFound",
    "Reference",
    "Repository",
    "all_cached",
    "cached",
    "candidates",
    "choose",
    "downloaded",
    "fetch",
    "fetch_all",
    "look_up",
    "needs",
    "parse_reference",
    "pick",
    "read_remote_header",
]
