"""Statements written as code again, with the comments that they had."""

from __future__ import annotations

import ast
import inspect
import io
import tokenize
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

WIDEST = 100
COMPOUND = (ast.If, ast.For, ast.FunctionDef)


class _Words(NamedTuple):
    """What a module has by line: comments beside code, and lines that are comments or empty."""

    beside: dict[int, str]
    alone: dict[int, str]


def copy_words(statement: ast.stmt, left: list[ast.stmt], module: str) -> None:
    """Give what is left of a statement the comments and the empty line that it had."""
    if not left:
        return
    words = _words(module)
    above: list[str] = []
    line = statement.lineno - 1
    while line in words.alone and (not above or above[0]):
        above.insert(0, words.alone[line])
        line -= 1
    vars(left[0])["above"] = [*above, *getattr(left[0], "above", ())]
    if not isinstance(statement, COMPOUND):
        vars(left[-1])["beside"] = words.beside.get(statement.end_lineno or 0, "")


@cache
def _words(module: str) -> _Words:
    text = inspect.getsource(import_module(module))
    lines = enumerate(text.splitlines(), start=1)
    words = _Words({}, {line: "" for line, content in lines if not content.strip()})
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            alone = not token.line[: token.start[1]].strip()
            (words.alone if alone else words.beside)[token.start[0]] = token.string
    return words


def written(statements: Iterable[ast.stmt]) -> Iterator[str]:
    """Write statements as lines of code."""
    last = ""
    for line in _lines(statements):
        if line or last:
            yield line
        last = line


def _lines(statements: Iterable[ast.stmt]) -> Iterator[str]:
    """Write statements; more than one empty line may follow another."""
    for statement in statements:
        yield from getattr(statement, "above", ())
        match statement:
            case ast.If(test, body, orelse):
                yield f"if {_text(test)}:"
                yield from _indented(body)
                if len(orelse) == 1 and isinstance(orelse[0], ast.If):
                    first, *others = _lines(orelse)
                    yield from (f"el{first}", *others)
                elif orelse:
                    yield "else:"
                    yield from _indented(orelse)
            case ast.For(target, over, body):
                yield f"for {_text(target)} in {_text(over)}:"
                yield from _indented(body)
            case ast.FunctionDef(name, args, body):
                yield from ("", f"def {name}({_text(args)}):", *_indented(body), "")
            case _:
                line, beside = _text(statement), getattr(statement, "beside", "")
                if beside and len(line) + len(beside) + 10 > WIDEST:
                    yield beside
                    beside = ""
                yield f"{line}  {beside}".rstrip()


def _indented(statements: list[ast.stmt]) -> Iterator[str]:
    return (f"    {line}".rstrip() for line in _lines(statements))


def _text(node: ast.AST) -> str:
    text = ast.unparse(node)
    return text if '"' in text else text.replace("'", '"')
