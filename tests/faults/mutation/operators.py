"""How a mechanism is taken out: operators on a line of a Lua script or the syntax tree of a Python function."""

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

NOT_THE_PRODUCT = {"tests", "benchmarks", "deploy", "examples", "docs", "build"}
MARKER = re.compile(r"\s*-- mutants?: ([\w -]+(?:, [\w -]+)*)$")
LUA_CONDITION = re.compile(r"\b(if|elseif) .*? then\b")
LUA_LOOP = re.compile(r"\bin ipairs\(.*\) do$")

LineOperator = Callable[[str], str]
NodeOperator = Callable[[ast.AST], ast.AST | None]  # the node itself when it stays as it is; None when it goes


class Misfit(Exception):
    """Raised when a mutant does not find its place: the code was rewritten, and the mutant must be as well."""


@dataclass(frozen=True)
class Mutant:
    """A mechanism: how its code is changed so that it is gone, and the test that must fail then."""

    name: str
    test: str  # of which file does not matter


@dataclass(frozen=True)
class LuaMutant(Mutant):
    """It changes the marked line."""

    operator: LineOperator


@dataclass(frozen=True)
class PythonMutant(Mutant):
    """It changes one node of a function, such as "api.auth:authorize" or "store:Jobs.get"."""

    function: str
    operator: NodeOperator


@dataclass(frozen=True)
class Mutation:
    """What a mutant makes of one file."""

    path: Path  # relative to the project
    text: str


def mutate(root: Path, mutant: Mutant) -> Mutation:
    """The file of the project as the mutant leaves it. Misfit unless it changes exactly one place."""
    if isinstance(mutant, LuaMutant):
        return mutate_lua(root, mutant)
    assert isinstance(mutant, PythonMutant)
    return mutate_python(root, mutant)


def product_files(root: Path, suffix: str) -> Iterator[Path]:
    for folder in root.iterdir():
        if folder.is_dir() and not folder.name.startswith(".") and folder.name not in NOT_THE_PRODUCT:
            yield from folder.rglob(f"*{suffix}")


# Lua: a line becomes another.


def drop(line: str) -> str:
    """The line does nothing."""
    return ""


def never(line: str) -> str:
    """The line's condition is false."""
    return LUA_CONDITION.sub(r"\1 false then", line, count=1)


def always(line: str) -> str:
    """The line's condition is true."""
    return LUA_CONDITION.sub(r"\1 true then", line, count=1)


def loop_over_nothing(line: str) -> str:
    return LUA_LOOP.sub("in ipairs({}) do", line)


def replace(text: str, by: str) -> LineOperator:
    """`text`, which stands once in the line, is replaced."""
    return lambda line: line.replace(text, by) if line.count(text) == 1 else line


def put_before(statement: str) -> LineOperator:
    return lambda line: f"{statement} {line}"


def markers(lines: list[str]) -> Iterator[tuple[str, int]]:
    """The name of each mutant of a script, and the index of its line."""
    for index, line in enumerate(lines):
        if found := MARKER.search(line):
            alone = not line[: found.start()].strip()
            for name in found[1].split(", "):
                yield name, index + alone


def mutate_lua(root: Path, mutant: LuaMutant) -> Mutation:
    places = []
    for path in product_files(root, ".lua"):
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        marked = markers([line.rstrip() for line in lines])
        places += [(path, lines, index) for name, index in marked if name == mutant.name]
    if len(places) != 1:
        raise Misfit(f"{mutant.name}: {len(places)} lines are marked `-- mutant: {mutant.name}`, instead of one")
    path, lines, index = places[0]
    code = MARKER.sub("", lines[index].rstrip())
    if mutant.operator(code) == code:
        raise Misfit(f"{mutant.name}: its operator changes nothing in `{code.strip()}` of {path.relative_to(root)}")
    text = "".join([*lines[:index], mutant.operator(code) + "\n", *lines[index + 1 :]])
    return Mutation(path.relative_to(root), text)


