"""The fit panel on machines that are not this one: devices, the engine's second voice, remedies, and every control."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import scripted_worker
from conftest import Build, button, drop, until
from model_shapes import LLAMA_8B, llama
from PySide6.QtCore import QCoreApplication, QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QCheckBox, QComboBox, QLabel, QMenu, QSlider, QSpinBox, QToolButton, QWidget

from nodetool_xl_desktop.app import Parts
from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.core.units import GIB, MIB
from nodetool_xl_desktop.engine.dry_run import DevicePlan, DryRuns, HostPlan, Plan
from nodetool_xl_desktop.engine.states import Ready
from nodetool_xl_desktop.fit.estimate import estimate
from nodetool_xl_desktop.fit.memory import Device, HostMemory
from nodetool_xl_desktop.fit.options import LoadOptions, LoadSettings
from nodetool_xl_desktop.gguf import read_model
from nodetool_xl_desktop.library.settings import ModelSettings
from nodetool_xl_desktop.ui.fit.memory_bar import MemoryBar
from nodetool_xl_desktop.ui.fit.model_card import ModelCard

CARD = Device("CUDA0", "gpu", round(10.3 * GIB), round(11.4 * GIB), "NVIDIA GeForce RTX 4070")
SMALL = Device("CUDA0", "gpu", 3 * GIB, 4 * GIB, "NVIDIA T400")
HOST = HostMemory(64 * GIB, 40 * GIB)


@pytest.fixture(scope="module")
def big_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Llama of 8B, whose data is a hole."""
    return llama(tmp_path_factory.mktemp("models") / "Llama-8B-Q4_K_M.gguf", LLAMA_8B).path


def seen(*devices: Device) -> Callable[[], Awaitable[Sequence[Device]]]:
    async def look() -> Sequence[Device]:
        return devices

    return look


class Engine:
    """Plans as the estimate says, with a share more; each plan waits for `may_answer`, and is told in `asked`."""

    def __init__(self, *devices: Device, more: float = 0.0) -> None:
        self._devices = devices
        self._more = more
        self.asked: list[LoadOptions] = []
        self.given_up = 0
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def plan(self, path: Path, options: LoadOptions) -> Plan:
        self.asked.append(options)
        try:
            await self.may_answer.wait()
        except asyncio.CancelledError:
            self.given_up += 1
            raise
        need = estimate(read_model(path), options, self._devices)

        def told(size: int) -> int:
            return int(size * (1 + self._more)) // MIB * MIB

        rows = tuple(
            DevicePlan(
                device.name,
                "RTX",
                device.total or 0,
                device.free or 0,
                told(use.model),
                told(use.context),
                told(use.compute),
            )
            for device, use in need.devices
        )
        return Plan(rows, (HostPlan("Host", need.host),))


def texts(parent: QWidget) -> list[str]:
    return [each.text() for each in parent.findChildren(QLabel) if each.isVisible()]


def says(parts: Parts, words: str) -> bool:
    return any(words in text for text in texts(parts.window.fit_panel))


def lay_out() -> None:
    """What a person sees has its place: layouts that wait for the loop are done now, those inside of others too."""
    for _ in range(4):
        QCoreApplication.sendPostedEvents(None, QEvent.Type.LayoutRequest)


def named(parts: Parts, kind: type[QWidget], name: str) -> QWidget:
    lay_out()
    (found,) = (each for each in parts.window.fit_panel.findChildren(kind) if name in each.accessibleName())
    return found


def bars(parts: Parts) -> list[str]:
    """The names of what can be seen, from the top."""
    panel = parts.window.fit_panel
    seen = [bar for bar in panel.findChildren(MemoryBar) if bar.isVisible()]
    return [bar.accessibleName() for bar in sorted(seen, key=lambda bar: bar.mapTo(panel, QPoint()).y())]


def unfold(parts: Parts) -> None:
    lay_out()
    QTest.mouseClick(button(parts.window.fit_panel, "Advanced"), Qt.MouseButton.LeftButton)


async def shown(parts: Parts, model: Path, host: HostMemory = HOST) -> None:
    parts.window.fit_panel._memory = lambda: host
    drop(parts.window, model)
    await until(lambda: parts.window.fit_panel.report is not None, "a preview")
    await parts.window.models.previewed()


