"""What can stand in a gate is followed: the two tables say the same."""

from __future__ import annotations

from attn_cli.analysis.calls import IN_A_GATE, MEASURING
from attn_cli.analysis.flow import EFFECTS


def test_whatever_can_stand_in_a_gate_has_an_effect() -> None:
    """A type that only one of the two knew would hide a gate, or never be asked."""
    assert EFFECTS.keys() == IN_A_GATE - MEASURING
