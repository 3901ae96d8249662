"""Tables and figures of real estimates: what is printed is what the model holds."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import gvcmetrics as gvc
from gvcmetrics.report import coefficient_plot
from gvcmetrics.report.tables.render.tidy import records


@pytest.fixture(scope="module")
def firms() -> pd.DataFrame:
    draw = np.random.default_rng(3)
    frame = pd.DataFrame({"firm": np.repeat(np.arange(40), 5), "year": np.tile(np.arange(5), 40)})
    frame["rd"] = draw.normal(size=200)
    frame["group"] = np.where(frame["firm"] % 2, "a", "b")
    frame["sales"] = 2 + 0.5 * frame["rd"] + draw.normal(size=40)[frame["firm"]] + draw.normal(size=200)
    frame["patents"] = draw.poisson(np.exp(0.3 * frame["rd"]))
    frame.loc[:3, "rd"] = np.nan
    frame.attrs["labels"] = {"rd": "R&D", "sales": "Sales"}
    frame.attrs["provenance"] = {
        "title": "Made-up firms",
        "source_title": "a generator",
        "licence": "MIT",
        "simulated": True,
    }
    return frame


@pytest.fixture(scope="module")
def estimates(firms):
    return [
        gvc.ols("sales ~ rd*group", firms, vcov={"CRV1": "firm"}),
        gvc.ols("sales ~ rd | year", firms, unit="firm", time="year", effects="fixed", vcov="hetero"),
        gvc.ols("sales ~ rd", firms, unit="firm", time="year", effects="random"),
        gvc.poisson("patents ~ rd | year", firms, vcov={"CRV1": "firm + year"}),
    ]


@pytest.mark.filterwarnings("ignore::gvcmetrics.errors.EstimationWarning")
def test_every_number_of_real_estimates_is_in_the_table(estimates):
    tidy = pd.DataFrame(records(gvc.table(estimates)))
    for number, result in enumerate(estimates, start=1):
        column = tidy[tidy["column_number"] == number]
        for statistic, expected in (
            ("estimate", result.params),
            ("std_error", result.std_errors),
            ("p_value", result.pvalues),
        ):
            found = column[column["statistic"] == statistic].set_index("name")["value"]
            pd.testing.assert_series_equal(
                found, expected.loc[found.index], check_names=False, check_index_type=False, rtol=0
            )
            assert len(found) == len(expected)
        values = column[column["value"].notna()].groupby("statistic")["value"].first()
        # Firm 0 has one year left, which its own effect takes up.
        assert values["nobs"] == result.nobs == (195 if number == 2 else 196)
        assert values["outcome_mean"] == pytest.approx(result.sample.y.mean(), rel=1e-15)
        for key in {"r2", "r2_within", "pseudo_r2"} & set(result.statistics):
            assert values[key] == result.statistics[key]


@pytest.mark.filterwarnings("ignore::gvcmetrics.errors.EstimationWarning")
def test_real_estimates_side_by_side(estimates, tmp_path):
    made = gvc.table(estimates, title="Firms")
    rows = {row.label: [cell.text for cell in row.cells] for block in made.blocks for row in block.rows}
    assert "R&D × group = b" in rows
    assert rows["Year effects"] == ["", "✓", "", "✓"]
    assert rows["Unit effects"] == ["", "fixed", "random", ""]
    assert rows["Clustered by"] == ["firm", "", "", "firm, year"]
    assert rows["Clusters"] == ["40", "", "", "40, 5"]
    assert [(span.text, span.width) for span in made.headers[0]] == [("Sales", 3), ("patents", 1)]
    assert made.simulated
    notes = [note.text for note in made.notes]
    assert "Source: Made-up firms (a generator; MIT)." in notes
    assert all("4 rows" in note for note in notes[-4:])
    assert [note.code for note in made.notes[-4:]] == [result.call for result in estimates]
    assert len(made.save_all(tmp_path / "t")) == 6


@pytest.mark.filterwarnings("ignore::gvcmetrics.errors.EstimationWarning")
def test_a_new_covariance_changes_errors_and_not_estimates(estimates):
    again = estimates[0].with_vcov("hetero")
    tidy = pd.DataFrame(records(gvc.table([estimates[0], again]))).pivot_table(
        index=["statistic", "name"], columns="column_number", values="value"
    )
    np.testing.assert_array_equal(tidy.loc["estimate", 1], tidy.loc["estimate", 2])
    assert (tidy.loc["std_error", 1] != tidy.loc["std_error", 2]).all()


def test_real_estimates_as_a_figure(estimates):
    axes = coefficient_plot({"OLS": estimates[0], "Random": estimates[2]}, keep="^rd$").axes[0]
    drawn = [line.get_xdata()[0] for line in axes.lines if line.get_label() in {"OLS", "Random"}]
    assert drawn == [estimates[0].params["rd"], estimates[2].params["rd"]]


def test_one_coefficient_in_two_spellings_is_one_row(firms):
    data = firms.assign(post=(firms["year"] > 2).astype(int))
    made = [
        gvc.ols("sales ~ rd:post + group", data),
        gvc.ols("sales ~ post:rd + C(group)", data),
        gvc.ols("sales ~ post:rd:group + C(group, Treatment('b'))", data),
        gvc.ols("sales ~ group:rd:post + rd", data),
    ]
    tidy = pd.DataFrame(records(gvc.table(made)))
    names = tidy[tidy["statistic"] == "estimate"].groupby("column_number")["name"].agg(list)
    assert names[1] == names[2] == ["group[T.b]", "rd:post", "Intercept"]
    # Another base is another coefficient.
    assert "C(group, Treatment('b'))[T.a]" in names[3]
    assert {name for name in names[3] if name.count(":") == 2} == {
        name for name in names[4] if name.count(":") == 2
    }
    for number, result in enumerate(made[:2], start=1):
        column = tidy[(tidy["column_number"] == number) & (tidy["statistic"] == "estimate")]
        np.testing.assert_allclose(sorted(column["value"]), sorted(result.params))
