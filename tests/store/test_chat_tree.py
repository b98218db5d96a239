"""The tree of a chat: any sequence of edit, regenerate, delete, undo and switch leaves a valid one."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from nodetool_xl_desktop.store.tree import Node, Tree

PICK = st.integers(0, 10**6)


class Branches(RuleBasedStateMachine):
    """What people do to a chat; a message is a number."""

    def __init__(self) -> None:
        super().__init__()
        self.tree = Tree()
        self.parents: dict[str, str | None] = {}  # all that was ever said
        self.deleted: list[str] = []

    @property
    def alive(self) -> list[str]:
        return [node.id for node in self.tree if self.tree.is_alive(node.id)]

    def say(self, parent: str | None) -> None:
        made = str(len(self.parents))
        self.parents[made] = parent
        self.tree.add(made, parent)
        assert self.tree.leaf == made
        assert self.tree.path()[-2:-1] == ([parent] if parent else [])

    @rule()
    def ask(self) -> None:
        self.say(self.tree.leaf)
        self.say(self.tree.leaf)

    @precondition(lambda self: self.alive)
    @rule(pick=PICK)
    def regenerate_or_edit(self, pick: int) -> None:
        of = self.alive[pick % len(self.alive)]
        before = self.tree.versions(of)
        self.say(self.tree[of].parent)
        after = self.tree.versions(of)
        assert after.ids == (*before.ids, self.tree.leaf)
        assert after.index == before.index

    @precondition(lambda self: self.alive)
    @rule(pick=PICK)
    def switch(self, pick: int) -> None:
        to = self.alive[pick % len(self.alive)]
        self.tree.switch(to)
        assert to in self.tree.path()
        assert not self.tree.children(self.tree.leaf)

    @precondition(lambda self: self.alive)
    @rule(pick=PICK)
    def delete(self, pick: int) -> None:
        which = self.alive[pick % len(self.alive)]
        shown_before = self.tree.path()
        gone = self.tree.delete(which)
        assert gone[0] == which
        assert not any(self.tree.is_alive(each) for each in gone)
        if which not in shown_before:
            assert self.tree.path() == shown_before
        self.deleted.append(which)

    @precondition(lambda self: self.deleted)
    @rule()
    def undo(self) -> None:
        which = self.deleted.pop()
        parent = self.tree[which].parent
        if parent is not None and not self.tree.is_alive(parent):
            with pytest.raises(ValueError, match="deleted"):
                self.tree.undo(which)
            return
        self.tree.undo(which)
        assert which in self.tree.path()

    @precondition(lambda self: self.alive)
    @rule(pick=PICK)
    def delete_and_undo(self, pick: int) -> None:
        which = self.alive[pick % len(self.alive)]
        before = list(self.tree)
        assert sorted(self.tree.delete(which)) == sorted(self.tree.undo(which))
        assert list(self.tree) == before

    @invariant()
    def valid(self) -> None:
        self.tree.check()
        assert {node.id: node.parent for node in self.tree} == self.parents
        for which in self.alive:
            versions = self.tree.versions(which)
            assert versions.ids[versions.index] == which


TestBranches = Branches.TestCase
TestBranches.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


@pytest.mark.soak
class TestManyBranches(Branches.TestCase):
    settings = settings(max_examples=1500, stateful_step_count=80, deadline=None)


def test_a_deep_chat_needs_no_recursion() -> None:
    tree = Tree([Node(str(number), str(number - 1) if number else None) for number in range(20_000)], "19999")
    assert len(tree.path()) == 20_000
    assert len(tree.delete("0")) == 20_000
    assert tree.leaf is None
    assert len(tree.undo("0")) == 20_000
    tree.check()


@pytest.mark.parametrize(
    ("nodes", "leaf"),
    [
        pytest.param([Node("b", "a"), Node("a", None)], "b", id="a child before its parent"),
        pytest.param([Node("a", None), Node("a", None)], "a", id="one twice"),
        pytest.param([Node("a", None, deleted_with="a")], "a", id="a deleted leaf"),
        pytest.param([Node("a", None)], "b", id="an unknown leaf"),
        pytest.param([Node("a", None)], None, id="nothing shown"),
        pytest.param([Node("a", None, "a"), Node("b", "a")], "b", id="alive below what is deleted"),
        pytest.param([Node("a", None), Node("b", None, "a")], "a", id="deleted with another branch"),
    ],
)
def test_what_is_no_tree_is_refused(nodes: list[Node], leaf: str | None) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        Tree(nodes, leaf).check()
