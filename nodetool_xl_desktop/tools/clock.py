"""The date and the time, which no model knows by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, tzinfo
from typing import Any, ClassVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from nodetool_xl_desktop.core.errors import UserFacingError


def _cities() -> list[str]:
    """The zones that are named after a city."""
    areas = ("Africa/", "America/", "Asia/", "Atlantic/", "Australia/", "Europe/", "Indian/", "Pacific/")
    return sorted(zone for zone in available_timezones() if zone.startswith(areas) and zone.count("/") == 1)


class ClockTool:
    """Tells the time, here or in another time zone.

    `now` is where the time comes from: a moment with its time zone.
    """

    name = "clock"
    description = "The current date, weekday and time, here or in another time zone."
    parameters: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "properties": {
            "time_zone": {
                "type": "string",
                "default": "",
                "description": "An IANA name such as Europe/Berlin, a city such as Tokyo, or UTC; left out: here.",
            }
        },
        "additionalProperties": False,
    }

    forced_parameters: ClassVar[Mapping[str, Any]] = {
        **parameters,
        "properties": {"time_zone": {"enum": ["", "UTC", *_cities()]}},
        "required": ["time_zone"],
    }

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._now = now

    def __call__(self, time_zone: str = "") -> dict[str, str]:
        """The time there.

        Raises:
            UserFacingError: there is no such time zone.
        """
        # None is the zone that the machine is set to.
        there = self._now().astimezone(_zone(time_zone.strip()) if time_zone.strip() else None)
        return {
            "date": there.date().isoformat(),
            "weekday": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")[there.weekday()],
            "time": there.strftime("%H:%M:%S"),
            "time_zone": str(there.tzinfo),
            "utc_offset": there.isoformat()[-6:],
        }


def _zone(name: str) -> tzinfo:
    """The zone of that name; upper and lower case, spaces, and the part before the city may be left out."""
    if name.upper() in ("UTC", "GMT", "Z"):
        return UTC
    wanted = name.replace(" ", "_").casefold()
    known = sorted(available_timezones())
    exact = [zone for zone in known if zone.casefold() == wanted]
    cities = [zone for zone in known if zone.casefold().endswith(f"/{wanted}")]
    try:
        return ZoneInfo((exact or cities)[0])
    except (IndexError, ZoneInfoNotFoundError) as error:
        hint = "Give an IANA name such as Europe/Berlin"
        raise UserFacingError(f"There is no time zone {name[:60]!r}", hint=hint) from error
