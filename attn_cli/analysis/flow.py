"""What becomes of a feature map on its way to a gate: pooled over what, and mixed by what.

Each tensor on the way has a Value: the layout of its axes, and the paths that lead to it. A path is
a normal form: what was pooled of the map, over which axes, and what was mixed afterwards. A mean is
a mean whether a layer, an op, a sum that is divided by the number of positions or a contraction
makes it; what only moves, spreads, activates or scales leaves no trace.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, NamedTuple

from attn_cli.account import charge
from attn_cli.analysis.calls import (
    ACTIVATING,
    BOUNDED,
    CALCULATING,
    CONTRACTING,
    CONVOLVING,
    DIVIDING,
    HANDING_ON,
    MEASURING,
    MERGING,
    NORMALISING,
    POOLING,
    REDUCING,
    filters_of,
    function_of,
    integers,
    is_channels_first,
    is_unread,
    option,
    scalar_operand,
    subscripts_of,
)
from attn_cli.analysis.layout import (
    SPACE,
    Atom,
    labels_of,
    lined_up,
    met,
    relaid,
    resized,
    size_of,
    spread,
)
from attn_cli.graph import UNKNOWN, Ref

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from attn_cli.analysis.layout import Axis, Layout
    from attn_cli.graph import Node, Shape

MAX_PATHS = 24
NOWHERE: frozenset[str] = frozenset()
RANKS = {"1D": 3, "2D": 4, "3D": 5}


class Step(NamedTuple):
    """What a path went through: how it was mixed, by which layer (its `id`), to how many channels.

    A step without a layer has no weights: part of it was taken, it was pooled again, ….
    """

    how: str
    layer: int = 0
    filters: int | None = None


class Path(NamedTuple):
    """One way from a feature map: a form of it ("x", "mean", …), pooled over what, then mixed."""

    form: str
    over: frozenset[str] = NOWHERE
    steps: tuple[Step, ...] = ()

    @property
    def hows(self) -> tuple[str, ...]:
        """How it was mixed, step by step."""
        return tuple([step.how for step in self.steps])

    @property
    def route(self) -> tuple[int, ...]:
        """The layers that mixed it, in their order."""
        return tuple([step.layer for step in self.steps if step.layer])


class Value(NamedTuple):
    """A tensor on the way. Without paths it is made of sizes and numbers alone."""

    layout: Layout
    paths: frozenset[Path]


class Unclear(Exception):
    """What a call makes of what it gets cannot be told."""


# What comes of pooling a form of the map: of x² the norm is on its way, of the squared distances
# from the mean, d², the variance.
POOLED = {
    ("max", "x"): "max",
    ("mean", "d²"): "var",
    ("mean", "x"): "mean",
    ("mean", "x²"): "mean of squares",
    ("min", "x"): "min",
    ("norm", "d"): "std",
    ("norm", "x"): "norm",
    ("std", "x"): "std",
    ("sum", "d²"): "var",
    ("sum", "weighed"): "context",
    ("sum", "x"): "sum",
    ("sum", "x²"): "sum of squares",
    ("sum", "|x|"): "norm",
    ("var", "x"): "var",
}
# Pooled over one axis and then over another, in the same way.
AGAIN = {("max", "max"), ("mean", "mean"), ("min", "min"), ("sum", "context"), ("sum", "sum")}
SQUARED = {"d": "d²", "mean": "square of mean", "norm": "sum of squares", "std": "var", "x": "x²"}
ROOTS = {"mean of squares": "norm", "sum of squares": "norm", "var": "std"}
OTHER = "other"


class Flow:
    """The values of the tensors between a feature map and what is made of it."""

    def __init__(self, nodes: Sequence[Node], root: Ref, layout: Layout, grows: bool) -> None:
        """Take a feature map and what its axes are; `grows`: something on the way is enlarged."""
        self.nodes = nodes
        self.grows = grows
        self.given = {root}
        self.space = labels_of(*layout) & SPACE
        self.values: dict[Ref, Value] = {root: Value(layout, frozenset({Path("x")}))}
        self.sizes = {atom.label: atom.size for axis in layout for atom in axis}
        self.channels = self.sizes["c"]
        self.places: int | None = None  # how many, where a reshape tells what the map does not

    def run(self, places: Sequence[int]) -> None:
        """Work out what these calls make, in their order. Raises Unclear."""
        for place in places:
            call = self.nodes[place]
            if call.layer.type in MEASURING:
                values = [self.measured(call)]
            else:
                given = [self.taken(call, at) for at in range(len(call.inputs))]
                values = self.called(call, given)
            for output, value in enumerate(values):
                charge(5 + sum([1 + len(path.steps) for path in value.paths]))
                if len(value.paths) > MAX_PATHS:
                    raise Unclear
                self.values.setdefault(Ref(place, output), value)

    def taken(self, call: Node, at: int) -> Value:
        """Return what a call takes."""
        value = self.values.get(call.inputs[at])
        if value is None:
            raise Unclear
        shape = call.input_shapes[at]
        if shape != UNKNOWN and len(shape) != len(value.layout) and value.paths:
            raise Unclear  # one step of it, inside a TimeDistributed
        return value

    def measured(self, call: Node) -> Value:
        """Return what is known of a tensor's size alone, or of ones in its shape."""
        if call.layer.type in ("OnesLike", "ZerosLike") and call.input_shapes[0] != UNKNOWN:
            return Value(tuple(map(spread, call.input_shapes[0])), frozenset())
        return Value((), frozenset())

    def called(self, call: Node, given: list[Value]) -> list[Value]:
        """Return what a call makes."""
        type = call.layer.type
        if is_unread(call):
            raise Unclear
        if all(not value.paths for value in given):
            return [Value(_blank(call), frozenset())]
        handler = HANDLERS.get(type)
        if handler is not None:
            return handler(self, call, given)
        value = given[0]
        if type[-2:] in RANKS and len(value.layout) != RANKS[type[-2:]]:
            raise Unclear
        if type in HANDING_ON:
            return [value]
        if type in ACTIVATING or type in CALCULATING:
            return [self.calculated(call, value)]
        if type == "Average" and len(given) == 1:  # the op, over an axis
            return [self.reduced(value, integers(option(call, "axis")), "mean", False)]
        if type in MERGING:
            return [self.merged(call, given)]
        if type in REDUCING:
            axis = option(call, "axis")
            axes = range(len(value.layout)) if axis is None else integers(axis)
            if type == "Norm" and option(call, "ord") not in (None, 2, "euclidean", "fro"):
                raise Unclear
            return [self.reduced(value, axes, REDUCING[type], bool(option(call, "keepdims")))]
        if type in POOLING:
            return [self.pooled(call, value, POOLING[type])]
        if type in CONVOLVING or type == "Dense":
            return [self.mixed(call, value)]
        if type in NORMALISING:
            return [self.normalised(call, value)]
        raise Unclear

    # Element by element.

    def calculated(self, call: Node, value: Value) -> Value:
        """Return what a function of each element makes."""
        type, function = call.layer.type, function_of(call)
        if function == "softmax":
            axis = option(call, "axis")
            return self.weighed(value, integers(-1 if axis is None else axis))
        if type == "Square":
            return self.changed(value, SQUARED)
        if type in ("Sqrt", "Rsqrt"):
            return self.changed(value, ROOTS)
        if type == "Absolute":
            return self.changed(value, {"x": "|x|"})
        if type in ("Negative", "Reciprocal"):
            return value
        path = pure(value)
        if path is None or type == "Clip" or (path.over and type in ACTIVATING):
            return value
        # An activated map is a map still.
        if path.form == "x" and function is not None and function not in BOUNDED:
            return value
        return self.changed(value, {})

    def weighed(self, value: Value, axes: Sequence[int]) -> Value:
        """Return what a softmax along some axes makes."""
        over = labels_of(*[value.layout[each] for each in _places(axes, value)])
        if over and over == self.space:
            return stepped(value, Step("softmax"))
        return value if (path := pure(value)) and path.over else self.changed(value, {})

    def softmax(self, call: Node) -> Value | None:
        """Return what a quotient makes that is a softmax: exp(x) by the sum of these."""
        above, below = [self.nodes[ref.node] for ref in call.inputs]
        if above.layer.type != "Exp" or below.layer.type != "Sum":
            return None
        if below.inputs[0] != call.inputs[0]:
            return None
        inner = above.inputs[0]
        shift = self.nodes[inner.node]
        if shift.layer.type == "Subtract" and len(shift.inputs) == 2:
            # Less the largest, which changes nothing.
            largest = self.nodes[shift.inputs[1].node]
            if REDUCING.get(largest.layer.type) == "max" and largest.inputs[0] == shift.inputs[0]:
                inner = shift.inputs[0]
        value = self.values.get(inner)
        return value and self.weighed(value, integers(option(below, "axis")))

    def changed(self, value: Value, forms: Mapping[str, str]) -> Value:
        """Return what a function makes, that turns one form of the map into another."""
        path = pure(value)
        if path is None:
            return value
        return value._replace(paths=frozenset({path._replace(form=forms.get(path.form, OTHER))}))

    def merged(self, call: Node, given: list[Value]) -> Value:
        """Return what comes of several tensors, or of one and numbers."""
        type = call.layer.type
        if len(given) == 1:
            return self.scaled(call, given[0])
        layout = across([value.layout for value in given])
        if type in DIVIDING and len(given) == 2:
            softmax = self.softmax(call)
            if softmax is not None:
                return softmax
        if len(given) == 2:
            form = self.combined(type, call, given)
            if form is not None:
                return Value(layout, frozenset({form}))
        paths: set[Path] = set()
        for value in given:
            paths |= value.paths
        if not paths.isdisjoint({Path("x")}) and len(paths) > 1:
            paths = {path if path != Path("x") else Path(OTHER) for path in paths}
        return Value(layout, frozenset(paths))

    def combined(self, type: str, call: Node, given: list[Value]) -> Path | None:
        """Return the normal form of two tensors, where they have one together."""
        one, two = [pure(value) for value in given]
        if type == "Multiply" and call.inputs[0] == call.inputs[1] and call.layer.type == type:
            return pure(self.changed(given[0], SQUARED))
        if type in ("Subtract", "SquaredDifference") and one is not None and two is not None:
            raw, mean = sorted((one, two), key=lambda path: len(path.over))
            if raw == Path("x") and mean == Path("mean", self.space):
                return Path("d" if type == "Subtract" else "d²")
            forms = {one.form, two.form}
            if forms == {"mean of squares", "square of mean"} and one.over == two.over:
                return Path("var", one.over)
        if type in DIVIDING and one is not None and not given[1].paths and one.form == "sum":
            return one._replace(form="mean")  # by a number that the map's shape gives
        if type == "Multiply":
            for x, weights in ((0, 1), (1, 0)):
                if pure(given[x]) == Path("x") and is_mask(given[weights]):
                    return Path("weighed")
        return None

    def scaled(self, call: Node, value: Value) -> Value:
        """Return what a tensor and a number make."""
        type, number = call.layer.type, scalar_operand(call)
        path = pure(value)
        if path is None:
            return value
        if type == "Power":
            if number == 2:
                return self.changed(value, SQUARED)
            if number in (0.5, -0.5):
                return self.changed(value, ROOTS)
            return self.changed(value, {})
        if type == "Rescaling":
            shifts = option(call, "offset") not in (0, None) and path.form == "x"
            return self.changed(value, {}) if shifts else value
        if type == "Multiply" or type in DIVIDING:
            sizes = [self.sizes.get(label) for label in path.over]
            places = None if None in sizes else prod(filter(None, sizes))
            if places is None and path.over == self.space:
                places = self.places
            if path.form != "sum" or not number or not places:
                return value
            divisor = number if type in DIVIDING else 1 / number
            if abs(divisor / places - 1) < 1e-3:
                return value._replace(paths=frozenset({path._replace(form="mean")}))
            return value
        # A constant beside what is squared or pooled keeps a root or a quotient in its bounds.
        return value if path.over or path.form == "d²" else self.changed(value, {})

    # Pooling.

    def reduced(self, value: Value, axes: Sequence[int], keeps: str, keepdims: bool) -> Value:
        """Return what a reduction over some axes makes."""
        places = _places(axes, value)
        over = labels_of(*[value.layout[place] for place in places])
        layout = tuple(
            [
                () if place in places else axis
                for place, axis in enumerate(value.layout)
                if keepdims or place not in places
            ]
        )
        if "b" in over:
            raise Unclear
        paths = value.paths
        if over and over != {"k"}:
            path = pure(value)
            if path is None or not over <= self.sizes.keys():
                how = "over c" if over <= {"c", "m"} else "pool"
                return stepped(value._replace(layout=layout), Step(how))
            form = POOLED.get((keeps, path.form), OTHER) if not path.over else OTHER
            if path.over and (keeps, path.form) in AGAIN:
                form = path.form
            elif path.over and over <= {"c"}:
                return stepped(value._replace(layout=layout), Step("over c"))
            paths = frozenset({Path(form, path.over | over)})
        return Value(layout, paths)

    def pooled(self, call: Node, value: Value, keeps: str) -> Value:
        """Return what a layer that pools makes."""
        type, rank = call.layer.type, len(value.layout)
        first = is_channels_first(call)
        space = range(2, rank) if first else range(1, rank - 1)
        if type.startswith("Global"):
            return self.reduced(value, space, keeps, bool(option(call, "keepdims")))
        after = call.output_shapes[0]
        sizes: list[int | None]
        if after != UNKNOWN and len(after) == rank and None not in after[1:]:
            sizes = [after[place] for place in space]
        elif type.startswith("Adaptive"):
            sizes = _each(option(call, "output_size"), len(space))
        else:
            sizes = self.windowed(call, [value.layout[place] for place in space])
        whole, left = [], list(value.layout)
        for place, size in zip(space, sizes, strict=True):
            before = size_of(value.layout[place])
            if size == 1 and before != 1:
                whole.append(place)
            elif size != before:
                left[place] = resized(value.layout[place], size)
        if tuple(left) != value.layout:
            value = stepped(value._replace(layout=tuple(left)), Step("window"))
        return self.reduced(value, whole, keeps, True)

    def windowed(self, call: Node, space: Sequence[Axis]) -> list[int | None]:
        """Return the sizes after a pool of windows, 1 where one of them is all of an axis."""
        strides = _each(option(call, "strides", "pool_size", "ksize"), len(space))
        same = str(option(call, "padding")).lower() == "same"
        sizes: list[int | None] = []
        for axis, side, stride in zip(
            space, _each(option(call, "pool_size", "ksize"), len(space)), strides, strict=True
        ):
            size = size_of(axis)
            if side == stride == 1 or (same and stride == 1):
                sizes.append(size)
            elif side is None or (size is not None and side != size):
                sizes.append(None)
            else:
                # A gate meets the map with as many places or with one: if nothing makes it larger
                # again, a window of more than one was all there is.
                sizes.append(1 if size is not None or not self.grows else None)
        return sizes

    # Layers with weights.

    def mixed(self, call: Node, value: Value) -> Value:
        """Return what a convolution or a dense layer makes."""
        layer, layout = call.layer, value.layout
        rank = len(layout)
        first = is_channels_first(call) and layer.type != "Dense"
        channels = 1 if first else rank - 1
        space = [each for each in range(1, rank) if each != channels]
        sides = _each(option(call, "kernel_size"), len(space))
        if layer.type == "Dense":
            sides = [1] * len(space)
        wide = [each for each, side in zip(space, sides, strict=True) if side != 1]
        around = labels_of(*[layout[each] for each in wide])
        mixes, along = labels_of(layout[channels]), labels_of(*[layout[each] for each in space])
        made = [step for path in value.paths for step in path.steps if step.filters is not None]
        if not mixes and made and made[-1].filters == 1 and made[-1].how in ("conv", "dense"):
            mixes = frozenset("m")  # squeezed to a single one
        filters = filters_of(layer)
        if layer.type.startswith("Depthwise"):
            filters = size_of(layout[channels])
        how = self.how(call, mixes, along, around, len(wide))
        if self.channels == 1 and how != "each" and not (along | mixes) & (self.space | {"k"}):
            # Of a single channel nothing tells but the layer.
            how = "along" if layer.type == "Conv1D" else "dense"
        after = call.output_shapes[0]
        left = list(layout)
        for each in wide:
            known = after[each] if after != UNKNOWN and len(after) == rank else None
            if known is None and str(option(call, "padding")).lower() == "same":
                strides = integers(option(call, "strides") or 1)
                known = size_of(layout[each]) if set(strides) == {1} else None
            left[each] = resized(layout[each], known)
            if how == "each" and labels_of(layout[each]) == {"k"}:
                left[each] = ()
        if how != "each" or not mixes <= {"c", "m"}:
            left[channels] = () if filters == 1 else (Atom("m", filters),)
        return stepped(Value(tuple(left), value.paths), Step(how, id(layer), filters))

    def how(
        self,
        call: Node,
        mixes: frozenset[str],
        along: frozenset[str],
        around: frozenset[str],
        wide: int,
    ) -> str:
        """Return how a layer mixes.

        `mixes` are the labels of its channels, `along` those of its other axes, `around` those of
        the axes along which its kernel is wider than 1, `wide` is how many these are.
        """
        layer = call.layer
        filters, groups = filters_of(layer), layer.config.get("groups", 1)
        depthwise = layer.type.startswith("Depthwise")
        if depthwise and layer.config.get("depth_multiplier", 1) != 1:
            return "conv"
        if layer.type.startswith("LocallyConnected"):
            return "each" if along == {"c"} and not around and filters == 1 else "conv"
        if (depthwise or (groups != 1 and groups == filters)) and mixes:
            each = mixes <= {"c", "m"} and around <= {"k"}
            return "each" if each and wide <= len(around) else "conv"
        if "Transpose" in layer.type or groups != 1:
            return "conv"
        if mixes and mixes <= {"c", "m"}:
            return "conv" if wide else "dense"
        if mixes <= {"k"} and (not mixes if depthwise else filters == 1):
            if along == {"c"}:
                return "along" if wide <= 1 else "conv"
            return "map" if along else "scale"
        return "conv"

    def normalised(self, call: Node, value: Value) -> Value:
        """Return what a normalisation makes."""
        type = call.layer.type
        if type == "LayerNormalization" or option(call, "groups") == 1:
            return stepped(value, Step("layernorm", id(call.layer)))
        path = pure(value)
        if path is not None and not path.over:
            return value._replace(paths=frozenset({Path(OTHER)}))
        return value


