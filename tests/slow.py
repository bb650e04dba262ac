"""Which tests are slow, by what they do: nobody has to remember to say so.

A test is slow that asks for TensorFlow (the fixture `keras`), or that reaches a module in REACHED:
by a name in its own code, in a fixture of its own, or in a function of the tests that these name.
What takes more than a moment for another reason is marked where it stands.
"""

from __future__ import annotations

import random
import subprocess
from functools import cache
from pathlib import Path
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest

TESTS = str(Path(__file__).parent)
# What starts processes, and what makes thousands of mutants. Hypothesis is not among them: how many
# examples it draws is up to its profile, and the quick part has one of its own.
REACHED = (subprocess, random)


def is_slow(test: pytest.Function) -> bool:
    """Tell whether a test is slow by what it asks for or reaches."""
    if "keras" in test.fixturenames:
        return True
    fixtures = (each.func for defs in test._fixtureinfo.name2fixturedefs.values() for each in defs)
    return any(reaches(inner(each)) for each in (test.function, *fixtures))


def inner(function: Any) -> Any:
    """Return a test as it was written: Hypothesis calls it from a function of its own."""
    return getattr(getattr(function, "hypothesis", None), "inner_test", function)


@cache
def reaches(function: Any) -> bool:
    """Tell whether a function names a module in REACHED, or a function of the tests that does."""
    seen: list[Any] = []
    todo = [function]
    while todo:
        each = todo.pop()
        if any(each is module for module in REACHED):
            return True
        if (
            isinstance(each, FunctionType)
            and each not in seen
            and each.__code__.co_filename.startswith(TESTS)
        ):
            seen.append(each)
            todo += [each.__globals__.get(name) for name in names(each.__code__)]
    return False


def names(code: CodeType) -> Iterator[str]:
    """Yield the names in a function's code and in the functions within it."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from names(constant)
