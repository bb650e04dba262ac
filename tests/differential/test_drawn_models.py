"""Small models of everything at once, in files that attn reads: the sums are Keras' own."""

from __future__ import annotations

import random
import secrets
from typing import TYPE_CHECKING

import mixed
import pytest
from catalogue import world
from files import judged
from hypothesis import settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SUFFIXES = (".keras", ".h5", ".json")


def wrong_in(name: str, folder: Path) -> Iterator[str]:
    """Yield a line for each figure of a drawn model that is other than what Keras has."""
    keras, profile = world(name), settings()
    keras.backend.clear_session()
    for number in range(profile.max_examples // (5 if name == "keras" else 10)):
        seed = number if profile.derandomize else secrets.token_hex(8)
        model, costs, text = mixed.drawn(keras, random.Random(f"{name} {seed}"))
        suffix = SUFFIXES[number % len(SUFFIXES)]
        verdict = judged(keras, model, suffix, folder, costs)
        yield from (f"{text} [{suffix}] {each}" for each in verdict.wrong)


@pytest.mark.usefixtures("keras")
@pytest.mark.parametrize("name", ["keras", "tf_keras"])
def test_drawn_models_are_read_as_they_are(name: str, tmp_path: Path) -> None:
    """With wrappers, nested, shared and frozen parts, policies, several inputs and outputs."""
    wrong = list(wrong_in(name, tmp_path))
    assert not wrong, "\n".join(["", *wrong])
