"""Client and AsyncClient are written as two classes whose code differs only in async and await."""

import ast
import inspect
import textwrap
from typing import Any

import pytest

from waijiao import AsyncClient, Client
from waijiao.client.homework import AsyncHomeworkMethods, HomeworkMethods
from waijiao.client.jobs import AsyncJobMethods, JobMethods
from waijiao.client.lessons import AsyncLessonMethods, LessonMethods


def public_methods(cls: type) -> list[str]:
    return [name for name, _ in inspect.getmembers(cls, inspect.isfunction) if not name.startswith("_")]


PUBLIC_METHODS = public_methods(AsyncClient)


class WithoutAsync(ast.NodeTransformer):
    """Makes the blocking twin of an async method."""

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        return self.generic_visit(blocking(ast.FunctionDef, node))

    def visit_Await(self, node: ast.Await) -> ast.AST:
        return self.visit(node.value)

    def visit_AsyncFor(self, node: ast.AsyncFor) -> ast.AST:
        return self.visit_For(blocking(ast.For, node))

    def visit_For(self, node: ast.For) -> ast.AST:
        """`for each in items: yield each` may be written as `yield from items` where nothing is awaited."""
        self.generic_visit(node)
        if [type(getattr(each, "value", None)) for each in node.body] == [ast.Yield]:
            return ast.copy_location(ast.Expr(ast.YieldFrom(node.iter)), node)
        return node


def blocking(node_type: type[ast.AST], node: ast.AST) -> Any:
    return ast.copy_location(node_type(**{name: getattr(node, name, None) for name in node._fields}), node)


def statements(cls: type, transformer: ast.NodeTransformer) -> dict[str, str]:
    """The text of each method's statements, without docstring and annotations."""
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(cls))).body
    assert isinstance(tree, ast.ClassDef)
    methods = [each for each in tree.body if isinstance(each, (ast.FunctionDef, ast.AsyncFunctionDef))]
    return {
        each.name: "\n".join(ast.unparse(transformer.visit(line)) for line in each.body[1:])
        for each in map(transformer.visit, methods)
    }


@pytest.mark.parametrize(
    ("sync_class", "async_class"),
    [(JobMethods, AsyncJobMethods), (HomeworkMethods, AsyncHomeworkMethods), (LessonMethods, AsyncLessonMethods)],
)
def test_both_clients_have_the_same_statements(sync_class, async_class):
    assert statements(sync_class, ast.NodeTransformer()) == statements(async_class, WithoutAsync())


def test_both_clients_have_the_same_public_methods():
    assert len(PUBLIC_METHODS) >= 40
    assert public_methods(Client) == PUBLIC_METHODS


@pytest.mark.parametrize("name", PUBLIC_METHODS)
def test_a_method_has_the_same_parameters_in_both_and_returns_the_same(name):
    sync_signature, async_signature = (inspect.signature(getattr(cls, name)) for cls in (Client, AsyncClient))
    assert sync_signature.parameters == async_signature.parameters
    returned = str(async_signature.return_annotation)
    if "AsyncGenerator" in returned:
        returned = returned.replace("AsyncGenerator", "Generator").replace(", None]", ", None, None]")
    assert str(sync_signature.return_annotation) == returned


@pytest.mark.parametrize("name", PUBLIC_METHODS)
def test_a_method_is_explained_in_both(name):
    for cls in (Client, AsyncClient):
        assert inspect.getdoc(getattr(cls, name))
        assert inspect.getsourcefile(getattr(cls, name)).split("/")[-2] == "client"
