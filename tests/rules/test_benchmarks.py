"""The benchmarks judge by their targets, and their page has a place for all that they measure."""

import re
from functools import partial
from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks import plot, raw, raw_symbols, report, tables
from benchmarks.measure import Figure, in_turns
from benchmarks.report import Run
from benchmarks.targets import POSTGRESQL, SQLITE, TARGETS, verdicts
from openalgo_store.tables.symbols import symbols
from tests.support import zerodha_rows

ORDER = Figure(
    "order, with commit",
    SQLITE,
    "µs",
    {"raw": [100, 200, 100], "ours": [150, 320, 190], "orm": [900, 900, 900]},
)


PARTS = {
    name: f"<!-- measured: {name} -->\nold\n<!-- end -->"
    for name in ("facts", "targets", "orders", "reads")
}


def test_each_round_begins_with_another_way() -> None:
    done: list[str] = []

    def way(name: str) -> tuple[float]:
        done.append(name)
        return (1.0,)

    names = ("a", "b", "c")
    measured = in_turns({name: partial(way, name) for name in names}, 3)
    assert "".join(done) == "abcbcacab"
    assert measured == {name: [(1.0,)] * 3 for name in names}


def test_a_ratio_is_the_median_of_the_ratios_of_the_rounds() -> None:
    assert ORDER.ratio("ours", to="raw") == 1.6
    assert ORDER.median("ours") == 190
    assert ORDER.ratio("core", to="raw") is None
    assert ORDER.median("core") is None


def test_a_figure_is_judged_by_each_of_its_targets() -> None:
    assert [(each.promise, each.met) for each in verdicts(ORDER)] == [
        ("at most 1.8 × raw", True),
        ("ORM at least 4 ×", True),
    ]
    slower = ORDER._replace(rounds=ORDER.rounds | {"ours": [400, 400, 400]})
    assert [each.met for each in verdicts(slower)] == [False, False]
    errors = Figure("8 processes of 4 threads, errors", SQLITE, "", {"ours": [1]})
    assert [each.met for each in verdicts(errors)] == [False]


def test_a_target_that_no_figure_tells_of_is_not_met_in_silence() -> None:
    told = tables.of_targets([ORDER])
    assert told.count("not measured") == sum(map(len, TARGETS.values())) - 1


def test_of_several_runs_the_targets_tell_what_each_measured() -> None:
    slower = ORDER._replace(rounds=ORDER.rounds | {"ours": [400, 400, 400]})
    told = tables.of_targets([ORDER], [slower], [])
    assert re.search(r"at most 1\.8 × raw +\| 1\.6 / 4 +\| met in 1 of 2 ", told)
    for runs, count in (
        ([[ORDER], [ORDER], []], "2 of 2 targets met, by each run that measured them; 0 were"),
        ([[ORDER], [slower]], "0 of 2 targets met, by each run that measured them; 0 were"),
        ([[ORDER], []], "2 of 2 targets met, by each run that measured them; 2 were measured once"),
        ([[slower]], "0 of 2 targets met"),
    ):
        assert tables.count_of_targets(*runs).startswith(count)
    assert re.search(r"at most 1\.8 × raw +\| 1\.6 +\| met +\|", tables.of_targets([ORDER]))


def test_runs_of_other_ways_are_judged_by_what_each_has() -> None:
    no_raw, no_orm = (
        ORDER._replace(rounds={way: each for way, each in ORDER.rounds.items() if way != left_out})
        for left_out in ("raw", "orm")
    )
    told = tables.of_targets([no_orm], [no_raw])
    assert re.search(r"at most 1\.8 × raw +\| 1\.6 +\| met +\|", told)
    assert re.search(r"ORM at least 4 × +\| 4\.74 +\| met +\|", told)


def test_a_run_is_kept_with_every_round(tmp_path: Path) -> None:
    run = Run(["a fact"], {"orders": [ORDER]})
    report.save(run, tmp_path / "run.json")
    assert report.load(tmp_path / "run.json") == run


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A page and a plot to write."""
    page = tmp_path / "page.md"
    page.write_text("by hand\n" + "\n".join(PARTS.values()))
    monkeypatch.setattr(report, "PAGE", page)
    monkeypatch.setattr(report, "PLOT", page.with_suffix(".svg"))
    return page


def test_a_run_writes_its_parts_of_the_page_and_no_other(page: Path) -> None:
    report.write(Run(["a fact"], {"orders": [ORDER]}))
    text = page.read_text()
    assert text.startswith("by hand\n")
    assert PARTS["reads"] in text
    assert "- a fact" in text
    assert tables.of_figures([ORDER]) in text
    assert text.count("old") == 1
    with pytest.raises(ValueError, match="no place for writers"):
        report.write(Run([], {"writers": []}))


def test_of_later_runs_the_page_tells_the_targets_and_what_was_another(page: Path) -> None:
    run = Run(["a fact"], {"orders": [ORDER]})
    slower = ORDER._replace(rounds=ORDER.rounds | {"ours": [400, 400, 400]})
    report.write(run)
    plot_of_one = page.with_suffix(".svg").read_text()
    report.write(run, Run(["a fact", "Another."], {"orders": [slower]}), run)
    text = page.read_text()
    again = "- Measured again, as the targets tell: `orders`."
    assert f"- a fact\n{again} Another.\n{again}\n" in text
    assert "1.6 / 4 / 1.6" in text
    assert tables.of_figures([ORDER]) in text
    assert page.with_suffix(".svg").read_text() == plot_of_one


def test_the_plot_shows_both_engines_and_what_lies_beyond_its_scale() -> None:
    far = ORDER._replace(engine=POSTGRESQL, rounds=ORDER.rounds | {"orm": [50_000] * 3})
    drawn = plot.drawn([ORDER, far])
    assert ElementTree.fromstring(drawn).tag == "{http://www.w3.org/2000/svg}svg"
    assert drawn.index(SQLITE) < drawn.index(POSTGRESQL)
    assert ">500 ×<" in drawn
    assert "NaN" not in drawn


def test_the_raw_driver_reads_a_file_into_every_column_that_it_has(tmp_path: Path) -> None:
    assert set(raw_symbols.COLUMNS) == {*symbols.columns.keys()} - {"id", "contract_value"}
    file = tmp_path / "day.csv"
    file.write_text(f"{zerodha_rows.HEADER}{zerodha_rows.RELIANCE}")
    database = raw.connect("sqlite:///:memory:")
    (row,) = raw_symbols.read_file(database, file, "zerodha")
    database.connection.close()
    assert len(row) == len(raw_symbols.COLUMNS)


def test_the_page_has_a_place_for_every_subject() -> None:
    source = Path(report.__file__).with_name("__main__.py").read_text()
    subjects = re.findall(r'^    "([a-z-]+)": \w+\.run,$', source, re.MULTILINE)
    places = re.findall(r"<!-- measured: (\S+) -->", report.PAGE.read_text())
    assert sorted(places) == sorted(["facts", "targets", *subjects])
