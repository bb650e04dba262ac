"""How long blocks take: what is timed, in which order, and what is made of it."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any

import pytest

from attn_cli.errors import BadOption, BadShape, BadSpec
from attn_cli.spec import parse_spec
from attn_cli.tf import time as timing
from attn_cli.tf.time import Timing, bench, bench_in, check, check_in

if TYPE_CHECKING:
    from pathlib import Path


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
    compiled = timing.compiled

    def watched(model: Any, inputs: Any) -> Any:
        call = compiled(model, inputs)
        number = watched.models = getattr(watched, "models", -1) + 1

        def run(values: Any) -> Any:
            assert not gc.isenabled()
            assert values.shape == (3, 4, 5, 8)
            calls.append(number)
            return call(values)

        return run

    monkeypatch.setattr(timing, "compiled", watched)
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


@pytest.fixture(scope="module")
def network(keras: Any, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A small network of two inputs, saved."""
    first, second = keras.Input((8, 8, 4), name="first"), keras.Input((8, 8, 4), name="second")
    x = keras.layers.Conv2D(4, 1, name="conv")(keras.layers.Add(name="sum")([first, second]))
    path = tmp_path_factory.mktemp("network") / "network.keras"
    keras.Model({"first": first, "second": second}, x).save(path)
    return str(path)


def test_times_a_network_with_each_block_in_each_run(
    network: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And as it is, first; the layers of all are the same ones."""
    built: list[Any] = []
    compiled = timing.compiled

    def watched(model: Any, inputs: Any) -> Any:
        built.append(model)
        assert {name: each.shape for name, each in inputs.items()} == {
            "first": (3, 8, 8, 4),
            "second": (3, 8, 8, 4),
        }
        return compiled(model, inputs)

    monkeypatch.setattr(timing, "compiled", watched)
    told: list[int] = []
    specs = [parse_spec("se"), None, parse_spec("eca")]
    with pytest.raises(BadSpec, match="none takes attention out"):
        check_in(network, specs, ["conv"], [])
    specs.remove(None)
    compared = check_in(network, specs, ["conv"], [], 3, 4, 1)
    result = bench_in(network, specs, compared, batch=3, runs=4, warmup=1, progress=told.append)
    assert told == [1, 2, 3, 4, 5]
    assert [len(each.samples) for each in (result.baseline, *result.blocks)] == [4, 4, 4]
    params = [model.count_params() for model in built]
    assert params == [20, 20 + 13, 20 + 1]
    assert params[1:] == [block.after.params.total for block in compared.blocks]
    conv, *others = [model.get_layer("conv") for model in built]
    assert all(other is conv for other in others)


@pytest.mark.usefixtures("keras")
def test_times_a_network_at_another_input_size() -> None:
    """One whose own is dynamic, so that it could not be timed."""
    eca = [parse_spec("eca")]
    compared = check_in("app:MobileNetV3Small", eca, [], [], input_shape=(64, 64, 3))
    result = bench_in("app:MobileNetV3Small", eca, compared, runs=1, warmup=0)
    assert result.shape == (64, 64, 3)


def test_a_difference_is_taken_run_by_run() -> None:
    """What made one run slow made both slow: the middle of all differences, not of all times."""
    before, after = Timing((10, 100, 20)), Timing((12, 101, 23))
    assert (after - before).samples == (2, 1, 3)
    assert (after - before).median == 2


def test_refuses_networks_that_cannot_be_timed(keras: Any, tmp_path: Path) -> None:
    """A dynamic size, another batch than theirs, too little memory."""
    eca = [parse_spec("eca")]
    with pytest.raises(BadShape, match="None,None,3 leaves a size open"):
        check_in("app:MobileNetV3Small", eca, [], [])
    with pytest.raises(BadShape, match="in batches of 1000000 needs about"):
        check_in("app:VGG16", eca, ["stage"], [], batch=1_000_000)
    with pytest.raises(BadOption, match="runs is from 1 to"):
        check_in("app:VGG16", eca, ["stage"], [], runs=0)
    inputs = keras.Input(batch_shape=(2, 8, 8, 4))
    model = keras.Model(inputs, keras.layers.Conv2D(4, 1, name="conv")(inputs))
    (tmp_path / "fixed.json").write_text(model.to_json())
    path = str(tmp_path / "fixed.json")
    with pytest.raises(BadOption, match="the network takes 2 samples in a call, not 1"):
        check_in(path, eca, ["conv"], [])
    assert bench_in(path, eca, check_in(path, eca, ["conv"], [], 2), batch=2, runs=1).batch == 2
