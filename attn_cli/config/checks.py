"""What a configuration asks: a plain record for each `[[check]]`."""

from __future__ import annotations

import os
from math import isfinite
from typing import TYPE_CHECKING, Any

from attn_cli.analysis.check import (
    BLOCK,
    BOUNDS,
    EQUAL,
    MODEL,
    NETWORK,
    RELATIVE,
    WORDS,
    Bound,
    Check,
    Expectation,
    Relative,
    Within,
    known_figure,
)
from attn_cli.analysis.figures import FIGURES
from attn_cli.config.trust import HERE, Home
from attn_cli.errors import AttnError, BadFile, did_you_mean
from attn_cli.sources.applications import is_application
from attn_cli.spec import NONE, Place, Spec, parse_place, parse_spec
from attn_cli.text import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from attn_cli.config.find import Source
    from attn_cli.config.toml import Lines
    from attn_cli.graph import Shape

# Every key of a [[check]]. tests/config/test_schema.py holds the JSON Schema against them.
KEYS = (
    *("name", "block", "shape", "shapes", "in", "at", "skip", "model", "input"),
    *(*BOUNDS, *RELATIVE, "expect"),
)
SHARES = frozenset({"max_share", "max_added_share"})
RELATIVE_KEYS = ("block", "factor")
# How deep figures stand: attention.hidden.0.params.total is 5.
DEEPEST = 20


# The key that says what a check is about.
ABOUT = {BLOCK: "block", MODEL: "model", NETWORK: "in"}


class BadEntry(AttnError, ValueError):
    """An entry of a configuration cannot be understood: all of it, or what one key says."""

    def __init__(self, message: str, key: str | None = None) -> None:
        super().__init__(message)
        self.key = key


class said_by:
    """Let what is wrong be wrong with what this key says: quicker than what a generator makes."""

    def __init__(self, key: str) -> None:
        self.key = key

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, AttnError):
            raise BadEntry(str(error), getattr(error, "key", None) or self.key) from None


def read_checks(source: Source) -> list[Check]:
    """Return the checks of a configuration, in its order; those not understood have a problem.

    Raises BadFile where there is none.
    """
    checks = [
        Check(
            source.path, "", "", source.lines.keys.get(key), problem=_no_such_key(key, ("check",))
        )
        for key in source.content
        if key != "check"
    ]
    entries = source.content.get("check", [])
    header = f"[[{source.table}.check]]" if source.table else "[[check]]"
    if not isinstance(entries, list):
        problem = f"a check is written {header}"
        checks.append(Check(source.path, "", "", source.lines.keys.get("check"), problem=problem))
    else:
        # Checks may also be written as one array; then their lines are not known.
        lines: Sequence[Lines | None] = source.checks
        if len(lines) != len(entries):
            lines = [None] * len(entries)
        seen: dict[str, int | None] = {}
        for number, (entry, line) in enumerate(zip(entries, lines, strict=True), start=1):
            checks.append(_read(entry, number, line, source.home, seen))
    if not checks:
        raise BadFile(f"{source.path} has no {header}: there is nothing to check")
    return checks


def _read(
    entry: Any, number: int, lines: Lines | None, home: Home, seen: dict[str, int | None]
) -> Check:
    """Return the check of one entry; `seen` are the names so far, and their lines."""
    line = None if lines is None else lines.start
    check = Check(f"check {number}", "", "", line)
    try:
        if not isinstance(entry, dict):
            raise BadEntry(f"a check is a table, not {_shown(entry)}")
        if isinstance(name := entry.get("name"), str) and name.strip():
            check = check._replace(name=shown(name))
        if isinstance(of := entry.get("block", entry.get("model")), str):
            check = check._replace(of=shown(of))
        for key in entry:
            if key not in KEYS:
                raise BadEntry(_no_such_key(key, KEYS), key)
        if "name" not in entry:
            raise BadEntry("it has no name")
        with said_by("name"):
            name = _text("name", entry["name"])
            if name in seen:
                where = f" on line {seen[name]}" if seen[name] else ""
                raise BadEntry(f"its name is doubled: another check{where} has it too")
        seen[name] = line
        check = _subject(check, entry, home)
        return check if lines is None else check._replace(of_line=lines.keys.get(ABOUT[check.kind]))
    except AttnError as error:
        key = getattr(error, "key", None)
        told = lines.keys.get(key) if lines and key else None
        return check._replace(problem=str(error), line=told or line)


