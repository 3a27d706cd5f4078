"""Particles: cases against their simulations, measures against closed forms, and the page."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from benchmarks.page import render
from benchmarks.particles import cases, page, rows
from benchmarks.particles.agreement import acceleration_errors, agreement, direct, largest
from benchmarks.particles.cases import (
    CASES,
    UNSEEN,
    named,
    observations_of,
    problem_of,
    snapshots_of,
    truth_of,
)
from benchmarks.particles.judgement import judge_law
from benchmarks.particles.laws import tables_of
from benchmarks.particles.masses import worst
from benchmarks.particles.memory import random_snapshots
from benchmarks.particles.network import formulas_of, judged, predicted, true_messages
from benchmarks.particles.peer import compare, first
from benchmarks.particles.simulations import Snapshots, accelerations, pair_forces
from benchmarks.particles.trajectories import Plan, filmed, runs, same_bodies
from benchmarks.published import LOSSES, MESSAGES, VARIANTS
from benchmarks.tables import MISSING

from residuum.expressions.parser import parse
from residuum.problem.body_problem import BodyProblem

MACHINE = {
    "date": "2026-01-01",
    "processor": "a processor",
    "cores": 2,
    "system": "Linux x86_64",
    "versions": {"python": "3.12"},
    "code": "0" * 64,
}


def exact(case: str, frames: int = 6, axes: int = 2) -> Snapshots:
    """Snapshots of random positions with the exact accelerations of a case."""
    rng, law = np.random.default_rng(0), CASES[case]
    x, v = rng.standard_normal((2, frames, 4, axes))
    m, q = np.exp(rng.standard_normal((frames, 4))), rng.choice([-1.0, 1.0], (frames, 4))
    return Snapshots(x, v, m, q, accelerations(law, x, v, m, q), pair_forces(law, x, m, q))


def judgement(case: str, **hidden: str):
    problem = problem_of(case)
    found = {name: parse(text) for name, text in hidden.items()}
    tables = tables_of(problem, exact(case, 40))
    return judge_law(found, truth_of(case), truth_of(case, softened=False), tables)


@pytest.mark.parametrize("case", CASES)
def test_the_truth_as_formulas_gives_forces_and_accelerations(case):
    found, problem = exact(case, axes=3), problem_of(case)
    a, messages = predicted(problem, formulas_of(problem, truth_of(case)), found)
    np.testing.assert_allclose(a, found.accelerations, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(messages, true_messages(found), rtol=1e-9, atol=1e-9)
    report = judged(problem, formulas_of(problem, truth_of(case)), found)
    assert report["robust"] == pytest.approx(1.0)
    assert report["full"] == pytest.approx(1.0)


def test_the_twelve_cases_by_name():
    assert len(named()) == len(LOSSES) == 12
    assert set(named()) == set(LOSSES)
    assert named(["r2-3"]) == [("r2", 3)]
    with pytest.raises(SystemExit, match="spring-4"):
        named(["spring-4"])


def test_snapshots_are_simulated_once(tmp_path, monkeypatch):
    first_time = snapshots_of("spring", 2, 0, UNSEEN, count=10, data=tmp_path)
    monkeypatch.delattr(cases, "snapshots")
    again = snapshots_of("spring", 2, 0, UNSEEN, count=10, data=tmp_path)
    np.testing.assert_array_equal(first_time.forces, again.forces)
    assert len(list(tmp_path.iterdir())) == 1


def test_a_snapshot_is_an_experiment_with_masses_of_its_own():
    found = exact("charge", 3)
    observations = observations_of(found)
    assert isinstance(problem_of("charge"), BodyProblem)
    assert [len(e) for e in observations.experiments] == [1, 1, 1]
    last = observations.experiments[-1]
    np.testing.assert_array_equal(last.scalars["mass"], found.masses[-1])
    np.testing.assert_array_equal(last.states["position_tt"][0], found.accelerations[-1])


def test_a_linear_map_of_forces_agrees_whatever_it_is():
    rng = np.random.default_rng(1)
    f = rng.standard_normal((500, 2))
    e = f @ np.array([[1.0, -2.0], [0.5, 3.0]]) + 7.0
    assert agreement(e, f) == pytest.approx((1.0, 1.0))
    noisy = e + e.std(axis=0) * rng.standard_normal(e.shape)
    assert agreement(noisy, f)[1] == pytest.approx(0.5, abs=0.06)


def test_a_few_close_encounters_spoil_the_full_agreement_alone():
    rng = np.random.default_rng(2)
    f = rng.standard_normal((500, 2))
    f[:20] *= 1e3
    e = np.clip(f, -4.0, 4.0)
    robust, full = agreement(e, f)
    assert robust > 0.999
    assert full < 0.9


def test_only_forces_themselves_agree_directly():
    f = np.random.default_rng(5).standard_normal((500, 2))
    assert direct(f, f) == (1.0, 1.0)
    assert direct(2.0 * f, f)[1] == pytest.approx(0.0, abs=0.02)
    far = f.copy()
    far[np.argmax(np.sum(f**2, axis=1))] += 100.0
    robust, full = direct(far, f)
    assert robust == 1.0
    assert full < 0.0


def test_messages_that_are_constant_do_not_agree():
    f = np.random.default_rng(3).standard_normal((50, 2))
    assert agreement(np.ones((50, 2)), f) == (0.0, 0.0)


def test_the_largest_components_are_judged():
    messages = np.random.default_rng(4).standard_normal((200, 4)) * [1.0, 5.0, 0.1, 3.0]
    np.testing.assert_array_equal(largest(messages, 2), messages[:, [1, 3]])


def test_errors_of_accelerations():
    truth = np.tile([3.0, 4.0], (2, 1, 1))
    errors = acceleration_errors(truth * 1.1, truth)
    assert errors["rms"] == pytest.approx(np.hypot(0.3, 0.4) / np.sqrt(2))
    assert errors["absolute"] == pytest.approx(0.35)
    assert errors["relative"] == pytest.approx(0.1)


def test_a_law_with_the_right_skeleton_is_right_and_its_constants_are_measured():
    verdict = judgement("spring", force="1.99*distance - 1.98")
    assert verdict["exact"]
    assert verdict["constants"] == pytest.approx(0.005)


def test_softening_is_told_apart_from_the_form():
    verdict = judgement("r2", force="1.1*mass_i*mass_j/distance**2")
    assert not verdict["exact"]
    assert verdict["form"]
    assert verdict["constants"] == pytest.approx(0.1)
    assert judgement("r2", force="mass_i*mass_j/(distance + 0.02)**2")["exact"]


def test_another_law_is_not_right():
    verdict = judgement("r1", force="mass_i*mass_j/distance**2")
    assert not verdict["exact"]
    assert not verdict["form"]
    assert verdict["constants"] is None
    assert verdict["left"] > 1e-3


def test_a_damped_law_needs_its_drag_too():
    assert judgement("damped", force="2*distance - 2", drag="-1.01*speed")["form"]
    assert not judgement("damped", force="2*distance - 2", drag="-speed**2")["form"]


def test_rows_of_other_sources_are_measured_again(tmp_path, monkeypatch):
    lines, done = tmp_path / "rows.jsonl", []
    jobs = [{"case": "spring", "seed": seed} for seed in range(2)]

    def work(case, seed):
        done.append(seed)
        return {"value": 10 * seed}

    monkeypatch.setattr(rows, "describe", lambda: MACHINE)
    assert [row["value"] for row in rows.run_rows(jobs, work, lines)] == [0, 10]
    rows.run_rows(jobs, work, lines)
    assert done == [0, 1]
    monkeypatch.setattr(rows, "describe", lambda: MACHINE | {"code": "1" * 64})
    rows.run_rows(jobs, work, lines)
    assert done == [0, 1, 0, 1]


def test_seconds_to_equal_agreement():
    ours = [
        {"settings": "quick", "seconds": 2.0, "robust": 0.97},
        {"settings": "default", "seconds": 10.0, "robust": 0.999},
        {"settings": "default", "seconds": 12.0, "robust": 0.999},
    ]
    runs = [
        {"cycle": 25.0, "curve": [[5.0, 0.5, 0.4, 1.0], [25.0, 0.96, 0.9, 0.5]]},
        {"cycle": 100.0, "curve": [[5.0, 0.2, 0.1, 1.0], [100.0, 0.98, 0.9, 0.3]]},
    ]
    found = compare(ours, runs, 100.0)
    assert not found["reached"]
    assert found["ratio"] == pytest.approx(100.0 / 11.0)
    assert found["peer_best"] == found["peer_end"] == 0.98
    by_level = {row["level"]: row for row in found["levels"]}
    assert by_level[0.95] == {"level": 0.95, "residuum": 2.0, "peer_s": 25.0}
    assert by_level[0.98] == {"level": 0.98, "residuum": 10.0, "peer_s": 100.0}
    assert first([run["curve"] for run in runs], 0.5) == 5.0


def test_the_peer_sums_messages_of_every_pair_once():
    pytest.importorskip("torch_geometric")
    import torch
    from benchmarks.particles import peer_network

    found = exact("spring", 3)
    network = peer_network.GraphNetwork(6, 2, 5, hidden=8)
    x = peer_network.features_of(found)
    batch = network(x.flatten(0, 1), peer_network.edges(4, 3))
    alone = torch.cat([network(one, peer_network.edges(4, 1)) for one in x])
    torch.testing.assert_close(batch, alone)
    with torch.no_grad():
        e = network.to_message(torch.cat([x[0, 2], x[0, 0]])[None])  # to the third of the first
    network(x[0], peer_network.edges(4, 1))
    sender, receiver = peer_network.edges(4, 1)
    (row,) = torch.nonzero((sender == 0) & (receiver == 2))
    torch.testing.assert_close(network.noted[row], e)
    np.testing.assert_array_equal(receiver.numpy(), np.repeat(np.arange(4), 3))


def test_the_peer_learns_and_its_curve_ends_with_its_seconds():
    pytest.importorskip("torch_geometric")
    from benchmarks.particles.peer import look_of
    from benchmarks.particles.peer_network import Trainer, Variant

    found = exact("spring", 20)
    curve = Trainer(Variant(2, 0.0), found, found, 0).run(0.6, look_of(found))
    assert curve[-1][0] >= 0.6
    assert all(len(point) == 4 and np.isfinite(point).all() for point in curve)


def test_random_snapshots_have_exact_accelerations():
    found = random_snapshots(8, 2, 0)
    total = found.forces.sum(axis=2) / found.masses[..., None]
    np.testing.assert_allclose(found.accelerations, total)


def test_the_published_figures_are_those_of_their_source():
    assert MESSAGES["r2", 2] == {"bottleneck": 0.993, "L1": 0.990}
    assert MESSAGES["charge", 3] == {"bottleneck": 0.980, "L1": 0.002}
    assert dict(zip(VARIANTS, LOSSES["r2", 3], strict=True))["FlatHGN"] == 2.48
    assert all(len(row) == len(VARIANTS) for row in LOSSES.values())


def law(**changes):
    return {
        "status": "ok",
        "seconds": {"distill": 60.0, "select": 5.0},
        "hidden": {"force": "1.9999999*distance - 1.98"},
        "exact": True,
        "form": True,
        "left": 1e-20,
        "constants": 1e-7,
        "listed": 1,
        **{"rms": 1e-6, "absolute": 1e-7, "relative": 1e-8},
    } | changes


@pytest.fixture
def results(tmp_path):
    folder = tmp_path / "particles"
    folder.mkdir()
    about = {"case": "spring", "axes": 2, "seed": 0, "code": "0" * 64, "machine": MACHINE}
    agreements = {"robust": 1 - 2e-9, "full": 0.98765, "direct": 0.9, "direct_full": 0.8}
    network = {**agreements, "rms": 0.1, "absolute": 0.01, "relative": 1e-3}
    heads = {"heads": "force: mutual", "alive": {"force": [True] + [False] * 4}}
    message = {**about, **network, **heads, "seconds": 44.0, "cpu": 43.0}
    lines = [message | {"robust": 0.5}, message]
    (folder / "messages.jsonl").write_text("\n".join(map(json.dumps, lines)))
    wrong = law(exact=False, form=False, hidden={"force": "0.5*distance"}, constants=None)
    failed = {"status": "ValueError: no\nlaw", "seconds": {}}
    laws = [
        {**about, "laws": {"genetic": law(constants=0.0), "sindy": wrong}},
        {**about, "seed": 1, "laws": {"genetic": law(constants=2e-7), "sindy": failed}},
    ]
    shared = {"budget": 60.0, "seconds": {"train": 40.0, "extract": 1.0}, "network": network}
    (folder / "laws.jsonl").write_text("\n".join(json.dumps(row | shared | heads) for row in laws))
    return tmp_path


def test_the_page_has_messages_beside_published_figures(results):
    text = render(results)
    (row,) = [line for line in text.splitlines() if line.startswith("| spring-2 | 1 |")]
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[2:8] == ["1 - 2e-09", "0.988", "0.900", "0.800", "1.000", "1.000"]
    assert cells[11] == "0.047 / 0.046 / 0.045 / 1.66 / 0.016"
    assert cells[12] == "1 of 1"
    assert text.count(MISSING.strip()) == 18


def test_the_page_tells_right_laws_wrong_ones_and_failures(results):
    text = render(results)
    assert "genetic: 2 of 2 right" in text
    assert "sindy: 0 of 2 right" in text
    assert "- spring-2, seed 0, sindy: force = `0.5*distance`" in text
    assert "- spring-2, seed 1, sindy: failed: `ValueError: no law`" in text
    (row,) = [line for line in text.splitlines() if line.startswith("| spring-2 | genetic |")]
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[2:7] == ["2", "2", "2", "2", "2e-07"]
    assert cells[-1] == "106"


def test_the_page_has_the_peer_and_what_an_iteration_costs(results):
    ours = [{"settings": "default", "seconds": 10.0, "robust": 1 - 1e-9}]
    runs = [{"cycle": 300.0, "curve": [[300.0, 0.91, 0.9, 1.0]]}]
    found = {"runs": runs, **compare(ours, runs, 300.0)}
    row = {"case": "spring", "axes": 2, "draw": 0, "residuum": ours, "peers": {"L1": found}}
    whole = {"machine": MACHINE, "seconds": 300.0, "rows": [row]}
    (results / "particles" / "peer.json").write_text(json.dumps(whole))
    size = {"bodies": 4, "pairs": 1200, "unknowns": 148, "restarts": 4}
    took = {"prepared": 1.0, "seconds": 0.012, "before": 300.0, "peak": 350.0}
    training = took | {"pairs": 240, "seconds": 9.0, "direct_full": 0.9995}
    rows = [size | took | {"training": training}, size | took | {"training": training}]
    rows[1] |= {"bodies": 8, "pairs": 5600}
    whole = {"machine": MACHINE, "frames": 100, "trained": 20, "axes": 2, "rows": rows}
    (results / "particles" / "memory.json").write_text(json.dumps(whole))
    text = render(results)
    assert "| spring-2 | 0 | L1 | 1 - 1e-09 | 10 | 0.910 | 0.910 | not in 300 | > 30 |" in text
    assert "| spring-2 | L1 | 0.9 | 10 (1 of 1) | 300 (1 of 1) |" in text
    assert "| spring-2 | L1 | 0.95 | 10 (1 of 1) | - (0 of 1) |" in text
    assert "| 4 | 1,200 | 0.012 | 10 | 50 | 350 |" in text
    assert "| 4 | 240 | 9 | 3.75e+04 | 50 | 350 | 1 - 5e-04 |" in text
    page.draw(results / "particles", results)
    assert "4, 8 bodies" in (results / "particle_pairs.svg").read_text()


def test_agreement_next_to_one_is_told_by_its_distance():
    assert [page.r2(value) for value in (None, 1.0, 0.9, 1 - 2e-9)] == [
        "-",
        "1",
        "0.900",
        "1 - 2e-09",
    ]


def test_forces_of_other_snapshots_do_not_agree():
    found = exact("spring", 50)
    shuffled = replace(found, forces=found.forces[::-1])
    problem = problem_of("spring")
    report = judged(problem, formulas_of(problem, truth_of("spring")), shuffled)
    assert report["robust"] < 0.5


def test_errors_below_what_a_refit_tells_apart_are_not_called_zero(results):
    path = results / "particles" / "laws.jsonl"
    path.write_text(path.read_text().splitlines()[0])
    assert "| spring-2 | genetic | 1 | 1 | 1 | 1 | < 1e-12 |" in render(results)


def test_films_show_positions_with_noise_and_nothing_else():
    plan = Plan(runs=3, frames=40, duration=1.0)
    found = runs("spring", plan, axes=2, rng=np.random.default_rng(0))
    seen = filmed(found, 0.01, np.random.default_rng(1))
    assert seen.states == ("position",)
    measured = np.stack([e.states["position"] for e in seen.experiments])
    assert np.std(measured - found.positions) == pytest.approx(
        0.01 * found.positions.std(), rel=0.1
    )
    # Paths obey the case: second differences are the accelerations, to the order of the step.
    h = found.t[1]
    second = np.diff(found.positions, 2, axis=1) / h**2
    masses, charges = (v[:, None].repeat(40, 1) for v in (found.masses, found.charges))
    a = accelerations(CASES["spring"], found.positions, found.positions * 0, masses, charges)
    assert np.median(np.abs(second - a[:, 1:-1])) < 0.02


def test_bodies_keep_their_masses_and_only_one_is_told():
    plan = Plan(runs=12, frames=3, duration=0.5)
    observations, masses = same_bodies("r2", plan, axes=2, bodies=6, rng=np.random.default_rng(0))
    first, *others = masses
    told = {}
    for e in observations.experiments:
        told |= dict(zip(e.bodies, e.scalars["mass"], strict=True))
        m = np.array([[masses[b] for b in e.bodies]] * 3)
        q = np.tile(e.scalars["charge"], (3, 1))
        x = e.states["position"]
        np.testing.assert_allclose(
            e.states["position_tt"], accelerations(CASES["r2"], x, 0 * x, m, q)
        )
    assert told[first] == masses[first]
    assert all(np.isnan(told[b]) for b in others)


def test_the_worst_mass_counts():
    masses = {"body_1": 1.0, "body_2": 2.0, "body_3": 4.0}
    assert worst({"mass_of_body_2": 2.02, "mass_of_body_3": 3.0}, masses) == pytest.approx(0.25)


def test_the_page_has_laws_from_positions_and_with_unknown_masses(results):
    about = {"case": "charge", "axes": 2, "seed": 0, "code": "0" * 64, "machine": MACHINE}
    seconds = {"train": 30.0, "extract": 0.1, "distill": 20.0, "select": 25.0}
    plan = {"runs": 40, "frames": 25, "duration": 1.0}
    found = law(exact=False, hidden={"force": "-0.98*charge_i*charge_j/distance**2"})
    rows_of = {
        "positions": [
            about | plan | found | {"seconds": seconds, "constants": 0.02},
            about | plan | {"seed": 1, "status": "UserError: no\nlaw", "seconds": {}},
        ],
        "masses": [about | law() | {"unknown": 7, "masses": 0.0, "network_masses": 1e-9}],
    }
    for part, lines in rows_of.items():
        text = "\n".join(map(json.dumps, lines))
        (results / "particles" / f"{part}.jsonl").write_text(text)
    text = render(results)
    assert "Right, with or without softening: 1 of 2" in text
    (row,) = [line for line in text.splitlines() if "40 x 25 | 1 | 0" in line]
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[5:9] == ["no", "yes", "1", "0.02"]
    assert cells[-3:] == ["30", "20", "25"]
    assert "failed: `UserError: no law`" in text
    assert "| charge-2 | 0 | 7 |" in text
