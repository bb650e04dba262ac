"""`keras.layers` and `keras.ops` in a trace: entries of the table, bound to what a block says.

An entry refuses what it does not understand, and so does the stand-in: an argument that it does
not know is an error, never ignored.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attn_cli.errors import BadOption, BadShape, NotModelled
from attn_cli.graph import Layer, Weight
from attn_cli.operations import entry
from attn_cli.operations.base import Constant, Unknown
from attn_cli.symbolic.trace import SymbolicTensor

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from attn_cli.graph import Shape
    from attn_cli.operations.base import Operation, Role
    from attn_cli.symbolic.trace import Trace

# What blocks may use: those of the table's entries that are held to Keras, refusals included.
LAYERS = (
    *("Activation", "Add", "Average", "BatchNormalization", "Concatenate", "Conv1D", "Conv2D"),
    *("Cropping1D", "Cropping2D", "Dense", "DepthwiseConv2D", "GlobalAveragePooling2D"),
    *("GlobalMaxPooling2D", "LayerNormalization", "Maximum", "Multiply", "Permute", "Reshape"),
)
OPS = {
    "add": "Add",
    "divide": "Divide",
    "matmul": "Matmul",
    "max": "Max",
    "mean": "Mean",
    "multiply": "Multiply",
    "sqrt": "Sqrt",
    "square": "Square",
    "subtract": "Subtract",
    "sum": "Sum",
    "var": "Var",
}


class Members:
    """A namespace in a trace: just what is modelled, and what makes one of it."""

    def __init__(
        self,
        trace: Trace,
        path: str,
        names: Collection[str],
        member: Callable[[Trace, str], Callable[..., Any]],
    ) -> None:
        self._trace = trace
        self._path = path
        self._names = names
        self._member = member

    def __getattr__(self, name: str) -> Any:
        if name not in self._names:
            raise NotModelled(
                f"{self._path}.{name} is not modelled without TensorFlow; a block can use "
                f"{', '.join(sorted(self._names))}"
            )
        return self._member(self._trace, name)


class SymbolicLayer:
    """A layer that a block makes: built at its first call, and recorded at each."""

    __slots__ = ("built", "built_on", "does", "name", "trace")

    def __init__(self, trace: Trace, kind: type[Operation], args: Any, kwargs: Any) -> None:
        name = kwargs.pop("name", None)
        self.does = kind.of_arguments(_given(kind.__name__, kind.arguments, args, kwargs))
        self.does.keeps_batch = True
        if name is None:
            name = trace.unique_name(self.does.type)
        elif not isinstance(name, str) or "/" in name:
            raise BadOption(f"a layer's name is a text without '/', not {name!r}")
        self.trace = trace
        self.name = name
        self.built: Layer | None = None
        self.built_on: Shape = ()

    def __call__(self, inputs: Any) -> SymbolicTensor:
        does = self.does
        tensors = tuple(inputs) if does.many else (inputs,)
        shapes = [tensor.shape for tensor in tensors]
        shape = shapes[0] if shapes else ()
        made = _told(does, shapes)
        if self.built is None:
            weights = tuple([_weight(role, shape) for role in does.weights(*shapes)])
            self.built = Layer(self.name, does.type, does.config, weights)
            self.built_on = shape
        elif self.built.weights and (len(shape), shape[-1:]) != (
            len(self.built_on),
            self.built_on[-1:],
        ):
            # Of those, Keras refuses some, and others only in the run.
            raise NotModelled(f"{self.name} was first called on {self.built_on}, now on {shape}")
        return self.trace.record(self.built, does, tensors, made)


def _weight(role: Role, shape: Shape) -> Weight:
    """Return a weight of a layer that is built on this shape."""
    if role.dims is None or None in role.dims:
        raise BadShape(f"a layer with weights needs a known last dimension, not {shape}")
    return Weight(role.name, role.dims, "float32", role.trainable)  # type: ignore[arg-type] # no None


def layer(trace: Trace, name: str) -> Callable[..., SymbolicLayer]:
    """Return what makes a layer of this type, given the block's arguments."""
    kind = entry(name)
    assert kind is not None
    kind.ready()
    return lambda *args, **kwargs: SymbolicLayer(trace, kind, args, kwargs)


def op(trace: Trace, function: str) -> Callable[..., SymbolicTensor]:
    """Return what calls an op, given the block's arguments."""
    name = OPS[function]
    kind = entry(name, is_op=True)
    assert kind is not None
    kind.ready()
    names = (*kind.operands, *kind.arguments)

    def call(*args: Any, **kwargs: Any) -> SymbolicTensor:
        given = _given(name, names, args, kwargs)
        operands = [given.pop(each, None) for each in kind.operands]
        does = kind.of_arguments(given)
        tensors = tuple([each for each in operands if isinstance(each, SymbolicTensor)])
        if not tensors or not all(isinstance(each, OPERANDS) for each in operands):
            shown = ", ".join(map(repr, operands))
            raise BadOption(f"{name} takes tensors, or a tensor and a number, not {shown}")
        shapes = [each.shape if isinstance(each, SymbolicTensor) else NUMBER for each in operands]
        made = _told(does, shapes)
        called = Layer(trace.unique_name(name), does.type, does.config)
        return trace.record(called, does, operands, made)

    return call


# Keras has arguments in between that are not modelled; the first few are.
POSITIONAL = 3
OPERANDS = (SymbolicTensor, int, float)
NUMBER = Constant(())


def _told(does: Operation, shapes: Sequence[Shape]) -> Shape:
    try:
        (made,) = does.outputs(*shapes)
    except Unknown as unknown:
        raise NotModelled(str(unknown)) from None
    return tuple(made)


def _given(kind: str, names: Collection[str], args: Any, kwargs: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of a call by name, as Python binds them."""
    if len(args) > POSITIONAL:
        raise NotModelled(f"{kind}: name the arguments from the fourth on")
    given = dict(zip(names, args, strict=False))
    for name, value in kwargs.items():
        if name not in names:
            raise TypeError(f"{kind}() got an unexpected keyword argument {name!r}")
        if name in given:
            raise TypeError(f"{kind}() got multiple values for argument {name!r}")
        given[name] = value
    return given
