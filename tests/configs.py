"""Configs of models as Keras 3 writes them, made without Keras."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

LAYERS, OPS = "keras.layers", "keras.src.ops.numpy"


class Tensor(NamedTuple):
    """An output of a call of a layer."""

    name: str
    call: int = 0
    output: int = 0

    @property
    def json(self) -> dict[str, Any]:
        """As it stands in a call; its shape is left to be inferred."""
        config = {"shape": None, "dtype": "float32", "keras_history": list(self)}
        return {"class_name": "__keras_tensor__", "config": config}


class Config:
    """A functional model under construction."""

    def __init__(self, *shape: int | None, name: str = "model") -> None:
        self.name = name
        self.layers: list[dict[str, Any]] = []
        self.inputs: list[Tensor] = []
        self.input = self.new_input(*shape)

    def new_input(self, *shape: int | None) -> Tensor:
        """Add an InputLayer."""
        tensor = self.add("InputLayer", batch_shape=[None, *shape])
        self.layers[-1]["inbound_nodes"] = []
        self.inputs.append(tensor)
        return tensor

    def add(
        self,
        type: str,
        *inputs: Any,
        name: str | None = None,
        module: str | None = LAYERS,
        **config: Any,
    ) -> Tensor:
        """Add a layer and call it on tensors, a list of them, or numbers."""
        name = name or f"{type.lower()}_{len(self.layers)}"
        given = {"name": name, **({"trainable": True} if module == LAYERS else {}), **config}
        layer = {"module": module, "class_name": type, "config": given, "registered_name": None}
        self.layers.append({**layer, "name": name, "inbound_nodes": []})
        return self.call(name, *inputs)

    def op(self, type: str, *inputs: Any, name: str | None = None, **config: Any) -> Tensor:
        """Add an op."""
        return self.add(type, *inputs, name=name, module=OPS, **config)

    def call(self, name: str, *inputs: Any) -> Tensor:
        """Call a layer that is there."""
        nodes = next(each for each in reversed(self.layers) if each["name"] == name)[
            "inbound_nodes"
        ]
        nodes.append({"args": [_json(each) for each in inputs], "kwargs": {}})
        return Tensor(name, len(nodes) - 1)

    def nested(self, model: Config, outputs: Sequence[Tensor], *inputs: Tensor) -> Tensor:
        """Add a model and call it."""
        config = {**model.model(*outputs), "name": model.name, "inbound_nodes": []}
        self.layers.append(config)
        return self.call(model.name, *inputs)

    def model(self, *outputs: Tensor) -> dict[str, Any]:
        """Return the whole config."""
        return {
            "module": "keras.src.models.functional",
            "class_name": "Functional",
            "registered_name": "Functional",
            "config": {
                "name": self.name,
                "trainable": True,
                "layers": self.layers,
                "input_layers": [list(tensor) for tensor in self.inputs],
                "output_layers": [list(tensor) for tensor in outputs],
            },
        }

    def json(self, *outputs: Tensor) -> str:
        """Return the whole config as text."""
        return json.dumps(self.model(*outputs))


def _json(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value.json
    return [_json(each) for each in value] if isinstance(value, list) else value
