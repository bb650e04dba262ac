"""TensorFlow's functions as Keras 2 writes them in models, each read as Keras 3's op.

One visible dict, function → Function. A call names its arguments, all but the first; what is not
named in the dict is not understood.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from attn_cli.errors import BadShape
from attn_cli.operations import entry
from attn_cli.operations.arguments import flag, free, is_integer
from attn_cli.operations.arrays import Split
from attn_cli.operations.base import REQUIRED, Argument, Operation, Size, Unknown
from attn_cli.operations.call import Tensor, stacked
from attn_cli.operations.products import Matmul

if TYPE_CHECKING:
    from collections.abc import Mapping

    from attn_cli.graph import Shape


class Function(NamedTuple):
    """What a function is: an op, or an entry of this module; its operands; its other arguments.

    `operands` are TensorFlow's names. `arguments` are pairs of TensorFlow's name and the entry's,
    `defaults` what TensorFlow takes where the entry takes something else.
    """

    entry: str | type[Operation]
    operands: tuple[str, ...]
    arguments: Mapping[str, str] = {}
    defaults: Mapping[str, Any] = {}


class LinalgMatmul(Matmul):
    """`tf.matmul`, which may turn its operands round."""

    transpose_a: bool = flag(False)
    transpose_b: bool = flag(False)
    adjoint_a: bool = flag(False)
    adjoint_b: bool = flag(False)
    a_is_sparse: bool = free(False)
    b_is_sparse: bool = free(False)
    output_type: Any = free(None)

    @property
    def type(self) -> str:
        return "Matmul"

    def sides(self, left: Shape, right: Shape) -> tuple[Shape, Shape]:
        if len(left) < 2 or len(right) < 2:
            raise BadShape("tf.matmul takes matrices")
        if self.transpose_a or self.adjoint_a:
            left = (*left[:-2], left[-1], left[-2])
        if self.transpose_b or self.adjoint_b:
            right = (*right[:-2], right[-1], right[-2])
        return left, right


def _parts(name: str, value: Any, entry: Any) -> Any:
    if is_integer(value) and 0 < value <= 4096:
        return value
    if (
        isinstance(value, (list, tuple))
        and len(value) <= 4096
        and all(is_integer(each) and each >= -1 for each in value)
    ):
        return tuple(value)
    raise Unknown(f"Split: its {name} is not told")


class SplitSizes(Split):
    """`tf.split`, which names the sizes of the parts; one may be -1, which is what is left."""

    indices_or_sections: Any = Argument(_parts, REQUIRED)
    num: int | None = free(None)

    @property
    def type(self) -> str:
        return "Split"

    def sizes(self, whole: int | None) -> list[int | None]:
        parts = self.indices_or_sections
        if isinstance(parts, int):
            return super().sizes(whole)
        told: list[int | None] = list(parts)
        if -1 not in parts:
            if whole is not None and sum(parts) != whole:
                raise BadShape(f"{whole} cannot be split into {parts}")
            return told
        rest = None if whole is None else whole - sum(parts) - 1
        if parts.count(-1) > 1 or (rest is not None and rest < 0):
            raise BadShape(f"{whole} cannot be split into {parts}")
        return [rest if size == -1 else size for size in told]


AXIS = {"axis": "axis"}
REDUCE = {"axis": "axis", "keepdims": "keepdims"}
SQUEEZE = {"axis": "axis", "squeeze_dims": ""}


def _pair(entry: str) -> Function:
    return Function(entry, ("x", "y"))


def _one(entry: str, operand: str = "x", **arguments: str) -> Function:
    return Function(entry, (operand,), arguments)


# An argument whose name here is empty changes nothing when it is None or False.
FUNCTIONS: dict[str, Function] = {
    "__operators__.add": _pair("Add"),
    "__operators__.getitem": _one("GetItem", slice_spec="key"),
    "__operators__.truediv": _pair("TrueDivide"),
    "add_n": Function("AddN", ("inputs",)),
    "broadcast_to": _one("BroadcastTo", "input", shape="shape"),
    "cast": _one("Cast", dtype="dtype"),
    "clip_by_value": _one("Clip", "t", clip_value_min="x_min", clip_value_max="x_max"),
    "compat.v1.math.scalar_mul": Function("Multiply", ("scalar", "x")),
    "compat.v1.nn.softmax": Function("Softmax", ("logits",), AXIS),
    "compat.v1.norm": Function("Norm", ("tensor",), {"ord": "ord", **REDUCE}),
    "compat.v1.pad": _one("Pad", "tensor", paddings="pad_width", mode="mode", constant_values="*"),
    "compat.v1.shape": _one("Shape", "input", out_type="*"),
    "compat.v1.squeeze": Function("Squeeze", ("input",), SQUEEZE),
    "compat.v1.transpose": _one("Transpose", "a", perm="axes", conjugate=""),
    "concat": Function("Concatenate", ("values",), AXIS),
    "expand_dims": Function("ExpandDims", ("input",), AXIS),
    "identity": _one("Identity", "input"),
    "image.resize": Function(
        "Resize",
        ("images",),
        {
            "size": "size",
            "method": "interpolation",
            "preserve_aspect_ratio": "",
            "antialias": "antialias",
        },
    ),
    "linalg.matmul": Function(
        LinalgMatmul,
        ("a", "b"),
        {
            name: name
            for name in (
                *("adjoint_a", "adjoint_b", "a_is_sparse", "b_is_sparse", "output_type"),
                *("transpose_a", "transpose_b"),
            )
        },
    ),
    "math.abs": _one("Absolute"),
    "math.add": _pair("Add"),
    "math.add_n": Function("AddN", ("inputs",)),
    "math.divide": _pair("TrueDivide"),
    "math.divide_no_nan": _pair("DivideNoNan"),
    "math.erf": _one("Erf"),
    "math.exp": _one("Exp"),
    "math.l2_normalize": _one("Normalize", axis="axis", epsilon="epsilon"),
    "math.log": _one("Log"),
    "math.maximum": _pair("Maximum"),
    "math.minimum": _pair("Minimum"),
    "math.multiply": _pair("Multiply"),
    "math.negative": _one("Negative"),
    "math.pow": _pair("Power"),
    "math.reciprocal": _one("Reciprocal"),
    "math.reduce_euclidean_norm": Function("Norm", ("input_tensor",), REDUCE),
    "math.reduce_max": Function("Max", ("input_tensor",), REDUCE),
    "math.reduce_mean": Function("Mean", ("input_tensor",), REDUCE),
    "math.reduce_min": Function("Min", ("input_tensor",), REDUCE),
    "math.reduce_prod": Function("Prod", ("input_tensor",), REDUCE),
    "math.reduce_std": Function("Std", ("input_tensor",), REDUCE),
    "math.reduce_sum": Function("Sum", ("input_tensor",), REDUCE),
    "math.reduce_variance": Function("Var", ("input_tensor",), REDUCE),
    "math.rsqrt": _one("Rsqrt"),
    "math.scalar_mul": Function("Multiply", ("scalar", "x")),
    "math.sigmoid": _one("Sigmoid"),
    "math.softplus": _one("Softplus", "features"),
    "math.sqrt": _one("Sqrt"),
    "math.square": _one("Square"),
    "math.squared_difference": _pair("SquaredDifference"),
    "math.subtract": _pair("Subtract"),
    "math.tanh": _one("Tanh"),
    "math.truediv": _pair("TrueDivide"),
    "nn.elu": _one("Elu", "features"),
    "nn.gelu": Function(
        "Gelu", ("features",), {"approximate": "approximate"}, {"approximate": False}
    ),
    "nn.leaky_relu": _one("LeakyRelu", "features", alpha="negative_slope"),
    "nn.relu": _one("Relu", "features"),
    "nn.relu6": _one("Relu6", "features"),
    "nn.selu": _one("Selu", "features"),
    "nn.sigmoid": _one("Sigmoid"),
    "nn.silu": _one("Silu", "features", beta="*"),
    "nn.softmax": Function("Softmax", ("logits",), AXIS),
    "nn.softplus": _one("Softplus", "features"),
    "nn.swish": _one("Silu", "features", beta="*"),
    "nn.tanh": _one("Tanh"),
    "norm": Function("Norm", ("tensor",), {"ord": "ord", **REDUCE}),
    "ones_like": _one("OnesLike", "input", dtype="*"),
    "pad": _one("Pad", "tensor", paddings="pad_width", mode="mode", constant_values="*"),
    "repeat": _one("Repeat", "input", repeats="repeats", axis="axis"),
    "reshape": _one("Reshape", "tensor", shape="newshape"),
    "reverse": _one("Flip", "tensor", axis="axis"),
    "roll": _one("Roll", "input", shift="shift", axis="axis"),
    "shape": _one("Shape", "input", out_type="*"),
    "split": Function(
        SplitSizes, ("value",), {"num_or_size_splits": "indices_or_sections", **AXIS, "num": "num"}
    ),
    "squeeze": Function("Squeeze", ("input",), SQUEEZE),
    "stack": Function("Stack", ("values",), AXIS),
    "stop_gradient": _one("StopGradient", "input"),
    "tile": _one("Tile", "input", multiples="repeats"),
    "transpose": _one("Transpose", "a", perm="axes", conjugate=""),
    "unstack": _one("Unstack", "value", num="num", axis="axis"),
    "zeros_like": _one("ZerosLike", "input", dtype="*"),
}


def type_of_function(function: str) -> str:
    """Return the type of a call of a function: that of Keras 3's op, where it is one."""
    known = FUNCTIONS.get(function)
    if known is None:
        return f"tf.{function}"
    return known.entry if isinstance(known.entry, str) else known.entry().type


