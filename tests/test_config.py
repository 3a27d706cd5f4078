"""Campaigns: what files mean, what defaults are, and that the documented ones are those."""

import dataclasses
import subprocess
import sys
from pathlib import Path

import pytest

from residuum.config import Campaign, campaign_from_mapping, load_campaign
from residuum.config_defaults import defaults_yaml
from residuum.config_reading import read_model
from residuum.config_schema import CampaignModel, keys_at, members
from residuum.data.body_settings import BodiesSettings, Draw
from residuum.data.prepare import prepare
from residuum.data.settings import DataSettings, Noise, Times
from residuum.distillers.settings import GeneticSettings, SindySettings
from residuum.errors import UserError
from residuum.laws.settings import SelectSettings
from residuum.surrogates.settings import GraphSettings, PinnSettings
from residuum.yaml_file import read_yaml

ROOT = Path(__file__).parents[1]
SMALL = {
    "datasets": {
        "d": {
            "data": {"file": "d.csv"},
            "equations": {"x_t": "k*x - f(x, y)", "y_t": "f(x, y)"},
            "parameters": {"k": None},
        }
    }
}


def small(**changes: object) -> Campaign:
    return campaign_from_mapping({"datasets": {"d": {**SMALL["datasets"]["d"], **changes}}}, "/b")


def test_data_and_equations_alone_have_every_default() -> None:
    found = small().dataset("d")
    assert found.surrogates == {"pinn": PinnSettings()}
    assert found.distillers == {"sindy": SindySettings()}
    assert found.select == SelectSettings()
    assert found.data == DataSettings(file="d.csv")
    assert found.problem.components == ("x", "y")
    assert [t.name for t in found.problem.hidden_terms] == ["f"]
    assert found.problem.estimated == ("k",)
    assert (found.seed, found.title, found.file) == (0, "", Path("/b/d.csv"))


def test_the_default_campaign_loads_and_prepares() -> None:
    campaign = load_campaign(ROOT / "config/config.yaml")
    assert list(campaign.datasets) == ["lynx_hare", "lotka_volterra", "pendulum"]
    assert campaign.dataset("lynx_hare").problem.estimated == ("alpha", "gamma")
    assert campaign.dataset("pendulum").problem.components == ("theta", "theta_t")
    samples = {}
    for name, d in campaign.datasets.items():
        found = prepare(
            d.data, d.base, dataset=name, states=d.problem.states, holdout=d.select.holdout
        )
        samples[name] = [len(e) for e in found.experiments]
    assert samples == {"lynx_hare": [21], "lotka_volterra": [31], "pendulum": [90, 90]}


def test_skipping_the_check_of_units_changes_nothing_else() -> None:
    path = ROOT / "config/config.yaml"
    assert load_campaign(path, dimensions=False) == load_campaign(path)


def test_parameters_are_converted_to_the_units_of_the_system() -> None:
    given = SMALL["datasets"]["d"]
    rate = {"value": 0.1, "bounds": [0, 1], "unit": "1/day"}
    dataset = {**given, "data": {**given["data"], "units": {"t": "yr"}}, "parameters": {"k": rate}}
    for dimensions in (True, False):
        found = campaign_from_mapping({"datasets": {"d": dataset}}, ".", dimensions=dimensions)
        (parameter,) = found.dataset("d").problem.parameters
        assert (parameter.value, parameter.bounds) == (36.525, (0.0, 365.25))
        assert parameter.unit == "yr-1"
    with pytest.raises(UserError, match="notaunit"):
        small(parameters={"k": {"unit": "notaunit"}})


def test_documented_defaults_are_those_of_the_schema() -> None:
    path = ROOT / "config/defaults.yaml"
    assert path.read_text() == defaults_yaml(), (
        "run python -m residuum.config_defaults > config/defaults.yaml"
    )
    with pytest.raises(UserError, match="graph is for systems of bodies"):
        load_campaign(path)
    content = read_yaml(path)
    graph = content["datasets"]["DATASET"]["surrogates"].pop("graph")
    assert set(graph) == {f.name for f in dataclasses.fields(GraphSettings)}
    found = campaign_from_mapping(content, path.parent).dataset("DATASET")
    assert found.surrogates == {"pinn": PinnSettings()}
    assert found.distillers == {"sindy": SindySettings(), "genetic": GeneticSettings()}
    assert found.select == SelectSettings()
    assert found.data == DataSettings(file="measurements.csv")


def every_key(kind: object, depth: int = 0) -> dict[str, str]:
    found = {}
    for name, (inner, help_text, _) in members(kind).items():
        found[name] = help_text
        found |= every_key(inner, depth + 1)
    return found


def test_every_key_has_help() -> None:
    for path in ((), ("datasets", "d"), ("datasets", "d", "data", "simulate", "times")):
        assert keys_at(path)
    missing = [key for key, help_text in every_key(CampaignModel).items() if not help_text]
    assert missing == []


