"""`verify` passes where the trace is true, and each of its checks can fail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from attn_cli.blocks import BLOCKS, Block, find_block
from attn_cli.errors import BadOption, BadShape
from attn_cli.operations.dense import Dense
from attn_cli.spec import Spec, parse_spec
from attn_cli.symbolic import namespace_of
from attn_cli.tf.verify import (
    CHECKS,
    SHAPES,
    Check,
    Verification,
    dilation_padding,
    every_spec,
    prepare,
    shift_free,
    variants,
    verify,
)

if TYPE_CHECKING:
    from collections.abc import Callable


def failing(verification: Verification) -> dict[str, Check]:
    """Return the checks that failed, by name."""
    return {check.name: check for check in verification.checks if not check.ok}


def own(function: Callable[..., Any]) -> Spec:
    """Return the spec of a block that a test wrote."""
    return Spec(Block(function.__name__, function), {})


@pytest.mark.usefixtures("keras")
@pytest.mark.parametrize("name", BLOCKS)
def test_every_block_passes(name: str) -> None:
    """As it is, on the first shape; `attn verify --all` goes through the rest."""
    verification = verify(parse_spec(name), SHAPES[0])
    assert failing(verification) == {}
    assert [check.name for check in verification.checks] == list(CHECKS)
    assert verification.ok


def two_faced(inputs: Any, *, name: str | None = None) -> Any:
    """One block for the trace and another for Keras: what the law forbids."""
    keras = namespace_of(inputs)
    traced = type(inputs).__name__ == "SymbolicTensor"
    s = keras.layers.GlobalAveragePooling2D(keepdims=True)(inputs)
    s = keras.layers.Dense(inputs.shape[-1], use_bias=traced)(s)
    s = keras.layers.Activation("sigmoid", name="gate" if traced else None)(s)
    merge = keras.layers.Multiply if traced else keras.layers.Add
    return merge()([inputs, s] if traced else [s, inputs])


@pytest.mark.usefixtures("keras")
def test_shows_the_first_difference() -> None:
    """All that can differ between two graphs is told apart; the rest is checked as well."""
    failed = failing(verify(own(two_faced), (4, 4, 8)))
    assert list(failed) == ["names", "types", "weights", "wiring", "params", "trainable", "FLOPs"]
    assert failed["types"].note == "row 4: Multiply is expected, and Keras has Add"
    assert failed["names"].note == "row 3: gate is expected, and Keras has activation"
    assert failed["names"].got == "3 the same"
    assert (failed["params"].expected, failed["params"].got) == (72, 64)


def only_traced(inputs: Any, *, name: str | None = None) -> Any:
    """Keras refuses this one."""
    if type(inputs).__name__ != "SymbolicTensor":
        raise RuntimeError("not here\nnor there")
    return inputs


@pytest.mark.usefixtures("keras")
def test_a_block_that_keras_refuses_fails_every_check() -> None:
    """Every check is still in the table, with the first line of the error."""
    verification = verify(own(only_traced), (4, 4, 8))
    assert list(failing(verification)) == list(CHECKS)
    assert {check.note for check in verification.checks} == {"RuntimeError: not here"}


@pytest.mark.usefixtures("keras")
@pytest.mark.parametrize("figure", ["macs", "flops"])
def test_a_wrong_cost_fails(figure: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One operation too many in an entry of the table is seen; FLOPs follow from MACs."""
    right = getattr(Dense, figure)
    monkeypatch.setattr(Dense, figure, lambda *given: right(*given) + 1)
    failed = failing(verify(parse_spec("ese"), (4, 4, 8)))
    assert [name.lower() for name in failed] == list(dict.fromkeys([figure, "flops"]))


def dead(inputs: Any, *, name: str | None = None) -> Any:
    """A dense layer that nothing is learnt by: its output is multiplied by 0."""
    keras = namespace_of(inputs)
    s = keras.layers.GlobalAveragePooling2D(keepdims=True)(inputs)
    s = keras.layers.Dense(inputs.shape[-1])(s)
    s = keras.ops.multiply(s, 0.0)
    return keras.layers.Multiply()([inputs, s])


