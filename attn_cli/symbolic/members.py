"""`keras.layers` and `keras.ops` in a trace: entries of the table, bound to what a block says.

An entry refuses what it does not understand, and so does the stand-in: an argument that it does
not know is an error, never ignored.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from attn_cli.errors import BadOption, BadShape, NotModelled
from attn_cli.graph import Weight
from attn_cli.operations import entry
from attn_cli.operations.base import Constant, Unknown
from attn_cli.symbolic.trace import Called, SymbolicTensor

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


class Layer:
    """A layer that a block makes: built at its first call, and recorded at each."""

    __slots__ = ("built_on", "called", "does", "trace")

    def __init__(self, trace: Trace, kind: type[Operation], args: Any, kwargs: Any) -> None:
        given = _given(kind.__name__, kind.arguments, args, kwargs)
        name = given.pop("name", None)
        self.does = kind.of_arguments(given)
        self.does.keeps_batch = True
        if name is None:
            name = trace.unique_name(self.does.type)
        elif not isinstance(name, str) or "/" in name:
            raise BadOption(f"a layer's name is a text without '/', not {name!r}")
        self.trace = trace
        self.called = Called(self.does, name)
        self.built_on: Shape | None = None

    def __call__(self, inputs: Any) -> SymbolicTensor:
        tensors = tuple(inputs) if self.does.many else (inputs,)
        shapes = [tensor.shape for tensor in tensors]
        shape = shapes[0] if shapes else ()
        made = _told(self.does, shapes)
        if self.built_on is None:
            self.called.weights = tuple(
                [_weight(role, shape) for role in self.does.weights(*shapes)]
            )
            self.built_on = shape
        elif self.called.weights and (len(shape), shape[-1:]) != (
            len(self.built_on),
            self.built_on[-1:],
        ):
            # Of those, Keras refuses some, and others only in the run.
            raise NotModelled(
                f"{self.called.name} was first called on {self.built_on}, now on {shape}"
            )
        return self.trace.record(self.called, tensors, made)


def _weight(role: Role, shape: Shape) -> Weight:
    """Return a weight of a layer that is built on this shape."""
    if role.dims is None or None in role.dims:
        raise BadShape(f"a layer with weights needs a known last dimension, not {shape}")
    return Weight(role.name, role.dims, "float32", role.trainable)  # type: ignore[arg-type] # no None


@cache
def layer(name: str) -> Callable[..., Layer]:
    """Return what makes a layer of this type, given the trace and the block's arguments."""
    kind = entry(name)
    assert kind is not None
    return lambda trace, *args, **kwargs: Layer(trace, kind, args, kwargs)


@cache
def op(function: str) -> Callable[..., SymbolicTensor]:
    """Return what calls an op, given the trace and the block's arguments."""
    name = OPS[function]
    kind = entry(name, is_op=True)
    assert kind is not None
    names = (*kind.operands, *kind.arguments)

    def call(trace: Trace, *args: Any, **kwargs: Any) -> SymbolicTensor:
        given = _given(name, names, args, kwargs, named=False)
        operands = [given.pop(each, None) for each in kind.operands]
        does = kind.of_arguments(given)
        tensors = tuple([each for each in operands if isinstance(each, SymbolicTensor)])
        if not tensors or not all(isinstance(each, OPERANDS) for each in operands):
            shown = ", ".join(map(repr, operands))
            raise BadOption(f"{name} takes tensors, or a tensor and a number, not {shown}")
        if len(operands) == 1 and len(tensors) < 1:
            raise BadOption(f"{name} takes a tensor, not {operands[0]!r}")
        shapes = [each.shape if isinstance(each, SymbolicTensor) else NUMBER for each in operands]
        made = _told(does, shapes)
        return trace.record(Called(does, trace.unique_name(name)), tensors, made, tuple(operands))

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


def _given(
    kind: str, names: Collection[str], args: Any, kwargs: dict[str, Any], *, named: bool = True
) -> dict[str, Any]:
    """Return the arguments of a call by name, as Python binds them."""
    if len(args) > POSITIONAL:
        raise NotModelled(f"{kind}: name the arguments from the fourth on")
    given = dict(zip(names, args, strict=False))
    for name, value in kwargs.items():
        if name not in names and not (named and name == "name"):
            raise TypeError(f"{kind}() got an unexpected keyword argument {name!r}")
        if name in given:
            raise TypeError(f"{kind}() got multiple values for argument {name!r}")
        given[name] = value
    return given
