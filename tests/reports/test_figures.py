"""The figures: valid SVG with words for those who do not see it, the right spans and marks."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import matplotlib as mpl
import numpy as np
import pytest
from report_material import experiment, front, lynx_law, lynx_report, parse_svg, wave

from residuum.data.observations import Experiment, Observations
from residuum.distillers.front import Candidate
from residuum.expressions.parser import parse
from residuum.reports.axes import labelled, shortened, thinned
from residuum.reports.content import unit_of
from residuum.reports.drawing import COLOURS, Drawing
from residuum.reports.figures import draw_all
from residuum.reports.fronts import chosen_candidate
from residuum.reports.trajectories import (
    held_out_spans,
    observed_components,
    shown_experiments,
)

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def drawings() -> tuple[Drawing, ...]:
    return draw_all(lynx_report())


def test_every_figure_is_svg_with_title_and_description(drawings):
    for drawing in drawings:
        root = parse_svg(drawing.svg)
        assert root.tag == f"{SVG}svg"
        assert root.get("role") == "img"
        labels = root.get("aria-labelledby").split()
        assert [root.find(f".//*[@id='{label}']").text for label in labels] == [
            drawing.title,
            drawing.description,
        ]
        assert root.find(f"{SVG}metadata") is None
        assert "<!--" not in drawing.svg


def test_references_inside_figures_resolve_and_ids_differ_between_figures(drawings):
    seen: set[str] = set()
    for drawing in drawings:
        ids = set(re.findall(r' id="([^"]+)"', drawing.svg))
        used = set(re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', drawing.svg))
        assert {a or b for a, b in used} <= ids
        assert not ids & seen
        seen |= ids


def test_a_figure_in_a_page_follows_its_colours_and_width(drawings):
    drawing = drawings[0]
    assert f"var(--law, {COLOURS['law']})" in drawing.inline
    assert "var(" not in drawing.svg
    assert "width" not in parse_svg(drawing.inline).attrib
    assert "viewBox" in parse_svg(drawing.inline).attrib


def test_drawing_leaves_matplotlib_as_it_was(make_report):
    before = dict(mpl.rcParams)
    draw_all(make_report())
    assert dict(mpl.rcParams) == before


def test_held_out_spans_end_halfway_to_the_fitted_samples():
    t = np.array([0.0, 1.0, 2.0, 4.0, 5.0])
    assert held_out_spans(t, np.array([0, 0, 0, 1, 1], bool)) == [(3.0, 5.0)]
    assert held_out_spans(t, np.array([1, 0, 0, 1, 0], bool)) == [(0.0, 0.5), (3.0, 4.5)]
    assert held_out_spans(t, np.ones(5, bool)) == [(0.0, 5.0)]
    assert held_out_spans(t, np.zeros(5, bool)) == []
    assert held_out_spans(t[:1], np.ones(1, bool)) == [(0.0, 0.0)]


def test_one_held_out_experiment_is_always_shown():
    many = [experiment(f"e{k}", {"x": wave(0)}, held_out=21 * (k == 8)) for k in range(9)]
    assert [e.name for e in shown_experiments(many)] == ["e0", "e1", "e8"]
    assert [e.name for e in shown_experiments(many[:8])] == ["e0", "e1", "e2"]


def test_states_never_measured_are_not_drawn_and_gaps_are_left_out():
    t = np.arange(4.0)
    states = {"x": np.array([1.0, np.nan, 3.0, 4.0]), "y": np.full(4, np.nan)}
    made = Experiment("a", t, states)
    assert observed_components([made]) == ["x"]
    states["z"] = t
    assert observed_components([Experiment("a", t, states)], ["z", "y"]) == ["z", "x"]
    assert thinned(t, states["x"])[0].tolist() == [0.0, 2.0, 3.0]
    assert len(thinned(np.arange(9000.0), np.zeros(9000))[0]) <= 800


def test_a_curve_that_diverged_is_drawn_as_far_as_it_goes(make_report):
    candidates = dict(make_report().candidates)
    curve = {"t": [1900.0, 1901.0, 1902.0], "components": {"hare": [30.0, 50.0, None]}}
    candidates["curves"] = {"pelts": {"fit": curve}}
    drawing = draw_all(make_report(extractions={}, fronts=[], candidates=candidates))[0]
    assert "nan" not in drawing.svg


def test_missing_samples_reach_the_figure_as_gaps(make_report):
    made = make_report().observations.experiments[0]
    holes = {k: np.where(np.arange(21) % 2, v, np.nan) for k, v in made.states.items()}
    report = make_report(
        extractions={}, fronts=[], observations=Observations.of([replace(made, states=holes)])
    )
    assert "nan" not in draw_all(report)[0].svg


@pytest.mark.parametrize(
    ("numeric", "found"),
    [("0.03*hare*lynx", "0.026*hare*lynx"), ("-0.03*hare*lynx", "0.026*hare*lynx"),
     ("1.0*hare**3", None)],
)  # fmt: skip
def test_the_law_is_found_on_the_front_by_its_terms(numeric, found):
    chosen = chosen_candidate(numeric, front("f").candidates)
    assert (chosen and chosen.expression.infix()) == found


def test_a_law_that_is_not_on_its_front_is_marked_by_its_complexity(make_report):
    law = lynx_law()
    law["hidden"]["growth"]["numeric"] = "0.1*hare**3"
    drawing = draw_all(make_report(extractions={}, law=law))[1]
    assert "complexity of the law" in drawing.svg
    assert "in the law" in drawing.svg


def test_candidates_without_a_usable_loss_are_left_out(make_report):
    bad = [Candidate("growth", parse("hare"), loss, 1.0, "x") for loss in (0.0, math.inf, math.nan)]
    fronts = [front("predation"), replace(front("growth"), candidates=tuple(bad))]
    drawing = draw_all(make_report(extractions={}, fronts=fronts))[1]
    assert "nan" not in drawing.svg
    assert "inf" not in drawing.svg.replace("infer", "")


def test_labels_carry_units():
    units = {"t": "s", "theta": "rad", "count": "1", "hare": "1000"}
    assert labelled("theta", units) == "theta (rad)"
    assert labelled("theta_t", units) == "dtheta/dt (rad s-1)"
    assert labelled("theta_tt", units) == "d\u00b2theta/dt\u00b2 (rad s-2)"
    assert labelled("t", units, "time") == "time (s)"
    assert labelled("t", {}, "time") == "time"
    assert unit_of("count", units) == unit_of("other", units) == ""
    assert unit_of("hare_t", {"hare": "1000"}) == "1000"
    assert shortened("a\n b" + "c" * 50, 10) == "a bcccccc\u2026"
