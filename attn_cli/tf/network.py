"""A network with blocks put in, as a new file: its weights kept, and all that was said proved."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from attn_cli.analysis.network import (
    Chosen,
    InNetwork,
    Network,
    choose_places,
    compare_in,
    read_network,
)
from attn_cli.errors import BadFile, BadOption
from attn_cli.signals import ended_between_calls
from attn_cli.sources.applications import application_text, is_application
from attn_cli.sources.saved import read_model
from attn_cli.sources.text import shown
from attn_cli.tf.insert import insert_blocks
from attn_cli.tf.load import load_keras, quiet
from attn_cli.tf.memory import check_weights, is_out_of_memory, memory_errors
from attn_cli.tf.resize import resized
from attn_cli.tf.save import (
    LARGEST_SEED,
    check_target,
    exists,
    format_of,
    reason_of,
    replacing,
    size_of,
    write_and_compare,
)
from attn_cli.tf.start import Started, neutral_start, start_quietly
from attn_cli.tf.walk import walk

if TYPE_CHECKING:
    from collections.abc import Sequence

    from attn_cli.graph import Graph, Shape
    from attn_cli.spec import Spec

# What stands for a dynamic height or width where a network is tried.
TRIAL_SIZE = 64
SAME, FRESH = "same", "fresh"
STARTS = (SAME, FRESH)
READ_BACK = ".keras"
# As many gates as can stand between two layers that make up for them.
MOST_GATES = 6


class SavedNetwork(NamedTuple):
    """A network that was written with blocks in it, loaded again and found to be as foretold.

    `moved` is how far its outputs are from those of the network before, of the largest of them;
    `difference` how far the loaded one's are from the one that was saved.
    """

    path: Path
    format: str
    bytes: int
    network: Network
    chosen: Chosen
    block: InNetwork
    seed: int
    started: Started | None
    moved: float
    difference: float


class Request(NamedTuple):
    """What is to be built: which block in which network, where, and how it begins."""

    network: Network
    spec: Spec | None
    chosen: Chosen
    block: InNetwork
    asked: bool = False  # at another input size than its own


def check_build_in(
    model: str,
    spec: Spec | None,
    at: Sequence[str],
    skip: Sequence[str],
    path: Path,
    *,
    input_shape: Shape | None = None,
    seed: int,
    start: str,
    force: bool,
) -> Request:
    """Return what is to be built. Raises what keeps it from being, without TensorFlow."""
    if start not in STARTS:
        raise BadOption(f"a start is {' or '.join(STARTS)}, not {start!r}")
    if not 0 <= seed <= LARGEST_SEED:
        raise BadOption(f"a seed is from 0 to {LARGEST_SEED}, not {seed}")
    network = read_network(model, input_shape)
    check_target(path, force)
    compared = compare_in(network, [spec], at, skip)
    check_weights(network.graph)
    return Request(network, spec, compared.chosen, compared.blocks[0], input_shape is not None)


@memory_errors()
def save_network(
    model: str, request: Request, path: Path, *, seed: int = 0, start: str = SAME, force: bool
) -> SavedNetwork:
    """Put a block into a network and save it; the suffix of the path picks the format.

    Nothing stands at the path until the model was loaded again and was what was foretold. Raises
    BadFile where it cannot be loaded, written, or is not what was foretold.
    """
    import numpy as np

    keras = load_keras()
    spec, chosen = request.spec, request.chosen
    with ended_between_calls() as check_signals:
        keras.backend.clear_session(free_memory=False)
        neutral = None
        if start == SAME and spec is not None:
            neutral = neutral_start(spec, chosen.places[0].shape[-1] or 1)
            keras.backend.clear_session(free_memory=False)
        keras.utils.set_random_seed(seed)
        original = load_network(model)
        if request.asked:
            nodes = request.network.graph.nodes
            inputs = [nodes[place] for place in request.network.graph.inputs]
            shapes = {node.layer.name: node.output_shapes[0] for node in inputs}
            original = resized(original, shapes)
        graph = walk(original)
        _check_foretold(request.network.graph, graph, f"{shown(model)}, as Keras loads it,")
        inputs = drawn_inputs(original, seed)
        again = choose_places(request.network._replace(graph=graph), [spec], chosen.at)
        kept = {place.name for place in chosen.places}
        sites = [place.site for place in again.places if place.name in kept]
        inserted = insert_blocks(original, graph, sites, spec)
        # Outputs alone tell little: a softmax of fresh weights is much the same whatever goes in.
        maps_before, before = probed(original, inserted.before, inputs)
        check_signals()
        started = None
        if start == SAME and spec is not None:
            started = start_quietly(original, graph, sites, inserted, neutral)
        maps_after, after = probed(inserted.model, inserted.after, inputs)
        names = [block.site.name for block in inserted.probed]
        made_up_for = set(started.quiet if started else ())
        moved = max(
            [
                *map(_apart, after, before),
                *[
                    (_apart_but_for_2 if name in made_up_for else _apart)(now, then)
                    for name, now, then in zip(names, maps_after, maps_before, strict=True)
                ],
            ]
        )
        check_signals()
        foretold = inserted.spliced.graph
        _check_foretold(foretold, walk(inserted.model), "the model")
        target = check_target(path, force)
        with replacing(path) as temporary:
            difference = _written(inserted.model, temporary, inputs, after, foretold)
            size = size_of(temporary)
            check_signals()
            if target.exists() and not force:
                raise BadFile(exists(path))
    return SavedNetwork(
        path, format_of(path).name, size, request.network, chosen, request.block, seed, started,
        float(np.float64(moved)), difference,
    )  # fmt: skip


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


def drawn_inputs(model: Any, seed: int) -> list[Any]:
    """Return an input for each of a model's own: normal numbers, or 0 and 1 for integers."""
    import numpy as np

    random = np.random.default_rng(seed)
    drawn: list[Any] = []
    for tensor in model.inputs:
        batch, *sizes = tensor.shape
        shape = (batch or 1, *[TRIAL_SIZE if size is None else size for size in sizes])
        if "float" in tensor.dtype:
            drawn.append(random.standard_normal(shape, dtype=np.float32))
        else:
            drawn.append(random.integers(0, 2, shape))
    return drawn


