"""Layers that give a tensor another shape, or take off, add to or repeat its ends and sides."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attn_cli.errors import BadOption, BadShape, NotModelled
from attn_cli.operations.arguments import (
    count,
    counts,
    data_format,
    elsewhere,
    flag,
    free,
    integers,
    is_integer,
)
from attn_cli.operations.base import Argument, Unknown
from attn_cli.operations.forms import Moving, Spatial
from attn_cli.operations.shapes import product, reshaped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from attn_cli.graph import Shape


class Flatten(Moving):
    data_format: str = data_format()

    def output(self, *inputs: Shape) -> Shape:
        return (inputs[0][0], product(inputs[0][1:]))


class Reshape(Moving):
    target_shape: tuple[int, ...] = integers()

    def checked(self) -> None:
        for size in self.target_shape:
            if size < -1:
                raise BadOption(f"a size of target_shape is positive or -1, not {size}")
            if size == 0:
                raise NotModelled(f"an empty target_shape: {self.target_shape}")
        if self.target_shape.count(-1) > 1:
            raise BadOption(f"one size of target_shape can be -1, not {self.target_shape}")

    def output(self, *inputs: Shape) -> Shape:
        return (inputs[0][0], *reshaped(inputs[0][1:], self.target_shape))


class Permute(Moving):
    dims: tuple[int, ...] = integers()

    def checked(self) -> None:
        if sorted(self.dims) != list(range(1, len(self.dims) + 1)):
            raise BadOption(f"dims are the axes from 1 in another order, not {self.dims}")

    def output(self, *inputs: Shape) -> Shape:
        if len(inputs[0]) != len(self.dims) + 1:
            raise BadShape(f"Permute takes {len(self.dims) + 1} dimensions, not {inputs[0]}")
        return (inputs[0][0], *[inputs[0][axis] for axis in self.dims])


class RepeatVector(Moving):
    n: int = count()

    def output(self, *inputs: Shape) -> Shape:
        if len(inputs[0]) != 2:
            raise BadShape(f"RepeatVector takes 2 dimensions, not {inputs[0]}")
        return (inputs[0][0], self.n, inputs[0][1])


def _ends(name: str, value: Any, entry: Any) -> tuple[tuple[int, int], ...]:
    """Return what is taken off or added at both ends of each dimension."""
    length = max(0, (entry.rank or 0) - 2)
    if is_integer(value):
        value = (value,) * length
    elif length == 1:
        value = (value,)
    if isinstance(value, (list, tuple)) and len(value) == length:
        pairs = [(each, each) if is_integer(each) else each for each in value]
        if all(
            isinstance(pair, (list, tuple))
            and len(pair) == 2
            and all(is_integer(size) and size >= 0 for size in pair)
            for pair in pairs
        ):
            return tuple([(before, after) for before, after in pairs])
    raise NotModelled(f"{name} is a pair of integers for each dimension, not {value!r}")


class Cropping(Spatial, Moving):
    cropping: tuple[tuple[int, int], ...] = Argument(_ends, 1)  # type: ignore[assignment] # bound

    def output(self, *inputs: Shape) -> Shape:
        batch, space, channels = self.parts(inputs[0])
        left: list[int | None] = []
        for size, (start, end) in zip(space, self.cropping, strict=True):
            rest = None if size is None else size - start - end
            if rest is not None and rest <= 0:
                raise BadShape(f"({start}, {end}) cannot be cropped off a size of {size}")
            left.append(rest)
        return self.shape(batch, left, channels)


class Cropping1D(Cropping):
    rank = 3

    @property
    def config(self) -> dict[str, Any]:
        return {"cropping": self.cropping[0]}


class Cropping2D(Cropping):
    rank = 4
    cropping: tuple[tuple[int, int], ...] = Argument(_ends, 0)  # type: ignore[assignment] # bound
    data_format: str = data_format()


class Cropping3D(Cropping):
    rank = 5
    data_format: str = data_format()


class ZeroPadding(Spatial, Moving):
    padding: tuple[tuple[int, int], ...] = Argument(_ends, 1)  # type: ignore[assignment] # bound
    data_format: str = data_format()

    def output(self, *inputs: Shape) -> Shape:
        batch, space, channels = self.parts(inputs[0])
        ends = zip(space, self.padding, strict=True)
        after = [None if size is None else size + sum(pair) for size, pair in ends]
        return self.shape(batch, after, channels)


class ZeroPadding1D(ZeroPadding):
    rank = 3


class ZeroPadding2D(ZeroPadding):
    rank = 4


class ZeroPadding3D(ZeroPadding):
    rank = 5


class UpSampling(Spatial):
    size: tuple[int, ...] = counts(2)
    interpolation: str = "nearest"

    def output(self, *inputs: Shape) -> Shape:
        batch, space, channels = self.parts(inputs[0])
        both = zip(space, self.size, strict=True)
        return self.shape(batch, [None if n is None else n * t for n, t in both], channels)

    def flops(self, macs: int, outputs: Sequence[Shape], *inputs: Shape) -> int:
        if self.interpolation != "nearest":
            raise Unknown(f"no FLOPs are known for {self.interpolation} upsampling")
        return 0


class UpSampling1D(UpSampling):
    rank = 3


class UpSampling2D(UpSampling):
    rank = 4
    data_format: str = data_format()
    interpolation: str = free("nearest")


class UpSampling3D(UpSampling):
    rank = 5
    data_format: str = data_format()


class OfOneSize(Spatial):
    """What makes images of one size."""

    data_format: str = data_format()

    @property
    def sides(self) -> tuple[int, ...]:
        raise NotImplementedError

    def output(self, *inputs: Shape) -> Shape:
        if len(inputs[0]) not in (3, 4):
            raise BadShape(f"{self.type} takes an image or a batch of them, not {inputs[0]}")
        # An image alone has no batch.
        batch, _, channels = self.parts((None,) * (4 - len(inputs[0])) + tuple(inputs[0]))
        made = self.shape(batch, self.sides, channels)
        return made[4 - len(inputs[0]) :]


class Interpolating(OfOneSize):
    interpolation: str = free("bilinear")
    crop_to_aspect_ratio: bool = flag(False)
    pad_to_aspect_ratio: bool = flag(False)
    fill_mode: str = free("constant")
    fill_value: float = free(0.0)
    antialias: bool = flag(False)


class Resize(Interpolating):
    """The op; `Resizing` is the layer."""

    rank = 4
    size: tuple[int, ...] = counts()

    @property
    def sides(self) -> tuple[int, ...]:
        return self.size


class ToSize(OfOneSize):
    height: int = count()
    width: int = count()

    @property
    def sides(self) -> tuple[int, ...]:
        return self.height, self.width


class Resizing(ToSize, Interpolating):
    pass


class CenterCrop(ToSize):
    pass


class RandomCrop(ToSize):
    rng_type: Any = elsewhere(of_keras_2=True)
    seed: int | dict[str, Any] | None = free(None)
