"""The page of a dataset: complete, self-contained, escaped, the same every time."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from report_material import (
    curves,
    experiment,
    front,
    hidden,
    lynx_law,
    lynx_report,
    lynx_rows,
    parse_svg,
    row,
    samples,
    wave,
)

from residuum.data.observations import Experiment, Observations
from residuum.errors import UserError
from residuum.hidden.samples import Extraction, Structure
from residuum.reports.page import SECTIONS, Page, render_page

VOID = {"meta", "link", "br", "hr", "img", "input"}
HOSTILE = "<script>alert(1)</script> </svg> --> $x_{1}$ & \"q\" '{{ 7*7 }}'"


class Outline(HTMLParser):
    """Checks that elements close in order; collects ids, links, tags and loose text."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.addresses: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        values = dict(attrs)
        if "id" in values:
            self.ids.append(values["id"])
        self.addresses += [values[k] for k in ("src", "href", "xlink:href", "data") if k in values]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not self.open or self.open[-1] != "style":
            self.text.append(data)


def outline(html: str) -> Outline:
    parser = Outline()
    parser.feed(html)
    parser.close()
    assert not parser.open
    return parser


def words(html: str) -> str:
    return " ".join(" ".join(outline(html).text).split())


def section(html: str, name: str) -> str:
    return re.search(rf'<section id="{name}".*?</section>', html, flags=re.S)[0]


@pytest.fixture(scope="module")
def page() -> Page:
    return render_page(lynx_report())


def test_page_is_well_formed_with_every_section_in_order(page):
    found = outline(page.html)
    wanted = [anchor for anchor, _ in SECTIONS]
    assert [i for i in found.ids if i in wanted] == wanted
    assert len(set(found.ids)) == len(found.ids)
    assert found.tags.count("h1") == 1


def test_page_asks_nothing_of_the_network(page):
    html = page.html
    found = outline(html)
    assert all(address.startswith("#") for address in found.addresses)
    assert {a[1:] for a in found.addresses} <= set(found.ids)
    assert "script" not in found.tags
    assert "link" not in found.tags
    assert not re.search(r"url\((?!#)|@import|@font-face", html)
    assert "default-src 'none'" in html


def test_equal_content_gives_equal_bytes(page):
    assert render_page(lynx_report()) == page


def test_page_holds_the_law_its_constants_and_where_they_come_from(page):
    html = page.html
    assert "<mn>0.02721</mn>" in section(html, "law")
    assert "<mi>α</mi>" in section(html, "law")
    assert "alpha*hare - predation(hare, lynx)" in section(html, "law")
    constants = words(section(html, "constants"))
    assert "0.54 0.44 to 0.65 yr-1 estimated" in constants
    assert "0.0272 0.0221 to 0.0329 0.86" in words(section(html, "hidden"))
    assert "torch 2.13.0" in words(section(html, "provenance"))
    assert "select 1 min 11 s" in words(section(html, "provenance"))


def test_candidates_stand_in_order_with_the_known_part_among_them(page):
    html = section(page.html, "candidates")
    table = re.search(r"<tbody>.*?</tbody>", html, flags=re.S)[0]
    lines = re.findall(r"<tr.*?</tr>", table, flags=re.S)
    assert 'class="chosen"' in lines[0]
    assert [words(line).split()[0] for line in lines] == ["1", "2", "3", "4", "5"]
    assert "+0.4 0.162 0.250 rival" in words(lines[1])
    assert "+6.2 0.172 0.270 0.0262" in words(lines[2])
    assert "+58.3 0.930 0.290 known part alone – –" in words(lines[3])
    assert "– – – diverged at t = 3.2" in words(lines[4])


def test_long_lists_of_candidates_keep_the_known_part(make_report):
    known = {**row(40, 300.0), "kind": "without_hidden_terms"}
    many = [row(k, 12.0 * k - 12, predation="0.1*hare", growth="0.2*lynx") for k in range(1, 40)]
    report = make_report(extractions={}, fronts=[], candidates={"rows": [*many, known]})
    html = section(render_page(report).html, "candidates")
    assert html.count("<tr") == 1 + 12 + 1
    assert "13 of 40 laws" in html
    assert "known part alone" in html


