"""What TensorFlow's own profiler counts in a model: the oracle of `attn_cli.cost`.

The profiler has two silences. Of an op type that it has no statistic for, and of an op whose sizes
are dynamic, it says 0. So the common types are registered, the sizes are made known, and whatever
is left is named.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager, suppress
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from attn_cli.errors import BadShape
from attn_cli.tf.load import load_keras
from attn_cli.tf.loaded import compiled
from attn_cli.tf.walk import structured

if TYPE_CHECKING:
    from collections.abc import Iterator

    from attn_cli.graph import Shape

# Types of ops without a statistic of TensorFlow's, registered here at one per input element.
REGISTERED = frozenset({"Max", "Relu", "Relu6", "Sigmoid", "Sqrt", "Tanh"})

# Types of ops with a statistic of TensorFlow's own (`flops_registry.py`), gradients left out.
COUNTED = frozenset({
    "Add", "AddN", "AddV2", "ArgMax", "ArgMin", "AvgPool", "BatchMatMul", "BatchMatMulV2",
    "BatchMatMulV3", "BiasAdd", "Conv2D", "Conv2DBackpropInput", "Conv3D", "DepthwiseConv2dNative",
    "Dilation2D", "Equal", "Greater", "GreaterEqual", "L2Loss", "Less", "LessEqual", "Log",
    "MatMul", "MaxPool", "Maximum", "Mean", "Minimum", "Mul", "Neg", "NotEqual", "Pow", "RealDiv",
    "Reciprocal", "Rsqrt", "Softmax", "Square", "SquaredDifference", "Sub", "Sum",
})  # fmt: skip

# Types of ops that read, move or describe values, and calculate nothing.
FREE = frozenset({
    "BatchToSpaceND", "BroadcastTo", "Cast", "ConcatV2", "Const", "DepthToSpace",
    "ExpandDims", "GatherV2",
    "Identity", "IdentityN", "MirrorPad", "NoOp", "Pack", "Pad", "PadV2", "Placeholder", "Range",
    "ReadVariableOp", "Reshape", "ResizeNearestNeighbor", "ResourceGather", "ReverseV2", "Roll",
    "Shape", "Slice", "SpaceToBatchND", "SpaceToDepth", "Split", "SplitV", "Squeeze",
    "StopGradient", "StridedSlice", "Tile", "Transpose", "Unpack",
})  # fmt: skip


class Profile(NamedTuple):
    """What the profiler counted for one sample.

    `by_op` is what it counted for each type of TensorFlow op; `uncounted` are the types that it
    took for 0 although they calculate something.
    """

    flops: int
    by_op: dict[str, int]
    uncounted: tuple[str, ...]

    def __sub__(self, other: Profile) -> Profile:
        """Return what was counted beyond another model; of the types left out, those it lacks."""
        by_op = {type: count - other.by_op.get(type, 0) for type, count in self.by_op.items()}
        gone = {type: -count for type, count in other.by_op.items() if type not in self.by_op}
        uncounted = tuple([type for type in self.uncounted if type not in other.uncounted])
        return Profile(self.flops - other.flops, {**by_op, **gone}, uncounted)


def profiled_flops(model: Any, *shapes: Shape) -> Profile:
    """Return what `tf.compat.v1.profiler` counts when a model infers one sample (H, W, C).

    There is a shape for each input, known throughout, also where the model's own H and W are
    dynamic. Raises BadShape where one is not.
    """
    for shape in shapes:
        if None in shape:
            raise BadShape(f"TensorFlow's profiler needs every size, and {shape} leaves some open")
    load_keras()
    import tensorflow as tf

    _register_statistics()
    samples = [
        tf.TensorSpec((1, *shape), tensor.dtype)
        for shape, tensor in zip(shapes, model.inputs, strict=True)
    ]
    with _quiet_logger():
        graph = compiled(model, structured(model, samples)).graph
        options = {**tf.compat.v1.profiler.ProfileOptionBuilder.float_operation(), "output": "none"}
        root = tf.compat.v1.profiler.profile(graph, cmd="op", options=options)
    by_op = {}
    # A chain: each type of op is the child of the one before it.
    node = root
    while node.children:
        node = node.children[0]
        by_op[node.name] = node.float_ops
    uncounted = {op.type: None for op in graph.get_operations() if not _is_counted(op)}
    return Profile(root.total_float_ops, by_op, tuple(uncounted))


def _is_counted(op: Any) -> bool:
    if op.type in FREE:
        return True
    sized = all(tensor.shape.is_fully_defined() for tensor in (*op.inputs, *op.outputs))
    return sized and (op.type in COUNTED or op.type in REGISTERED)


@cache
def _register_statistics() -> None:
    from tensorflow.python.framework import ops

    def one_per_input(graph: Any, node: Any) -> Any:
        name, _, output = node.input[0].partition(":")
        shape = graph.get_operation_by_name(name).outputs[int(output or 0)].shape
        return ops.OpStats("flops", shape.num_elements())

    for type in sorted(REGISTERED):
        # A statistic that another part of the program has registered stays.
        with suppress(KeyError):
            ops.RegisterStatistics(type, "flops")(one_per_input)


@contextmanager
def _quiet_logger() -> Iterator[None]:
    """Keep the deprecation notice of the profiler's own helper functions to ourselves."""
    logger = logging.getLogger("tensorflow")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
