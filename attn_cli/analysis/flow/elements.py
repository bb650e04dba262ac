"""What becomes of values element by element: by a function of one, and where several meet."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from attn_cli.analysis.calls import (
    ACTIVATING,
    BOUNDED,
    CANCELLING,
    DIVIDING,
    REDUCING,
    function_of,
    hands_on,
    integers,
    option,
    scalar_operand,
)
from attn_cli.analysis.flow.pooling import reduced
from attn_cli.analysis.flow.values import MAP, OTHER, Path, Value, paths_of
from attn_cli.analysis.layout import SPACE, across, labels_of, size_of, spread
from attn_cli.graph import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from attn_cli.analysis.flow.values import Flow
    from attn_cli.graph import Node

# What functions make of a form of the map, or of what was pooled of it.
SQUARED = {"d": "d²", "mean": "square of mean", "norm": "sum of squares", "std": "var", "x": "x²"}
ROOTS = {"mean of squares": "norm", "sum of squares": "norm", "var": "std"}
FORMS = {"Absolute": {"x": "|x|"}, "Rsqrt": ROOTS, "Sqrt": ROOTS, "Square": SQUARED}
# What an activation function can be told to be.
SHAPING = ("alpha", "approximate", "max_value", "negative_slope", "theta", "threshold")
POWERS = {2: SQUARED, 0.5: ROOTS, -0.5: ROOTS}


def calculated(flow: Flow, call: Node, given: Sequence[Value]) -> Value:
    """Put each element through a function."""
    value, type, function = given[0], call.layer.type, function_of(call)
    if function == "softmax":
        axis = option(call, "axis")
        return _softmax(flow, value, integers(-1 if axis is None else axis))
    if type in FORMS:
        return value.changed(FORMS[type])
    path = value.pure
    if path is None or type == "Negative" or hands_on(call):
        return value
    if path.over and (type in ACTIVATING or type in ("Clip", "Reciprocal")):
        return value
    # An activated map is a map still.
    if path == MAP and function is not None and function not in BOUNDED:
        return value.on(path._replace(activated=_activation(call, function)))
    return value.changed({})


def _activation(call: Node, function: str) -> tuple[object, ...]:
    """Return what tells an activation from others."""
    shape = [option(call, name) or None for name in SHAPING]
    return (function, *shape, id(call.layer) if call.layer.weights else None)


def averaged(flow: Flow, call: Node, given: Sequence[Value]) -> Value:
    """Take the mean of several tensors, or as the op does, of one over an axis."""
    if len(given) == 1:
        return reduced(flow, given[0], integers(option(call, "axis")), "mean", False)
    return merged(flow, call, given)


def merged(flow: Flow, call: Node, given: Sequence[Value]) -> Value:
    """Let several tensors meet, or one and numbers."""
    if len(given) == 1:
        return _scaled(flow, call, given[0])
    if len(given) == 2:
        softmax = _softmax_spelt_out(flow, call)
        if softmax is not None:
            return softmax
    layout = across([value.layout for value in given])
    if len(given) == 2:
        if call.inputs[0] == call.inputs[1] and call.layer.type in CANCELLING:
            return Value(layout, frozenset())
        path = _met(flow, call, given)
        if path is not None:
            return Value(layout, frozenset({path}))
    paths = paths_of(given)
    if len(paths) > 1:
        paths = frozenset([OTHER if path.is_map else path for path in paths])
    return Value(layout, paths)


def product(given: Sequence[Value], is_square: bool) -> Path | None:
    """Return the normal form of a product of two tensors, where they have one together."""
    if is_square:
        return given[0].changed(SQUARED).pure
    for value, weights in (given, given[::-1]):
        path = value.pure
        if path is not None and path.is_map and _is_mask(weights):
            return path._replace(form="weighed")
    return None


def _met(flow: Flow, call: Node, given: Sequence[Value]) -> Path | None:
    """Return the normal form of what two tensors make, where they have one together."""
    type = call.layer.type
    one, two = [value.pure for value in given]
    if type == "Multiply":
        return product(given, call.inputs[0] == call.inputs[1])
    if one is None:
        return None
    if type in DIVIDING:
        # By a number that the map's shape gives.
        return one._replace(form="mean") if one.form == "sum" and not given[1].paths else None
    if one == two and type in CANCELLING:
        # Up to a scale, one and the same: nothing may be left of it.
        return one._replace(form=OTHER.form)
    if type in ("Subtract", "SquaredDifference") and two is not None:
        if one.activated != two.activated:
            return None
        if {one[:2], two[:2]} == {MAP[:2], ("mean", flow.space)}:
            return MAP._replace(form="d" if type == "Subtract" else "d²", activated=one.activated)
        if {one.form, two.form} == {"mean of squares", "square of mean"} and one.over == two.over:
            return one._replace(form="var")
    return None


def _is_mask(value: Value) -> bool:
    """Tell whether a value is one weight for each place, by a softmax over all of them."""
    if len(value.paths) != 1:
        return False
    (path,) = value.paths
    return (
        path[:2] in (MAP[:2], OTHER[:2])
        and path.hows == ("dense", "softmax")
        and labels_of(*value.layout) <= SPACE | {"b"}
    )


def _softmax(flow: Flow, value: Value, axes: Sequence[int]) -> Value:
    """Return what a softmax along some axes makes: over all of space, weights of its places."""
    over = value.over(axes)
    if all(size_of(value.layout[each]) == 1 for each in value.places(axes)):
        return value.constant()
    return value.mixed("softmax") if over and over == flow.space else value.blurred()


def _softmax_spelt_out(flow: Flow, call: Node) -> Value | None:
    """Return what a quotient makes that is a softmax: exp(x) by the sum of these."""
    if call.layer.type not in DIVIDING:
        return None
    above, below = [flow.nodes[ref.node] for ref in call.inputs]
    if above.layer.type != "Exp" or below.layer.type != "Sum":
        return None
    if below.inputs[0] != call.inputs[0]:
        return None
    inner = above.inputs[0]
    shift = flow.nodes[inner.node]
    if shift.layer.type == "Subtract" and len(shift.inputs) == 2:
        # Less the largest, which changes nothing.
        largest = flow.nodes[shift.inputs[1].node]
        if REDUCING.get(largest.layer.type) == "max" and largest.inputs[0] == shift.inputs[0]:
            inner = shift.inputs[0]
    value = flow.values.get(inner)
    return None if value is None else _softmax(flow, value, integers(option(below, "axis")))


def _scaled(flow: Flow, call: Node, value: Value) -> Value:
    """Return what a tensor and a number make."""
    type, number = call.layer.type, scalar_operand(call)
    if number == 0 and type in ("Multiply", "Power"):
        return value.constant()
    if number is None and len(call.operands) > len(call.inputs):
        # By numbers that are not kept, be they one for each place.
        return _spread(call, value).mixed("numbers")
    path = value.pure
    if path is None:
        return value
    if type == "Power":
        return value.changed({} if number is None else POWERS.get(number, {}))
    if type == "Rescaling":
        shifts = option(call, "offset") not in (0, None) and path.form == "x"
        return value.changed({}) if shifts else value
    if type == "Multiply" or type in DIVIDING:
        places = _places(flow, path)
        if path.form != "sum" or not number or not places:
            return value
        divisor = number if type in DIVIDING else 1 / number
        is_mean = abs(divisor / places - 1) < 1e-3
        return value.changed({"sum": "mean"}) if is_mean else value
    # A constant beside what is squared or pooled keeps a root or a quotient in its bounds.
    return value if path.form == "d²" else value.blurred()


def _spread(call: Node, value: Value) -> Value:
    """Return a tensor spread to the shape that comes out."""
    after = call.output_shapes[0]
    if after == UNKNOWN:
        return value
    return value.laid(across([value.layout, tuple(map(spread, after))]))


def _places(flow: Flow, path: Path) -> int | None:
    """Return over how many places of the map was pooled; None where unknown."""
    sizes = [flow.sizes.get(label) for label in path.over]
    if None not in sizes:
        return prod(filter(None, sizes))
    return flow.places if path.over == flow.space else None
