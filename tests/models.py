"""Small saved models for tests: texts as `model.to_json()` writes them, made without Keras."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from attn_cli.operations import LAYERS
from attn_cli.sources.block import trace

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from attn_cli.graph import Graph, Ref, Shape


def save_json(net: Callable[[Any], Any], shape: Shape, path: Path, name: str = "net") -> None:
    """Trace a network that is written like a block, and write it as Keras 3 does."""
    path.write_text(json.dumps(_model(trace(net, shape), name)), encoding="utf-8")


def _model(graph: Graph, name: str) -> dict[str, Any]:
    calls: dict[str, list[Any]] = {}
    layers = {}
    for node in graph.nodes:
        layer = node.layer
        layers[layer.name] = layer
        tensors = [_tensor(graph, ref) for ref in node.inputs]
        if tensors:
            args = [tensors] if len(tensors) > 1 and layer.type in LAYERS else tensors
            calls.setdefault(layer.name, []).append({"args": args, "kwargs": {}})
    return {
        "module": "keras.src.models.functional",
        "class_name": "Functional",
        "registered_name": "Functional",
        "config": {
            "name": name,
            "layers": [
                {
                    "module": "keras.layers" if layer.type in LAYERS else "keras.src.ops.numpy",
                    "class_name": layer.type,
                    "config": {"name": layer.name, **_config(graph, layer.name)},
                    "registered_name": None,
                    "name": layer.name,
                    "inbound_nodes": calls.get(layer.name, []),
                }
                for layer in layers.values()
            ],
            "input_layers": [[graph.nodes[place].layer.name, 0, 0] for place in graph.inputs],
            "output_layers": [[graph.nodes[ref.node].layer.name, 0, 0] for ref in graph.outputs],
        },
    }


def _config(graph: Graph, name: str) -> dict[str, Any]:
    node = next(node for node in graph.nodes if node.layer.name == name)
    if not node.inputs:
        return {"batch_shape": node.output_shapes[0], "dtype": "float32"}
    return dict(node.layer.config)


def _tensor(graph: Graph, ref: Ref) -> dict[str, Any]:
    node = graph.nodes[ref.node]
    return {
        "class_name": "__keras_tensor__",
        "config": {
            "shape": node.output_shapes[ref.output],
            "dtype": "float32",
            "keras_history": [node.layer.name, node.call, ref.output],
        },
    }
