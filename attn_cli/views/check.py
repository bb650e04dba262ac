"""What holds and what does not: a row for each figure, with its bound and its margin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attn_cli.analysis.check import FAILED, PASSED, UNCHECKED
from attn_cli.blocks.options import format_value
from attn_cli.showing import several
from attn_cli.text import shown
from attn_cli.views.report import (
    Annotation,
    Column,
    Picture,
    Report,
    Table,
    chosen,
    size_text,
    with_batch,
)
from attn_cli.views.verdicts import bound_text, margin, phrase, worked_out

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from attn_cli.analysis.check import Check, Verdict
    from attn_cli.views.pictures.vega import Chart

ROWS = (
    Column("check", "check"),
    Column("line", "line", "int"),
    Column("of", "of"),
    Column("spec", "spec"),
    Column("input", "on"),
    Column("figure", "figure"),
    Column("relation", "relation"),
    Column("bound", "bound", "number"),
    Column("factor", "factor", "number"),
    Column("relative_to", "relative to"),
    Column("got", "got", "number"),
    Column("margin", "margin", "number"),
    Column("status", "status"),
    Column("problem", "problem"),
)
SHOWN = (
    Column("mark", "", "mark", missing="?", tells=("status",)),
    Column("check", "check", "name"),
    Column("of", "of", "name", leaves=1),
    Column("input", "on", leaves=2),
    Column("holds", "figure and bound", "phrase", tells=("figure", "relation", "bound", "got")),
    Column("margin", "margin", "right", leaves=3),
)


def report(checks: Sequence[Check], path: str | None, annotated: str | None = None) -> Report:
    """Return the report of checks; `path` is where they stand, `annotated` the same to GitHub."""
    hidden = {
        "check": path is None,
        "input": not any(map(_on, checks)),
        "margin": all(verdict.margin is None for check in checks for verdict in check.verdicts),
    }
    keys = [column.key for column in SHOWN if not hidden.get(column.key)]
    table = chosen(
        Table(SHOWN, [row for check in checks for row in _shown(check)]), keys, fixed=False
    )
    heading = [] if path is None else [f"{path}   {several(len(checks), 'check')}"]
    closing = [*[not_checked(each) for each in checks if each.problem], _counted(checks)]
    return Report(
        record=lambda: _record(checks, path),
        rows=lambda: Table(ROWS, [row for check in checks for row in _rows(check)]),
        tables=[table],
        heading=heading,
        closing=closing,
        annotations=[each for check in checks for each in _annotations(check, annotated)],
        picture=Picture("chart", lambda: _chart(checks, heading, closing)),
    )


def _chart(checks: Sequence[Check], heading: Sequence[str], notes: Sequence[str]) -> Chart:
    from attn_cli.views.pictures.checks import of_checks

    return of_checks(checks, heading, notes)


def not_checked(check: Check) -> str:
    """Return in a line why a check could not be made."""
    line = f", line {check.line}" if check.line else ""
    return f"? {told_of(f'{check.name}{line}', check.problem or '')}"


def told_of(what: str, problem: str) -> str:
    """Return a problem with what it is about in front, unless it names that itself."""
    return problem if problem.startswith(what) else f"{what}: {problem}"


def _on(check: Check) -> str:
    """Return where a block stands, as people write it."""
    asked = "" if check.asked is None else size_text(check.asked)
    if check.within is not None:
        at = ", ".join(check.within.at)
        return ", ".join(filter(None, (shown(check.within.model), at, asked)))
    if asked:
        return asked
    count = sum(times for _, times in check.places)
    if len(check.places) != 1:
        return f"{count} places" if check.places else ""
    text = size_text(check.places[0][0])
    return text if count == 1 else f"{text}, {count} places"


def _shown(check: Check) -> Iterator[tuple[Any, ...]]:
    """Yield a row for each verdict; the name and the rest stand in the first one.

    How a relative bound came about stands in a row of its own.
    """
    first = (check.name, check.of, _on(check))
    for verdict in check.verdicts:
        yield (verdict.ok, *first, phrase(verdict), margin(verdict))
        first = ("", "", "")
        if verdict.relative:
            yield ("", *first, f"{bound_text(verdict)} = {worked_out(verdict)}", "")
    if not check.verdicts:
        yield (None, *first, "not checked", "")


def _counted(checks: Sequence[Check]) -> str:
    """Return in a line how many checks passed, failed and could not be made."""
    every = len(checks)
    counts = [
        (sum(check.status == status for check in checks), words)
        for status, words in ((FAILED, "failed"), (UNCHECKED, "could not be checked"))
    ]
    told = [f"{count} {words}" for count, words in counts if count]
    if not told:
        return f"{every} of {every} passed"
    told[0] = told[0].replace(" ", f" of {every} ", 1)
    return ", ".join(told)


def _annotations(check: Check, file: str | None) -> Iterator[Annotation]:
    for verdict in check.verdicts:
        if verdict.ok is False:
            relative = f" ({worked_out(verdict)})" if verdict.relative else ""
            apart = f", {margin(verdict)}" if margin(verdict) else ""
            subject = (" in " if check.within else " on ").join(
                filter(None, (check.of, _on(check)))
            )
            message = f"{subject}: {phrase(verdict)}{relative}{apart}"
            yield Annotation(check.name, message, file, check.line)
    if check.problem:
        message = f"could not be checked: {check.problem}"
        yield Annotation(check.name, message, file, check.line)


def _rows(check: Check) -> Iterator[tuple[Any, ...]]:
    places = " ".join(place.text for place in check.places) or _on(check)
    first = (check.name, check.line, check.of, check.spec, places)
    for verdict in check.verdicts:
        relative = verdict.relative
        yield (
            *first,
            verdict.figure,
            verdict.relation,
            _cell(verdict.bound),
            relative and relative.factor,
            relative and relative.as_given,
            _cell(verdict.got),
            verdict.margin,
            {True: PASSED, False: FAILED, None: UNCHECKED}[verdict.ok],
            None if verdict.ok is not None else check.problem,
        )
    if not check.verdicts:
        yield (*first, *[None] * 7, UNCHECKED, check.problem)


def _cell(value: Any) -> Any:
    return " ".join(format_value(each) for each in value) if isinstance(value, list) else value


def _record(checks: Sequence[Check], path: str | None) -> dict[str, Any]:
    statuses = [check.status for check in checks]
    return {
        "config": path,
        "passed": statuses.count(PASSED),
        "failed": statuses.count(FAILED),
        "unchecked": statuses.count(UNCHECKED),
        "checks": [
            {
                "name": check.name,
                "line": check.line,
                "kind": check.kind or None,
                "of": check.of or None,
                "spec": check.spec,
                "in": check.within
                and {
                    "model": check.within.model,
                    "at": list(check.within.at),
                    "skip": list(check.within.skip),
                },
                "input_shape": check.asked and with_batch(check.asked),
                "inputs": [
                    {"shape": with_batch(shape), "places": times} for shape, times in check.places
                ],
                "status": check.status,
                "problem": check.problem,
                "verdicts": [_verdict(verdict) for verdict in check.verdicts],
            }
            for check in checks
        ],
    }


def _verdict(verdict: Verdict) -> dict[str, Any]:
    return {
        **verdict._asdict(),
        "relative": verdict.relative and verdict.relative._asdict(),
    }