def pure(value: Value) -> Path | None:
    """Return the one path of a tensor on which nothing was mixed; None where there is no such."""
    if len(value.paths) != 1:
        return None
    (path,) = value.paths
    return None if path.steps else path


def stepped(value: Value, step: Step) -> Value:
    """Return a value after one step more."""
    paths = frozenset([path._replace(steps=(*path.steps, step)) for path in value.paths])
    return value._replace(paths=paths)


def is_mask(value: Value) -> bool:
    """Tell whether a value is one weight for each place, by a softmax over all of them."""
    if len(value.paths) != 1:
        return False
    (path,) = value.paths
    return (
        path.form in ("x", OTHER)
        and not path.over
        and path.hows == ("dense", "softmax")
        and labels_of(*value.layout) <= SPACE | {"b"}
    )


def across(layouts: Sequence[Layout]) -> Layout:
    """Return the layout where tensors meet element by element."""
    lined = lined_up(layouts)
    return tuple([met(axes) for axes in zip(*lined, strict=True)])


def _places(axes: Sequence[int], value: Value) -> set[int]:
    rank = len(value.layout)
    if not all(-rank <= each < rank for each in axes):
        raise Unclear
    return {each % rank for each in axes}


def _each(value: object, rank: int) -> list[int | None]:
    """Return an option that is a number for each axis of space, or one for all."""
    given = integers(value)
    if len(given) == rank + 2:
        given = given[1:-1]
    if len(given) == 1:
        given *= rank
    return [*given] if len(given) == rank else [None] * rank


