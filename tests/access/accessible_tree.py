"""What a screen reader knows of a program: the tree that it offers on the accessibility bus, and nothing else.

A small client of AT-SPI over D-Bus, in a process other than the program's: no Qt, no object of the program. Names and
numbers are those of https://docs.gtk.org/atspi2/ (roles are asked for by name, states are bits).
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self, TypeVar

import psutil
from jeepney import DBusAddress, HeaderFields, MatchRule, MessageType, Properties, message_bus, new_method_call
from jeepney.io.blocking import open_dbus_connection
from jeepney.low_level import Message

T = TypeVar("T")
REGISTRY = "org.a11y.atspi.Registry"
ROOT = "/org/a11y/atspi/accessible/root"
#: The bits of AtspiStateType that tests ask for.
STATES = {
    1: "active", 3: "busy", 4: "checked", 5: "collapsed", 7: "editable", 8: "enabled", 9: "expandable",
    10: "expanded", 11: "focusable", 12: "focused", 16: "modal", 17: "multi line", 20: "pressed", 22: "selectable",
    23: "selected", 24: "sensitive", 25: "showing", 26: "single line", 30: "visible", 41: "checkable",
    42: "has popup", 43: "read only",
}  # fmt: skip
#: The program answers at once unless its window hangs, or the machine is overloaded.
REPLY_S = 20.0
#: So often what is waited for is looked at again.
LOOK_S = 0.2


class Refused(Exception):
    """The other side answered with an error: mostly, that what was asked is gone."""


class Bus:
    """The accessibility bus of a desktop, which is told that a screen reader runs.

    Args:
        session: the address of its session bus.
    """

    def __init__(self, session: str) -> None:
        with open_dbus_connection(session) as asked:
            launcher = DBusAddress("/org/a11y/bus", "org.a11y.Bus", "org.a11y.Bus")
            address = _answer(asked.send_and_get_reply(new_method_call(launcher, "GetAddress"), timeout=REPLY_S))[0]
            status = Properties(launcher.with_interface("org.a11y.Status"))
            for name in ("IsEnabled", "ScreenReaderEnabled"):
                _answer(asked.send_and_get_reply(status.set(name, "b", value=True), timeout=REPLY_S))
        self._connection = open_dbus_connection(address)
        self._events: list[Event] = []
        self._signals: deque[Message] = deque()
        self._connection.filter(MatchRule(type="signal"), queue=self._signals)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def listen(self, *kinds: str) -> None:
        """Hear of these from now on: `object:announcement`, `object:state-changed`, `object:text-changed`."""
        registry = DBusAddress("/org/a11y/atspi/registry", REGISTRY, "org.a11y.atspi.Registry")
        for kind in kinds:
            family, member = kind.split(":")
            interface = f"org.a11y.atspi.Event.{family.capitalize()}"
            signal = "".join(word.capitalize() for word in member.split("-"))
            rule = MatchRule(type="signal", interface=interface, member=signal)
            self._reply(message_bus.AddMatch(rule))
            self._reply(new_method_call(registry, "RegisterEvent", "s", (kind,)))

    def heard(self) -> list[Event]:
        """What has been heard so far, the oldest first."""
        self.root.children()  # what was sent before this answer is here with it
        while self._signals:
            if (event := _event(self._signals.popleft())) is not None:
                self._events.append(event)
        return list(self._events)

    @property
    def root(self) -> Node:
        """What all programs are below."""
        return Node(self, REGISTRY, ROOT)

    def program(self, pid: int, within_s: float = 30.0) -> Node:
        """The program of this process, once it is on the bus with a window that is shown."""

        def found() -> Node | None:
            assert psutil.Process(pid).status() != psutil.STATUS_ZOMBIE, "the program has ended"
            for each in self.root.children():
                if self.pid(each.owner) == pid and any("showing" in window.states for window in each.children()):
                    return each
            return None

        return until(found, f"process {pid} is on the accessibility bus with a window", within_s)

    def pid(self, owner: str) -> int:
        """The process behind a name of the bus."""
        return int(self._reply(message_bus.GetConnectionUnixProcessID(owner))[0])

    def ask(self, node: Node, interface: str, method: str, signature: str = "", *values: Any) -> tuple[Any, ...]:
        """Call a method.

        Raises:
            Refused: the program answered with an error.
        """
        address = DBusAddress(node.path, node.owner, f"org.a11y.atspi.{interface}")
        return self._reply(new_method_call(address, method, signature or None, values))

    def get(self, node: Node, interface: str, name: str) -> Any:
        """Read a property.

        Raises:
            Refused: the program answered with an error.
        """
        address = DBusAddress(node.path, node.owner, f"org.a11y.atspi.{interface}")
        return self._reply(Properties(address).get(name))[0][1]

    def _reply(self, message: Message) -> tuple[Any, ...]:
        return _answer(self._connection.send_and_get_reply(message, timeout=REPLY_S))


def _answer(reply: Message) -> tuple[Any, ...]:
    if reply.header.message_type is MessageType.error:
        raise Refused(f"{reply.header.fields.get(HeaderFields.error_name)}: {reply.body}")
    body: tuple[Any, ...] = reply.body
    return body


@dataclass(frozen=True, slots=True)
class Event:
    """Something that the program told: its kind, what is about it (`focused`, an insertion), and what it brought."""

    kind: str
    detail: str
    numbers: tuple[int, int]
    value: Any
    owner: str
    path: str


def _event(message: Message) -> Event | None:
    """What a signal tells; None where it is the bus's own."""
    fields = message.header.fields
    if not str(fields.get(HeaderFields.interface)).startswith("org.a11y.atspi.Event."):
        return None
    detail, first, second, (_, value), *_ = message.body
    kind, owner, path = (fields[each] for each in (HeaderFields.member, HeaderFields.sender, HeaderFields.path))
    return Event(kind, detail, (first, second), value, owner, path)


