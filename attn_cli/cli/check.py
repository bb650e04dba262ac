"""`attn check`: budgets with an exit code."""

import os
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from attn_cli.analysis.check import (
    BLOCK,
    FAILED,
    MODEL,
    NETWORK,
    UNCHECKED,
    Check,
    Expectation,
    Within,
    judge,
    part_of,
)
from attn_cli.analysis.where import parse_block
from attn_cli.cli.measure import measure, measure_block
from attn_cli.cli.models import complete_model, names_model
from attn_cli.cli.network import (
    AtOption,
    InOption,
    SkipOption,
    refuse_input_alone,
    refuse_with_network,
    refuse_without_network,
)
from attn_cli.cli.options import (
    ChannelsOption,
    InputOption,
    JsonOption,
    OutputOption,
    complete_spec,
    format_option,
    hint_channels_last,
    input_from,
    places_from,
)
from attn_cli.cli.output import emit, on_terminal, write_error
from attn_cli.config.checks import expectations, read_checks
from attn_cli.config.find import find_config
from attn_cli.errors import AttnError
from attn_cli.graph import Shape
from attn_cli.spec import INTEGER, NONE, NUMBER, Place, expanded, parse_spec
from attn_cli.text import shown
from attn_cli.views import SPECIAL, formats_with
from attn_cli.views.check import report, told_of
from attn_cli.views.verdicts import label

# The formats that people read.
READ = ("table", "markdown", *SPECIAL)
MISSING = "what to check is missing: SPEC --shape H,W,C, as in eca -s 26,26,512, or MODEL"
MISSING_IN = "--in is for a block that is put in a network: SPEC is missing"


def flag(name: str) -> str:
    """Return the option that stands for a key of a file."""
    return f"--{name.replace('_', '-')}"


def bound_option(name: str, metavar: str, help: str) -> Any:
    """Return the option of a bound."""
    return typer.Option(flag(name), metavar=metavar, help=help)


