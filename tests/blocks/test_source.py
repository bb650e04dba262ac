"""The source of a block stands alone: nothing but Keras, and the same layers."""

from __future__ import annotations

import ast
import sys
from typing import TYPE_CHECKING, Any

import pytest

from attn_cli.blocks import BLOCKS, PRESETS, find_block
from attn_cli.blocks.source import keras_source
from attn_cli.spec import Spec

if TYPE_CHECKING:
    from pathlib import Path

SHAPE = (7, 5, 64)


@pytest.mark.slow
@pytest.mark.parametrize("name", [*BLOCKS, *PRESETS])
def test_imports_nothing_of_ours(name: str) -> None:
    """It can be pasted where attn is not installed."""
    statements = list(ast.walk(ast.parse(keras_source(find_block(name)))))
    imported = [node.module for node in statements if isinstance(node, ast.ImportFrom)]
    imported += [
        alias.name for node in statements if isinstance(node, ast.Import) for alias in node.names
    ]
    assert {str(module).split(".")[0] for module in imported} <= sys.stdlib_module_names | {"keras"}


@pytest.mark.parametrize("name", [*BLOCKS, *PRESETS])
def test_pasted_and_run_it_is_the_block(name: str, keras: Any) -> None:
    """What it builds in Keras has the layers, the shapes and the weights of the trace."""
    from attn_cli.tf.walk import build_model, walk

    block = find_block(name)
    pasted: dict[str, Any] = {}
    exec(compile(keras_source(block), "pasted", "exec", dont_inherit=True), pasted)
    options = block.preset.options if block.preset else {}
    built = walk(build_model(pasted[block.function.__name__], SHAPE, **options))
    traced = Spec(block, {}).trace(SHAPE)

    def told(graph: Any) -> list[Any]:
        return [
            (node.name, node.layer.type, node.output_shapes, node.inputs, node.layer.weights)
            for node in graph.nodes
        ]

    assert told(built) == told(traced)


def test_a_preset_says_how_it_is_called() -> None:
    """The options that make it stand below the block."""
    *_, last = keras_source(find_block("se-timm")).splitlines()
    assert last == "# se-timm: se_block(inputs, ratio=16, divisor=8)"


def test_the_command_prints_it(tmp_path: Path) -> None:
    """As it is, and only where one block is named."""
    from process import run_here

    assert run_here(["blocks", "eca", "--source"]).out == keras_source(find_block("eca"))
    own = tmp_path / "own.py"
    own.write_text("def mine(inputs):\n    return inputs\n")
    for args, complaint in {
        ("--source",): "name it",
        ("eca", "--source", "--json"): "takes no input, format or file",
        ("eca", "--source", "-c", "64"): "takes no input, format or file",
        (f"{own}:mine", "--source"): "its file is its source",
    }.items():
        result = run_here(["blocks", *args])
        assert (result.code, result.out) == (2, "")
        assert complaint in result.err