def _subject(check: Check, entry: Mapping[str, Any], home: Home) -> Check:
    if ("block" in entry) == ("model" in entry):
        which = "both block and model" if "block" in entry else "neither block nor model"
        raise BadEntry(f"it has {which}; a check is of one of them")
    if "model" in entry:
        for key in ("shape", "shapes", "in", "at", "skip"):
            if key in entry:
                raise BadEntry(f"{key} is for a block: a model has its own inputs", key)
        with said_by("model"):
            path = _model("model", entry["model"], home.folder)
        expected = expectations(MODEL, entry, home)
        return check._replace(kind=MODEL, of=path, expected=expected, asked=_asked(entry))
    if "in" in entry:
        return _in_network(check, entry, home)
    for key in ("at", "skip"):
        if key in entry:
            raise BadEntry(f"{key} is about places in a network: it needs in, as in {IN}", key)
    if "input" in entry:
        raise BadEntry("input is that of a model or a network; a block has a shape", "input")
    with said_by("block"):
        spec = block_spec(_text("block", entry["block"]), home)
    return check._replace(
        kind=BLOCK,
        of=spec.as_given,
        spec=spec.text,
        places=_places(entry),
        expected=expectations(BLOCK, entry, home),
    )


IN = 'in = "app:ResNet50"'


def _in_network(check: Check, entry: Mapping[str, Any], home: Home) -> Check:
    for key in ("shape", "shapes"):
        if key in entry:
            raise BadEntry(
                f"it has both in and {key}; one of them says where the block stands", key
            )
    with said_by("block"):
        text = _text("block", entry["block"]).strip()
        spec = None if text == NONE else block_spec(text, home)
    with said_by("in"):
        network = _model("in", entry["in"], home.folder)
    within = Within(network, _words("at", entry), _words("skip", entry))
    return check._replace(
        kind=NETWORK,
        of=text if spec is None else spec.as_given,
        spec=None if spec is None else spec.text,
        within=within,
        asked=_asked(entry),
        expected=expectations(NETWORK, entry, home),
    )


def _model(key: str, value: Any, folder: str) -> str:
    path = _text(key, value)
    return path if is_application(path) else os.path.join(folder, path)


def _words(key: str, entry: Mapping[str, Any]) -> tuple[str, ...]:
    value = entry.get(key, [])
    several = value if isinstance(value, list) else [value]
    with said_by(key):
        return tuple([_text(key, each) for each in several])


def block_spec(text: str, home: Home) -> Spec:
    """Return the spec of a text; the file of a user's own block stands beside the configuration.

    Raises BadSpec where that is not to be run.
    """
    name = text.strip()
    if ".py:" in name:
        text = os.path.join(home.folder, name)
        home.check_code(name, f"{text.partition('.py:')[0]}.py")
    elif name.endswith(".py"):
        home.check_code(name, name)
    return parse_spec(text)


def _places(entry: Mapping[str, Any]) -> tuple[Place, ...]:
    if "shape" in entry and "shapes" in entry:
        raise BadEntry(
            "it has both shape and shapes; one of them says where the block stands", "shapes"
        )
    if "shape" in entry:
        with said_by("shape"):
            return (_place("shape", entry["shape"]),)
    if "shapes" not in entry:
        raise BadEntry("a block needs a shape, as in shape = [26, 26, 512]")
    shapes = entry["shapes"]
    with said_by("shapes"):
        if not isinstance(shapes, list) or not shapes:
            raise BadEntry(f"shapes is a list of shapes, not {_shown(shapes)}")
        return tuple([_place("each of shapes", shape) for shape in shapes])


def _asked(entry: Mapping[str, Any]) -> Shape | None:
    """Return the input size that a model is asked at, None where that is its own."""
    if "input" not in entry:
        return None
    with said_by("input"):
        shape, times = _place("input", entry["input"])
        if times != 1:
            raise BadEntry(f"input is one shape, not {_shown(entry['input'])}")
        return shape


def _place(key: str, value: Any) -> Place:
    if isinstance(value, list) and all(_is_integer(size) or size == "None" for size in value):
        value = ",".join(map(str, value))
    if not isinstance(value, str):
        raise BadEntry(f'{key} is [H, W, C] or "H,W,C", not {_shown(value)}')
    return parse_place(value)


