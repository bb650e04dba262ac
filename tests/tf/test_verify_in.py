"""`verify --in` passes where what is foretold is true, and each of its checks can fail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from attn_cli import splice
from attn_cli.errors import BadFile, BadShape
from attn_cli.operations.dense import Dense
from attn_cli.spec import parse_spec
from attn_cli.tf import network as building
from attn_cli.tf import verify_in
from attn_cli.tf.verify import Check, run
from attn_cli.tf.verify_in import CHECKS, prepare_in

if TYPE_CHECKING:
    from pathlib import Path

    from attn_cli.graph import Graph

WORDS = ("residual", "depthwise", "post", "stage", "attention")


@pytest.fixture(scope="module")
def network(keras: Any, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A small network with every kind of place in it, saved."""
    layers = keras.layers
    keras.backend.clear_session()
    x = inputs = keras.Input((16, 16, 3))
    x = layers.Conv2D(8, 3, padding="same", name="stem")(x)
    for name in ("first", "second"):
        y = layers.DepthwiseConv2D(3, padding="same", use_bias=False, name=f"{name}_dw")(x)
        y = layers.BatchNormalization(name=f"{name}_dw_bn")(y)
        y = layers.ReLU(name=f"{name}_dw_relu")(y)
        y = layers.Conv2D(8, 1, use_bias=False, name=f"{name}_project")(y)
        y = layers.BatchNormalization(name=f"{name}_bn")(y)
        s = layers.GlobalAveragePooling2D(keepdims=True, name=f"{name}_se_mean")(y)
        s = layers.Conv2D(2, 1, activation="relu", name=f"{name}_se_reduce")(s)
        s = layers.Conv2D(8, 1, activation="sigmoid", name=f"{name}_se_expand")(s)
        y = layers.Multiply(name=f"{name}_se_scale")([y, s])
        x = layers.Add(name=f"{name}_add")([x, y])
    x = layers.MaxPooling2D(2, name="pool")(x)
    x = layers.Conv2D(16, 3, padding="same", name="last")(x)
    outputs = layers.Dense(4)(layers.GlobalAveragePooling2D()(x))
    path = tmp_path_factory.mktemp("network") / "network.keras"
    keras.Model(inputs, outputs, name="network").save(path)
    return str(path)


def checks_of(network: str, spec: str | None, *at: str) -> dict[str, Check]:
    """Return all checks of a block in a network, by name."""
    _, (case,) = prepare_in(network, [spec and parse_spec(spec)], at, ())
    return {check.name: check for check in run(case).checks}


def failing(checks: dict[str, Check]) -> list[str]:
    """Return the names of the checks that failed."""
    return [name for name, check in checks.items() if not check.ok]


@pytest.mark.parametrize("at", WORDS)
@pytest.mark.parametrize("spec", ["se", "eca", "cbam:ratio=2"])
def test_passes(network: str, spec: str, at: str) -> None:
    """Wherever a block can go; it starts without moving anything, but where it replaces."""
    checks = checks_of(network, spec, at)
    assert failing(checks) == []
    assert list(checks) == list(CHECKS)
    replaces = at in ("residual", "attention")  # the ends of these branches are gates
    assert (checks["outputs as before"].expected is None) == (replaces or at == "post")
    assert checks["gradients"].got == checks["gradients"].expected


def test_attention_that_is_taken_out_passes(network: str) -> None:
    checks = checks_of(network, None, "se")
    assert failing(checks) == []
    assert checks["outputs as before"].note == "not claimed: attention was taken out"
    assert checks["MACs added"].expected == checks["MACs added"].got == -2 * 2 * 16


def test_what_is_not_claimed_names_the_place(network: str) -> None:
    """Here the first of two; a dilated convolution is an exception as it is for a block alone."""
    checks = checks_of(network, "bam:ratio=2", "first_add", "second_add")
    assert failing(checks) == []
    assert checks["outputs as before"].note == (
        "not claimed: fresh weights at first_add, and at 1 more: "
        "the block has no start that changes nothing"
    )
    assert checks["outputs as before"].got != "the same"