async def test_a_bar_for_each_device_then_memory(build: Build, big_model: Path) -> None:
    twins = (CARD, Device("CUDA1", "gpu", 9 * GIB, 12 * GIB, "NVIDIA GeForce RTX 4070"))
    blas = Device("BLAS", "accel", None, None, "OpenBLAS")
    parts = build(devices=seen(*twins, blas), plan=Engine(*twins).plan)
    await shown(parts, big_model)
    await until(lambda: len(bars(parts)) == 3, "the devices")
    assert bars(parts) == ["CUDA0 · RTX 4070", "CUDA1 · RTX 4070", "Memory"], "what only accelerates has no bar"
    assert says(parts, "10.3 of 11.4 GiB free")
    assert says(parts, "40.0 of 64.0 GiB free")


async def test_a_machine_without_a_graphics_card_has_one_bar_and_no_offload(build: Build, big_model: Path) -> None:
    parts = build(plan=Engine().plan)
    await shown(parts, big_model)
    assert bars(parts) == ["Memory"]
    assert not says(parts, "GPU Offload")


async def test_auto_is_all_that_fits_and_is_what_is_loaded(build: Build, big_model: Path) -> None:
    parts = build(devices=seen(SMALL), plan=Engine(SMALL).plan)
    await shown(parts, big_model)
    panel = parts.window.fit_panel
    await until(lambda: panel.options.gpu_layers > 0, "layers on the card")
    layers = panel.options.gpu_layers
    assert says(parts, f"{layers} of 33 layers")
    assert says(parts, "Partly on CPU")

    def left(count: int) -> int:
        report = panel._desk.choice.preview.report(LoadOptions(8192, gpu_layers=count), HOST, (SMALL,))  # type: ignore[union-attr]
        return SMALL.free - report.need.devices[0][1].total  # type: ignore[operator]

    assert left(layers) >= GIB > left(layers + 1)
    slider = named(parts, QSlider, "GPU Offload")
    QTest.keyClick(slider, Qt.Key.Key_Left)
    assert panel.options.gpu_layers == layers - 1
    auto = named(parts, QToolButton, "GPU Offload")
    assert not auto.isChecked()  # type: ignore[attr-defined]
    await until(lambda: auto.height() > 0, "it is laid out")
    QTest.mouseClick(auto, Qt.MouseButton.LeftButton)
    assert panel.options.gpu_layers == layers


async def test_the_engine_confirms_when_the_controls_rest(build: Build, big_model: Path) -> None:
    engine = Engine(CARD)
    parts = build(devices=seen(CARD), plan=engine.plan)
    await shown(parts, big_model)
    await until(lambda: says(parts, "confirmed by the engine"), "its word")
    engine.asked.clear()
    slider = named(parts, QSlider, "Context Length")
    for _ in range(5):
        QTest.keyClick(slider, Qt.Key.Key_Left)
        assert says(parts, "estimate"), "at once"
        await asyncio.sleep(0.02)
    assert engine.asked == [], "not while they move"
    await until(lambda: says(parts, "confirmed by the engine"), "its word")
    assert [each.context_length for each in engine.asked] == [parts.window.fit_panel.options.context_length]


async def test_a_change_takes_the_question_back(build: Build, big_model: Path) -> None:
    engine = Engine(CARD)
    engine.may_answer.clear()
    parts = build(devices=seen(CARD), plan=engine.plan)
    await shown(parts, big_model)
    await until(lambda: any(each.gpu_layers for each in engine.asked), "asked")
    before = engine.given_up
    parts.window.fit_panel._context.set_value(4096)
    await until(lambda: engine.given_up > before, "given up")
    engine.may_answer.set()
    await until(lambda: says(parts, "confirmed by the engine"), "its word on the other")
    assert engine.asked[-1].context_length == 4096


