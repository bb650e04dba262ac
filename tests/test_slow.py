"""What is slow is seen to be, and what is not seen is refused: the quick part stays quick."""

from __future__ import annotations

import random
import subprocess

import process
import pytest
from hypothesis import given
from hypothesis import strategies as st
from process import attn, run_here
from slow import inner, reaches


def starts() -> None:
    """Start a process."""
    subprocess.run(["true"], check=True)


def starts_by_another() -> list[None]:
    """Start one in a function within a function."""
    return [(lambda: starts())() for _ in range(2)]


def calls_attn() -> None:
    """Start one by a helper of all tests."""
    attn("--version")


def shuffles() -> None:
    """Draw at random."""
    random.shuffle([])


@given(number=st.integers())
def draws_and_starts(number: int) -> None:
    """Start one for each example."""
    starts()


def runs_here() -> None:
    """Run the command line without a process."""
    run_here(["--version"])


@given(number=st.integers())
def draws(number: int) -> None:
    """Draw with Hypothesis alone."""
    runs_here()


def in_a_circle() -> None:
    """Name itself."""
    in_a_circle()


def test_what_is_slow_is_seen() -> None:
    """By name, however far away."""
    slow = (starts, starts_by_another, calls_attn, shuffles, draws_and_starts)
    assert [each for each in slow if not reaches(inner(each))] == []
    quick = (runs_here, draws, in_a_circle)
    assert [each for each in quick if reaches(inner(each))] == []


def test_what_is_not_seen_is_refused() -> None:
    """A process that no name leads to."""
    hidden = vars(process)["attn"]
    with pytest.raises(AssertionError, match="mark it slow"):
        hidden("--version")
