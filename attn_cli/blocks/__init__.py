"""The core: one file for each family of blocks, and the dict that names them all.

A block is a function of a feature map and keyword-only options that reads like Keras code. Its
signature and docstring are the one place where its options, formula and paper are written.
"""

from __future__ import annotations

import inspect
from functools import cache, cached_property, partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

from attn_cli.blocks.options import Default
from attn_cli.errors import BadSpec, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# Where each block's builder stands. Resolved by name, so that asking for one imports one.
BLOCKS = {
    "se": "se:se_block",
    "ese": "se:ese_block",
    "eca": "eca:eca_block",
    "ceca": "eca:ceca_block",
    "srm": "srm:srm_block",
    "gct": "gct:gct_block",
    "gc": "gc:gc_block",
    "spatial": "cbam:spatial_block",
    "cbam": "cbam:cbam_block",
    "bam": "bam:bam_block",
    "scse": "scse:scse_block",
    "coord": "coord:coord_block",
    "triplet": "triplet:triplet_block",
    "simam": "simam:simam_block",
}


class Preset(NamedTuple):
    """A well-known form of a block: the options that make it, and whose form it is."""

    block: str
    options: Mapping[str, Any]
    source: str


# Known forms by name, each usable like a block. Only options: what builds them is the block.
PRESETS = {
    "se-senet": Preset(
        "se",
        {"ratio": Default(16)},
        "SENet's own models: a ratio of 16, and biases",
    ),
    "se-efficientnet": Preset(
        "se",
        {"ratio": Default(4), "activation": "silu"},
        "EfficientNet, V2 too: a quarter of the channels that enter the expansion "
        "(input_channels; the block's own where nothing expands)",
    ),
    "se-mobilenetv3": Preset(
        "se",
        {"divisor": 8, "round_limit": 0.9, "gate": "hard_sigmoid"},
        "MobileNetV3: a quarter, rounded to a multiple of 8 that keeps 90 % of it",
    ),
    "se-timm": Preset(
        "se",
        {"ratio": Default(16), "divisor": 8},
        "timm's SEModule: a sixteenth, rounded to a multiple of 8",
    ),
    "eca-timm": Preset(
        "eca",
        {"min_kernel_size": 3},
        "timm's EcaModule: no kernel below 3",
    ),
    "gc-timm": Preset(
        "gc",
        {"ratio": 8, "divisor": 1, "fuse": "multiply", "epsilon": 1e-6},
        "timm's GlobalContext: an eighth, rounded, and a gate",
    ),
    "cbam-timm": Preset(
        "cbam",
        {"divisor": 1, "use_bias": False, "momentum": 0.9, "stack": "mean_max"},
        "timm's CbamModule: a sixteenth, rounded, no biases, and the mean first",
    ),
    "srm-official": Preset(
        "srm",
        {"unbiased": True},
        "the official code: an unbiased variance",
    ),
    "bam-paper": Preset(
        "bam",
        {"fuse": "add"},
        "the paper's sum: of the two branches, in the layers of the official code",
    ),
    "scse-paper": Preset(
        "scse",
        {"fuse": "add"},
        "the paper's sum: the official code takes the maximum",
    ),
    "scse-smp": Preset(
        "scse",
        {"ratio": 16, "fuse": "add"},
        "segmentation_models.pytorch's SCSEModule",
    ),
    "coord-timm": Preset(
        "coord",
        {"ratio": 24, "divisor": 8, "use_bias": False},
        "timm's CoordAttn: two thirds of a sixteenth, rounded to a multiple of 8, and no biases",
    ),
}


class Option(NamedTuple):
    """One option of a block, as its signature and docstring say."""

    name: str
    default: Any
    type: str
    help: str


