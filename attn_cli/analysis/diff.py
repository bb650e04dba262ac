"""What changed between two models' attention: two lists of blocks in, what became of each out."""

from __future__ import annotations

import re
from itertools import compress
from typing import TYPE_CHECKING, Any, NamedTuple

from attn_cli.account import account, charge
from attn_cli.showing import Small, several, shown_small

if TYPE_CHECKING:
    from collections.abc import Sequence

    from attn_cli.analysis.find import Attention
    from attn_cli.analysis.inspect import Inspection

ADDED, REMOVED, CHANGED, SAME = "added", "removed", "changed", "same"

# What can change of a block, and how much that speaks against its being the same block. To be
# removed and another one added costs 2: what costs less is a change.
FIELDS = {
    "path": 0.6,
    "kind": 0.6,
    "input_shape": 0.2,
    "channels": 0.4,
    "width": 0.2,
    "kernel_size": 0.2,
    "activation": 0.1,
    "gate": 0.1,
}
APART = 2.0
PATH, CHANNELS = [list(FIELDS).index(name) for name in ("path", "channels")]
# What differs of a block that only stands elsewhere among the others.
ORDER = "order"
# A layer that was given no name is called multiply_4, or tf.math.multiply_4 by Keras 2, for the
# order in which it was made: that is no place, and changes with one more block before it.
UNGIVEN = re.compile(r"(^|/)(?:multiply|add|average|maximum|tf\.[\w.]+?)(?:_\d+)?(?=$|:)")
# Above this many pairs, only blocks at the same place are compared.
MAX_PAIRS = 250_000
PAIRING = 2  # steps that it takes to hold one block against another


class Change(NamedTuple):
    """What became of one block, and which of FIELDS differ."""

    status: str
    before: Attention | None
    after: Attention | None
    fields: tuple[str, ...] = ()

    def difference(self, figure: str) -> int | None:
        """Return by how much a figure grew; None where one of the two is unknown."""
        before, after = [
            0 if block is None else getattr(block, figure) for block in (self.before, self.after)
        ]
        return None if before is None or after is None else after - before


class Total(NamedTuple):
    """A figure of both models; None where unknown."""

    before: int | None
    after: int | None

    @property
    def difference(self) -> int | None:
        """By how much it grew; None where one of the two is unknown."""
        if self.before is None or self.after is None:
            return None
        return self.after - self.before


@shown_small
class Diff(NamedTuple):
    """Two models: what became of each block, and the totals of their attention and of the whole."""

    before: Inspection
    after: Inspection
    changes: tuple[Change, ...]
    attention: dict[str, Total]
    model: dict[str, Total]

    def _small(self) -> Small:
        """Show a row for each block that is not the same."""
        rows: list[tuple[str | int | None, ...]] = []
        for change in self.changes:
            block = change.after or change.before
            if block and change.status != SAME:
                costs = (change.difference("params"), change.difference("macs"))
                rows.append(
                    (change.status, block.kind, block.path, ", ".join(change.fields), *costs)
                )
        same = sum(change.status == SAME for change in self.changes)
        return Small(
            f"{self.before.file} → {self.after.file}",
            ("what", "kind", "at", "of it", "params", "MACs"),
            rows,
            f"{several(same, 'block')} the same",
        )

    @property
    def is_different(self) -> bool:
        """Whether anything differs: a block, or a total."""
        totals = [*self.attention.values(), *self.model.values()]
        return any(change.status != SAME for change in self.changes) or any(
            total.before != total.after for total in totals
        )


def diff(before: Inspection, after: Inspection) -> Diff:
    """Return what changed from one model to another.

    Raises BadFile where that takes more than models of their sizes may.
    """
    both = before, after
    graphs = [each.model.graph for each in both]
    with account(sum([graph.size for graph in graphs if graph]), "comparing their attention"):
        changes = match(*[_in_order(each) for each in both])
    return Diff(
        before,
        after,
        changes,
        {
            "count": Total(*[len(each.blocks) for each in both]),
            "params": Total(*[None if each.model.at_least else each.params for each in both]),
            "macs": Total(*[_sum(each.blocks, "macs") for each in both]),
            "flops": Total(*[_sum(each.blocks, "flops") for each in both]),
        },
        {
            "params": Total(*[None if each.model.at_least else each.model.total for each in both]),
            "bytes": Total(*[None if each.model.at_least else each.model.bytes for each in both]),
            "macs": Total(before.macs, after.macs),
            "flops": Total(before.flops, after.flops),
        },
    )


