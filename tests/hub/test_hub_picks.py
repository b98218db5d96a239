"""The models to begin with, and what is said of quantizations."""

from __future__ import annotations

import pytest

from nodetool_xl_desktop.core.units import GIB
from nodetool_xl_desktop.gguf.types import FILE_TYPES
from nodetool_xl_desktop.hub.picks import Pick, picks
from nodetool_xl_desktop.hub.quantizations import explained
from nodetool_xl_desktop.hub.repository import is_repository_name
from nodetool_xl_desktop.library.model_file import Capability

TASKS = {"Small and quick", "General", "Coding", "Reasoning", "Vision", "Embedding"}


@pytest.mark.parametrize("pick", picks(), ids=lambda pick: pick.title)
def test_each_pick_is_sound(pick: Pick) -> None:
    assert is_repository_name(pick.repo_id)
    assert explained(pick.quantization)
    assert pick.task in TASKS
    assert set(pick.capabilities) <= {each.value for each in Capability}
    assert pick.title
    assert pick.licence
    assert pick.about.endswith(".")
    assert len(pick.about) <= 90  # one line
    # Bits of a weight: a slip of the hand in the size or in the number of parameters shows here.
    assert 3.5 < pick.size * 8 / pick.n_params < 9.5
    assert pick.least_memory >= pick.size * 1.1 + GIB


def test_there_is_something_for_each_machine_and_task() -> None:
    all_ = picks()
    assert 18 <= len(all_) <= 25
    assert len({pick.repo_id for pick in all_}) == len(all_)
    assert {pick.task for pick in all_} == TASKS
    for memory in (4, 8, 16, 32, 64):
        assert sum(pick.least_memory <= memory * GIB for pick in all_) >= 2
    assert max(pick.least_memory for pick in all_) > 64 * GIB


@pytest.mark.parametrize("name", sorted(set(FILE_TYPES.values())))
def test_each_type_that_the_engine_writes_is_explained(name: str) -> None:
    assert explained(name).startswith("About ")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Q4_K_M", "About 4.9 bits a weight: small with little loss; the usual choice"),
        ("q8_0", "About 8.5 bits a weight: as good as the original"),
        ("UD-Q4_K_XL", "UD: what matters most is kept more exactly"),
        ("i1-IQ2_M", "i1: made with an importance matrix"),
        ("Q6_K_L", "some parts are kept more exactly"),
        ("Model-7B-UD-Q2_K_XL.gguf", "About 3.2 bits a weight"),
        ("MXFP4_MOE", "About 4.25 bits"),
    ],
)
def test_what_is_said(name: str, said: str) -> None:
    assert said in explained(name)
    assert "\n" not in explained(name)
    assert len(explained(name)) < 160


@pytest.mark.parametrize("name", ["", "model.gguf", "Q9_Z", "\u202e", "Q4_K_M\n" * 1000])
def test_what_is_not_known_is_not_explained(name: str) -> None:
    assert explained(name) == ""
