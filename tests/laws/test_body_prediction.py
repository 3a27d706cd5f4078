"""Laws of bodies rolled out from a table: closed forms, any number of bodies, mistakes."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from residuum.cli import main
from residuum.files import write_json
from residuum.laws.law import Law, LawParameter, Verdict
from residuum.problem.body_equations import read_body_problem
from residuum.problem.problem import Parameter
from residuum.stages.paths import LAW

D = "(position_j - position_i)"
SPRING = {"position_tt": f"k*sum({D})/mass_i"}
SHOWN = np.linspace(0, 2, 9)


def law_of(
    equations: dict[str, str], inputs: tuple[str, ...] = (), scalars: tuple[str, ...] = ("mass",),
    **values: float,
) -> Law:  # fmt: skip
    text = " ".join(equations.values())
    used = {name: Parameter(name, value) for name, value in values.items() if name in text}
    problem = read_body_problem(equations, scalars=scalars, inputs=inputs, parameters=used)
    rows = {n: LawParameter(v, None, None, True) for n, v in values.items()}
    sides = {equation.left: equation.rhs for equation in problem.equations}
    return Law("bodies", sides, {}, rows, {}, Verdict({}, None, None), bodies=problem)


def write_law(law: Law) -> None:
    write_json("law.json", law.to_json(), LAW)


def predicted(capsys: pytest.CaptureFixture[str], table: str) -> pd.DataFrame:
    assert main(["predict", "law.json", table]) == 0
    return pd.read_csv(io.StringIO(capsys.readouterr().out))


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def table_of(bodies: int, axes: int, t: np.ndarray, experiment: str | None = None) -> pd.DataFrame:
    """Return a table whose later rows hold nothing but times."""
    rng = np.random.default_rng(bodies)
    rows = pd.DataFrame({"t": np.repeat(t, bodies), "body": np.tile([*"abcdefg"][:bodies], len(t))})
    rows["mass"] = np.tile(np.ones(bodies), len(t))
    for name in ("position", "position_t"):
        for axis in "xyz"[:axes]:
            column = name.replace("position", f"position_{axis}")
            rows[column] = np.nan
            rows.loc[: bodies - 1, column] = rng.normal(size=bodies)
    return rows if experiment is None else rows.assign(experiment=experiment)


@pytest.mark.parametrize(("bodies", "axes"), [(2, 1), (3, 2), (5, 3)])
def test_springs_without_length_swing_about_their_centre(capsys, bodies, axes):
    # x_i'' = k sum_j (x_j - x_i) = -k n (x_i - centre): one frequency for every body.
    write_law(law_of(SPRING, k=0.7))
    table = table_of(bodies, axes, SHOWN)
    table.to_csv("t.csv", index=False)
    found = predicted(capsys, "t.csv")
    assert found["body"].tolist() == table["body"].tolist()
    w = np.sqrt(0.7 * bodies)
    for axis in "xyz"[:axes]:
        x = found[f"position_{axis}"].to_numpy().reshape(-1, bodies)
        v = found[f"position_{axis}_t"].to_numpy().reshape(-1, bodies)
        centre = x[0].mean() + v[0].mean() * SHOWN[:, None]
        own = (x[0] - x[0].mean()) * np.cos(w * SHOWN[:, None])
        own = own + (v[0] - v[0].mean()) / w * np.sin(w * SHOWN[:, None])
        np.testing.assert_allclose(x, centre + own, atol=1e-6)


def test_experiments_of_different_numbers_of_bodies(capsys):
    write_law(law_of(SPRING, k=0.7))
    parts = [table_of(2, 2, SHOWN, "first"), table_of(3, 2, SHOWN[:4], "second")]
    pd.concat(parts).to_parquet("t.parquet")
    found = predicted(capsys, "t.parquet")
    for part in parts:
        part.to_csv("alone.csv", index=False)
        alone = predicted(capsys, "alone.csv")
        own = found[found["experiment"] == part["experiment"].iloc[0]].drop(columns="experiment")
        pd.testing.assert_frame_equal(own.reset_index(drop=True), alone)


def test_arrays_of_the_first_time_alone(capsys):
    write_law(law_of(SPRING, k=0.7))
    table = table_of(3, 2, SHOWN)
    table.to_csv("t.csv", index=False)
    first = table.iloc[:3]
    arrays = {
        name: first[[name.replace("position", f"position_{a}") for a in "xy"]].to_numpy()
        for name in ("position", "position_t")
    }
    np.savez("t.npz", t=SHOWN, mass=np.ones(3), body=np.array([*"abc"]), **arrays)
    pd.testing.assert_frame_equal(predicted(capsys, "t.npz"), predicted(capsys, "t.csv"))


def test_inputs_are_taken_at_all_times(capsys):
    write_law(law_of({"position_tt": f"sum({D})*push"}, inputs=("push",), scalars=()))
    table = table_of(2, 1, SHOWN).drop(columns="mass").assign(push=0.0)
    table.to_csv("t.csv", index=False)
    found = predicted(capsys, "t.csv")
    x = found["position_x"].to_numpy().reshape(-1, 2)
    v = found["position_x_t"].to_numpy().reshape(-1, 2)
    np.testing.assert_allclose(x, x[0] + v[0] * SHOWN[:, None], atol=1e-7)


def test_a_mass_the_law_estimated_is_known_by_the_name_of_its_body(capsys):
    write_law(law_of(SPRING, k=0.7, mass_of_b=2.0))
    told, left_out = table_of(2, 2, SHOWN), table_of(2, 2, SHOWN)
    told.loc[told["body"] == "b", "mass"] = 2.0
    left_out.loc[left_out["body"] == "b", "mass"] = np.nan
    told.to_csv("told.csv", index=False)
    left_out.to_csv("left_out.csv", index=False)
    pd.testing.assert_frame_equal(predicted(capsys, "told.csv"), predicted(capsys, "left_out.csv"))


def test_bodies_that_fall_into_each_other_end(capsys):
    write_law(law_of({"position_tt": f"sum({D}/norm({D})**3)"}, scalars=()))
    table = table_of(2, 1, SHOWN).drop(columns="mass")
    table.loc[:1, ["position_x", "position_x_t"]] = [[0.0, 0.0], [1.0, 0.0]]
    table.to_csv("t.csv", index=False)
    found = predicted(capsys, "t.csv")
    # The time of a head-on fall from rest, pi/2 sqrt(r^3/(2 (m1 + m2))).
    there = found["position_x"].notna().to_numpy().reshape(-1, 2)[:, 0]
    np.testing.assert_array_equal(there, np.pi / 4 > SHOWN)


MISTAKES = {
    "no column 'position_x'": {"drop": ["position_x"]},
    "no column 'mass'": {"drop": ["mass"]},
    "no column 't'": {"drop": ["t"]},
    "columns of different numbers of axes": {"drop": ["position_y_t"]},
    "no position of b at the first time": {"set": ("position_x", 1, np.nan)},
    "mass is 0, but the equations divide by it": {"set": ("mass", slice(None), 0.0)},
    "no mass of a": {"set": ("mass", slice(None), np.nan)},
    "text in a column of numbers": {"set": ("position_x", 1, "<b>")},
    "times do not increase": {"rows": slice(0, 3)},
    "no column 'body'": {"drop": ["body"]},
    "two values for body b": {"set": ("mass", 1, 3.0)},
    "a and b have the same position": {"same": True},
}


@pytest.mark.parametrize("message", MISTAKES)
def test_mistakes_are_one_message(capsys, message):
    write_law(law_of(SPRING, k=0.7))
    change, table = MISTAKES[message], table_of(3, 2, SHOWN)
    if "set" in change:
        column, rows, value = change["set"]
        table[column] = table[column].astype(object)
        table.loc[rows, column] = value
    if "same" in change:
        axes = ["position_x", "position_y"]
        table.loc[1, axes] = table.loc[0, axes]
    table = table.drop(columns=change.get("drop", []))
    table.iloc[change.get("rows", slice(None))].to_csv("t.csv", index=False)
    assert main(["predict", "law.json", "t.csv"]) == 2
    output = capsys.readouterr()
    assert message in output.err
    assert "t.csv" in output.err
    assert output.err.count("\n") == 1
    assert output.out == ""


@pytest.mark.parametrize("language", ["python", "torch", "c", "julia", "latex"])
def test_the_command_exports_it_too(capsys, language):
    write_law(law_of(SPRING, k=0.7, mass_of_b=2.0))
    assert main(["export", "law.json", "--to", language]) == 0
    assert "0.7" in capsys.readouterr().out


def test_what_sbml_cannot_say_is_one_message(capsys):
    write_law(law_of(SPRING, k=0.7))
    assert main(["export", "law.json", "--to", "sbml"]) == 2
    output = capsys.readouterr()
    assert "SBML cannot say" in output.err
    assert output.err.count("\n") == 1
