"""Systems of bodies: sums over pairs, which names are vectors, and every mistake one message."""

from __future__ import annotations

import pytest

from residuum.errors import UserError
from residuum.expressions.parser import parse
from residuum.problem.body_equations import read_body_problem
from residuum.problem.body_problem import BodyProblem, PairSum, VectorCall
from residuum.problem.hidden_term import HiddenTerm
from residuum.problem.problem import Parameter

PAIR = "position_j - position_i"


def read(right: str, left: str = "position_tt", **given: object) -> BodyProblem:
    given.setdefault("scalars", ("mass",))
    return read_body_problem({left: right}, **given)  # type: ignore[arg-type]


def test_a_force_between_bodies() -> None:
    problem = read(
        f"sum(force({PAIR}, mass_i, mass_j)) / mass_i", states=("position", "position_tt")
    )
    names = ("position_ij", "mass_i", "mass_j")
    force = HiddenTerm("force", names, vectors=(True, False, False), vector=True)
    assert problem.hidden_terms == (force,)
    assert force.measures == ("distance", "mass_i", "mass_j")
    assert problem.components == ("position", "position_t")
    assert problem.equation("position").rhs == parse("s/m").rename({"s": "sum@0", "m": "mass_i"})
    assert [row.placeholder for row in problem.sums] == ["sum@0"]
    assert [call.placeholder for call in problem.pair_calls] == ["force@0"]
    assert problem.divisors == ("mass",)


def test_terms_of_a_body_alone_stand_beside_the_sum() -> None:
    problem = read(
        f"(sum(force({PAIR})) + drag(position_t_i) + field(position_i))/mass_i - g*position_i",
        parameters={"g": Parameter("g", 9.81)},
    )
    assert [(t.name, t.vector, t.measures) for t in problem.hidden_terms] == [
        ("force", True, ("distance",)),
        ("drag", True, ("speed",)),
        ("field", True, ("position_i_length",)),
    ]
    assert [call.term for call in problem.pair_calls] == ["force"]


def test_a_scalar_times_a_direction_is_a_scalar_term() -> None:
    problem = read(f"sum(phi(r=norm({PAIR}), q=mass_i*mass_j)*({PAIR}))")
    assert problem.hidden_terms == (
        HiddenTerm("phi", ("r", "q"), vectors=(False, False), vector=False),
    )
    assert problem.hidden_terms[0].measures == ("r", "q")
    difference = parse("a - b").rename({"a": "position_j", "b": "position_i"})
    assert problem.vector_calls == (VectorCall("norm@0", "norm", (difference,)),)


def test_complete_equations() -> None:
    problem = read(f"sum(-2*(norm({PAIR}) - 1)*({PAIR})/norm({PAIR}))/mass_i")
    assert problem.hidden_terms == ()
    assert len(problem.vector_calls) == 1
    assert isinstance(problem.sums[0], PairSum)


def test_equal_sums_share_a_placeholder() -> None:
    problem = read(f"sum(force({PAIR})) + sum(force({PAIR}))*mass_i")
    assert len(problem.sums) == len(problem.calls) == 1


def test_lengths_of_two_vectors_have_two_names() -> None:
    problem = read(f"sum(force({PAIR}, position_t_j - position_t_i))")
    assert problem.hidden_terms[0].measures == ("distance", "speed")
    problem = read("sum(force(position_t_i, position_t_j))")
    assert problem.hidden_terms[0].measures == ("position_t_i_length", "position_t_j_length")


@pytest.mark.parametrize(
    ("right", "message"),
    [
        (f"sum(force({PAIR}, mas_i))", "undeclared argument 'mas_i'"),
        (f"force({PAIR})", "'position_j' outside a sum"),
        (f"sum(sum({PAIR}))", "a sum inside a sum"),
        ("sum(position_j - position)", "unknown name 'position'"),
        ("sum(force(mass_i))", "no vector among its arguments"),
        ("sum(norm(position_j))", "is a scalar"),
        ("norm(mass_i)*position_i", "'mass_i' is a scalar"),
        ("sum(sin(position_j - position_i))", "is a scalar"),
        ("position_i*position_i", "is a vector"),
        ("position_i/position_i", "is a vector"),
        ("mass_i", "'mass_i' is a scalar"),
        ("f(position_i)*g(position_i)", "a product of two unknown functions"),
        ("f(position_i)*position_i + f(position_i)", "as a vector and as a scalar"),
        ("f(position_i) + f(mass_i)", "vectors and scalars in the same place"),
        ("norm(f(position_i))*position_i", "of the hidden term 'f'"),
        ("norm(position_i, position_i)*position_i", "norm called with 2 arguments"),
        ("dot(position_i)*position_i", "dot called with 1 arguments"),
        ("g*position_i", "unknown name 'g'"),
    ],
)
def test_each_mistake_is_one_message(right: str, message: str) -> None:
    with pytest.raises(UserError) as caught:
        read(right)
    assert message in str(caught.value)
    assert "equations" in str(caught.value)


def test_declared_names_are_checked() -> None:
    with pytest.raises(UserError, match="parameter 'g' is not used"):
        read("sum(f(position_j - position_i))", parameters={"g": Parameter("g")})
    with pytest.raises(UserError, match="scalar 'position' is also a state"):
        read("sum(f(position_j - position_i))", scalars=("position",))
    with pytest.raises(UserError, match="derivative of order 3"):
        read("sum(f(position_j - position_i))", states=("position", "position_ttt"))


def test_a_zero_vector_may_be_written() -> None:
    assert read("0").equations[0].rhs.infix() == "0.0"


def test_an_unknown_update_of_a_sum_of_messages() -> None:
    problem = read(f"update(sum(message({PAIR}, mass_i, mass_j)), mass_i)")
    message, update = problem.hidden_terms
    assert message.vector
    assert update == HiddenTerm("update", ("total", "mass_i"), vectors=(True, False), vector=True)
    assert update.measures == ("total_length", "mass_i")
    assert problem.nested == {"update": ("message",)}
    assert [call.placeholder for call in problem.pair_calls] == ["message@0"]


@pytest.mark.parametrize(
    ("right", "vector"),
    [
        (f"update(norm(sum(message({PAIR}))), position_t_i)", True),
        (f"update(position_t_i, sum(message({PAIR})))", False),
        (f"density(sum(message({PAIR})))*position_i", False),
        (f"update(sum(message({PAIR})) + position_t_i)", True),
    ],
)
def test_whether_a_message_is_a_vector_follows_from_where_its_sum_stands(
    right: str, vector: bool
) -> None:
    problem = read(right)
    assert problem.hidden_term("message").vector == vector


@pytest.mark.parametrize(
    ("right", "message"),
    [
        (f"sum(f(sum(message({PAIR}))))", "a sum inside a sum"),
        ("f(g(position_i))", "between bodies a sum over pairs may stand there"),
        (f"update(a=sum(f({PAIR})), b=sum(g({PAIR})))", "holds several sums of hidden terms"),
        ("update(sum(f(mass_j)))", "no vector among its arguments"),
        ("f(position_i*position_i)", "'position_i' is a vector"),
    ],
)
def test_what_may_not_stand_in_a_hidden_term(right: str, message: str) -> None:
    with pytest.raises(UserError) as caught:
        read(right)
    assert message in str(caught.value)
