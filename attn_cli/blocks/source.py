"""A block's own source as it is, as Keras code that stands alone: the builder and all it calls."""

from __future__ import annotations

import ast
import inspect
import re
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from attn_cli.blocks.options import Default
from attn_cli.errors import BadSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from attn_cli.blocks import Block

OURS = "attn_cli."
# Which world a block is built in is no question outside of attn.
NAMESPACE = "namespace_of"


def full_source(block: Block, options: Mapping[str, Any]) -> str:
    """Return Python code that builds a block, with any options, with nothing but Keras.

    Below it stands how it is called with these options, where a preset or the caller gives some.

    Raises BadSpec for a block of one's own: its file is its source.
    """
    own_is_its_source(block)
    source = _Source()
    source.take(block.function.__module__, block.function.__name__)
    future = "from __future__ import annotations\n"
    parts = ["\n".join([future, *sorted(source.imports), "\nimport keras"]), *source.parts]
    preset = block.preset.options if block.preset else {}
    # A default that gives way to another option is no longer one where it is written out.
    settled = {name: value for name, value in preset.items() if not isinstance(value, Default)}
    given = {**(settled if options.get("width") else preset), **options}
    if given:
        parts.append(f"# {block.name}: {_call(block.function, given)}")
    return "\n\n\n".join(parts) + "\n"


def own_is_its_source(block: Block) -> None:
    """Raise BadSpec for a block of one's own."""
    if block.is_own:
        raise BadSpec(f"{block.name} is code of your own: its file is its source")


def _call(function: Callable[..., Any], options: Mapping[str, Any]) -> str:
    given = "".join(f", {name}={value!r}" for name, value in options.items())
    return f"{function.__name__}(inputs{given})"


class _Source:
    """What was taken of our modules, each part behind those that it needs."""

    def __init__(self) -> None:
        self.imports: set[str] = set()
        self.parts: list[str] = []
        self._taken: set[tuple[str, str]] = set()

    def take(self, module: str, name: str) -> None:
        """Take what a name stands for in a module, once, and before it what that needs."""
        if (module, name) in self._taken or name == NAMESPACE:
            return
        self._taken.add((module, name))
        statement = named_statements(module).get(name)
        if statement is None:
            return  # a local name, or one of Python's own
        if isinstance(statement, ast.ImportFrom) and (statement.module or "").startswith(OURS):
            self.take(statement.module or "", name)
        elif isinstance(statement, (ast.Import, ast.ImportFrom)):
            self.imports.add(import_of(statement, name))
        else:
            for node in ast.walk(statement):
                if isinstance(node, ast.Name):
                    self.take(module, node.id)
            text = inspect.getsource(import_module(module))
            part = ast.get_source_segment(text, statement) or ""
            self.parts.append(re.sub(rf" *keras = {NAMESPACE}\(inputs\)\n", "", part))


def import_of(statement: ast.Import | ast.ImportFrom, name: str) -> str:
    """Return the line that imports one of the names of a statement alone."""
    names = [alias for alias in statement.names if (alias.asname or alias.name) == name]
    if isinstance(statement, ast.Import):
        return ast.unparse(ast.Import(names))
    return ast.unparse(ast.ImportFrom(statement.module, names, statement.level))


@cache
def named_statements(module: str) -> dict[str, ast.stmt]:
    """Return the statements of a module by the names that they give."""
    return _named(ast.parse(inspect.getsource(import_module(module))))


def _named(tree: ast.Module) -> dict[str, ast.stmt]:
    named: dict[str, ast.stmt] = {}
    for statement in tree.body:
        if isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
            named[statement.name] = statement
        elif isinstance(statement, (ast.Import, ast.ImportFrom)):
            named |= {alias.asname or alias.name: statement for alias in statement.names}
        elif isinstance(statement, ast.Assign):
            names = [each.id for each in statement.targets if isinstance(each, ast.Name)]
            named |= dict.fromkeys(names, statement)
        elif isinstance(statement, ast.If):  # if TYPE_CHECKING
            named |= _named(ast.Module(statement.body, []))
    return named