def _blank(call: Node) -> Layout:
    """Return the layout of what is made of sizes alone."""
    return tuple(map(spread, call.output_shapes[0]))


# What moves.


def _relaid(self: Flow, call: Node, given: list[Value]) -> list[Value]:
    """Lay out anew, as the sizes tell."""
    value = given[0]
    target = _target(call, value)
    layout = relaid(value.layout, target)
    if layout is None:
        raise Unclear
    for axis, size in zip(layout, target, strict=True):
        if labels_of(axis) == self.space and size is not None and size > 0:
            self.places = size
    return [value._replace(layout=layout)]


def _target(call: Node, value: Value) -> list[int | None]:
    after = call.output_shapes[0]
    given = option(call, "target_shape", "newshape", "shape")
    if call.layer.type in ("Flatten", "tf.keras.backend.batch_flatten"):
        target: list[int | None] = [None, -1]
    elif isinstance(given, (list, tuple)):
        target = [each if type(each) is int else None for each in given]
        if "target_shape" in call.layer.config:
            target.insert(0, None)
    elif after != UNKNOWN:
        return list(after)
    else:
        raise Unclear
    # Beside the batch, one size may be left open.
    if after != UNKNOWN and sum(each in (None, -1) for each in target[1:]) > 1:
        return list(after)
    return target