# Python: a node of a function's syntax tree becomes another.


def drop_statement(fragment: str) -> NodeOperator:
    """The simple statement whose text has `fragment` goes."""

    def change(node: ast.AST) -> ast.AST | None:
        simple = isinstance(node, ast.stmt) and not hasattr(node, "body")
        return None if simple and fragment in ast.unparse(node) else node

    return change


def drop_argument(keyword: str) -> NodeOperator:
    """The keyword argument goes."""
    return lambda node: None if isinstance(node, ast.keyword) and node.arg == keyword else node


def drop_condition(fragment: str) -> NodeOperator:
    """Of conditions joined by `and` or `or`, the one whose text has `fragment` goes."""

    def change(node: ast.AST) -> ast.AST:
        if not isinstance(node, ast.BoolOp):
            return node
        left = [value for value in node.values if fragment not in ast.unparse(value)]
        if len(left) == len(node.values):
            return node
        return left[0] if len(left) == 1 else ast.BoolOp(node.op, left)

    return change


def set_condition(fragment: str, value: bool) -> NodeOperator:
    """The condition whose text has `fragment`, of an `if` statement or expression, is always `value`."""

    def change(node: ast.AST) -> ast.AST:
        if not isinstance(node, (ast.If, ast.IfExp)) or fragment not in ast.unparse(node.test):
            return node
        fields = {name: getattr(node, name) for name in node._fields}
        return type(node)(**{**fields, "test": ast.Constant(value)})

    return change


def replace_expression(old: str, new: str) -> NodeOperator:
    """The expression is replaced, however it is formatted."""
    wanted = ast.dump(ast.parse(old, mode="eval").body)
    return lambda node: (
        ast.parse(new, mode="eval").body if isinstance(node, ast.expr) and ast.dump(node) == wanted else node
    )


def only_raise(fragment: str) -> NodeOperator:
    """The handler of exceptions whose types have `fragment` does nothing but raise them again."""

    def change(node: ast.AST) -> ast.AST:
        if not isinstance(node, ast.ExceptHandler) or fragment not in ast.unparse(node.type or ast.Constant(None)):
            return node
        return ast.ExceptHandler(node.type, node.name, [ast.Raise()])

    return change


class Changer(ast.NodeTransformer):
    """Applies an operator to every node, and counts those which it changed."""

    def __init__(self, operator: NodeOperator) -> None:
        self.operator = operator
        self.changes = 0

    def visit(self, node: ast.AST) -> ast.AST | None:
        changed = self.operator(node)
        if changed is node:
            return self.generic_visit(node)
        self.changes += 1
        return ast.Pass() if changed is None and isinstance(node, ast.stmt) else changed


def functions(tree: ast.Module) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """Every function by its qualified name, those of classes too."""

    def walk(body: list[ast.stmt], prefix: str) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
        for statement in body:
            if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef)):
                yield prefix + statement.name, statement
            elif isinstance(statement, ast.ClassDef):
                yield from walk(statement.body, f"{prefix}{statement.name}.")

    return walk(tree.body, "")


def mutate_python(root: Path, mutant: PythonMutant) -> Mutation:
    module, _, qualified_name = mutant.function.rpartition(":")
    places = []
    for path in product_files(root, ".py"):
        dotted = "." + ".".join(path.relative_to(root).with_suffix("").parts)
        if dotted.endswith("." + module):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            places += [(path, tree, function) for name, function in functions(tree) if name == qualified_name]
    if len(places) != 1:
        raise Misfit(f"{mutant.name}: {len(places)} functions are {mutant.function}, instead of one")
    path, tree, function = places[0]
    changer = Changer(mutant.operator)
    changer.visit(function)
    if changer.changes != 1:
        raise Misfit(f"{mutant.name}: {changer.changes} places of {mutant.function} would change, instead of one")
    return Mutation(path.relative_to(root), ast.unparse(ast.fix_missing_locations(tree)) + "\n")
