"""Layers that keep other weights than their type has: quantised ones, and those with LoRA.

A quantised layer is stored as it is loaded. LoRA's own matrices are not in a `.keras` file: the
product is merged into the kernel, and they are made anew when the model is loaded.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

from attn_cli.graph import Weight
from attn_cli.operations import LAYERS, weight_roles

if TYPE_CHECKING:
    from collections.abc import Sequence

    from attn_cli.sources.hdf5 import Dataset

Config = dict[str, Any]

# Types of layers that `enable_lora` changes; all factor the last axis of their first weight.
WITH_LORA = frozenset(
    ("Conv1D", "Conv2D", "Conv3D", "Dense", "EinsumDense", "Embedding", "ReversibleEmbedding")
)


def is_quantised(config: Config) -> bool:
    """Tell whether a layer's dtype policy says that it is quantised."""
    policy = config.get("dtype")
    if isinstance(policy, dict):
        inner = policy.get("config")
        return isinstance(inner, dict) and "mode" in inner
    return isinstance(policy, str) and "_from_" in policy


def lora_rank(config: Config) -> int | None:
    """Return the rank of a layer's LoRA, None where it has none."""
    rank = config.get("lora_rank")
    return rank if isinstance(rank, int) and rank > 0 else None


def is_changed(config: Config) -> bool:
    """Tell whether a layer has other weights than its type tells."""
    return is_quantised(config) or bool(config.get("lora_rank"))


def holds_more(config: Config, keras_2: bool) -> bool:
    """Tell whether a layer may hold one with weights where its type has none.

    Keras takes a layer for a function: Keras 2 counts a PReLU for an activation, and both count
    what stands, built, for a regularizer.
    """
    for key, value in config.items():
        if key in HOLDING or not isinstance(value, dict):
            continue
        inner, within = value.get("class_name"), value.get("config")
        if not isinstance(inner, str) or not isinstance(within, dict):
            continue
        if "activation" in key and not keras_2 and "build_config" not in value:
            continue
        if inner in MODELS or (inner in LAYERS and weight_roles(inner, within) != []):
            return True
    return False


# What of a config is known to be a layer.
HOLDING = ("layer", "backward_layer", "cell")
MODELS = ("Functional", "Model", "Sequential")


def quantised_flags(config: Config, arrays: Sequence[Dataset]) -> list[bool] | None:
    """Return which weights of a quantised layer are trained; None where it cannot be told.

    Whole numbers, and all that scales them, are not trained. A bias is: it stands second, or first
    where the kernel is quantised by GPTQ or AWQ, which keep it apart. Float8 trains all.
    """
    whole = [is_whole(array) for array in arrays]
    if not any(whole):
        return [True] * len(arrays) if "float8" in str(config.get("dtype")) else None
    if "use_bias" in config:
        has_bias = bool(config["use_bias"])
    elif "bias_axes" in config:
        has_bias = config["bias_axes"] is not None
    else:  # an embedding
        has_bias = False
    bias = (1 if whole[0] else 0) if has_bias else None
    return [place == bias for place in range(len(arrays))]


def lora_weights(
    type: str, config: Config, arrays: Sequence[Dataset], trains: bool
) -> tuple[Weight, ...] | None:
    """Return LoRA's own weights of a layer of a `.keras` file; None where they cannot be told."""
    rank = lora_rank(config)
    if rank is None or type not in WITH_LORA or not arrays or not arrays[0].shape:
        return None
    *before, last = arrays[0].shape
    # Two numbers of 4 bits stand in one of 8: the axis is not as long as it was.
    if "int4" in str(config.get("dtype")) or prod(arrays[0].shape) == 0:
        return None
    shapes = ((*before, rank), (rank, last))
    return tuple([Weight("", shape, "float32", trains) for shape in shapes])


def is_whole(array: Dataset) -> bool:
    """Tell whether an array holds whole numbers."""
    return array.dtype.startswith(("int", "uint", "bool"))
