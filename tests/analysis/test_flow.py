"""What can stand in a gate is followed, as far as its type allows."""

from __future__ import annotations

from configs import Config

from attn_cli.analysis.calls import IN_A_GATE, MEASURING
from attn_cli.analysis.find import find_attention
from attn_cli.analysis.flow import EFFECTS
from attn_cli.sources.config import parse_config
from attn_cli.sources.unfold import unfold


def test_whatever_can_stand_in_a_gate_has_an_effect() -> None:
    """A type that only one of the two tables knew would hide a gate, or never be asked."""
    assert EFFECTS.keys() == IN_A_GATE - MEASURING


def test_a_layer_tells_the_rank_of_a_map_that_nothing_else_tells() -> None:
    """What is repeated as a sequence is one, and no image, behind a layer that cannot be read."""
    config = Config(40, 16)
    x = config.add("Own", config.input, module="mine")
    s = config.add("UpSampling1D", x, size=2)
    s = config.op("Mean", s, axis=[1], keepdims=True)
    s = config.add("Dense", s, units=4, activation="relu")
    s = config.add("Dense", s, units=16, activation="sigmoid")
    model = config.model(config.add("Multiply", [x, s]))
    graph = unfold(parse_config(model, "json"), None).graph
    assert [block.kind for block in find_attention(graph)] == ["se"]
