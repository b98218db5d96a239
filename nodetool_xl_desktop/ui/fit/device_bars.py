"""A bar for each memory that a load can use: the devices that the engine sees, then the machine's own."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from nodetool_xl_desktop.core import units
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.fit.memory import Device, MemoryUse
from nodetool_xl_desktop.fit.placement import used
from nodetool_xl_desktop.preview.device_names import titles
from nodetool_xl_desktop.preview.report import FitReport
from nodetool_xl_desktop.ui.fit.memory_bar import MemoryBar
from nodetool_xl_desktop.ui.parts import ElidedLabel, figure, set_tip
from nodetool_xl_desktop.ui.theme import SPACE_S, SPACE_XS, Theme

MEMORY = tr("Memory")


class DeviceBars(QWidget):
    """Those devices that the engine puts layers onto, and "Memory"; what only accelerates the processor has no bar."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._devices: list[_Row] = []
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(SPACE_S)
        self._host = _Row(theme)
        self._layout.addWidget(self._host)

    def show_report(self, report: FitReport) -> None:
        """Say what there is of each memory, and what the load would take of it."""
        devices = report.need.only_devices
        places = used(devices)
        shown = [devices[place] for place in places]
        while len(self._devices) < len(shown):
            row = _Row(self._theme)
            self._layout.insertWidget(len(self._devices), row)
            self._devices.append(row)
        for row in self._devices[len(shown) :]:
            row.hide()
        shared = MemoryUse()
        for row, place, title in zip(self._devices, places, titles(shown), strict=False):
            device, use = report.need.devices[place]
            row.show_memory(title, device.free, device.total, use, _full_name(device))
            row.show()
            if device.shares_host_memory:
                shared += use
        host = report.host
        self._host.show_memory(MEMORY, host.free, host.total, report.need.host + shared, tr("The machine's own memory"))


class _Row(QWidget):
    """One memory: its name, what is free of it, and its bar."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._name = ElidedLabel()
        self._free = figure("", "note", gives=True)
        self._bar = MemoryBar(theme)
        words = QHBoxLayout()
        words.setSpacing(SPACE_S)
        words.addWidget(self._name, 1)
        words.addWidget(self._free)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE_XS)
        layout.addLayout(words)
        layout.addWidget(self._bar)

    def show_memory(self, name: str, free: int | None, total: int | None, use: MemoryUse, tip: str) -> None:
        self._name.setText(name)
        set_tip(self, tr("{tip}\nThe load takes {total} of it.", tip=tip, total=units.memory(use.total)))
        if free is None or total is None:
            self._free.setText(tr("memory not reported"))
            self._bar.show_use(name, 0, 0, use)
        else:
            self._free.setText(tr("{free} free", free=_of(free, total)))
            self._bar.show_use(name, total, max(0, total - free), use)


def _of(part: int, whole: int) -> str:
    """Such as "10.3 of 11.4 GiB": the unit is told once where both have the same."""
    small, large = units.memory(part), units.memory(whole)
    number, unit = small.rsplit(" ", 1)
    return (
        tr("{number} of {large}", number=number, large=large)
        if large.endswith(f" {unit}")
        else tr("{small} of {large}", small=small, large=large)
    )


def _full_name(device: Device) -> str:
    name = f"{device.description} ({device.name})" if device.description else device.name
    return name if device.free is not None else tr("{name}: its driver does not report its memory.", name=name)
