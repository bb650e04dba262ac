"""A first attn.toml: its bounds hold today."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from attn_cli.config.toml import parse_toml
from attn_cli.config.write import Entry, written
from attn_cli.errors import BadFile
from attn_cli.text import escaped
from attn_cli.views.report import percent_text

FIGURES = {"params": 5, "macs": None, "flops": None, "bytes": 20, "attention.count": 1}


@given(st.floats(0, 1), st.text())
@example(0.5, "::error::x ##[error]x \u3164\x7f\u202e\U000e0101")
def test_shares_are_rounded_up_and_names_survive(share: float, path: str) -> None:
    """A share of 11.941% is not at most 11.94%; a path may hold any sign that TOML can escape."""
    text = written(
        [Entry("model", path, (), {**FIGURES, "attention.share": share}, "why")], percent_text
    )
    (check,) = parse_toml(text, "attn.toml")["check"]
    assert (check["model"], check["min_blocks"]) == (path, 1)
    assert share <= check["max_share"] <= share * 1.002
    assert "# max_macs is left out: why\n" in text
    assert all(escaped(line) == line for line in text.split("\n"))


@pytest.mark.parametrize(
    ("share", "line"),
    [
        (0.0000216, "max_share = 2.16e-05  # <0.01% today"),
        (0.00000123456, "max_share = 1.235e-06  # <0.01% today"),
        (0.9999999, "max_share = 1.0  # >99.99% today"),
        (0.119412, "max_share = 0.1195  # 11.94% today"),
        (0.0, "max_share = 0.0  # 0.00% today"),
    ],
)
def test_a_share_is_told_as_tables_tell_it(share: float, line: str) -> None:
    """A bound is near the figure of the day, and what is not quite nothing says so."""
    text = written(
        [Entry("model", "m", (), {**FIGURES, "attention.share": share}, "why")], percent_text
    )
    assert f"{line}\n" in text


def test_a_name_that_is_no_text_is_not_written() -> None:
    """A file can be called by bytes that are no UTF-8, which TOML has no way to say."""
    with pytest.raises(BadFile, match=r"'a\\udcff.json' is no text that TOML can have"):
        written([Entry("model", "a\udcff.json", (), FIGURES, "why")], percent_text)


@given(st.text())
def test_why_is_a_comment(why: str) -> None:
    """Of one line, whatever it says."""
    text = written(
        [Entry("model", "m.keras", (), {**FIGURES, "attention.share": 0.1}, why)], percent_text
    )
    (check,) = parse_toml(text, "attn.toml")["check"]
    assert check.keys() == {"name", "model", "max_params", "max_bytes", "max_share", "min_blocks"}
