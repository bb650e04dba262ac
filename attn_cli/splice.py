"""Blocks put into a network, or taken out: a graph in, a graph out.

What is foretold here is what Keras writes after the same surgery: names, shapes, weights, wiring.
"""

from __future__ import annotations

import inspect
import re
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from attn_cli.account import account, charge
from attn_cli.errors import AttnError, BadOption, BadShape
from attn_cli.graph import Graph, Layer, Node, Ref, Shape
from attn_cli.sources.block import graph_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from attn_cli.spec import Spec

PUTTING = "putting blocks in it"
TRACING = 70  # steps for each node of a block that is traced
SITE, STANDING = 50, 12  # for a site, and each node that stands there: its costs count there too


class Site(NamedTuple):
    """A place in a network: the tensor that a block gets, and the one that it stands in for.

    They are the same where the block goes between a layer and all its readers, and apart where it
    takes the place of what is there. `name` is that of the call that yields the second.
    """

    name: str
    takes: Ref
    yields: Ref
    shape: Shape  # (H, W, C)

    @property
    def replaces(self) -> bool:
        """Whether something is there that goes."""
        return self.takes != self.yields


class Block(NamedTuple):
    """A block as it stands at a site: its nodes on an input of its own, with their final names."""

    site: Site
    prefix: str
    graph: Graph
    renamed: Mapping[str, str]  # the names of ops, by those that Keras gives them on their own


class Traced(NamedTuple):
    """A block on a shape, and how the names begin that it was given."""

    graph: Graph
    prefix: str


class Spliced(NamedTuple):
    """A network with its blocks in it; none where attention was taken out."""

    graph: Graph
    blocks: tuple[Block, ...]


