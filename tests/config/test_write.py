"""A first attn.toml: its bounds hold today."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attn_cli.config.toml import parse_toml
from attn_cli.config.write import Entry, written
from attn_cli.errors import BadFile

FIGURES = {"params": 5, "macs": None, "flops": None, "bytes": 20, "attention.count": 1}


@given(st.floats(0, 1), st.text())
def test_shares_are_rounded_up_and_names_survive(share: float, path: str) -> None:
    """A share of 11.941% is not at most 11.94%; a path may hold any sign that TOML can escape."""
    text = written([Entry("model", path, (), {**FIGURES, "attention.share": share}, "why")])
    (check,) = parse_toml(text.encode(), "attn.toml")["check"]
    assert (check["model"], check["min_blocks"]) == (path, 1)
    assert share <= check["max_share"] <= share + 0.0002
    assert "# max_macs is left out: why\n" in text


def test_a_name_that_is_no_text_is_not_written() -> None:
    """A file can be called by bytes that are no UTF-8, which TOML has no way to say."""
    with pytest.raises(BadFile, match=r"'a\\udcff.json' is no text that TOML can have"):
        written([Entry("model", "a\udcff.json", (), FIGURES, "why")])


@given(st.text())
def test_why_is_a_comment(why: str) -> None:
    """Of one line, whatever it says."""
    text = written([Entry("model", "m.keras", (), {**FIGURES, "attention.share": 0.1}, why)])
    (check,) = parse_toml(text.encode(), "attn.toml")["check"]
    assert check.keys() == {"name", "model", "max_params", "max_bytes", "max_share", "min_blocks"}