def match(before: Sequence[Attention], after: Sequence[Attention]) -> tuple[Change, ...]:
    """Return what became of each block, in the order of the models.

    Blocks keep their order, and are paired so that as little as possible changes. One that is taken
    away in one place and put back under its own name in another has changed its place.
    """
    alike = [_values(block) for block in before], [_values(block) for block in after]
    start = 0
    while start < min(len(before), len(after)) and alike[0][start] == alike[1][start]:
        start += 1
    end = 0
    while end < min(len(before), len(after)) - start and alike[0][-1 - end] == alike[1][-1 - end]:
        end += 1
    pairs: list[tuple[Attention | None, Attention | None]] = [
        *zip(before[:start], after[:start], strict=True),
        *_aligned(before[start : len(before) - end], after[start : len(after) - end]),
        *zip(before[len(before) - end :], after[len(after) - end :], strict=True),
    ]
    in_order = set(pairs)
    return tuple([_change(*pair, in_order=pair in in_order) for pair in _moved(pairs)])


def changed(before: Attention, after: Attention) -> tuple[str, ...]:
    """Return which of FIELDS differ."""
    pairs = zip(FIELDS, _values(before), _values(after), strict=True)
    return tuple([name for name, one, other in pairs if one != other])


def _values(block: Attention) -> tuple[Any, ...]:
    """Return what FIELDS say of a block, a name that was not given being none."""
    return (
        UNGIVEN.sub(r"\1", block.path),
        *[getattr(block, name) for name in FIELDS if name != "path"],
    )


def _apart(before: Sequence[Any], after: Sequence[Any]) -> float:
    """Return how much speaks against two blocks' being the same one, by what FIELDS say of them."""
    differing = [one != other for one, other in zip(before, after, strict=True)]
    if differing[PATH] and differing[CHANNELS]:
        return 2 * APART
    return sum(compress(FIELDS.values(), differing))


def _aligned(before: Sequence[Attention], after: Sequence[Attention]) -> list[Any]:
    """Pair blocks in their order, with the least that changes."""
    if len(before) * len(after) > MAX_PAIRS:
        return _by_path(before, after)
    charge(PAIRING * len(before) * len(after))
    # costs[i][j]: of the blocks from i and from j on.
    rows, columns = len(before), len(after)
    values = [[_values(block) for block in blocks] for blocks in (before, after)]

    def distance(i: int, j: int) -> float:
        apart = _apart(values[0][i], values[1][j])
        # Of two that are alike, the one with the very same name.
        return apart if before[i].path == after[j].path else apart + 0.01

    costs = [
        [APART / 2 * (rows - i + columns - j) for j in range(columns + 1)] for i in range(rows + 1)
    ]
    for i in reversed(range(rows)):
        for j in reversed(range(columns)):
            costs[i][j] = min(
                costs[i + 1][j] + APART / 2,
                costs[i][j + 1] + APART / 2,
                costs[i + 1][j + 1] + distance(i, j),
            )
    pairs: list[Any] = []
    i = j = 0
    while i < rows and j < columns:
        if costs[i][j] == costs[i + 1][j + 1] + distance(i, j):
            pairs.append((before[i], after[j]))
            i, j = i + 1, j + 1
        elif costs[i][j] == costs[i + 1][j] + APART / 2:
            pairs.append((before[i], None))
            i += 1
        else:
            pairs.append((None, after[j]))
            j += 1
    return pairs + [(block, None) for block in before[i:]] + [(None, block) for block in after[j:]]


def _by_path(before: Sequence[Attention], after: Sequence[Attention]) -> list[Any]:
    there = {block.path: block for block in after}
    paired = [(block, there.pop(block.path, None)) for block in before]
    return [*paired, *[(None, block) for block in there.values()]]


def _moved(pairs: Sequence[Any]) -> list[Any]:
    """Join what was removed in one place and added under the same name in another."""
    removed = {before.path: before for before, after in pairs if after is None}
    moved = {
        after.path
        for before, after in pairs
        if before is None and after.path in removed and after.kind == removed[after.path].kind
    }
    return [
        (removed[after.path], after) if before is None and after.path in moved else (before, after)
        for before, after in pairs
        if not (after is None and before.path in moved)
    ]


def _change(before: Attention | None, after: Attention | None, *, in_order: bool) -> Change:
    if before is None:
        return Change(ADDED, None, after)
    if after is None:
        return Change(REMOVED, before, None)
    fields = (*changed(before, after), *(() if in_order else (ORDER,)))
    return Change(CHANGED if fields else SAME, before, after, fields)


def _in_order(inspection: Inspection) -> list[Attention]:
    """Return all gates, also those of no kind that has a name: a block can become one."""
    return sorted([*inspection.blocks, *inspection.unnamed], key=lambda block: block.nodes[-1])


def _sum(blocks: Sequence[Attention], figure: str) -> int | None:
    values = [getattr(block, figure) for block in blocks]
    return None if None in values else sum(values)
