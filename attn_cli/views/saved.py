"""A block that was saved as a file."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Any

from attn_cli.views.inspect import asked_text, inputs_text, shapes
from attn_cli.views.network import places_line
from attn_cli.views.records import costs_record, params_record
from attn_cli.views.report import Column, Report, Table, counted, size_text, with_batch
from attn_cli.views.totals import params_words

if TYPE_CHECKING:
    from attn_cli.graph import Shape
    from attn_cli.spec import Spec
    from attn_cli.tf.network import SavedNetwork
    from attn_cli.tf.save import Saved

COLUMNS = (
    Column("path", "path"),
    Column("format", "format"),
    Column("bytes", "bytes", "int"),
    Column("params", "params", "int"),
    Column("trainable", "trainable", "int"),
    Column("non_trainable", "non-trainable", "int"),
    Column("seed", "seed", "int"),
    Column("difference", "difference", "number"),
    Column("spec", "spec"),
    Column("as_given", "block"),
    Column("input_shape", "input", "shape"),
)


def report(saved: Saved, spec: Spec, shape: Shape) -> Report:
    """Return the report of a file that was written."""
    params = saved.params
    off = f"outputs off by {saved.difference:.1g}" if saved.difference else "the same outputs"
    row = (
        *(str(saved.path), saved.format, saved.bytes),
        *(params.total, params.trainable, params.non_trainable, saved.seed, saved.difference),
        *(spec.text, spec.as_given, with_batch(shape)),
    )
    return Report(
        record=lambda: _record(saved, spec, shape),
        rows=lambda: Table(COLUMNS, [row]),
        tables=[],
        heading=[f"{saved.path}  {saved.format}, {counted(saved.bytes, 'bytes')}"],
        closing=[
            f"{spec.as_given} on {size_text(shape)}, weights from seed {saved.seed}",
            params_words(params),
            f"loaded again: {off}",
        ],
    )


NETWORK = (
    Column("path", "path"),
    Column("format", "format"),
    Column("bytes", "bytes", "int"),
    Column("params", "params", "int"),
    Column("added_params", "params added", "int"),
    Column("places", "places", "int"),
    Column("quiet", "unmoved", "int"),
    Column("seed", "seed", "int"),
    Column("moved", "moved", "number"),
    Column("difference", "difference", "number"),
    Column("model_input_shape", "model input"),
)


FRESH = "an architecture has no weights of its own: all are fresh"


def network_report(saved: SavedNetwork) -> Report:
    """Return the report of a network that was written with blocks in it."""
    network, block, started = saved.network, saved.block, saved.started
    params = block.after.params
    off = f"outputs off by {saved.difference:.1g}" if saved.difference else "the same outputs"
    row = (
        *(str(saved.path), saved.format, saved.bytes),
        *(params.total, block.added.params.total, len(saved.chosen.places)),
        None if started is None else len(started.quiet),
        *(saved.seed, saved.moved, saved.difference, inputs_text(network.model)),
    )
    return Report(
        record=lambda: _network_record(saved),
        rows=lambda: Table(NETWORK, [row]),
        tables=[],
        heading=[f"{saved.path}  {saved.format}, {saved.bytes:,} bytes"],
        closing=[
            f"{block.spec} in {network.file}{asked_text(network.model)}, "
            f"{places_line(saved.chosen)}",
            f"{params.total:,} params: {block.added.params.total:+,}; seed {saved.seed}",
            *_start_lines(saved),
            f"loaded again: the foretold graph, every weight, {off}",
            *([FRESH] if network.model.format == "json" else []),
            "the optimizer's state is left out: compile the model anew",
        ],
    )


def _start_lines(saved: SavedNetwork) -> list[str]:
    """Return how the network begins: how far its outputs moved, and where and why they did."""
    moved = f"{saved.moved:.2g}" if saved.moved else "0"
    moved_line = f"against the network before, run op by op: max difference {moved}"
    return [moved_line, *(saved.started.lines() if saved.started else ())]


def _network_record(saved: SavedNetwork) -> dict[str, Any]:
    started = saved.started
    return {
        "path": str(saved.path),
        "format": saved.format,
        "bytes": saved.bytes,
        "file": saved.network.file,
        "inputs": shapes(saved.network.model.graph, inputs=True),
        "spec": saved.block.spec,
        "at": list(saved.chosen.at),
        "places": [place.name for place in saved.chosen.places],
        "added": costs_record(saved.block.added),
        "params": params_record(saved.block.after.params),
        "seed": saved.seed,
        "start": saved.start,
        "fresh": [
            {"name": name, "reason": why} for name, why in (started.moving if started else ())
        ],
        "moved": saved.moved if isfinite(saved.moved) else None,
        "difference": saved.difference,
    }


def _record(saved: Saved, spec: Spec, shape: Shape) -> dict[str, Any]:
    return {
        "path": str(saved.path),
        "format": saved.format,
        "bytes": saved.bytes,
        "spec": spec.text,
        "as_given": spec.as_given,
        "input_shape": with_batch(shape),
        "params": params_record(saved.params),
        "seed": saved.seed,
        "difference": saved.difference,
    }