def _turned(self: Flow, call: Node, given: list[Value]) -> list[Value]:
    """Put axes into another order."""
    value, type = given[0], call.layer.type
    rank = len(value.layout)
    order = list(range(rank))
    if type == "Permute":
        order = [0, *integers(option(call, "dims"))]
    elif type == "Swapaxes":
        one, two = [integers(option(call, name))[0] % rank for name in ("axis1", "axis2")]
        order[one], order[two] = two, one
    elif type == "Moveaxis":
        sources = [each % rank for each in integers(option(call, "source"))]
        targets = [each % rank for each in integers(option(call, "destination"))]
        order = [each for each in order if each not in sources]
        for target, source in sorted(zip(targets, sources, strict=True)):
            order.insert(target, source)
    else:
        order = integers(option(call, "axes")) or order[::-1]
        order = [each % rank for each in order]
    if sorted(order) != list(range(rank)):
        raise Unclear
    return [value._replace(layout=tuple([value.layout[each] for each in order]))]


def _expanded(self: Flow, call: Node, given: list[Value]) -> list[Value]:
    layout = list(given[0].layout)
    axes = integers(option(call, "axis"))
    rank = len(layout) + len(axes)
    if not axes:
        raise Unclear
    for each in sorted(each % rank for each in axes):
        layout.insert(each, ())
    return [given[0]._replace(layout=tuple(layout))]