def check(
    subjects: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[SPEC|MODEL]...",
            help="Blocks with their options, or models: saved, or app:NAME of keras.applications. "
            "A file that is called as a block is: ./se.",
            autocompletion=lambda incomplete: (
                complete_spec(incomplete) + complete_model(incomplete)
            ),
        ),
    ] = None,
    block: Annotated[
        list[str] | None,
        typer.Option(
            "--block",
            "-b",
            metavar="SPEC",
            help="A block and its options, by name.",
            autocompletion=complete_spec,
        ),
    ] = None,
    shape: Annotated[
        list[str] | None,
        typer.Option(
            "--shape",
            "-s",
            metavar="[N@]H,W,C",
            help="The block's input, and how many places have it; bounds are for all together.",
        ),
    ] = None,
    channels: ChannelsOption = None,
    within: InOption = None,
    at: AtOption = None,
    skip: SkipOption = None,
    input: InputOption = None,
    max_params: Annotated[
        str | None, bound_option("max_params", "N", "At most so many params, trainable or not.")
    ] = None,
    max_macs: Annotated[str | None, bound_option("max_macs", "N", "At most so many MACs.")] = None,
    max_flops: Annotated[
        str | None, bound_option("max_flops", "N", "At most so many FLOPs.")
    ] = None,
    max_bytes: Annotated[
        str | None, bound_option("max_bytes", "N", "At most so many bytes of weights.")
    ] = None,
    min_blocks: Annotated[
        str | None, bound_option("min_blocks", "N", "At least so many attention blocks in a model.")
    ] = None,
    max_share: Annotated[
        str | None,
        bound_option(
            "max_share", "X", "At most this share of a model's params in attention: 0.15."
        ),
    ] = None,
    max_added_params: Annotated[
        str | None, bound_option("max_added_params", "N", "With --in: at most so many params more.")
    ] = None,
    max_added_macs: Annotated[
        str | None, bound_option("max_added_macs", "N", "With --in: at most so many MACs more.")
    ] = None,
    max_added_flops: Annotated[
        str | None, bound_option("max_added_flops", "N", "With --in: at most so many FLOPs more.")
    ] = None,
    max_added_bytes: Annotated[
        str | None, bound_option("max_added_bytes", "N", "With --in: at most so many bytes more.")
    ] = None,
    max_added_share: Annotated[
        str | None,
        bound_option("max_added_share", "X", "With --in: at most this share of params more: 0.1."),
    ] = None,
    expect: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=VALUE", help="A figure as --get or the JSON has it; can be repeated."
        ),
    ] = None,
    config: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="What to check; else attn.toml, or [tool.attn] in pyproject.toml, found upwards.",
        ),
    ] = None,
    init: Annotated[
        bool,
        typer.Option(
            "--init", help="Write attn.toml (or -o FILE), with today's figures as bounds."
        ),
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="With --init: replace what is there.")
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Print nothing that is not an error.")
    ] = False,
    format: Annotated[str | None, format_option(*formats_with("chart"), *SPECIAL)] = None,
    json: JsonOption = False,
    output: OutputOption = None,
) -> int:
    """Check costs against bounds: budgets with an exit code.

    \b
    attn check eca -s 26,26,512 --max-params 10 --expect kernel_size=5
    attn check eca --in app:ResNet50 --at residual --max-added-params 100
    attn check se:ratio=16 -s 4@28,28,512 -s 6@14,14,1024 --max-macs 2000000

    Without a block or a model, checks what attn.toml asks. Exits with 0 if all holds, 1 if
    something does not, 2 if something could not be checked, or nothing was.
    """
    flags = {
        "max_params": max_params,
        "max_macs": max_macs,
        "max_flops": max_flops,
        "max_bytes": max_bytes,
        "min_blocks": min_blocks,
        "max_share": max_share,
        "max_added_params": max_added_params,
        "max_added_macs": max_added_macs,
        "max_added_flops": max_added_flops,
        "max_added_bytes": max_added_bytes,
        "max_added_share": max_added_share,
    }
    bounds = {name: _value(text) for name, text in flags.items() if text is not None}
    if expect:
        bounds["expect"] = _expected(expect)
    if within is None:
        refuse_without_network(at=at, skip=skip)
    where = None if within is None else Within(within, tuple(at or ()), tuple(skip or ()))
    asked = input_from(input)
    if force and not init:
        raise AttnError("--force is for --init: it replaces the file that --init writes")
    if init:
        if bounds or config is not None or format or json:
            raise AttnError("--init takes its bounds from today's figures, and writes TOML")
        from attn_cli.cli.init import init as write_config

        named = _subjects(subjects or (), block or (), shape, channels, where, asked)
        write_config(named, output, force)
        return 0
    path = None
    if subjects or block:
        if config is not None:
            raise AttnError("--config says what to check; a block or a model beside it is one more")
        checks = _subjects(subjects or (), block or (), shape, channels, where, asked)
        expected = expectations(checks[0].kind, bounds, spelt=flag)
        checks = [each._replace(expected=expected) for each in checks]
    else:
        if bounds or shape or channels or where or asked:
            raise AttnError(MISSING_IN if where else MISSING)
        source = find_config(config)
        path = shown(source.path)
        checks = read_checks(source)
        for each in checks:
            for place in each.places if not quiet else ():
                hint_channels_last(place.shape, f"{path}, line {each.line}: ")
    results = [made(each) for each in checks]
    if path is None and len(results) == 1 and results[0].problem and not results[0].verdicts:
        raise AttnError(results[0].problem)
    if not quiet:
        emit(report(results, path, path and _annotated(path)), format, json, output)
    if quiet or not shows_problems(format, json, output):
        _say_problems(results, path)
    return exit_code(results)


def shows_problems(format: str | None, json: bool, output: str | None) -> bool:
    """Tell whether people see in what is printed why a check could not be made."""
    if output not in (None, "-"):
        return False
    return on_terminal() or ("json" if json else format or "table") in READ


