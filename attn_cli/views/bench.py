"""How long blocks take, beside what they cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from attn_cli.views.records import figures_record
from attn_cli.views.report import Column, Report, Table, chosen, size_text, time_text
from attn_cli.views.summary import unknown_reasons

if TYPE_CHECKING:
    from collections.abc import Sequence

    from attn_cli.analysis.figures import Figures
    from attn_cli.spec import Spec
    from attn_cli.tf.time import Bench, Timing

COLUMNS = (
    Column("as_given", "block", "name"),
    Column("spec", "spec"),
    Column("params", "params", "int", leaves=1),
    Column("macs", "MACs", "int", leaves=2, missing="?"),
    Column("flops", "FLOPs", "int", leaves=3, missing="?"),
    Column("median_ns", "median", "time", strong=True),
    Column("p5_ns", "5 %", "time", leaves=5),
    Column("p95_ns", "95 %", "time", leaves=4),
)
SHOWN = [column.key for column in COLUMNS if column.key != "spec"]
IDENTITY = "(identity)"


class Timed(NamedTuple):
    """A block that was timed, and its figures."""

    spec: Spec
    figures: Figures


def report(timed: Sequence[Timed], bench: Bench) -> Report:
    """Return the report of a benchmark, a row for each block and the baseline first."""
    rows: list[tuple[Any, ...]] = [(IDENTITY, IDENTITY, 0, 0, 0, *_times(bench.baseline))]
    for each, timing in zip(timed, bench.blocks, strict=True):
        figures = each.figures
        costs = (figures.params.total, figures.macs, figures.flops)
        rows.append((each.spec.as_given, each.spec.text, *costs, *_times(timing)))
    machine, versions = bench.machine, bench.versions
    table = Table(COLUMNS, rows, title=f"{size_text(bench.shape)}, batch {bench.batch}")
    return Report(
        record=lambda: _record(timed, bench),
        rows=table,
        tables=[chosen(table, SHOWN, fixed=False)],
        heading=[
            f"TensorFlow {versions['tensorflow']}, Keras {versions['keras']}, "
            f"{machine['processor'] or machine['architecture']}, {machine['cpus']} CPUs"
        ],
        closing=[
            f"{len(bench.baseline.samples):,} runs of each, in a drawn order, after "
            f"{bench.warmup:,} to warm up; each time includes {time_text(bench.baseline.median)} "
            f"for the call itself, as {IDENTITY} shows, which calculates nothing",
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
                "block": each.spec.block.name,
                "spec": each.spec.text,
                "as_given": each.spec.as_given,
                "options": each.spec.options,
                **figures_record(each.figures),
                **_timing_record(timing),
            }
            for each, timing in zip(timed, bench.blocks, strict=True)
        ],
    }


def _timing_record(timing: Timing) -> dict[str, Any]:
    median, p5, p95 = _times(timing)
    return {"median_ns": median, "p5_ns": p5, "p95_ns": p95, "samples_ns": timing.samples}
