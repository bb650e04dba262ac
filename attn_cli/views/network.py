"""Blocks in a network: its places, what each block adds there, and the network with it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from attn_cli.analysis.where import WORDS
from attn_cli.showing import several
from attn_cli.views.inspect import asked_text, input_fixes, inputs_text, model_record
from attn_cli.views.records import costs_record, params_record
from attn_cli.views.report import (
    Column,
    Picture,
    Report,
    Table,
    counted,
    size_text,
    with_batch,
)
from attn_cli.views.totals import unknown_lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from attn_cli.analysis.network import (
        AtPlace,
        InNetwork,
        Network,
        NetworkComparison,
        Totals,
    )
    from attn_cli.analysis.places import Chosen, Place
    from attn_cli.views.pictures.vega import Chart

BLOCKS = (
    Column("spec", "block", "name"),
    Column("places", "places", "int"),
    Column("params", "params", "int"),
    Column("trainable", "trainable", "int"),
    Column("non_trainable", "non-trainable", "int"),
    Column("bytes", "bytes", "int"),
    Column("macs", "MACs", "int"),
    Column("flops", "FLOPs", "int"),
    Column("added_params", "params added", "int"),
    Column("added_trainable", "trainable added", "int"),
    Column("added_non_trainable", "non-trainable added", "int"),
    Column("added_bytes", "bytes added", "int"),
    Column("added_macs", "MACs added", "int"),
    Column("added_flops", "FLOPs added", "int"),
    Column("model_input_shape", "model input"),
)
SHOWN = (
    Column("spec", "block", "name"),
    Column("params", "params", "int"),
    Column("added_params", "added", "difference", strong=True),
    Column("params_share", "params change", "change", leaves=3, tells=("params", "added_params")),
    Column("macs", "MACs", "int", leaves=11, missing="?"),
    Column("added_macs", "MACs added", "difference", leaves=2, missing="?"),
    Column(
        "macs_share", "MACs change", "change", leaves=1, missing="?", tells=("macs", "added_macs")
    ),
    Column("flops", "FLOPs", "int", leaves=12, missing="?"),
    Column("added_flops", "FLOPs added", "difference", leaves=10, missing="?"),
)
AT_PLACES = (
    *BLOCKS,
    Column("name", "place", "name"),
    Column("input_shape", "input", "shape"),
    Column("width", "width", "int"),
    Column("kernel_size", "kernel", "int"),
    Column("place_params", "params here", "int"),
    Column("place_macs", "MACs here", "int"),
    Column("place_flops", "FLOPs here", "int"),
)
SHOWN_AT_PLACES = (
    Column("name", "place", "name"),
    Column("input", "input", leaves=2, tells=("input_shape",)),
    Column("width", "width", "int", leaves=3),
    Column("kernel_size", "kernel", "int", leaves=4),
    Column("params", "params", "int", strong=True, tells=("place_params",)),
    Column("macs", "MACs", "int", leaves=1, missing="?", tells=("place_macs",)),
    Column("flops", "FLOPs", "int", leaves=10, missing="?", tells=("place_flops",)),
)
PLACES = (
    Column("name", "place", "name"),
    Column("is", "is"),
    Column("input_shape", "input", "shape"),
    Column("there", "there"),
)
SHOWN_PLACES = (
    Column("name", "place", "name"),
    Column("is", "is", leaves=1),
    Column("input", "input", tells=("input_shape",)),
    Column("there", "there", leaves=2),
)


def report(comparison: NetworkComparison, each: bool) -> Report:
    """Return the report of a network with blocks; `each` shows every place in a row."""
    network = comparison.network
    tables = [_shown(comparison)]
    if each:
        tables += [
            Table(SHOWN_AT_PLACES, list(map(_at_place, block.places)), title=block.spec)
            for block in comparison.blocks
            if block.places
        ]
    heading, closing = [network_line(network), places_line(comparison.chosen)], _closing(comparison)
    return Report(
        record=lambda: {
            **network_record(network, comparison.chosen),
            "before": costs_record(comparison.before),
            "blocks": [_block(block) for block in comparison.blocks],
        },
        rows=lambda: _rows_of_places(comparison) if each else _rows(comparison),
        tables=tables,
        heading=heading,
        closing=closing,
        picture=Picture("chart", lambda: _chart(comparison, [*heading, *closing])),
    )


def _chart(comparison: NetworkComparison, notes: Sequence[str]) -> Chart:
    from attn_cli.views.pictures.compare import of_network

    return of_network(comparison, notes)


def places_report(network: Network, places: Sequence[Place]) -> Report:
    """Return the report of the places that a network has."""
    counts = Counter(word for place in places for word in place.words)
    rows = [
        (place.name, ", ".join(place.words) or None, with_batch(place.shape), place.there)
        for place in places
    ]
    shown = [
        (place.name, ", ".join(place.words), size_text(place.shape), place.there or "")
        for place in places
    ]
    found = ", ".join(f"{counts[word]} {word}" for word in _ordered(counts))
    heading = [network_line(network)]
    closing = [
        f"{found}; --at takes these words, names and patterns"
        if found
        else "no place has a word (residual, stage, …); --at takes names and patterns",
        *[f"no block can go to {p.name}: {p.problem}" for p in places if p.problem],
    ]
    return Report(
        record=lambda: {
            **network_record(network),
            "places": [
                {
                    **place_record(place),
                    "is": list(place.words),
                    "there": place.there,
                    "problem": place.problem,
                }
                for place in places
            ],
        },
        rows=lambda: Table(PLACES, rows),
        tables=[Table(SHOWN_PLACES, shown)] if places else [],
        heading=heading,
        closing=closing,
        picture=Picture("chart", lambda: _strip(network, places, heading, closing)),
    )


def _strip(
    network: Network, places: Sequence[Place], heading: Sequence[str], notes: Sequence[str]
) -> Chart:
    from attn_cli.views.pictures.networks import of_places

    return of_places(network, places, heading, notes)


def _ordered(words: Iterable[str]) -> list[str]:
    """Return words of the vocabulary in its order, and blocks' names at its end."""
    words = [*words]
    return [word for word in WORDS if word in words] + [word for word in words if word not in WORDS]


