"""Attention in other hands' styles is found as what it is, and hidden where it cannot be read."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from styles import KERAS_2, KERAS_3, Style, in_front

from attn_cli.analysis.find import search
from attn_cli.sources.saved import read_model

if TYPE_CHECKING:
    from pathlib import Path

    from attn_cli.analysis.find import Findings

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore:.*HDF5:UserWarning")]

SUFFIXES = ("keras", "h5", "json")


@pytest.fixture(scope="module")
def tf_keras() -> Any:
    """Keras 2, and TensorFlow."""
    return pytest.importorskip("tf_keras")


def model_of(keras: Any, style: Style, *more: Any, custom: bool = False) -> Any:
    """Return a small model with a block in it."""
    rank = len(style.shape)
    convolution = getattr(keras.layers, f"Conv{rank - 1}D")
    inputs = keras.Input(style.shape)
    x = convolution(16, 3, padding="same")(inputs)
    if custom:
        x = in_front(keras, "own")(x)
    outputs = style.write(*more, keras, x)
    if not isinstance(outputs, tuple) and len(outputs.shape) == rank + 1:
        outputs = convolution(4, 3, padding="same")(outputs)
    return keras.Model(inputs, outputs)


def findings(model: Any, path: Path, suffix: str) -> Findings:
    """Return what is found in a model that was saved."""
    if suffix == "json":
        path = path / "model.json"
        path.write_text(model.to_json(), encoding="utf-8")
    else:
        path = path / f"model.{suffix}"
        model.save(path)
    graph = read_model(str(path)).graph
    assert graph is not None
    return search(graph)


def check(found: Findings, style: Style) -> None:
    assert Counter(block.kind for block in found.blocks) == Counter(style.kinds)
    assert Counter(block.kind for block in found.hidden) == Counter(style.hidden)
    rank = len(style.shape)
    for block in (*found.blocks, *found.hidden):
        assert block.channels == style.shape[-1]
        assert len(block.input_shape) in (0, rank, rank + 1)


def saved(styles: dict[str, Style]) -> list[tuple[str, str]]:
    """Return each style with one of the formats, in turn."""
    return [
        (name, style.suffix or SUFFIXES[place % len(SUFFIXES)])
        for place, (name, style) in enumerate(styles.items())
    ]


@pytest.mark.parametrize(("name", "suffix"), saved(KERAS_3))
def test_styles_of_keras_3(name: str, suffix: str, keras: Any, tmp_path: Path) -> None:
    """Each is found as what it is, in whatever it was saved."""
    style = KERAS_3[name]
    check(findings(model_of(keras, style), tmp_path, suffix), style)


@pytest.mark.parametrize(("name", "suffix"), saved(KERAS_2))
def test_styles_of_keras_2(name: str, suffix: str, tf_keras: Any, tmp_path: Path) -> None:
    """Each is found as what it is, in whatever it was saved."""
    import tensorflow as tf

    style = KERAS_2[name]
    check(findings(model_of(tf_keras, style, tf), tmp_path, suffix), style)


@pytest.mark.parametrize("name", KERAS_2)
def test_what_stands_in_front_hides_nothing(name: str, tf_keras: Any, tmp_path: Path) -> None:
    """A layer of one's own leaves all shapes behind it unknown, and no block."""
    import tensorflow as tf

    style = KERAS_2[name]
    found = findings(model_of(tf_keras, style, tf, custom=True), tmp_path, "json")
    assert Counter(block.kind for block in found.blocks) == Counter(style.kinds)
    assert Counter(block.kind for block in found.hidden) == Counter(style.hidden)
