"""What a gate is, by the paths that lead from the feature map to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from attn_cli.analysis.flow.values import Path

UNNAMED = "unnamed"


class Gate(NamedTuple):
    """What is known of a gate: how it was made of a feature map, and along which axes it varies.

    `fits` is whether it is made of the very map that it meets, and each place of it of the place
    that this one meets.
    """

    paths: frozenset[Path]
    space: frozenset[str]
    channels: int | None  # of the feature map
    varies: frozenset[str]
    bounded: bool
    fits: bool = True


class Found(NamedTuple):
    """What a gate is, or the part of a block that it is; empty for none.

    `squeezed` is the id of the layer that squeezes the channels.
    """

    kind: str
    squeezed: int | None = None


NOTHING = Found("")


def kind_of(gate: Gate) -> Found:
    """Return what a gate is."""
    if not gate.paths:
        return NOTHING  # it says the same, whatever the map is
    for kind, test in KINDS.items():
        if gate.fits and test(gate):
            heads = {path.route[0] for path in gate.paths if path.over and path.route}
            return Found(kind, heads.pop() if kind in SQUEEZING and len(heads) == 1 else None)
    return _nameless(gate)


def _same(gate: Gate, *hows: str) -> bool:
    """Tell whether all paths were mixed in this way, by the same layers."""
    return {path.hows for path in gate.paths} == {hows} and len(_routes(gate)) == 1


def _routes(gate: Gate) -> set[tuple[int, ...]]:
    return {path.route for path in gate.paths}


def _pools(gate: Gate) -> set[tuple[str, frozenset[str]]]:
    return {(path.form, path.over) for path in gate.paths}


def _over_space(gate: Gate, *forms: str) -> bool:
    """Tell whether just this was pooled, over all of space, to make a gate for the channels."""
    return gate.varies <= {"c"} and _pools(gate) == {(form, gate.space) for form in forms}


def _fits(gate: Gate) -> bool:
    """Tell whether the last layer makes a gate for each channel, as far as both are known."""
    ends = {path.steps[-1].filters for path in gate.paths}
    each = gate.channels is None or ends <= {None, gate.channels}
    return each and ("c" in gate.varies or gate.channels == 1)


def _is_se(gate: Gate) -> bool:
    return _over_space(gate, "mean") and _same(gate, "dense", "dense") and _fits(gate)


def _is_ese(gate: Gate) -> bool:
    return _over_space(gate, "mean") and _same(gate, "dense") and _fits(gate)


def _is_eca(gate: Gate) -> bool:
    return _over_space(gate, "mean") and _same(gate, "along")


def _is_ceca(gate: Gate) -> bool:
    return _over_space(gate, "mean") and _same(gate, "circle", "along")


def _is_gc(gate: Gate) -> bool:
    pooled = _over_space(gate, "mean") or _over_space(gate, "context")
    return pooled and _same(gate, "dense", "layernorm", "dense") and _fits(gate)


def _is_channel(gate: Gate) -> bool:
    return _over_space(gate, "mean", "max") and _same(gate, "dense", "dense") and _fits(gate)


def _is_srm(gate: Gate) -> bool:
    hows = {path.hows for path in gate.paths}
    return _over_space(gate, "mean", "std") and hows == {("each",)}


def _is_gct(gate: Gate) -> bool:
    steps = {how for path in gate.paths for how in path.hows}
    return (
        gate.varies <= {"c"}
        and all(form in NORMS and over == gate.space for form, over in _pools(gate))
        and steps == {"each", "over c"}
        and gate.bounded
    )


def _is_map(gate: Gate, pooled: str, varies: frozenset[str]) -> bool:
    """Tell whether one convolution makes a map of a mean or a maximum, or of both."""
    return (
        _pools(gate) <= {("mean", frozenset(pooled)), ("max", frozenset(pooled))}
        and _same(gate, "map")
        and gate.varies == varies
    )


def _is_spatial(gate: Gate) -> bool:
    return _is_map(gate, "c", gate.space)


def _is_height(gate: Gate) -> bool:
    return _is_map(gate, "h", frozenset("wc"))


def _is_width(gate: Gate) -> bool:
    return _is_map(gate, "w", frozenset("hc"))


def _is_row_gate(gate: Gate) -> bool:
    return _is_strip(gate) and gate.varies - {"c"} == {"h"}


def _is_column_gate(gate: Gate) -> bool:
    return _is_strip(gate) and gate.varies - {"c"} == {"w"}


def _is_strip(gate: Gate) -> bool:
    pools = {("mean", frozenset("h")), ("mean", frozenset("w"))}
    return _pools(gate) <= pools and _same(gate, "dense", "dense") and _fits(gate)


def _is_simam(gate: Gate) -> bool:
    return (
        _pools(gate) == {("d²", frozenset()), ("var", gate.space)}
        and not any(path.steps for path in gate.paths)
        and gate.bounded
    )


def _is_bam(gate: Gate) -> bool:
    if len(gate.paths) != 2 or not gate.bounded:
        return False
    place, channel = sorted(gate.paths, key=lambda path: len(path.over))
    return (
        (channel.form, channel.over, channel.hows) == ("mean", gate.space, ("dense", "dense"))
        and (place.form, place.over) == ("x", frozenset())
        and len(place.steps) > 2
        and set(place.hows) == {"conv", "dense"}
        and place.steps[-1].filters == 1
    )


def _is_place(gate: Gate) -> bool:
    return (
        _pools(gate) == {("x", frozenset())}
        and _same(gate, "dense")
        and gate.varies == gate.space
        and all(path.steps[-1].filters == 1 for path in gate.paths)
        and gate.bounded
    )


# All kinds, and parts of kinds, by what tells them.
KINDS = {
    "se": _is_se,
    "ese": _is_ese,
    "eca": _is_eca,
    "ceca": _is_ceca,
    "gc": _is_gc,
    "channel": _is_channel,
    "srm": _is_srm,
    "gct": _is_gct,
    "spatial": _is_spatial,
    "height": _is_height,
    "width": _is_width,
    "rows": _is_row_gate,
    "columns": _is_column_gate,
    "simam": _is_simam,
    "bam": _is_bam,
    "place": _is_place,
}
# Kinds whose first dense layer squeezes.
SQUEEZING = frozenset(("bam", "channel", "columns", "gc", "rows", "se"))
NORMS = frozenset(("norm", "other", "sum of squares"))


def _nameless(gate: Gate) -> Found:
    """Return whether something without a name is a gate at all.

    What scales a map by what was pooled of it is, if it learns or is bounded: a norm is not. What
    scales each element by a function of its place alone is not, be it a swish, a highway's or a
    gated linear unit's; a map of one channel is, unless it is for the steps of a sequence.
    """
    pooled = any(path.over or "pool" in path.hows for path in gate.paths)
    if pooled:
        mixes = any(path.route for path in gate.paths)
        squeezing = [path for path in gate.paths if path.hows.count("dense") > 1]
        squeezed = squeezing[0].route[0] if len(squeezing) == 1 else None
        return Found(UNNAMED, squeezed) if mixes or gate.bounded else NOTHING
    ends = [path.steps[-1] for path in gate.paths if path.steps]
    one_map = len(ends) == len(gate.paths) and gate.varies == gate.space
    one_map = one_map and all(end.filters == 1 or end.how == "softmax" for end in ends)
    return Found(UNNAMED) if one_map and gate.bounded and len(gate.space) > 1 else NOTHING
