"""The grammar: what is parsed prints as it was, and what is wrong gets its one line."""

from __future__ import annotations

import re
import subprocess
from typing import Any

import pytest
from drawing import option_values
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from attn_cli.blocks import BLOCKS, PRESETS, find_block
from attn_cli.errors import AttnError, BadShape, BadSpec
from attn_cli.sources.block import misread
from attn_cli.spec import (
    MAX_SIZE,
    Place,
    Spec,
    expanded,
    parse_channels,
    parse_place,
    parse_shape,
    parse_spec,
)

SIZES = st.integers(1, MAX_SIZE)
SHAPES = st.tuples(st.none() | SIZES, st.none() | SIZES, SIZES)


@pytest.mark.parametrize("name", [*BLOCKS, *PRESETS])
@given(data=st.data())
def test_a_spec_reads_as_it_is_written(name: str, data: st.DataObject) -> None:
    """The canonical form of whatever options has the same options, and is canonical itself."""
    block = find_block(name)
    given = {
        option.name: data.draw(option_values(option, bad=False), label=option.name)
        for option in block.options.values()
        if data.draw(st.booleans())
    }
    spec = Spec(block, given)
    again = parse_spec(spec.text)
    assert again.options == spec.options
    assert again.text == spec.text
    assert [type(value) for value in again.given.values()] == [
        type(value) for key, value in spec.options.items() if key in again.given
    ]
    assert all(again.given[key] != block.defaults[key] for key in again.given)


def test_a_spec_forgives_spaces_case_and_order() -> None:
    """The canonical form has the signature's order, and leaves out what is as by default."""
    text = " se: use_bias = FALSE , gate=hard_sigmoid,ratio=16,width=None,activation=relu "
    assert parse_spec(text).text == "se:ratio=16,gate=hard_sigmoid,use_bias=false"
    assert parse_spec("eca:b=-1.50,gamma=+3").text == "eca:b=-1.5,gamma=3"


@given(shape=SHAPES, times=st.integers(1, 999_999_999))
def test_a_shape_reads_as_it_is_written(shape: Any, times: int) -> None:
    place = Place(shape, times)
    assert parse_place(place.text) == place
    assert parse_place(f"{times}@{place.text.rpartition('@')[2].replace(',', 'x')}") == place
    height, width, channels = shape
    assert parse_shape(f"{height},{width}", channels) == shape
    assert parse_shape(f"({height}, {width}, {channels})".upper(), channels) == shape
    assert parse_channels(str(channels)) == channels


@pytest.mark.parametrize("parse", [parse_place, parse_spec])
@given(text=st.text(st.sampled_from("0123456789,x×@:=-.+_ Nonseratio"), max_size=12))
def test_any_text_is_understood_or_refused_in_one_line(parse: Any, text: str) -> None:
    try:
        parsed, line = parse(text).text, ""
    except AttnError as error:
        parsed, line = "", str(error)
    assert parsed or line
    assert "\n" not in line


NINES = "9" * 200


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("ecca", "no block is called 'ecca'; did you mean eca"),
        ("", "no block is called ''"),
        ("se:", "'' in 'se:' is not key=value, as in se:ratio=4"),
        ("se:8", "'8' in 'se:8' is not key=value, as in se:ratio=4"),
        ("se:ratio=8,", "'' in 'se:ratio=8,' is not key=value"),
        ("se:ratoi=8", "se has no option 'ratoi'; it has ratio, width, "),
        ("se:ratoi=8", "; did you mean ratio?"),
        ("simam:ratio=8", "simam has no option 'ratio'; it has "),
        ("se:name=x", "se has no option 'name'"),
        ("se:ratio=8,ratio=8", "ratio is given twice in 'se:ratio=8,ratio=8'"),
        ("se:ratio=four", "ratio is an integer, not 'four'"),
        ("se:ratio=4.0", "ratio is an integer, not '4.0'"),
        ("se:ratio=", "ratio is an integer, not ''"),
        ("se:ratio=1_0", "ratio is an integer, not '1_0'"),
        ("se:ratio=٤", "ratio is an integer, not '٤'"),
        (f"se:ratio={NINES}", "ratio is an integer, not '999999999999… (200 characters)'"),
        ("se:width=a", "width is an integer or none, not 'a'"),
        ("se:use_bias=1", "use_bias is true or false, not '1'"),
        ("se:gate=a-b", "gate is a name, not 'a-b'"),
        ("eca:b=inf", "b is a finite number, not 'inf'"),
        ("eca:b=-Infinity", "b is a finite number, not '-Infinity'"),
        ("eca:gamma=nan", "gamma is a finite number, not 'nan'"),
        ("eca:gamma=1e999", "gamma is a finite number, not '1e999'"),
        ("se,eca", "no block is called 'se,eca'; blocks are separated by spaces: se eca"),
        ("se, eca:b=2", "no block is called 'se, eca'; blocks are separated by spaces: se eca"),
        ("se,", "no block is called 'se,'; blocks are separated by spaces: se"),
        ("se:ratio=8,eca", "as in se:ratio=4; blocks are separated by spaces"),
        ("ratio=8", "no block is called 'ratio=8'; an option follows its block: se:ratio=8"),
        ("se,ratio=8", "no block is called 'se,ratio=8'; options follow a colon: se:ratio=8"),
        (
            "se(ratio=8, width=3)",
            "no block is called 'se(ratio=8, width=3)'; options follow a colon: se:ratio=8,width=3",
        ),
        ("se()", "options follow a colon: se:key=value"),
        ("(None, 7, 7, 64)", "a shape is given as --shape None,7,7,64"),
        ("[7, 7, 64]", "a shape is given as --shape 7,7,64"),
        ("model.keras", "no block is called 'model.keras'; that names a model: attn inspect,"),
        ("eca:kernel_size=5.5", "kernel_size is an integer or none, not '5.5'"),
    ],
)
def test_a_bad_spec_gets_its_line(text: str, line: str) -> None:
    with pytest.raises(BadSpec) as caught:
        parse_spec(text)
    assert line in str(caught.value)


