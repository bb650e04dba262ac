"""How long blocks take, beside what they cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from attn_cli.views.records import figures_record
from attn_cli.views.report import Column, Report, Table, size_text, time_text
from attn_cli.views.summary import unknown_reasons

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from attn_cli.analysis.figures import Figures
    from attn_cli.tf.time import Bench, Timing

COLUMNS = (
    Column("spec", "block", "name"),
    Column("params", "params", "int", leaves=3),
    Column("macs", "MACs", "int", leaves=2, missing="?"),
    Column("flops", "FLOPs", "int", leaves=1, missing="?"),
    Column("median_ns", "median", "time", strong=True),
    Column("p5_ns", "5 %", "time", leaves=5),
    Column("p95_ns", "95 %", "time", leaves=4),
)
IDENTITY = "(identity)"


class Timed(NamedTuple):
    """A block that was timed, and its figures."""

    block: str
    spec: str
    options: Mapping[str, Any]
    figures: Figures


def report(timed: Sequence[Timed], bench: Bench) -> Report:
    """Return the report of a benchmark, a row for each block and the baseline first."""
    rows: list[tuple[Any, ...]] = [(IDENTITY, 0, 0, 0, *_times(bench.baseline))]
    for each, timing in zip(timed, bench.blocks, strict=True):
        figures = each.figures
        row = (each.spec, figures.params.total, figures.macs, figures.flops, *_times(timing))
        rows.append(row)
    machine, versions = bench.machine, bench.versions
    table = Table(COLUMNS, rows, title=f"{size_text(bench.shape)}, batch {bench.batch}")
    return Report(
        record=lambda: _record(timed, bench),
        rows=table,
        tables=[table],
        heading=[
            f"TensorFlow {versions['tensorflow']}, Keras {versions['keras']}, "
            f"{machine['processor'] or machine['architecture']}, {machine['cpus']} CPUs"
        ],
        closing=[
            f"{len(bench.baseline.samples):,} runs of each, in a drawn order, after "
            f"{bench.warmup:,} to warm up; of {time_text(bench.baseline.median)} each is the call "
            f"itself: {IDENTITY} calculates nothing",
            *unknown_reasons(each.figures.cost for each in timed),
        ],
    )


def _times(timing: Timing) -> tuple[int, int, int]:
    return timing.median, timing.percentile(5), timing.percentile(95)


def _record(timed: Sequence[Timed], bench: Bench) -> dict[str, Any]:
    return {
        "input_shape": (bench.batch, *bench.shape),
        "batch": bench.batch,
        "warmup": bench.warmup,
        "runs": len(bench.baseline.samples),
        "machine": bench.machine,
        "versions": bench.versions,
        "baseline": _timing_record(bench.baseline),
        "rows": [
            {
                "block": each.block,
                "spec": each.spec,
                "options": dict(each.options),
                **figures_record(each.figures),
                **_timing_record(timing),
            }
            for each, timing in zip(timed, bench.blocks, strict=True)
        ],
    }


def _timing_record(timing: Timing) -> dict[str, Any]:
    median, p5, p95 = _times(timing)
    return {"median_ns": median, "p5_ns": p5, "p95_ns": p95, "samples_ns": timing.samples}