@dataclass(frozen=True)
class Node:
    """One object of the tree. What it says is asked for anew each time."""

    bus: Bus
    owner: str
    path: str

    def __str__(self) -> str:
        try:
            return f"{self.role} {self.name!r} ({', '.join(sorted(self.states))})"
        except Refused as gone:
            return f"{self.path}, gone: {gone}"

    @property
    def name(self) -> str:
        """What it is called."""
        return str(self.bus.get(self, "Accessible", "Name"))

    @property
    def description(self) -> str:
        """What is said of it beside its name."""
        return str(self.bus.get(self, "Accessible", "Description"))

    @property
    def role(self) -> str:
        """What it is: `push button`, `list item`."""
        return str(self.bus.ask(self, "Accessible", "GetRoleName")[0])

    @property
    def states(self) -> frozenset[str]:
        """How it is now, of `STATES`."""
        low, high = self.bus.ask(self, "Accessible", "GetState")[0]
        bits = low | high << 32
        return frozenset(name for bit, name in STATES.items() if bits >> bit & 1)

    @property
    def interfaces(self) -> frozenset[str]:
        """What can be done with it: `Action`, `Selection`, `EditableText`."""
        names = self.bus.ask(self, "Accessible", "GetInterfaces")[0]
        return frozenset(name.rpartition(".")[2] for name in names)

    @property
    def text(self) -> str:
        """The text that is in it; empty where it holds none."""
        if "Text" not in self.interfaces:
            return ""
        return str(self.bus.ask(self, "Text", "GetText", "ii", 0, -1)[0])

    @property
    def actions(self) -> list[str]:
        """What one may ask it to do: `Press`, `SetFocus`, `Toggle`."""
        if "Action" not in self.interfaces:
            return []
        return [name for name, *_ in self.bus.ask(self, "Action", "GetActions")[0]]

    def children(self) -> list[Node]:
        """What is in it."""
        return [Node(self.bus, owner, path) for owner, path in self.bus.ask(self, "Accessible", "GetChildren")[0]]

    def below(self) -> Iterator[Node]:
        """All that is shown in it, from above to below as it is told. What goes while one looks is left out."""
        try:
            children = self.children()
        except Refused:
            return
        for child in children:
            try:
                is_shown = "showing" in child.states or child.role in ("list item", "table cell")
            except Refused:
                continue
            if is_shown:
                yield child
                yield from child.below()

    def find(self, role: str, name: str = "", *, within_s: float = 10.0) -> Node:
        """The one object of this role whose name begins so, once it is shown.

        Raises:
            AssertionError: there is none in this time, or there are several.
        """
        return until(lambda: self._only(role, name), f"a {role} {name!r} is shown", within_s, self.told)

    def _only(self, role: str, name: str) -> Node | None:
        found = self.all(role, name)
        assert len(found) < 2, [str(each) for each in found]
        return found[0] if found else None

    def all(self, role: str, name: str = "") -> list[Node]:
        """All objects of this role that are shown and whose names begin so."""
        return [each for each in self.below() if each._is(role, name)]

    def _is(self, role: str, name: str) -> bool:
        try:
            return self.role == role and self.name.startswith(name)
        except Refused:
            return False

    def told(self, depth: int = 0) -> str:
        """All that is shown, a line for each: for who reads why a test failed."""
        lines = [f"{'  ' * depth}{self}"]
        for child in self.children():
            try:
                if "showing" in child.states:
                    lines.append(child.told(depth + 1))
            except Refused:
                continue
        return "\n".join(lines)

    # What a person does with it

    def do(self, action: str = "Press") -> None:
        """Do one of its actions.

        Raises:
            AssertionError: it has no such action, or refused.
        """
        actions = self.actions
        assert action in actions, f"{self} can do {actions}"
        assert self.bus.ask(self, "Action", "DoAction", "i", actions.index(action))[0], f"{self} did not {action}"

    def write(self, text: str) -> None:
        """Make this the text of a field."""
        assert self.bus.ask(self, "EditableText", "SetTextContents", "s", text)[0], f"{self} takes no text"

    def select_alone(self, child: Node) -> None:
        """Select one of its children, as a list has them, and no other."""
        number = self.children().index(child)
        assert self.bus.ask(self, "Selection", "ClearSelection")[0], f"{self} keeps what is selected"
        assert self.bus.ask(self, "Selection", "SelectChild", "i", number)[0], f"{self} selects nothing"


def until(found: Callable[[], T | None], what: str, within_s: float, told: Callable[[], str] = str) -> T:
    """What is found, as soon as there is any.

    Args:
        found: looks for it; None, or anything else that is false, while it is not there.
        what: is waited for.
        within_s: seconds to wait.
        told: what there is instead.

    Raises:
        AssertionError: it did not come.
    """
    deadline = time.monotonic() + within_s
    while True:
        if it := found():
            return it
        assert time.monotonic() < deadline, f"not within {within_s} s: {what}\n{told()}"
        time.sleep(LOOK_S)