class Block:
    """A block builder with what its signature and docstring say about it."""

    def __init__(
        self,
        name: str,
        function: Callable[..., Any],
        explain: Callable[..., str] | None = None,
        preset: Preset | None = None,
    ) -> None:
        self.name = name
        # The builder as it is written; `build` has the preset's options for its defaults.
        self.function = function
        self.build: Callable[..., Any] = function
        if preset:
            self.build = partial(function, **preset.options)
        # Works out in numbers what a block computes from the channels, where it computes something.
        self.explain = explain
        self.preset = preset

    def __repr__(self) -> str:
        return f"<Block {self.name}>"

    @cached_property
    def defaults(self) -> dict[str, Any]:
        """The options and their defaults, in the order of the signature."""
        return {
            parameter.name: parameter.default
            for parameter in inspect.signature(self.build).parameters.values()
            if parameter.kind is parameter.KEYWORD_ONLY and parameter.name != "name"
        }

    @cached_property
    def options(self) -> dict[str, Option]:
        """The options by name, in the order of the signature."""
        parameters = inspect.signature(self.build).parameters
        helps = self._arguments
        return {
            name: Option(name, default, _type_name(parameters[name]), helps.get(name, ""))
            for name, default in self.defaults.items()
        }

    @property
    def is_own(self) -> bool:
        """Whether it is code of the user's own."""
        return self.name not in BLOCKS and self.name not in PRESETS

    @property
    def title(self) -> str:
        """Its full name: the summary line up to the colon."""
        return self._sections["summary"].partition(":")[0]

    @property
    def summary(self) -> str:
        """What it does, in one line."""
        return self._sections["summary"].partition(": ")[2]

    def section(self, heading: str) -> str:
        """Return what the docstring says under a heading (`idea`, `Paper`, `In the wild`, …)."""
        return self._sections.get(heading, "")

    @cached_property
    def _sections(self) -> dict[str, str]:
        summary, _, rest = (inspect.getdoc(self.function) or "").partition("\n\n")
        idea, _, rest = rest.partition("\n\n")
        sections = {"summary": " ".join(summary.split()), "idea": " ".join(idea.split())}
        heading = ""
        for line in rest.splitlines():
            name, colon, text = line.partition(":")
            if line and not line[0].isspace() and colon:
                heading = name
                sections[heading] = text.strip()
            elif line.strip() and heading:
                sections[heading] += f"\n{line[4:] if line.startswith('    ') else line}"
        return {name: text.strip("\n") for name, text in sections.items()}

    @cached_property
    def _arguments(self) -> dict[str, str]:
        arguments: dict[str, str] = {}
        name = ""
        for line in self.section("Args").splitlines():
            if not line.startswith(" "):
                name, _, text = line.partition(": ")
                arguments[name] = text
            elif name:
                arguments[name] += f" {line.strip()}"
        return arguments


@cache
def find_block(name: str) -> Block:
    """Return the block, the preset or the user's own block (`path/to/file.py:function`) of a name.

    Raises BadSpec, with the nearest name, where there is none.
    """
    preset = PRESETS.get(name)
    base = preset.block if preset else name
    if base not in BLOCKS:
        from attn_cli.blocks.own import is_own, own_block

        if is_own(name):
            return own_block(name)
        hint = did_you_mean(name, [*BLOCKS, *PRESETS])
        raise BadSpec(f"no block is called {name!r}{hint} (attn blocks lists them all)")
    module_name, _, function = BLOCKS[base].partition(":")
    module = import_module(f"attn_cli.blocks.{module_name}")
    explain = getattr(module, f"explain_{base}", None)
    return Block(name, getattr(module, function), explain, preset)


def _type_name(parameter: inspect.Parameter) -> str:
    """Return an annotation as it is written; where there is none, the type of the default."""
    annotation = parameter.annotation
    if annotation is parameter.empty:
        annotation = type(parameter.default)
    if isinstance(annotation, str):
        return annotation
    name = annotation.__name__ if isinstance(annotation, type) else str(annotation)
    return name.replace("NoneType", "None")
