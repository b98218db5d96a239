"""The address of a model hub: which one is meant, and whether what a person gives is one."""

from __future__ import annotations

import os
import re
from urllib.parse import urlsplit

from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.hub.errors import BadEndpoint

#: The hub that is meant where nothing else is said, and what it is called besides.
HUB = "https://huggingface.co"
HUB_HOSTS = ("huggingface.co", "www.huggingface.co", "hf.co")
_DEFAULT_PORTS = {"http": 80, "https": 443}
#: A server's name alone, as people write it: mirror.example:8080/hub.
_BARE = re.compile(r"[\w.-]+(?::\d+)?(?:/|$)")


def hub_of(endpoint: str | None) -> str:
    """The hub's address without a slash at its end; unless given, HF_ENDPOINT of the environment, or Hugging Face."""
    return (endpoint or os.environ.get("HF_ENDPOINT") or HUB).rstrip("/")


def parse_endpoint(text: str) -> str:
    """Read the address of a hub or of a mirror, as a person gives it; what comes back has no slash at its end.

    Raises:
        BadEndpoint: it is none that could be asked.
    """
    bare = text.strip()
    if "@" in bare:
        raise BadEndpoint.because(
            tr("This address"), tr("it holds a user name or a password; give an access token instead")
        )
    if _BARE.match(bare):
        bare = f"https://{bare}"
    named = ascii(text if len(text) <= 200 else f"{text[:199]}...")
    try:
        parts = urlsplit(bare)
        sound = parts.scheme in _DEFAULT_PORTS and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:  # brackets that do not match, a port that is no number
        sound = False
    if not sound or not bare.isascii() or not bare.isprintable() or " " in bare or "\\" in bare:
        raise BadEndpoint.because(named, tr("it begins with http:// or https://, and a server is named"))
    if "?" in bare or "#" in bare:
        raise BadEndpoint.because(named, tr("it has a question or a mark at its end, which a hub has not"))
    return bare.rstrip("/")


def host_of(endpoint: str) -> str:
    """The hub as messages name it."""
    try:
        return urlsplit(endpoint).netloc or endpoint
    except ValueError:  # brackets that do not match
        return endpoint


def origin(address: str) -> str:
    """Scheme, host and port of an address, which a token belongs to: "https://huggingface.co:443".

    Raises:
        BadEndpoint: it is no address.
    """
    try:
        parts = urlsplit(address)
        port = parts.port or _DEFAULT_PORTS.get(parts.scheme)
    except ValueError as error:
        raise BadEndpoint.because(ascii(address[:200]), tr("it cannot be read")) from error
    return f"{parts.scheme}://{(parts.hostname or '').lower()}:{port}"