class Names(set[str]):
    """The names that layers of one model have."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        super().__init__(names)
        self.numbers: dict[str, int] = {}  # up to which all names of a kind are taken

    def free(self, automatic: Iterable[str]) -> dict[str, str]:
        """Take names for what Keras named itself: the next ones of their kind that are free.

        >>> Names(["mean", "mean_2"]).free(["mean", "mean_1"])
        {'mean': 'mean_1', 'mean_1': 'mean_3'}
        """
        names: dict[str, str] = {}
        for name in sorted(automatic, key=counted):
            base = counted(name)[0]
            number = self.numbers.get(base, 0)
            while (free := f"{base}_{number}" if number else base) in self:
                number += 1
            self.numbers[base] = number + 1
            self.add(free)
            names[name] = free
        return names


def splice(graph: Graph, sites: Iterable[Site], spec: Spec | None) -> Spliced:
    """Return a network with a block at each site; without a spec, with nothing in its stead.

    Nothing stands twice at one place: where one site puts something behind what another one
    replaces, it is replaced.

    Raises what tracing does, with the name of the site that a block does not fit.
    """
    with account(graph.size, PUTTING, apart=True):
        return _spliced(graph, sites, spec)


def misfits(graph: Graph, sites: Iterable[Site], spec: Spec) -> dict[Site, str]:
    """Return the sites that a block does not fit, and why."""
    with account(graph.size, PUTTING, apart=True):
        host = Host(graph)
        told = {site: host.misfit(site, spec) for site in sites}
    return {site: reason for site, reason in told.items() if reason is not None}


def _spliced(graph: Graph, sites: Iterable[Site], spec: Spec | None) -> Spliced:
    once: dict[Ref, Site] = {}
    for site in sorted(sites, key=lambda site: not site.replaces):
        once.setdefault(site.yields, site)
    host = Host(graph)
    nodes = list(graph.nodes)
    moved: dict[Ref, Ref] = {}
    blocks = []
    # In the graph's order: a block reads what earlier ones made of its input.
    for site in sorted(once.values(), key=lambda site: site.yields):
        takes = moved.get(site.takes, site.takes)
        if spec is None:
            moved[site.yields] = takes
            continue
        block = host.block_at(site, spec)
        blocks.append(block)
        start = len(nodes) - 1  # the block's own input stands for what it takes

        def placed(ref: Ref, takes: Ref = takes, start: int = start) -> Ref:
            return takes if ref.node == 0 else Ref(ref.node + start, ref.output)

        nodes += [
            node._replace(inputs=tuple([placed(ref) for ref in node.inputs]))
            for node in block.graph.nodes[1:]
        ]
        moved[site.yields] = placed(block.graph.outputs[0])
    for index, node in enumerate(graph.nodes):
        if not moved.keys().isdisjoint(node.inputs):
            nodes[index] = node._replace(inputs=tuple([moved.get(ref, ref) for ref in node.inputs]))
    outputs = [moved.get(ref, ref) for ref in graph.outputs]
    return Spliced(Graph(nodes, outputs, graph.output_shapes), tuple(blocks))


class Host:
    """A network that blocks are put into: the names that are taken in it, and its types."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.traced: dict[tuple[str, Shape], Traced] = {}
        self.names: defaultdict[tuple[str, ...], Names] = defaultdict(Names)
        # Of the weights before each call: a block's own are of that type.
        self.dtypes: list[str] = []
        for node in graph.nodes:
            self.names[node.layer.within].add(node.layer.name)
            before = self.dtypes[node.inputs[0].node] if node.inputs else "float32"
            own = (each.dtype for each in node.layer.weights if "float" in each.dtype)
            self.dtypes.append(next(own, before))

    def block_at(self, site: Site, spec: Spec) -> Block:
        """Return a block at a site, under names that are free."""
        within = self.graph.nodes[site.yields.node].layer.within
        prefix = stem = self.stem(site, spec)
        again = 0
        there = self.names[within]
        while True:
            traced = self.trace(site, spec, prefix)
            charge(len(traced.graph.nodes))
            names = {node.layer.name for node in traced.graph.nodes[1:]}
            given = {
                name: prefix + name.removeprefix(traced.prefix)
                for name in names
                if name.startswith(traced.prefix)
            }
            if there.isdisjoint(given.values()):
                break
            again += 1
            prefix = f"{stem}_{again}"
        charge(SITE + STANDING * len(traced.graph.nodes))
        there.update(given.values())
        renamed = there.free(names - given.keys())
        final = {**given, **renamed}
        batch = self.graph.shape_of(site.takes)[0]
        dtype = self.dtypes[site.takes.node]
        layers: dict[int, Layer] = {}

        def layer_of(layer: Layer) -> Layer:
            if id(layer) not in layers:
                layers[id(layer)] = layer._replace(
                    name=final.get(layer.name, layer.name),
                    weights=tuple([weight._replace(dtype=dtype) for weight in layer.weights]),
                    within=within,
                )
            return layers[id(layer)]

        def shapes_of(shapes: Sequence[Shape]) -> tuple[Shape, ...]:
            return tuple([(batch, *shape[1:]) for shape in shapes])

        nodes = [
            node._replace(
                layer=layer_of(node.layer),
                input_shapes=shapes_of(node.input_shapes),
                output_shapes=shapes_of(node.output_shapes),
            )
            for node in traced.graph.nodes
        ]
        return Block(site, prefix, Graph(nodes, traced.graph.outputs), renamed)

    def misfit(self, site: Site, spec: Spec) -> str | None:
        """Return why a block does not fit a site; None where it does."""
        try:
            self.trace(site, spec, self.stem(site, spec))
        except (BadOption, BadShape) as error:
            return str(error)
        return None

    def stem(self, site: Site, spec: Spec) -> str:
        """Return how the names begin of a block at a site, where that is free."""
        behind = self.graph.nodes[site.yields.node]
        return f"{prefix_of(behind)}_{prefix_text(spec.block.name)}"

    def trace(self, site: Site, spec: Spec, prefix: str) -> Traced:
        """Return a block on the shape of a site, whose names begin with a prefix, or as it says.

        On each shape it is traced once: with another prefix it is the same, but where code of
        others is asked, that may do anything with a name.
        """
        key = spec.text, site.shape
        if key in self.traced:
            return self.traced[key]
        charge(TRACING)
        try:
            graph = graph_of(spec.block.build, site.shape, **spec.given, **named(spec, prefix))
        except AttnError as error:
            raise type(error)(f"{spec.text} at {site.name}: {error}") from None
        charge(TRACING * len(graph.nodes))
        traced = Traced(graph, prefix)
        if not spec.block.is_own:
            self.traced[key] = traced
        return traced


def named(spec: Spec, prefix: str) -> dict[str, str]:
    """Return the argument that names a block's layers; none where it is one that takes none."""
    takes = "name" in inspect.signature(spec.block.function).parameters
    return {"name": prefix} if takes else {}


def prefix_text(name: str) -> str:
    """Return a name as a part of a layer's name: Keras takes no slash, and a block only letters."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "_", name.rpartition(".py:")[2]).lstrip("_.-") or "block"


def prefix_of(node: Node) -> str:
    """Return the name of a call, without the models that it stands in, as a layer's name."""
    return prefix_text(f"{node.layer.name}_{node.call}" if node.call else node.layer.name)


def counted(name: str) -> tuple[str, int]:
    """Return a name that Keras gave, as what it counts and how far: `mean_2` is ("mean", 2)."""
    base, _, number = name.rpartition("_")
    return (base, int(number)) if base and number.isdecimal() else (name, 0)
