"""What a candidate is: a gate of some kind, one that cannot be read, or none."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from attn_cli.analysis.attention.axes import has_channels_first, layouts_of
from attn_cli.analysis.attention.back import divides_as_sigmoid, is_altered, last_function
from attn_cli.analysis.calls import (
    CONTRACTING,
    DIVIDING,
    are_bounded,
    is_opaque,
    is_unread,
    subscripts_of,
)
from attn_cli.analysis.flow import follow
from attn_cli.analysis.flow.values import NOWHERE, Unclear
from attn_cli.analysis.gates import NOTHING, UNNAMED, Found, Gate, kind_of
from attn_cli.analysis.layout import are_aligned, labels_of, lined_up, size_of
from attn_cli.operations.base import NONSENSE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from attn_cli.analysis.attention.candidates import Candidate
    from attn_cli.analysis.flow.values import Flow, Value
    from attn_cli.analysis.layout import Axis, Layout
    from attn_cli.graph import Node, Ref, Shape


class Gated(NamedTuple):
    """A feature map that is multiplied by what was made of it alone, or that this is added to."""

    node: int  # what applies the gate
    x: Ref  # the feature map
    shape: Shape
    channels: int | None
    nodes: frozenset[int]  # from the feature map to the gate, and what applies it
    kind: str
    gates: tuple[Ref, ...]
    squeezed: int | None = None  # the id of the layer that squeezes the channels
    hidden: frozenset[int] = frozenset()  # the calls that cannot be read

    @property
    def is_named(self) -> bool:
        """Whether it is known what it is, and that has a name."""
        return self.kind not in ("", UNNAMED)


def judged(nodes: Sequence[Node], candidate: Candidate) -> Gated | None:
    """Return what a candidate is; None where it is no gate."""
    node, x, root = nodes[candidate.node], candidate.x, candidate.root
    calls = [nodes[place] for place in sorted(candidate.inside)]
    adds = node.layer.type == "Add"
    if adds and not any(call.layer.type in ADDING_NORMS for call in calls):
        return None
    unread = {place for place in candidate.inside if is_unread(nodes[place])}
    opaque = {candidate.node} if is_opaque(node.layer) else set()
    gate = Gated(
        node=candidate.node,
        x=x.ref,
        shape=x.shape,
        channels=None,
        nodes=candidate.inside | candidate.products | {candidate.node},
        kind="",
        gates=candidate.gates,
        hidden=frozenset(opaque | unread),
    )
    if unread:
        if adds or candidate.products or (opaque and not are_bounded(calls)):
            return None
        first = has_channels_first(nodes, x.ref, (), calls, len(x.shape))
        return gate._replace(channels=x.shape[1 if first else -1] if x.shape else None)
    places = sorted(candidate.inside | {ref.node for ref in candidate.chain})
    for layout in layouts_of(nodes, candidate, calls):
        try:
            flow = follow(nodes, root.ref, layout, places)
            found = _kind(flow, candidate)
        except (Unclear, *NONSENSE):
            continue
        if found.kind:
            turned = _along(flow.values[x.ref].layout) != _along(layout)
            return gate._replace(
                kind=found.kind,
                squeezed=found.squeezed,
                shape=root.shape if turned else x.shape,
                channels=flow.channels or _made(flow, candidate.gates),
            )
    return None


# What is added is a gate of global context, that one of these is in.
ADDING_NORMS = frozenset(("GroupNormalization", "LayerNormalization"))


def _along(layout: Layout) -> list[Axis]:
    """Return the axes that are not the batch's alone, nor of one place."""
    return [axis for axis in layout if labels_of(axis) - {"b"}]


def _made(flow: Flow, gates: Sequence[Ref]) -> int | None:
    """Return how many channels the gates are for, where the feature map does not tell."""
    axes = [axis for ref in gates for axis in flow.values[ref].layout]
    return next((size_of(axis) for axis in axes if labels_of(axis) == {"m"}), None)


