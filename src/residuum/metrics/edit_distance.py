r"""SRSD's normalised edit distance: how far the tree of a formula is from the true tree.

Matsubara, Chiba, Igarashi and Ushiku 2024, "Rethinking symbolic regression datasets and benchmarks
for scientific discovery", arXiv:2206.10540; the tree edit distance is that of Zhang and Shasha
1989, doi:10.1137/0218082, with unit costs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from residuum.expressions.expression import CONSTANT, Expression, is_variable
from residuum.metrics.size import merged

# The number one while a tree is built: 1/x is x**(-1), without a factor.
ONE = "1"
NUMBERS = (CONSTANT, ONE)


@dataclass(frozen=True, slots=True)
class Tree:
    """A label over ordered trees."""

    label: str
    children: tuple[Tree, ...] = ()

    def __len__(self) -> int:
        return 1 + sum(len(child) for child in self.children)


def edit_distance(found: Expression, truth: Expression) -> float:
    """Return `min(d, |T|)/|T|`: `d` edits turn one tree into the other, `|T|` nodes are true.

    Zero for equal trees, one for those that share nothing worth keeping. Trees are those of
    `tree_of(merged(...))`.
    """
    true = tree_of(merged(truth))
    return min(tree_distance(tree_of(merged(found)), true), len(true)) / len(true)


def tree_of(expression: Expression) -> Tree:
    """Return the tree as sympy has it: sums and products of any number of operands, in one order.

    `a - b` is `a + (-1)*b`, `a/b` is `a*b**(-1)`, `sqrt(a)` is `a**0.5`; every number, exponents
    included, has the label `#`.
    """
    return _labelled(expression.fold(_leaf, _node))


def _leaf(token: str, constant: float | None) -> Tree:
    if is_variable(token):
        return Tree(token)
    return Tree(ONE if (constant if token == CONSTANT else float(token)) == 1.0 else CONSTANT)


def _labelled(tree: Tree) -> Tree:
    label = CONSTANT if tree.label == ONE else tree.label
    return Tree(label, tuple(map(_labelled, tree.children)))


def _node(symbol: str, *operands: Tree) -> Tree:
    number = Tree(CONSTANT)
    if symbol == "+":
        return _gathered("+", operands)
    if symbol == "-":
        return _gathered("+", (operands[0], _negative(operands[1])))
    if symbol == "neg":
        return _negative(operands[0])
    if symbol == "*":
        return _gathered("*", operands)
    if symbol == "/":
        return _gathered("*", (operands[0], _power(operands[1], number)))
    if symbol == "sqrt":
        return _power(operands[0], number)
    return _power(*operands) if symbol == "**" else Tree(symbol, operands)


def _negative(operand: Tree) -> Tree:
    return _gathered("*", (Tree(CONSTANT), operand))


def _power(base: Tree, exponent: Tree) -> Tree:
    """Return a power; powers of numbers, of powers and of products are resolved as sympy does."""
    if exponent.label not in NUMBERS:
        return Tree("**", (base, exponent))
    if base.label in NUMBERS or (base.label == "**" and base.children[1].label in NUMBERS):
        return base
    if base.label == "*":
        return _gathered("*", tuple(_power(child, exponent) for child in base.children))
    return Tree("**", (base, exponent))


def _gathered(label: str, operands: tuple[Tree, ...]) -> Tree:
    """Return a sum or product without sums or products inside, its numbers as one, sorted."""
    flat = [part for op in operands for part in (op.children if op.label == label else (op,))]
    if label == "*":
        flat = [part for part in flat if part.label != ONE] or flat[:1]
    numbers = [part for part in flat if part.label in NUMBERS]
    rest = sorted((part for part in flat if part.label not in NUMBERS), key=repr)
    parts = (*numbers[:1], *rest)
    return parts[0] if len(parts) == 1 else Tree(label, parts)


def tree_distance(a: Tree, b: Tree) -> int:
    """Return the least number of nodes to relabel, delete or insert to turn `a` into `b`."""
    left, right = _Postorder(a), _Postorder(b)
    distance = np.zeros((len(left.labels), len(right.labels)), dtype=np.int64)
    for i in left.roots:
        for j in right.roots:
            _forest_distance(left, right, i, j, distance)
    return int(distance[-1, -1])


class _Postorder:
    """Labels in postorder, the leftmost leaf under each node, and the keyroots."""

    def __init__(self, tree: Tree) -> None:
        self.labels: list[str] = []
        self.leftmost: list[int] = []
        for label, size in _postorder(tree):
            self.leftmost.append(len(self.labels) - size + 1)
            self.labels.append(label)
        last = {leaf: node for node, leaf in enumerate(self.leftmost)}
        self.roots = sorted(last.values())


def _postorder(tree: Tree) -> Iterator[tuple[str, int]]:
    for child in tree.children:
        yield from _postorder(child)
    yield tree.label, len(tree)


def _forest_distance(a: _Postorder, b: _Postorder, i: int, j: int, distance: np.ndarray) -> None:
    """Fill in the distances of all pairs of subtrees that end at keyroots `i` and `j`."""
    first_a, first_b = a.leftmost[i], b.leftmost[j]
    rows, cols = i - first_a + 2, j - first_b + 2
    forest = np.zeros((rows, cols), dtype=np.int64)
    forest[:, 0], forest[0, :] = np.arange(rows), np.arange(cols)
    for x in range(1, rows):
        for y in range(1, cols):
            s, t = first_a + x - 1, first_b + y - 1
            cheapest = min(forest[x - 1, y], forest[x, y - 1]) + 1
            if a.leftmost[s] == first_a and b.leftmost[t] == first_b:
                change = forest[x - 1, y - 1] + (a.labels[s] != b.labels[t])
                forest[x, y] = distance[s, t] = min(cheapest, change)
            else:
                before = forest[a.leftmost[s] - first_a, b.leftmost[t] - first_b]
                forest[x, y] = min(cheapest, before + distance[s, t])
