"""What there is to say of costs in a line: totals, what of them is unknown, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attn_cli.cost import reasons
from attn_cli.graph import Params
from attn_cli.operations.base import DYNAMIC
from attn_cli.views.report import counted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from attn_cli.cost import GraphCost

# What makes a figure known that a dynamic size hides.
SHAPE_FIXES = "--shape H,W,C fixes them"


def totals_line(
    params: Params | int, bytes: int, macs: int | None = None, flops: int | None = None
) -> str:
    """Return totals in words: of the parameters the two kinds, where they are known."""
    words = params_words(params) if isinstance(params, Params) else counted(params, "params")
    figures = [(bytes, "bytes"), (macs, "MACs"), (flops, "FLOPs")]
    known = [counted(figure, what) for figure, what in figures if figure is not None]
    return "; ".join([words, *known])


def params_words(params: Params) -> str:
    """Return counts of parameters in words."""
    if params.trainable is None:
        return f"{counted(params.total, 'params')}: ? trainable, ? non-trainable"
    kinds = f"{params.trained:,} trainable, {params.frozen:,} non-trainable"
    return f"{counted(params.total, 'params')}: {kinds}"


def unknown_lines(cost: GraphCost, fixes: str) -> list[str]:
    """Return why a total is unknown, what is known of it, and what would fix a dynamic size."""
    missing = [name for name in ("macs", "flops") if getattr(cost, name) is None]
    if not missing:
        return []
    names = {"macs": "MACs", "flops": "FLOPs"}
    what = " and ".join(names[name] for name in missing)
    known = " and ".join(f"{getattr(cost.at_least, name):,} {names[name]}" for name in missing)
    return [f"? {what}: {why_unknown(cost, fixes)}; at least {known}"]


def unknown_reasons(costs: Iterable[GraphCost]) -> list[str]:
    """Return why totals of several blocks are unknown, each reason once."""
    why = dict.fromkeys([why_unknown(cost, SHAPE_FIXES) for cost in costs if cost.unknown])
    return [f"? unknown: {each}" for each in why]


def why_unknown(cost: GraphCost, fixes: str) -> str:
    """Return why figures are unknown, with the way out where there is one."""
    return reasons([f"{why} ({fixes})" if why == DYNAMIC else why for why in cost.unknown])
