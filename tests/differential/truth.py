"""What is so: a live model's params, bytes, shapes, MACs and FLOPs, by Keras and TensorFlow alone.

MACs and FLOPs are read off the graph that TensorFlow makes of one sample, op by op, each with the
shapes that it has there. Of every op the FLOPs are what the profiler's own statistic says; where
docs/numbers.md parts from it on purpose (dilated and transposed convolutions, bookkeeping), so does
this, but by what the graph shows and not by what a layer's arguments say.
"""

from __future__ import annotations

import sys
import warnings
from collections import Counter
from contextlib import contextmanager
from functools import partial
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from attn_cli.tf import profile

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Shape = tuple[int | None, ...]

# What hides calculations of its own.
CALLS = frozenset(
    {"Case", "If", "Map", "PartitionedCall", "StatefulPartitionedCall", "StatelessCase"}
    | {
        "StatelessIf",
        "StatelessWhile",
        "While",
        "StatefulIf",
        "XlaCallModule",
        "EagerPyFunc",
        "PyFunc",
    }
)
PRODUCTS = frozenset(
    {"MatMul", "BatchMatMul", "BatchMatMulV2", "BatchMatMulV3", "Conv2D", "Conv3D", "Einsum"}
    | {"DepthwiseConv2dNative", "Conv2DBackpropInput", "Conv3DBackpropInputV2"}
    | {"DepthwiseConv2dNativeBackpropInput", "SparseTensorDenseMatMul", "SparseMatMul"}
)
# What takes of a tensor no more than its shape.
SHAPES_ONLY = frozenset({"Shape", "ShapeN", "Size", "Rank", "BroadcastGradientArgs"})
SOURCES = frozenset({"Placeholder", "ReadVariableOp", "VarHandleOp"})


class Truth(NamedTuple):
    """What a model has. None is what cannot be told: a calculation is hidden, or not counted."""

    total: int
    trainable: int | None
    bytes: int
    shapes: dict[str, Counter[tuple[Shape, ...]]]
    outputs: tuple[Shape, ...]
    static: bool  # all sizes but the batch are fixed
    macs: int | None
    flops: int | None
    silent: tuple[str, ...]  # the types of op that nobody counts
    books: int  # the FLOPs of what keeps the books of sizes, which may be counted


def params_of(model: Any) -> tuple[int, int, int]:
    """Return the numbers of a model, the trained ones of them, and their bytes."""
    trained = {id(variable) for variable in model.trainable_variables}
    weights = list({id(each): each for each in model.weights if hasattr(each, "shape")}.values())
    sizes = [prod(variable.shape) for variable in weights]
    trainable = sum(s for s, v in zip(sizes, weights, strict=True) if id(v) in trained)
    size = sum(s * item_size(v.dtype) for s, v in zip(sizes, weights, strict=True))
    return sum(sizes), trainable, size


def item_size(dtype: Any) -> int:
    """Return the bytes of one number of a dtype, a name or TensorFlow's."""
    import tensorflow as tf

    size: int = tf.as_dtype(dtype).size
    return size


class Counted(NamedTuple):
    """What a graph costs, None where it hides something."""

    macs: int | None
    flops: int | None
    silent: tuple[str, ...]
    books: int = 0  # the FLOPs of what keeps the books of sizes, which may be counted
    made: tuple[Any, ...] = ()  # the shapes that come out


def count(model: Any, sizes: Iterable[Shape]) -> Counted:
    """Return what one sample costs, with inputs of these sizes."""
    import tensorflow as tf
    from tensorflow.python.framework.func_graph import FuncGraph

    profile._register_statistics()
    graph = FuncGraph("model")
    eager = tf.config.functions_run_eagerly()
    # A function within the model would be a call of something unseen; so it stands in line.
    tf.config.run_functions_eagerly(True)
    try:
        with graph.as_default(), unrolled(model), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tensors = [
                tf.compat.v1.placeholder(given.dtype, (1, *size[1:]))
                for given, size in zip(model.inputs, sizes, strict=True)
            ]
            outputs = tf.nest.flatten(
                model(tensors if len(tensors) > 1 else tensors[0], training=False)
            )
    finally:
        tf.config.run_functions_eagerly(eager)
    return counted(graph, outputs)


UNROLLED = {"unroll": True, "use_cudnn": False, "_could_use_gpu_kernel": False}


