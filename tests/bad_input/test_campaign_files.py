"""Campaign files that are wrong or hostile: each is one message with file and YAML path."""

import time
from pathlib import Path

import pytest

from residuum.config import campaign_from_mapping, load_campaign
from residuum.errors import UserError

GOOD = """\
seed: 0
datasets:
  d:
    data: {file: d.csv, states: {hare: h, lynx: l}}
    equations: {hare_t: alpha*hare - predation(hare, lynx), lynx_t: growth(hare, lynx)}
    parameters: {alpha: {value: 1.0}}
"""


def refused(tmp_path: Path, text: str | bytes) -> str:
    path = tmp_path / "campaign.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(UserError) as caught:
        load_campaign(path)
    assert str(caught.value).startswith(str(path))
    return str(caught.value).removeprefix(str(path))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("seed: 0", "sead: 0", ": unknown key 'sead'; expected one of seed, datasets; did you"),
        ("states:", "stats:", "datasets.d.data: unknown key 'stats'; expected one of file,"),
        ("value: 1.0", "vaule: 1.0", "datasets.d.parameters.alpha: unknown key 'vaule'"),
        ("hare_t:", "haer_t:", "datasets.d.equations.haer_t: unknown state 'haer'"),
        ("alpha*hare", "alpha*haer", "equations.hare_t: unknown name 'haer'"),
        ("alpha*hare", "alpha*haer", "did you mean 'hare'?"),
        ("predation(hare, lynx)", "predation(hare, fox)", "undeclared argument 'fox'"),
        ("lynx: l}", "fox: l}", "datasets.d.equations"),
        ("seed: 0", "seed: zero", 'seed: wrong value; expected a whole number; found "zero"'),
        ("seed: 0", "seed: 1.5", "seed: wrong value; expected a whole number; found 1.5"),
        ("seed: 0", "seed: true", "seed: wrong value; expected a whole number; found true"),
        ("value: 1.0", "value: no", 'expected a number; found "no"'),
        ("value: 1.0", "value: .nan", "parameters.alpha.value"),
        ("value: 1.0", "bounds: [2, 1]", "parameters.alpha.bounds"),
        ("value: 1.0", "bounds: [2]", "parameters.alpha.bounds: too few values"),
        ("value: 1.0", "unit: furlongs per elephant", "furlongs"),
        ("{file: d.csv, ", "{", "datasets.d.data: expected either file or simulate, found neither"),
        ("data: {file", "dta: {file", "datasets.d: 'data' is missing"),
        ("data: {", "data: {noise: gausian, ", "data.noise.kind: wrong value; expected gaussian,"),
        ("data: {", "data: {noise: {kind: gaussian, size: -1}, ", "data.noise.size: expected a"),
        ("data: {", "data: {units: {hare: notaunit}, ", "notaunit"),
        ("data: {", "data: {units: {hair: m}, ", "datasets.d.data.units: unknown name 'hair'"),
        ("seed: 0", "seed: 0\nseed: 1", 'line 2: duplicate key "seed"'),
        ("seed: 0", "__use_yte__: true", "__use_yte__ is refused"),
        ("alpha*hare", "__import__('os').system('touch x')", "equations.hare_t"),
        ("alpha*hare", "alpha*hare**9**9**9", "equations.hare_t"),
        ("alpha*hare", "'(' * 9", "line 5: cannot be read as YAML"),
        ("alpha*hare", "'alpha*((hare'", "line 5: cannot be read as YAML"),
        ("alpha*hare", "((alpha*hare", "equations.hare_t"),
        ("  d:", "  ../d:", "datasets.'../d'"),
        ("  d:", "  a b:", "datasets.'a b'"),
        ("  d:", "  $(rm):", "not a name; expected letters, digits, _ and -"),
        ("  d:", "  .:", "not a name"),
        ("  d:", f"  {'a' * 65}:", "not a name"),
        ("  d:", "  1:", "key 1 is not text"),
        ("  d:", "  d: &a\n    surrogates: {pin: {}}", "unknown key 'pin'"),
        ("  d:", "  d:\n    surrogates: {pinn: {ensemble: 0}}", "surrogates.pinn.ensemble: expec"),
        ("  d:", "  d:\n    distillers: {sindy: {functions: [sine]}}", "distillers.sindy.func"),
        ("  d:", "  d:\n    select: {holdout: 1.5}", "select.holdout: expected 0 up to 1"),
        (
            "  d:",
            "  d:\n    select: {holdout: lots}",
            "select.holdout: wrong value; expected a num",
        ),
        ("  d:", "  d:\n    title: 2001-01-01", "a date"),
        ("  d:", "  d:\n    title: !!python/object/apply:os.getcwd []", "line 4"),
        ("  d:", "  d:\n    title: [", "cannot be read as YAML"),
    ],
)
def test_one_mistake_is_one_message(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in GOOD
    assert message in refused(tmp_path, GOOD.replace(old, new, 1))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty file"),
        ("# nothing\n", "empty file"),
        ("3\n", "not a mapping"),
        ("- a\n", "not a mapping"),
        ("datasets: {}\n", "datasets: no datasets"),
        ("datasets:\n", "datasets: wrong value; expected a mapping; found null"),
        ("seed: 1\n", "'datasets' is missing"),
        (b"\xff\xfe\x00", "not in UTF-8"),
        ("a: 1\n---\nb: 2\n", "cannot be read as YAML"),
        ("a: &a [*a]\n", "alias inside itself"),
        ("[" * 10_000, "cannot be read as YAML"),
        ("[" * 60 + "]" * 60, "deeper than 32 levels"),
        ("#" * 3_000_000, "too large"),
    ],
)
def test_files_that_are_no_campaign(tmp_path: Path, text: str | bytes, message: str) -> None:
    assert message in refused(tmp_path, text)