def test_surrogate_section_names_heads_noise_and_arguments(page):
    text = words(section(page.html, "surrogate"))
    assert "heads of the hidden terms predation network, growth network" in text
    assert "estimated noise (sd of the logarithm) hare 0.210, lynx 0.180" in text
    assert "predation lynx yes 0.91" in text
    assert text.index("spline/network −38.70") < text.index("spline/spline −41.20")


def test_what_a_user_wrote_is_escaped_everywhere(make_report):
    made = make_report()
    spoiled = Observations.of(
        [replace(e, name="pelts") for e in made.observations.experiments],
        units={"t": HOSTILE, "hare": HOSTILE},
        title=HOSTILE,
    )
    law = lynx_law()
    law["parameters"]["alpha"]["unit"] = HOSTILE
    law["verdict"]["warnings"] = [HOSTILE]
    law["hidden"]["growth"]["origin"] = HOSTILE
    law["provenance"] |= {HOSTILE: HOSTILE}
    rows = [{**lynx_rows()[0], "status": HOSTILE}]
    report = make_report(
        observations=spoiled,
        law=law,
        candidates={"rows": rows},
        given={"hare_t": HOSTILE},
        surrogates={HOSTILE: {"device": HOSTILE, "state_head": {"kind": HOSTILE}}},
    )
    page = render_page(report)
    parsed = outline(page.html)
    assert "script" not in parsed.tags
    assert parsed.tags.count("svg") == len(page.figures)
    assert words(page.html).count("<script>alert(1)</script>") >= 10
    assert "49" not in words(section(page.html, "law"))
    for svg in page.figures.values():
        assert not any(e.tag.endswith("script") for e in parse_svg(svg).iter())
    assert "script" not in page.tex


def test_a_formula_outside_the_language_is_one_clear_error(make_report):
    law = lynx_law()
    law["equations"]["hare_t"] = "__import__('os').system('true')"
    with pytest.raises(UserError, match="language"):
        render_page(make_report(extractions={}, fronts=[], law=law))


def test_without_held_out_data_the_page_says_so(make_report):
    states = {"hare": wave(0.0), "lynx": wave(-1.1)}
    whole = [experiment("pelts", states, held_out=0)]
    law = lynx_law()
    law["scores"] |= {"holdout_nrmse": None, "valid_time": None}
    rows = [{**r, "holdout_nrmse": None} for r in lynx_rows()]
    report = make_report(
        extractions={},
        fronts=[],
        law=law,
        observations=Observations.of(whole),
        candidates={"rows": rows, "curves": curves(whole, states)},
    )
    html = render_page(report).html
    assert "No data were held out, so the law has not been tested by a forecast." in words(html)
    assert "held-out error" not in words(section(html, "verdict"))
    assert "var(--shade" not in html


@pytest.mark.parametrize("unseen", [True, False])
def test_caption_tells_which_fit_the_curve_over_held_out_data_is(make_report, unseen):
    candidates = dict(make_report().candidates)
    if unseen:
        candidates["forecast_from"] = "training"
    text = words(render_page(make_report(candidates=candidates, extractions={}, fronts=[])).html)
    assert ("was fitted without these data" in text) is unseen
    assert ("the final fit to all data" in text) is not unseen
    assert ("law, forecast" in text) is unseen


def many_states(count: int) -> tuple[dict, dict]:
    names = [f"x{k}" for k in range(1, count + 1)]
    states = {name: wave(0.7 * k) for k, name in enumerate(names)}
    law = lynx_law() | {
        "equations": {f"{name}_t": f"0.25*{name}" for name in names},
        "hidden": {"f": hidden("0.25*x1", 0.25, (0.2, 0.3)) | {"arguments": ["x1"]}},
        "parameters": {},
    }
    return states, law


@pytest.mark.parametrize("count", [1, 6])
def test_one_state_and_six(make_report, count):
    states, law = many_states(count)
    experiments = [experiment("only", states)]
    report = make_report(
        law=law,
        observations=Observations.of(experiments),
        candidates={"rows": [row(1, 0.0, f="0.25*x1")], "curves": curves(experiments, states)},
        extractions={},
        fronts=[],
        surrogates={},
    )
    page = render_page(report)
    assert set(page.figures) == {"trajectories"}
    assert "".join(f">{name}<" in page.figures["trajectories"] and "1" for name in states) == (
        "1" * count
    )
    assert "The equations hold no parameters." in page.html
    assert "No surrogate was trained." in page.html


