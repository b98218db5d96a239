"""The command line: the window (unless another command is named), ask, fit, tune, doctor; and the engine child.

Only what a command needs is imported: the child must not pay for Qt, nor `fit` for the engine's client.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import gc
import io
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from nodetool_xl_desktop import __version__
from nodetool_xl_desktop.cli.arguments import Arguments
from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.fit.options import KV_TYPES, LARGEST_CONTEXT_LENGTH, SMALLEST_CONTEXT_LENGTH

if TYPE_CHECKING:
    from nodetool_xl_desktop.core.instance import Instance
    from nodetool_xl_desktop.hub.named import Named
    from nodetool_xl_desktop.tools import Tool

PROGRAM = "nodetool-xl-desktop"
AUTO_LAYERS = "auto"
COMMANDS = ("ask", "fit", "tune", "doctor")
OVERVIEW = tr(
    "commands:\n  {program} [FILE|FOLDER|URL ...]   open the window, and these in it\n  {program} ask "
    "MODEL PROMPT        stream one answer to standard output\n  {program} fit MODEL|URL           say "
    "what a load would take, without loading\n  {program} tune MODEL              measure which "
    "settings make it fast here, and keep them\n  {program} doctor                  look at this "
    "installation and name remedies\n\nEach command explains itself with --help. Exit status: 0 done, 1 "
    "it could not be done\n(one line on standard error says why and what to do), 2 wrong use.\n",
    program=PROGRAM,
)


def _engine_worker() -> None:
    from nodetool_xl_desktop.engine import worker  # noqa: PLC0415

    worker.main()


def _tool_child() -> None:
    from nodetool_xl_desktop.tools import child  # noqa: PLC0415

    child.main()


def _scan_child() -> None:
    from nodetool_xl_desktop.library import header_child  # noqa: PLC0415

    header_child.serve()


def _formula_child() -> None:
    from nodetool_xl_desktop.markdown import formula_drawing  # noqa: PLC0415

    formula_drawing.serve()


_NO_VISION = tr("load it without the projector that lies beside it")
#: What this program starts as processes of its own.
CHILDREN = {
    "--engine-worker": _engine_worker,
    "--tool-child": _tool_child,
    "--scan-child": _scan_child,
    "--formula-child": _formula_child,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if len(arguments) == 1 and arguments[0] in CHILDREN:
        CHILDREN[arguments[0]]()
        return 0
    if sys.stderr is None:  # closed by whoever started it: notes would go to standard output instead
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - for as long as the program runs
    if isinstance(sys.stdout, io.TextIOWrapper):  # a window without a console has none
        sys.stdout.reconfigure(errors="replace")  # an answer may hold letters that the terminal does not know
    try:
        with _flushed():
            return _run(arguments)
    except UserFacingError as error:
        print(f"{PROGRAM}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except BrokenPipeError:  # `... | head` has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        print(
            tr(
                "{program}: The output could not be written: {strerror}. Make room.",
                program=PROGRAM,
                strerror=error.strerror,
            ),
            file=sys.stderr,
        )
        return 1


@contextlib.contextmanager
def _flushed() -> Iterator[None]:
    """Write standard output out before errors are told, and while a closed pipe can still be noticed."""
    try:
        yield
    finally:
        if sys.stdout is not None:
            sys.stdout.flush()


def _run(arguments: list[str]) -> int:
    command = arguments[0] if arguments and arguments[0] in COMMANDS else "window"
    rest = arguments if command == "window" else arguments[1:]
    return {"window": _window, "ask": _ask, "fit": _fit, "tune": _tune, "doctor": _doctor}[command](rest)


def _window(arguments: list[str]) -> int:
    parser = Arguments(
        prog=PROGRAM,
        description=tr("Chat with language models on your own machine."),
        epilog=OVERVIEW,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "places",
        nargs="*",
        metavar="FILE|FOLDER|URL|ORG/REPO",
        help=tr("models to list (the last is selected), folders to add to My Models, pages of a model hub to show"),
    )
    parser.add_argument("--offscreen", action="store_true", help=tr("open no window on the screen"))
    parser.add_argument("--prompt", metavar="TEXT", help=tr("load the selected model, ask this, print the answer"))
    parser.add_argument("--screenshot", type=Path, metavar="PNG", help=tr("save a picture of the window, then end"))
    parser.add_argument("--version", action="version", version=f"{PROGRAM} {__version__}")
    options = parser.parse_args(arguments)
    if options.prompt is not None and not options.prompt.strip():
        parser.error(tr("TEXT of --prompt is empty"))
    instance = _begin(options)  # before the display is looked for: who hands over needs none
    if instance is None:
        return 0
    if options.offscreen:
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
    elif sys.platform == "linux" and not os.environ.get("QT_QPA_PLATFORM"):
        _check_display()
    gc.disable()  # until the window is there: what is imported stays
    try:
        from nodetool_xl_desktop.ui import unread_sources  # noqa: PLC0415

        unread_sources.leave_unread()
        from nodetool_xl_desktop import app  # noqa: PLC0415
    except ImportError as error:
        raise _no_qt(error) from error
    return app.run(_named(options.places), instance, prompt=options.prompt, screenshot=options.screenshot)


def _begin(options: argparse.Namespace) -> Instance | None:
    """The right to the window; None where another program has it and opens what was named here.

    A run for a script (a prompt, a picture) works beside an open window, and is none that others hand anything to.
    """
    from nodetool_xl_desktop.core.instance import Instance  # noqa: PLC0415
    from nodetool_xl_desktop.core.paths import Paths  # noqa: PLC0415

    instance = Instance(Paths.default().data)
    is_script = options.prompt is not None or options.screenshot is not None
    if (is_script and (options.offscreen or options.screenshot is not None)) or instance.try_begin() or is_script:
        return instance
    from nodetool_xl_desktop.ui import one_program  # noqa: PLC0415 - Qt, which nobody else need wait for

    return None if one_program.hand_over(instance, _named(options.places)) else instance


def _named(places: list[str]) -> list[Named]:
    if not places:
        return []
    from nodetool_xl_desktop.hub.named import from_here  # noqa: PLC0415

    return [from_here(place) for place in places]


def _check_display() -> None:
    """Qt aborts the process without a display or without a library that it needs for it, and blames the wrong one."""
    from nodetool_xl_desktop.core import system_libraries  # noqa: PLC0415

    wayland = os.environ.get("WAYLAND_DISPLAY")
    if not wayland and not os.environ.get("DISPLAY"):
        raise UserFacingError(
            tr("The window cannot open"),
            tr("there is no display (neither DISPLAY nor WAYLAND_DISPLAY is set)"),
            tr("Start it on a desktop, or without a window: {program} ask MODEL PROMPT.", program=PROGRAM),
        )
    missing = system_libraries.missing()
    if wayland:  # Qt then does without the libraries of X
        missing = {name: package for name, package in missing.items() if name not in system_libraries.X11}
    if missing:
        raise UserFacingError(
            tr("The window cannot open"),
            tr("this system lacks {missing}", missing=", ".join(missing)),
            tr("Install them: sudo apt-get install {packages}", packages=" ".join(missing.values())),
        )


def _no_qt(error: ImportError) -> UserFacingError:
    """Why the window's toolkit does not start: on a bare Linux a system library is missing."""
    from nodetool_xl_desktop.core import system_libraries  # noqa: PLC0415

    missing = system_libraries.missing()
    remedy = tr("Install them: sudo apt-get install {packages}", packages=" ".join(missing.values())) if missing else ""
    return UserFacingError(
        tr("The window cannot open"), str(error), remedy or tr("Run `{program} doctor`.", program=PROGRAM)
    )


