"""The blocks as a library: docs/library.md as it is run, and what it promises for every block."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from attn_cli.blocks import BLOCKS, find_block
from attn_cli.graph import Params

pytestmark = pytest.mark.usefixtures("keras")

ROOT = Path(__file__).parent.parent
PYTHON = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return the names that docs/library.md leaves behind, run from top to bottom."""
    text = (ROOT / "docs" / "library.md").read_text(encoding="utf-8")
    folder = tmp_path_factory.mktemp("library")
    names: dict[str, Any] = {"__name__": "library", "folder": folder}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for match in PYTHON.finditer(text):
            line = text[: match.start(1)].count("\n")
            code = compile("\n" * line + match[1], "docs/library.md", "exec")
            exec(code, names)
            names.setdefault("traced", names["graph"].params)
    return names


def sample(model: Any) -> Any:
    """Return unit-normal inputs of a model."""
    return np.random.default_rng(0).normal(size=(2, *model.input_shape[1:])).astype(np.float32)


def test_the_page_traces(page: dict[str, Any]) -> None:
    """The trace on the page has the figures of the tutorial."""
    assert page["traced"] == Params(318)


def test_a_loaded_model_computes_the_same(page: dict[str, Any]) -> None:
    """The page's classifier was loaded without custom objects, and nothing is lost."""
    inputs = sample(page["model"])
    np.testing.assert_array_equal(page["loaded"](inputs), page["model"](inputs))


def test_a_saved_model_loads_without_this_package(page: dict[str, Any]) -> None:
    """Where attn_cli cannot be imported, the page's classifier loads all the same."""
    code = (
        "import sys; sys.modules['attn_cli'] = None\n"
        "import keras; keras.saving.load_model('classifier.keras')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=page["folder"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_mixed_precision_is_followed(page: dict[str, Any]) -> None:
    """The page's block calculates in float16 and keeps its weights in float32."""
    assert page["mixed"].output.dtype == "float16"
    assert {weight.dtype for weight in page["mixed"].weights} == {"float32"}
    assert np.isfinite(page["mixed"](sample(page["mixed"]))).all()


def test_a_subclassed_model_trains_and_loads(page: dict[str, Any], tmp_path: Path) -> None:
    """The page's model has one set of weights, learns all of them, and comes back from a file."""
    keras, net = page["keras"], page["net"]
    inputs = np.random.default_rng(0).normal(size=(2, 64, 64, 3)).astype(np.float32)
    before = net.count_params()
    net.compile(keras.optimizers.SGD(0.1), "mse")
    net.fit(inputs, np.ones((2, 64, 64, 32)), verbose=0)
    assert net.count_params() == before
    assert len(net.trainable_weights) == 2 + 4
    net.save(tmp_path / "net.keras")
    loaded = keras.saving.load_model(tmp_path / "net.keras")
    assert loaded.ratio == 8
    np.testing.assert_array_equal(loaded(inputs), net(inputs))


def test_a_block_stands_on_a_loaded_model(page: dict[str, Any], tmp_path: Path) -> None:
    """Inside a named model the names do not collide, and the whole is saved and loaded."""
    stacked = page["stacked"]
    stacked.save(tmp_path / "stacked.keras")
    loaded = page["keras"].saving.load_model(tmp_path / "stacked.keras")
    np.testing.assert_array_equal(loaded(sample(stacked)), stacked(sample(stacked)))


def test_a_block_is_put_in_a_network(page: dict[str, Any]) -> None:
    """The page's network is as it was, and what is taken out again leaves its outputs there too."""
    assert page["graph"].params.total == 28_167_704
    network, inputs = page["network"], sample(page["network"])
    wanted = network(inputs, training=False)
    np.testing.assert_array_equal(page["with_eca"](inputs, training=False), wanted)
    assert page["without"].count_params() == network.count_params()


def test_without_a_named_model_names_collide(keras: Any, tmp_path: Path) -> None:
    """The reason that the page gives is true: a prefix does not reach the names of operations."""
    keras.backend.clear_session(free_memory=False)
    inputs = keras.Input((4, 4, 3))
    keras.Model(inputs, find_block("cbam").build(inputs, ratio=1)).save(tmp_path / "base.keras")
    keras.backend.clear_session(free_memory=False)  # names are counted anew, as in a new process
    base = keras.saving.load_model(tmp_path / "base.keras")
    output = find_block("cbam").build(base.output, ratio=1, name="top")
    with pytest.raises(ValueError, match=r"used 2 times"):
        keras.Model(base.input, output)


@pytest.mark.parametrize("name", BLOCKS)
def test_every_block_stands_many_times_in_one_model(name: str, keras: Any, tmp_path: Path) -> None:
    """Three times in one model, named or not, saved and loaded without custom objects."""
    block = find_block(name).build
    inputs = keras.Input((7, 6, 32))
    x = block(inputs)
    x = block(x, name="stage2")
    x = keras.layers.Conv2D(16, 1)(x)
    model = keras.Model(inputs, block(x))
    random = np.random.default_rng(0)
    for weight in model.weights:
        weight.assign(random.uniform(0.1, 1, weight.shape))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(sample(model)), model(sample(model)))
