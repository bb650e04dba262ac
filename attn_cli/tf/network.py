"""A network with blocks put in, as a new file: its weights kept, and all that was said proved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from attn_cli.analysis.network import InNetwork, Network, compare_in_file
from attn_cli.errors import BadFile
from attn_cli.signals import ended_between_calls
from attn_cli.sources.saved import read_model
from attn_cli.tf.insert import insert_blocks
from attn_cli.tf.load import load_keras, quiet
from attn_cli.tf.loaded import (
    apart,
    apart_but_for_2,
    check_foretold,
    drawn_inputs,
    load_as_foretold,
    outputs_of,
    probed,
)
from attn_cli.tf.memory import check_weights, memory_errors
from attn_cli.tf.save import (
    FORMATS,
    check_seed,
    check_target,
    exists,
    format_of,
    not_loading,
    replacing,
    same_values,
    size_of,
    write,
    write_and_compare,
)
from attn_cli.tf.start import SAME, Started, check_start, start_quietly
from attn_cli.tf.walk import walk

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from attn_cli.analysis.places import Chosen
    from attn_cli.graph import Graph, Shape
    from attn_cli.spec import Spec
    from attn_cli.tf.insert import Inserted

READ_BACK = ".keras"


class SavedNetwork(NamedTuple):
    """A network that was written with blocks in it, loaded again and found to be as foretold.

    `start` is how the block was asked to begin, None where there is none to: `none` puts none in.
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
    start: str | None
    started: Started | None
    moved: float
    difference: float


class Tried(NamedTuple):
    """A network with blocks in it as they begin, and what it and the one before make of inputs.

    That is what they were probed for: the feature maps at the places, and the outputs.
    """

    inserted: Inserted
    started: Started | None
    inputs: list[Any]
    before: tuple[list[Any], list[Any]]
    after: tuple[list[Any], list[Any]]

    @property
    def moved(self) -> float:
        """How far the network is from the one before, of the largest value.

        Outputs alone tell little: a softmax of fresh weights is much the same whatever goes in.
        """
        made_up_for = set(self.started.quiet if self.started else ())
        maps = [
            (apart_but_for_2 if block.site.name in made_up_for else apart)(now, then)
            for block, now, then in zip(
                self.inserted.probed, self.after[0], self.before[0], strict=True
            )
        ]
        return max([*map(apart, self.after[1], self.before[1]), *maps])


def tried(
    original: Any, graph: Graph, chosen: Chosen, spec: Spec | None, seed: int, start: str = SAME
) -> Tried:
    """Put blocks into a network, whose graph that is, and run both on inputs that are drawn."""
    inputs = drawn_inputs(original, seed)
    inserted = insert_blocks(original, graph, chosen.sites, spec)
    before = probed(original, inserted.before, inputs)
    started = None
    if start == SAME and spec is not None:
        started = start_quietly(original, graph, inserted, spec)
    return Tried(inserted, started, inputs, before, probed(inserted.model, inserted.after, inputs))


class Request(NamedTuple):
    """What is to be built: which block in which network, where, and how it begins."""

    network: Network
    spec: Spec | None
    chosen: Chosen
    block: InNetwork


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
    check_start(start)
    check_seed(seed)
    check_target(path, force)
    compared = compare_in_file(model, [spec], at, skip, input_shape)
    check_weights(compared.network.graph)
    return Request(compared.network, spec, compared.chosen, compared.blocks[0])


@memory_errors()
def save_network(
    model: str, request: Request, path: Path, *, seed: int = 0, start: str = SAME, force: bool
) -> SavedNetwork:
    """Put a block into a network and save it; the suffix of the path picks the format.

    Nothing stands at the path until the model was loaded again and was what was foretold. Raises
    BadFile where it cannot be loaded, written, or is not what was foretold.
    """
    keras = load_keras()
    spec, chosen = request.spec, request.chosen
    with ended_between_calls() as check_signals:
        keras.backend.clear_session(free_memory=False)
        keras.utils.set_random_seed(seed)
        original, graph = load_as_foretold(model, request.network)
        check_signals()
        case = tried(original, graph, chosen, spec, seed, start)
        check_signals()
        made, foretold = case.inserted.model, case.inserted.spliced.graph
        check_foretold(foretold, walk(made), "the model")
        target = check_target(path, force)
        with replacing(path) as temporary:
            difference = written(made, temporary, case.inputs, case.after[1], foretold)
            size = size_of(temporary)
            check_signals()
            if target.exists() and not force:
                raise BadFile(exists(path))
    return SavedNetwork(
        path, format_of(path).name, size, request.network, chosen, request.block, seed,
        None if spec is None else start, case.started, case.moved, difference,
    )  # fmt: skip


def written(
    model: Any, path: Path, inputs: Sequence[Any], outputs: Sequence[Any], foretold: Graph
) -> float:
    """Write a model, and return how far its outputs are off when it is loaded again.

    Raises BadFile where the file has another graph than foretold, or lacks a weight.
    """
    import numpy as np

    if format_of(path) is not FORMATS[READ_BACK]:
        if len(inputs) > 1 or len(outputs) > 1:
            raise BadFile(f"a model of several inputs or outputs is written as {READ_BACK}")
        return write_and_compare(model, path, inputs[0], outputs[0])
    write(model, path)
    read = read_model(path)
    if read.graph is None:
        raise BadFile(f"{path.name!r} does not tell its layers")
    check_foretold(foretold, read.graph, f"{path.name!r}")
    with not_loading(path), quiet():
        loaded = load_keras().saving.load_model(path, compile=False)
    for ours, theirs in zip(model.weights, loaded.weights, strict=True):
        if not np.array_equal(np.asarray(ours), np.asarray(theirs), equal_nan=True):
            raise BadFile(f"{path.name!r} has another {ours.path} than was saved")
    return same_values(path, max(map(apart, outputs_of(loaded, inputs), outputs)))
