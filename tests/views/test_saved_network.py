"""What is said of a network that was written."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from attn_cli.analysis.network import compare_in, read_network
from attn_cli.spec import parse_spec
from attn_cli.tf.network import SavedNetwork
from attn_cli.tf.start import Started
from attn_cli.views.saved import network_report

if TYPE_CHECKING:
    from attn_cli.graph import Shape


def put_in(spec: str | None, start: str | None, input_shape: Shape | None = None) -> SavedNetwork:
    """Return what would be told of a block in a network."""
    network = read_network("app:EfficientNetB0", input_shape)
    compared = compare_in(network, [parse_spec(spec) if spec else None], ["se"])
    started = Started((), ()) if start == "same" else None
    return SavedNetwork(
        *(Path("new.keras"), "Keras", 1_600_000, network, compared.chosen, compared.blocks[0]),
        *(0, start, started, 0.0, 0.0),
    )


@pytest.mark.parametrize("start", ["same", "fresh", None])
def test_the_start_is_the_one_that_was_asked_for(start: str | None) -> None:
    """Where attention is taken out nothing starts, neither in one way nor in the other."""
    made = put_in("eca" if start else None, start)
    assert network_report(made).record()["start"] == start


def test_the_size_that_was_asked_for_is_said() -> None:
    """In words, to programs, and in a column."""
    asked = network_report(put_in("eca", "same", (96, 96, 3)))
    assert asked.closing[0].startswith("eca in app:EfficientNetB0 at 96 × 96 × 3, at se")
    assert asked.record()["inputs"] == [(None, 96, 96, 3)]
    (row,) = asked.rows().rows
    assert row[-1] == "(None, 96, 96, 3)"
    own = network_report(put_in("eca", "same"))
    assert own.closing[0].startswith("eca in app:EfficientNetB0, at se")
