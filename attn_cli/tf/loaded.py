"""A network as Keras has it: loaded, run op by op, and how far apart what it yields is."""

from __future__ import annotations

from math import inf, isnan
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attn_cli.errors import BadFile, BadGraph
from attn_cli.sources.applications import application_text, is_application
from attn_cli.sources.saved import read_model
from attn_cli.text import shown
from attn_cli.tf.anew import copied
from attn_cli.tf.load import load_keras, quiet
from attn_cli.tf.memory import is_out_of_memory
from attn_cli.tf.save import reason_of
from attn_cli.tf.walk import functional_of, structured, walk

if TYPE_CHECKING:
    from collections.abc import Sequence

    from attn_cli.analysis.network import Network
    from attn_cli.graph import Graph
    from attn_cli.tf.insert import Inserted
    from attn_cli.tf.start import Started

# What stands for a dynamic height or width where a network is tried.
TRIAL_SIZE = 64
# As many gates as can stand between two layers that make up for them.
MOST_GATES = 6


def load_network(model: str) -> Any:
    """Return a model as Keras loads it, uncompiled; an architecture begins with fresh weights.

    Raises BadFile, with Keras' reason, where it does not.
    """
    keras = load_keras()
    try:
        with quiet():
            if is_application(model):
                text = application_text(model.partition(":")[2]).decode()
                return keras.models.model_from_json(text)
            if read_model(model).format == "json":
                return keras.models.model_from_json(Path(model).read_text(encoding="utf-8"))
            return keras.saving.load_model(model, compile=False, safe_mode=True)
    except Exception as error:
        if is_out_of_memory(error):
            raise
        raise BadFile(
            f"{shown(model)}: Keras does not load it ({reason_of(error)}); what a block would cost "
            f"in it, attn compare --in says all the same"
        ) from error


def load_asked(model: str, network: Network) -> Any:
    """Return a model as Keras loads it, or makes it on the inputs that it was asked at.

    `network` is what was read of it. Raises BadFile where Keras does not.
    """
    loaded = load_network(model)
    if not network.asked:
        return loaded
    inputs = [network.graph.nodes[place] for place in network.graph.inputs]
    try:
        with quiet():
            return copied(loaded, {node.layer.name: node.output_shapes[0] for node in inputs})
    except BadGraph as error:
        raise BadFile(f"{shown(model)}: {error}") from error


def load_as_foretold(model: str, network: Network) -> tuple[Any, Graph]:
    """Return what `load_asked` does, and its graph.

    Raises BadFile where that is not the graph that was read from the file.
    """
    loaded = load_asked(model, network)
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


def how_far_moved(
    inserted: Inserted,
    started: Started | None,
    before: tuple[list[Any], list[Any]],
    after: tuple[list[Any], list[Any]],
) -> float:
    """Return how far a network with blocks is from the one before, as both were probed.

    Outputs alone tell little: a softmax of fresh weights is much the same whatever goes in.
    """
    made_up_for = set(started.quiet if started else ())
    maps = [
        (apart_but_for_2 if block.site.name in made_up_for else apart)(now, then)
        for block, now, then in zip(inserted.probed, after[0], before[0], strict=True)
    ]
    return max([*map(apart, after[1], before[1]), *maps])


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
    ours, theirs = [_facts(each) for each in (foretold, graph)]
    for mine, other in zip(ours, theirs, strict=False):
        if mine != other:
            return f"{other[0]!r} where {mine[0]!r} was foretold, or another one"
    if len(ours) != len(theirs) or foretold.outputs != graph.outputs:
        return f"{len(theirs)} calls, and {len(ours)} were foretold"
    return ""


def _facts(graph: Graph) -> list[tuple[Any, ...]]:
    return [
        (
            node.name,
            node.layer.type,
            node.inputs,
            node.output_shapes,
            [(weight.shape, weight.trainable) for weight in node.layer.weights],
        )
        for node in graph.nodes
    ]
