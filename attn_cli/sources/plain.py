"""What of a layer's config a graph keeps, as plain values."""

from __future__ import annotations

from typing import Any

from attn_cli.text import shown


def plain(config: dict[str, Any]) -> dict[str, Any]:
    """Return what of a layer's config says how it computes: numbers, names, tuples of them.

    Initializers, regularizers and the like are left out; an activation is its name.
    """
    return {
        key: simple
        for key, value in config.items()
        if key not in LEFT_OUT and (simple := _simple(value)) is not _NOTHING
    }


LEFT_OUT = frozenset(("name", "dtype", "trainable", "layers", "layer"))
MAX_ITEMS = 64
_NOTHING = object()


def _simple(value: Any) -> Any:
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, str):
        return shown(value)
    if isinstance(value, (list, tuple)):
        items = [_simple(item) for item in value[:MAX_ITEMS]]
        return _NOTHING if _NOTHING in items or len(value) > MAX_ITEMS else tuple(items)
    if isinstance(value, dict):
        if value.get("class_name") == "__ellipsis__":
            return Ellipsis
        if value.get("class_name") == "__slice__":
            return _simple(value.get("config"))
        if value.keys() == {"start", "stop", "step"}:
            ends = [value["start"], value["stop"], value["step"]]
            # Where an end is calculated, it is not known.
            return (
                slice(*ends) if all(end is None or type(end) is int for end in ends) else _NOTHING
            )
        # A function, by name: {"class_name": "function", "config": "relu6"}; a layer as activation.
        name = value.get("config")
        if value.get("class_name") == "function" and isinstance(name, str):
            return shown(name)
        if "activation" in str(value.get("module")) and isinstance(value.get("class_name"), str):
            return shown(value["class_name"])
    return _NOTHING
