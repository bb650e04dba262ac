"""What figures may be, and whether they are: figures in, verdicts out."""

from __future__ import annotations

from operator import mul
from typing import TYPE_CHECKING, Any, NamedTuple

from attn_cli.analysis.figures import FIGURES
from attn_cli.errors import AttnError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from attn_cli.analysis.entry import Entry
    from attn_cli.graph import Shape
    from attn_cli.spec import Place

AT_MOST, AT_LEAST, EQUAL = "<=", ">=", "=="
BLOCK, MODEL, NETWORK = "block", "model", "network"  # a network is a model with blocks put in
EVERY = (BLOCK, MODEL, NETWORK)
WORDS = {BLOCK: "a block", MODEL: "a model", NETWORK: "a block in a network"}


class Bound(NamedTuple):
    """A bound that has a name: the figure it is for, how they compare, and what has that figure."""

    figure: str
    relation: str
    of: tuple[str, ...] = EVERY


# Each bound by its name: the flag --max-params, the key max_params of a configuration.
BOUNDS = {
    "max_params": Bound("params", AT_MOST),
    "max_macs": Bound("macs", AT_MOST),
    "max_flops": Bound("flops", AT_MOST),
    "max_bytes": Bound("bytes", AT_MOST),
    "min_blocks": Bound("attention.count", AT_LEAST, (MODEL,)),
    "max_share": Bound("attention.share", AT_MOST, (MODEL,)),
    "max_added_params": Bound("added.params", AT_MOST, (NETWORK,)),
    "max_added_macs": Bound("added.macs", AT_MOST, (NETWORK,)),
    "max_added_flops": Bound("added.flops", AT_MOST, (NETWORK,)),
    "max_added_bytes": Bound("added.bytes", AT_MOST, (NETWORK,)),
    "max_added_share": Bound("added.share", AT_MOST, (NETWORK,)),
}
# Those that may be given relative to another block, and the key that does.
RELATIVE = {f"{name}_of": bound for name, bound in BOUNDS.items() if BLOCK in bound.of}
# Figures that JSON groups, under the names that they have alone.
GROUPED = {
    "params.total": "params",
    "params.trainable": "trainable",
    "params.non_trainable": "non_trainable",
}
# Figures that a block need not have: None means that it has none, not that it is unknown.
OWN = frozenset({"width", "kernel_size"})
# A float of a share has an error in its last digits; a margin has not.
DIGITS = 12


class Relative(NamedTuple):
    """A bound in words: a factor of a figure of another block on the same input."""

    spec: str
    as_given: str
    factor: float


class Expectation(NamedTuple):
    """What a figure should be. `bound` is None until a relative one is worked out."""

    figure: str
    relation: str
    bound: Any
    relative: Relative | None = None


class Verdict(NamedTuple):
    """What a figure is, and whether that is as expected; `ok` is None where it cannot be told.

    `margin` is what is left up to the bound, negative where it is broken.
    """

    figure: str
    relation: str
    bound: Any
    got: Any
    margin: float | None
    ok: bool | None
    relative: Relative | None = None


PASSED, FAILED, UNCHECKED = "passed", "failed", "unchecked"


class Within(NamedTuple):
    """Where in a network a block is put: a model, and the words and names of the places."""

    model: str
    at: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()


class Check(NamedTuple):
    """One check: what is expected, of a block on its inputs or in a network, or of a model.

    `of` is a block's spec as it was given, or the model's path, `spec` the canonical form. `asked`
    is the input (H, W, C) that a model or a network is asked at, None where that is its own. `line`
    is that of the entry, or of what is wrong in it, `of_line` that of what it is about. Once it is
    made it has verdicts; `problem` says why it cannot be made, or not all of it. What an entry that
    is not understood does say is there all the same.
    """

    name: str
    kind: str
    of: str
    line: int | None = None
    places: tuple[Place, ...] = ()
    expected: tuple[Expectation, ...] = ()
    problem: str | None = None
    spec: str | None = None
    within: Within | None = None
    asked: Shape | None = None
    of_line: int | None = None
    verdicts: Sequence[Verdict] = ()

    @property
    def status(self) -> str:
        """Whether it passed, failed or could not be checked, which outranks the others."""
        told = [verdict.ok for verdict in self.verdicts]
        if self.problem is not None or None in told or not told:
            return UNCHECKED
        return PASSED if all(told) else FAILED


def judge(expected: Iterable[Expectation], figures: Mapping[str, Any]) -> list[Verdict]:
    """Return a verdict on each expectation. Raises AttnError where a figure has no such name."""
    return [_verdict(each, figures[known_figure(each.figure, figures)]) for each in expected]


def known_figure(name: str, known: Collection[str]) -> str:
    """Return a figure's name as it is here. Raises AttnError, with the nearest, if none has it."""
    spelt = name.strip().replace("-", "_")
    spelt = GROUPED.get(spelt, spelt)
    if spelt in known:
        return spelt
    names = list(known)
    within = [each for each in names if each.startswith(f"{spelt}.")]
    if within:
        raise AttnError(f"{name} is several figures; name one, as in {within[0]}")
    some = ", ".join(each for each in names if not each.startswith("blocks."))
    raise AttnError(f"no figure is called {name!r}{did_you_mean(spelt, names)} ({some})")


def _verdict(expected: Expectation, got: Any) -> Verdict:
    figure, relation, bound, relative = expected
    unknown = got is None and bound is not None and figure.rpartition(".")[2] not in OWN
    if unknown or (relative and bound is None):
        return Verdict(figure, relation, bound, got, None, None, relative)
    ok: bool
    if relation == EQUAL:
        ok = got == bound and isinstance(got, bool) == isinstance(bound, bool)
        return Verdict(figure, relation, bound, got, None, ok, relative)
    margin = bound - got if relation == AT_MOST else got - bound
    ok = margin >= 0
    if isinstance(margin, float):
        margin = round(margin, DIGITS)
    return Verdict(figure, relation, bound, got, margin, ok, relative)


def over_places(entries: Sequence[Entry]) -> dict[str, Any]:
    """Return the figures of a block over all its places.

    Costs add up, and are unknown where one is. Width and kernel size are those of every place, a
    list of them where they differ.
    """
    result: dict[str, Any] = {}
    times = [entry.places for entry in entries]
    for name, figure in FIGURES.items():
        values = [figure(entry.figures) for entry in entries]
        if name in OWN:
            different = list(dict.fromkeys(values))
            result[name] = different[0] if len(different) == 1 else different
        elif None in values:
            result[name] = None
        else:
            result[name] = sum(map(mul, times, values))
    return result


def flattened(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the figures of a JSON record by the path to each: `attention.share`, `blocks.0.width`.

    >>> flattened({"params": {"total": 5}, "blocks": [{"width": 8, "input_shape": [None, 8]}]})
    {'params': 5, 'blocks.0.width': 8}
    """
    return {GROUPED.get(path, path): value for path, value in _leaves("", record)}


def _leaves(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _leaves(f"{path}.{key}" if path else key, each)
    elif isinstance(value, list):
        for place, each in enumerate(value):
            if isinstance(each, dict):
                yield from _leaves(f"{path}.{place}", each)
    elif not isinstance(value, tuple):
        yield path, value


def part_of(factor: float, value: int | None) -> int | None:
    """Return the largest whole figure that is at most a factor of another; None where unknown.

    The factor is taken as it is written: 0.29 of 100 is 29, though the float is a little less.

    >>> part_of(0.29, 100)
    29
    """
    if value is None:
        return None
    from fractions import Fraction

    return int(Fraction(repr(factor)) * value)