def _ask(arguments: list[str]) -> int:
    parser = Arguments(prog=f"{PROGRAM} ask", description=tr("Stream one answer to standard output."))
    parser.add_argument("model", metavar="MODEL", help=tr("a .gguf file, a name of My Models, or org/repo[:QUANT]"))
    parser.add_argument("prompt", metavar="PROMPT")
    parser.add_argument("--system", default="", metavar="S", help=tr("the system prompt"))
    parser.add_argument("--max-tokens", type=_count, metavar="N", help=tr("the longest answer, and call, in tokens"))
    parser.add_argument("--temperature", type=_temperature, metavar="T", help=tr("0 always takes the likeliest token"))
    parser.add_argument("--context", type=_context, metavar="N", help=tr("Context Length in tokens"))
    parser.add_argument("--no-vision", action="store_true", help=_NO_VISION)
    parser.add_argument(
        "--tools",
        type=_tools,
        action="extend",
        default=[],
        metavar="NAME,...",
        help=tr("what the model may call: calculator, clock"),
    )
    parser.add_argument(
        "--tool-choice", metavar="NAME", help=tr("make it call this tool first, or any of them (required)")
    )
    parser.add_argument("--yes", action="store_true", help=tr("run every call without asking"))
    parser.add_argument("--json", action="store_true", help=tr("print one object with text, calls, usage and timings"))
    options = parser.parse_args(arguments)
    if not options.prompt.strip():
        parser.error("PROMPT is empty")
    if (options.yes or options.tool_choice) and not options.tools:
        parser.error("there are no calls without --tools")
    choices = ["auto", "required", *(tool.name for tool in options.tools)]
    if options.tool_choice and options.tool_choice not in choices:
        parser.error(f"argument --tool-choice: {options.tool_choice!r} is none of {', '.join(choices)}")
    from nodetool_xl_desktop.cli import ask  # noqa: PLC0415
    from nodetool_xl_desktop.engine.client import Sampling  # noqa: PLC0415
    from nodetool_xl_desktop.fit.options import LoadSettings  # noqa: PLC0415

    ask.run(
        options.model,
        options.prompt,
        system=options.system,
        sampling=Sampling(options.temperature, options.max_tokens),
        load=LoadSettings(context_length=options.context, projector="" if options.no_vision else None),
        tools=options.tools,
        tool_choice=options.tool_choice or "auto",
        allow_calls=options.yes,
        as_json=options.json,
    )
    return 0


