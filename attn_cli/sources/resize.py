"""The same model, asked at another input size: shapes and costs worked out anew.

Where a call takes other shapes than those that the file notes, what comes out is what the table of
layers and ops tells, and unknown where it does not. The layers stay as they are, with their
weights: a model does not take a size at which one would have others, or refuses what it gets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from attn_cli.errors import AttnError, BadArgument, BadFile, BadShape
from attn_cli.graph import FEATURE_MAP, UNKNOWN
from attn_cli.operations import roles_of
from attn_cli.operations.base import MAX_SIZE, NONSENSE, Unknown
from attn_cli.operations.base import reason as reason_of
from attn_cli.operations.shapes import is_constant
from attn_cli.sources.unfold import Unfolded, Unfolder
from attn_cli.sources.weights import leaves_of
from attn_cli.text import few, quote, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from attn_cli.graph import Layer, Shape, Weight
    from attn_cli.operations.base import Operation, Role
    from attn_cli.operations.call import Bound
    from attn_cli.sources.config import Part
    from attn_cli.sources.unfold import Called, Value


def unfold_at(
    root: Part, stored: Mapping[int, tuple[Weight, ...]] | None, asked: Shape
) -> tuple[Unfolded, Shape | None]:
    """Return the graph of a model on a feature map (H, W, C), None where dynamic.

    The second is what the file notes for that input, None where it is the same.

    Raises BadShape where the model does not take it, or has not one feature map as its input.
    """
    _check_shape(asked)
    part = feature_map_of(root)
    shape = batched(part.batch_shape, asked, is_channels_first(root))
    before = _Noted(stored, root)
    before.unfolded()
    unfolded = _Asked(before, part, shape).unfolded()
    return unfolded, None if shape == part.batch_shape else part.batch_shape


def _check_shape(asked: Sequence[int | None]) -> None:
    """Raise BadArgument for what is no tuple, and BadShape for one that is no (H, W, C)."""
    if not isinstance(asked, (tuple, list)):
        raise BadArgument(f"a shape is one tuple (H, W, C), as in (224, 224, 3), not {asked!r}")
    if len(asked) != 3 or not all(
        (type(size) is int and 0 < size <= MAX_SIZE) or (size is None and place < 2)
        for place, size in enumerate(asked)
    ):
        raise BadShape(f"an input is (H, W, C), as in (224, 224, 3), not {tuple(asked)}")


def feature_map_of(root: Part) -> Part:
    """Return the one input of a model that is a feature map. Raises BadShape where it has not one.

    An input of which no shape is told may be one.
    """
    entries = root.entries or {}
    inputs = [entries[source.name].part for source in root.inputs]
    maps = [part for part in inputs if is_map(part.batch_shape)]
    if len(maps) != 1:
        named = few([f"{shown(part.name)} {_text(part.batch_shape)}" for part in inputs])
        raise BadShape(
            f"another input size is asked of a model that takes one feature map (H, W, C); "
            f"this takes {named or 'no input'}"
        )
    return maps[0]


def is_map(shape: Shape | None) -> bool:
    """Tell whether an input can be a feature map: (B, H, W, C), or nothing is told of it."""
    return not shape or len(shape) == FEATURE_MAP


class _Call(NamedTuple):
    """What a call of a layer or an op does, and the shapes of its tensors."""

    bound: Bound
    shapes: tuple[Shape, ...]


class _Noted(Unfolder):
    """Unfolds a model as the file notes it, and keeps its calls."""

    def __init__(self, stored: Mapping[int, tuple[Weight, ...]] | None, root: Part) -> None:
        super().__init__(stored, root)
        self.made: list[_Call] = []

    def bound(self, part: Part, called: Called) -> Bound:
        bound = super().bound(part, called)
        self.made.append(_Call(bound, tuple([value.tensor.shape for value in called.values])))
        return bound


class _Asked(Unfolder):
    """Unfolds a model on another input: call by call in the order of `before`."""

    def __init__(self, before: _Noted, part: Part, shape: Shape) -> None:
        super().__init__(before.stored, before.root)
        self.before = before
        self.asked = part
        self.shape = shape
        self.place = 0
        self.taken: dict[int, Shape] = {}
        self.within: tuple[str, ...] = ()  # where the call stands that is made

    def takes(self, part: Part, shape: Shape) -> Shape | None:
        """Return what an input of a model inside another takes: what it is given first.

        It is made anew with the model that it stands in, and stays open where it was.
        """
        noted = part.batch_shape
        if noted is None or len(noted) != len(shape):
            return noted
        both = zip(noted, shape, strict=True)
        first = tuple([size and given for size, given in both])
        return self.taken.setdefault(id(part), first)

    def input_shape(self, part: Part) -> Shape | None:
        return self.shape if part is self.asked else part.batch_shape

    def leaf(
        self,
        part: Part,
        called: Called,
        recorded: Sequence[Shape | None],
        within: tuple[str, ...],
        times: int | None,
    ) -> list[Value]:
        self.within = within
        return super().leaf(part, called, recorded, within, times)

    def bound(self, part: Part, called: Called) -> Bound:
        bound = super().bound(part, called)
        shapes = tuple([value.tensor.shape for value in called.values])
        noted = self.before.made[self.place]
        self.place += 1
        if shapes != noted.shapes or _samples(bound) != _samples(noted.bound):
            reason = _refusal(bound)
            if reason is not None and _refusal(noted.bound) is None:
                raise self.refused(part, bound, shapes, reason)
            self.check_weights(part, bound, shapes, noted)
        return bound

    def check_weights(
        self, part: Part, bound: Bound, shapes: tuple[Shape, ...], noted: _Call
    ) -> None:
        """Raise BadShape where a layer would have other weights on these shapes."""
        if part.is_op or UNKNOWN in (*shapes, *noted.shapes):
            return
        before, after = (roles_of(part.operation, *each) for each in (noted.shapes, shapes))
        if before is None or before == after:
            return
        if after is None:
            reason = _told(part.operation.weights, shapes) or "its weights would be others"
        else:
            reason = _difference(before, after)
        raise self.refused(part, bound, shapes, reason)

    def refused(self, part: Part, bound: Bound, shapes: Sequence[Shape], reason: str) -> BadShape:
        """Return the error that names a layer which does not take what it would get."""
        taken = few([*map(_text, shapes)], MOST_NAMED, " and ")
        noted = self.asked.batch_shape or (None,)
        own = "" if None in noted[1:] else f"; the file notes an input of {_size(noted)}"
        path = quote("/".join((*self.within, part.name)))
        what = f"{bound.operation.type} {path}"
        return BadShape(f"at {_size(self.shape)}, {what} would get {taken}: {reason}{own}")

    def layer(
        self,
        part: Part,
        operation: Operation,
        shapes: Sequence[Shape],
        within: tuple[str, ...],
        named: Mapping[str, Any],
    ) -> Layer:
        """Return the layer of a part: the one that it was, where its weights are known."""
        layer = self.before.layers.get(id(part))
        if layer is None or part.is_op or id(part) not in self.before.counted:
            return super().layer(part, operation, shapes, within, named)
        if shapes and UNKNOWN in self.before.made[self.place - 1].shapes:
            # What it was built on is not told: what is stored is held against what it gets here.
            try:
                return super().layer(part, operation, shapes, within, named)
            except BadFile as error:
                raise BadShape(f"at {_size(self.shape)}, {error}") from error
        if part is self.asked:
            noted = [key for key in SHAPE_KEYS if key in layer.config]
            config = {**layer.config, **{key: list(self.shape) for key in noted}}
            layer = self.layers.get(id(part)) or layer._replace(config=config)
        self.layers[id(part)] = layer
        self.counted.add(id(part))
        return layer


MOST_NAMED = 2  # of what a layer would get
SHAPE_KEYS = ("batch_shape", "batch_input_shape")


def is_channels_first(root: Part) -> bool:
    """Tell whether all layers of a model that say where channels stand have them first."""
    said = [leaf.config.get("data_format") for leaf in leaves_of(root)]
    return "channels_first" in said and "channels_last" not in said


def batched(noted: Shape | None, asked: Shape, first: bool) -> Shape:
    """Return an asked (H, W, C) as an input is noted, channels first or last.

    Raises BadShape for other channels than that has.

    >>> batched((None, 224, 224, 3), (448, 448, 3), first=False)
    (None, 448, 448, 3)
    """
    height, width, channels = asked
    batch = noted[0] if noted else None
    has = noted[1 if first else -1] if noted else None
    if has in (None, channels):
        return (batch, channels, height, width) if first else (batch, *asked)
    size = _size((None, *asked))
    raise BadShape(f"its input {_text(noted)} has {has} channels, and {size} has {channels}")


def _samples(bound: Bound) -> list[Shape | None]:
    return [each.sample for each in bound.operands]


def _refusal(bound: Bound) -> str | None:
    """Return why a call cannot be made on its operands; None where it can, or nothing tells."""
    for shapes in ([each.shape for each in bound.operands], _samples(bound)):
        reason = _told(bound.operation.outputs, shapes)
        if reason is not None:
            return reason
    return None


def _told(method: Callable[..., Any], shapes: Sequence[Shape | None]) -> str | None:
    """Return why an entry refuses shapes."""
    if any(shape is None or (shape == UNKNOWN and not is_constant(shape)) for shape in shapes):
        return None
    try:
        method(*shapes)
    except AttnError as error:
        return reason_of(error)
    except (Unknown, *NONSENSE):
        pass
    return None


def _difference(before: Sequence[Role], after: Sequence[Role]) -> str:
    """Return how weights would differ."""
    for old, new in zip(before, after, strict=False):
        if old != new:
            sizes = [
                " × ".join("?" if size is None else str(size) for size in role.dims or ())
                for role in (old, new)
            ]
            return f"its {old.name} of {sizes[0]} would be one of {sizes[1]}"
    return f"its {len(before)} weights would be {len(after)}"


def _text(shape: Shape | None) -> str:
    return str(shape) if shape else "of an unknown shape"


def _size(shape: Shape) -> str:
    """Return the size of an input as it is asked."""
    return ",".join(map(str, shape[1:]))