def _squeezed(self: Flow, call: Node, given: list[Value]) -> list[Value]:
    value = given[0]
    axes = integers(option(call, "axis"))
    gone = _places(axes, value)
    if not axes:
        gone = {each for each, axis in enumerate(value.layout) if size_of(axis) == 1}
    if any(size_of(value.layout[each]) not in (1, None) for each in gone):
        raise Unclear
    layout = [axis for each, axis in enumerate(value.layout) if each not in gone]
    return [value._replace(layout=tuple(layout))]


def _spread(self: Flow, call: Node, given: list[Value]) -> list[Value]:
    """Repeat: along an axis of one place, everything is the same then."""
    value, type = given[0], call.layer.type
    after = call.output_shapes[0]
    layout = list(value.layout)
    if type == "RepeatVector":
        layout.insert(1, spread(option(call, "n")))
    elif type == "BroadcastTo":
        target = option(call, "shape")
        known = isinstance(target, (list, tuple)) and len(given) == 1
        sizes = [*after] if after != UNKNOWN else [*target] if known else [None] * len(layout)
        layout = [()] * (len(sizes) - len(layout)) + layout
        layout = [
            axis if labels_of(axis) else spread(size)
            for axis, size in zip(layout, sizes, strict=True)
        ]
    elif type == "Repeat":
        axis = integers(option(call, "axis"))
        if len(axis) != 1:
            raise Unclear
        times = option(call, "repeats")
        layout[axis[0]] = _times(layout[axis[0]], times if type_of(times) is int else None)
    elif type == "Tile":
        times = integers(option(call, "repeats"))
        if len(times) == len(layout):
            for each, count in enumerate(times):
                if count != 1 and labels_of(layout[each]) == {"c"}:
                    value = stepped(value, Step("circle"))
                layout[each] = _times(layout[each], count)
        else:
            # Not all is known of how often: along what has one place, it does not matter.
            layout = [axis if axis else spread(None) for axis in layout]
    else:
        rank = len(layout)
        space = range(2, rank) if is_channels_first(call) else range(1, rank - 1)
        for each in space:
            known = after != UNKNOWN and len(after) == rank
            layout[each] = resized(layout[each], after[each] if known else None)
    return [value._replace(layout=tuple(layout))]


