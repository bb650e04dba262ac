"""How long blocks take: what is timed, in which order, and what is made of it."""

from __future__ import annotations

import gc
from typing import Any

import pytest

from attn_cli.errors import BadOption, BadShape
from attn_cli.spec import parse_spec
from attn_cli.tf import time as timing
from attn_cli.tf.time import Timing, bench, check


def test_percentiles_are_samples() -> None:
    """By nearest rank: of 1 to 100 the 5th percentile is 5."""
    hundred = Timing(tuple(range(100, 0, -1)))
    assert (hundred.percentile(5), hundred.median, hundred.percentile(95)) == (5, 50, 95)
    assert hundred.percentile(0) == 1
    assert hundred.percentile(100) == 100
    one = Timing((7,))
    assert (one.percentile(5), one.median, one.percentile(95)) == (7, 7, 7)


@pytest.mark.parametrize(
    "given", [{"batch": 0}, {"batch": -1}, {"runs": 0}, {"warmup": -1}, {"runs": 10**30}]
)
def test_refuses_counts(given: dict[str, Any]) -> None:
    """The option is named, and what it may be."""
    (name,) = given
    with pytest.raises(BadOption, match=rf"^{name} is from [01] to 1,000,000, not "):
        check([parse_spec("se")], (4, 4, 8), **given)


def test_refuses_what_cannot_run() -> None:
    """A dynamic size, and a batch that no memory holds."""
    with pytest.raises(BadShape, match="leaves a size open"):
        check([parse_spec("se")], (None, 4, 8))
    with pytest.raises(BadShape, match="in batches of 1000000 needs about"):
        check([parse_spec("se")], (1024, 1024, 64), batch=1_000_000)


@pytest.mark.usefixtures("keras")
def test_times_each_block_in_each_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """In another order each time, after warming up, with the collector off, and it says so far."""
    calls: list[int] = []
    compiled = timing._compiled

    def watched(model: Any, inputs: Any) -> Any:
        call = compiled(model, inputs)
        number = watched.models = getattr(watched, "models", -1) + 1

        def run(values: Any) -> Any:
            assert not gc.isenabled()
            assert values.shape == (3, 4, 5, 8)
            calls.append(number)
            return call(values)

        return run

    monkeypatch.setattr(timing, "_compiled", watched)
    told: list[int] = []
    specs = [parse_spec("se"), parse_spec("eca")]
    result = bench(specs, (4, 5, 8), batch=3, runs=12, warmup=2, progress=told.append)
    assert gc.isenabled()
    assert told == list(range(1, 15))
    rounds = [tuple(calls[start : start + 3]) for start in range(0, len(calls), 3)]
    assert len(rounds) == 14
    assert all(sorted(each) == [0, 1, 2] for each in rounds)
    assert len(set(rounds)) > 2
    assert [len(each.samples) for each in (result.baseline, *result.blocks)] == [12, 12, 12]
    assert all(sample > 0 for each in result.blocks for sample in each.samples)
    assert result.machine["cpus"] >= 1
    assert any("CPU" in device for device in result.machine["devices"])
    assert set(result.versions) == {"python", "tensorflow", "keras", "numpy"}