def _fit(arguments: list[str]) -> int:
    parser = _fit_parser()
    options = parser.parse_args(arguments)
    if options.exact and options.device:
        parser.error("--exact asks the engine about this machine: it knows no planned devices (--device)")
    names = [device.name for device in options.device]
    if len(set(names)) < len(names):
        parser.error("two devices of --device have the same name")
    from nodetool_xl_desktop.cli import fit  # noqa: PLC0415
    from nodetool_xl_desktop.fit.options import LoadSettings  # noqa: PLC0415

    said = LoadSettings(
        context_length=options.context,
        gpu_layers=None if options.gpu_layers == AUTO_LAYERS else options.gpu_layers,
        kv_type_k=options.kv_type,
        kv_type_v=options.kv_type,
        parallel=options.parallel,
        batch=options.batch,
        projector="" if options.no_vision else None,
    )
    question = fit.Question(
        options.model,
        said,
        auto_layers=options.gpu_layers == AUTO_LAYERS,
        devices=tuple(options.device),
        margin=options.margin,
        exact=options.exact,
    )
    fit.run(question, as_json=options.json)
    return 0


def _fit_parser() -> Arguments:
    from nodetool_xl_desktop.cli.fit_devices import FORM  # noqa: PLC0415

    parser = Arguments(prog=f"{PROGRAM} fit", description=tr("Say what a load would take, without loading."))
    add = parser.add_argument
    add("model", metavar="MODEL|URL", help=tr("a .gguf file, a name of My Models, or the address of a .gguf file"))
    add("--context", type=_context, metavar="N", help=tr("Context Length in tokens"))
    add(
        "--gpu-layers",
        type=_gpu_layers,
        metavar="N|auto",
        help=tr("layers on the devices, the output layer counted as one"),
    )
    add(
        "--kv-type",
        choices=KV_TYPES,
        metavar="T",
        help=tr("what the KV cache is kept as: {kv_types}", kv_types=", ".join(KV_TYPES)),
    )
    add("--parallel", type=_between(1, 256), metavar="N", help=tr("chats side by side, each with the whole context"))
    add("--batch", type=_between(1, 65_536), metavar="N", help=tr("tokens of a prompt that are worked through at once"))
    add("--no-vision", action="store_true", help=_NO_VISION)
    help_device = tr("plan for a machine with this device ({form}; FREE_GIB may be ?); repeatable", form=FORM)
    add("--device", action="append", default=[], type=_device, metavar=FORM, help=help_device)
    add("--margin", type=_gibibytes, default="1", metavar="GIB", help=tr("what should stay free of each memory (1)"))
    add("--exact", action="store_true", help=tr("have the engine itself plan the load on this machine; loads nothing"))
    add("--json", action="store_true", help=tr("print the report as one object, sizes in bytes"))
    return parser