def expectations(
    kind: str,
    entry: Mapping[str, Any],
    home: Home = HERE,
    spelt: Callable[[str], str] = str,
) -> tuple[Expectation, ...]:
    """Return what an entry expects of a block or of a model; its keys are told as they are spelt.

    Raises BadEntry where a value is of the wrong type, or nothing is expected.
    """
    expected: list[Expectation] = []
    for key, bound in (BOUNDS | RELATIVE).items():
        if key not in entry:
            continue
        with said_by(key):
            if kind not in bound.of:
                raise BadEntry(f"{spelt(key)} is for {' or '.join(WORDS[of] for of in bound.of)}")
            if key not in RELATIVE:
                value = _bound(key, entry[key], spelt)
                expected.append(Expectation(bound.figure, bound.relation, value))
                continue
            if kind != BLOCK:
                raise BadEntry(f"{key} compares with a block on the same shape: it is for a block")
            expected.append(_relative(key, bound, entry[key], home))
    if "expect" in entry:
        exact = entry["expect"]
        with said_by("expect"):
            if not isinstance(exact, dict) or not exact:
                raise BadEntry(f"expect is a table of figures, not {_shown(exact)}")
            expected += [_exact(kind, figure, value, spelt) for figure, value in _flat("", exact)]
    if not expected:
        names = [spelt(name) for name in bounds_of(kind)]
        raise BadEntry(f"it expects nothing; give it {', '.join(names)} or {spelt('expect')}")
    return tuple(expected)


def bounds_of(kind: str) -> list[str]:
    """Return the names of the bounds that a block or a model can have."""
    return [name for name, bound in BOUNDS.items() if kind in bound.of]


def _bound(key: str, value: Any, spelt: Callable[[str], str]) -> Any:
    if key in SHARES:
        if not _is_number(value) or not 0 <= value <= 1:
            raise BadEntry(f"{spelt(key)} is a share from 0 to 1, not {_shown(value)}")
        return value
    # 1e6 is as good a way to write a million as any.
    whole = int(value) if isinstance(value, float) and value.is_integer() else value
    if not _is_integer(whole) or whole < 0:
        raise BadEntry(f"{spelt(key)} is an integer from 0 on, not {_shown(value)}")
    return whole


def _relative(key: str, bound: Bound, value: Any, home: Home) -> Expectation:
    if not isinstance(value, dict):
        raise BadEntry(f'{key} is a table, as in {{ block = "se", factor = 0.1 }}')
    for each in value:
        if each not in RELATIVE_KEYS:
            raise BadEntry(f"{key}: {_no_such_key(each, RELATIVE_KEYS)}")
    if "block" not in value:
        raise BadEntry(f"{key} names no block to compare with")
    factor = value.get("factor", 1)
    if not _is_number(factor) or factor <= 0:
        raise BadEntry(f"the factor of {key} is a number above 0, not {_shown(factor)}")
    try:
        spec = block_spec(_text("block", value["block"]), home)
    except AttnError as error:
        raise BadEntry(f"{key}: {error}") from None
    return Expectation(
        bound.figure, bound.relation, None, Relative(spec.text, spec.as_given, factor)
    )


def _exact(kind: str, figure: str, value: Any, spelt: Callable[[str], str]) -> Expectation:
    if not isinstance(value, (bool, str)) and not _is_number(value):
        raise BadEntry(
            f"{spelt('expect')}: {figure} is a number, true, false or a text, not {_shown(value)}"
        )
    # Which figures a model has shows when it is read.
    figure = known_figure(figure, FIGURES) if kind == BLOCK else figure
    none = isinstance(value, str) and value.lower() == "none"
    return Expectation(figure, EQUAL, None if none else value)


def _flat(path: str, table: Mapping[str, Any], depth: int = 1) -> Iterable[tuple[str, Any]]:
    if depth > DEEPEST:
        raise BadEntry(f"expect is nested more than {DEEPEST} deep, as no figure is")
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _flat(f"{path}{key}.", value, depth + 1)
        else:
            yield f"{path}{key}", value


def _no_such_key(key: str, known: Iterable[str]) -> str:
    hint = did_you_mean(key, known)
    return f"no key is called {key!r}{hint}" + ("" if hint else f" ({', '.join(known)})")


def _text(key: str, value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise BadEntry(f"{key} is a text, not {_shown(value)}")
    return value


def _is_integer(value: Any) -> bool:
    """Tell whether a value is an integer as TOML has them, of 64 bits."""
    return type(value) is int and -(2**63) <= value < 2**63


def _is_number(value: Any) -> bool:
    return _is_integer(value) or (isinstance(value, float) and isfinite(value))


def _shown(value: Any) -> str:
    """Return a value as TOML writes it, or what kind of value it is."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int) and not _is_integer(value):
        return "an integer of more than 64 bits"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, str):
        return f"{value[:40]!r}" if value else "an empty text"
    if isinstance(value, (list, dict)):
        kind = "list" if isinstance(value, list) else "table"
        return f"a {kind}" if value else f"an empty {kind}"
    return "a date or a time"
