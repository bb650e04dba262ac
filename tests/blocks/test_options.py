"""What options and inputs must be, and what is said where they are not."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from attn_cli.blocks import BLOCKS, find_block, options
from attn_cli.errors import BadOption, BadShape
from attn_cli.sources.block import trace


class Tensor(NamedTuple):
    shape: Any


BIG = 10**400


@pytest.mark.parametrize(
    ("check", "value", "line"),
    [
        (options.integer, 4.0, "k is an integer, not 4.0"),
        (options.integer, True, "k is an integer, not True"),
        (options.integer, "4", "k is an integer, not '4'"),
        (options.integer, None, "k is an integer, not None"),
        (options.integer, 0, "k is at least 1, not 0"),
        (options.odd, 4, "k is odd, so that it has a middle, not 4"),
        (options.odd, -1, "k is at least 1, not -1"),
        (options.number, float("nan"), "k is a finite number that float32 holds, not nan"),
        (options.number, float("-inf"), "k is a finite number that float32 holds, not -inf"),
        (options.number, 1e39, "k is a finite number that float32 holds, not 1e+39"),
        (options.number, BIG, f"k is a finite number that float32 holds, not {BIG}"),
        (options.number, False, "k is a finite number that float32 holds, not False"),
        (options.number, "1", "k is a finite number that float32 holds, not '1'"),
        (options.flag, 1, "k is true or false, not 1"),
        (options.flag, None, "k is true or false, not None"),
        (options.text, None, "k is a name, not None"),
    ],
)
def test_a_bad_value_gets_its_line(check: Any, value: Any, line: str) -> None:
    with pytest.raises(BadOption) as caught:
        check("k", value)
    assert str(caught.value) == line


@pytest.mark.parametrize(
    ("check", "value"),
    [
        (options.integer, 1),
        (options.integer, BIG),
        (options.odd, 1),
        (options.number, 0),
        (options.number, -1.5),
        (options.number, 3.4028234663852886e38),
        (options.flag, False),
        (options.text, "relu"),
    ],
)
def test_a_good_value_comes_back(check: Any, value: Any) -> None:
    assert check("k", value) == value


WRONG = {
    "int": [1.5, "8", True, (3,)],
    "float": ["1", True, float("nan"), float("inf"), (1.0,)],
    "bool": [0, 1, None, "true"],
    "str": [3, True, b"relu", "nonsense"],
    "None": [None],
}


@pytest.mark.parametrize("name", BLOCKS)
def test_an_option_of_another_type_is_refused(name: str) -> None:
    """Each option of each block refuses what its annotation does not name, alone at fault."""
    block = find_block(name)
    for option in block.options.values():
        kinds = {kind.strip() for kind in option.type.split("|")}
        wrong = [value for kind in kinds - {"None"} for value in WRONG[kind]]
        for value in wrong if "None" in kinds else [*wrong, None]:
            with pytest.raises(BadOption):
                trace(block.build, (7, 7, 64), **{option.name: value})


@pytest.mark.parametrize("name", ["", "a/b", "a b", "é", "_a", "-a", "a\n", 3, True, b"a"])
def test_a_name_that_tensorflow_would_refuse(name: Any) -> None:
    with pytest.raises(BadOption, match=r"^name is ASCII letters, digits"):
        options.prefixed(name)


def test_a_name_prefixes_roles() -> None:
    assert options.prefixed("stage3.se-1")("gate") == "stage3.se-1_gate"
    assert options.prefixed(None)("gate") is None


def test_a_width_is_never_0() -> None:
    assert [options.squeezed_width(64, ratio) for ratio in (1, 16, 33, 64)] == [64, 4, 1, 1]
    with pytest.raises(
        BadOption, match=r"^ratio 65 squeezes 64 channels to a width of 0; the largest"
    ):
        options.squeezed_width(64, 65)


@pytest.mark.parametrize(
    ("shape", "line"),
    [
        ((None, 7, 64), r"takes a feature map \(B, H, W, C\), not \(None, 7, 64\)"),
        ((), r"takes a feature map \(B, H, W, C\), not \(\)"),
        ((None, 7, 7, 7, 64), "takes a feature map"),
        ((None, 7, 7, None), "the number of channels must be known"),
        ((None, 0, 7, 64), "cannot be empty"),
        ((None, 7, 0, 64), "cannot be empty"),
        ((None, 7, 7, 0), "cannot be empty"),
    ],
)
def test_a_bad_shape_gets_its_line(shape: Any, line: str) -> None:
    with pytest.raises(BadShape, match=line):
        options.feature_map(Tensor(shape))


def test_a_feature_map_has_height_width_and_channels() -> None:
    assert options.feature_map(Tensor([8, 7, None, 64])) == (7, None, 64)
