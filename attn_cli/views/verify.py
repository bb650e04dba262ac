"""What was checked against TensorFlow: a table of checks, or a line for each of many blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attn_cli.views.network import network_line, network_record, places_line
from attn_cli.views.report import Column, Report, Table, chosen, size_text, with_batch

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from attn_cli.analysis.network import NetworkComparison
    from attn_cli.tf.verify import Check, Verification

ROWS = (
    Column("as_given", "block"),
    Column("spec", "spec"),
    Column("input_shape", "input", "shape"),
    Column("check", "check"),
    Column("expected", "expected"),
    Column("got", "got"),
    Column("ok", "ok"),
    Column("note", "note"),
)
CHECKS = (
    Column("ok", "", "mark"),
    Column("check", "check"),
    Column("expected", "expected"),
    Column("got", "TensorFlow"),
)
BLOCKS = (
    Column("ok", "", "mark"),
    Column("as_given", "block", "name"),
    Column("input", "input", tells=("input_shape",)),
    Column("passed", "checks passed", tells=("check", "ok")),
    Column("exceptions", "differs on purpose in", "prose", leaves=1, tells=("check", "note")),
)
# As many blocks as are shown with all of their checks.
IN_FULL = 3


def report(
    verifications: Sequence[Verification],
    versions: Mapping[str, str],
    compared: NetworkComparison | None = None,
) -> Report:
    """Return the report of all that was verified: of blocks on inputs, or in one network."""
    rows = Table(ROWS, [row for each in verifications for row in _rows(each)])
    if compared is not None:
        rows = chosen(rows, [column.key for column in ROWS if column.key != "input_shape"])
    if len(verifications) > IN_FULL:
        tables = [Table(BLOCKS, [_line(each) for each in verifications])]
        if compared is not None:
            keys = [column.key for column in BLOCKS if column.key != "input"]
            tables = [chosen(table, keys, fixed=False) for table in tables]
    else:
        tables = [
            Table(CHECKS, [_check_line(check) for check in each.checks], title=_title(each))
            for each in verifications
        ]
    names = {"keras": "Keras", "tensorflow": "TensorFlow"}
    against = " on ".join(f"{name} {versions[key]}" for key, name in names.items())
    if compared is None:
        network, heading = {}, [f"traced, against {against}"]
    else:
        network = network_record(compared.network, compared.chosen)
        heading = [network_line(compared.network), places_line(compared.chosen)]
        heading.append(f"foretold, against {against}")
    return Report(
        record=lambda: {
            **network,
            "ok": all(each.ok for each in verifications),
            "versions": dict(versions),
            "blocks": [_record(each) for each in verifications],
        },
        rows=lambda: rows,
        tables=tables,
        heading=heading,
        closing=[*_notes(verifications), _outcome(verifications)],
    )


def _title(verification: Verification) -> str:
    if not verification.shape:
        return verification.as_given
    return f"{verification.as_given}  {size_text(verification.shape)}"


def _rows(verification: Verification) -> Iterator[tuple[Any, ...]]:
    for check in verification.checks:
        shape = with_batch(verification.shape)
        values = (check.name, check.expected, check.got, check.ok, check.note)
        yield (verification.as_given, verification.text, shape, *values)


def _check_line(check: Check) -> tuple[Any, ...]:
    return (check.ok, check.name, _grouped(check.expected), _grouped(check.got))


def _line(verification: Verification) -> tuple[Any, ...]:
    passed = sum(check.ok for check in verification.checks)
    exceptions = [check.name for check in verification.checks if check.ok and check.note]
    return (
        verification.ok,
        verification.as_given,
        size_text(verification.shape),
        f"{passed} of {len(verification.checks)}",
        ", ".join(exceptions),
    )


def _notes(verifications: Sequence[Verification]) -> list[str]:
    """Return each first difference, and each exception once."""
    failed: list[str] = []
    excepted: dict[str, None] = {}
    for each in verifications:
        for check in each.checks:
            if not check.ok:
                failed.append(f"✘ {_title(each)}  {check.name}: {check.note or _difference(check)}")
            elif check.note:
                excepted[f"{check.name}: {check.note}"] = None
    return [*excepted, *failed]


def _difference(check: Check) -> str:
    return f"{_grouped(check.expected)} is expected, and TensorFlow has {_grouped(check.got)}"


def _outcome(verifications: Sequence[Verification]) -> str:
    checks = [check for each in verifications for check in each.checks]
    passed = sum(check.ok for check in checks)
    return f"{passed:,} of {len(checks):,} checks passed"


def _grouped(value: int | str | None) -> str | None:
    return f"{value:,}" if isinstance(value, int) else value


def _record(verification: Verification) -> dict[str, Any]:
    on = {"input_shape": with_batch(verification.shape)} if verification.shape else {}
    return {
        "spec": verification.text,
        "as_given": verification.as_given,
        **on,
        "ok": verification.ok,
        "checks": [check._asdict() for check in verification.checks],
    }
