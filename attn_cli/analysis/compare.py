"""Many blocks on many shapes, side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from attn_cli.analysis.entry import Entry, entry
from attn_cli.analysis.figures import FIGURES
from attn_cli.errors import BadArgument, BadOption, BadSpec, did_you_mean
from attn_cli.graph import Params
from attn_cli.showing import Small, shown_small
from attn_cli.sources.block import warn_of
from attn_cli.spec import Place, Spec, parse_place, spec_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from attn_cli.graph import Shape


class Row(NamedTuple):
    """An entry against the baseline on the same input; no factor where the baseline has none."""

    entry: Entry
    difference: int
    factor: float | None


class Total(NamedTuple):
    """A block over all places of all inputs: every place has a block of its own."""

    block: str
    spec: str
    as_given: str
    places: int
    params: Params
    bytes: int
    macs: int | None
    flops: int | None
    difference: int
    factor: float | None


@shown_small
class Comparison(NamedTuple):
    """The rows, one input after the other, and a total for each block."""

    baseline: Spec
    rows: list[Row]
    totals: list[Total]

    def _small(self) -> Small:
        """Show a row for each block on each input."""
        rows = []
        for each, difference, _ in self.rows:
            figures, on = each.figures, Place(each.shape, each.places).text
            counts = (figures.params.total, difference, figures.macs, figures.flops)
            rows.append((each.as_given, on, *counts))
        return Small(
            f"Comparison with {self.baseline.as_given}",
            ("block", "on", "params", "difference", "MACs", "FLOPs"),
            rows,
        )


def compare(
    specs: Sequence[Spec | str],
    places: Sequence[Place | Shape | str],
    *,
    baseline: Spec | str | None = None,
    sort: str | None = None,
) -> Comparison:
    """Compare blocks on inputs, each with the baseline or else with the first block.

    A place is a shape (H, W, C), or a text that may carry a count. A baseline that is not among the
    blocks goes in front of them. `sort` is a key of SORT_KEYS, with a `-` in front for the largest
    first.

    >>> places = ["3@56,56,256", "4@28,28,512", "6@14,14,1024", "3@7,7,2048"]  # ResNet-50
    >>> [total.params.total for total in compare(["se:ratio=16", "eca"], places).totals]
    [2530992, 86]

    Raises BadSpec, BadShape or BadOption, which names the block and the input, and BadArgument
    where these are no lists of blocks and places. Warns of a shape that looks like C,H,W.
    """
    blocks = [spec_of(each) for each in _listed("blocks", specs, "['se:ratio=16', 'eca']")]
    inputs = []
    for given in _listed("places", places, "['56,56,256', (7, 7, 2048)]"):
        inputs.append(place := _place(given))
        if place is not given:
            warn_of(place.shape)
    key = (sort or "").removeprefix("-")
    if sort is not None and key not in SORT_KEYS:
        near = did_you_mean(key, SORT_KEYS)
        raise BadOption(f"no sort key is called {key!r}{near} ({', '.join(SORT_KEYS)})")
    if not blocks or not inputs:
        raise BadSpec("a comparison takes a block and a shape at least")
    first = 0
    if baseline is not None:
        against = spec_of(baseline)
        texts = [spec.text for spec in blocks]
        if against.text in texts:
            first = texts.index(against.text)
        else:
            blocks.insert(0, against)
    rows: list[Row] = []
    entries = [[entry(spec, place) for spec in blocks] for place in inputs]
    for same_input in entries:
        base = same_input[first].figures.params.total
        compared = [Row(each, *_against(each.figures.params.total, base)) for each in same_input]
        rows += compared if sort is None else sorted_by(sort, compared)
    totals = [_total(of_block) for of_block in zip(*entries, strict=True)]
    base = totals[first].params.total
    totals = [
        total._replace(difference=difference, factor=factor)
        for total in totals
        for difference, factor in [_against(total.params.total, base)]
    ]
    return Comparison(blocks[first], rows, totals)


def _listed(what: str, given: Sequence[Any], example: str) -> Sequence[Any]:
    """Return a list that is one: a text is a sequence too, of letters."""
    if isinstance(given, (str, Spec, Place)) or not hasattr(given, "__iter__"):
        raise BadArgument(f"{what} are a list, as in {example}, not {given!r}")
    return given


def _place(given: Place | Shape | str) -> Place:
    if isinstance(given, str):
        return parse_place(given)
    if isinstance(given, Place):
        return given
    if isinstance(given, (tuple, list)):
        return parse_place(",".join(map(str, given)))
    raise BadArgument(f"a place is a shape, as in (56, 56, 256) or '3@56,56,256', not {given!r}")


def _against(params: int, baseline: int) -> tuple[int, float | None]:
    """Return the difference in parameters and the factor; None where the baseline has none."""
    return params - baseline, params / baseline if baseline else None


SORT_KEYS = ("spec", "params", "trainable", "bytes", "macs", "flops", "width", "kernel_size")


def sorted_by(sort: str, rows: list[Row]) -> list[Row]:
    """Return rows in the order of a figure; those without it come last."""
    key = sort.removeprefix("-")

    def value(row: Row) -> Any:
        if key == "spec":
            return row.entry.as_given
        return FIGURES[key](row.entry.figures)

    known = [row for row in rows if value(row) is not None]
    unknown = [row for row in rows if value(row) is None]
    return sorted(known, key=value, reverse=sort.startswith("-")) + unknown


def _total(entries: Sequence[Entry]) -> Total:
    first = entries[0]
    return Total(
        block=first.block,
        spec=first.spec,
        as_given=first.as_given,
        places=sum(entry.places for entry in entries),
        params=Params(
            *[
                sum(entry.places * entry.figures.params[kind] for entry in entries)
                for kind in range(3)
            ]
        ),
        bytes=sum(entry.places * entry.figures.bytes for entry in entries),
        macs=_sum([(entry.places, entry.figures.macs) for entry in entries]),
        flops=_sum([(entry.places, entry.figures.flops) for entry in entries]),
        difference=0,
        factor=None,
    )


def _sum(terms: Sequence[tuple[int, int | None]]) -> int | None:
    """Add up places × figure; unknown where one figure is."""
    result = 0
    for places, figure in terms:
        if figure is None:
            return None
        result += places * figure
    return result
