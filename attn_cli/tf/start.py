"""How blocks begin in a trained network: without moving its outputs by one bit, where they can.

With the last weights of its gates at 0, a block multiplies what it takes by exactly 0.5 for each
gate in a row. The layer before it makes up for that: twice its weights are twice its output, and a
factor of 2 is exact in every floating-point type. Where that cannot be, the layers behind it do,
with twice their kernels. The gates' gradients are alive.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

from attn_cli.analysis.calls import MIXING, NORMALISING, function_of
from attn_cli.errors import BadOption
from attn_cli.tf.insert import computing_in
from attn_cli.tf.load import load_keras
from attn_cli.tf.walk import calls_of, walk

if TYPE_CHECKING:
    from collections.abc import Mapping

    from attn_cli.graph import Graph, Node
    from attn_cli.spec import Spec
    from attn_cli.splice import Site
    from attn_cli.tf.insert import Inserted

SAME, FRESH = "same", "fresh"
STARTS = (SAME, FRESH)
FACTORS = (1, 2, 4, 8)
# What stands for a dynamic size where a block is tried, and what is enough of a large one.
TRIAL_SIZE = 7
# The weights that make a layer's output, where those of the layer are no others.
SCALED: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(
        ("Conv1D", "Conv2D", "Conv3D", "Conv2DTranspose", "Dense", "DepthwiseConv2D"),
        frozenset(("kernel", "depthwise_kernel", "bias")),
    ),
    **dict.fromkeys(NORMALISING, frozenset(("gamma", "beta"))),
    "SeparableConv2D": frozenset(("pointwise_kernel", "bias")),
    "LayerScale": frozenset(("gamma",)),
}
NOT_SCALED = frozenset(("depthwise_kernel", "moving_mean", "moving_variance"))
# The weights that a layer multiplies what it takes by, and those that it adds later or not at all.
KERNELS: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(
        ("Conv1D", "Conv2D", "Conv3D", "Conv2DTranspose", "Dense"), frozenset(("kernel",))
    ),
    "DepthwiseConv2D": frozenset(("kernel", "depthwise_kernel")),
    "SeparableConv2D": frozenset(("depthwise_kernel",)),
}
REST = ("bias", "pointwise_kernel")
# What makes twice as much of twice as much: f(2x) = 2 f(x), to the bit, in training as well.
HOMOGENEOUS = frozenset((
    "AveragePooling2D", "Copy", "Cropping2D", "Dropout", "Flatten", "GlobalAveragePooling2D",
    "GlobalMaxPooling2D", "Identity", "LeakyReLU", "MaxPooling2D", "PReLU", "Permute", "Reshape",
    "SpatialDropout2D", "StochasticDepth", "UpSampling2D", "ZeroPadding2D",
))  # fmt: skip


class Started(NamedTuple):
    """How blocks begin: the places where they change nothing, and why not at the others."""

    quiet: tuple[str, ...]
    moving: tuple[tuple[str, str], ...]

    def lines(self) -> list[str]:
        """Return where blocks move the outputs, a line for each reason."""
        reasons: dict[str, list[str]] = {}
        for name, why in self.moving:
            reasons.setdefault(why, []).append(name)
        return [f"fresh weights at {_several(names)}: {why}" for why, names in reasons.items()]


def _several(names: list[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"{', '.join(names[:3])}{more}"


def check_start(start: str) -> None:
    """Raise BadOption for a start that there is not."""
    if start not in STARTS:
        raise BadOption(f"a start is {' or '.join(STARTS)}, not {start!r}")


def start_quietly(model: Any, graph: Graph, inserted: Inserted, spec: Spec) -> Started:
    """Set the weights of blocks, and of the layers before them, so that nothing changes.

    `model` is the one that the blocks were put into, and `graph` its own.
    """
    neutrals: dict[int, Neutral | None] = {}
    quiet: list[str] = []
    moving: list[tuple[str, str]] = []
    calls: list[Any] = []
    for block, layers in zip(inserted.spliced.blocks, inserted.layers, strict=True):
        site = block.site
        channels = site.shape[-1]
        assert channels is not None  # there is no place where that is not known
        if channels not in neutrals:
            neutrals[channels] = neutral_start(spec, channels)
        neutral = neutrals[channels]
        if neutral is None:
            moving.append((site.name, "the block has no start that changes nothing"))
            continue
        if site.replaces:
            moving.append((site.name, "what stood there is gone"))
            continue
        scaled: list[Scaling] | str = []
        if neutral.factor > 1:
            scaled = scaling_of(graph, site)
        if isinstance(scaled, str):
            moving.append((site.name, scaled))
            continue
        if neutral.zeroed:
            names = last_mixing(block.graph)
            for layer in layers:
                if layer.name in names:
                    _set_to_zero(layer)
        calls = calls or calls_of(model)
        for node, weights in scaled:
            told = graph.nodes[node].layer.weights
            for weight, (name, *_) in zip(calls[node].operation.weights, told, strict=True):
                if name in weights:
                    weight.assign(weight.value * neutral.factor)
        quiet.append(site.name)
    return Started(tuple(quiet), tuple(moving))


class Neutral(NamedTuple):
    """How a block does nothing but divide by a factor: with its last weights at 0, or as it is."""

    factor: int
    zeroed: bool


def neutral_start(spec: Spec, channels: int) -> Neutral | None:
    """Return how a block can begin so that it only divides by a power of two; None where it cannot.

    What Keras begins with is tried first, then zeros in the last layers that mix.
    """
    import numpy as np

    shape = (TRIAL_SIZE, TRIAL_SIZE, channels)
    keras = load_keras()
    with computing_in(keras.DTypePolicy("float32")):
        source = keras.Input(shape)
        model = keras.Model(source, spec.block.build(source, **spec.given))
    inputs = np.random.default_rng(0).standard_normal((2, *shape), dtype=np.float32)
    names = last_mixing(walk(model))
    for zeroed in (False, True):
        if zeroed:
            for layer in model.layers:
                if layer.name in names:
                    _set_to_zero(layer)
        outputs = np.asarray(model(inputs, training=False))
        for factor in FACTORS:
            if np.array_equal(outputs * factor, inputs):
                return Neutral(factor, zeroed)
    return None


def last_mixing(graph: Graph) -> set[str]:
    """Return the names of the last layers with weights that mix, on every way to the output."""
    names: set[str] = set()
    seen: set[int] = set()
    stack = [ref.node for ref in graph.outputs]
    while stack:
        index = stack.pop()
        if index in seen:
            continue
        seen.add(index)
        node = graph.nodes[index]
        if node.layer.type in MIXING:
            names.add(node.layer.name)
        else:
            stack.extend([ref.node for ref in node.inputs])
    return names


class Scaling(NamedTuple):
    """A layer whose weights of these names make up for a factor."""

    node: int
    weights: frozenset[str]


def scaling_of(graph: Graph, site: Site) -> list[Scaling] | str:
    """Return the layers that can make up for a factor at a site, before it or behind it.

    Where none can, why not.
    """
    around = _Around(graph)
    before = around.before(site.takes.node)
    if not isinstance(before, str):
        return [before]
    return around.behind(site.takes.node) or before


class _Around:
    def __init__(self, graph: Graph) -> None:
        self.nodes = graph.nodes
        self.readers: list[set[int]] = [set() for _ in graph.nodes]
        self.calls = Counter([id(node.layer) for node in graph.nodes])
        self.is_output = {ref.node for ref in graph.outputs}
        for index, node in enumerate(graph.nodes):
            for ref in node.inputs:
                self.readers[ref.node].add(index)

    def before(self, start: int) -> Scaling | str:
        """Return the layer that makes what is taken, seen by nothing but the block; or why not."""
        index = start
        while True:
            node = self.nodes[index]
            # What reads the place itself reads the block from now on.
            if index != start and (len(self.readers[index]) > 1 or index in self.is_output):
                return f"{node.name} is read by others too"
            if node.layer.type in SCALED:
                if self.calls[id(node.layer)] > 1:
                    return f"{node.layer.path} is called more than once"
                return _unscaled(node) or Scaling(index, SCALED[node.layer.type])
            if len(node.inputs) != 1 or not _is_homogeneous(node):
                return f"{_described(node)} stands before it"
            index = node.inputs[0].node

    def behind(self, start: int) -> list[Scaling]:
        """Return the layers that read a place, if all of them multiply it by a kernel of theirs."""
        found = []
        stack = [start]
        while stack:
            index = stack.pop()
            if index in self.is_output:
                return []
            for reader in self.readers[index]:
                node = self.nodes[reader]
                if node.layer.type in KERNELS:
                    names = {weight.name for weight in node.layer.weights}
                    if self.calls[id(node.layer)] > 1 or names - {*KERNELS[node.layer.type], *REST}:
                        return []
                    if _is_held(node):
                        return []
                    found.append(Scaling(reader, KERNELS[node.layer.type]))
                elif len(node.inputs) == 1 and _is_homogeneous(node):
                    stack.append(reader)
                else:
                    return []
        return found


def _unscaled(node: Node) -> str:
    """Return why a layer's weights do not scale its output; empty where they do."""
    layer = node.layer
    scaled = SCALED[layer.type]
    if layer.function not in (None, "relu"):
        return f"{_described(node)} stands before it"
    names = {weight.name for weight in layer.weights}
    if layer.type in NORMALISING and "gamma" not in names:
        return f"{layer.path} has no gamma"
    if names - scaled - NOT_SCALED or not names & scaled:
        return f"{layer.path} has weights of another kind"
    if _is_held(node):
        return f"{layer.path} holds its weights to a constraint"
    return ""


def _is_held(node: Node) -> bool:
    """Tell whether a constraint would undo a factor at the first step of a training."""
    config = node.layer.config
    return any(name.endswith("_constraint") and config[name] is not None for name in config)


def _described(node: Node) -> str:
    limit = node.layer.config.get("max_value") if node.layer.type == "ReLU" else None
    bounded = f" up to {limit:g}" if isinstance(limit, (int, float)) else ""
    return f"{'an' if node.layer.label[0] in 'AEIO' else 'a'} {node.layer.label}{bounded}"


def _is_homogeneous(node: Node) -> bool:
    type, config = node.layer.type, node.layer.config
    if type == "ReLU":
        return config.get("max_value") is None and not config.get("threshold")
    if type in ("Activation", "Relu", "LeakyRelu"):
        return function_of(node) in (None, "relu", "leaky_relu")
    return type in HOMOGENEOUS


def _set_to_zero(layer: Any) -> None:
    keras = load_keras()
    for weight in layer.weights:
        weight.assign(keras.ops.zeros_like(weight.value))