def infinite(inputs: Any, *, name: str | None = None) -> Any:
    """A block that divides by 0."""
    keras = namespace_of(inputs)
    s = keras.layers.GlobalAveragePooling2D(keepdims=True)(inputs)
    return keras.layers.Multiply()([inputs, keras.ops.divide(s, 0.0)])


@pytest.mark.usefixtures("keras")
def test_a_weight_without_a_gradient_fails() -> None:
    """It is named."""
    failed = failing(verify(own(dead), (4, 4, 8)))
    assert list(failed) == ["gradients"]
    assert (failed["gradients"].expected, failed["gradients"].got) == (2, 0)
    assert failed["gradients"].note == "none for dense/kernel"


@pytest.mark.usefixtures("keras")
def test_infinite_outputs_fail() -> None:
    """So does the comparison with the file, as nothing equals what is no number."""
    failed = failing(verify(own(infinite), (4, 4, 8)))
    assert list(failed) == ["finite outputs", "saved and loaded"]
    assert failed["finite outputs"].got == "0 finite"


@pytest.mark.usefixtures("keras")
def test_exceptions_are_shown_and_not_hidden() -> None:
    """The padding of dilated convolutions, to the last operation, and a bias before a softmax."""
    checks = {check.name: check for check in verify(parse_spec("bam"), (7, 5, 40)).checks}
    assert checks["FLOPs"].ok
    assert checks["FLOPs"].expected != checks["FLOPs"].got
    assert "padding of dilated convolutions" in checks["FLOPs"].note
    checks = {check.name: check for check in verify(parse_spec("gc"), (7, 5, 40)).checks}
    assert checks["gradients"].ok
    assert checks["gradients"].note.startswith("none for conv2d/bias: the softmax")


def test_padding_of_dilated_convolutions() -> None:
    """7 × 5 places in steps of 4 are padded to 8 × 8; where the sides fit, nothing is added."""
    padded = {
        shape: dilation_padding(parse_spec("bam").trace(shape))
        for shape in ((7, 5, 32), (8, 12, 32))
    }
    assert padded == {(7, 5, 32): 2 * (64 - 35) * 9 * 2 * 2, (8, 12, 32): 0}
    assert dilation_padding(parse_spec("cbam").trace((7, 5, 32))) == 0


def test_what_a_softmax_takes_out() -> None:
    """The one bias of gc's mask, and no other bias of any block."""
    free = {name: shift_free(parse_spec(name).trace((7, 6, 40))) for name in BLOCKS}
    assert {name for name, biases in free.items() if biases} == {"gc"}
    assert free["gc"] == {"conv2d/bias"}


def test_options_to_try_follow_from_the_signature() -> None:
    """Each option is changed once, alone where the block takes it so, and then all together."""
    texts = [spec.text for spec in variants(find_block("cbam"), (14, 14, 64))]
    assert texts[:2] == ["cbam", "cbam:ratio=9"]
    assert texts[-1].count("=") == len(find_block("cbam").options)
    for name in BLOCKS:
        block = find_block(name)
        tried = {option for spec in variants(block, (14, 14, 64)) for option in spec.given}
        assert tried == set(block.options), name


def test_every_spec_passes_over_what_a_shape_does_not_take() -> None:
    """cbam's ratio of 16 leaves nothing of 8 channels."""
    names = {spec.block.name for spec in every_spec((7, 7, 8))}
    assert "cbam" not in names
    assert {"se", "eca", "se-timm"} <= names
    assert {spec.block.name for spec in every_spec(SHAPES[0])} >= set(BLOCKS)


def test_refuses_what_cannot_run() -> None:
    """Before TensorFlow is loaded."""
    with pytest.raises(BadShape, match="None,None,64 leaves a size open"):
        prepare(parse_spec("se"), (None, None, 64))
    with pytest.raises(BadShape, match=r"needs about .* of memory"):
        prepare(parse_spec("se"), (2**20, 2**20, 64))
    with pytest.raises(BadOption):
        prepare(parse_spec("cbam"), (7, 7, 8))
