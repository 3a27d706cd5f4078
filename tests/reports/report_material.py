"""A made-up dataset whose law is known, from which every report test takes a variation."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from residuum.data.observations import Experiment, Noise, Observations
from residuum.distillers.front import Candidate, Front
from residuum.expressions.evaluation import evaluate
from residuum.expressions.parser import parse
from residuum.hidden.samples import Extraction, HiddenSamples, Structure, Trajectory
from residuum.reports.content import DatasetReport


def lynx_law() -> dict[str, Any]:
    return {
        "schema": "residuum/law/1",
        "dataset": "lynx_hare",
        "equations": {
            "hare_t": "alpha*hare - 0.027214837*hare*lynx",
            "lynx_t": "0.023712345*hare*lynx - gamma*lynx",
        },
        "hidden": {
            "predation": hidden("0.027214837*hare*lynx", 0.027214837, (0.0221, 0.0329)),
            "growth": hidden("0.023712345*hare*lynx", 0.023712345, (0.0193, 0.0281)),
        },
        "parameters": {
            "alpha": {"value": 0.540213, "ci95": [0.438, 0.649], "unit": "yr-1", "estimated": True},
            "gamma": {"value": 0.796155, "ci95": [0.662, 0.951], "unit": "yr-1", "estimated": True},
        },
        "scores": {
            "fit_nrmse": 0.1421,
            "holdout_nrmse": 0.2274,
            "evidence": -102.13,
            "valid_time": 4.2,
        },
        "verdict": {"identifiable": False, "missing": False, "stable": True, "warnings": []},
        "runners_up": [],
        "provenance": {
            "config_hash": "5f0c8a1e9b",
            "source_hash": "a91be0c3d7",
            "versions": {"residuum": "0.1.0", "numpy": "2.1.0", "torch": "2.13.0"},
            "seeds": {"train": 1234, "select": 99},
            "device": "cpu",
            "wall_times": {"train": 3.214, "distill": 0.4, "select": 71.0},
        },
    }


def hidden(numeric: str, coefficient: float, ci95: tuple[float, float]) -> dict[str, Any]:
    return {
        "expression": numeric,
        "numeric": numeric,
        "arguments": ["hare", "lynx"],
        "latex": "",
        "complexity": 5,
        "origin": "sindy",
        "terms": [
            {"term": "hare*lynx", "coefficient": coefficient, "ci95": ci95, "probability": 0.86}
        ],
    }


def row(rank: int, behind: float, **hidden_terms: str) -> dict[str, Any]:
    return {
        "rank": rank,
        "kind": "law",
        "hidden": hidden_terms,
        "delta_description_length": behind,
        "fit_nrmse": 0.142 + 0.01 * rank,
        "holdout_nrmse": 0.21 + 0.02 * rank,
        "status": "ok",
    }


def lynx_rows() -> list[dict[str, Any]]:
    known = {**row(4, 58.3), "kind": "without_hidden_terms", "fit_nrmse": 0.93}
    failed = row(5, 0.0, predation="0.4*lynx", growth="0.01*hare**2")
    failed |= {"status": "diverged at t = 3.2", "delta_description_length": None}
    failed |= {"fit_nrmse": None, "holdout_nrmse": None}
    return [
        row(1, 0.0, predation="0.027214837*hare*lynx", growth="0.023712345*hare*lynx"),
        row(2, 0.41, predation="0.00058*hare*lynx**2", growth="0.0251*hare*lynx"),
        row(3, 6.2, predation="0.0262*hare*lynx - 0.013*lynx", growth="0.0231*hare*lynx"),
        failed,
        known,
    ]


def experiment(
    name: str, states: Mapping[str, Any], *, n: int = 21, held_out: int = 5
) -> Experiment:
    t = 1900.0 + np.arange(n)
    noise = np.random.default_rng(7)
    values = {
        state: function(t) * np.exp(0.1 * noise.standard_normal(n))
        for state, function in states.items()
    }
    return Experiment(name, t, values, {}, np.arange(n) >= n - held_out)


def wave(phase: float) -> Callable[[np.ndarray], np.ndarray]:
    return lambda t: 30.0 + 25.0 * np.sin(2 * np.pi * (t - 1900) / 9.6 + phase)


def curves(experiments: Any, states: Mapping[str, Any]) -> dict[str, Any]:
    made = {}
    for each in experiments:
        inside = each.t[~each.held_out] if (~each.held_out).any() else each.t[:1]
        pieces = {"fit": np.linspace(each.t[0], inside[-1], 200)}
        if each.held_out.any():
            pieces["forecast"] = np.linspace(inside[-1], each.t[-1], 100)
        made[each.name] = {
            part: {"t": t.tolist(), "components": {k: f(t).tolist() for k, f in states.items()}}
            for part, t in pieces.items()
        }
    return made


def samples(term: str, arguments: tuple[str, ...], numeric: str, alive: Any) -> HiddenSamples:
    t = np.linspace(1900, 1915, 40)
    X = np.stack([wave(k)(t) for k in range(len(arguments))], axis=1)
    truth = evaluate(parse(numeric), dict(zip(arguments, X.T, strict=True)))
    truth = np.broadcast_to(truth, t.shape)
    sd = 0.05 * np.abs(truth) + 0.03 * np.ptp(truth)
    values = truth + sd * np.sin(t / 2)
    return HiddenSamples(
        term, arguments, X, values, np.diag(sd**2), t, np.zeros(40, dtype=int), tuple(alive)
    )


def front(term: str) -> Front:
    texts = {"0.9*hare": 40.0, "0.8*lynx": 22.0, "0.026*hare*lynx": 1.1,
             "0.0006*hare*lynx**2": 2.4, "0.026*hare*lynx + 0.01*lynx": 0.93,
             "0.026*hare*lynx + 0.01*lynx - 0.2*hare": 0.91}  # fmt: skip
    return Front(
        term, tuple(Candidate(term, parse(k), v, 1.0, "sindy") for k, v in texts.items()), 9
    )


def surrogate_json() -> dict[str, Any]:
    return {
        "device": "cpu",
        "state_head": {"kind": "spline", "coefficients": 12},
        "terms": {name: {"kind": "network", "alive": [0, 1]} for name in ("predation", "growth")},
        "comparisons": [
            {"heads": "spline/spline", "evidence": -41.2, "disagreement": 0.062},
            {"heads": "spline/network", "evidence": -38.7, "disagreement": 0.0},
        ],
    }


def parse_svg(svg: str) -> ET.Element:
    """Return the root of our own SVG; raises ParseError where it is not well formed."""
    return ET.fromstring(svg)  # noqa: S314


MakeReport = Callable[..., DatasetReport]


def lynx_report(**changes: Any) -> DatasetReport:
    """Return the report of lynx and hare, with some parts replaced."""
    states = {"hare": wave(0.0), "lynx": wave(-1.1)}
    experiments = [experiment("pelts", states)]
    terms = {
        "predation": samples("predation", ("hare", "lynx"), "0.0272*hare*lynx", (True, True)),
        "growth": samples("growth", ("hare", "lynx"), "0.0237*hare*lynx", (True, True)),
    }
    structure = Structure(
        {name: {"hare": True, "lynx": True} for name in terms},
        {"predation": 2, "growth": 2},
        {name: {"hare": 0.82, "lynx": 0.91} for name in terms},
    )
    trajectory = Trajectory(terms["growth"].t, {"hare": terms["growth"].X[:, 0]})
    parts: dict[str, Any] = {
        "law": lynx_law(),
        "candidates": {
            "schema": "residuum/candidates/1",
            "dataset": "lynx_hare",
            "margin": 2.0,
            "rows": lynx_rows(),
            "curves": curves(experiments, states),
        },
        "observations": Observations.of(
            experiments,
            noise=Noise("lognormal"),
            units={"t": "yr", "hare": "1000", "lynx": "1000"},
            title="Hudson's Bay Company pelts, 1900-1920",
        ),
        "extractions": {
            "pinn": Extraction(
                terms,
                {"pelts": trajectory},
                {"alpha": (0.551, 0.04)},
                {"hare": 0.21, "lynx": 0.18},
                structure,
            )
        },
        "fronts": [front("predation"), front("growth")],
        "surrogates": {"pinn": surrogate_json()},
        "given": {
            "hare_t": "alpha*hare - predation(hare, lynx)",
            "lynx_t": "growth(hare, lynx) - gamma*lynx",
        },
    }
    return DatasetReport(**{**parts, **changes})