def test_numbers_are_those_of_yaml_1_2(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(
        "seed: 7\ndatasets:\n  d:\n    data: {file: no, noise: {kind: relative, size: 1e-3}}\n"
        "    equations: {no_t: -f(no, on), on_t: 1e-3}\n"
    )
    found = load_campaign(path).dataset("d")
    assert found.data.noise == Noise("relative", 0.001)
    assert found.problem.states == ("no", "on")
    assert found.problem.equations[0].text == "-f(no, on)"
    assert found.problem.equations[1].rhs.constants == (0.001,)
    assert (found.seed, found.data.file) == (7, "no")


def test_a_mapping_read_by_yaml_1_1_means_the_same() -> None:
    simulate = {
        "equations": {"x_t": "-x", "y_t": "x"},
        "initial": {"x": 1, "y": 0},
        "times": {"stop": "1e1", "points": 5},
        "noise": {"kind": "gaussian", "size": "1e-3"},
    }
    data = small(data={"simulate": simulate}).dataset("d").data
    assert data.simulate is not None
    assert data.simulate.times == Times(10.0, 5)
    assert data.simulate.noise.size == 0.001


def test_shorthands() -> None:
    assert small(data={"file": "d.csv", "noise": "lognormal"}).dataset("d").data.noise == Noise(
        "lognormal"
    )
    found = small(surrogates={"pinn": None}, distillers={"sindy": {"degree": 2}}).dataset("d")
    assert found.surrogate("pinn") == PinnSettings()
    assert found.distiller("sindy") == SindySettings(degree=2)


def test_initial_states_of_bodies_may_stand_beside_the_other_keys() -> None:
    equations = {"position_tt": "sum(position_j - position_i)"}
    short = {"count": [2, 5], "position": {"normal": 1}, "position_t": 0}
    long = {"count": [2, 5], "states": {"position": {"normal": 1}, "position_t": 0}}
    for bodies in (short, long):
        simulate = {"equations": equations, "bodies": bodies, "times": {"stop": 1, "points": 5}}
        raw = {"datasets": {"d": {"data": {"simulate": simulate}, "equations": equations}}}
        found = read_model(raw, "config").datasets["d"].data.simulate
        assert found is not None
        states = {"position": Draw(normal=1.0), "position_t": 0.0}
        assert found.bodies == BodiesSettings(count=(2, 5), states=states)


def test_vectors_of_bodies_are_lists() -> None:
    start = {"position": [[0, 1], [2, 0.5]], "position_t": 0, "mass": [1, 2]}
    simulate = {"equations": {"position_tt": "position_i"}, "initial": [start], "times": [0, 1, 2]}
    columns = {"position": ["x", "y"], "position_t": "v"}
    for data in (
        {"simulate": simulate},
        {"file": "d.csv", "states": columns, "body": "who", "scalars": {"mass": "m"}},
    ):
        raw = {"datasets": {"d": {"data": data, "equations": {"position_tt": "f(position_i)"}}}}
        found = read_model(raw, "config").datasets["d"].data
        assert found.of_bodies
        if found.simulate is not None:
            assert found.simulate.experiments[0]["position"] == ((0.0, 1.0), (2.0, 0.5))
            assert found.simulate.experiments[0]["position_t"] == 0.0
        else:
            assert found.states == {"position": ("x", "y"), "position_t": "v"}


def test_unknown_names_are_said_with_the_nearest() -> None:
    campaign = small()
    with pytest.raises(UserError, match="unknown dataset 'e'"):
        campaign.dataset("e")
    with pytest.raises(UserError, match="did you mean 'pinn'"):
        campaign.dataset("d").surrogate("pin")
    with pytest.raises(UserError, match="did you mean 'sindy'"):
        campaign.dataset("d").distiller("cindy")
    with pytest.raises(UserError, match="unknown stage"):
        campaign.dataset("d").section("traim")


@pytest.mark.parametrize(
    ("changes", "touched"),
    [
        ({"title": "T"}, {"prepare", "report"}),
        ({"select": {"holdout": 0.5}}, {"prepare"}),
        ({"select": {"gamma": 1.0}}, {"select"}),
        ({"surrogates": {"pinn": {"ensemble": 9}}}, {"train"}),
        ({"distillers": {"sindy": {"degree": 1}}}, {"distill"}),
        ({"parameters": {"k": {"value": 1.0}}}, {"train", "extract", "select", "report"}),
        ({"data": {"file": "d.csv", "noise": "relative"}}, {"prepare"}),
    ],
)
def test_a_section_holds_what_its_stage_depends_on(
    changes: dict[str, object], touched: set[str]
) -> None:
    stages = {"prepare": None, "train": "pinn", "extract": None, "distill": "sindy"}
    stages |= {"select": None, "report": None}
    before, after = small().dataset("d"), small(**changes).dataset("d")
    differ = {s for s, name in stages.items() if before.section(s, name) != after.section(s, name)}
    assert differ == touched


def test_measured_derivatives_are_states() -> None:
    data = {"file": "d.csv", "states": {"x": "a", "x_t": "v"}}
    found = small(data=data, equations={"x_tt": "k*x - f(x_t)"}).dataset("d")
    assert found.problem.components == ("x", "x_t")


def test_a_simulation_gives_the_states() -> None:
    simulate = {
        "equations": {"x_tt": "-x"},
        "initial": {"x": 1.0, "x_t": 0.0},
        "times": [0, 1, 2, 4],
        "observe": ["x", "x_t"],
    }
    found = small(data={"simulate": simulate}, equations={"x_tt": "k*f(x)"}).dataset("d")
    assert found.data.simulate is not None
    assert found.data.simulate.times == (0.0, 1.0, 2.0, 4.0)
    with pytest.raises(UserError, match=r"config: datasets\.d\.equations.*one of x"):
        small(data={"simulate": simulate}, equations={"z_tt": "k*f(z)"})


def test_values_are_frozen() -> None:
    found = small().dataset("d")
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.title = "other"  # type: ignore[misc]


def test_importing_config_is_cheap() -> None:
    heavy = "torch xarray sympy pint pandas scipy pysindy dask matplotlib h5py"
    code = (
        "import sys; import residuum.config; "
        f"print([m for m in {heavy.split()!r} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
