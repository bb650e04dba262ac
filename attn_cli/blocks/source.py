"""A block's own source as Keras code that stands alone: the builder and all that it calls."""

from __future__ import annotations

import ast
import inspect
import re
from importlib import import_module
from typing import TYPE_CHECKING

from attn_cli.errors import BadSpec

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from attn_cli.blocks import Block

OURS = "attn_cli."
# Which world a block is built in is no question outside of attn.
NAMESPACE = "namespace_of"


def keras_source(block: Block) -> str:
    """Return Python code that builds a block with nothing but Keras.

    Raises BadSpec for a block of one's own: its file is its source.
    """
    if block.is_own:
        raise BadSpec(f"{block.name} is code of your own: its file is its source")
    source = _Source()
    source.take(block.function.__module__, block.function.__name__)
    future = "from __future__ import annotations\n"
    parts = ["\n".join([future, *sorted(source.imports), "\nimport keras"]), *source.parts]
    if block.preset:
        parts.append(f"# {block.name}: {_call(block.function, block.preset.options)}")
    return "\n\n\n".join(parts) + "\n"


def _call(function: Callable[..., Any], options: Any) -> str:
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
        text = inspect.getsource(import_module(module))
        statement = _named(ast.parse(text)).get(name)
        if statement is None:
            return  # a local name, or one of Python's own
        if isinstance(statement, ast.ImportFrom) and (statement.module or "").startswith(OURS):
            self.take(statement.module or "", name)
        elif isinstance(statement, (ast.Import, ast.ImportFrom)):
            alone = [alias for alias in statement.names if (alias.asname or alias.name) == name]
            statement.names = alone
            self.imports.add(ast.unparse(statement))
        else:
            for node in ast.walk(statement):
                if isinstance(node, ast.Name):
                    self.take(module, node.id)
            part = ast.get_source_segment(text, statement) or ""
            self.parts.append(re.sub(rf" *keras = {NAMESPACE}\(inputs\)\n", "", part))


def _named(tree: ast.Module) -> dict[str, ast.stmt]:
    """Return the statements of a module by the names that they give."""
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