type_of = type


def _times(axis: Axis, count: int | None) -> Axis:
    size = size_of(axis)
    return resized(axis, None if size is None or count is None else size * count)


def _padded(self: Flow, call: Node, given: list[Value]) -> list[Value]:
    value = given[0]
    after = call.output_shapes[0]
    rank = len(value.layout)
    if after != UNKNOWN and len(after) == rank:
        layout = [
            resized(axis, size) if size_of(axis) != size else axis
            for axis, size in zip(value.layout, after, strict=True)
        ]
    else:
        layout = [axis and resized(axis, None) for axis in value.layout]
        layout[0] = value.layout[0]
    padded = [each for each in range(rank) if layout[each] != value.layout[each]]
    over = labels_of(*[value.layout[each] for each in padded])
    value = value._replace(layout=tuple(layout))
    mode = str(option(call, "mode") or "constant").lower()
    if mode != "constant" and over:
        return [stepped(value, Step("circle" if mode in ("wrap", "circular") else mode))]
    path = pure(value)
    if path is not None and not path.over:
        return [value._replace(paths=frozenset({Path(OTHER)}))]
    return [value]


def _cut(self: Flow, call: Node, given: list[Value]) -> list[Value]:
    """Take parts along axes, and drop or add axes of one place."""
    value, layout = given[0], given[0].layout
    outputs = []
    for after in call.output_shapes:
        cut: Layout | None = None
        spec = option(call, "key")
        if call.layer.type == "tf.slice":
            starts, counts = integers(option(call, "begin")), integers(option(call, "size"))
            spec = tuple(
                [
                    slice(start, None if count == -1 else start + count)
                    if (start, count) != (0, -1)
                    else slice(None)
                    for start, count in zip(starts, counts, strict=True)
                ]
            )
            cut = _sliced(layout, spec)
        elif call.layer.type == "GetItem" and spec is not None:
            cut = _sliced(layout, spec if isinstance(spec, tuple) else (spec,))
        if cut is not None:
            pass
        elif after != UNKNOWN and len(after) == len(layout):
            cut = tuple(
                [
                    resized(axis, size) if size_of(axis) != size else axis
                    for axis, size in zip(layout, after, strict=True)
                ]
            )
        elif after != UNKNOWN:
            cut = _fitted(layout, after)
        elif call.layer.type in ("Split", "Unstack"):
            axis = integers(option(call, "axis"))
            if len(axis) == 1:
                at = axis[0] % len(layout)
                size, count = size_of(layout[at]), len(call.output_shapes)
                each = None if size is None or size % count else size // count
                left = () if call.layer.type == "Unstack" else (resized(layout[at], each),)
                cut = (*layout[:at], *left, *layout[at + 1 :])
        elif call.layer.type != "GetItem":
            cut = (layout[0], *[axis and resized(axis, None) for axis in layout[1:]])
        if cut is None:
            raise Unclear
        part = value._replace(layout=cut)
        lost = [atom for axis in layout for atom in axis if atom.label not in ("", "b", "k", "+")]
        kept = [atom for axis in cut for atom in axis]
        if any(atom not in kept for atom in lost):
            path = pure(part)
            if path is not None and not path.over:
                part = part._replace(paths=frozenset({Path(OTHER)}))
            else:
                part = stepped(part, Step("part"))
        outputs.append(part)
    return outputs


