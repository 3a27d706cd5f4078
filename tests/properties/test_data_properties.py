"""Round trips and invariances of data, for any data."""

import contextlib
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from residuum.config import campaign_from_mapping, load_campaign
from residuum.data.experiments import Layout, read_table
from residuum.data.labels import experiment_names
from residuum.data.observations import Experiment, Noise, Observations
from residuum.data.scaling import scales_of
from residuum.data.splits import split
from residuum.errors import UserError
from residuum.files import plain, read_json, write_json
from residuum.hidden.samples import Extraction, HiddenSamples, Structure, Trajectory
from residuum.io.extraction import read_extraction, write_extraction
from residuum.io.observations import read_observations, write_observations

finite = st.floats(allow_nan=False, allow_infinity=False)
values = st.one_of(finite, st.just(float("nan")))
sizes = st.integers(3, 12)


@st.composite
def experiments(draw: st.DrawFn) -> list[Experiment]:
    found = []
    for index in range(draw(st.integers(1, 4))):
        n = draw(sizes)
        times = draw(st.lists(finite, min_size=n, max_size=n, unique=True))
        x = draw(st.lists(values, min_size=n, max_size=n))
        held = draw(st.lists(st.booleans(), min_size=n, max_size=n))
        t = np.sort(np.array(times)) + 0.0
        found.append(Experiment(f"e{index}", t, {"x": x}, {}, np.array(held)))
    return found


@given(experiments())
@settings(max_examples=25, deadline=None)
def test_observations_survive_a_file(rows: list[Experiment]) -> None:
    given_ = Observations.of(rows, noise=Noise("relative"), units={"t": "s"})
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "observations.nc")
        write_observations(path, given_)
        found = read_observations(path)
    assert found.tree.identical(given_.tree)
    for before, after in zip(rows, found.experiments, strict=True):
        np.testing.assert_array_equal(before.t, after.t)
        np.testing.assert_array_equal(before.states["x"], after.states["x"])
        np.testing.assert_array_equal(before.held_out, after.held_out)


@given(
    st.integers(1, 6),
    st.lists(st.sampled_from(["x", "y", "t", "x_t"]), min_size=1, max_size=4, unique=True),
    st.integers(0, 2**32 - 1),
    st.dictionaries(st.text(min_size=1), st.tuples(finite, finite), max_size=3),
)
@settings(max_examples=15, deadline=None)
def test_extractions_survive_a_file(
    n: int, arguments: list[str], seed: int, parameters: dict[str, tuple[float, float]]
) -> None:
    rng, a = np.random.default_rng(seed), len(arguments)
    samples = HiddenSamples(
        term="f",
        arguments=tuple(arguments),
        X=rng.standard_cauchy((n, a)),
        values=rng.standard_cauchy(n),
        covariance=rng.standard_cauchy((n, n)),
        t=rng.normal(size=n),
        experiment=rng.integers(0, 9, n),
        alive=tuple(bool(flag) for flag in rng.integers(0, 2, a)),
        prior=rng.standard_cauchy((n, n)),
        prior_mean=rng.standard_cauchy(n),
    )
    structure = Structure({"f": dict.fromkeys(arguments, True)}, {"f": a}, {})
    path = Trajectory(np.sort(rng.normal(size=n)), {"x": rng.normal(size=n)})
    given_ = Extraction({"f": samples}, {"e": path}, parameters, {"x": 0.1}, structure)
    with tempfile.TemporaryDirectory() as folder:
        files = Path(folder, "hidden.nc"), Path(folder, "structure.json")
        write_extraction(*files, given_)
        found = read_extraction(*files)
    assert (found.parameters, found.noise) == (given_.parameters, given_.noise)
    assert found.structure == structure
    assert found.samples["f"].arguments == samples.arguments
    assert found.samples["f"].alive == samples.alive
    for name in ("X", "values", "covariance", "t", "experiment", "prior", "prior_mean"):
        np.testing.assert_array_equal(getattr(found.samples["f"], name), getattr(samples, name))
    np.testing.assert_array_equal(found.trajectories["e"].t, path.t)
    np.testing.assert_array_equal(found.trajectories["e"].components["x"], path.components["x"])


@given(st.lists(st.tuples(st.integers(0, 3), finite, values), min_size=1, max_size=30))
@settings(max_examples=50, deadline=None)
def test_a_table_is_read_exactly_or_refused(rows: list[tuple[int, float, float]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "table.csv")
        lines = [f"{run},{t!r},{x!r}" for run, t, x in rows]
        path.write_text("\n".join(["run,t,x", *lines]))
        try:
            found = read_table(path, Layout("t", {"x": "x"}, {}, "run"))
        except UserError:
            return
    order = list(dict.fromkeys(run for run, _, _ in rows))
    for run, e in zip(order, found, strict=True):
        np.testing.assert_array_equal(e.t, [t for r, t, _ in rows if r == run])
        np.testing.assert_array_equal(e.states["x"], [x for r, _, x in rows if r == run])


@given(st.lists(st.integers(3, 40), min_size=1, max_size=9), st.floats(0.0, 0.99))
def test_a_split_leaves_something_to_train_on(samples: list[int], fraction: float) -> None:
    rows = [Experiment(f"e{i}", np.arange(n), {"x": np.arange(n)}) for i, n in enumerate(samples)]
    parts = split(rows, fraction)
    assert any(len(part.training()) >= 3 for part in parts)
    again = split(rows, fraction)
    assert all((a.held_out == b.held_out).all() for a, b in zip(parts, again, strict=True))


@given(st.lists(st.floats(0.1, 10), min_size=3, max_size=9), st.floats(1e-6, 1e6))
def test_scales_are_covariant_with_units(x: list[float], factor: float) -> None:
    t = np.arange(float(len(x)))
    for kind in ("gaussian", "lognormal"):
        noise = Noise(kind)  # type: ignore[arg-type]
        one = scales_of([Experiment("e", t, {"x": np.array(x)})], noise)
        other = scales_of([Experiment("e", factor * t, {"x": factor * np.array(x)})], noise)
        assert other.time == pytest.approx(factor * one.time)
        assert other.states["x"] == pytest.approx(factor * one.states["x"])


@given(st.lists(st.one_of(st.text(), st.integers(), finite), max_size=12))
def test_names_of_experiments_are_safe_and_different(labels: list[object]) -> None:
    names = experiment_names(labels)
    assert len(set(names)) == len(labels)
    for name in names:
        assert name.replace("-", "").replace("_", "").isalnum()
        assert name.isascii()


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text()),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.text().filter(lambda k: k not in ("schema", "sha256")), json_values))
@settings(max_examples=50, deadline=None)
def test_json_survives_a_file(content: dict[str, object]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.json")
        write_json(path, content, "residuum/test/1")
        assert read_json(path, "residuum/test/1") == plain(content)


@given(st.text(max_size=300))
@settings(max_examples=200, deadline=None)
def test_any_text_as_a_campaign_is_one_message(text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "c.yaml")
        path.write_text(text, encoding="utf-8", errors="replace")
        with pytest.raises(UserError):
            load_campaign(path)


@given(json_values, st.sampled_from(["data", "equations", "parameters", "select", "surrogates"]))
@settings(max_examples=200, deadline=None)
def test_any_value_under_a_key_is_a_campaign_or_one_message(value: object, key: str) -> None:
    dataset = {"data": {"file": "d.csv"}, "equations": {"x_t": "f(x)"}, key: value}
    with contextlib.suppress(UserError):
        campaign_from_mapping({"datasets": {"d": dataset}}, ".")
