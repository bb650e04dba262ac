"""A user's own block: `path/to/file.py:function`.

Naming it runs the file, which is the user's own code. What goes wrong in it is told as theirs, with
its file and line, in one line.
"""

from __future__ import annotations

import inspect
import os
import sys
import traceback
from contextlib import contextmanager, redirect_stdout
from functools import cache, wraps
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from attn_cli import stdout
from attn_cli.blocks import Block
from attn_cli.errors import AttnError, BadFile, BadSpec, did_you_mean
from attn_cli.files import open_file
from attn_cli.symbolic import SymbolicTensor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TYPES = (int, float, bool, str, type(None))
KINDS = ("int", "float", "bool", "str", "None")
# Of a default; every number that a spec can name is smaller.
LARGEST = 10.0**100
MAX_BYTES = 1 << 24
# Characters of what an error says.
MOST = 500


def is_own(name: str) -> bool:
    """Tell whether a name is that of a Python file, with or without a function in it."""
    return name.endswith(".py") or ".py:" in name


def own_block(name: str) -> Block:
    """Load a user's file and return the block that a function in it builds. Raises BadSpec."""
    path, _, function_name = name.rpartition(":") if ".py:" in name else (name, "", "")
    module = _load(path)
    function = vars(module).get(function_name)
    if type(function) is not FunctionType:
        raise BadSpec(_no_function(path, function_name, module))
    block = Block(name, _told_as_theirs(path, function))
    with _theirs(path):
        _check_signature(path, function, block)
    return block


@cache
def _load(path: str) -> ModuleType:
    try:
        with open_file(path, empty=True) as file:
            if file.size > MAX_BYTES:
                raise BadFile(f"{file.size:,} bytes are more than a block's file can have")
            source = file.read(0, file.size)
    except BadFile as error:
        raise BadSpec(f"{path}: {error}") from None
    module = ModuleType(f"own block {path}")
    module.__file__ = path
    sys.modules[module.__name__] = module
    folder = os.path.dirname(os.path.abspath(path))
    if folder not in sys.path:
        # What stands beside the file can be imported, and hides nothing of what is installed.
        sys.path.append(folder)
    stdout.keep()
    with _theirs(path):
        exec(compile(source, path, "exec", dont_inherit=True), module.__dict__)
    return module


def _told_as_theirs(path: str, function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def build(inputs: Any, /, **options: Any) -> Any:
        with _theirs(path):
            output = function(inputs, **options)
            # By its type: what an object says of itself is as much theirs as the object.
            if not issubclass(type(output), type(inputs)):
                name = type(output).__name__
                what = f"{'an' if name[0] in 'aeiou' else 'a'} {name}"
                raise BadSpec(
                    f"{_place(path, function)}: {function.__name__} returns "
                    f"{'nothing' if output is None else what}; "
                    f"a block returns the feature map that comes out"
                )
            if isinstance(inputs, SymbolicTensor) and output.trace is not inputs.trace:
                raise BadSpec(
                    f"{_place(path, function)}: {function.__name__} returns a tensor of another "
                    f"call; a block is built anew each time"
                )
        return output

    return build


@contextmanager
def _theirs(path: str) -> Iterator[None]:
    """Tell what goes wrong as the user's, with their line; what they print goes to stderr."""
    try:
        with redirect_stdout(sys.stderr):
            yield
    except BaseException as error:
        if type(error) is KeyboardInterrupt:
            raise
        raise _told(path, error) from error


def _told(path: str, error: BaseException) -> AttnError:
    """Return what says in a line what went wrong; an error of ours stays one of its kind."""
    try:
        return _in_a_line(path, error)
    except BaseException:  # how an error shows itself is code of theirs as well
        return BadSpec(f"{_line(path, error)}: an error that cannot be shown")


def _in_a_line(path: str, error: BaseException) -> AttnError:
    place, text = _line(path, error), str(error).strip()
    if isinstance(error, AttnError):
        kind: type[AttnError] = next(
            each for each in type(error).__mro__ if each.__module__ == AttnError.__module__
        )
        return kind(text if place == path else f"{place}: {text}")
    if isinstance(error, SyntaxError) and error.lineno:
        place = f"{path}:{error.lineno}" if error.filename == path else place
        return BadSpec(f"{place}: {error.msg}")
    first = text.partition("\n")[0][:MOST]
    return BadSpec(f"{place}: {type(error).__name__}{first and f': {first}'}")


def _line(path: str, error: BaseException) -> str:
    """Return the last line of the user's file that an error came through, as `path:line`."""
    lines = [
        line
        for frame, line in traceback.walk_tb(error.__traceback__)
        if frame.f_code.co_filename == path
    ]
    return f"{path}:{lines[-1]}" if lines else path


def _place(path: str, function: Any) -> str:
    code = function.__code__
    return f"{path}:{code.co_firstlineno}" if code.co_filename == path else path


def _no_function(path: str, name: str, module: ModuleType) -> str:
    functions = [
        each
        for each, value in vars(module).items()
        if type(value) is FunctionType
        and value.__module__ == module.__name__
        and not each.startswith("_")
    ]
    has = f"it has {', '.join(functions)}" if functions else "it has none"
    if not name:
        return f"a block of your own is a function in a file, as in {path}:FUNCTION; {has}"
    return f"{path} has no function {name!r}; {has}{did_you_mean(name, functions)}"


def _check_signature(path: str, function: Callable[..., Any], block: Block) -> None:
    """Refuse a function that is no block: def block(inputs, *, ratio: int = 4)."""
    place = f"{_place(path, function)}: {function.__name__}"
    shape = "def block(inputs, *, ratio: int = 4)"
    first, *others = inspect.signature(function).parameters.values() or (None,)
    if first is None or first.kind not in (
        first.POSITIONAL_ONLY,
        first.POSITIONAL_OR_KEYWORD,
    ):
        raise BadSpec(f"{place} takes no feature map; a block is {shape}")
    for parameter in others:
        if parameter.kind is not parameter.KEYWORD_ONLY:
            raise BadSpec(f"{place} takes {parameter} where options stand after a *: {shape}")
        if parameter.default is parameter.empty:
            raise BadSpec(f"{place}: the option {parameter.name} needs a default: {shape}")
    for option in block.options.values():
        kinds = [kind.strip() for kind in option.type.split("|")]
        if not set(kinds) <= set(KINDS) or kinds == ["None"]:
            raise BadSpec(
                f"{place}: the option {option.name} is annotated {option.type}; "
                f"an option is an int, float, bool or str, or one of them | None"
            )
        default = option.default
        kind = "None" if default is None else type(default).__name__
        fits = kind in kinds or (kind == "int" and "float" in kinds)
        if type(default) not in TYPES or not fits:
            raise BadSpec(
                f"{place}: the default of {option.name} is {default!r}, and it is annotated "
                f"{option.type}"
            )
        if isinstance(default, (int, float)) and not abs(default) < LARGEST:
            what = default if isinstance(default, float) else f"of {default.bit_length()} bits"
            raise BadSpec(
                f"{place}: the default of {option.name} is {what}; an option is a finite number"
            )
