"""What becomes of values that are mixed: by layers with weights, by products that are summed."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from attn_cli.analysis.calls import (
    each_of_space,
    filters_of,
    integers,
    is_channels_first,
    option,
    subscripts_of,
)
from attn_cli.analysis.flow.elements import product
from attn_cli.analysis.flow.pooling import reduced
from attn_cli.analysis.flow.values import Unclear, Value, paths_of
from attn_cli.analysis.layout import Atom, labels_of, met, resized, shifted, size_of
from attn_cli.graph import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from attn_cli.analysis.flow.values import Flow
    from attn_cli.analysis.layout import Axis
    from attn_cli.graph import Layer, Node


class Kernel(NamedTuple):
    """What a kernel spans: what the channels, the other axes, and those it is wide along run over.

    `wide` is along how many axes it is wider than 1, `is_close` whether it leaves out none of them.
    """

    mixes: frozenset[str]
    along: frozenset[str]
    around: frozenset[str]
    wide: int
    is_close: bool


def mixed(flow: Flow, call: Node, given: Sequence[Value]) -> Value:
    """Mix by a convolution or a dense layer."""
    value, layer = given[0], call.layer
    layout, rank, is_dense = value.layout, len(value.layout), layer.type == "Dense"
    channels = 1 if is_channels_first(call) and not is_dense else rank - 1
    space = [each for each in range(1, rank) if each != channels]
    sides = each_of_space(1 if is_dense else option(call, "kernel_size"), len(space))
    wide = [each for each, side in zip(space, sides, strict=True) if side != 1]
    steps = each_of_space(1 if is_dense else option(call, "strides") or 1, len(space))
    gaps = each_of_space(1 if is_dense else option(call, "dilation_rate") or 1, len(space))
    kernel = Kernel(
        mixes=labels_of(layout[channels]) or _squeezed_to_one(value),
        along=labels_of(*[layout[each] for each in space]),
        around=labels_of(*[layout[each] for each in wide]),
        wide=len(wide),
        # Of neighbours alone, and of each: nothing is left out.
        is_close=all(n in (None, 1) for n in (*gaps, *steps)),
    )
    filters = size_of(layout[channels]) if _is_depthwise(layer) else filters_of(layer)
    how = _how(layer, kernel)
    told = (kernel.along | kernel.mixes) & (flow.space | {"k"})
    if flow.channels == 1 and how != "each" and not told:
        # Of a single channel nothing tells but the layer.
        how = "along" if layer.type == "Conv1D" else "dense"
    after = call.output_shapes[0]
    left = list(layout)
    firsts = [_first(call, *each) for each in zip(sides, steps, gaps, strict=True)]
    for each, first in zip(space, firsts, strict=True):
        if each not in wide:
            continue
        known = after[each] if after != UNKNOWN and len(after) == rank else None
        if known is None and str(option(call, "padding")).lower() == "same":
            strides = integers(option(call, "strides") or 1)
            known = size_of(layout[each]) if set(strides) == {1} else None
        summed = how == "each" and labels_of(layout[each]) == {"k"}
        left[each] = () if summed else shifted(resized(layout[each], known), first)
    if how != "each" or not kernel.mixes <= {"c", "m"}:
        left[channels] = () if filters == 1 else (Atom("m", filters),)
    if layer.function == "softmax" and (filters, channels) == (1, rank - 1):
        return value.laid(left).constant()  # of one, all of it
    return value.laid(left).mixed(how, id(layer), filters)


def _first(call: Node, side: int | None, step: int | None, gap: int | None) -> int | None:
    """Return around which place of an axis a kernel stands first; None where nothing tells.

    Where it leaves out places, what comes out is coarser, but starts where it did.
    """
    padding = str(option(call, "padding") or "valid").lower()
    if None in (side, step, gap) or padding not in ("causal", "same", "valid"):
        return None
    middle = ((side or 1) - 1) // 2 * (gap or 1)
    if step != 1 or padding == "same" or "Transpose" in call.layer.type:
        return 0
    return middle if padding == "valid" else -middle


def _squeezed_to_one(value: Value) -> frozenset[str]:
    """Return what a single channel runs over: one that a layer made is a channel still."""
    made = [step for path in value.paths for step in path.steps if step.filters is not None]
    is_one = made and made[-1].filters == 1 and made[-1].how in ("conv", "dense")
    return frozenset("m" if is_one else "")


def _is_depthwise(layer: Layer) -> bool:
    return layer.type.startswith("Depthwise")


def _how(layer: Layer, kernel: Kernel) -> str:
    """Return how a layer mixes: as a dense layer, a map of its own for each channel, …."""
    mixes, along, around, wide, is_close = kernel
    filters, groups = filters_of(layer), layer.config.get("groups", 1)
    depthwise = _is_depthwise(layer)
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
            return "along" if wide <= 1 and is_close else "conv"
        return "map" if along else "scale"
    return "conv"


def by_equation(flow: Flow, call: Node, given: Sequence[Value]) -> Value:
    """Mix by an EinsumDense, as the letters of its equation say."""
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
    return value.laid(axes[name] for name in output).mixed(how, id(call.layer), filters)


def contracted(flow: Flow, call: Node, given: Sequence[Value]) -> Value:
    """Multiply, and sum over what does not come out."""
    letters = subscripts_of(call, [len(value.layout) for value in given])
    if letters is None or len(given) > 2:
        raise Unclear
    left, _, output = letters.partition("->")
    names = left.split(",")
    axes: dict[str, list[Axis]] = {}
    for each, value in zip(names, given, strict=True):
        for name, axis in zip(each, value.layout, strict=True):
            axes.setdefault(name, []).append(axis)
    if not set(output) <= axes.keys():
        raise Unclear
    order = [*output, *[name for name in axes if name not in output]]
    value = given[0].laid(met(axes[name]) for name in order)
    if len(given) == 2:
        is_square = len({*names}) == len({*call.inputs}) == 1
        path = product(given, is_square)
        if path is not None:
            value = value.on(path)
        elif not is_square:
            value = value.on(*paths_of(given))
            summed = labels_of(*value.layout[len(output) :])
            if summed and not summed <= {"k"}:
                value = value.mixed("conv")
    value = reduced(flow, value, range(len(output), len(order)), "sum", False)
    # Keras' Dot of two vectors is a vector of one.
    is_vector = call.layer.type == "Dot" and len(output) == 1
    return value.laid((*value.layout, ())) if is_vector else value


def normalised(flow: Flow, call: Node, given: Sequence[Value]) -> Value:
    """Normalise: only a layer norm makes each channel a function of all."""
    if call.layer.type == "LayerNormalization" or option(call, "groups") == 1:
        return given[0].mixed("layernorm", id(call.layer))
    return given[0].blurred()