@contextmanager
def unrolled(model: Any) -> Iterator[None]:
    """Let recurrent layers spell out each step, in plain ops; a loop is of no known length."""
    with pytest.MonkeyPatch.context() as patch:
        for layer in parts(model):
            if hasattr(layer, "unroll") and hasattr(layer, "cell"):
                for name, value in UNROLLED.items():
                    patch.setattr(layer, name, value, raising=False)
        if "tf_keras" in sys.modules:
            # There, those that convolve do not ask their own flag.
            from tf_keras.src import backend

            patch.setattr(backend, "rnn", partial(backend.rnn, unroll=True))
        yield


def parts(layer: Any) -> Iterator[Any]:
    """Yield a layer and all within it."""
    flatten = getattr(layer, "_flatten_layers", None)
    yield from flatten() if flatten else [layer]


def counted(graph: Any, outputs: list[Any]) -> Counted:
    """Count the ops that a model's outputs need, but those that keep the books of sizes."""
    needed = needed_by(outputs)
    fed: set[Any] = set()
    macs = flops = books = 0
    silent: dict[str, None] = {}
    hidden = False
    for op in graph.get_operations():  # each behind those that it needs
        if op.type in SOURCES or (
            op.type not in SHAPES_ONLY and any(tensor.op in fed for tensor in op.inputs)
        ):
            fed.add(op)
        if op not in needed:
            continue
        if op not in fed and is_bookkeeping(op):
            books += statistic(graph, op)
            continue
        if op.type in CALLS:
            hidden = hidden or not PRODUCTS.isdisjoint(types_within(graph, op))
            silent[op.type] = None
            continue
        sized = all(tensor.shape.is_fully_defined() for tensor in (*op.inputs, *op.outputs))
        if op.type in PRODUCTS and not sized:
            hidden = True
            silent[op.type] = None
            continue
        products = macs_of(op)
        if products is not None:
            macs += products
            flops += 2 * products
        elif op.type in profile.FREE or op.type in SOURCES:
            pass
        elif op.type in profile.COUNTED or op.type in profile.REGISTERED:
            if sized:
                flops += statistic(graph, op)
            else:
                silent[op.type] = None
        else:
            silent[op.type] = None
    made = tuple(tensor.shape for tensor in outputs)
    return Counted(
        macs=None if hidden else macs,
        flops=None if silent else flops,
        silent=tuple(silent),
        books=books,
        made=made,
    )


def types_within(graph: Any, op: Any) -> set[str]:
    """Return the types of the ops in the functions that an op calls, and in those that these do."""
    library = {each.signature.name: each for each in graph.as_graph_def().library.function}
    todo, found, seen = [op.node_def], set(), set()
    while todo:
        node = todo.pop()
        found.add(node.op)
        for value in node.attr.values():
            for name in [value.func.name, *(each.name for each in value.list.func)]:
                if name and name not in seen:
                    seen.add(name)
                    todo += library[name].node_def if name in library else []
                    if name not in library:
                        found.update(PRODUCTS)  # whatever it is
    return found


def is_bookkeeping(op: Any) -> bool:
    """Tell whether an op works on whole numbers: sizes, axes, places."""
    return all(tensor.dtype.is_integer or tensor.dtype.is_bool for tensor in op.outputs)


def needed_by(outputs: Iterable[Any]) -> set[Any]:
    """Return the ops that outputs need, but those that only say where to look something up."""
    needed: set[Any] = set()
    places: set[Any] = set()
    todo = [(tensor.op, False) for tensor in outputs if hasattr(tensor, "op")]
    while todo:
        op, is_place = todo.pop()
        is_place = is_place and is_bookkeeping(op)
        seen = places if is_place else needed
        if op in seen:
            continue
        seen.add(op)
        looks_up = op.type in ("GatherV2", "ResourceGather")
        for index, tensor in enumerate(op.inputs):
            todo.append((tensor.op, is_place or (looks_up and index > 0)))
    return needed


def statistic(graph: Any, op: Any) -> int:
    """Return what the profiler is told of an op."""
    from tensorflow.python.framework import ops

    if op.type in ("AvgPool", "MaxPool") and op.get_attr("data_format") == b"NCHW":
        # The profiler knows pools with the channels last alone; the same here, wherever they are.
        return prod(op.get_attr("ksize")) * prod(op.outputs[0].shape)
    try:
        return int(ops.get_stats_for_node_def(graph, op.node_def, "flops").value or 0)
    except ValueError:  # a size is not known
        return 0