def exit_code(results: Sequence[Check]) -> int:
    """Return 0 if all checks passed, 1 if one failed, 2 if one could not be made, or none was."""
    statuses = [result.status for result in results]
    if UNCHECKED in statuses or not statuses:
        return 2
    return 1 if FAILED in statuses else 0


def made(check: Check) -> Check:
    """Make a check. What keeps it from being made is its problem."""
    if check.problem is not None:
        return check
    try:
        measured = measure(check)
        verdicts = judge(
            [_worked_out(each, check.places) for each in check.expected], measured.figures
        )
    except AttnError as error:
        return check._replace(problem=str(error), line=check.of_line or check.line)
    unknown = dict.fromkeys(label(verdict.figure) for verdict in verdicts if verdict.ok is None)
    problem = f"{', '.join(unknown)} cannot be known: {measured.why}" if unknown else None
    return check._replace(verdicts=verdicts, problem=problem)


def _worked_out(expected: Expectation, places: tuple[Place, ...]) -> Expectation:
    """Return an expectation with its bound, worked out where it is relative to another block."""
    if expected.relative is None:
        return expected
    spec, _, factor = expected.relative
    figure = measure_block(spec, places).figures[expected.figure]
    return expected._replace(bound=part_of(factor, figure))


def _subjects(
    subjects: Sequence[str],
    named: Sequence[str],
    shape: list[str] | None,
    channels: str | None,
    within: Within | None,
    asked: Shape | None,
) -> list[Check]:
    """Return what the command line names, as checks that expect nothing yet."""
    models = [text for text in subjects if names_model(text)]
    others = [text for text in subjects if text not in models]
    blocks = [spec for text in (*others, *named) for spec in expanded(text)]
    if models and blocks:
        raise AttnError("a check is of a block or of a model, and both are given")
    if models:
        if shape or channels:
            raise AttnError("--shape and --channels are for a block: a model has its own inputs")
        if within:
            raise AttnError(MISSING_IN)
        return [Check(path, MODEL, path, asked=asked) for path in models]
    if not blocks:
        raise AttnError(MISSING_IN if within else MISSING)
    if within:
        refuse_with_network(shape=shape, channels=channels)
        return [
            Check(NONE, NETWORK, NONE, within=within, asked=asked)
            if spec is None
            else Check(
                spec.as_given, NETWORK, spec.as_given, within=within, spec=spec.text, asked=asked
            )
            for spec in map(parse_block, blocks)
        ]
    if asked:
        refuse_input_alone(",".join(map(str, asked)))
    specs = [parse_spec(text) for text in blocks]
    places = tuple(places_from(shape, channels))
    return [
        Check(spec.as_given, BLOCK, spec.as_given, places=places, spec=spec.text) for spec in specs
    ]


def _expected(texts: Sequence[str]) -> dict[str, Any]:
    expected: dict[str, Any] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        key = key.strip()
        if not equals or not key or not value.strip():
            raise AttnError(f"--expect takes KEY=VALUE, as in kernel_size=5, not {text!r}")
        if key in expected:
            raise AttnError(f"--expect {key} is given twice")
        expected[key] = _value(value.strip())
    return expected


def _value(text: str) -> Any:
    """Return the value that a text is: a number, true, false, or a text."""
    if INTEGER.fullmatch(text):
        return int(text)
    if NUMBER.fullmatch(text):
        return float(text)
    return {"true": True, "false": False}.get(text.lower(), text)


def _annotated(path: str) -> str:
    """Return the path of the configuration as GitHub wants it: from the top of the repository."""
    workspace = os.environ.get("GITHUB_WORKSPACE")
    if workspace:
        inside = os.path.relpath(os.path.realpath(path), os.path.realpath(workspace))
        if not inside.startswith(os.pardir):
            return inside.replace(os.sep, "/")
    return path


def _say_problems(results: Sequence[Check], path: str | None) -> None:
    for each in results:
        if each.problem:
            line = f", line {each.line}" if each.line else ""
            problem = each.problem if each.name == path else told_of(each.name, each.problem)
            write_error(f"attn: {path}{line}: {problem}" if path else f"attn: {problem}")
