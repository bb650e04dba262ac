"""`attn places`: where in a network a block can go."""

from typing import Annotated

import typer

from attn_cli.account import one_account
from attn_cli.analysis.network import read_network
from attn_cli.analysis.places import find_places, select_places
from attn_cli.cli.models import complete_model
from attn_cli.cli.network import AtOption, SkipOption, refuse_without_at
from attn_cli.cli.options import (
    ChartFormatOption,
    InputOption,
    JsonOption,
    OutputOption,
    input_from,
)
from attn_cli.cli.output import emit, picked_format
from attn_cli.text import shown
from attn_cli.views import formats_with
from attn_cli.views.network import places_report


def places(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL",
            help="A saved model, or app:NAME of keras.applications.",
            autocompletion=complete_model,
        ),
    ],
    at: AtOption = None,
    skip: SkipOption = None,
    input: InputOption = None,
    format: ChartFormatOption = None,
    json: JsonOption = False,
    output: OutputOption = None,
) -> None:
    """List where in a network a block can go, and why there.

    \b
    attn places app:MobileNetV2
    attn places app:ResNet50 --at 'conv[45]_*_bn' --skip '*_0_bn'
    """
    picked_format(format, json, output, formats_with("chart"))
    refuse_without_at(at, skip)
    asked = input_from(input)
    with one_account(shown(model)):
        network = read_network(model, asked)
        found = select_places(network.graph, at, skip or ()) if at else find_places(network.graph)
    emit(places_report(network, found), format, json, output)
