"""How many parameters a block has, by the formulas of the papers and the figures in their code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attn_cli.blocks import BLOCKS, PRESETS, find_block
from attn_cli.errors import BadShape, BadSpec
from attn_cli.sources.block import trace
from attn_cli.spec import Spec, parse_spec


def eca_rule(c: int) -> int:
    """The bounds of the rule's steps, gamma 2 and b 1."""
    return 1 + 2 * sum(c >= bound for bound in (8, 128, 2048, 32768))


# The trainable parameters at C channels, of which some depend on the squeezed width s.
FORMULAS = {
    "se": lambda c, s=4: 2 * c * (c // s) + c // s + c,
    "se:use_bias=false": lambda c: 2 * c * (c // 4),
    "ese": lambda c: c * c + c,
    "ese:use_bias=false": lambda c: c * c,
    "eca": eca_rule,
    "ceca": lambda c: max(3, eca_rule(c)),
    "srm": lambda c: 4 * c,
    "gct": lambda c: 3 * c,
    "gc": lambda c: 2 * c * (c // 16) + 2 * c + 3 * (c // 16) + 1,
    "gc:pool=mean": lambda c: 2 * c * (c // 16) + c + 3 * (c // 16),
    "spatial": lambda c: 100,
    "spatial:batch_norm=false": lambda c: 98,
    "cbam": lambda c: 2 * c * (c // 16) + c // 16 + c + 100,
    "bam": lambda c: 3 * c * (c // 16) + c + 18 * (c // 16) ** 2 + 13 * (c // 16) + 1,
    "scse": lambda c: 2 * c * (c // 2) + c // 2 + c + c + 1,
    "coord": lambda c: 3 * c * max(8, c // 32) + 3 * max(8, c // 32) + 2 * c,
    "coord:use_bias=false": lambda c: 3 * c * max(8, c // 32) + 2 * max(8, c // 32),
    "triplet": lambda c: 300,
    "triplet:spatial=false": lambda c: 200,
    "simam": lambda c: 0,
}


def trainable(spec: str, channels: int) -> int:
    return parse_spec(spec).trace((14, 14, channels)).params.trainable


def test_every_block_has_a_formula() -> None:
    """A block whose parameters nobody has worked out by hand is not tested."""
    assert {spec.partition(":")[0] for spec in FORMULAS} == set(BLOCKS)


@pytest.mark.parametrize("spec", FORMULAS)
@given(channels=st.one_of(st.integers(16, 5000), st.sampled_from([16, 127, 128, 2047, 2048])))
def test_follows_its_formula(spec: str, channels: int) -> None:
    """Whatever the number of channels, the trace has as many parameters as the formula says."""
    assert trainable(spec, channels) == FORMULAS[spec](channels)


@pytest.mark.parametrize(
    ("spec", "params"),
    [
        ("se:ratio=16", 580),
        ("se:ratio=16,use_bias=false", 512),
        ("se-senet", 580),
        ("se-timm", 1096),
        ("cbam", 680),
        ("cbam:use_bias=false", 612),
        ("cbam-timm", 612),
        ("triplet", 300),
        ("simam", 0),
        ("gct", 192),
        ("ese", 4160),
        ("srm", 256),
        ("srm-official", 256),
    ],
)
def test_at_64_channels(spec: str, params: int) -> None:
    """The trainable parameters at 64 channels are those of the official code."""
    assert trainable(spec, 64) == params


@pytest.mark.parametrize(("spec", "non_trainable"), [("srm", 128), ("triplet", 6), ("coord", 16)])
def test_batch_norm_statistics_count_apart(spec: str, non_trainable: int) -> None:
    """A batch norm's moving mean and variance are parameters to Keras, and not trainable."""
    assert parse_spec(spec).trace((14, 14, 64)).params.non_trainable == non_trainable


@pytest.mark.parametrize("spec", ["coord", "simam", "srm:unbiased=true"])
@pytest.mark.parametrize("shape", [(None, None, 64), (None, 7, 64), (7, None, 64)])
def test_a_block_that_needs_fixed_sizes_says_so(spec: str, shape: tuple[int | None, ...]) -> None:
    """One line says that H and W must be known, and why."""
    with pytest.raises(BadShape, match=r"^this block .*, so it needs a fixed H and W: "):
        parse_spec(spec).trace(shape)


@pytest.mark.parametrize("spec", [name for name in BLOCKS if name not in ("coord", "simam")])
def test_other_blocks_take_dynamic_sizes(spec: str) -> None:
    """Parameters do not depend on an H and W that are known later."""
    dynamic = parse_spec(spec).trace((None, None, 64))
    assert dynamic.params == parse_spec(spec).trace((14, 9, 64)).params
    assert dynamic.shape_of(dynamic.outputs[0]) == (None, None, None, 64)


# Trainable parameters that the code a preset is named after has at these channels.
PRESET_COUNTS = {
    "se-senet": {64: 580, 256: 8464},
    "se-timm": {24: 416, 64: 1096, 200: 6616},
    "se-efficientnet": {32: 552},
    "se-efficientnet:input_channels=16": {96: 868},
    "se-mobilenetv3": {16: 280, 88: 4336, 96: 4728},
    "eca-timm": {4: 3, 64: 3, 256: 5},
    "gc-timm": {20: 170, 64: 1177},
    "cbam-timm": {24: 196, 64: 612},
    "srm-official": {64: 256},
    "bam-paper": {64: 1173},
    "scse-paper": {64: 4257},
    "scse-smp": {64: 645},
    "coord-timm": {64: 1552, 288: 13856},
}


def test_every_preset_has_figures() -> None:
    """A preset that nobody compared with its source is not tested."""
    assert {spec.partition(":")[0] for spec in PRESET_COUNTS} == set(PRESETS)


@pytest.mark.parametrize("spec", PRESET_COUNTS)
def test_a_preset_has_the_figures_of_its_source(spec: str) -> None:
    """Its parameters are those of the code that it is named after."""
    counts = PRESET_COUNTS[spec]
    assert {channels: trainable(spec, channels) for channels in counts} == counts


def test_senet_on_resnet50() -> None:
    """SE takes 2,530,992 parameters of SE-ResNet-50's prototxt, ECA 86."""
    places = {256: 3, 512: 4, 1024: 6, 2048: 3}
    for spec, total in {"se-senet": 2_530_992, "eca": 86, "eca-timm": 86}.items():
        assert sum(times * trainable(spec, c) for c, times in places.items()) == total


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_a_name_for_options(name: str) -> None:
    """It traces as its block does with these options, and has the block's other defaults."""
    preset = PRESETS[name]
    block, base = find_block(name), find_block(preset.block)
    assert block.function is base.function
    assert block.defaults == {**base.defaults, **preset.options}
    assert all(base.defaults[option] != value for option, value in preset.options.items()) or (
        name == "se-efficientnet"  # which says its ratio, also where SE's is the same
    )
    same = trace(base.build, (8, 8, 64), **preset.options)
    assert parse_spec(name).trace((8, 8, 64)).params == same.params


@pytest.mark.parametrize(
    ("given", "canonical"),
    [
        ("se-timm", "se-timm"),
        ("se-timm:ratio=16,divisor=8", "se-timm"),
        ("se-timm:gate=hard_sigmoid,ratio=8", "se-timm:ratio=8,gate=hard_sigmoid"),
        ("se-efficientnet:input_channels=16", "se-efficientnet:input_channels=16"),
        ("cbam-timm:use_bias=true", "cbam-timm:use_bias=true"),
    ],
)
def test_a_preset_prints_as_its_name_and_what_differs(given: str, canonical: str) -> None:
    """The canonical form of a preset's spec is measured against the preset."""
    assert parse_spec(given).text == canonical
    assert parse_spec(canonical).text == canonical


def test_presets_are_documented() -> None:
    """The page of the catalogue says of each preset which options it is."""
    page = (Path(__file__).parents[2] / "docs" / "catalogue.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `([\w-]+)` \| `(.*?)` \|", page, re.MULTILINE))
    spelt = {name: Spec(find_block(at.block), at.options).text for name, at in PRESETS.items()}
    assert rows == spelt


def test_a_preset_can_be_misspelt() -> None:
    """The nearest name is offered, a preset's too."""
    with pytest.raises(BadSpec, match="did you mean se-timm"):
        parse_spec("se-tim")