async def test_the_engine_corrects_what_differs_and_nothing_jumps(build: Build, big_model: Path) -> None:
    engine = Engine(CARD, more=0.2)
    engine.may_answer.clear()
    parts = build(devices=seen(CARD), plan=engine.plan)
    await shown(parts, big_model)
    panel = parts.window.fit_panel
    await until(lambda: any(each.gpu_layers for each in engine.asked), "asked")
    estimated = panel.report.need.total  # type: ignore[union-attr]
    load = button(panel, "Load")
    before = load.mapTo(parts.window, QPoint())
    engine.may_answer.set()
    await until(lambda: says(parts, "corrected by the engine"), "its word")
    await asyncio.sleep(0.05)
    assert panel.report.need.total > estimated * 1.1  # type: ignore[union-attr]
    assert load.mapTo(parts.window, QPoint()) == before


async def test_the_table_of_a_real_child(build: Build, big_model: Path, tmp_path: Path) -> None:
    """The engine's log says 4872 MiB for all layers, where the estimate of this panel says about the same."""
    vulkan = Device("Vulkan0", "gpu", 8 * GIB, 8 * GIB, "A card")
    command = scripted_worker.command("planned", str(tmp_path / "journal"), "2048", "33", "Vulkan0 (A card)")
    parts = build(devices=seen(vulkan), plan=DryRuns(command).plan)
    await shown(parts, big_model)
    await until(lambda: parts.window.fit_panel.options.gpu_layers == 33, "all layers")
    await until(lambda: says(parts, "by the engine"), "its word")
    report = parts.window.fit_panel.report
    assert report is not None
    ((device, use),) = report.need.devices
    assert use.total == pytest.approx(4872 * MIB, abs=2 * MIB)
    assert device.free == 8 * GIB, "what is free was looked up for the panel"


async def test_why_the_engine_cannot_plan(build: Build, big_model: Path) -> None:
    words = "0.00.000.001 E llama_model_load: error loading model: unknown model architecture: 'zzama'"
    parts = build(plan=DryRuns(scripted_worker.command("last-words", words)).plan)
    await shown(parts, big_model)
    await until(lambda: says(parts, "The engine cannot plan this load: this engine does not know"), "the reason")
    assert says(parts, "estimate")
    assert parts.window.fit_panel.report is not None


async def test_without_an_engine_nobody_is_asked(build: Build, big_model: Path) -> None:
    engine = Engine()
    parts = build(plan=engine.plan)
    parts.window.fit_panel.has_engine = False
    await shown(parts, big_model)
    await asyncio.sleep(0.4)
    assert engine.asked == []
    assert says(parts, "estimate")


async def test_no_question_while_a_model_loads_and_none_of_what_is_loaded(
    build: Build, starter_model: Path, tmp_path: Path
) -> None:
    engine = Engine()
    command = scripted_worker.command("starts-when", str(tmp_path))
    parts = build(command, plan=engine.plan)
    await shown(parts, starter_model)
    loading = asyncio.ensure_future(parts.window.models.load())
    await until(lambda: parts.window.fit_panel.question is None, "loading")
    engine.asked.clear()
    parts.window.fit_panel._context.set_value(1024)
    await asyncio.sleep(0.4)
    assert engine.asked == []
    (tmp_path / starter_model.name).touch()
    await loading
    await until(lambda: len(engine.asked) == 1, "asked once it is over")
    parts.window.fit_panel._context.set_value(8192)
    await asyncio.sleep(0.4)
    assert len(engine.asked) == 1, "what is loaded need not be asked"


async def test_what_was_taken_stands_beside_the_plan_and_is_kept(
    build: Build, starter_model: Path, paths: Paths
) -> None:
    parts = build()
    await shown(parts, starter_model)
    await parts.window.models.load()
    await until(lambda: says(parts, "278 MiB, took 278 MiB"), "what it took")
    assert says(parts, "gives back")
    again = build()
    await shown(again, starter_model)
    await until(lambda: says(again, "278 MiB, took 278 MiB"), "it is known before the load")
    panel = again.window.fit_panel
    panel.setStyleSheet("QLabel { font-size: 22px }")  # or a language with longer words
    lay_out()
    (card,) = panel.findChildren(ModelCard)
    assert card.minimumSizeHint().width() <= card.width(), "wider, its texts would wrap without having the room"


