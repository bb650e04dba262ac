"""The program: its commands, each imported when it is called, and the one place that exits."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command_from_info
from typer.models import CommandInfo

from attn_cli import stdout
from attn_cli.cli.output import write, write_error
from attn_cli.errors import AttnError, did_you_mean
from attn_cli.files import remembering

if TYPE_CHECKING:
    from collections.abc import Sequence

# The commands in the order of the help, and where each one's function stands.
COMMANDS = {
    "summary": "summary:summary",
    "params": "params:params",
    "kernel-size": "kernel_size:kernel_size",
    "compare": "compare:compare",
    "blocks": "blocks:blocks",
    "places": "places:places",
    "inspect": "inspect:inspect",
    "diff": "diff:diff",
    "check": "check:check",
    "build": "build:build",
    "verify": "verify:verify",
    "bench": "bench:bench",
}


class Command(TyperCommand):
    """Takes each option once, and says in our words what it does not take."""

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override] # Typer's own Context
        """Parse the arguments."""
        if not ctx.resilient_parsing:
            args = rejoined(args)
            try:
                _, extra, order = self.make_parser(ctx).parse_args(list(args))
            except typer.TyperException as error:
                # Not every complaint of the parser says whose help answers it.
                error.ctx = ctx  # type: ignore[attr-defined] # UsageErrors, which these are, have one
                raise
            if self.get_help_option(ctx) not in order:
                self._check(extra, order)
        return super().parse_args(ctx, args)

    def _check(self, extra: Sequence[str], order: Sequence[Any]) -> None:
        for option in order:
            if order.count(option) > 1 and not (option.multiple or option.is_flag):
                name = option_name(option)
                raise AttnError(f"{name} is given twice; attn {self.name} takes one")
        if extra:
            taken = [option_name(each) for each in self.params if is_argument(each)]
            way = _way_of_one_more(extra) if taken == ["SPEC"] else ""
            raise AttnError(
                f"attn {self.name} takes {' '.join(taken)}, and {extra[0]!r} is one more{way}"
            )

    def get_short_help_str(self, limit: int = 0) -> str:
        """Return the line for the list of commands, whole: where it is too long, it is wrapped."""
        return super().get_short_help_str(1000)

    def get_help_option(self, ctx: typer.Context) -> Any:  # type: ignore[override] # Typer's own Context
        """Return the option that shows the help."""
        return showing(super().get_help_option(ctx))


def _way_of_one_more(extra: Sequence[str]) -> str:
    """Return how that is given which stands behind a block."""
    from attn_cli.spec import way_of

    if all(word.isdigit() for word in extra):
        return "; a shape is one word: --shape H,W,C"
    return f"; {way_of(extra[0]) or 'attn compare takes several blocks'}"


class LazyGroup(TyperGroup):
    """Imports a command when it is asked for: building all of them costs more than most take."""

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override] # Typer's own Context
        """Parse the arguments; what is about completion is answered here."""
        if args and args[0] in COMPLETION and not ctx.resilient_parsing:
            from attn_cli.cli.completion import set_up

            set_up(args[0], args[1:])
            raise typer.Exit
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override] # Typer's own Context
        """Return the names of all commands."""
        return list(COMMANDS)

    def get_command(self, ctx: typer.Context, cmd_name: str) -> Any:  # type: ignore[override] # Typer's own Context
        """Return a command, built from its function's signature."""
        if cmd_name not in COMMANDS:
            if ctx.resilient_parsing:
                return None
            hint = did_you_mean(cmd_name, [*COMMANDS, "help", "version"])
            raise AttnError(f"no command is called {cmd_name!r}{hint} (attn -h lists them)")
        module, _, function = COMMANDS[cmd_name].partition(":")
        callback = getattr(import_module(f"attn_cli.cli.{module}"), function)
        return get_command_from_info(
            CommandInfo(name=cmd_name, cls=Command, callback=callback, context_settings=SETTINGS),
            pretty_exceptions_short=False,
            rich_markup_mode=None,
        )

    def get_help_option(self, ctx: typer.Context) -> Any:  # type: ignore[override] # Typer's own Context
        """Return the option that shows the help."""
        return showing(super().get_help_option(ctx))


def rejoined(args: Sequence[str]) -> list[str]:
    """Return arguments with the values whole that a shell split at blanks: `-s 26, 26, 512`."""
    result: list[str] = []
    of_option = False
    for arg in args:
        if of_option and result[-1].endswith(",") and not arg.startswith("-"):
            result[-1] += arg
            continue
        of_option = bool(result) and result[-1].startswith("-")
        result.append(arg)
    return result


def showing(help_option: Any) -> Any:
    """Have a help option write as the commands do: to pipes that close, in what stdout can show."""
    help_option.callback = show_help
    return help_option


def show_help(ctx: Any, _: Any, wanted: bool) -> None:
    """Print the help of a command."""
    if wanted and not ctx.resilient_parsing:
        # Left alone, the help is 50 columns wide at least, and breaks within words on fewer.
        columns = get_terminal_size().columns
        ctx.terminal_width = max(min(columns, HELP_WIDTH) - 2, 20)
        write(f"{ctx.get_help()}\n")
        raise typer.Exit


