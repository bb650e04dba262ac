"""The stages of a network, from input to output: what works at one resolution, and what it costs.

A stage begins where the resolution changes for real, by a factor of 0.6 of its positions at least:
what a convolution without padding loses at the rim, and what padding adds, changes nothing. Where a
network goes back up, it does not return to a stage but begins another one.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, NamedTuple

from attn_cli.analysis.calls import (
    ACTIVATING,
    CALCULATING,
    HANDING_ON,
    MERGING,
    MIXING,
    NORMALISING,
    PADDING,
    POOLING,
    integers,
    is_channels_first,
    option,
)
from attn_cli.cost import GraphCost, total

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from attn_cli.graph import Graph, Node, Shape

# By how much positions change from one stage to the next.
REAL = 0.6
# What leaves a height and a width as they are, or changes their rim alone.
KEEPING = HANDING_ON | MERGING | CALCULATING | NORMALISING | PADDING | {
    *ACTIVATING, "Cropping1D", "Cropping2D", "Cropping3D", "CustomScaleLayer", "LayerScale",
    "StochasticDepth",
}  # fmt: skip
STRIDING = MIXING | {name for name in POOLING if "Global" not in name and "Adaptive" not in name}


class Extent(NamedTuple):
    """How far a map extends: its sizes, without batch and channels, and how many positions it has.

    Where sizes are dynamic, `positions` are the part that is left of the input's, as far as strides
    tell; None where nothing does.
    """

    sizes: Shape
    positions: float | None

    @property
    def is_relative(self) -> bool:
        """Whether it is told as a part of the input's."""
        return None in self.sizes


class Stage(NamedTuple):
    """Calls that work at one resolution, and what they cost.

    `gates` are those of its calls that are attention's.
    """

    extent: Extent
    nodes: tuple[int, ...]
    gates: tuple[int, ...]
    params: int
    gate_params: int
    cost: GraphCost
    gate_cost: GraphCost


class _Key(NamedTuple):
    """A stage: its largest positions, and how often the network went back up before it."""

    positions: float | None
    relative: bool
    ascents: int


def find_stages(
    graph: Graph, gates: Sequence[Sequence[int]], others: Sequence[Sequence[int]] = ()
) -> tuple[Stage, ...]:
    """Return the stages of a network, in the order in which they end.

    `gates` are the calls of each attention block, `others` those of what only may be one: what is
    inside either belongs to the stage of what it gates, whatever it squeezes that to.
    """
    ends: dict[int, int] = {}
    for nodes in sorted((*others, *gates), key=max):
        ends |= dict.fromkeys(nodes, max(nodes))
    # What one gate ends with may be inside another one.
    for node in sorted(ends, reverse=True):
        ends[node] = ends.get(ends[node], ends[node])
    stages = _Stages(graph, ends)
    counted = {node for nodes in gates for node in nodes}
    return tuple(
        [
            _stage(graph, stages.extents, nodes, counted)
            for nodes in sorted(stages.members(), key=lambda nodes: nodes[-1])
        ]
    )


def _stage(
    graph: Graph, extents: Sequence[Extent | None], nodes: list[int], counted: set[int]
) -> Stage:
    # What only pads is on its way to the next resolution.
    told = [
        extent
        for node in sorted(nodes, key=lambda node: graph.nodes[node].layer.type in PADDING)
        if (extent := extents[node]) is not None
    ]
    gates = [node for node in nodes if node in counted]
    params, gate_params = [
        sum([graph.nodes[node].params.total for node in each]) for each in (nodes, gates)
    ]
    cost, gate_cost = [total([graph.nodes[node].cost for node in each]) for each in (nodes, gates)]
    return Stage(told[0], tuple(nodes), tuple(gates), params, gate_params, cost, gate_cost)


class _Stages:
    """The stage of each call of a graph; `ends` has where the gate ends that a call is inside."""

    def __init__(self, graph: Graph, ends: dict[int, int]) -> None:
        self.graph = graph
        self.ends = ends
        self.is_first = any(map(is_channels_first, graph.nodes))
        self.extents: list[Extent | None] = []
        self.keys: list[_Key | None] = []
        # Those that can be returned to: by whether they are relative, and by the ascents before.
        self.known: dict[tuple[bool, int], list[_Key]] = {}
        for index, node in enumerate(graph.nodes):
            inside = ends.get(index, index) != index
            extent = None if inside else self.extent(node)
            self.extents.append(extent)
            self.keys.append(None if extent is None else self.key(node, extent))

    def members(self) -> Iterable[list[int]]:
        """Return the calls of each stage, in the order of the graph."""
        found: dict[_Key, list[int]] = {}
        for index in range(len(self.keys)):
            key = self.keys[self.ends.get(index, index)]
            assert key is not None
            found.setdefault(key, []).append(index)
        return found.values()

    def extent(self, node: Node) -> Extent:
        """Return how far what a call yields extends."""
        shape = node.output_shapes[0]
        sizes = shape[2:] if self.is_first else shape[1:-1]
        if not shape:
            return Extent((None,), None)
        if None not in sizes:
            return Extent(sizes, float(prod(size or 1 for size in sizes)))
        return Extent(sizes, self.left(node, len(sizes)))

    def left(self, node: Node, rank: int) -> float | None:
        """Return the part of the input's positions that a call leaves, by its strides."""
        if not node.inputs:
            return 1.0
        before = [
            extent.positions
            for ref in node.inputs
            if (extent := self.extents[ref.node]) is not None and extent.is_relative
        ]
        if not before or None in before:
            return None
        positions = max(each for each in before if each is not None)
        type = node.layer.type
        along_channels = option(node, "axis") in (-1, 1 if self.is_first else rank + 1)
        if type in KEEPING or (type == "Concatenate" and along_channels):
            return positions
        factor = _factor(node, rank)
        if factor is None:
            return None
        grows = type.endswith("Transpose") or type.startswith("UpSampling")
        return positions * factor if grows else positions / factor

    def key(self, node: Node, extent: Extent) -> _Key:
        """Return the stage of a call: that of its largest input, or the next one."""
        before = [key for ref in node.inputs if (key := self.keys[ref.node]) is not None]
        alike = [key for key in before if key.relative == extent.is_relative]
        last = max(alike, key=_rank, default=None)
        ascents = max((key.ascents for key in before), default=0) if last is None else last.ascents
        if last is not None:
            if _is_same(last.positions, extent.positions) or node.layer.type in PADDING:
                return last
            up = (last.positions or 0) < (extent.positions or 0) and None not in (
                last.positions, extent.positions
            )  # fmt: skip
            ascents += up
        known = self.known.setdefault((extent.is_relative, ascents), [])
        for key in known:
            if _is_same(key.positions, extent.positions):
                return key
        new = _Key(extent.positions, extent.is_relative, ascents)
        known.append(new)
        return new


def _rank(key: _Key) -> tuple[float, int]:
    return key.positions or 0, key.ascents


def _is_same(one: float | None, other: float | None) -> bool:
    """Tell whether two numbers of positions are those of one stage."""
    if one is None or other is None:
        return one is other
    return one == other or REAL < (one / other if other else 0) < 1 / REAL


def _factor(node: Node, rank: int) -> float | None:
    """Return by what factor a call changes the number of positions; None where it does not say."""
    if node.layer.type in STRIDING or node.layer.type.startswith("UpSampling"):
        if node.layer.type in ("Dense", "EinsumDense"):
            return 1.0
        steps = integers(option(node, "size", "strides", "pool_size"))
        if len(steps) == 1:
            steps = steps * rank
        if len(steps) == rank:
            return float(prod(steps))
    return None
