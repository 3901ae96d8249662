"""Tables of results and of frames: what they hold, before any format."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import gvcmetrics as gvc
from gvcmetrics import table
from gvcmetrics.errors import DataError, SpecError
from gvcmetrics.report.tables.render.tidy import records
from gvcmetrics.report.tables.terms import effect_label, term_label


def labels_of(made):
    return [row.label for block in made.blocks for row in block.rows if row.label]


def texts_of(made, label):
    rows = [row for block in made.blocks for row in block.rows]
    place = next(place for place, row in enumerate(rows) if row.label == label)
    under = rows[place + 1] if place + 1 < len(rows) and not rows[place + 1].label else None
    return [cell.text + cell.stars for cell in rows[place].cells], [
        cell.text for cell in (under.cells if under else ())
    ]


def test_results_of_different_models_stand_side_by_side(results):
    made = table(results, labels={"log_rd": "Log R&D"})
    assert texts_of(made, "Log R&D") == (["0.123***", "4.0e-05**"], ["(0.040)", "(1.0e-05)"])
    assert texts_of(made, "Log R&D × size") == (["", "-2.000*"], ["", "(1.200)"])
    assert texts_of(made, "Constant") == (["-1.500", ""], ["(1.000)", ""])
    assert texts_of(made, "Observations")[0] == ["1,629", "900"]
    assert texts_of(made, "Clusters")[0] == ["181", ""]
    assert texts_of(made, "R²")[0] == ["0.512", ""]
    assert texts_of(made, "Pseudo R²")[0] == ["", "0.200"]
    assert texts_of(made, "Log likelihood")[0] == ["", "-1,234.6"]
    assert texts_of(made, "Mean of outcome")[0] == ["12.346", ""]
    assert texts_of(made, "Year effects")[0] == ["✓", ""]
    assert texts_of(made, "Region × industry effects")[0] == ["", "✓"]
    assert texts_of(made, "Unit effects")[0] == ["", "random"]
    assert texts_of(made, "Clustered by")[0] == ["firm_id", ""]
    assert made.notes[0].text.startswith(
        "Standard errors in parentheses: clustered by firm_id in (1); robust in (2). "
    )
    assert [block.title for block in made.blocks] == ["", "Cutpoints", "", ""]
    assert [[span.text for span in level] for level in made.headers] == [
        ["patents", "innovates"],
        ["OLS", "Ordered logit"],
        ["(1)", "(2)"],
    ]


@pytest.mark.parametrize(
    ("p_value", "mark"),
    [(0.0099999, "***"), (0.01, "**"), (0.0499, "**"), (0.05, "*"), (0.0999, "*"), (0.1, ""), (math.nan, "")],
)
def test_star_thresholds_are_strict(results, p_value, mark):
    results[0].terms = {"x": (1.0, 1.0, p_value)}
    assert texts_of(table(results[0]), "x")[0] == [f"1.000{mark}"]


def test_stars_can_be_changed_and_left_out(results):
    results[0].terms = {"x": (1.0, 1.0, 0.002)}
    changed = table(results[0], stars={"+": 0.05, "++": 0.001})
    assert texts_of(changed, "x")[0] == ["1.000+"]
    assert "+ p < 0.05, ++ p < 0.001." in changed.notes[0].text
    without = table(results[0], stars=False)
    assert texts_of(without, "x")[0] == ["1.000"]
    assert "p <" not in without.notes[0].text


@pytest.mark.parametrize(
    ("below", "under"),
    [
        ("std_error", ["(0.040)"]),
        ("statistic", ["(3.086)"]),
        ("p_value", ["(0.002)"]),
        ("conf_int", ["[0.043, 0.203]"]),
        (None, []),
    ],
)
def test_what_stands_below_an_estimate(results, below, under):
    results[0].terms = {"x": (0.123456, 0.04, 0.002)}
    assert texts_of(table(results[0], below=below), "x")[1] == under


def test_the_note_names_the_level_of_the_intervals_that_are_printed():
    rng = np.random.default_rng(1)
    made = gvc.ols("y ~ x", pd.DataFrame({"x": rng.normal(size=40), "y": rng.normal(size=40)}))
    shown = table(made, below="conf_int")
    assert "95% confidence intervals in brackets" in shown.notes[0].text
    half = stats.t.ppf(0.975, 38) * made.std_errors["x"]
    low, high = made.params["x"] - half, made.params["x"] + half
    assert texts_of(shown, "x")[1] == [f"[{low:.3f}, {high:.3f}]"]


def test_keep_drop_and_order_match_names_and_labels(results):
    results[0].terms = dict.fromkeys(("Intercept", "rd", "rd_lag", "size", "age"), (1.0, 1.0, 0.5))
    labels = {"age": "Years since founding"}

    def printed(**choice):
        return labels_of(table(results[0], labels=labels, **choice))[:-5]

    assert printed() == ["rd", "rd_lag", "size", "Years since founding", "Constant", "Year effects"]
    assert printed(keep="^rd") == ["rd", "rd_lag", "Year effects"]
    assert printed(keep=["^rd$", "founding"]) == ["rd", "Years since founding", "Year effects"]
    assert printed(drop=["^rd", "Constant"]) == ["size", "Years since founding", "Year effects"]
    assert printed(drop="rd", order=["Intercept", "age"]) == [
        "Constant",
        "Years since founding",
        "size",
        "Year effects",
    ]


def test_parameters_of_an_equation_stand_under_its_name_without_it(results):
    results[0].terms = {"captive: log_rd": (1.0, 0.5, 0.04), "modular: log_rd": (2.0, 0.5, 0.001)}
    results[0].blocks = {"captive: log_rd": "captive", "modular: log_rd": "modular"}
    made = table(results[0], keep="^log_rd$")
    assert [(block.title, block.rows[0].label) for block in made.blocks[:2]] == [
        ("captive", "log_rd"),
        ("modular", "log_rd"),
    ]


def test_equations_come_before_cutpoints_and_correlations_and_have_labels(results):
    first, second = results
    first.terms = {"1|2": (1.0, 0.5, 0.001), "sigma_u": (0.5, 0.1, 0.001), "size": (1.0, 0.5, 0.04)}
    first.blocks = {"1|2": "Cutpoints", "sigma_u": "Unit effect"}
    second.terms = {"rd: size": (2.0, 0.5, 0.001), "rho(rd, patents)": (0.3, 0.1, 0.003)}
    second.blocks = {"rd: size": "rd", "rho(rd, patents)": "Correlations"}
    second.outcome = "rd + patents"
    made = table(results, labels={"rd": "R&D", "patents": "Patents"})
    titles = ["", "R&D", "Cutpoints", "Unit effect", "Correlations"]
    assert [block.title for block in made.blocks[:5]] == titles
    assert texts_of(made, "1|2")[0] == ["1.000", ""]
    assert texts_of(made, "sigma_u")[0] == ["0.500", ""]
    assert texts_of(made, "rho(R&D, Patents)")[0] == ["", "0.300***"]
    assert [span.text for span in made.headers[0]] == ["Patents", "R&D + Patents"]


def test_headers_and_groups_merge_equal_neighbours(results):
    made = table([results[0]] * 3, headers=["All", "All", "Large"], groups=["A", "B", "B"])
    assert [[(span.text, span.width) for span in level] for level in made.headers] == [
        [("A", 1), ("B", 2)],
        [("All", 2), ("Large", 1)],
        [("(1)", 1), ("(2)", 1), ("(3)", 1)],
    ]
    assert made.columns == ("(1) All", "(2) All", "(3) Large")
    named = table({"Small": results[0], "Large": results[0]})
    assert [span.text for span in named.headers[0]] == ["Small", "Large"]


def test_notes_say_inference_sources_sample_and_calls(results, real):
    notes = table(results[0], provenance=real, sample="firms with R&D.", notes=["Mine."]).notes
    assert [note.text for note in notes] == [
        "Mine.",
        "Standard errors in parentheses: clustered by firm_id. * p < 0.1, ** p < 0.05, *** p < 0.01.",
        "Sample: firms with R&D.",
        "Source: Patents & R&D <1983–91> (Ecdat; GPL-2).",
        "(1)",
    ]
    assert notes[-1].code == results[0].call
    assert all(not note.code for note in table(results, calls=False).notes)


def test_labels_and_provenance_come_from_the_frames(results, simulated):
    results[0].sample.source.attrs.update(labels={"log_rd": "Carried"}, provenance=simulated)
    made = table(results)
    assert "Carried" in labels_of(made)
    assert "Given" in labels_of(table(results, labels={"log_rd": "Given"}))
    assert made.simulated
    assert all(record["simulated"] for record in records(made))


def test_real_data_carry_no_mark(results, real):
    assert not table(results, provenance=[real]).simulated


def test_the_mean_of_the_outcome_is_weighted_and_needs_a_number(results):
    results[0].sample.weights = np.array([3.0, 1.0])
    made = table(results[0])
    assert texts_of(made, "Mean of outcome")[0] == ["11.173"]
    results[0].sample.categories = ("low", "high")
    assert "Mean of outcome" not in labels_of(table(results[0]))


def test_notes_say_what_a_reader_must_know_of_a_column(results):
    results[0].converged, results[0].dropped = False, {"missing value": 1200, "singleton": 3}
    results[0].notes = ("Units: firm_id.",)
    assert table(results, calls=False).notes[-1].text == (
        "(1) NOT CONVERGED: do not use these estimates. "
        "Left out: 1,200 rows (missing value), 3 rows (singleton). Units: firm_id."
    )


def test_several_cluster_variables_print_each_count(results):
    results[0].n_clusters = {"country": 12, "industry": 30}
    assert texts_of(table(results[0]), "Clusters")[0] == ["12, 30"]


def test_extra_rows_and_named_statistics(results):
    made = table(
        results, rows={"Period": ["1983–91", "1991"]}, statistics={"r2": "R-squared", "loglik": "log L"}
    )
    assert texts_of(made, "Period")[0] == ["1983–91", "1991"]
    assert texts_of(made, "R-squared")[0] == ["0.512", ""]
    assert "Pseudo R²" not in labels_of(made)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"below": "se"}, "below='se'"),
        ({"headers": ["one"]}, "'headers' has 1 entries for 2 results"),
        ({"groups": ["a", "b", "c"]}, "'groups' has 3 entries for 2 results"),
        ({"rows": {"Period": [1]}}, "'Period' has 1 entries for 2 results"),
        ({"keep": "nothing"}, "The terms are: log_rd, Intercept"),
    ],
)
def test_wrong_options_are_explained(results, options, message):
    with pytest.raises(SpecError) as error:
        table(results, **options)
    assert message in str(error.value)


def test_no_results_is_an_error():
    with pytest.raises(SpecError, match="no results"):
        table([])


@pytest.mark.parametrize(
    ("term", "label"),
    [
        ("rd", "R&D"),
        ("rd:size", "R&D × size"),
        ("C(sector)[T.food: dry]:rd", "Sector = food: dry × R&D"),
        ("sector[T.steel]", "Sector = steel"),
        ("C(sector, contr.treatment)[2]", "Sector = 2"),
        ("log(rd)", "log(R&D)"),
        ("I(rd ** 2)", "R&D²"),
        ("np.log(rd):log(size)", "np.log(R&D) × log(size)"),
        ("(Intercept)", "Constant"),
        ("rd:size:age", "Triple"),
        ("sector: rd:size", "Sector: R&D × size"),
    ],
)
def test_term_labels(term, label):
    assert term_label(term, {"rd": "R&D", "sector": "Sector", "rd:size:age": "Triple"}) == label


def test_effect_labels():
    assert effect_label("firm_id") == "Firm id effects"
    assert effect_label("country^year", {"country": "Exporter"}) == "Exporter × year effects"


def test_frame_prints_by_type_and_format():
    frame = pd.DataFrame(
        {
            "rows": [1629, 7],
            "share": [0.256, math.nan],
            "mean": [1.23456, -2.0],
            "seen": [True, False],
            "licence": ["GPL-2", None],
        },
        index=pd.Index(["patents_rd", "cars"], name="panel"),
    )
    frame.attrs["labels"] = {"rows": "Rows", "panel": "Panel", "cars": "Passenger cars"}
    made = table(frame, formats={"share": ".0%"})
    assert made.stub == "Panel"
    assert [span.text for span in made.headers[0]] == ["Rows", "share", "mean", "seen", "licence"]
    assert made.align == ("r", "r", "r", "l", "l")
    assert texts_of(made, "patents_rd")[0] == ["1,629", "26%", "1.235", "✓", "GPL-2"]
    assert texts_of(made, "Passenger cars")[0] == ["7", "–", "-2.000", "", "–"]
    assert [(r["row"], r["value"]) for r in records(made) if r["column"] == "share"] == [
        ("patents_rd", 0.256),
        ("Passenger cars", None),
    ]


def test_two_levels_make_blocks_and_shared_headers():
    frame = pd.DataFrame(
        [[1, 2, 3], [4, 5, 6], [7, 8, 9]],
        index=pd.MultiIndex.from_tuples([("A", "x"), ("A", "y"), ("B", "x")]),
        columns=pd.MultiIndex.from_tuples([("g", "n"), ("g", "m"), ("h", "n")]),
    )
    made = table(frame)
    assert [(block.title, len(block.rows)) for block in made.blocks] == [("A", 2), ("B", 1)]
    assert [(span.text, span.width) for span in made.headers[0]] == [("g", 2), ("h", 1)]
    assert made.columns == ("g n", "g m", "h n")


def test_a_cross_table_keeps_the_name_of_its_columns():
    counts = pd.crosstab(pd.Series(["up", "down"], name="from"), pd.Series(["up", "up"], name="to"))
    made = table(counts)
    assert made.stub == "from"
    assert [[(span.text, span.width) for span in level] for level in made.headers] == [
        [("to", 1)],
        [("up", 1)],
    ]


def test_without_an_index_the_first_column_labels_the_rows():
    made = table(pd.DataFrame({"country": ["ITA", "BRA"], "value": [1.0, 2.0]}))
    assert (made.stub, labels_of(made), made.columns) == ("country", ["ITA", "BRA"], ("value",))


def test_mixed_rows_print_each_number_by_its_type():
    frame = pd.DataFrame({"all": [10, 0.5]}, index=["N", "mean"], dtype=object)
    assert [texts_of(table(frame), label)[0] for label in ("N", "mean")] == [["10"], ["0.500"]]


def test_frame_provenance_marks_and_cites(simulated):
    frame = pd.DataFrame({"n": [1]}, index=["a"])
    frame.attrs["provenance"] = simulated
    made = table(frame)
    assert made.simulated
    assert made.notes[-1].text == "Source: Benchmark economy (Ecdat; GPL-2)."


def test_frames_that_cannot_be_printed():
    with pytest.raises(DataError, match="nothing to print"):
        table(pd.DataFrame())
    with pytest.raises(DataError, match="more than two levels"):
        table(pd.DataFrame({"n": [1]}, index=pd.MultiIndex.from_tuples([(1, 2, 3)])))
    with pytest.raises(DataError, match="neither row labels nor a second column"):
        table(pd.DataFrame({"n": [1]}))
    with pytest.raises(SpecError, match="no column 'mean' to format"):
        table(pd.DataFrame({"n": [1]}, index=["a"]), formats={"mean": ".1f"})