def _device(text: str) -> object:
    from nodetool_xl_desktop.cli.fit_devices import planned_device  # noqa: PLC0415

    try:
        return planned_device(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _gibibytes(text: str) -> int:
    from nodetool_xl_desktop.cli.fit_devices import gibibytes  # noqa: PLC0415

    try:
        return gibibytes(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _gpu_layers(text: str) -> int | str:
    return text if text == AUTO_LAYERS else _between(0, 100_000)(text)


def _between(least: int, most: int) -> Callable[[str], int]:
    """What reads a whole number from `least` to `most`."""

    def read(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(tr("{text!r} is not a whole number", text=text)) from None
        if not least <= number <= most:
            raise argparse.ArgumentTypeError(
                tr("{number:,} is not between {least:,} and {most:,}", number=number, least=least, most=most)
            )
        return number

    return read


def _tune(arguments: list[str]) -> int:
    parser = Arguments(
        prog=f"{PROGRAM} tune",
        description=tr("Measure which settings make a model fast on this machine, in a minute or two, and keep them."),
    )
    parser.add_argument("model", type=Path, metavar="MODEL", help=tr("a .gguf file"))
    parser.add_argument("--context", type=_context, metavar="N", help=tr("Context Length in tokens"))
    parser.add_argument("--json", action="store_true", help=tr("print one object with every measured row"))
    parser.add_argument("--forget", action="store_true", help=tr("measure nothing, and forget what is kept"))
    options = parser.parse_args(arguments)
    from nodetool_xl_desktop.cli import tune  # noqa: PLC0415
    from nodetool_xl_desktop.core.paths import Paths  # noqa: PLC0415

    if options.forget:
        tune.forget(options.model, Paths.default())
    else:
        tune.run(options.model, Paths.default(), context_length=options.context, as_json=options.json)
    return 0


def _doctor(arguments: list[str]) -> int:
    parser = Arguments(prog=f"{PROGRAM} doctor", description=tr("Look at this installation."))
    parser.add_argument("--json", action="store_true", help=tr("print one object"))
    options = parser.parse_args(arguments)
    from nodetool_xl_desktop.cli import doctor  # noqa: PLC0415
    from nodetool_xl_desktop.core.paths import Paths  # noqa: PLC0415

    doctor.run(Paths.default(), as_json=options.json)
    return 0


def _count(text: str) -> int:
    return _between(1, LARGEST_CONTEXT_LENGTH)(text)


def _context(text: str) -> int:
    number = _count(text)
    if number < SMALLEST_CONTEXT_LENGTH:
        raise argparse.ArgumentTypeError(
            tr(
                "{number:,} is less than {smallest_context_length}",
                number=number,
                smallest_context_length=SMALLEST_CONTEXT_LENGTH,
            )
        )
    return number


def _tools(text: str) -> list[Tool]:
    from nodetool_xl_desktop.tools.built_in import by_name  # noqa: PLC0415 - 0.1 s, which nobody else need wait

    known = by_name()
    names = list(dict.fromkeys(name.strip() for name in text.split(",")))
    for name in names:
        if name not in known:
            raise argparse.ArgumentTypeError(
                tr("there is no tool {name!r}; there are {known}", name=name, known=", ".join(known))
            )
    return [known[name] for name in names]


def _temperature(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(tr("{text!r} is not a number", text=text)) from None
    if not 0 <= number <= 5:
        raise argparse.ArgumentTypeError(tr("{text} is not between 0 and 5", text=text))
    return number


if __name__ == "__main__":
    sys.exit(main())
