"""A first attn.toml: its bounds hold today."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from attn_cli.config.toml import parse_toml
from attn_cli.config.write import Entry, written

FIGURES = {"params": 5, "macs": None, "flops": None, "bytes": 20, "attention.count": 1}


@given(st.floats(0, 1), st.text())
def test_shares_are_rounded_up_and_names_survive(share: float, path: str) -> None:
    """A share of 11.941% is not at most 11.94%; a path may hold any sign that TOML can escape."""
    text = written([Entry("model", path, (), {**FIGURES, "attention.share": share}, "why")])
    (check,) = parse_toml(text.encode(), "attn.toml")["check"]
    assert (check["model"], check["min_blocks"]) == (path, 1)
    assert share <= check["max_share"] <= share + 0.0002
    assert "# max_macs is left out: why\n" in text