def _kind(flow: Flow, candidate: Candidate) -> Found:
    """Return what the gates of a feature map are together."""
    node = flow.nodes[candidate.node]
    seen = flow.values[candidate.x.ref].layout
    labels = [label for axis in seen for atom in axis if (label := atom.label)]
    if "?" in labels or len(set(labels)) < len(labels) or not flow.space <= set(labels):
        return NOTHING
    found = []
    for gate in candidate.gates:
        made = _met_by(flow, node, candidate.x.ref, gate)
        if made is None:
            return NOTHING
        found.append(_kind_of_one(flow, gate, made, node.layer.type))
    if len(found) == 1:
        return found[0]
    kinds = sorted([each.kind for each in found])
    squeezed = {each.squeezed for each in found}
    if kinds == ["columns", "rows"] and len(squeezed) == 1:
        return Found("coord", squeezed.pop())
    return Found(UNNAMED) if all(kinds) else NOTHING


def _met_by(flow: Flow, node: Node, x: Ref, gate: Ref) -> Gate | None:
    """Return what is known of a gate, as it meets a feature map; None where it is no gate."""
    varies, value, own_map = NOWHERE, flow.values[gate], flow.values[x].pure
    activated = {path.activated for path in value.paths} - {()}
    fits = own_map is not None and activated <= {own_map.activated}
    for own, other in _met(flow, node, x, gate):
        if labels_of(other) - {"b"}:
            if not labels_of(own) - {"b"}:
                return None
            varies |= labels_of(own)
            fits = fits and are_aligned(own, other)
    bounded = _is_bounded(flow, gate)
    return Gate(value.paths, flow.space, flow.channels, varies - {"b"}, bounded, fits)


def _met(flow: Flow, node: Node, x: Ref, gate: Ref) -> list[tuple[Axis, Axis]]:
    """Return each axis of a feature map with that of a gate that it meets. Raises Unclear."""
    layouts = [flow.values[ref].layout for ref in (x, gate)]
    if node.layer.type not in CONTRACTING:
        return list(zip(*lined_up(layouts), strict=True))
    order = [flow.values[ref].layout for ref in node.inputs]
    letters = subscripts_of(node, list(map(len, order)))
    if letters is None:
        raise Unclear
    given, _, output = letters.partition("->")
    named = [
        dict(zip(names, layout, strict=True))
        for names, layout in zip(given.split(","), order, strict=True)
    ]
    # What is summed over is no gate.
    if any(labels_of(axis) for axes in named for name, axis in axes.items() if name not in output):
        raise Unclear
    mine, its = [named[node.inputs.index(ref)] for ref in (x, gate)]
    return [(mine.get(name, ()), its.get(name, ())) for name in {**mine, **its}]


def _kind_of_one(flow: Flow, gate: Ref, made: Gate, applied: str) -> Found:
    """Return what one gate is, in one piece or as a sum of two."""
    if applied in DIVIDING and divides_as_sigmoid(flow.nodes, gate):
        return kind_of(made._replace(bounded=True))
    found, bounded = kind_of(made), made.bounded
    if applied == "Add":
        return found if found.kind == "gc" else NOTHING
    is_linear = not bounded and last_function(flow.nodes, gate) is None
    if found.kind and (is_linear or applied in DIVIDING or is_altered(flow.nodes, gate)):
        # What scales by a linear function, as FiLM does, is none of the known gates; nor is what
        # is made of a gate, its square or what divides by it.
        return found._replace(kind=UNNAMED)
    top = flow.nodes[gate.node]
    if found.kind not in ("", UNNAMED) or top.layer.type not in ("Add", "Maximum"):
        return found
    parts = [flow.values[ref] for ref in dict.fromkeys(top.inputs) if ref in flow.values]
    each = {part.kind: part for part in [_kind_of_part(flow, part, bounded) for part in parts]}
    if len(parts) == 2 and each.keys() == {"place", "se"}:
        return Found("scse", each["se"].squeezed)
    return found


def _kind_of_part(flow: Flow, part: Value, bounded: bool) -> Found:
    """Return what a part of a gate is, which varies along what it has of the map's axes."""
    labels = labels_of(*part.layout)
    varies = labels & (flow.space | {"c"}) | ({"c"} if "m" in labels else NOWHERE)
    return kind_of(Gate(part.paths, flow.space, flow.channels, varies, bounded))


def _is_bounded(flow: Flow, gate: Ref) -> bool:
    """Tell whether what makes a gate has a function in it with a lower and an upper bound."""
    seen: set[int] = set()
    stack = [gate]
    while stack:
        ref = stack.pop()
        if ref != flow.root and ref.node not in seen and ref in flow.values:
            seen.add(ref.node)
            stack.extend(flow.nodes[ref.node].inputs)
    return are_bounded([flow.nodes[place] for place in seen])
