"""What blocks cost in a network: as it is, and with each of them at its places."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from attn_cli.account import one_account
from attn_cli.analysis.figures import Figures, figures
from attn_cli.analysis.places import choose_places, text_of
from attn_cli.cost import GraphCost, graph_cost
from attn_cli.errors import BadFile, BadOption, BadShape
from attn_cli.graph import Params
from attn_cli.showing import Small, one, shown_small
from attn_cli.sources.saved import OPAQUE, read_model
from attn_cli.splice import misfits, splice
from attn_cli.text import shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from attn_cli.analysis.places import Chosen, Place
    from attn_cli.graph import Graph, Shape
    from attn_cli.sources.saved import Model
    from attn_cli.spec import Spec


class Network(NamedTuple):
    """A model whose layers are known, and what it costs.

    `asked` is whether that is for an input that it was asked at, in place of its own.
    """

    file: str
    model: Model
    graph: Graph
    cost: GraphCost
    asked: bool = False

    def __repr__(self) -> str:
        """Show what it is, and costs, in a line; its graph tells the rest."""
        costs = f"{one(self.cost.macs, 'MACs')}, {one(self.cost.flops, 'FLOPs')}"
        return f"<Network {self.file}: {self.model!r}, {costs}>"


class Totals(NamedTuple):
    """What a network costs, or what a block adds to it; None where unknown."""

    params: Params
    bytes: int
    macs: int | None
    flops: int | None


class AtPlace(NamedTuple):
    """A block at one place."""

    place: Place
    figures: Figures


class InNetwork(NamedTuple):
    """A network with a block at its places; `misfits` are those that it does not fit, and why."""

    spec: str
    added: Totals
    after: Totals
    cost: GraphCost
    places: tuple[AtPlace, ...]
    misfits: tuple[tuple[str, str], ...] = ()


@shown_small
class NetworkComparison(NamedTuple):
    """A network as it is, and with each block at the chosen places."""

    network: Network
    chosen: Chosen
    before: Totals
    blocks: tuple[InNetwork, ...]

    def _small(self) -> Small:
        """Show a row for the network as it is, and for each block in it."""
        rows = [
            ("as it is", self.before, 0),
            *((b.spec, b.after, len(b.places)) for b in self.blocks),
        ]
        return Small(
            f"{self.network.file} at {', '.join(self.chosen.at)}",
            ("block", "places", "params", "MACs", "FLOPs"),
            [
                (name, places, totals.params.total, totals.macs, totals.flops)
                for name, totals, places in rows
            ],
        )


def read_network(path: str, input_shape: Shape | None = None) -> Network:
    """Return what a model is and costs, on its own input or on one that it is asked at.

    Raises BadFile, with its name, where that is not told, and BadShape where it does not take the
    input.
    """
    name, model = shown(path), read_model(path, input_shape=input_shape)
    if model.graph is None:
        opaque = OPAQUE in model.warnings
        why = OPAQUE if opaque else "the file does not tell the layers, only their weights"
        raise BadFile(f"{name}: {why}")
    return Network(name, model, model.graph, graph_cost(model.graph), input_shape is not None)


def compare_in_file(
    path: str,
    specs: Sequence[Spec | None],
    at: Sequence[str] = (),
    skip: Sequence[str] = (),
    input_shape: Shape | None = None,
    *,
    skip_misfits: bool | None = None,
) -> NetworkComparison:
    """Return what each block adds to the network of a file: `read_network`, and `compare_in`."""
    with one_account(shown(path)):
        network = read_network(path, input_shape)
        return compare_in(network, specs, at, skip, skip_misfits=skip_misfits)


def compare_in(
    network: Network,
    specs: Sequence[Spec | None],
    at: Sequence[str] = (),
    skip: Sequence[str] = (),
    *,
    skip_misfits: bool | None = None,
) -> NetworkComparison:
    """Return what each block adds to a network at the chosen places; None takes attention out.

    Raises BadOption or BadShape, with the name of the place that a block does not fit, unless those
    are skipped; that they could be is said where `skip_misfits` is False, and no option where None.
    """
    with one_account(network.file):
        chosen = choose_places(network.graph, specs, at, skip)
        blocks = [_in_network(network, chosen, spec, skip_misfits) for spec in specs]
    return NetworkComparison(network, chosen, totals(network.graph, network.cost), tuple(blocks))


def totals(graph: Graph, cost: GraphCost) -> Totals:
    """Return what a network costs."""
    return Totals(graph.params, graph.bytes, cost.macs, cost.flops)


def _in_network(
    network: Network, chosen: Chosen, spec: Spec | None, skip_misfits: bool | None
) -> InNetwork:
    places = chosen.places
    unfit: list[tuple[str, str]] = []
    if spec is not None and skip_misfits:
        told = misfits(network.graph, [place.site for place in places], spec)
        unfit = [(place.name, told[place.site]) for place in places if place.site in told]
        places = tuple([place for place in places if place.site not in told])
        if not places:
            raise BadShape(f"{unfit[0][1]}; no place is left")
    try:
        spliced = splice(network.graph, [place.site for place in places], spec)
    except (BadOption, BadShape) as error:
        hint = " (--skip-misfits leaves such places out)" if skip_misfits is False else ""
        raise type(error)(f"{error}{hint}") from None
    cost = graph_cost(spliced.graph)
    after = totals(spliced.graph, cost)
    of_site = {place.site: place for place in places}
    return InNetwork(
        spec=text_of(spec),
        added=_added(network, after, spliced.graph, cost),
        after=after,
        cost=cost,
        places=tuple(
            [
                AtPlace(of_site[block.site], figures(block.graph, spec.options if spec else None))
                for block in spliced.blocks
            ]
        ),
        misfits=tuple(unfit),
    )


def _added(network: Network, after: Totals, graph: Graph, cost: GraphCost) -> Totals:
    """Return what is more than before. What is unknown before and after alike does not matter."""
    before = totals(network.graph, network.cost)
    params = Params(*[a - b for a, b in zip(after.params, before.params, strict=True)])
    known = {
        figure: getattr(cost.at_least, figure) - getattr(network.cost.at_least, figure)
        if _unknown(network.graph, figure) == _unknown(graph, figure)
        else None
        for figure in ("macs", "flops")
    }
    return Totals(params, after.bytes - before.bytes, known["macs"], known["flops"])


def _unknown(graph: Graph, figure: str) -> Counter[int]:
    """Return how many calls of each layer have a figure that is unknown, by the layer's id."""
    return Counter([id(node.layer) for node in graph.nodes if getattr(node.cost, figure) is None])
