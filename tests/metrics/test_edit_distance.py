"""Edit distances counted by hand."""

from __future__ import annotations

import pytest

from residuum.expressions.parser import parse
from residuum.metrics.edit_distance import Tree, edit_distance, tree_distance, tree_of


def tree(text):
    """Read `a(b,c(d))`."""
    label, _, rest = text.partition("(")
    children, depth, start = [], 0, 0
    body = rest[:-1]
    for k, character in enumerate(body):
        depth += (character == "(") - (character == ")")
        if character == "," and depth == 0:
            children.append(tree(body[start:k]))
            start = k + 1
    return Tree(label, (*children, tree(body[start:])) if body else ())


def test_the_example_of_zhang_and_shasha():
    assert tree_distance(tree("f(d(a,c(b)),e)"), tree("f(c(d(a,b)),e)")) == 2


@pytest.mark.parametrize(
    ("a", "b", "distance"),
    [
        ("a", "a", 0),
        ("a", "b", 1),
        ("a(b)", "a", 1),
        ("a", "a(b,c)", 2),
        ("a(b,c)", "a(c,b)", 2),
        ("a(b(c))", "a(c)", 1),
    ],
)
def test_small_trees(a, b, distance):
    assert tree_distance(tree(a), tree(b)) == distance
    assert tree_distance(tree(b), tree(a)) == distance


@pytest.mark.parametrize(
    ("text", "count"),
    [("x", 1), ("2*x", 3), ("x + y + z", 4), ("1/x", 3), ("x - y", 5), ("sqrt(x)", 3), ("x/y", 5)],
)
def test_nodes_as_sympy_counts_them(text, count):
    sympy = pytest.importorskip("sympy")
    from residuum.expressions.symbolic import to_sympy

    assert len(tree_of(parse(text))) == count
    value = sympy.nsimplify(to_sympy(parse(text)), rational=True)
    assert sum(1 for _ in sympy.preorder_traversal(value)) == count


@pytest.mark.parametrize(
    ("found", "truth", "distance"),
    [
        ("2*x", "3.7*x", 0.0),  # every number is one label
        ("x", "2*x", 2 / 3),  # insert the product and the number
        ("x + y", "y + x", 0.0),
        ("x*y", "x + y", 1 / 3),  # relabel one of three nodes
        ("sin(x)", "cos(x)", 1 / 2),
        ("x**2", "x**3", 0.0),
        ("0", "x", 1.0),
        ("sin(x*y) + exp(z) - 3", "x", 1.0),  # never more than one
    ],
)
def test_distances_by_hand(found, truth, distance):
    assert edit_distance(parse(found), parse(truth)) == pytest.approx(distance)
