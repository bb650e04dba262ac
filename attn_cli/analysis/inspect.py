"""A saved model as it is inspected: what it is, what it costs, and the attention in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from attn_cli.account import one_account
from attn_cli.analysis.find import Attention, Hidden, attention_params, search
from attn_cli.analysis.gates import UNNAMED
from attn_cli.analysis.guess import Guess, guess_attention
from attn_cli.cost import GraphCost, graph_cost
from attn_cli.showing import Small, one, several, shown_small
from attn_cli.sources.saved import read_model
from attn_cli.text import shown

if TYPE_CHECKING:
    from attn_cli.graph import Shape
    from attn_cli.sources.saved import Model


@shown_small
class Inspection(NamedTuple):
    """What a file holds. `cost` and `params` are None where the file does not tell the layers.

    `blocks` are the attention blocks that have a name, `unnamed` other gates, `hidden` what would
    be blocks if the layers in them could be read, and `guesses` what only the weights of a custom
    layer suggest: of these, only blocks count. `unread` are the types of the layers that cannot be
    read, and how many there are.
    """

    file: str
    model: Model
    cost: GraphCost | None
    blocks: tuple[Attention, ...]
    unnamed: tuple[Attention, ...]
    hidden: tuple[Hidden, ...]
    unread: tuple[tuple[str, int], ...]
    guesses: tuple[Guess, ...]
    params: int | None

    def _small(self) -> Small:
        """Show the model in a line, and a row for each attention block."""
        rows = [
            (block.kind, block.path, block.channels, block.width or "", block.params, block.macs)
            for block in self.blocks
        ]
        apart = [(self.unnamed, "unnamed"), (self.hidden, "hidden"), (self.guesses, "guessed")]
        told = [f"{len(found)} {word}" for found, word in apart if found]
        named = f"{several(len(self.blocks), 'attention block')}, {one(self.params, 'params')}"
        return Small(
            f"{self.file}  {self.model!r}",
            ("kind", "at", "channels", "width", "params", "MACs"),
            rows,
            "; ".join([named, *told]),
        )

    @property
    def share(self) -> float | None:
        """The part of the model's params that are attention's; None where unknown."""
        return None if self.params is None else self.share_of(self.params)

    def share_of(self, params: int) -> float | None:
        """Return the part of the model's params that these are; None where some are unknown."""
        total = self.model.total
        return params / total if total and not self.model.at_least else None

    @property
    def macs(self) -> int | None:
        """Multiply-accumulates of the model, None where unknown."""
        return None if self.cost is None else self.cost.macs

    @property
    def flops(self) -> int | None:
        """FLOPs of the model, None where unknown."""
        return None if self.cost is None else self.cost.flops


def inspect_file(path: str, input_shape: Shape | None = None) -> Inspection:
    """Return what a saved model is and which attention blocks it has; nothing of it is run.

    Raises BadFile, with its name, where it cannot be read, and BadShape where it does not take the
    input that it is asked at.
    """
    file = shown(path)
    with one_account(file):
        return inspect(file, read_model(path, input_shape=input_shape))


def inspect(file: str, model: Model) -> Inspection:
    """Return what a saved model is and which attention blocks it has.

    Raises BadFile, with its name, where that takes more than a model of its size may.
    """
    graph = model.graph
    if graph is None:
        return Inspection(file, model, None, (), (), (), (), (), None)
    with one_account(file):
        found, hidden, unread = search(graph)
    blocks = tuple([block for block in found if block.kind != UNNAMED])
    return Inspection(
        file=file,
        model=model,
        cost=graph_cost(graph),
        blocks=blocks,
        unnamed=tuple([block for block in found if block.kind == UNNAMED]),
        hidden=hidden,
        unread=unread,
        guesses=guess_attention(graph),
        params=attention_params(graph, blocks),
    )
