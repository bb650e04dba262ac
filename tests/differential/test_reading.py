"""What attn shows of a file is the model that Keras loads from it, or attn refuses: never another.

Mutants are drawn by who knows how files are read: containers that hold two models, and configs that
say two things. Honest files are read, so that to refuse is no way out.
"""

from __future__ import annotations

import json
import random
import secrets
import warnings
from collections import Counter
from typing import TYPE_CHECKING, Any

import mutants
import pytest
import said
from catalogue import world
from containers import Saved, drawn_files
from files import quiet
from hypothesis import settings
from truth import Truth, noted, params_of, shape_of

from attn_cli.errors import BadFile
from attn_cli.sources.saved import read_model

if TYPE_CHECKING:
    from pathlib import Path


def draws(test: str) -> random.Random:
    """Return what draws: the same in every run, unless new examples are asked for."""
    return random.Random(test if settings().derandomize else secrets.token_hex(8))


def loaded(keras: Any, path: Path) -> Any:
    """Return what Keras makes of a file; None where it refuses, in whatever way."""
    with warnings.catch_warnings(), quiet():
        warnings.simplefilter("ignore")
        try:
            return _loaded(keras, path)
        except Exception:
            return None


def _loaded(keras: Any, path: Path) -> Any:
    with mutants.bounded():
        if path.suffix == ".json":
            model = keras.models.model_from_json(path.read_text(encoding="utf-8"))
        else:
            model = keras.models.load_model(path)
        return model if params_of(model)[0] and model.outputs else None


def truth(model: Any) -> Truth:
    """Return what a model has, its costs apart."""
    total, trainable, size = params_of(model)
    outputs = tuple(shape_of(tensor) for tensor in model.outputs)
    return Truth(total, trainable, size, noted(model), outputs, False, None, None, (), 0)


def verdict(path: Path, *models: Any) -> str:
    """Return "right", "refused", "shown" where Keras refuses, or what is wrong."""
    try:
        read = read_model(path)
    except BadFile:
        return "refused"
    if not models:
        return "shown"
    for model in models:
        true = truth(model)
        wrong = list(said.params(read, true))
        if read.graph is not None:
            wrong += said.shapes(read.graph, true)
        if wrong:
            return "; ".join(map(str, wrong))
    return "right"


VERDICTS = ("right", "refused", "shown")


@pytest.mark.usefixtures("keras")
@pytest.mark.parametrize("name", ["keras", "tf_keras"])
def test_a_config_is_read_as_keras_reads_it(name: str, tmp_path: Path) -> None:
    """Shared ids, doubled keys, names that collide, classes and shapes that are told twice."""
    keras, drawn = world(name), draws(name)
    with warnings.catch_warnings(), quiet():
        warnings.simplefilter("ignore")
        originals = list(mutants.originals(name, keras, tmp_path))
    for original in originals:
        path = tmp_path / f"honest{original.suffix}"
        path.write_bytes(original.data)
        assert verdict(path, loaded(keras, path)) == "right"
    found: Counter[str] = Counter()
    wrong = []
    for number in range(settings().max_examples // (1 if name == "keras" else 3)):
        if number % 20 == 0:
            keras.backend.clear_session()
        original = drawn.choice(originals)
        config, changes = mutants.changed(original.config, drawn)
        text = mutants.doubled(config, drawn) if drawn.random() < 0.05 else json.dumps(config)
        weights = mutants.fitting(original, keras, text, tmp_path) if drawn.random() < 0.8 else None
        path = tmp_path / f"mutant{original.suffix}"
        path.write_bytes(mutants.packed(original, text, weights))
        model = loaded(keras, path)
        told = verdict(path, *([model] if model is not None else []))
        found[told if model is not None else f"{told}, as Keras does"] += 1
        if told not in VERDICTS:
            wrong.append(f"{original.suffix}, {' and '.join(changes)}: {told}\n{text}")
    assert not wrong, "\n".join(["", *wrong])
    assert 3 * found["right"] > found["refused"], found


@pytest.mark.usefixtures("keras")
def test_a_container_is_read_as_keras_reads_it(tmp_path: Path) -> None:
    """Both formats in one, members doubled and renamed, comments, extra fields, user blocks."""
    keras, drawn = world("keras"), draws("containers")
    both = []
    for units in (3, 50):
        model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(units)])
        paths = [tmp_path / f"honest{suffix}" for suffix in (".keras", ".h5")]
        for path in paths:
            with quiet():
                model.save(path)
            assert verdict(path, loaded(keras, path)) == "right"
        both.append(Saved(*[path.read_bytes() for path in paths]))
    found: Counter[str] = Counter()
    wrong = []
    for name, data in drawn_files(*both, drawn, 3 * settings().max_examples):
        path = tmp_path / name
        path.write_bytes(data)
        models = [loaded(world(each), path) for each in ("keras", "tf_keras")]
        models = [model for model in models if model is not None]
        told = verdict(path, *models)
        found[told if models else f"{told}, as Keras does"] += 1
        if told not in VERDICTS:
            kept = tmp_path / f"wrong_{len(wrong)}_{name}"
            kept.write_bytes(data)
            wrong.append(f"{kept}: {told}")
    assert not wrong, "\n".join(["", *wrong])
    assert found["right"] > 50, found
