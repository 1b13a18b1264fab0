"""Each mutant of tests/faults finds its place in the code and its test, so that a rewrite loses none unnoticed."""

import ast
from collections import Counter

import pytest

from tests.faults.mutation.__main__ import ROOT, find_tests
from tests.faults.mutation.mutants import MUTANTS
from tests.faults.mutation.operators import (
    Changer,
    LuaMutant,
    Misfit,
    PythonMutant,
    always,
    drop_argument,
    drop_condition,
    drop_statement,
    loop_over_nothing,
    markers,
    mutate,
    never,
    only_raise,
    product_files,
    replace,
    replace_expression,
    set_condition,
)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_changes_one_place_and_its_test_exists(mutant):
    mutation = mutate(ROOT, mutant)
    assert mutation.text != (ROOT / mutation.path).read_text(encoding="utf-8")
    if mutation.path.suffix == ".py":
        ast.parse(mutation.text)
    assert find_tests(ROOT, mutant.test)


def test_mutants_have_names_of_their_own_and_every_mark_has_its_mutant():
    assert set(Counter(mutant.name for mutant in MUTANTS).values()) == {1}
    scripts = product_files(ROOT, ".lua")
    marked = {name for script in scripts for name, _ in markers(script.read_text(encoding="utf-8").splitlines())}
    assert marked == {mutant.name for mutant in MUTANTS if isinstance(mutant, LuaMutant)}


@pytest.mark.parametrize(
    ("operator", "line", "changed"),
    [
        (never, "  if a and b then return 1 end", "  if false then return 1 end"),
        (always, "elseif (busy[host] or 0) < most then", "elseif true then"),
        (loop_over_nothing, "for _, job in ipairs(f(a, 0)) do", "for _, job in ipairs({}) do"),
        (replace(" and b", ""), "while a and b do", "while a do"),
        (replace("b", "c"), "b = b", "b = b"),  # twice: not known which
    ],
)
def test_an_operator_on_a_line_of_lua(operator, line, changed):
    assert operator(line) == changed


@pytest.mark.parametrize(
    ("operator", "changed"),
    [
        (drop_statement("save"), "pass"),
        (drop_argument("key"), "send(job)"),
        (drop_condition("alive"), "if job:"),
        (set_condition("alive", False), "if False:"),
        (replace_expression("job .  id", "None"), "save(None)"),
        (only_raise("ValueError"), "except ValueError:\n    raise"),
    ],
)
def test_an_operator_on_a_node_of_python(operator, changed):
    code = (
        "if job and alive(job):\n    send(job, key=1)\ntry:\n    save(job.id)\n"
        "except ValueError:\n    log(job)\n    raise\n"
    )
    tree, changer = ast.parse(code), Changer(operator)
    changer.visit(tree)
    assert changer.changes == 1
    assert changed in ast.unparse(tree)


def test_a_mark_is_at_the_end_of_its_line_or_alone_before_it():
    assert list(markers(["a()  -- mutant: one thing, another", "b()", "  -- mutant: long line", "c()"])) == [
        ("one thing", 0),
        ("another", 0),
        ("long line", 3),
    ]


def test_a_mutant_without_a_place_is_named(tmp_path):
    (tmp_path / "product").mkdir()
    (tmp_path / "product" / "jobs.py").write_text("def get(owner):\n    return owner\n")
    with pytest.raises(Misfit, match="0 lines are marked `-- mutant: fence`"):
        mutate(tmp_path, LuaMutant("fence", "test_x", never))
    with pytest.raises(Misfit, match="0 functions are jobs:find"):
        mutate(tmp_path, PythonMutant("owner", "test_x", "jobs:find", set_condition("owner", False)))
    with pytest.raises(Misfit, match="0 places of jobs:get would change"):
        mutate(tmp_path, PythonMutant("owner", "test_x", "jobs:get", set_condition("owner", False)))
