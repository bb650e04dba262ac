"""A network as Keras has it: loaded, run op by op, and how far apart what it yields is."""

from __future__ import annotations

from math import inf, isnan
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attn_cli.errors import BadFile, BadGraph
from attn_cli.sources.applications import application_text, is_application
from attn_cli.text import shown
from attn_cli.tf.anew import copied
from attn_cli.tf.load import load_keras, quiet
from attn_cli.tf.reason import told
from attn_cli.tf.walk import functional_of, structured, walk

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from attn_cli.analysis.network import Network
    from attn_cli.graph import Graph, Node

# What stands for a dynamic height or width where a network is tried.
TRIAL_SIZE = 64
# As many gates as can stand between two layers that make up for them.
MOST_GATES = 6


def load_network(model: str, network: Network) -> Any:
    """Return a model as Keras loads it, or makes it on the inputs that it was asked at.

    `network` is what was read of it. It is not compiled; an architecture begins with fresh weights.
    Raises BadFile, with Keras' reason, where it does not.
    """
    with told(BadFile, lambda why: f"{shown(model)}: Keras does not load it ({why}); {OTHERWISE}"):
        loaded = _loaded(model, network.model.format)
    if not network.asked:
        return loaded
    inputs = [network.graph.nodes[place] for place in network.graph.inputs]
    try:
        with quiet():
            return copied(loaded, {node.layer.name: node.output_shapes[0] for node in inputs})
    except BadGraph as error:
        raise BadFile(f"{shown(model)}: {error}") from error


OTHERWISE = "what a block would cost in it, attn compare --in says all the same"


def _loaded(model: str, format: str) -> Any:
    keras = load_keras()
    with quiet():
        if is_application(model):
            text = application_text(model.partition(":")[2]).decode()
            return keras.models.model_from_json(text)
        if format == "json":
            return keras.models.model_from_json(Path(model).read_text(encoding="utf-8"))
        return keras.saving.load_model(model, compile=False, safe_mode=True)


def load_as_foretold(model: str, network: Network) -> tuple[Any, Graph]:
    """Return what `load_network` does, and its graph.

    Raises BadFile where that is not the graph that was read from the file.
    """
    loaded = load_network(model, network)
    graph = walk(loaded)
    check_foretold(network.graph, graph, f"{shown(model)}, as Keras loads it,")
    return loaded, graph


def drawn_inputs(model: Any, seed: int, batch: int = 1) -> list[Any]:
    """Return an input for each of a model's own: normal numbers, or 0 and 1 for integers."""
    import numpy as np

    random = np.random.default_rng(seed)
    drawn: list[Any] = []
    for tensor in model.inputs:
        fixed, *sizes = tensor.shape
        shape = (fixed or batch, *[TRIAL_SIZE if size is None else size for size in sizes])
        if "float" in tensor.dtype:
            drawn.append(random.standard_normal(shape, dtype=np.float32))
        else:
            drawn.append(random.integers(0, 2, shape))
    return drawn


def probed(
    model: Any, tensors: Sequence[Any], inputs: Sequence[Any]
) -> tuple[list[Any], list[Any]]:
    """Return what a model makes of inputs: at some of its tensors, and its outputs."""
    values = outputs_of(probe(model, tensors), inputs)
    return values[: len(tensors)], values[len(tensors) :]


def probe(model: Any, tensors: Sequence[Any]) -> Any:
    """Return a model that yields some tensors of another one, and then its outputs."""
    functional = functional_of(model)
    return load_keras().Model(functional._inputs_struct, [*tensors, *functional.outputs])


def outputs_of(model: Any, inputs: Sequence[Any]) -> list[Any]:
    """Return what a model makes of inputs, run op by op."""
    import numpy as np

    keras = load_keras()
    with quiet():
        outputs = keras.tree.flatten(model(structured(model, inputs), training=False))
    return [
        # NumPy knows no bfloat16; float32 holds each of its numbers.
        np.asarray(keras.ops.cast(each, "float32") if each.dtype == "bfloat16" else each)
        for each in outputs
    ]


def compiled(model: Any, inputs: Any) -> Any:
    """Return what a model infers from such inputs, as one function of TensorFlow's."""
    load_keras()
    import tensorflow as tf

    # AutoGraph would write each function that it converts into the folder for temporary files.
    infer = tf.function(lambda given: model(given, training=False), autograph=False)
    return infer.get_concrete_function(inputs)


def apart(after: Any, before: Any) -> float:
    """Return how far outputs are apart, of the largest of them; 0 where they are the same bits."""
    import numpy as np

    if np.array_equal(after, before, equal_nan=True):
        return 0.0
    largest = float(np.abs(before).max()) or 1.0
    distance = float(np.abs(after - before).max()) / largest
    return inf if isnan(distance) else distance


def apart_but_for_2(after: Any, before: Any) -> float:
    """Return how far feature maps are apart; a power of 2 is made up for behind them."""
    return min([apart(after * 2.0**power, before) for power in range(-MOST_GATES, MOST_GATES + 1)])


def check_foretold(foretold: Graph, graph: Graph, what: str) -> None:
    """Raise BadFile where a graph has other names, shapes, weights or wiring than another one."""
    difference = first_difference(foretold, graph)
    if difference:
        raise BadFile(f"{what} has {difference}")


def first_difference(foretold: Graph, graph: Graph) -> str:
    """Return what is the first thing that a graph has otherwise; empty where there is nothing."""
    for ours, theirs in zip(foretold.nodes, graph.nodes, strict=False):
        if theirs.name != ours.name:
            return f"{theirs.name!r} where {ours.name!r} was foretold"
        for what, fact in FACTS.items():
            if fact(theirs) != fact(ours):
                return f"{theirs.name!r} with {what} than foretold"
    if len(foretold.nodes) != len(graph.nodes):
        return f"{len(graph.nodes)} calls, and {len(foretold.nodes)} were foretold"
    return "" if foretold.outputs == graph.outputs else "other outputs than foretold"


# What configs tell of a call as well; they may not tell the type of a weight.
FACTS: dict[str, Callable[[Node], Any]] = {
    "another type": lambda node: node.layer.type,
    "other inputs": lambda node: node.inputs,
    "other shapes": lambda node: node.output_shapes,
    "other weights": lambda node: [(each.shape, each.trainable) for each in node.layer.weights],
}