def macs_of(op: Any) -> int | None:
    """Return the multiply-accumulates of an op; None where it is no product."""
    taken = [tuple(tensor.shape) for tensor in op.inputs]
    made = [tuple(tensor.shape) for tensor in op.outputs]
    match op.type:
        case "MatMul" | "SparseMatMul":
            return prod(made[0]) * taken[0][0 if op.get_attr("transpose_a") else 1]
        case "BatchMatMul" | "BatchMatMulV2" | "BatchMatMulV3":
            return prod(made[0]) * taken[0][-2 if op.get_attr("adj_x") else -1]
        case "Conv2D" | "Conv3D" | "DepthwiseConv2dNative":
            return prod(taken[1]) * places(op, placed(op))
        case "Conv2DBackpropInput" | "Conv3DBackpropInputV2" | "DepthwiseConv2dNativeBackpropInput":
            return prod(taken[1]) * places(op, unpadded(op.inputs[2]))
        case "Einsum":
            return einsum_macs(op.get_attr("equation").decode(), taken)
    return None


def placed(op: Any) -> Shape:
    """Return the shape of what a convolution makes, without what dilation computes beside that.

    A dilated one is done on a batch of parts; these are put together, and then strided. One over a
    single dimension is done as one over two.
    """
    [tensor] = op.outputs
    for step in ("Squeeze", "BatchToSpaceND", "StridedSlice"):
        follows = [consumer for consumer in tensor.consumers() if consumer.type == step]
        if follows and (step != "StridedSlice" or tensor.op.type == "BatchToSpaceND"):
            tensor = follows[0].outputs[0]
        elif step == "BatchToSpaceND":
            return tuple(op.outputs[0].shape)
    return tuple(tensor.shape)


def unpadded(tensor: Any) -> Shape:
    """Return the shape of what a transposed convolution is given, before dilation pads it."""
    if tensor.op.type == "SpaceToBatchND":
        tensor = tensor.op.inputs[0]
    return tuple(tensor.shape)


def places(op: Any, shape: Shape) -> int:
    """Return the places of a map, the batch among them."""
    first = op.get_attr("data_format").startswith(b"NC")
    return prod(shape[:1] + shape[2:]) if first else prod(shape[:-1])  # type: ignore[arg-type]


def einsum_macs(equation: str, shapes: list[Shape]) -> int | None:
    """Return the multiply-accumulates of a contraction of two.

    An index of one operand alone that does not come out is summed before. Where nothing is summed
    over both, this is no matrix product.
    """
    left, _, right = equation.partition("->")
    terms = left.split(",")
    if len(terms) != 2:
        return None
    sizes: dict[str, int] = {}
    letters = []
    for term, shape in zip(terms, shapes, strict=True):
        named = term.replace(
            "...", "".join(chr(0x391 + i) for i in range(len(shape) - len(term.replace("...", ""))))
        )
        letters.append(named)
        for letter, size in zip(named, shape, strict=True):
            sizes[letter] = max(sizes.get(letter, 1), size or 0)
    comes_out = set(right.replace("...", "")) | {each for each in sizes if ord(each) >= 0x391}
    both = set(letters[0]) & set(letters[1])
    if not both - comes_out:
        return None
    return prod(size for letter, size in sizes.items() if letter in comes_out | both)


def shape_of(tensor: Any) -> Shape:
    """Return a tensor's shape, and that of an unknown rank where its rank is."""
    rank = getattr(tensor.shape, "rank", 0)
    return () if rank is None else tuple(tensor.shape)


def noted(model: Any) -> dict[str, Counter[tuple[Shape, ...]]]:
    """Return the shapes that Keras noted for what each layer and op of a model makes, by name.

    Of a Sequential it notes none, and of a model in another those of its own inputs.
    """
    found: dict[str, Counter[tuple[Shape, ...]]] = {}
    if hasattr(model, "pop"):
        return found
    inner = getattr(model, "_functional", None) or model
    for nodes in inner._nodes_by_depth.values():
        for node in nodes:
            operation = getattr(node, "operation", None) or node.layer
            outputs = node.output_tensors if hasattr(node, "output_tensors") else node.outputs
            if not isinstance(outputs, (list, tuple)):
                outputs = [outputs]
            shapes = tuple(shape_of(tensor) for tensor in outputs)
            found.setdefault(operation.name, Counter())[shapes] += 1
    return found