@pytest.mark.parametrize(
    ("spec", "line"),
    [
        ("se:ratio=0", "ratio is at least 1, not 0"),
        ("se:ratio=-4", "ratio is at least 1, not -4"),
        (
            "se:ratio=65",
            "ratio 65 squeezes 64 channels to a width of 0; the largest ratio here is 64",
        ),
        ("cbam:ratio=65", "the largest ratio here is 64"),
        ("se:width=0", "width is at least 1, not 0"),
        ("se:ratio=8,width=8", "give ratio or width, not both: ratio=8 and width=8"),
        ("se:width=8,divisor=8", "divisor rounds C / ratio, and width=8 is given outright"),
        (
            "se:width=8,round_limit=0.5",
            "round_limit=0.5 goes with a divisor, not with width=8",
        ),
        ("se:round_limit=0.9", "round_limit=0.9 says when to round up, and needs a divisor"),
        ("se:divisor=8,round_limit=2", "round_limit is from 0 to 1, not 2"),
        ("se:divisor=0", "divisor is at least 1, not 0"),
        ("se:gate=sigmiod", "'sigmiod'; did you mean"),
        ("eca:gamma=0", "gamma divides in the rule for the kernel size: it cannot be 0"),
        ("eca:gamma=1e-300", "make a kernel of "),
        ("eca:b=1e39", "b is a finite number that float32 holds, not 1e+39"),
        ("eca:kernel_size=4", "kernel_size is odd, so that it has a middle, not 4"),
        ("eca:kernel_size=-1", "kernel_size is at least 1, not -1"),
        ("eca:min_kernel_size=2", "min_kernel_size is odd"),
        ("spatial:kernel_size=2", "kernel_size is odd"),
    ],
)
def test_an_option_out_of_range_gets_its_line(spec: str, line: str) -> None:
    """What the grammar takes and the block does not, each at 64 channels."""
    with pytest.raises(AttnError) as caught:
        parse_spec(spec).trace((7, 7, 64))
    assert line in str(caught.value)


