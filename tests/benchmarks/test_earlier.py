"""What the page held of cases that were not run again stands, is marked, and is read back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from benchmarks.earlier import KEPT, Configuration, Note, entries, read_suite, sections
from benchmarks.machine import MEASURED_CODE
from benchmarks.page import render, write_page
from benchmarks.symbolic.page import HEAD, HEADING, render_symbolic
from benchmarks.tables import MISSING, line, table

from residuum.provenance import code_digest

PAGE = Path(__file__).parents[2] / "docs" / "benchmarks.md"
B3 = "## B3: Lotka-Volterra, 10 to 20 clean points"
STROGATZ, FASTSRB = "### Strogatz-14", "### FastSRB, 120 formulas"
FIRST = Configuration("residuum", "0", "yes", "30")
SECOND = Configuration("residuum", "0.1", "yes", "30")


def machine(date="2026-01-01", code="0" * 64):
    about = {"date": date, "processor": "a processor", "cores": 2, "system": "Linux x86_64"}
    return {**about, "versions": {"python": "3.12", "numpy": date}, "code": code}


def write_b3(folder, **about):
    """A result of B3 as `recovery` writes it."""
    row = {"draw": 0, "status": "ok", "recovered": True, "total": 1.0}
    result = {"case": "B3", "noise": 0.0, "points": 10, "asked": 1, "draws": [row]}
    path = folder / "B3" / "noise-0.0-points-10.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({**result, "machine": machine(**about)}))


def write_rows(folder, *rows, suite="fastsrb"):
    """Rows of a suite as `symbolic` writes them."""
    about = {"suite": suite, "engine": "residuum", "seed": 0, "noise": 0.0, "units": True}
    about |= {"seconds": 30.0, "status": "ok", "wall": 12.0, "recovered": False, "front": True}
    about |= {"numeric": True, "distance": 0.25, "machine": machine()}
    path = folder / "symbolic" / f"{suite}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps({**about, **row}) + "\n" for row in rows))


def suite(page, heading=FASTSRB):
    return sections(sections(page, "## ")[HEADING], "### ")[heading]


def rows_of(text):
    return [row for row in text.splitlines() if row.startswith("| residuum")]


@pytest.fixture
def page(tmp_path):
    """A page on which two noises of a suite and B3 were measured."""
    write_b3(tmp_path / "before")
    write_rows(tmp_path / "before", {"name": "a"}, {"name": "b", "noise": 0.1})
    path = tmp_path / "page.md"
    write_page(tmp_path / "before", path)
    return path


def test_without_a_page_before_nothing_is_kept(tmp_path, page):
    assert KEPT not in page.read_text()
    (tmp_path / "empty.md").write_text("")
    write_page(tmp_path / "before", tmp_path / "empty.md")
    assert (tmp_path / "empty.md").read_text() == page.read_text()


def test_what_is_measured_again_replaces_all_that_was(tmp_path, page):
    code = code_digest(MEASURED_CODE)
    new = machine("2026-02-02", code)
    write_b3(tmp_path / "now", date="2026-02-02", code=code)
    again = {"recovered": True, "machine": new}
    write_rows(tmp_path / "now", {"name": "a", **again}, {"name": "b", "noise": 0.1, **again})
    write_page(tmp_path / "now", page)
    text = page.read_text()
    assert text == render(tmp_path / "now")
    assert "2026-01-01" not in text
    assert "other sources" not in text


def test_a_section_without_results_stands_as_it_stood(tmp_path, page):
    before = sections(page.read_text(), "## ")[B3]
    write_rows(tmp_path / "now", {"name": "a"})
    write_page(tmp_path / "now", page)
    after = sections(page.read_text(), "## ")[B3]
    assert after.strip() == before.strip() + f"\n\n{KEPT}the whole section."
    write_b3(tmp_path / "now")
    write_page(tmp_path / "now", page)
    assert sections(page.read_text(), "## ")[B3].strip() == before.strip()


def test_a_section_that_was_never_run_is_not_marked(tmp_path, page):
    write_page(tmp_path / "nothing", page)
    assert sections(page.read_text(), "## ")["## Islands on two workers"].strip() == MISSING.strip()


def test_rows_of_a_suite_are_replaced_one_by_one(tmp_path, page):
    before = rows_of(suite(page.read_text()))
    write_rows(tmp_path / "now", {"name": "c", "noise": 0.1, "wall": 7.0}, {"name": "d"})
    only = tmp_path / "only"
    write_rows(only, {"name": "c", "noise": 0.1, "wall": 7.0})
    write_page(only, page)
    text = suite(page.read_text())
    assert rows_of(text)[0] == before[0]
    assert rows_of(text)[1].endswith("| 7 |")
    assert "Not recovered by residuum (noise 0, units, 30 s): a." in text
    assert "Not recovered by residuum (noise 0.1, units, 30 s): c." in text
    assert text.strip().endswith(f"{KEPT}residuum (noise 0, units, 30 s).")
    write_page(tmp_path / "now", page)
    assert KEPT not in suite(page.read_text())


def test_rows_stand_in_the_order_of_a_page_written_at_once(tmp_path):
    runs = [
        {"name": "a", "engine": engine, "noise": noise, "units": units, "seconds": seconds}
        for engine in ("residuum", "pyoperon+polish", "pyoperon")
        for noise in (0.0, 0.001, 0.1)
        for units in (True, False)
        for seconds in (5.0, 30.0, 120.0)
    ]
    write_rows(tmp_path / "all", *runs)
    write_rows(tmp_path / "odd", *runs[1::2])
    write_rows(tmp_path / "even", *runs[::2])
    at_once = render(tmp_path / "all")
    in_turn = render(tmp_path / "even", render(tmp_path / "odd"))
    assert table_of(in_turn) == table_of(at_once)


def table_of(page):
    return [row for row in suite(page).splitlines() if row.startswith("|")]


@pytest.mark.parametrize("now", ["nothing", "part", "before"])
def test_writing_twice_changes_nothing(tmp_path, page, now):
    write_rows(tmp_path / "part", {"name": "b", "status": "ValueError: a\n  b"})
    write_page(tmp_path / now, page)
    once = page.read_text()
    write_page(tmp_path / now, page)
    assert page.read_text() == once


def test_a_fault_stays_on_one_line_and_is_kept(tmp_path, page):
    write_rows(tmp_path / "now", {"name": "b", "engine": "gplearn", "status": "ValueError: a\n b"})
    write_page(tmp_path / "now", page)
    write_page(tmp_path / "nothing", page)
    assert "- gplearn (noise 0, units, 30 s): `ValueError: a b`\n" in suite(page.read_text())


def test_the_head_lists_what_was_kept_and_what_is_new(tmp_path, page):
    new = machine("2026-02-02", code_digest(MEASURED_CODE))
    write_rows(tmp_path / "now", {"name": "a", "machine": new})
    write_page(tmp_path / "now", page)
    head = sections(page.read_text(), "## ")[""]
    assert entries(head, "measured on") == {"2026-01-01", "2026-02-02"}
    assert entries(head, "versions") == {"python 3.12", "numpy 2026-01-01", "numpy 2026-02-02"}
    assert entries(head, "sources of the library") == {"0" * 12, new["code"][:12]}
    assert head.count("a processor, 2 cores, Linux x86_64") == 1
    assert "measured with other sources" in head


def test_kept_results_of_the_same_sources_are_no_others(tmp_path):
    write_b3(tmp_path, code=code_digest(MEASURED_CODE))
    assert "other sources" not in render(tmp_path / "nothing", render(tmp_path))


def suite_of_all(*rows, note="Not recovered by residuum in some run: a, b."):
    """A suite as pages were written at first."""
    lines = [line([*which, *"123456", "7"]) for which in rows]
    text = table(HEAD, []) + "\n".join(lines) + f"\n\nPublished: x.\n\n{note}\n"
    return f"{HEADING}\n\n{FASTSRB}\n\n{text}- pyoperon: `fault`\n"


def symbolic(folder, before):
    return sections(render_symbolic(folder / "symbolic", sections(before, "## ")[HEADING]), "### ")


def test_a_note_of_all_runs_stands_while_one_of_them_does(tmp_path):
    mixed = "Not recovered by residuum in some run of an earlier page, of which these are left "
    kept = symbolic(tmp_path, suite_of_all(FIRST, SECOND))[FASTSRB]
    assert mixed + "(noise 0, units, 30 s; noise 0.1, units, 30 s): a, b." in kept
    write_rows(tmp_path, {"name": "c"})
    part = symbolic(tmp_path, f"{HEADING}\n{FASTSRB}\n{kept}")[FASTSRB]
    assert mixed + "(noise 0.1, units, 30 s): a, b." in part
    assert "Not recovered by residuum (noise 0, units, 30 s): c." in part
    (tmp_path / "symbolic" / "fastsrb.jsonl").unlink()
    write_rows(tmp_path, {"name": "d", "noise": 0.1})
    last = symbolic(tmp_path, f"{HEADING}\n{FASTSRB}\n{part}")[FASTSRB]
    assert "of an earlier page" not in last
    assert "(noise 0, units, 30 s): c." in last


def test_a_note_of_all_runs_is_of_the_only_one(tmp_path):
    text = symbolic(tmp_path, suite_of_all(FIRST, FIRST._replace(engine="pyoperon")))[FASTSRB]
    assert "Not recovered by residuum (noise 0, units, 30 s): a, b." in text
    assert "- pyoperon (noise 0, units, 30 s): `fault`" in text


@pytest.mark.parametrize("mixed", [True, False])
@pytest.mark.parametrize("start", ["Not recovered by ", "- "])
def test_a_note_is_read_as_it_was_written(start, mixed):
    which = (FIRST._replace(noise="its own", units="no"), SECOND._replace(seconds="0.5"))
    note = Note(start, which, "`a (b; c): d, 3 s): e`", mixed)
    assert read_suite(str(note), HEAD).notes == [note]


@pytest.mark.parametrize(
    "torn",
    [
        "| residuum | 0.1 | yes | 30 | 1 | 12",
        "| residuum | 0.1 | yes |",
        line([*SECOND._replace(seconds="3o"), *"1234567"]),
        line([*FIRST, *"7654321"]),
        "<<<<<<< HEAD",
    ],
)
def test_a_torn_table_loses_nothing(tmp_path, torn):
    before = suite_of_all(FIRST, SECOND._replace(noise="0.2"))
    whole = line([*FIRST, *"1234567"])
    text = symbolic(tmp_path, before.replace(whole, f"{whole}\n{torn}"))[FASTSRB]
    lines = text.splitlines()
    assert torn in lines
    assert {row for row in before.splitlines() if row.startswith("|")} <= set(lines)
    assert "lines that could not be read: " in text
    assert symbolic(tmp_path, f"{HEADING}\n{FASTSRB}\n{text}")[FASTSRB] == text


def test_a_table_with_other_columns_is_kept_below_the_new_one(tmp_path):
    before = suite_of_all(FIRST).replace("| median s |", "| mean s |")
    write_rows(tmp_path, {"name": "c"})
    text = symbolic(tmp_path, before)[FASTSRB]
    for _ in range(2):
        old = text.index("| mean s |")
        assert text.index("| median s |") < old < text.index(line([*FIRST, *"1234567"]))
        text = symbolic(tmp_path, f"{HEADING}\n{FASTSRB}\n{text}")[FASTSRB]


def test_sections_and_suites_without_a_like_are_kept(tmp_path):
    page = f"## Gone\n\na\n\n{HEADING}\n\n### Gone too\n\nb\n\n## Never run\n\n{MISSING}"
    text = render(tmp_path, page)
    assert sections(text, "## ")["## Gone"].strip() == f"a\n\n{KEPT}the whole section."
    assert suite(text, "### Gone too").strip() == f"b\n\n{KEPT}the whole section."
    assert "Never run" not in text
    assert render(tmp_path, text) == text


def test_the_page_of_this_clone_is_kept_whole(tmp_path):
    before = PAGE.read_text()
    after = render(tmp_path, before)
    lost = set(before.splitlines()) - set(after.splitlines())
    assert not [text for text in lost if text.startswith(("#", "|"))]
    assert "could not be read" not in after
    assert render(tmp_path, after) == after
