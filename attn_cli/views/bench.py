"""How long blocks take, beside what they cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from attn_cli.views.network import network_line, network_record, places_line
from attn_cli.views.records import costs_record, figures_record
from attn_cli.views.report import Column, Report, Table, chosen, size_text, time_text
from attn_cli.views.totals import unknown_reasons

if TYPE_CHECKING:
    from collections.abc import Sequence

    from attn_cli.analysis.figures import Figures
    from attn_cli.analysis.network import NetworkComparison
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
IN_NETWORK = (
    *COLUMNS[:2],
    Column("added_params", "params added", "difference", leaves=1),
    Column("added_macs", "MACs added", "difference", leaves=2, missing="?"),
    Column("added_flops", "FLOPs added", "difference", leaves=3, missing="?"),
    Column("median_ns", "median", "time"),
    Column("p5_ns", "5 %", "time", leaves=6),
    Column("p95_ns", "95 %", "time", leaves=5),
    Column("slower_ns", "slower by", "time", strong=True),
    Column("share", "change", "change", leaves=4),
    Column("slower_runs", "slower in", "int", leaves=7),
)
IN_NETWORK_SHOWN = [column.key for column in IN_NETWORK if column.key != "spec"]
AS_IT_IS = "as it is"


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
    table = Table(COLUMNS, rows, title=f"{size_text(bench.shape)}, batch {bench.batch}")
    return Report(
        record=lambda: _record(timed, bench),
        rows=lambda: table,
        tables=[chosen(table, SHOWN, fixed=False)],
        heading=[_machine_line(bench)],
        closing=[
            f"{_runs(bench)}; each time includes {time_text(bench.baseline.median)} "
            f"for the call itself, as {IDENTITY} shows, which calculates nothing",
            *unknown_reasons(each.figures.cost for each in timed),
        ],
    )


def network_report(
    compared: NetworkComparison, specs: Sequence[Spec | None], bench: Bench
) -> Report:
    """Return the report of a network that was timed as it is, and with each block."""
    baseline = bench.baseline
    rows: list[tuple[Any, ...]] = [
        (AS_IT_IS, AS_IT_IS, None, None, None, *_times(baseline), None, None, None)
    ]
    for spec, block, timing in zip(specs, compared.blocks, bench.blocks, strict=True):
        added, slower = block.added, timing - baseline
        rows.append(
            (
                *(block.spec if spec is None else spec.as_given, block.spec),
                *(added.params.total, added.macs, added.flops),
                *(*_times(timing), slower.median, slower.median / baseline.median),
                _positive(slower),
            )
        )
    shown = [
        tuple(["" if value is None and row is rows[0] else value for value in row]) for row in rows
    ]
    table = Table(IN_NETWORK, shown, title=f"{size_text(bench.shape)}, batch {bench.batch}")
    return Report(
        record=lambda: {
            **network_record(compared.network, compared.chosen),
            **_bench_record(bench),
            "rows": [
                {
                    "spec": block.spec,
                    "added": costs_record(block.added),
                    **_timing_record(timing),
                    "slower_ns": (timing - baseline).median,
                    "share": (timing - baseline).median / baseline.median,
                    "slower_runs": _positive(timing - baseline),
                }
                for block, timing in zip(compared.blocks, bench.blocks, strict=True)
            ],
        },
        rows=lambda: Table(IN_NETWORK, rows),
        tables=[chosen(table, IN_NETWORK_SHOWN, fixed=False)],
        heading=[
            network_line(compared.network),
            places_line(compared.chosen),
            _machine_line(bench),
        ],
        closing=[
            f"{_runs(bench)}; slower than the network as it is: by so much in the middle, each run "
            f"against its own, and in so many of them",
            *unknown_reasons(
                block.cost
                for block in compared.blocks
                if None in (block.added.macs, block.added.flops)
            ),
        ],
    )


def _positive(timing: Timing) -> int:
    return sum(sample > 0 for sample in timing.samples)


def _machine_line(bench: Bench) -> str:
    machine, versions = bench.machine, bench.versions
    return (
        f"TensorFlow {versions['tensorflow']}, Keras {versions['keras']}, "
        f"{machine['processor'] or machine['architecture']}, {machine['cpus']} CPUs"
    )


def _runs(bench: Bench) -> str:
    return (
        f"{len(bench.baseline.samples):,} runs of each, in a drawn order, after {bench.warmup:,} "
        f"to warm up"
    )


def _times(timing: Timing) -> tuple[int, int, int]:
    return timing.median, timing.percentile(5), timing.percentile(95)


def _record(timed: Sequence[Timed], bench: Bench) -> dict[str, Any]:
    return {
        **_bench_record(bench),
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


def _bench_record(bench: Bench) -> dict[str, Any]:
    return {
        "input_shape": (bench.batch, *bench.shape),
        "batch": bench.batch,
        "warmup": bench.warmup,
        "runs": len(bench.baseline.samples),
        "machine": bench.machine,
        "versions": bench.versions,
        "baseline": _timing_record(bench.baseline),
    }


def _timing_record(timing: Timing) -> dict[str, Any]:
    median, p5, p95 = _times(timing)
    return {"median_ns": median, "p5_ns": p5, "p95_ns": p95, "samples_ns": timing.samples}
