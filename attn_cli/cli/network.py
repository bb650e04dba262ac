"""`--in MODEL --at WHERE`: places in a network, wherever a shape can be named."""

from typing import Annotated, Any

import typer

from attn_cli.analysis.where import WORDS
from attn_cli.blocks import BLOCKS
from attn_cli.cli.models import complete_model
from attn_cli.cli.options import completing
from attn_cli.errors import AttnError
from attn_cli.spec import NONE

InOption = Annotated[
    str | None,
    typer.Option(
        "--in",
        metavar="MODEL",
        help="A network to put the blocks in: a saved model, or app:NAME of keras.applications.",
        autocompletion=complete_model,
    ),
]
AtOption = Annotated[
    list[str] | None,
    typer.Option(
        "--at",
        metavar="WHERE",
        help=f"Where in it: {', '.join(WORDS)}, a block's name, or a layer's or a pattern of "
        "names; can be repeated.",
        autocompletion=completing([*WORDS, *BLOCKS]),
    ),
]
SkipOption = Annotated[
    list[str] | None,
    typer.Option(metavar="PATTERN", help="Places to leave out, by name; can be repeated."),
]
SkipMisfitsOption = Annotated[
    bool, typer.Option("--skip-misfits", help="Leave out the places that a block does not fit.")
]


def refuse_with_network(**given: Any) -> None:
    """Raise AttnError for an option that --in leaves no room for."""
    for name, value in given.items():
        if value:
            hint = "; --input is the size that the network is asked at" if name == "shape" else ""
            raise AttnError(
                f"--{name} is for blocks on their own, and --in puts them in a network{hint}"
            )


def refuse_beside_none(**given: Any) -> None:
    """Raise AttnError for what is given to a block, where none is put in."""
    for name, value in given.items():
        if value is not None:
            raise AttnError(f"{NONE} takes attention out: there is no block for --{name} {value}")


def refuse_without_network(**given: Any) -> None:
    """Raise AttnError for an option that needs a network."""
    for name, value in given.items():
        if value:
            option = name.replace("_", "-")
            raise AttnError(f"--{option} is about places in a network: name that with --in MODEL")


def refuse_input_alone(input: str | None) -> None:
    """Raise AttnError for the input of a network that is not named."""
    if input is not None:
        raise AttnError(
            f"--input is the input of a network: name that with --in MODEL (a block alone has "
            f"--shape {input})"
        )


def refuse_without_at(at: list[str] | None, skip: list[str] | None) -> None:
    """Raise AttnError where places are taken away of which none are chosen."""
    if skip and not at:
        raise AttnError("--skip takes away from the places that --at names: give both")