HELP_WIDTH = 80
COMPLETION = ("--install-completion", "--show-completion")
TRACEBACK = "ATTN_TRACEBACK"  # set, what is unforeseen ends in one; our tests set it
INTERRUPTED = 130  # as a shell says it: 128 and the number of SIGINT

SETTINGS = {"help_option_names": ["-h", "--help"]}

app = typer.Typer(
    name="attn",
    cls=LazyGroup,
    context_settings=SETTINGS,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
)


def version(wanted: bool) -> None:
    """Print the version of the installed package."""
    if wanted:
        import attn_cli

        try:
            write(f"attn {attn_cli.__version__}\n")
        except AttributeError as error:
            raise AttnError(str(error)) from None
        raise typer.Exit


@app.callback()
def attn(
    _: Annotated[
        bool, typer.Option("--version", callback=version, is_eager=True, help="Print the version.")
    ] = False,
    install: Annotated[
        bool,
        typer.Option(COMPLETION[0], help="Install completion for this shell, or for SHELL."),
    ] = False,
    show: Annotated[
        bool,
        typer.Option(COMPLETION[1], help="Print what that would install."),
    ] = False,
) -> None:
    """What attention blocks in convolutional networks look like and cost, exactly and at once."""


def main() -> NoReturn:
    """Run the command line and exit: 0 fine, 1 a check failed, 2 wrong use, 130 interrupted."""
    stdout.claim()
    code = run()
    if code == INTERRUPTED:
        # At once: ending TensorFlow takes a second, and Python, which remembers an interrupt that
        # went through an exec(), would kill itself by the signal. All files are closed by now.
        os._exit(code)
    sys.exit(code)


def run(args: list[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    args = in_words(sys.argv[1:] if args is None else args)
    shell = os.environ.get("_ATTN_COMPLETE", "").removeprefix("complete_")
    try:
        if shell in ("bash", "zsh", "fish"):
            from attn_cli.cli.completion import answer

            write(answer(typer.main.get_command(app), shell))
            return 0
        with remembering():
            result: Any = app(args, prog_name="attn", standalone_mode=False)
    except AttnError as error:
        return fail(str(error))
    except OSError as error:
        return fail(system_error(error))
    except typer.TyperException as error:
        return fail(usage_error(error))
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except Exception as error:
        if os.environ.get(TRACEBACK):
            raise
        return fail(unforeseen(error))
    return result if isinstance(result, int) else 0


def unforeseen(error: Exception) -> str:
    """Return in a line what nobody saw coming: it is a fault of ours, but 1 is for checks alone."""
    from attn_cli.text import shown

    if isinstance(error, MemoryError):
        return "there is not enough memory for this"
    what = shown(": ".join(filter(None, (type(error).__name__, str(error)))))
    return (
        f"this is a fault of attn, not yours ({what}); please report it, with the command, "
        f"and what it prints after {TRACEBACK}=1"
    )


def in_words(args: Sequence[str]) -> list[str]:
    """Return what `help`, `help COMMAND` and `version` are short for."""
    first, *rest = args or ["help"]
    if first == "help":
        return [*(word for word in rest[:1] if word != "help"), "--help"]
    return ["--version", *rest] if first == "version" else [first, *rest]


def system_error(error: OSError) -> str:
    """Return what the system does not let us do, in a sentence."""
    why = error.strerror or str(error)
    if error.filename is not None:
        return f"{os.fsdecode(error.filename)!r}: {why}"
    try:
        os.getcwd()
    except OSError:
        return "the folder that this runs in is gone: cd to one that is there"
    return why


def fail(message: str) -> int:
    """Say in one line what is wrong."""
    write_error(f"attn: {message}")
    return 2


def usage_error(error: Any) -> str:
    """Return Typer's complaint in our words, with the help that answers it."""
    command = "attn" if error.ctx is None else error.ctx.command_path
    if isinstance(error, typer.BadParameter) and error.param is not None:
        if error.message:
            return f"{option_name(error.param)}: {error.message.rstrip('.')}"
        return f"missing {option_name(error.param)} ({command} -h shows how)"
    if hasattr(error, "possibilities"):
        hint = did_you_mean(error.option_name, error.possibilities or ())
        return f"no option is called {error.option_name!r}{hint} ({command} -h lists them)"
    # No command; an option that lacks its value, or has one and takes none.
    message = error.format_message().rstrip(".")
    return f"{message[:1].lower()}{message[1:]} ({command} -h shows how)"


def is_argument(parameter: Any) -> bool:
    """Tell an argument from an option."""
    return bool(parameter.param_type_name == "argument")


def option_name(parameter: Any) -> str:
    """Return an option as it is typed, with what it takes: `--shape H,W,C`; an argument's name."""
    if is_argument(parameter):
        return str(parameter.metavar).rstrip(".").strip("[]")
    return f"{max(parameter.opts, key=len)} {parameter.metavar or ''}".rstrip()
