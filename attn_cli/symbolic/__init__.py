"""A strict, tiny stand-in for the part of `keras` that attention blocks use.

It infers names, shapes and weights in microseconds, without TensorFlow. What it does not model it
refuses: an argument that it does not know is an error, never ignored.
"""

import sys
from typing import Any

from attn_cli.errors import BadArgument, NotModelled
from attn_cli.symbolic.members import LAYERS, OPS, Members, layer, op
from attn_cli.symbolic.trace import SymbolicTensor, Trace

__all__ = ["Keras", "SymbolicTensor", "Trace", "namespace_of"]


class Keras:
    """What stands for `keras` in a trace, which does not know of it: so it goes once it is done."""

    def __init__(self, trace: Trace) -> None:
        self.layers = Members(trace, "keras.layers", LAYERS, layer)
        self.ops = Members(trace, "keras.ops", OPS, op)


def namespace_of(inputs: Any) -> Any:
    """Return the `keras` that a tensor belongs to: the real one, or the stand-in.

    Raises BadArgument for anything but a `keras.Input`-born or a symbolic tensor: called on values,
    a block would silently make fresh weights each time.
    """
    if isinstance(inputs, SymbolicTensor):
        return Keras(inputs.trace)
    # Whoever holds a Keras tensor has imported keras; looking it up imports nothing.
    keras = sys.modules.get("keras")
    if keras is None or not isinstance(inputs, keras.KerasTensor):
        raise BadArgument(
            f"a block is built once, on the output of keras.Input or of another layer; called on "
            f"{type(inputs).__module__}.{type(inputs).__qualname__} it would make fresh weights "
            f"each time (in a subclassed model, wrap it in a functional keras.Model in build())"
        )
    if keras.config.image_data_format() != "channels_last":
        raise NotModelled(
            "these blocks are written channels last, and Keras is set to 'channels_first'; "
            "call keras.config.set_image_data_format('channels_last')"
        )
    return keras
