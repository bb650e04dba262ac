"""A block as a tutorial writes it: its own source with the options put in, and what they settle.

The builder is read as it is written and carried out as far as the options reach: what they settle
is calculated, a branch that is not taken goes, and so do names of layers and checks of the input.
"""

from __future__ import annotations

import ast
import builtins
import inspect
from copy import deepcopy
from functools import cache
from importlib import import_module
from types import FunctionType
from typing import TYPE_CHECKING, Any

from attn_cli.blocks.code import copy_words, written
from attn_cli.blocks.source import (
    NAMESPACE,
    OURS,
    import_of,
    named_statements,
    own_is_its_source,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from attn_cli.blocks import Block

# Values that stand in source as they are.
PLAIN = (int, float, str, tuple, type(None))
# What a builder asks of the shape of its input.
SHAPES = ("feature_map", "fixed_feature_map")
# What Keras does where nothing is said, and an option says it all the same.
UNSAID = {"use_bias": True}


def short_source(block: Block, options: Mapping[str, Any]) -> str:
    """Return a block with these options as Python code that needs nothing but Keras.

    Raises BadSpec for a block of one's own, BadOption for options that go with no input.
    """
    own_is_its_source(block)
    short = _Short()
    short.builder(block.function, {**block.defaults, **options})
    imports = "".join(f"{line}\n" for line in sorted({*short.imports.values()}))
    return "\n\n\n".join([f"{imports}\nimport keras".strip(), *short.parts]) + "\n"


class _Short:
    """The builders that a block is made of, each behind those that it calls."""

    def __init__(self) -> None:
        self.imports: dict[str, str] = {}  # what gives a name that is asked for
        self.parts: list[str] = []

    def builder(self, function: Any, options: Mapping[str, Any]) -> None:
        """Add a builder with its options put in."""
        definition = _definition(function)
        scope = _Scope(self, function, {**options, "name": None}, _stored([definition]))
        left = _needed(scope.carried_out(definition.body))
        asked = _loaded(left)
        self.imports |= {name: line for name, line in scope.imports.items() if name in asked}
        body = written(left)
        summary = " ".join((inspect.getdoc(function) or "").partition("\n\n")[0].split())
        head = [f"def {function.__name__}(inputs):", f'    """{summary}"""']
        self.parts.append("\n".join([*head, *(f"    {line}".rstrip() for line in body)]))


class _Scope:
    """What is known while a function is carried out."""

    def __init__(
        self,
        short: _Short,
        function: Any,
        known: dict[str, Any],
        names: set[str],
        given: dict[str, ast.expr] | None = None,
    ) -> None:
        self.short = short
        self.function = function
        self.module = vars(import_module(function.__module__))
        self.names = names  # that stand for something else around here
        self.known = known  # the values of names, where the options settle them
        self.given = given or {}  # what the caller has for a parameter
        self.unused: dict[str, set[int]] = {}  # parameters that a function within no longer needs
        self.before: list[ast.stmt] = []  # what must stand before the statement at hand
        self.imports: dict[str, str] = {}  # what a name is imported by

    def carried_out(self, statements: Iterable[ast.stmt]) -> list[ast.stmt]:
        """Return what is left of statements; what stands behind a return is never reached."""
        done: list[ast.stmt] = []
        for statement in statements:
            left = self._statement(statement)
            done += [*self.before, *left]
            self.before = []
            copy_words(statement, left, self.function.__module__)
            if left and isinstance(left[-1], ast.Return):
                break
        return done

    def _statement(self, statement: ast.stmt) -> list[ast.stmt]:
        match statement:
            case ast.Expr(value):
                return self._expression(value)
            case ast.Assign([target], value):
                return self._assignment(target, value)
            case ast.Return(value):
                return [ast.Return(self.folded(value))]
            case ast.Raise(exc):
                raise self._value(exc)
            case ast.If():
                return self._branches(statement)
            case ast.For():
                return self._loop(statement)
            case ast.FunctionDef():
                return self._function(statement)
        raise NotImplementedError(ast.unparse(statement))

    def _expression(self, value: ast.expr) -> list[ast.stmt]:
        if self._is_settled(value):
            self._value(value)  # a check of the options, or a docstring
            return []
        if isinstance(value, ast.Call) and self._ours(value) is not None:
            return []  # a check of the input
        return [ast.Expr(self.folded(value))]

    def _assignment(self, target: ast.expr, value: ast.expr) -> list[ast.stmt]:
        called = _called(value)
        if called == NAMESPACE:
            return []
        if called in SHAPES:
            return [_shape(target)]
        value = self.folded(value)
        for name in _stored([target]):
            self.known.pop(name, None)
            self.given.pop(name, None)
        if isinstance(target, ast.Name) and isinstance(value, ast.Constant):
            self.known[target.id] = value.value
            return []
        if isinstance(target, ast.Name) and isinstance(value, ast.Attribute):
            self.given[target.id] = value  # a layer by another name
            return []
        return [ast.Assign([target], value, lineno=0)]

    def _branches(self, statement: ast.If) -> list[ast.stmt]:
        before = list(self.before)
        test = self.folded(statement.test)
        if isinstance(test, ast.Constant):
            return self.carried_out(statement.body if test.value else statement.orelse)
        if all(isinstance(each, ast.Raise) for each in statement.body):
            self.before = before
            return self.carried_out(statement.orelse)  # a check of the input
        before = self._unsettle([*statement.body, *statement.orelse])
        body = self._apart(statement.body)
        return [*before, ast.If(test, body, self._apart(statement.orelse))]

    def _loop(self, statement: ast.For) -> list[ast.stmt]:
        over = self.folded(statement.iter)
        before = self._unsettle([statement])
        body = self._apart(statement.body)
        target: ast.expr = statement.target
        constant = isinstance(over, ast.Constant) and isinstance(over.value, tuple)
        if constant and not _stored([target]) & _loaded(body):
            target = ast.Name("_", ast.Store())
            over = ast.Call(ast.Name("range", ast.Load()), [_constant(len(over.value))], [])
        return [*before, ast.For(target, over, body, [], lineno=0)]

    def _function(self, statement: ast.FunctionDef) -> list[ast.stmt]:
        names = [each.arg for each in statement.args.args]
        known = {name: value for name, value in self.known.items() if name not in names}
        inner = _Scope(self.short, self.function, known, self.names, dict(self.given))
        body = inner.carried_out(statement.body)
        self.imports |= inner.imports
        needed = _loaded(body)
        self.unused[statement.name] = {at for at, each in enumerate(names) if each not in needed}
        kept = [ast.arg(each) for each in names if each in needed]
        args = ast.arguments([], kept, None, [], [], None, [])
        return [ast.FunctionDef(statement.name, args, body, [], lineno=0)]

    def _apart(self, statements: list[ast.stmt]) -> list[ast.stmt]:
        """Carry out what is done only now and then: what it settles is not settled behind it."""
        known, before, self.before = dict(self.known), self.before, []
        body = self.carried_out(statements)
        self.known, self.before = known, before
        return body

    def _unsettle(self, statements: list[ast.stmt]) -> list[ast.stmt]:
        """Let names that statements may change be variables from here on."""
        return [
            ast.Assign([ast.Name(name, ast.Store())], ast.Constant(self.known.pop(name)), lineno=0)
            for name in sorted(_stored(statements) & self.known.keys())
        ]

    def folded(self, node: Any) -> Any:
        """Return an expression with all that is settled in it calculated."""
        if isinstance(node, ast.expr) and self._is_settled(node):
            value = self._value(node)
            if isinstance(value, (*PLAIN, FunctionType)):
                return _constant(value)
        match node:
            case ast.Name(name):
                statement = named_statements(self.function.__module__).get(name)
                if isinstance(statement, (ast.Import, ast.ImportFrom)) and name not in self.names:
                    self.imports[name] = import_of(statement, name)
                return deepcopy(self.given.get(name, node))
            case ast.IfExp(test, body, orelse):
                test = self.folded(test)
                if isinstance(test, ast.Constant):
                    return self.folded(body if test.value else orelse)
                return ast.IfExp(test, self.folded(body), self.folded(orelse))
            case ast.BoolOp(op, values):
                return self._junction(op, values)
            case ast.Call():
                return self._call(node)
            case ast.BinOp(left, ast.Mult(), ast.Name(name)) if self.known.get(name) == 1:
                return self.folded(left)
            case ast.AST():
                fields = {name: self.folded(value) for name, value in ast.iter_fields(node)}
                return type(node)(**fields)
            case list():
                return [self.folded(each) for each in node]
        return node

    def _junction(self, op: ast.boolop, values: list[ast.expr]) -> ast.expr:
        left = []
        for value in values:
            each = self.folded(value)
            left.append(each)
            if isinstance(each, ast.Constant):
                if bool(each.value) is isinstance(op, ast.Or):
                    break
                left.pop()
        return left[0] if len(left) == 1 else ast.BoolOp(op, left)

    def _call(self, node: ast.Call) -> ast.expr:
        if isinstance(node.func, ast.Name) and callable(self.known.get(node.func.id)):
            return ast.Constant(None)  # a layer's name: there is none
        ours = self._ours(node)
        args = [self.folded(each) for each in node.args]
        keywords = {str(each.arg): self.folded(each.value) for each in node.keywords}
        if ours is not None and next(iter(inspect.signature(ours).parameters)) == "inputs":
            options = {name: each.value for name, each in keywords.items() if name != "name"}
            defaults = inspect.signature(ours).parameters.values()
            rest = {each.name: each.default for each in defaults if each.name != "inputs"}
            self.short.builder(ours, rest | options)
            return ast.Call(node.func, args, [])
        if ours is not None:
            return self._inlined(ours, args, keywords)
        if isinstance(node.func, ast.Name):
            gone = self.unused.get(node.func.id, set())
            args = [each for at, each in enumerate(args) if at not in gone]
            if node.func.id == "max":
                args = _merged(args)
        named = [
            ast.keyword(name, each)
            for name, each in keywords.items()
            if not (isinstance(each, ast.Constant) and _goes_without_saying(name, each.value))
        ]
        return ast.Call(self.folded(node.func), args, named)

    def _inlined(self, function: Any, args: list[Any], keywords: dict[str, Any]) -> ast.expr:
        """Carry out a function of ours here: its statements before, and what it returns."""
        bound = inspect.signature(function).bind(*args, **keywords)
        given = {name: each for name, each in bound.arguments.items() if not _is_plain(each)}
        known = {name: each.value for name, each in bound.arguments.items() if _is_plain(each)}
        bound.apply_defaults()
        known |= {
            name: value for name, value in bound.arguments.items() if name not in (*given, *known)
        }
        definition = _renamed(_definition(function), self.names)
        names = self.names | _stored([definition])
        inner = _Scope(self.short, function, known, names, given)
        *body, last = inner.carried_out(definition.body)
        assert isinstance(last, ast.Return)
        value = last.value
        assert value is not None
        match body, value:
            case [*others, ast.Assign([ast.Name(name)], only)], ast.Name(returned) if (
                name == returned
            ):
                body, value = others, only
        self.before += body
        self.names = names
        self.imports |= inner.imports
        return value

    def _ours(self, node: ast.Call) -> Any:
        """Return the function of ours that is called, or None where it is none."""
        if not isinstance(node.func, ast.Name) or node.func.id in self.known:
            return None
        function = self.module.get(node.func.id)
        ours = isinstance(function, FunctionType) and function.__module__.startswith(OURS)
        return function if ours else None

    def _is_settled(self, node: ast.expr) -> bool:
        outside = {*self.module, *vars(builtins)} - self.names
        return _loaded([node]) <= {*self.known, *outside}

    def _value(self, node: Any) -> Any:
        code = compile(ast.fix_missing_locations(ast.Expression(deepcopy(node))), "", "eval")
        return eval(code, {**self.module, **self.known})


@cache
def _definition(function: Any) -> ast.FunctionDef:
    statement = named_statements(function.__module__)[function.__name__]
    assert isinstance(statement, ast.FunctionDef)
    return statement


def _renamed(definition: ast.FunctionDef, taken: set[str]) -> ast.FunctionDef:
    """Return a function with other names for its variables where these are taken."""
    result = deepcopy(definition)
    parameters = {each.arg for each in ast.walk(result.args) if isinstance(each, ast.arg)}
    clash = (_stored(result.body) & taken) - parameters
    for node in ast.walk(result):
        if isinstance(node, ast.Name) and node.id in clash:
            node.id += "_"
    return result


def _shape(target: ast.expr) -> ast.stmt:
    """Return what takes height, width and channels, as far as they are asked for, off an input."""
    assert isinstance(target, ast.Tuple)
    *places, channels = [each.id for each in target.elts if isinstance(each, ast.Name)]
    if set(places) == {"_"}:
        return ast.parse(f"{channels} = inputs.shape[-1]").body[0]
    return ast.parse(f"_, {', '.join(places)}, {channels} = inputs.shape").body[0]


def _merged(args: list[ast.expr]) -> list[ast.expr]:
    """Return the arguments of max with no more than one that is a number."""
    numbers: list[Any] = [each.value for each in args if isinstance(each, ast.Constant)]
    rest = [each for each in args if not isinstance(each, ast.Constant)]
    return [*map(_constant, [max(numbers)] if numbers else []), *rest]


def _constant(value: Any) -> ast.Constant:
    return ast.Constant(value)


def _goes_without_saying(name: str, value: Any) -> bool:
    return name == "name" or (name in UNSAID and value == UNSAID[name])


def _needed(statements: list[ast.stmt]) -> list[ast.stmt]:
    """Return statements without numbers that nothing asks for; a layer is never left out."""
    asked = _loaded(statements)

    def idle(statement: ast.stmt) -> bool:
        match statement:
            case ast.Assign([ast.Name(name)], value):
                return name not in asked and "keras" not in _loaded([value])
        return False

    left = [each for each in statements if not idle(each)]
    return left if len(left) == len(statements) else _needed(left)


def _called(node: ast.expr) -> str | None:
    """Return the name of the function that an expression calls."""
    function = node.func if isinstance(node, ast.Call) else None
    return function.id if isinstance(function, ast.Name) else None


def _is_plain(node: Any) -> bool:
    return isinstance(node, ast.Constant)


def _stored(nodes: Iterable[ast.AST]) -> set[str]:
    """Return the names that are given something, parameters included."""
    walked = [each for node in nodes for each in ast.walk(node)]
    stored = {
        each.id for each in walked if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)
    }
    functions = {each.name for each in walked if isinstance(each, ast.FunctionDef)}
    return stored | functions | {each.arg for each in walked if isinstance(each, ast.arg)}


def _loaded(nodes: Iterable[ast.AST]) -> set[str]:
    """Return the names that are asked for."""
    walked = [each for node in nodes for each in ast.walk(node)]
    return {
        each.id for each in walked if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Load)
    }
