"""The source of a block stands alone, short or full: nothing but Keras, and the same layers."""

from __future__ import annotations

import ast
import sys
from typing import TYPE_CHECKING, Any

import pytest
from drawing import GOOD_SHAPES, option_sets
from hypothesis import assume, given
from hypothesis import strategies as st

from attn_cli.blocks import BLOCKS, PRESETS, find_block
from attn_cli.blocks.short import short_source
from attn_cli.blocks.source import full_source
from attn_cli.errors import AttnError
from attn_cli.sources.block import trace
from attn_cli.spec import Spec, parse_spec
from attn_cli.symbolic import namespace_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SHAPE = (7, 5, 64)
OTHERS = ("se-senet:use_bias=false,width=6", "cbam:batch_norm=false", "gc:pool=mean")
SPECS = [*BLOCKS, *PRESETS, *OTHERS, "ceca:kernel_size=1"]
SOURCES = (short_source, full_source)


def code(spec: Spec, source: Callable[..., str]) -> str:
    return source(spec.block, spec.given)


def told(graph: Any) -> list[Any]:
    return [
        (
            node.name,
            node.layer.type,
            node.layer.function,
            node.output_shapes,
            node.inputs,
            node.layer.weights,
        )
        for node in graph.nodes
    ]


@pytest.mark.slow
@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("spec", SPECS)
def test_imports_nothing_of_ours(spec: str, source: Callable[..., str]) -> None:
    """It can be pasted where attn is not installed."""
    statements = list(ast.walk(ast.parse(code(parse_spec(spec), source))))
    imported = [node.module for node in statements if isinstance(node, ast.ImportFrom)]
    imported += [
        alias.name for node in statements if isinstance(node, ast.Import) for alias in node.names
    ]
    assert {str(module).split(".")[0] for module in imported} <= sys.stdlib_module_names | {"keras"}


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("text", SPECS)
def test_pasted_and_run_it_is_the_block(text: str, source: Callable[..., str], keras: Any) -> None:
    """What it builds in Keras has the layers, the shapes and the weights of the trace."""
    from attn_cli.tf.walk import build_model, walk

    spec = parse_spec(text)
    pasted: dict[str, Any] = {}
    text = code(spec, source)
    exec(compile(text, "pasted", "exec", dont_inherit=True), pasted)
    build = pasted[spec.block.function.__name__]
    *_, last = text.splitlines()
    if last.startswith("# "):
        call = last.partition(": ")[2]
        built = walk(build_model(lambda inputs: eval(call, pasted, {"inputs": inputs}), SHAPE))
    else:
        built = walk(build_model(build, SHAPE))
    assert told(built) == told(spec.trace(SHAPE))


@pytest.mark.parametrize("name", BLOCKS)
@given(data=st.data())
def test_with_any_options_the_short_form_is_the_block(name: str, data: st.DataObject) -> None:
    """Whatever the options and the shape, it has the layers that the block has."""
    block = find_block(name)
    options = data.draw(option_sets(block))
    options.pop("name", None)
    shape = data.draw(GOOD_SHAPES)
    try:
        wanted = trace(block.build, shape, **options)
    except (AttnError, TypeError):
        assume(False)
        raise
    text = short_source(block, options)
    pasted: dict[str, Any] = {}
    exec(text.replace("import keras\n", "", 1), pasted)

    def build(inputs: Any) -> Any:
        pasted["keras"] = namespace_of(inputs)
        return pasted[block.function.__name__](inputs)

    assert told(trace(build, shape)) == told(wanted)


def test_the_short_form_is_what_a_tutorial_writes(golden: Callable[[str, str], None]) -> None:
    """The function, and what it needs at these options."""
    for spec in ("se", "cbam-timm", "bam", "ceca", "se-mobilenetv3"):
        golden(f"source/{spec}.txt", code(parse_spec(spec), short_source))
    for spec in SPECS:
        assert max(map(len, code(parse_spec(spec), short_source).splitlines())) <= 100


def test_the_full_form_says_how_it_is_called() -> None:
    """The options that make it stand below the block."""
    for spec, call in {
        "se-timm": "# se-timm: se_block(inputs, ratio=16, divisor=8)",
        "se:ratio=8": "# se: se_block(inputs, ratio=8)",
    }.items():
        assert code(parse_spec(spec), full_source).splitlines()[-1] == call
    assert "# eca: " not in code(parse_spec("eca"), full_source)


def test_the_command_prints_it(tmp_path: Path) -> None:
    """As it is, and only where one block is named."""
    from process import run_here

    spec = parse_spec("se-timm:gate=tanh")
    for source, flags in ((short_source, ()), (full_source, ("--full",))):
        printed = run_here(["blocks", "se-timm:gate=tanh", "--source", *flags])
        assert printed.out == code(spec, source)
    own = tmp_path / "own.py"
    own.write_text("def mine(inputs):\n    return inputs\n")
    for args, complaint in {
        ("--source",): "name it",
        ("eca", "--full"): "--source --full",
        ("eca", "--source", "--json"): "takes no input, format or file",
        ("eca", "--source", "-c", "64"): "takes no input, format or file",
        ("eca:kernel_size=4", "--source"): "kernel_size is odd",
        ("se:ratio=4,width=3", "--source"): "give ratio or width, not both",
        (f"{own}:mine", "--source"): "its file is its source",
        (f"{own}:mine", "--source", "--full"): "its file is its source",
    }.items():
        result = run_here(["blocks", *args])
        assert (result.code, result.out) == (2, "")
        assert complaint in result.err
