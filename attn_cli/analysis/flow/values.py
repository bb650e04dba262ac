"""What is known of a tensor on its way from a feature map to a gate.

The layout of its axes, and the paths that lead to it. A path is a normal form: what was pooled of
the map, over which axes, and what was mixed afterwards. A mean is a mean whether a layer, an op, a
sum that is divided by the number of positions or a contraction makes it; what only moves, spreads,
activates or scales leaves no trace.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from attn_cli.analysis.layout import SPACE, labels_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from attn_cli.analysis.layout import Axis, Layout
    from attn_cli.graph import Node, Ref

NOWHERE: frozenset[str] = frozenset()


class Unclear(Exception):
    """What a call makes of what it gets cannot be told."""


class Step(NamedTuple):
    """What a path went through: how it was mixed, by which layer (its `id`), to how many channels.

    Layers with weights mix `dense`: the channels of each place, all with all; `each` channel by
    itself; `along` the channels, by a kernel that slides over them; into one `map` over space; by
    one number for all (`scale`), by a `layernorm`, or in another way (`conv`).

    A step without a layer has no weights. A `softmax` is one over all of space. Channels are put
    in a `circle` where their first follow their last; a `part` is what was cut out. What was mixed
    may be pooled in a `window`, over the channels (`over c`), or over more (`pool`). What is padded
    from the inside has the word of its mode; what is taken away from something else is `less`.
    """

    how: str
    layer: int = 0
    filters: int | None = None


class Path(NamedTuple):
    """One way from a feature map: a form of it, pooled over what, then mixed.

    The map itself is "x", the distance from its mean "d"; pooled, it is a "mean", a "norm", ….
    `activated` is by what the map was before all that, empty for nothing.
    """

    form: str
    over: frozenset[str] = NOWHERE
    steps: tuple[Step, ...] = ()
    activated: tuple[object, ...] = ()

    @property
    def is_map(self) -> bool:
        """Whether it is the feature map, as it is or activated."""
        return (self.form, self.over, self.steps) == ("x", NOWHERE, ())

    @property
    def hows(self) -> tuple[str, ...]:
        """How it was mixed, step by step."""
        return tuple([step.how for step in self.steps])

    @property
    def route(self) -> tuple[int, ...]:
        """The layers that mixed it, in their order."""
        return tuple([step.layer for step in self.steps if step.layer])


MAP = Path("x")  # the feature map as it is
OTHER = Path("other")  # what a function makes of it that has no name


class Value(NamedTuple):
    """A tensor on the way. Without paths it is made of sizes and numbers alone."""

    layout: Layout
    paths: frozenset[Path]

    @property
    def pure(self) -> Path | None:
        """The one path on which nothing was mixed; None where there is no such."""
        if len(self.paths) != 1:
            return None
        (path,) = self.paths
        return None if path.steps else path

    def places(self, axes: Sequence[int]) -> set[int]:
        """Return which of its axes these are, counted from the first. Raises Unclear."""
        rank = len(self.layout)
        if not all(-rank <= each < rank for each in axes):
            raise Unclear
        return {each % rank for each in axes}

    def over(self, axes: Sequence[int]) -> frozenset[str]:
        """Return what these axes run over. Raises Unclear."""
        return labels_of(*[self.layout[each] for each in self.places(axes)])

    def laid(self, layout: Iterable[Axis]) -> Value:
        """Return it laid out like this."""
        return Value(tuple(layout), self.paths)

    def on(self, *paths: Path) -> Value:
        """Return it with these paths that lead to it."""
        return Value(self.layout, frozenset(paths))

    def mixed(self, how: str, layer: int = 0, filters: int | None = None) -> Value:
        """Return it after one step more, on all of its paths."""
        step = Step(how, layer, filters)
        return self.on(*[path._replace(steps=(*path.steps, step)) for path in self.paths])

    def changed(self, forms: Mapping[str, str]) -> Value:
        """Return what a function makes of it, that turns one form of the map into another."""
        path = self.pure
        if path is None:
            return self
        return self.on(path._replace(form=forms.get(path.form, OTHER.form)))

    @property
    def is_each(self) -> bool:
        """Whether nothing was pooled or mixed: it is made of the map element by element."""
        return (path := self.pure) is not None and not path.over

    def blurred(self) -> Value:
        """Return what is no longer the map, if it was: what was pooled of it, it still is."""
        return self.on(OTHER) if self.is_each else self

    def constant(self) -> Value:
        """Return it where it says the same, whatever the map is."""
        return self.on()


def paths_of(values: Iterable[Value]) -> frozenset[Path]:
    """Return the paths to any of these tensors."""
    return frozenset().union(*[value.paths for value in values])


class Flow:
    """The values of the tensors between a feature map and what is made of it."""

    def __init__(self, nodes: Sequence[Node], root: Ref, layout: Layout, grows: bool) -> None:
        """Take a feature map and what its axes are; `grows`: something on the way is enlarged."""
        self.nodes = nodes
        self.root = root
        self.grows = grows
        self.values: dict[Ref, Value] = {root: Value(layout, frozenset({MAP}))}
        self.space = labels_of(*layout) & SPACE
        self.sizes = {atom.label: atom.size for axis in layout for atom in axis}
        self.channels = self.sizes["c"]
        self.places: int | None = None  # how many, where a reshape tells what the map does not