def probed(
    model: Any, tensors: Sequence[Any], inputs: Sequence[Any]
) -> tuple[list[Any], list[Any]]:
    """Return what a model makes of inputs: at some of its tensors, and its outputs."""
    keras = load_keras()
    functional = getattr(model, "_functional", None) or model
    both = keras.Model(functional._inputs_struct, [*tensors, *functional.outputs])
    values = outputs_of(both, inputs)
    return values[: len(tensors)], values[len(tensors) :]


def outputs_of(model: Any, inputs: Sequence[Any]) -> list[Any]:
    """Return what a model makes of inputs, run op by op."""
    import numpy as np

    keras = load_keras()
    functional = getattr(model, "_functional", None) or model
    given = keras.tree.pack_sequence_as(functional._inputs_struct, list(inputs))
    with quiet():
        outputs = keras.tree.flatten(model(given, training=False))
    return [np.asarray(keras.ops.cast(each, "float32")) for each in outputs]


def _apart(after: Any, before: Any) -> float:
    """Return how far outputs are apart, of the largest of them; 0 where they are the same bits."""
    import numpy as np

    if np.array_equal(after, before):
        return 0.0
    largest = float(np.abs(before).max()) or 1.0
    return float(np.abs(after - before).max()) / largest


def _apart_but_for_2(after: Any, before: Any) -> float:
    """Return how far feature maps are apart; a power of 2 is made up for behind them."""
    return min([_apart(after * 2.0**power, before) for power in range(-MOST_GATES, MOST_GATES + 1)])


def _written(
    model: Any, path: Path, inputs: Sequence[Any], outputs: Sequence[Any], foretold: Graph
) -> float:
    """Write a model, and return how far its outputs are off when it is loaded again.

    Raises BadFile where the file has another graph than foretold, or lacks a weight.
    """
    import numpy as np

    if len(inputs) > 1 or len(outputs) > 1:
        if path.suffix != READ_BACK:
            raise BadFile(f"a model of several inputs or outputs is written as {READ_BACK}")
        difference = 0.0
        with quiet():
            format_of(path).write(model, path)
    else:
        difference = write_and_compare(model, path, inputs[0], outputs[0])
    if path.suffix == READ_BACK:
        read = read_model(path)
        if read.graph is None:
            raise BadFile(f"{path.name!r} does not tell its layers")
        _check_foretold(foretold, read.graph, f"{path.name!r}")
        with quiet():
            loaded = load_keras().saving.load_model(path, compile=False)
        for ours, theirs in zip(model.weights, loaded.weights, strict=True):
            if not np.array_equal(np.asarray(ours), np.asarray(theirs), equal_nan=True):
                raise BadFile(f"{path.name!r} has another {ours.path} than was saved")
        if len(inputs) > 1 or len(outputs) > 1:
            difference = max(map(_apart, outputs_of(loaded, inputs), outputs))
    return difference


def _check_foretold(foretold: Graph, graph: Graph, what: str) -> None:
    """Raise BadFile where a graph has other names, shapes, weights or wiring than another one."""
    ours, theirs = [_facts(each) for each in (foretold, graph)]
    for mine, other in zip(ours, theirs, strict=False):
        if mine != other:
            raise BadFile(f"{what} has {other[0]!r} where {mine[0]!r} was foretold, or another one")
    if len(ours) != len(theirs) or foretold.outputs != graph.outputs:
        raise BadFile(f"{what} has {len(theirs)} calls, and {len(ours)} were foretold")


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
