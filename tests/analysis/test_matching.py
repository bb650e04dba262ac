"""What became of each block from one model to another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attn_cli.analysis import diff as module
from attn_cli.analysis.diff import ADDED, CHANGED, REMOVED, SAME, match
from attn_cli.analysis.find import Attention

if TYPE_CHECKING:
    from collections.abc import Sequence

SE = Attention(
    kind="se",
    path="stage1_se",
    input_shape=(None, 56, 56, 64),
    channels=64,
    width=4,
    kernel_size=None,
    activation="relu",
    gate="sigmoid",
    params=580,
    macs=512,
    flops=402_512,
    nodes=(1,),
)


def se(path: str, **other: Any) -> Attention:
    return SE._replace(path=path, **other)


def eca(path: str, **other: Any) -> Attention:
    fields = {"kind": "eca", "width": None, "kernel_size": 3, "activation": None, **other}
    return SE._replace(path=path, params=3, **fields)


def sized(path: str, channels: int) -> Attention:
    return se(path, channels=channels, input_shape=(None, 56, 56, channels))


def told(before: Sequence[Attention], after: Sequence[Attention]) -> list[tuple[str, ...]]:
    """Return what became of each block: its name, and what changed."""
    return [
        (change.status, (change.after or change.before or SE).path, *change.fields)
        for change in match(before, after)
        if change.status != SAME
    ]


@pytest.mark.parametrize(
    ("before", "after", "changes"),
    [
        ([], [], []),
        ([SE], [SE], []),
        ([], [SE], [(ADDED, "stage1_se")]),
        ([SE], [], [(REMOVED, "stage1_se")]),
        ([SE], [se("stage1_se", width=8)], [(CHANGED, "stage1_se", "width")]),
        ([SE], [se("stage1_se", gate="hard_sigmoid")], [(CHANGED, "stage1_se", "gate")]),
        ([SE], [se("stage2_se")], [(CHANGED, "stage2_se", "path")]),
        # another kind under the same name, or under another one in the same place
        (
            [SE],
            [eca("stage1_se")],
            [(CHANGED, "stage1_se", "kind", "width", "kernel_size", "activation")],
        ),
        (
            [SE],
            [eca("stage1_eca")],
            [(CHANGED, "stage1_eca", "path", "kind", "width", "kernel_size", "activation")],
        ),
        # neither the name nor the size: another block
        ([SE], [sized("stage2_se", 128)], [(REMOVED, "stage1_se"), (ADDED, "stage2_se")]),
        # Keras counts on: only the new one is new
        (
            [se("multiply"), sized("multiply_1", 128), se("multiply_2")],
            [eca("multiply"), se("multiply_1"), sized("multiply_2", 128), se("multiply_3")],
            [(ADDED, "multiply")],
        ),
        (
            [se("net/multiply_1:1"), se("net/multiply_2")],
            [se("net/multiply_2")],
            [(REMOVED, "net/multiply_1:1")],
        ),
        # Keras 2 counts on under another name
        ([se("net/multiply_1:1")], [se("net/tf.math.multiply_7:1")], []),
        # a name of one's own that ends in a number is a place
        ([se("stage_1")], [se("stage_2")], [(CHANGED, "stage_2", "path")]),
        # put elsewhere among the others
        (
            [sized("a", 8), sized("b", 16), sized("c", 32)],
            [sized("b", 16), sized("c", 32), sized("a", 8)],
            [(CHANGED, "a", "order")],
        ),
        (
            [sized("a", 8), sized("b", 16), sized("c", 32)],
            [sized("b", 16), sized("c", 32), eca("a", channels=8)],
            [(REMOVED, "a"), (ADDED, "a")],
        ),
        # all at another resolution
        (
            [se(name) for name in "abc"],
            [se(name, input_shape=(None, 64, 64, 64)) for name in "abc"],
            [(CHANGED, name, "input_shape") for name in "abc"],
        ),
    ],
)
def test_changes(
    before: list[Attention], after: list[Attention], changes: list[tuple[str, ...]]
) -> None:
    """What is told is what a reader of the two models would tell."""
    assert told(before, after) == changes


def test_what_a_change_costs() -> None:
    """Unknown where one of the two is."""
    (change,) = match([SE], [eca("stage1_se", macs=None)])
    assert (change.difference("params"), change.difference("macs")) == (-577, None)
    (added,) = match([], [SE])
    assert added.difference("params") == 580


BLOCKS = st.builds(
    lambda path, kind, width, channels: SE._replace(
        path=path, kind=kind, width=width, channels=channels
    ),
    st.sampled_from([*"abcdefgh", "multiply", "multiply_1", "multiply_2"]),
    st.sampled_from(["se", "eca"]),
    st.sampled_from([4, 8]),
    st.sampled_from([64, 128]),
)
MODELS = st.lists(BLOCKS, max_size=8, unique_by=lambda block: block.path)


@given(MODELS, MODELS)
def test_every_block_is_told_of_once(before: list[Attention], after: list[Attention]) -> None:
    """None is lost and none is invented; the differences add up; what is the same is the same."""
    changes = match(before, after)
    assert sorted(c.before for c in changes if c.before) == sorted(before)
    assert [c.after for c in changes if c.after] == after
    assert [c.status for c in match(after, after)] == [SAME] * len(after)
    mirrored = match(after, before)
    assert len(mirrored) == len(changes)


def test_large_models_are_paired_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """A time that grows with the square of thousands of blocks would be too much."""
    monkeypatch.setattr(module, "MAX_PAIRS", 3)
    before = [se("a"), se("b"), se("c")]
    after = [se("x"), se("b", width=8), se("a"), se("y")]
    assert told(before, after) == [
        (CHANGED, "b", "width"),
        (REMOVED, "c"),
        (ADDED, "x"),
        (ADDED, "y"),
    ]