def _sliced(layout: Layout, spec: Sequence[object]) -> Layout | None:
    """Return the layout of x[…]: of slices, places, `...` and None for a new axis."""
    axes = list(layout)
    cut: list[Axis] = []
    taken = sum(each is not None and each is not Ellipsis for each in spec)
    for each in spec:
        if each is None:
            cut.append(())
        elif each is Ellipsis:
            rest = len(layout) - taken
            cut.extend(axes[:rest])
            del axes[:rest]
        elif isinstance(each, slice) and axes:
            axis = axes.pop(0)
            bounds = (each.start, each.stop, each.step)
            size = size_of(axis)
            if bounds == (None, None, None):
                cut.append(axis)
            elif size is None or any(type_of(b) not in (int, type_of(None)) for b in bounds):
                cut.append(resized(axis, None))
            else:
                cut.append(resized(axis, len(range(*slice(*bounds).indices(size)))))
        elif type_of(each) is int and axes:
            axes.pop(0)
        else:
            return None
    return (*cut, *axes)


def _fitted(layout: Layout, after: Shape) -> Layout | None:
    """Return the layout where axes of one place came or went, or a place was taken of others."""
    wide = [axis for axis in layout if axis]
    if len(wide) == sum(size != 1 for size in after):
        rest = iter(wide)
        return tuple([() if size == 1 else resized(next(rest), size) for size in after])
    # Which axes went cannot be told where several are of one size.
    left = list(layout)
    for size in after[::-1]:
        while left and size_of(left[-1]) != size:
            left.pop()
        if not left:
            return None
        left.pop()
    gone = list(after)
    kept: list[Axis] = []
    for axis in layout:
        if gone and size_of(axis) == gone[0]:
            kept.append(axis)
            gone.pop(0)
    return tuple(kept) if not gone else None


def _concatenated(self: Flow, call: Node, given: list[Value]) -> list[Value]:
    """Put tensors end to end."""
    axis = integers(-1 if option(call, "axis") is None else option(call, "axis"))
    ranks = {len(value.layout) for value in given}
    if len(axis) != 1 or len(ranks) != 1:
        raise Unclear
    rank = ranks.pop()
    if not -rank <= axis[0] < rank:
        raise Unclear
    at = axis[0] % rank
    layout = list(across([value.layout for value in given]))
    axes = [value.layout[at] for value in given]
    sizes = [size_of(each) for each in axes]
    total = None if None in sizes else sum(filter(None, sizes))
    labels = [labels_of(each) for each in axes]
    paths = frozenset().union(*[value.paths for value in given])
    if len(set(call.inputs)) == 1 and not any(labels):
        layout[at] = spread(total)
        value = Value(tuple(layout), paths)
        # A single channel has itself for neighbours.
        return [stepped(value, Step("circle")) if self.channels == 1 else value]
    if all(each <= {"k"} for each in labels):
        layout[at] = (Atom("k", total),)
        return [Value(tuple(layout), paths)]
    if set(labels) == {frozenset("c")}:
        whole = {
            path._replace(steps=tuple([step for step in path.steps if step.how != "part"]))
            for path in paths
        }
        if len(whole) == 1 and all(path.over for path in whole):
            layout[at] = (Atom("c", total),)
            return [stepped(Value(tuple(layout), frozenset(whole)), Step("circle"))]
    made = all(each <= {"c", "m"} for each in labels)
    layout[at] = (Atom("m" if made else "+", total),)
    return [Value(tuple(layout), paths)]


def _stacked(self: Flow, call: Node, given: list[Value]) -> list[Value]:
    layout = list(across([value.layout for value in given]))
    at = (integers(option(call, "axis")) or [0])[0] % (len(layout) + 1)
    layout.insert(at, (Atom("k", len(given)),))
    paths = frozenset().union(*[value.paths for value in given])
    return [Value(tuple(layout), paths)]


