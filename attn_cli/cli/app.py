"""The program: its commands, each imported when it is called, and the one place that exits."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup
from typer.main import get_command_from_info
from typer.models import CommandInfo

from attn_cli.errors import AttnError, did_you_mean

# The commands in the order of the help, and where each one's function stands.
COMMANDS = {
    "summary": "summary:summary",
    "params": "params:params",
    "kernel-size": "kernel_size:kernel_size",
    "compare": "compare:compare",
    "blocks": "blocks:blocks",
}


class LazyGroup(TyperGroup):
    """Imports a command when it is asked for: building all of them costs more than most take."""

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override] # Typer's own Context
        """Return the names of all commands."""
        return list(COMMANDS)

    def get_command(self, ctx: typer.Context, cmd_name: str) -> Any:  # type: ignore[override] # Typer's own Context
        """Return a command, built from its function's signature."""
        if cmd_name not in COMMANDS:
            hint = did_you_mean(cmd_name, COMMANDS)
            raise AttnError(f"no command is called {cmd_name!r}{hint} (attn --help lists them)")
        module, _, function = COMMANDS[cmd_name].partition(":")
        callback = getattr(import_module(f"attn_cli.cli.{module}"), function)
        return get_command_from_info(
            CommandInfo(name=cmd_name, callback=callback, context_settings=SETTINGS),
            pretty_exceptions_short=False,
            rich_markup_mode=None,
        )


SETTINGS = {"help_option_names": ["-h", "--help"]}

app = typer.Typer(
    name="attn",
    cls=LazyGroup,
    context_settings=SETTINGS,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def version(wanted: bool) -> None:
    """Print the version of the installed package."""
    if wanted:
        from importlib.metadata import version as version_of

        print(f"attn {version_of('attn-cli')}")
        raise typer.Exit


@app.callback()
def attn(
    _: Annotated[
        bool, typer.Option("--version", callback=version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """What attention blocks in convolutional networks look like and cost, exactly and at once."""


def main() -> NoReturn:
    """Run the command line and exit: 0 fine, 1 a check failed, 2 wrong use, 130 interrupted."""
    sys.exit(run())


def run(args: list[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    args = sys.argv[1:] if args is None else args
    try:
        result: Any = app(args or ["--help"], prog_name="attn", standalone_mode=False)
    except (AttnError, OSError) as error:
        return fail(str(error))
    except typer.TyperException as error:
        return fail(usage_error(error))
    except (KeyboardInterrupt, typer.Abort):
        return 130
    return result if isinstance(result, int) else 0


def fail(message: str) -> int:
    """Say in one line what is wrong."""
    from attn_cli.cli.output import write_error

    write_error(f"attn: {message}")
    return 2


def usage_error(error: typer.TyperException) -> str:
    """Return Typer's complaint in our words, with the help that answers it."""
    message = error.format_message().rstrip(".")
    return message[:1].lower() + message[1:]