def bind_function(
    function: str, first: Any, named: Mapping[str, Any]
) -> tuple[Operation, list[Any]]:
    """Return the op that a call of a function is, and its operands.

    Raises Unknown where an argument is not understood.
    """
    known = FUNCTIONS.get(function)
    if known is None:
        raise Unknown(f"what tf.{function} does is not known")
    operands = [first]
    for name in known.operands[1:]:
        if name not in named:
            raise Unknown(f"tf.{function}: its {name} is not told")
        operands.append(named[name])
    config: dict[str, Any] = dict(known.defaults)
    for name, value in named.items():
        target = known.arguments.get(name)
        if name == "name" or name in known.operands or target == "*":
            continue
        if target:
            config[target] = _numbers_in(value)
        elif target is None or value not in (None, False):
            raise Unknown(f"tf.{function} with {name} is not understood")
    kind = known.entry
    found = entry(kind, is_op=True) if isinstance(kind, str) else kind
    if found is None:
        raise Unknown(f"what tf.{function} does is not known")
    operation = found.of_config(config, is_op=True)
    if isinstance(first, list) and first and isinstance(first[0], Tensor) and not operation.many:
        operands[0] = stacked(operation, first)
    return operation, operands


def _numbers_in(value: Any) -> Any:
    """Return sizes that are calculated in the model as the numbers that they are known to be.

    Raises Unknown where what is calculated is no size.
    """
    if isinstance(value, Tensor):
        if value.numbers is None:
            raise Unknown("an argument is calculated in the model")
        return value.numbers.value if isinstance(value.numbers, Size) else value.numbers
    return [_numbers_in(each) for each in value] if isinstance(value, (list, tuple)) else value
