"""A live model saved, loaded again, read by attn, and held against what it has."""

from __future__ import annotations

import logging
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from said import Difference, Verdict, judge
from truth import Counted, Truth, count, noted, params_of, parts, shape_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def saved(model: Any, path: Path) -> bool:
    """Save a model; there are some that Keras cannot save."""
    with warnings.catch_warnings(), quiet():
        warnings.simplefilter("ignore")
        try:
            if path.suffix == ".json":
                path.write_text(model.to_json(), encoding="utf-8")
            else:
                model.save(path)
        except Exception:
            return False
    return True


def judged(
    keras: Any, model: Any, suffix: str, folder: Path, costs: Counted | None = None
) -> Verdict:
    """Save a model in a format, and return what is wrong with what is read of it.

    A format that Keras cannot write a model in, or cannot read again, is no fault of the reader's.
    """
    path = folder / f"model{suffix}"
    if not saved(model, path):
        return Verdict([], [])
    with warnings.catch_warnings(), quiet():
        warnings.simplefilter("ignore")
        true = truth(model, loaded(keras, model, path), costs)
    try:
        return judge(path, true)
    except Exception as error:
        return Verdict([Difference("read", f"{type(error).__name__}: {error}", "a model")], [])


@contextmanager
def quiet() -> Iterator[None]:
    """Keep to themselves what Keras logs of formats and of models that are not compiled."""
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


def loaded(keras: Any, model: Any, path: Path) -> Any:
    """Return the model that a file holds; None where Keras cannot tell.

    Only where something is frozen does loading change what is trained.
    """
    if all(layer.trainable for layer in parts(model)):
        return model
    try:
        if path.suffix == ".json":
            again = keras.models.model_from_json(path.read_text(encoding="utf-8"))
            again.build(model.input_shape) if not again.built else None
            return again
        return keras.models.load_model(path, compile=False)
    except Exception:
        return None


def truth(model: Any, again: Any, costs: Counted | None = None) -> Truth:
    """Return what a model has; `again` is the one that its file was loaded into."""
    total, _, size = params_of(model)
    given = [shape_of(tensor) for tensor in model.inputs]
    static = all(None not in shape[1:] for shape in given)
    if costs is None:
        costs = count(model, given) if static else Counted(None, None, ())
    return Truth(
        total=total,
        trainable=None if again is None else params_of(again)[1],
        bytes=size,
        shapes=noted(model),
        outputs=tuple(shape_of(tensor) for tensor in model.outputs),
        static=static,
        macs=costs.macs,
        flops=costs.flops,
        silent=costs.silent,
        books=costs.books,
    )
