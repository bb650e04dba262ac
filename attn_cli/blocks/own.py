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
from types import ModuleType
from typing import TYPE_CHECKING, Any

from attn_cli.blocks import Block
from attn_cli.errors import AttnError, BadFile, BadSpec, did_you_mean
from attn_cli.files import open_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

KINDS = ("int", "float", "bool", "str", "None")


def is_own(name: str) -> bool:
    """Tell whether a name is that of a Python file, with or without a function in it."""
    return name.endswith(".py") or ".py:" in name


def own_block(name: str) -> Block:
    """Load a user's file and return the block that a function in it builds. Raises BadSpec."""
    path, _, function_name = name.rpartition(":") if ".py:" in name else (name, "", "")
    module = _load(path)
    function = getattr(module, function_name, None) if function_name else None
    if not inspect.isfunction(function):
        raise BadSpec(_no_function(path, function_name, module))
    block = Block(name, _told_as_theirs(path, function))
    _check_signature(path, function, block)
    return block


@cache
def _load(path: str) -> ModuleType:
    try:
        with open_file(path, empty=True) as file:
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
    with _theirs(path):
        exec(compile(source, path, "exec", dont_inherit=True), module.__dict__)
    return module


def _told_as_theirs(path: str, function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def build(inputs: Any, **options: Any) -> Any:
        with _theirs(path):
            output = function(inputs, **options)
        if not hasattr(output, "shape"):
            what = "nothing" if output is None else f"a {type(output).__name__}"
            raise BadSpec(
                f"{_place(path, function)}: {function.__name__} returns {what}; "
                f"a block returns the feature map that comes out"
            )
        return output

    return build


@contextmanager
def _theirs(path: str) -> Iterator[None]:
    """Tell what goes wrong as the user's, with their line; what they print goes to stderr."""
    try:
        with redirect_stdout(sys.stderr):
            yield
    except SyntaxError as error:
        place = f"{path}:{error.lineno}" if error.filename == path else _line(path, error)
        raise BadSpec(f"{place}: {error.msg}") from error
    except AttnError as error:
        place = _line(path, error)
        raise (error if place == path else type(error)(f"{place}: {error}")) from error
    except (Exception, SystemExit) as error:
        text = str(error).strip().partition("\n")[0]
        what = f"{type(error).__name__}: {text}" if text else type(error).__name__
        raise BadSpec(f"{_line(path, error)}: {what}") from error


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
        if inspect.isfunction(value)
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
