"""Every layer and op of Keras 3 and 2, with drawn arguments, in files that attn reads.

What is read equals what Keras has, or is said to be unknown: params, bytes, shapes, MACs, FLOPs.
A type is tested the day that Keras has it. Others are drawn, and more of them, with
`--hypothesis-profile=explore`; the environment variable TYPES names the types to draw alone.
"""

from __future__ import annotations

import os
import random
import secrets
from typing import TYPE_CHECKING, Any

import cases
import catalogue
import pytest
from cases import Fits
from catalogue import KNOWN, NOT_DRAWN, OF_OTHER_VERSIONS, world
from files import judged
from hypothesis import settings

from attn_cli.operations.tensorflow import FUNCTIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from cases import Case

    Build = Callable[[Any, Case], Any]

# How a call stands in a model, and what this is saved as: all for the first that is drawn, then
# one in turn.
BUILDS: list[tuple[Build, str]] = [
    (cases.alone, ".keras"),
    (cases.nested, ".keras"),
    (cases.in_line, ".json"),
    (cases.alone, ".h5"),
    (cases.nested, ".json"),
    (cases.in_line, ".keras"),
    (cases.alone, ".json"),
]
AT_FIRST = 2
# How many examples of what is said to be unknown are enough.
ENOUGH = {"layers": 2, "ops": 1, "functions": 1}


def dice(type: str, share: int) -> Iterator[random.Random]:
    """Yield what draws: the same in every run, or others where the profile explores."""
    profile = settings()
    for number in range(profile.max_examples // share):
        yield random.Random(f"{type} {number if profile.derandomize else secrets.token_hex(8)}")


def faults(name: str, kind: str, folder: Path) -> Iterator[str]:
    """Yield a line for each figure that is other than what Keras has, type by type."""
    keras = world(name)
    only = os.environ.get("TYPES", "").split()
    met: set[str] = set()
    keras.backend.clear_session()
    for type, thing in catalogue.types(name, kind).items():
        if only and type not in only:
            continue
        first, known, unknown, fits = None, 0, 0, Fits()
        expected = name == "keras" and type in KNOWN.split()
        for place, drawing in enumerate(dice(type, 66 if name == "keras" else 100)):
            case = cases.drawn(keras, type, thing, drawing, fits)
            if case is None:
                break
            first = first or case
            met |= {each.get_config().get("function") for each in case.model.layers}
            for build, suffix in builds(kind, place):
                model = cases.built(build, keras, case)
                if model is not None:
                    costs = case.costs if build is cases.alone else None
                    verdict = judged(keras, model, suffix, folder, costs)
                    where = f"[{build.__name__} {suffix}]"
                    yield from (f"{case.text} {where} {each}" for each in verdict.wrong)
                    known += "macs" not in verdict.unknown
                    unknown += "macs" in verdict.unknown
            if unknown >= ENOUGH[kind] and not (known or expected) and settings().derandomize:
                break  # more would not tell more
        if first is not None and expected and not known:
            yield f"{type}: its MACs are unknown, as in {first.text}"
        yield from excuses(name, kind, type, first)
    if kind == "functions" and not only:
        yield from (f"{each}: is not drawn" for each in set(FUNCTIONS) - met - OF_OTHER_VERSIONS)
        yield from (f"{each}: is drawn" for each in OF_OTHER_VERSIONS & met)


def excuses(name: str, kind: str, type: str, drawn: Case | None) -> Iterator[str]:
    """Yield that a type is not drawn without a reason, or is drawn in spite of one.

    Of TensorFlow's functions only those are missed that attn knows.
    """
    excused = type in NOT_DRAWN.get((name, kind), ())
    if drawn is None and not excused and kind != "functions" and settings().derandomize:
        yield f"{type}: Keras accepts nothing that is drawn, and NOT_DRAWN has no reason"
    if drawn is not None and excused:
        yield f"{type}: stands in NOT_DRAWN, and is drawn: {drawn.text}"


def builds(kind: str, place: int) -> list[tuple[Build, str]]:
    """Return how what is drawn at a place stands in models, and what these are saved as."""
    found = [each for each in BUILDS if kind == "layers" or each[0] is not cases.in_line]
    turn = AT_FIRST + place % (len(found) - AT_FIRST)
    return found[turn : turn + 1] if place else found[:AT_FIRST]


KINDS = [
    ("keras", "layers"),
    ("keras", "ops"),
    ("tf_keras", "layers"),
    ("tf_keras", "functions"),
]


@pytest.mark.usefixtures("keras")
@pytest.mark.parametrize(("name", "kind"), KINDS)
def test_every_type_is_read_as_it_is(name: str, kind: str, tmp_path: Path) -> None:
    """Each figure of each file is Keras' own, or said to be unknown for its true reason.

    Each type is drawn, and with them each of TensorFlow's functions that attn knows.
    """
    wrong = list(faults(name, kind, tmp_path))
    assert not wrong, "\n".join(["", *wrong])
