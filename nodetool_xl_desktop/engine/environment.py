"""The settings that the environment gives, each declared once.

Empty, or not there, is the default. A value that cannot be read is an error that names its variable.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from nodetool_xl_desktop.core import settings
from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.setting import Origin, Setting
from nodetool_xl_desktop.core.settings_file import Values
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.fit.options import LoadSettings, largest_context_length
from nodetool_xl_desktop.gguf import Header

#: Variable and setting; what each means stands at `LoadOptions`.
VARIABLES = {
    "XLLAMACPP_N_CTX": "context_length",
    "XLLAMACPP_N_GPU_LAYERS": "gpu_layers",
    "XLLAMACPP_N_THREADS": "threads",
    "XLLAMACPP_PARALLEL": "parallel",
    "XLLAMACPP_CACHE_RAM_MIB": "cache_ram_mib",
}
#: Longer texts are no number that a load could have, and no error shows the whole of them.
LONGEST_NUMBER = 20


def load_settings(environment: Mapping[str, str] | None = None) -> LoadSettings:
    """What the environment says about loads.

    Args:
        environment: instead of this process's own.

    Raises:
        UserFacingError: a value is no whole number, or one that no load can have; it names the variable.
    """
    source = os.environ if environment is None else environment
    settings = LoadSettings()
    for variable, name in VARIABLES.items():
        text = source.get(variable, "").strip()
        if not text:
            continue
        if len(text) > LONGEST_NUMBER:
            raise _unusable(variable, tr("{text!r}... is too long for a number", text=text[:LONGEST_NUMBER]))
        try:
            said: dict[str, Any] = {name: int(text)}
            settings = LoadSettings(**said).over(settings)
        except ValueError as error:
            raise _unusable(variable, tr("{text!r} is not a whole number", text=text)) from error
        except UserFacingError as error:
            raise _unusable(variable, error.why) from error
    return settings


def kept_settings(values: Values, header: Header | None = None) -> LoadSettings:
    """What `settings.toml` says about loads. What the environment says instead is not among it (`load_settings`).

    Args:
        values: what holds.
        header: of the model, which has no more context than it was made for; None where it is not known.
    """
    said: dict[str, Any] = {}
    for setting, names in _KEPT.items():
        if values.origin(setting) in (Origin.FILE, Origin.UNKEPT) and values[setting] != setting.default:
            said |= dict.fromkeys(names, values[setting])
    if header is not None and "context_length" in said:
        said["context_length"] = min(said["context_length"], largest_context_length(header.context_length_max))
    return LoadSettings(**said)


#: What a setting is for a load. The default of each leaves it to the program.
_KEPT: dict[Setting[Any], tuple[str, ...]] = {
    settings.CONTEXT_LENGTH: ("context_length",),
    settings.GPU_LAYERS: ("gpu_layers",),
    settings.KV_CACHE: ("kv_type_k", "kv_type_v"),
    settings.THREADS: ("threads",),
    settings.PARALLEL: ("parallel",),
}


def _unusable(variable: str, why: str) -> UserFacingError:
    return UserFacingError(
        tr("The environment variable {variable} cannot be used", variable=variable),
        why,
        tr("Correct it, or unset it for the default."),
    )