async def test_what_is_loaded_so_is_kept_beside_what_was_tuned(build: Build, starter_model: Path, paths: Paths) -> None:
    settings = ModelSettings(paths)
    settings.keep(starter_model, LoadSettings(threads=2, batch=64), {"decode_tokens_per_s": 1.0})
    parts = build()
    await shown(parts, starter_model)
    unfold(parts)
    combo = named(parts, QComboBox, "KV Cache K Type")
    QTest.keyClick(combo, Qt.Key.Key_Down)
    QTest.keyClick(combo, Qt.Key.Key_Down)
    chosen = parts.window.fit_panel.options.kv_type_k
    assert chosen != "f16"
    assert settings.for_model(starter_model).kv_type_k is None, "not before it is loaded"
    parts.window.fit_panel._context.set_value(1024)
    await parts.window.models.load()
    assert settings.for_model(starter_model) == LoadSettings(threads=2, batch=64, context_length=1024, kv_type_k=chosen)
    again = build()
    await shown(again, starter_model)
    assert again.window.fit_panel.options.context_length == 1024
    QTest.mouseClick(button(again.window.fit_panel, "Reset"), Qt.MouseButton.LeftButton)
    assert (again.window.fit_panel.options.threads, again.window.fit_panel.options.context_length) == (2, 8192)


async def test_another_model_names_what_ejecting_gives_back(build: Build, starter_model: Path, big_model: Path) -> None:
    parts = build(plan=Engine().plan)
    await shown(parts, starter_model)
    await parts.window.models.load()
    await shown(parts, big_model)
    await until(lambda: says(parts, "Llama 8B"), "the other")
    assert says(parts, "Ejecting SmolLM2 135M Instruct gives back")
    returned = parts.window.fit_panel.machine.host.free - HOST.free
    assert 100 * MIB < returned < 400 * MIB, "its context and what it computes in; the file's pages count as free"


async def test_remedies_are_one_click_each(build: Build, big_model: Path) -> None:
    parts = build(plan=Engine().plan)
    need = estimate(read_model(big_model), LoadOptions(8192)).total
    await shown(parts, big_model, HostMemory(64 * GIB, need - 100 * MIB))
    panel = parts.window.fit_panel
    assert says(parts, "Won't fit")
    remedies = panel._desk.remedies
    assert len(remedies) >= 2
    (others,) = (each for each in panel.findChildren(QToolButton) if each.accessibleName() == "Other ways")
    menu = others.menu()
    assert isinstance(menu, QMenu)
    assert [action.text() for action in menu.actions()] == [text[:1].upper() + text[1:] for text in remedies[1:]]
    context = next(number for number, remedy in enumerate(panel.report.remedies) if remedy.kind == "context")  # type: ignore[union-attr]
    menu.actions()[context - 1].trigger()
    assert panel.options.context_length < 8192
    await until(lambda: not says(parts, "Won't fit") and button(panel, "Reset").isVisible(), "the remedy")
    QTest.mouseClick(button(panel, "Reset"), Qt.MouseButton.LeftButton)
    await until(lambda: says(parts, "Won't fit") and button(panel, "Apply").isVisible(), "the beginning")
    QTest.mouseClick(button(panel, "Apply"), Qt.MouseButton.LeftButton)
    assert panel.options.kv_type_k == panel.options.kv_type_v == "q8_0"
    await until(lambda: not says(parts, "Won't fit"), "the other remedy")


async def test_quantised_values_and_no_flash_attention(build: Build, big_model: Path) -> None:
    """The last choice wins, and what it changed besides is told."""
    parts = build(plan=Engine().plan)
    await shown(parts, big_model)
    unfold(parts)
    panel = parts.window.fit_panel
    v_type, flash = named(parts, QComboBox, "V Type"), named(parts, QComboBox, "Flash Attention")
    QTest.keyClick(v_type, "q")
    QTest.keyClick(flash, Qt.Key.Key_Down)
    assert panel.options.kv_type_v.startswith("q")
    assert panel.options.flash_attention is True
    QTest.keyClick(flash, Qt.Key.Key_End)
    assert panel.options.flash_attention is False
    assert panel.options.kv_type_v == "f16"
    assert says(parts, "Values are kept as f16 again")
    for _ in range(2):
        QTest.keyClick(v_type, Qt.Key.Key_Down)
    assert panel.options.flash_attention is None
    assert says(parts, "Flash attention is on auto")