def test_a_name_that_was_not_foretold_fails(network: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first one is shown, and the file that is written has another graph than foretold."""
    right = splice.prefix_of

    def wrong(graph: Graph, sites: Any, spec: Any) -> Any:
        with monkeypatch.context() as patch:
            patch.setattr(splice, "prefix_of", lambda node: f"{right(node)}_x")
            return splice.splice(graph, sites, spec)

    monkeypatch.setattr(verify_in, "splice", wrong)
    checks = checks_of(network, "eca", "last")
    assert failing(checks) == ["names", "saved and loaded"]
    assert "last_x_eca_squeeze is expected, and Keras has last_eca_" in checks["names"].note
    assert "was foretold" in checks["saved and loaded"].note


@pytest.mark.parametrize("figure", ["macs", "flops"])
def test_a_wrong_cost_fails(network: str, figure: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the network costs beside the block cancels out; FLOPs follow from MACs."""
    right = getattr(Dense, figure)
    monkeypatch.setattr(Dense, figure, lambda *given: right(*given) + 1)
    failed = failing(checks_of(network, "ese", "last"))
    assert [name.split()[0].lower() for name in failed] == list(dict.fromkeys([figure, "flops"]))


def test_a_start_that_moves_fails(network: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """By one bit in one weight; the block's gates get no gradient through a kernel of 0."""
    right = building.start_quietly

    def wrong(*given: Any) -> Any:
        started = right(*given)
        for layer in given[2].layers[0]:
            for weight in layer.trainable_weights:
                weight.assign(weight.value * 0 + 1e-6)
        return started

    monkeypatch.setattr(building, "start_quietly", wrong)
    checks = checks_of(network, "eca", "last")
    assert failing(checks) == ["outputs as before"]
    assert checks["outputs as before"].got.endswith(" off")


def test_a_block_without_a_gradient_fails(network: str, tmp_path: Path) -> None:
    """It is named by its place."""
    path = tmp_path / "own.py"
    path.write_text(
        "from attn_cli import namespace_of\n"
        "def dead(inputs, *, name=None):\n"
        "    keras = namespace_of(inputs)\n"
        "    s = keras.layers.GlobalAveragePooling2D(keepdims=True)(inputs)\n"
        "    s = keras.layers.Dense(inputs.shape[-1], name=name and name + '_dense')(s)\n"
        "    s = keras.ops.multiply(s, 0.0)\n"
        "    return keras.layers.Add(name=name and name + '_add')([inputs, s])\n"
    )
    checks = checks_of(network, f"{path}:dead", "last", "stem")
    assert failing(checks) == ["gradients"]
    assert (checks["gradients"].expected, checks["gradients"].got) == (2, 0)
    assert checks["gradients"].note == "none for the block at stem"


def test_a_dynamic_size_leaves_costs_unclaimed(keras: Any, tmp_path: Path) -> None:
    """All else is checked, on a size that stands for it."""
    path = tmp_path / "dynamic.keras"
    inputs = keras.Input((None, None, 3))
    keras.Model(inputs, keras.layers.Conv2D(8, 3, name="conv")(inputs)).save(path)
    checks = checks_of(str(path), "se", "conv")
    assert failing(checks) == []
    assert checks["FLOPs added"].expected is None
    assert checks["FLOPs added"].note.startswith("not claimed: ")
    assert checks["outputs as before"].got == "the same"
    _, (case,) = prepare_in(str(path), [parse_spec("se")], ["conv"], (), (12, 10, 3))
    asked = {check.name: check for check in run(case).checks}
    assert failing(asked) == []
    assert asked["FLOPs added"].expected == asked["FLOPs added"].got is not None


def test_what_is_unknown_of_the_network_is_no_matter(keras: Any, tmp_path: Path) -> None:
    """What the profiler takes for 0 there, and what has no figure, is so before and after."""
    path = tmp_path / "words.keras"
    inputs, words = keras.Input((8, 8, 4), name="image"), keras.Input((3,), dtype="int32")
    x = keras.layers.Conv2D(4, 3, padding="same", name="conv")(inputs)
    each = keras.layers.Flatten()(keras.layers.Embedding(5, 4)(words))
    x = x + keras.layers.Reshape((1, 1, 4))(keras.layers.Dense(4)(each))
    keras.Model([inputs, words], keras.layers.Activation("silu")(x)).save(path)
    checks = checks_of(str(path), "cbam:ratio=2", "conv")
    assert failing(checks) == []
    assert {check.note for check in checks.values()} == {""}
    assert checks["FLOPs added"].expected == checks["FLOPs added"].got == 14_366


def test_several_inputs_and_outputs(keras: Any, tmp_path: Path) -> None:
    path = tmp_path / "several.keras"
    first, second = keras.Input((8, 8, 4), name="first"), keras.Input((8, 8, 4), name="second")
    x = keras.layers.Conv2D(4, 1, name="conv")(keras.layers.Add(name="sum")([first, second]))
    outputs = {"map": x, "pool": keras.layers.GlobalAveragePooling2D(name="pool")(x)}
    keras.Model({"first": first, "second": second}, outputs).save(path)
    assert failing(checks_of(str(path), "eca", "conv")) == []


def test_a_network_that_keras_does_not_load_is_no_failed_check(keras: Any, tmp_path: Path) -> None:
    """Nothing can be checked: that is one error, with Keras' reason."""
    path = tmp_path / "lambda.keras"
    inputs = keras.Input((8, 8, 4))
    x = keras.layers.Conv2D(4, 1, name="conv")(inputs)
    keras.Model(inputs, keras.layers.Lambda(lambda x: x * 2)(x)).save(path)
    _, (case,) = prepare_in(str(path), [parse_spec("eca")], ["conv"], ())
    with pytest.raises(BadFile, match=r"lambda\.keras: Keras does not load it \("):
        run(case)


@pytest.mark.usefixtures("keras")
def test_refuses_what_cannot_run(keras: Any, tmp_path: Path) -> None:
    """Before TensorFlow runs anything."""
    path = tmp_path / "large.json"
    inputs = keras.Input((2**18, 2**18, 3))
    path.write_text(keras.Model(inputs, keras.layers.Conv2D(8, 1, name="c")(inputs)).to_json())
    with pytest.raises(BadShape, match=r"needs about .* of memory"):
        prepare_in(str(path), [parse_spec("eca")], ["c"], ())