def network_line(network: Network) -> str:
    """Return what a network is and costs, in a line."""
    params = counted(network.graph.params.total, "params")
    text = f"{network.file}{asked_text(network.model)}   {params}"
    for name, figure in (("MACs", network.cost.macs), ("FLOPs", network.cost.flops)):
        if figure is not None:
            text += f"; {counted(figure, name)}"
    return text


def places_line(chosen: Chosen) -> str:
    """Return the places in a line: how many of each size, as they come."""
    sizes = Counter(size_text(place.shape) for place in chosen.places)
    told = ", ".join(f"{count} × ({size})" if count > 1 else size for size, count in sizes.items())
    at = ", ".join(chosen.at)
    usual = " (the usual place, as --at says none)" if chosen.usual else ""
    return f"at {at}{usual}, {several(len(chosen.places), 'place')}: {told}"


def _shown(comparison: NetworkComparison) -> Table:
    """Lay out the network as it is, and with each block."""
    before = comparison.before
    rows: list[tuple[Any, ...]] = [
        ("as it is", before.params.total, "", "", before.macs, "", "", before.flops, "")
    ]
    for block in comparison.blocks:
        after, added = block.after, block.added
        rows.append(
            (
                block.spec,
                after.params.total,
                added.params.total,
                _share(added.params.total, before.params.total),
                after.macs,
                added.macs,
                _share(added.macs, before.macs),
                after.flops,
                added.flops,
            )
        )
    return Table(SHOWN, rows)


def _share(added: int | None, before: int | None) -> float | None:
    return None if added is None or not before else added / before


def _rows(comparison: NetworkComparison) -> Table:
    inputs = inputs_text(comparison.network.model)
    rows = [
        (block.spec, len(block.places), *_figures(block.after), *_figures(block.added), inputs)
        for block in comparison.blocks
    ]
    return Table(BLOCKS, rows)


def _figures(totals: Totals) -> tuple[int | None, ...]:
    params = totals.params
    return (
        params.total,
        params.trainable,
        params.non_trainable,
        totals.bytes,
        totals.macs,
        totals.flops,
    )


def _rows_of_places(comparison: NetworkComparison) -> Table:
    rows = [
        (
            *totals,
            each.place.name,
            with_batch(each.place.shape),
            each.figures.width,
            each.figures.kernel_size,
            each.figures.params.total,
            each.figures.macs,
            each.figures.flops,
        )
        for block, totals in zip(comparison.blocks, _rows(comparison).rows, strict=True)
        for each in block.places
    ]
    return Table(AT_PLACES, rows)


def _at_place(each: AtPlace) -> tuple[Any, ...]:
    figures = each.figures
    return (
        each.place.name,
        size_text(each.place.shape),
        figures.width,
        figures.kernel_size,
        figures.params.total,
        figures.macs,
        figures.flops,
    )


def _closing(comparison: NetworkComparison) -> list[str]:
    lines = [
        f"{block.spec} is left out at {name}: {reason.partition(f' at {name}: ')[2] or reason}"
        for block in comparison.blocks
        for name, reason in block.misfits
    ]
    reasons = [*unknown_lines(comparison.network.cost, input_fixes(comparison.network.model))]
    return [*lines, *reasons, *[f"warning: {w}" for w in comparison.network.model.warnings]]


def network_record(network: Network, chosen: Chosen | None = None) -> dict[str, Any]:
    """Return what a network is, and which of its places are chosen."""
    record: dict[str, Any] = {"file": network.file, "model": model_record(network.model)}
    if chosen is not None:
        record["at"] = list(chosen.at)
        record["places"] = [place_record(place) for place in chosen.places]
    return record


def place_record(place: Place) -> dict[str, Any]:
    """Return a place of a network."""
    return {"name": place.name, "input_shape": with_batch(place.shape)}


def _block(block: InNetwork) -> dict[str, Any]:
    return {
        "spec": block.spec,
        "added": costs_record(block.added),
        "after": costs_record(block.after),
        "places": [
            {
                "name": each.place.name,
                "width": each.figures.width,
                "kernel_size": each.figures.kernel_size,
                "params": params_record(each.figures.params),
                "macs": each.figures.macs,
                "flops": each.figures.flops,
            }
            for each in block.places
        ],
        "misfits": [{"name": name, "reason": reason} for name, reason in block.misfits],
    }
