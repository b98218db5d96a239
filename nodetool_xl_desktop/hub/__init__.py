"""Models that lie elsewhere: finding them on a Hugging Face hub, looking into them, and bringing them here."""

from __future__ import annotations

from nodetool_xl_desktop.hub.address import Address, parse_address
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
from nodetool_xl_desktop.hub.header import RemoteModel, read_remote_header, read_remote_model, read_stamp
from nodetool_xl_desktop.hub.repository import HubFile, Repository, look_up

__all__ = [
    "Address",
    "Candidate",
    "Choice",
    "HubError",
    "HubFile",
    "NotFound",
    "Reference",
    "RemoteModel",
    "Repository",
    "candidates",
    "choose",
    "fetch",
    "fetch_all",
    "look_up",
    "needs",
    "parse_address",
    "parse_reference",
    "pick",
    "read_remote_header",
    "read_remote_model",
    "read_stamp",
]