def test_a_flag_and_a_spec_agree_or_are_refused() -> None:
    """Flags are typed as the options are, and may repeat what the spec says."""
    assert parse_spec("se:ratio=8", {"ratio": "8", "use_bias": "false"}).given == {
        "ratio": 8,
        "use_bias": False,
    }
    with pytest.raises(BadSpec, match=r"^ratio is 8 in 'se:ratio=8', and its flag says 16$"):
        parse_spec("se:ratio=8", {"ratio": "16"})
    with pytest.raises(BadSpec, match=r"^eca has no option 'ratio'; it has b, gamma, "):
        parse_spec("eca", {"ratio": "16"})
    with pytest.raises(BadSpec, match=r"^b is a finite number, not 'inf'$"):
        parse_spec("eca", {"b": "inf"})


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", "a shape is H,W,C, as in 26,26,512, not ''"),
        ("26", "a shape is H,W,C, as in 26,26,512, not '26'"),
        ("26,26", "a shape is H,W,C, as in 26,26,512, not '26,26'"),
        ("1,26,26,512", "a shape is H,W,C without a batch, as in 26,26,512, not '1,26,26,512'"),
        ("None,1,26,26,512", "a shape is H,W,C, as in 26,26,512, not 'None,1,26,26,512'"),
        ("(26,26,512", "'(26' in '(26,26,512' is not a size"),
        ("(26,26,512]", "'(26' in '(26,26,512]' is not a size"),
        ("26,26,", "a shape is H,W,C, as in 26,26,512, not '26,26,'"),
        ("0,26,512", "a size in '0,26,512' is 0; the least is 1"),
        ("26,26,000", "a size in '26,26,000' is 0; the least is 1"),
        ("-1,26,512", "'-1' in '-1,26,512' is not a size: a positive integer, or None where"),
        ("26.5,26,512", "'26.5' in '26.5,26,512' is not a size"),
        ("26,26,²", "'²' in '26,26,²' is not a size"),
        ("26,26,1_0", "'1_0' in '26,26,1_0' is not a size"),
        (f"26,26,{MAX_SIZE + 1}", f"is too large; the largest size is {MAX_SIZE}"),
        (f"26,26,1{'0' * 30}", f"is too large; the largest size is {MAX_SIZE}"),
        ("26,26,None", "the channels of '26,26,None' must be known; only H and W can be None"),
        ("64,None,None", "only H and W can be None; channels come last: None,None,64"),
        ("0@26,26,512", "the count before @ in '0@26,26,512' is a positive integer, as in 6@"),
        ("-2@26,26,512", "the count before @ in '-2@26,26,512' is a positive integer"),
        ("@26,26,512", "the count before @ in '@26,26,512' is a positive integer"),
        ("6@6@26,26,512", "the count before @ in '6@6@26,26,512' is a positive integer"),
    ],
)
def test_a_bad_shape_gets_its_line(text: str, line: str) -> None:
    with pytest.raises(BadShape) as caught:
        parse_place(text)
    assert line in str(caught.value)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    "text",
    ["(None, 26, 26, 512)", "[26,26,512]", "26, 26, 512", " [ none,26 , 26,512 ] ", "(26x26x512)"],
)
def test_a_shape_is_read_as_others_print_it(text: str) -> None:
    """Keras with its batch, a list, a tuple."""
    assert parse_shape(text) == (26, 26, 512)
    assert parse_shape("(None, None, None, 64)") == (None, None, 64)
    assert parse_place(f"6@{text}") == Place((26, 26, 512), 6)


def test_channels_complete_a_shape_or_equal_it() -> None:
    assert parse_shape("26,26,512", 512) == (26, 26, 512)
    with pytest.raises(BadShape, match=r"^'26,26,512' has 512 channels, and --channels says 64$"):
        parse_shape("26,26,512", 64)
    with pytest.raises(BadShape, match="must be known"):
        parse_channels("None")
    assert parse_shape(f"1,1,{'0' * 40}{MAX_SIZE}") == (1, 1, MAX_SIZE)


@pytest.mark.parametrize(
    ("shape", "looks"),
    [
        ((512, 26, 26), True),
        ((24, 56, 56), True),
        ((3, 224, 224), True),
        ((3, 224, 320), True),
        ((26, 26, 512), False),
        ((26, 26, 26), False),
        ((3, 3, 512), False),
        ((3, 7, 512), False),
        ((56, 112, 24), False),
        ((None, 26, 26), False),
        ((512, None, 26), False),
        ((26, 26), False),
    ],
)
def test_a_shape_that_looks_channels_first(shape: Any, looks: bool) -> None:
    assert bool(misread(shape)) is looks


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("se", ["se"]),
        ("se:ratio={4,8,16}", ["se:ratio=4", "se:ratio=8", "se:ratio=16"]),
        ("{se,eca:b={1..3..2}}", ["se", "eca:b=1", "eca:b=3"]),
        ("se{,:ratio=8}", ["se", "se:ratio=8"]),
        ("se:ratio={4}", ["se:ratio={4}"]),
        ("se:ratio={4,8", ["se:ratio={4,8"]),
        ("{3..1}{,-}", ["3", "3-", "2", "2-", "1", "1-"]),
    ],
)
def test_braces_make_several_specs(text: str, made: list[str]) -> None:
    assert expanded(text) == made


@settings(max_examples=60)
@given(texts=st.lists(st.text(st.sampled_from("{},.12=x"), min_size=1, max_size=14), max_size=80))
def test_braces_are_those_of_bash(texts: list[str]) -> None:
    """For whoever has no such shell, and for whoever has: the same."""
    # What bash does not leave as it is for other reasons: empty words, numbers that begin with 0.
    texts = [text for text in texts if all(expanded(text)) and "{}" not in text]
    assume(texts)
    line = "; ".join(f"printf '%s ' {text}; echo" for text in texts)
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=True)
    assert [line.split() for line in done.stdout.splitlines()] == [expanded(t) for t in texts]


@pytest.mark.parametrize("text", ["{1..999999999}", "{1..1000}{1..1000}", "{1,2}" * 18, "{" * 30])
def test_braces_have_bounds(text: str) -> None:
    with pytest.raises(BadSpec, match="braces"):
        expanded(text)


def test_where_one_block_is_wanted_several_are_refused() -> None:
    with pytest.raises(BadSpec, match=re.escape("'se:ratio={4,8}' is 2 blocks, and here is room")):
        parse_spec("se:ratio={4,8}")
