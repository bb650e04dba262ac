"""docs/schema.json describes what every command prints with --json, and nothing more."""

from __future__ import annotations

import copy
import json
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator
from process import ROOT, run_here

if TYPE_CHECKING:
    from collections.abc import Iterator

SCHEMA = json.loads((ROOT / "docs/schema.json").read_text(encoding="utf-8"))

# What is printed, and the part of the schema that describes it.
PRINTED = [
    ("summary", "summary -b se -s 56,56,24"),
    ("summary", "summary -b eca:kernel_size=3,b=0.5 -s 26,26,512"),
    ("summary", "summary -b cbam -c 64"),
    ("summary", "summary -b bam -s None,7,64"),
    ("compare", "compare se:ratio=16 eca simam -s 56,56,256 -s 6@14,14,1024"),
    ("compare", "compare simam se -s 7,7,64"),
    ("compare", "compare se ese -c 64"),
    ("compare-in", "compare se none --in app:EfficientNetB0 --at se"),
    ("compare-in", "compare se:ratio=64 --in app:MobileNetV2 --at residual --skip-misfits"),
    ("compare-in", "compare se --in app:MobileNetV3Small --at residual"),
    ("places-of", "places app:EfficientNetB0"),
    ("check", "check -b eca --in app:ResNet50 --at residual --max-added-params 86"),
    ("check", "check app:ResNet50 --input 64,64,3 --max-params 999999999"),
    ("inspect", "inspect app:MobileNetV2 --input 64,96,3"),
    ("kernel-size", "kernel-size 8 512 --b 0.5 --gamma 3"),
    ("check", "check -b se -b eca -s 6@26,26,512 --max-params 999999999"),
    ("blocks", "blocks"),
    ("blocks", "blocks -c 1"),
    ("block", "blocks se"),
    ("block", "blocks cbam -c 64"),
    ("block", "blocks se-timm -s 7,7,64"),
    ("block", "blocks gc:pool=mean,ratio=8 -s 7,7,64"),
    ("inspect", "inspect tests/data/tf_keras.keras"),
    ("inspect-layers", "inspect --layers tests/data/tf_keras.keras"),
    ("inspect-files", "inspect tests/data/tf_keras.keras tests/data/tf_keras.json"),
]


@cache
def printed(line: str) -> Any:
    """Return the document that a command prints."""
    result = run_here([*line.split(), "--json"], cwd=ROOT)
    assert (result.code, result.err) == (0, "")
    return json.loads(result.out, parse_constant=pytest.fail)


def validator(definition: str) -> Draft202012Validator:
    """Return what validates the document of one command."""
    return Draft202012Validator({**SCHEMA, "anyOf": [{"$ref": f"#/$defs/{definition}"}]})


def test_the_schema_is_one() -> None:
    """It keeps to the draft that it names, and everything in it is used."""
    Draft202012Validator.check_schema(SCHEMA)
    text = json.dumps(SCHEMA)
    unused = [name for name in SCHEMA["$defs"] if f'"#/$defs/{name}"' not in text]
    assert unused == []


def test_the_schema_is_strict() -> None:
    """Every object names all that it may hold, and requires it."""

    def objects(schema: Any) -> Iterator[dict[str, Any]]:
        for part in schema.values() if isinstance(schema, dict) else schema:
            if isinstance(part, dict | list):
                yield from objects(part)
        if isinstance(schema, dict) and schema.get("type") == "object" and "properties" in schema:
            yield schema

    found = list(objects(SCHEMA))
    assert len(found) > 5
    for each in found:
        assert each["additionalProperties"] is False
        assert each["required"] == list(each["properties"])


@pytest.mark.parametrize(("definition", "line"), PRINTED)
def test_what_is_printed_is_described(definition: str, line: str) -> None:
    """As the document of its command, and of no other."""
    document = printed(line)
    validator(definition).validate(document)
    Draft202012Validator(SCHEMA).validate(document)
    commands = [part["$ref"].rpartition("/")[2] for part in SCHEMA["anyOf"]]
    assert [each for each in commands if validator(each).is_valid(document)] == [definition]


def changed(document: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Yield what a document could be by mistake: a key too few or too many, a value of no kind."""
    here = document
    for step in path:
        here = here[step]
    if isinstance(here, dict) and "options" not in path[-1:]:
        for key in ["nonsense", *here]:
            wrong = copy.deepcopy(document)
            parent = wrong
            for step in path:
                parent = parent[step]
            if key in parent:
                del parent[key]
            else:
                parent[key] = 1
            yield f"{path} {key}", wrong
            if key in here and not isinstance(here[key], str):
                parent[key] = "nonsense"
                yield f"{path} {key} = nonsense", wrong
            if isinstance(here.get(key), int) and not isinstance(here[key], bool):
                parent[key] = here[key] + 0.5
                yield f"{path} {key} + 0.5", wrong
            if isinstance(here.get(key), dict | list):
                yield from changed(document, (*path, key))
    elif isinstance(here, list) and here:
        yield from changed(document, (*path, len(here) - 1))


# What may be any number, or any text.
NO_MISTAKES = (
    *("b + 0.5", "gamma + 0.5", "factor + 0.5", "default + 0.5", "value + 0.5"),
    *("default = nonsense", "value = nonsense", "function = nonsense", "spec = nonsense"),
    *("activation = nonsense", "gate = nonsense"),
    *("share + 0.5", "name = nonsense"),
    *("bound + 0.5", "got + 0.5", "margin + 0.5", "bound = nonsense", "got = nonsense"),
    *("config = nonsense", "problem = nonsense", "there = nonsense"),
)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("definition", "line"), [row for row in PRINTED if row[1] != "blocks -c 1"]
)
def test_the_schema_can_fail(definition: str, line: str) -> None:
    """Every key that is missing, added or of another type is noticed, at every depth."""
    validates = validator(definition).is_valid
    unnoticed = [what for what, wrong in changed(printed(line)) if validates(wrong)]
    assert [what for what in unnoticed if not what.endswith(NO_MISTAKES)] == []