async def test_every_control_redraws_at_once(build: Build, big_model: Path) -> None:
    parts = build(plan=Engine().plan)
    await shown(parts, big_model)
    unfold(parts)
    panel = parts.window.fit_panel
    before = panel.report
    for name, typed, field in (
        ("Batch Size", "512", "batch"),
        ("Parallel", "3", "parallel"),
        ("Threads", "2", "threads"),
    ):
        number = named(parts, QSpinBox, name)
        number.selectAll()  # type: ignore[attr-defined]
        QTest.keyClicks(number, typed)
        QTest.keyClick(number, Qt.Key.Key_Return)
        assert getattr(panel.options, field) == int(typed)
    for check in panel.findChildren(QCheckBox):
        QTest.keyClick(check, Qt.Key.Key_Space)
    assert (panel.options.mmap, panel.options.mlock) == (False, True)
    assert before is not None
    assert panel.report is not None
    assert panel.report.need.all.context == 3 * before.need.all.context
    assert panel.report.need.all.compute > before.need.all.compute


async def test_a_wheel_scrolls_the_panel_and_turns_nothing(build: Build, big_model: Path) -> None:
    parts = build(devices=seen(CARD), plan=Engine(CARD).plan)
    await shown(parts, big_model)
    await until(lambda: len(bars(parts)) == 2, "the device")
    unfold(parts)
    before = parts.window.fit_panel.options
    controls = [
        each
        for kind in (QSlider, QSpinBox, QComboBox)
        for each in parts.window.fit_panel.findChildren(kind)
        if each.isVisible()
    ]
    assert len(controls) >= 9
    for control in controls:
        control.setFocus()
        place = QPointF(control.rect().center())
        event = QWheelEvent(
            place,
            QPointF(control.mapToGlobal(place)),
            QPoint(0, 0),
            QPoint(0, -120),
            Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        QApplication.sendEvent(control, event)
    assert parts.window.fit_panel.options == before


async def test_the_tab_key_follows_the_eye(build: Build, big_model: Path) -> None:
    parts = build(devices=seen(CARD), plan=Engine(CARD).plan)
    await shown(parts, big_model)
    await until(lambda: len(bars(parts)) == 2, "the device")
    unfold(parts)
    panel = parts.window.fit_panel
    (body,) = panel.findChildren(QWidget, "fitBody")
    await until(lambda: body.height() > panel.height(), "the unfolded controls are laid out")
    named(parts, QSpinBox, "Context Length").setFocus()
    places = []
    while (focused := parts.window.focusWidget()) is not None and body.isAncestorOf(focused):
        place = focused.mapTo(body, focused.rect().center())
        places.append((place.y() // 12, place.x()))  # what stands in one row is as high to the eye
        QTest.keyClick(focused, Qt.Key.Key_Tab)
        assert len(places) < 40
    assert len(places) >= 13
    assert places == sorted(places)
    assert focused is button(panel, "Load")


async def test_looking_again_finds_another_device(build: Build, big_model: Path) -> None:
    there: list[Device] = []

    async def look() -> Sequence[Device]:
        return tuple(there)

    parts = build(devices=look, plan=Engine(CARD).plan)
    await shown(parts, big_model)
    assert bars(parts) == ["Memory"]
    there.append(CARD)
    (again,) = (
        each for each in parts.window.fit_panel.findChildren(QToolButton) if each.accessibleName() == "Look again"
    )
    QTest.mouseClick(again, Qt.MouseButton.LeftButton)
    await until(lambda: bars(parts) == ["RTX 4070", "Memory"], "the card")


async def test_a_badge_on_every_model(build: Build, starter_model: Path, big_model: Path, tmp_path: Path) -> None:
    parts = build(plan=Engine().plan)
    await shown(parts, big_model, HostMemory(64 * GIB, 2 * GIB))
    await shown(parts, starter_model, HostMemory(64 * GIB, 2 * GIB))
    side_bar = parts.window.side_bar

    def told(model: Path) -> str:
        return str(side_bar.models.list.index_of(model).data(Qt.ItemDataRole.AccessibleTextRole))

    await until(lambda: "Fits" in told(starter_model) and "Won't fit" in told(big_model), "the badges")
    tip = str(side_bar.models.list.index_of(big_model).data(Qt.ItemDataRole.ToolTipRole))
    assert "with 8,192 tokens" in tip
    parts.window.fit_panel._memory = lambda: HostMemory(64 * GIB, 32 * GIB)
    parts.window.fit.machine_changed()
    await until(lambda: "Fits" in told(big_model), "more is free now")


async def test_long_names_and_many_devices_stay_inside(build: Build, big_model: Path) -> None:
    devices = tuple(
        Device(f"Vulkan{place}", "gpu", 8 * GIB, 16 * GIB, f"A very long name of a graphics card, edition {place}")
        for place in range(4)
    )
    parts = build(devices=seen(*devices), plan=Engine(*devices).plan)
    parts.window.resize(1024, 640)
    await shown(parts, big_model)
    await until(lambda: len(bars(parts)) == 5, "the devices")
    unfold(parts)
    await asyncio.sleep(0.05)
    panel = parts.window.fit_panel
    for each in panel.findChildren(QWidget):
        if each.isVisible() and each is not panel:
            left = each.mapTo(panel, QPoint()).x()
            assert 0 <= left <= left + each.width() <= panel.width(), each
    load = button(panel, "Load")
    assert load.mapTo(parts.window, QPoint(0, load.height())).y() <= parts.window.height()


async def test_an_answer_goes_before_a_question(build: Build, starter_model: Path, tmp_path: Path) -> None:
    engine = Engine()
    go_on = tmp_path / "go on"
    parts = build(scripted_worker.command("pauses", str(go_on)), plan=engine.plan)
    await shown(parts, starter_model)
    await parts.window.models.load()
    parts.window.chats.send("Hello?")
    await until(lambda: parts.window.chats.shown and parts.window.chats.shown[-1].text, "the first words")
    engine.asked.clear()
    parts.window.fit_panel._context.set_value(1024)
    await asyncio.sleep(0.4)
    assert engine.asked == []
    assert says(parts, "estimate")
    go_on.touch()
    await parts.window.chats.answered()
    await until(lambda: says(parts, "confirmed by the engine"), "asked behind the answer")
    assert [each.context_length for each in engine.asked] == [1024]


async def test_what_the_loaded_model_holds_of_a_device_counts_as_free(build: Build, big_model: Path) -> None:
    free = [CARD.free]

    async def look() -> Sequence[Device]:
        return (replace(CARD, free=free[0]),)

    parts = build(scripted_worker.command("sound"), devices=look, plan=Engine(CARD).plan)
    await shown(parts, big_model)
    panel = parts.window.fit_panel
    await until(lambda: panel.options.gpu_layers == 33, "all layers")
    report = panel.report
    assert report is not None
    await parts.window.models.load()
    taken = report.need.devices[0][1].total
    free[0] = CARD.free - taken - GIB  # type: ignore[operator] # another program has taken 1 GiB meanwhile
    QTest.keyClick(parts.window, Qt.Key.Key_F5)
    await until(lambda: panel.machine.devices[0].free == CARD.free - GIB, "what is ours is counted as free")  # type: ignore[operator]
    assert says(parts, "gives back")
    assert panel.options.gpu_layers == 33, "what is loaded stays as it is"
    await until(lambda: says(parts, "loaded"), "it is")


async def test_nothing_is_loaded_as_if_there_were_no_card(build: Build, starter_model: Path) -> None:
    """Load may be pressed while the look at the devices is still on its way."""

    async def look() -> Sequence[Device]:
        await asyncio.sleep(0.5)
        return (CARD,)

    parts = build(devices=look, plan=Engine(CARD).plan)
    await parts.window.models.open([starter_model])
    await parts.window.models.load()
    state = parts.loader.state
    assert isinstance(state, Ready)
    assert state.server.options.gpu_layers == read_model(starter_model).block_count + 1