@pytest.mark.parametrize("form", ["list", "merge"])
def test_alias_bombs_end_at_once(tmp_path: Path, form: str) -> None:
    lines = ["a0: &a0 {k: 1}"]
    for index in range(1, 30):
        refers = ", ".join([f"*a{index - 1}"] * 9)
        body = f"[{refers}]" if form == "list" else f"{{<<: [{refers}]}}"
        lines.append(f"a{index}: &a{index} {body}")
    begun = time.monotonic()
    assert "aliases" in refused(tmp_path, "\n".join(lines))
    assert time.monotonic() - begun < 2.0


def test_many_mistakes_are_listed_ten_at_most(tmp_path: Path) -> None:
    text = GOOD + "".join(f"  {name}: {{}}\n" for name in "efghijkl")
    message = refused(tmp_path, text)
    lines = message.splitlines()
    assert lines[0] == ": 16 mistakes"
    assert lines[1] == "  datasets.e: 'data' is missing"
    assert lines[-1] == "  and 6 more"
    assert len(lines) == 12


def test_mistakes_in_equations_of_several_datasets_are_listed(tmp_path: Path) -> None:
    other = GOOD.split("datasets:\n")[1].replace("  d:", "  e:").replace("alpha*", "beta*")
    message = refused(tmp_path, GOOD.replace("alpha*", "beta*") + other)
    assert ": 2 mistakes" in message
    assert "datasets.d.equations.hare_t: unknown name 'beta'" in message
    assert "datasets.e.equations.hare_t: unknown name 'beta'" in message


def test_what_is_not_a_file(tmp_path: Path) -> None:
    for path, message in (
        (tmp_path / "none.yaml", "no such file"),
        (tmp_path, "not a file"),
        (Path("a\0b"), "no such file"),
    ):
        with pytest.raises(UserError, match=message):
            load_campaign(path)


def test_mappings_are_checked_as_files_are() -> None:
    with pytest.raises(UserError, match=r"config: unknown key 'sede'"):
        campaign_from_mapping({"sede": 0, "datasets": {}}, ".")
    with pytest.raises(UserError, match="refused"):
        campaign_from_mapping({"__use_yte__": True}, ".")
    with pytest.raises(UserError, match="a object"):
        campaign_from_mapping({"datasets": object()}, ".")
