"""The tree of a chat's messages, as pure functions on ids: branches, versions, what is shown, what was deleted.

Nothing that was said is ever overwritten: an edited question and a regenerated answer are new messages beside the old
ones, under the same parent. Which branch is shown is one id, the leaf: its parents up to the beginning are the path.

A tree is valid when each parent was there before its child, what is deleted is deleted with all that follows it, and
the leaf is a living message, or none where there is no living one at the beginning.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Node:
    """One message.

    Attributes:
        parent: the message before it; None at the beginning.
        deleted_with: the message whose deletion took it along (itself, where it was the one); None while it lives.
    """

    id: str
    parent: str | None
    deleted_with: str | None = None


@dataclass(frozen=True, slots=True)
class Versions:
    """The living messages that stand at one place of a chat, oldest first, and which of them is meant."""

    ids: tuple[str, ...]
    index: int

    @property
    def count(self) -> int:
        """How many there are; a person reads `index + 1` of `count`."""
        return len(self.ids)


class Tree:
    """The messages of one chat in the order of their making.

    Args:
        nodes: each after its parent.
        leaf: the last message of what is shown.

    Raises:
        ValueError: it is no valid tree.
    """

    def __init__(self, nodes: Iterable[Node] = (), leaf: str | None = None) -> None:
        self._nodes: dict[str, Node] = {}
        self._children: dict[str | None, list[str]] = {None: []}
        for node in nodes:
            self._put(node)
        self.leaf = leaf
        if leaf is not None and not self.is_alive(leaf):
            raise ValueError(f"What is shown ends in no living message: {leaf}")

    def __contains__(self, message: str) -> bool:
        return message in self._nodes

    def __iter__(self) -> Iterator[Node]:
        return iter(self._nodes.values())

    def __len__(self) -> int:
        return len(self._nodes)

    def __getitem__(self, message: str) -> Node:
        return self._nodes[message]

    def is_alive(self, message: str) -> bool:
        """Whether it is there and not deleted."""
        return message in self._nodes and self._nodes[message].deleted_with is None

    def path(self, to: str | None = None) -> list[str]:
        """What is shown, from the beginning; or the way to another message."""
        at = self.leaf if to is None else to
        way: list[str] = []
        while at is not None:
            way.append(at)
            at = self._nodes[at].parent
        way.reverse()
        return way

    def children(self, of: str | None) -> list[str]:
        """The living messages that follow one, oldest first; those at the beginning for None."""
        return [child for child in self._children.get(of, ()) if self.is_alive(child)]

    def versions(self, of: str) -> Versions:
        """The messages at the same place.

        Raises:
            KeyError: there is no such message.
            ValueError: it is deleted.
        """
        ids = tuple(self.children(self._nodes[of].parent))
        return Versions(ids, ids.index(of))

    def below(self, message: str) -> list[str]:
        """A message and all that follow it, deleted ones too, parents first."""
        found = [message]
        for at in found:  # it grows while it is walked: no recursion, as a chat may be 10,000 messages deep
            found.extend(self._children.get(at, ()))
        return found

    # Changes; each returns what the database has to be told.

    def add(self, message: str, parent: str | None) -> None:
        """A new message, which is shown from now on.

        Raises:
            ValueError: it is there already, or its parent does not live.
        """
        if parent is not None and not self.is_alive(parent):
            raise ValueError(f"Nothing can follow a message that is not there: {parent}")
        self._put(Node(message, parent))
        self.leaf = message

    def switch(self, to: str) -> str:
        """Show the branch of a message, down to what was said last below it; returns the new leaf.

        Raises:
            ValueError: it does not live.
        """
        if not self.is_alive(to):
            raise ValueError(f"A message that is not there cannot be shown: {to}")
        self.leaf = self._last_below(to)
        return self.leaf

    def delete(self, message: str) -> list[str]:
        """Delete a message with all that follows it; returns what was deleted by this.

        What is shown is then the version before it, else the one after it, else what came before.

        Raises:
            ValueError: it does not live.
        """
        if not self.is_alive(message):
            raise ValueError(f"A message that is not there cannot be deleted: {message}")
        beside = self.versions(message)
        gone = [each for each in self.below(message) if self.is_alive(each)]
        shown = self.leaf in gone
        for each in gone:
            self._nodes[each] = Node(each, self._nodes[each].parent, deleted_with=message)
        if shown:
            others = [*reversed(beside.ids[: beside.index]), *beside.ids[beside.index + 1 :]]
            self.leaf = self._last_below(others[0]) if others else self._nodes[message].parent
        return gone

    def undo(self, message: str) -> list[str]:
        """Take back the deletion of a message, and show it; returns what came back.

        Raises:
            ValueError: it was not deleted by itself, or what it followed is deleted.
        """
        node = self._nodes.get(message)
        if node is None or node.deleted_with != message:
            raise ValueError(f"This message was not deleted: {message}")
        if node.parent is not None and not self.is_alive(node.parent):
            raise ValueError(f"What this message followed is deleted: {node.parent}")
        back = [each for each in self.below(message) if self._nodes[each].deleted_with == message]
        for each in back:
            self._nodes[each] = Node(each, self._nodes[each].parent)
        self.leaf = self._last_below(message)
        return back

    def check(self) -> None:
        """Whether it is valid.

        Raises:
            ValueError: it is not, and why.
        """
        copy = Tree(self, self.leaf)
        for node in copy:
            parent = None if node.parent is None else copy[node.parent]
            if node.deleted_with is None and parent is not None and parent.deleted_with is not None:
                raise ValueError(f"It lives, and what it follows is deleted: {node.id}")
            if node.deleted_with is not None and node.deleted_with not in copy.path(node.id):
                raise ValueError(f"It was deleted with something that it does not follow: {node.id}")
        if self.leaf is None and self.children(None):
            raise ValueError("There are messages, and none is shown")

    def _last_below(self, message: str) -> str:
        """The end of the branch on which something was said last."""
        order = {each: at for at, each in enumerate(self._nodes)}
        ends = [each for each in self.below(message) if self.is_alive(each) and not self.children(each)]
        return max(ends, key=order.__getitem__)

    def _put(self, node: Node) -> None:
        if node.id in self._nodes:
            raise ValueError(f"It is there already: {node.id}")
        if node.parent is not None and node.parent not in self._nodes:
            raise ValueError(f"It follows nothing that is known: {node.id}")
        self._nodes[node.id] = node
        self._children.setdefault(node.parent, []).append(node.id)
