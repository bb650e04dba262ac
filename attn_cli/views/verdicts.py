"""A figure and its bound in words: what is the case, and how far it is from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attn_cli.analysis.check import AT_LEAST, AT_MOST, EQUAL, OWN
from attn_cli.blocks.options import format_value
from attn_cli.views.report import percent_text

if TYPE_CHECKING:
    from attn_cli.analysis.check import Verdict

LABELS = {
    "macs": "MACs",
    "flops": "FLOPs",
    "attention.count": "attention blocks",
    "attention.params": "attention params",
    "attention.share": "attention share",
    "added.params": "params added",
    "added.macs": "MACs added",
    "added.flops": "FLOPs added",
    "added.bytes": "bytes added",
    "added.share": "share added",
}
# What holds, and what is the case where it does not.
SIGNS = {AT_MOST: ("≤", ">"), AT_LEAST: ("≥", "<"), EQUAL: ("=", "≠")}
WORDS = {AT_MOST: "over", AT_LEAST: "short"}


def phrase(verdict: Verdict) -> str:
    """Return what is the case, as in `params 5 ≤ 10`, or `params 12 > 10`."""
    got, bound = _values(verdict)
    sign = SIGNS[verdict.relation][verdict.ok is False]
    return f"{label(verdict.figure)} {got} {sign} {bound}"


def worked_out(verdict: Verdict) -> str:
    """Return how a relative bound came about, as in `0.1 × se:ratio=16`; else nothing."""
    relative = verdict.relative
    return "" if relative is None else f"{relative.factor:g} × {relative.as_given}"


def label(figure: str) -> str:
    """Return a figure's name as people write it."""
    return LABELS.get(figure, figure)


def margin(verdict: Verdict) -> str:
    """Return how far a figure is from its bound: `5 to spare`, `2 over`."""
    if verdict.margin is None:
        return ""
    size = abs(verdict.margin)
    text = percent_text(size, _digits(verdict)) if isinstance(size, float) else f"{size:,}"
    return f"{text} {'to spare' if verdict.ok else WORDS[verdict.relation]}"


def bound_text(verdict: Verdict) -> str:
    """Return a bound, to as many digits as tell the figure from it."""
    return _values(verdict)[1]


def _values(verdict: Verdict) -> tuple[str, str]:
    digits = _digits(verdict)
    got, bound = (_value(verdict.figure, each, digits) for each in (verdict.got, verdict.bound))
    return got, bound


def _digits(verdict: Verdict) -> int:
    """Return how many digits of a percentage tell a figure from its bound."""
    got, bound, digits = verdict.got, verdict.bound, 2
    if isinstance(got, float) and isinstance(bound, (int, float)) and got != bound:
        while digits < 12 and percent_text(got, digits) == percent_text(bound, digits):
            digits += 2
    return digits


def _value(figure: str, value: Any, digits: int) -> str:
    if value is None:
        return "none" if figure.rpartition(".")[2] in OWN else "?"
    if isinstance(value, list):
        return " and ".join(format_value(each) for each in value)
    if figure.rpartition(".")[2] == "share" and isinstance(value, (int, float)):
        return percent_text(value, digits)
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return format_value(value)
