"""The core: one file for each family of blocks, and the dict that names them all.

A block is a function of a feature map and keyword-only options that reads like Keras code. Its
signature and docstring are the one place where its options, formula and paper are written.
"""

from __future__ import annotations

import inspect
from functools import cache, cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

from attn_cli.errors import BadSpec, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable

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


class Option(NamedTuple):
    """One option of a block, as its signature and docstring say."""

    name: str
    default: Any
    type: str
    help: str


class Block:
    """A block builder with what its signature and docstring say about it."""

    def __init__(self, name: str, build: Callable[..., Any], explain: Any = None) -> None:
        self.name = name
        self.build = build
        # Works out in numbers what a block computes from the channels, where it computes something.
        self.explain: Callable[..., str] | None = explain

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
            name: Option(
                name, default, _type_name(parameters[name].annotation), helps.get(name, "")
            )
            for name, default in self.defaults.items()
        }

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
        summary, _, rest = (inspect.getdoc(self.build) or "").partition("\n\n")
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
            else:
                arguments[name] += f" {line.strip()}"
        return arguments


@cache
def find_block(name: str) -> Block:
    """Return the block of this name. Raises BadSpec, with the nearest, where there is none."""
    try:
        module_name, _, function = BLOCKS[name].partition(":")
    except KeyError:
        hint = did_you_mean(name, BLOCKS)
        raise BadSpec(f"no block is called {name!r}{hint} (attn blocks lists them all)") from None
    module = import_module(f"attn_cli.blocks.{module_name}")
    return Block(name, getattr(module, function), getattr(module, f"explain_{name}", None))


def _type_name(annotation: Any) -> str:
    """Return an annotation as it is written."""
    return (
        annotation
        if isinstance(annotation, str)
        else getattr(annotation, "__name__", str(annotation))
    )
