"""Blocks put into a Keras model: the splice, in the other world.

The layers of the model stay the very same ones, with their weights: only what stands behind a
place is called once more, on what the block there makes.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from attn_cli.splice import Spliced, counted, named, splice
from attn_cli.tf.anew import Anew
from attn_cli.tf.load import load_keras
from attn_cli.tf.walk import calls_of, functional_of, is_model

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from attn_cli.graph import Graph, Ref, Shape
    from attn_cli.spec import Spec
    from attn_cli.splice import Block, Site


class Inserted(NamedTuple):
    """A model with its blocks in it, the graph that was foretold, and the blocks' layers."""

    model: Any
    spliced: Spliced
    layers: tuple[tuple[Any, ...], ...]  # of each block, in the order of `spliced.blocks`
    # The blocks of the outermost model, what stood in their places, and what stands there now.
    probed: tuple[Block, ...]
    before: tuple[Any, ...]
    after: tuple[Any, ...]


def insert_blocks(model: Any, graph: Graph, sites: Sequence[Site], spec: Spec | None) -> Inserted:
    """Return a functional model with a block at each site of `graph`, which is the model's own.

    Its other layers are those of the model that is given.
    """
    spliced = splice(graph, sites, spec)
    surgeon = _Surgeon(model, spliced, sites, spec)
    rebuilt = surgeon.model(model, functional_of(model).inputs)
    if rebuilt is not model and not model.trainable:
        # What was frozen as a whole is frozen layer by layer: the blocks are to be trained.
        for layer in functional_of(model).layers:
            layer.trainable = False
    blocks, before, after = zip(*surgeon.exchanged, strict=True) if surgeon.exchanged else NOTHING
    return Inserted(rebuilt, spliced, tuple(surgeon.layers), blocks, before, after)


NOTHING: tuple[tuple[Any, ...], ...] = ((), (), ())


class _Surgeon(Anew):
    def __init__(
        self, model: Any, spliced: Spliced, sites: Iterable[Site], spec: Spec | None
    ) -> None:
        super().__init__()
        self.spec = spec
        calls = calls_of(model)

        def tensor(ref: Ref) -> Any:
            return calls[ref.node].output_tensors[ref.output]

        # What a call yields, by the tensor's id: the site behind it, and what is taken there.
        here: list[tuple[Site, Block | None]] = [(block.site, block) for block in spliced.blocks]
        if spec is None:
            here = [(site, None) for site in sites if site.replaces]
        self.sites = {
            id(tensor(site.yields)): (id(tensor(site.takes)), block) for site, block in here
        }
        self.order = {id(block): place for place, block in enumerate(spliced.blocks)}
        self.layers: list[tuple[Any, ...]] = [()] * len(spliced.blocks)
        self.exchanged: list[tuple[Block, Any, Any]] = []

    def operation(self, old: Any, shapes: Sequence[Shape]) -> Any:
        """Return a model inside with the blocks that stand in it; all else is as it was."""
        return self.model(old, functional_of(old).inputs) if is_model(old) else old

    def behind(self, tensor: Any, call: Any, tensors: Mapping[int, Any]) -> Any:
        """Return what a block makes of what it takes; where there is none, that itself."""
        if id(tensor) not in self.sites:
            return tensors[id(tensor)]
        takes, block = self.sites[id(tensor)]
        if block is None:
            return tensors[takes]
        built = self.built(block, tensors[takes], call)
        if not block.graph.nodes[-1].layer.within:
            self.exchanged.append((block, tensor, built))
        return built

    def built(self, block: Block, inputs: Any, call: Any) -> Any:
        """Return what a block makes of a tensor, with the names that were foretold."""
        assert self.spec is not None
        with computing_in(self.policy(call)):
            build = self.spec.block.build
            output = build(inputs, **self.spec.given, **named(self.spec, block.prefix))
        operations = _between(inputs, output)
        ours = sorted(
            [each for each in operations if not each.name.startswith(block.prefix)],
            key=lambda each: counted(each.name),
        )
        for operation, name in zip(ours, sorted(block.renamed, key=counted), strict=True):
            operation.name = block.renamed[name]
        self.layers[self.order[id(block)]] = tuple(
            [each for each in operations if getattr(each, "weights", ())]
        )
        return output

    def policy(self, call: Any) -> Any:
        """Return the policy of the nearest layer before a block that has weights of floats."""
        while True:
            operation = call.operation
            weights = getattr(operation, "weights", ())
            if any("float" in weight.dtype for weight in weights):
                policy = operation.dtype_policy
                # A quantised layer computes in the type that it was quantised from.
                name = policy.name.rpartition("_from_")[2]
                return policy if name == policy.name else self.keras.DTypePolicy(name)
            if not call.input_tensors:
                return self.keras.DTypePolicy("float32")
            history = call.input_tensors[0]._keras_history
            call = history.operation._inbound_nodes[history.node_index]


@contextmanager
def computing_in(policy: Any) -> Iterator[None]:
    """Let layers that are made meanwhile compute by a policy."""
    config = load_keras().config
    before = config.dtype_policy()
    config.set_dtype_policy(policy)
    try:
        yield
    finally:
        config.set_dtype_policy(before)


def _between(start: Any, end: Any) -> list[Any]:
    """Return the operations that make one tensor of another."""
    found: dict[int, Any] = {}
    stack = [end]
    while stack:
        tensor = stack.pop()
        if tensor is start:
            continue
        history = tensor._keras_history
        if id(history.operation) not in found:
            found[id(history.operation)] = history.operation
            for node in history.operation._inbound_nodes:
                stack.extend(node.input_tensors)
    return list(found.values())
