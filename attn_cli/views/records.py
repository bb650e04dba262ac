"""The parts that the JSON of several commands shares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from attn_cli.analysis.compare import Total
    from attn_cli.analysis.figures import Figures
    from attn_cli.analysis.network import Totals
    from attn_cli.cost import GraphCost
    from attn_cli.graph import Graph, Params, Shape


def params_record(params: Params) -> dict[str, int | None]:
    """Return counts of parameters; null where it is not known which are trained."""
    return {
        "total": params.total,
        "trainable": params.trainable,
        "non_trainable": params.non_trainable,
    }


def costs_record(costs: Figures | Total | Totals) -> dict[str, Any]:
    """Return what a block or a network costs, or what one adds to the other."""
    return {
        "params": params_record(costs.params),
        "bytes": costs.bytes,
        "macs": costs.macs,
        "flops": costs.flops,
    }


def figures_record(figures: Figures | None) -> dict[str, Any]:
    """Return the figures of a block, null where unknown or meaningless; all null without any."""
    if figures is None:
        return dict.fromkeys(("params", "bytes", "macs", "flops", "width", "kernel_size"))
    return {
        **costs_record(figures),
        "width": figures.width,
        "kernel_size": figures.kernel_size,
    }


def _told(shapes: Sequence[Shape]) -> Any:
    """Return a shape, or each of several, null where unknown."""
    told = [shape or None for shape in shapes]
    return told[0] if len(told) == 1 else told


def layer_records(graph: Graph, cost: GraphCost) -> list[dict[str, Any]]:
    """Return a record for each call. An input is an output of a call of a layer."""
    paths = [node.layer.path for node in graph.nodes]
    return [
        {
            "name": path,
            "call": node.call,
            "type": node.layer.type,
            "function": node.layer.function,
            "output_shape": _told(node.output_shapes),
            "params": params_record(node.params),
            "macs": node.cost.macs,
            "flops": node.cost.flops,
            "inputs": [
                {
                    "layer": paths[ref.node],
                    "call": graph.nodes[ref.node].call,
                    "output": ref.output,
                }
                for ref in node.inputs
            ],
        }
        for path, node in zip(paths, graph.nodes, strict=True)
    ]
