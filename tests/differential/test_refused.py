"""No model that Keras refuses is shown without a word: each of its layers, spoilt in one place.

Keras is asked to load what is made of a saved model of each of its layers. Where it refuses, attn
refuses, or says a word that it has not for the model as it was: a warning, or something unknown and
why. Where it loads, attn shows the same, or says that it is unknown.
"""

from __future__ import annotations

import copy
import json
import random
from collections import Counter
from typing import TYPE_CHECKING, Any

import cases
import catalogue
import mutants
import pytest
import said
from catalogue import world
from files import saved
from hypothesis import settings
from mutants import Original
from test_reading import draws, loaded, truth

from attn_cli.errors import BadFile
from attn_cli.graph import UNKNOWN
from attn_cli.sources.saved import read_model

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from attn_cli.sources.saved import Model

# What no layer takes, whatever it is: to be told of without exception.
WRONG = (mutants.misspell, mutants.drop, mutants.redtype, mutants.reclass, mutants.rewire)
# Values, of which some are out of a range that attn does not know: where they change no figure.
VALUES = (mutants.retype, mutants.resize, mutants.flip)
MOST_VALUES = 0.05


def originals(name: str, folder: Path) -> Iterator[Original]:
    """Yield a saved model of each layer, the formats in turn."""
    keras = world(name)
    for place, (type, kind) in enumerate(catalogue.layers(name).items()):
        case = cases.drawn(keras, type, kind, random.Random(type))
        path = folder / f"original{('.keras', '.json', '.h5')[place % 3]}"
        if case is None or not saved(case.model, path):
            continue
        data = path.read_bytes()
        yield Original(name, path.suffix, mutants.config_of(path), data, keras.__version__)


def words(model: Model) -> set[Any]:
    """Return all that is said to be odd or unknown."""
    found: set[Any] = {*model.warnings, model.at_least}
    for node in model.graph.nodes if model.graph else ():
        unknown = node.output_shapes.count(UNKNOWN), node.cost.why
        found.add((node.name, *unknown, any(each.trainable is None for each in node.layer.weights)))
    return found


def is_understood(model: Model) -> bool:
    """Tell whether a model is of layers that the table has; of others nothing is said anyway."""
    return not any("does is not known" in str(word) for word in words(model))


def verdict(path: Path, honest: set[Any], loads: Any) -> str:
    """Return "refused", "told", "shown", "right" or what is wrong."""
    try:
        read = read_model(path)
    except BadFile:
        return "refused"
    if loads is None:
        return "shown" if words(read) <= honest else "told"
    true = truth(loads)
    # The bytes are those in the file; what is loaded may be of another type.
    wrong = [each for each in said.params(read, true) if "bytes" not in each.what]
    if read.graph is not None and is_understood(read):
        wrong += said.shapes(read.graph, true)
    return "; ".join(map(str, wrong)) or "right"


@pytest.mark.usefixtures("keras")
@pytest.mark.parametrize("name", ["keras", "tf_keras"])
def test_what_keras_refuses_is_not_shown_without_a_word(name: str, tmp_path: Path) -> None:
    """Arguments that a layer has not, or lacks, types of number, classes, calls, values."""
    keras, drawn = world(name), draws(f"refused {name}")
    found: Counter[tuple[str, str]] = Counter()
    wrong = []
    for original in originals(name, tmp_path):
        path = tmp_path / f"spoilt{original.suffix}"
        path.write_bytes(original.data)
        loads = loaded(keras, path)
        if loads is None:
            continue  # Keras does not read all that it writes
        assert verdict(path, set(), loads) == "right", original.config
        honest = read_model(path)
        for number in range(settings().max_examples // (25 if name == "keras" else 66)):
            config = copy.deepcopy(original.config)
            change = drawn.choice(WRONG if number % 2 else VALUES)
            try:
                note = change(config, drawn)
            except (AttributeError, IndexError, KeyError, TypeError, ValueError):
                continue
            path.write_bytes(mutants.packed(original, json.dumps(config), None))
            loads = loaded(keras, path)
            told = verdict(path, words(honest), loads)
            kind = "values" if change in VALUES else "wrong"
            if loads is not None or is_understood(honest):
                found[kind, told] += 1
                if told not in ("right", "refused", "told") and (kind, told) != ("values", "shown"):
                    wrong.append(f"{original.suffix}, {change.__name__} {note}: {told}\n{config}")
        keras.backend.clear_session()
    assert not wrong, "\n".join(["", *wrong])
    assert found["values", "shown"] <= MOST_VALUES * sum(found.values()), found
    assert min(found["wrong", told] for told in ("right", "refused", "told")) > 10, found