# What has its own way.


def _contracted(self: Flow, call: Node, given: list[Value]) -> list[Value]:
    """Sum products over what does not come out."""
    letters = subscripts_of(call, [len(value.layout) for value in given])
    if letters is None or len(given) > 2:
        raise Unclear
    left, _, output = letters.partition("->")
    axes: dict[str, list[Axis]] = {}
    for names, value in zip(left.split(","), given, strict=True):
        for name, axis in zip(names, value.layout, strict=True):
            axes.setdefault(name, []).append(axis)
    if not set(output) <= axes.keys():
        raise Unclear
    order = [*output, *[name for name in axes if name not in output]]
    layout = tuple([met(axes[name]) for name in order])
    value = given[0]._replace(layout=layout)
    if len(given) == 2:
        summed = labels_of(*layout[len(output) :])
        path = self.combined("Multiply", call, given)
        if call.layer.type == "Einsum" and len(set(left.split(","))) == len(set(call.inputs)) == 1:
            path = pure(self.changed(given[0], SQUARED))
        if path is not None:
            value = Value(layout, frozenset({path}))
        else:
            value = Value(layout, given[0].paths | given[1].paths)
            if summed and not summed <= {"k"}:
                value = stepped(value, Step("conv"))
    return [self.reduced(value, range(len(output), len(order)), "sum", False)]


def _moments(self: Flow, call: Node, given: list[Value]) -> list[Value]:
    axes, keepdims = integers(option(call, "axes")), bool(option(call, "keepdims"))
    return [self.reduced(given[0], axes, keeps, keepdims) for keeps in ("mean", "var")]


def _unit(self: Flow, call: Node, given: list[Value]) -> list[Value]:
    """Divide by the norm along an axis."""
    axis = option(call, "axis")
    axes = integers(-1 if axis is None else axis)
    over = labels_of(*[given[0].layout[each] for each in _places(axes, given[0])])
    return [stepped(given[0], Step("over c" if over <= {"c", "m"} else "pool"))]


def _einsum_dense(self: Flow, call: Node, given: list[Value]) -> list[Value]:
    """Mix as the letters of the layer's equation say."""
    equation = option(call, "equation")
    value = given[0]
    if not isinstance(equation, str):
        raise Unclear
    inputs, _, output = equation.replace(" ", "").partition("->")
    names, _, kernel = inputs.partition(",")
    if len(names) != len(value.layout) or not all(map(str.isalpha, (names, kernel, output))):
        raise Unclear
    axes = dict(zip(names, value.layout, strict=True))
    summed = labels_of(*[axes[name] for name in names if name not in output])
    kept = labels_of(*[axes[name] for name in names if name in output and name in kernel])
    fresh = [name for name in output if name not in axes]
    how = "conv"
    if summed and summed <= {"c", "m"} and not kept and len(fresh) <= 1:
        how = "dense"
    elif kept and kept <= {"c", "m"} and summed <= {"k"} and not fresh:
        how = "each"
    filters = filters_of(call.layer) if fresh else None
    for name in fresh:
        axes[name] = () if filters == 1 else (Atom("m", filters),)
    layout = tuple([axes[name] for name in output])
    return [stepped(Value(layout, value.paths), Step(how, id(call.layer), filters))]


HANDLERS: dict[str, Callable[[Flow, Node, list[Value]], list[Value]]] = {
    "Concatenate": _concatenated,
    "Cropping1D": _cut,
    "Cropping2D": _cut,
    "Cropping3D": _cut,
    "EinsumDense": _einsum_dense,
    "ExpandDims": _expanded,
    "Flatten": _relaid,
    "tf.keras.backend.batch_flatten": _relaid,
    "tf.slice": _cut,
    "GetItem": _cut,
    "Moments": _moments,
    "Moveaxis": _turned,
    "Normalize": _unit,
    "Pad": _padded,
    "Permute": _turned,
    "Reshape": _relaid,
    "View": _relaid,
    "Split": _cut,
    "Squeeze": _squeezed,
    "Stack": _stacked,
    "Swapaxes": _turned,
    "Transpose": _turned,
    "UnitNormalization": _unit,
    "Unstack": _cut,
    "ZeroPadding1D": _padded,
    "ZeroPadding2D": _padded,
    "ZeroPadding3D": _padded,
    **dict.fromkeys(CONTRACTING, _contracted),
    **dict.fromkeys(
        (
            *("BroadcastTo", "Repeat", "RepeatVector", "Resize", "Resizing", "Tile"),
            *("UpSampling1D", "UpSampling2D", "UpSampling3D", "tf.image.resize"),
        ),
        _spread,
    ),
}
