"""What holds layers: its arguments alone. What it does is what the layers in it do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attn_cli.errors import BadOption
from attn_cli.operations.arguments import free
from attn_cli.operations.base import REQUIRED, Argument, Operation, Role, Unknown
from attn_cli.operations.common import short

if TYPE_CHECKING:
    from attn_cli.graph import Shape


class Holding(Operation):
    def weights(self, *inputs: Shape) -> list[Role]:
        raise Unknown(f"the weights of a {self.type} are those of what it holds")


def _some(name: str, value: Any, entry: Any) -> Any:
    if not isinstance(value, (list, dict)) or not value:
        raise BadOption(f"{name} are not {short(value)}")
    return value


class Sequential(Holding):
    """Keras passes over what else stands in the config of one."""

    name: str = free()
    layers: Any = Argument(_some, REQUIRED)

    def unexpected(self, name: str, keras_2: bool | None) -> None:
        pass


class Functional(Holding):
    others = frozenset(("trainable",))
    name: str = free()
    layers: Any = Argument(_some, REQUIRED)
    input_layers: Any = Argument(_some, REQUIRED)
    output_layers: Any = Argument(_some, REQUIRED)

    def unexpected(self, name: str, keras_2: bool | None) -> None:
        """Keras 2 passes over what there is besides."""
        if keras_2 is False:
            super().unexpected(name, keras_2)


class Model(Functional):
    """As the first of Keras 2 called it."""


class TimeDistributed(Holding):
    layer: Any = free()
