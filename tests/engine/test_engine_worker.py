"""What the worker tells the engine, where that can be seen without it."""

from __future__ import annotations

import re

import pytest

from nodetool_xl_desktop.engine.worker import experts_on_the_processor


@pytest.mark.parametrize("layers", [1, 2, 9, 10, 11, 19, 20, 21, 61, 99, 100, 101, 110, 123, 200, 512, 1000, 1024])
def test_the_experts_of_the_first_layers_and_of_no_other(layers: int) -> None:
    pattern, _, buffer = experts_on_the_processor(layers).rpartition("=")
    assert buffer == "CPU"
    assert "," not in pattern  # which would begin another pattern
    assert len(pattern) < 200
    search = re.compile(pattern).search
    assert [layer for layer in range(1100) if search(f"blk.{layer}.ffn_up_exps.weight")] == list(range(layers))
    for part in ("ffn_gate_exps", "ffn_down_exps", "ffn_gate_up_exps", "ffn_up_chexps"):
        assert search(f"blk.0.{part}.weight")
    for part in ("ffn_up", "ffn_up_shexp", "attn_q", "ffn_gate_inp"):
        assert not search(f"blk.0.{part}.weight")


def test_without_such_layers_there_is_no_pattern() -> None:
    assert experts_on_the_processor(0) == ""