def pendulum(make_report):
    """Second order, two experiments with different times, hidden terms of one argument."""
    rng = np.random.default_rng(3)
    states = {"theta": lambda t: np.cos(3 * t), "theta_t": lambda t: -3 * np.sin(3 * t)}
    experiments = []
    for name in ("high", "low"):
        t = np.sort(rng.uniform(0, 6, 70))
        experiments.append(Experiment(name, t, {"theta": np.cos(3 * t)}, {}, t > 5))
    law = lynx_law() | {
        "dataset": "pendulum",
        "equations": {"theta_tt": "-0.2*theta_t - 9.8134*sin(theta)"},
        "hidden": {
            "damping": hidden("0.2*theta_t", 0.2, (0.19, 0.21)) | {"arguments": ["theta_t"]},
            "restoring": hidden("9.8134*sin(theta)", 9.8134, (9.7, 9.9)) | {"arguments": ["theta"]},
        },
        "parameters": {},
    }
    law["hidden"]["damping"]["terms"][0]["term"] = "theta_t"
    law["hidden"]["restoring"]["terms"][0]["term"] = "sin(theta)"
    terms = {
        "damping": samples("damping", ("theta_t",), "0.2*theta_t", (True,)),
        "restoring": samples("restoring", ("theta",), "9.8*sin(theta/9)", (True,)),
    }
    structure = Structure({"damping": {"theta_t": True}}, {}, {})
    return make_report(
        law=law,
        observations=Observations.of(experiments, units={"t": "s", "theta": "rad"}),
        candidates={
            "rows": [row(1, 0.0, damping="0.2*theta_t", restoring="9.8134*sin(theta)")],
            "curves": curves(experiments, states),
        },
        extractions={"pinn": Extraction(terms, {}, {}, {"theta": 0.01}, structure)},
        fronts=[replace(front("damping"), candidates=())],
        given={"theta_tt": "-damping(theta_t) - restoring(theta)"},
    )


def test_second_order_system_with_hidden_terms_of_one_argument(make_report):
    page = render_page(pendulum(make_report))
    law = section(page.html, "law")
    assert "<msup>" in law
    assert "<mover><mi>θ</mi>" in law
    assert r"\frac{\mathrm{d}^{2} \theta}{\mathrm{d}t^{2}} &= -0.2" in page.tex
    figure = page.figures["hidden"]
    assert "dtheta/dt (rad s-1)" in figure
    assert ">theta (rad)<" in figure
    assert ">high<" in page.figures["trajectories"]
    assert ">low<" in page.figures["trajectories"]


def test_hidden_terms_and_states_stand_in_the_order_of_the_equations(make_report):
    given = {
        "lynx_t": "growth(hare, lynx) - gamma*lynx",
        "hare_t": "alpha*hare - predation(hare, lynx)",
    }
    report = make_report(given=given)
    assert list(report.hidden) == ["growth", "predation"]
    figures = render_page(report).figures
    assert figures["trajectories"].index("lynx (1000)") < figures["trajectories"].index("hare (1")
    assert figures["hidden"].index(">growth(") < figures["hidden"].index(">predation(")


def test_without_hidden_terms_only_constants_are_told(make_report):
    report = make_report(
        law=lynx_law() | {"hidden": {}}, extractions={}, fronts=[], surrogates={}, candidates={}
    )
    text = words(render_page(report).html)
    assert "The equations hold no hidden term" in text
    assert "No candidate law was refitted." in text


def test_figures_that_exist_are_in_the_page_and_apart(page):
    assert set(page.figures) == {"trajectories", "hidden", "front"}
    assert page.html.count("<figure") == page.html.count("<figcaption") == 3


def test_tex_is_one_document_with_balanced_braces(page):
    tex = page.tex
    assert tex.count("{") == tex.count("}")
    assert tex.count(r"\begin{") == tex.count(r"\end{") == 2
    assert r"\operatorname{predation}(\mathrm{hare}, \mathrm{lynx}) &= 0.02721" in tex
    assert r"\alpha &= 0.5402" in tex
