"""The study of predicted governance against plain numpy and pandas on the raw files; needs the mirror."""

from __future__ import annotations

import os
import runpy
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

import gvcmetrics as gvc
from gvcmetrics.panels.build import build_panel

ROOT = Path(__file__).parents[2]
MIRROR = Path(os.environ.get("GVCMETRICS_MIRROR") or ".").resolve()
YEARS = (2000, 2007, 2011)
NUNN, SITC = "nunn_contract_intensity_isic2_3d.parquet", "world_trade_sitc4_1998_2000.parquet"
STUDY: dict[str, Any] = runpy.run_path(str(ROOT / "analysis" / "15_predicted_governance.py"))
needs_mirror = pytest.mark.skipif(
    not (MIRROR / NUNN).is_file(), reason="GVCMETRICS_MIRROR has no relationship-specific inputs"
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """Industries, cells and markets, with the world tables of the years that the study compares."""
    folder, mirror = tmp_path_factory.mktemp("project"), tmp_path_factory.mktemp("mirror")
    (mirror / "wiod2013").mkdir()
    for name in (NUNN, SITC, "concordances", *(f"wiod2013/wiot_{year}.parquet" for year in YEARS)):
        (mirror / name).symlink_to(MIRROR / name)
    (folder / "data" / "panels").mkdir(parents=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GVCMETRICS_DATA", str(folder / "data"))
        patch.setenv("GVCMETRICS_MIRROR", str(mirror))
        for name in ("wiod", *STUDY["PANELS"]):
            build_panel(shutil.copy(ROOT / "data" / "panels" / f"{name}.yaml", folder / "data" / "panels"))
        inputs, trade, goods = (gvc.panel(name) for name in STUDY["PANELS"])
        industries = STUDY["of_industries"](inputs)
        cells, markets = STUDY["assigned"](industries, trade), STUDY["entered"](goods)
        yield SimpleNamespace(industries=industries, cells=cells, markets=markets)


def exports(year: int) -> tuple[pd.DataFrame, np.ndarray]:
    """Raw exports of each country and industry, and by country of use."""
    raw = pd.read_parquet(MIRROR / "wiod2013" / f"wiot_{year}.parquet")
    raw["country"] = raw["country"].replace({"ROM": "ROU", "RoW": "ROW"})
    uses = raw.drop(columns=["country", "industry", "output"])
    where = [column.partition("_")[0] for column in uses.columns]
    sold = uses.T.groupby(pd.Series(where, uses.columns).replace({"ROM": "ROU", "RoW": "ROW"})).sum().T
    home = raw["country"].to_numpy()[:, None] == sold.columns.to_numpy()[None, :]
    abroad = sold.mask(home, 0.0)
    return raw[["country", "industry"]].assign(exports=abroad.sum(axis=1)), abroad


@needs_mirror
def test_complexity_is_carried_in_equal_parts(made: SimpleNamespace) -> None:
    nunn = pd.read_parquet(MIRROR / NUNN).set_index("industry_code")["frac_lib_diff"].astype(float)
    links = pd.read_parquet(MIRROR / "concordances" / "isic3_isic2.parquet")
    links = links[["ISIC2_3d", "ISIC2_4d", "ISIC3_4d"]].dropna().drop_duplicates()
    to = pd.read_parquet(MIRROR / "concordances" / "wiod_2013.parquet")[["ISIC3_4d", "WIOT2013_n"]]
    to = to.dropna().drop_duplicates("ISIC3_4d").set_index("ISIC3_4d")["WIOT2013_n"]
    classes = links.groupby("ISIC2_3d")["ISIC2_4d"].transform("nunique")
    ways = links.groupby("ISIC2_4d")["ISIC3_4d"].transform("nunique")
    links["weight"] = 1 / classes / ways
    links["industry"] = links["ISIC3_4d"].map(to)
    links["specific"] = links["ISIC2_3d"].map(nunn)
    known = links.dropna()
    mean = (known["weight"] * known["specific"]).groupby(known["industry"]).sum()
    mean = mean / known.groupby("industry")["weight"].sum()
    ours = made.industries["complexity"]
    np.testing.assert_allclose(ours, mean[[float(each[1:]) for each in ours.index]], rtol=1e-6)
    r, low, high = STUDY["correlation"](made.industries)
    assert r == pytest.approx(np.corrcoef(ours, made.industries["codifiability"])[0, 1])
    assert low < r < high < 0


@needs_mirror
def test_cells_equal_the_raw_tables(made: SimpleNamespace) -> None:
    shares = {}
    for year in (2000, 2007):
        found = exports(year)[0]
        found = found[found["exports"] > 10]
        world = found.groupby("industry")["exports"].transform("sum")
        shares[year] = np.log(found.set_index(["country", "industry"])["exports"] / world.to_numpy())
    growth = (shares[2007] - shares[2000]).dropna()
    ours = made.cells.set_index(["country", "industry"])["share_growth"].dropna()
    both = pd.concat([ours, growth.rename("raw")], axis=1, join="inner")
    assert len(both) >= 0.98 * len(ours)
    # Closing the table spreads what rounding leaves; of small exporters it moves much.
    assert np.median(np.abs(both["share_growth"] - both["raw"])) < 5e-3

    sitc = pd.read_parquet(MIRROR / SITC)
    small = made.cells.set_index(["country", "industry"])
    total = sitc["value"].sum()
    for country in ("deu", "mex"):
        # Transport equipment but for a few products that other industries make too: SITC 78 and 79.
        mine = sitc[sitc["country"] == country]
        vehicles = sitc["product"].str[:2].isin(["78", "79"])
        plain = (
            mine.loc[vehicles, "value"].sum()
            / mine["value"].sum()
            / (sitc.loc[vehicles, "value"].sum() / total)
        )
        assert small.loc[(country.upper(), "c15"), "rca"] == pytest.approx(plain, rel=0.15)

    rules = {(0, 1, 1): "market", (1, 1, 1): "modular", (1, 0, 1): "relational", (1, 1, 0): "captive"}
    rules[(1, 0, 0)] = "hierarchy"
    industries = made.industries
    above = industries[["complexity", "codifiability"]] > industries[["complexity", "codifiability"]].median()
    for _, row in made.cells.iterrows():
        key = (*above.loc[row["industry"]].astype(int), int(row["rca"] >= 1))
        assert rules.get(key) == (row["predicted"] if pd.notna(row["predicted"]) else None)


def z(values: pd.Series) -> pd.Series:
    return (values - values.mean()) / values.std()


def dummies(frame: pd.DataFrame, *names: str) -> pd.DataFrame:
    return pd.concat(
        [pd.get_dummies(frame[name].astype(str), prefix=name, dtype=float) for name in names], axis=1
    )


@needs_mirror
def test_types_and_inputs_equal_least_squares(made: SimpleNamespace) -> None:
    used = made.cells.dropna(subset=["share_growth", "predicted"]).reset_index(drop=True)
    terms = pd.get_dummies(used["predicted"], dtype=float)[["modular", "relational", "captive", "hierarchy"]]
    X = np.column_stack([terms, dummies(used, "country")])
    y = z(used["share_growth"]).to_numpy()

    def slopes(kept: np.ndarray) -> np.ndarray:
        return np.linalg.lstsq(X[kept], y[kept], rcond=None)[0][:4]

    whole = slopes(np.ones(len(used), dtype=bool))
    result = STUDY["by_type"](made.cells, "share_growth")
    np.testing.assert_allclose(result.params, whole, rtol=1e-6, atol=1e-9)

    gap, _ = STUDY["differs"](made.cells)
    other = z(used["kept_change"]).to_numpy()
    both = np.linalg.lstsq(X, y - other, rcond=None)[0][2]
    assert gap[0] == pytest.approx(both, rel=1e-5)

    cells = made.cells.dropna(subset=["kept_change", *STUDY["INPUTS"]]).reset_index(drop=True)
    scaled = {name: z(cells[name]) for name in STUDY["INPUTS"]}
    able = scaled["capability"]
    X = np.column_stack(
        [
            able,
            scaled["complexity"] * able,
            scaled["codifiability"] * able,
            dummies(cells, "country", "industry"),
        ]
    )
    beta = np.linalg.lstsq(X, z(cells["kept_change"]).to_numpy(), rcond=None)[0][:3]
    ours = STUDY["by_input"](made.cells, "kept_change")
    np.testing.assert_allclose(ours.params, beta, rtol=1e-6)


@needs_mirror
def test_markets_equal_the_raw_tables_and_least_squares(made: SimpleNamespace) -> None:
    markets = made.markets
    raw = pd.read_parquet(MIRROR / "wiod2013" / "wiot_2007.parquet")
    of = raw["industry"] == "c4"
    bought = raw.loc[of, "USA_f1"]
    row = markets[
        (markets["year"] == 2007)
        & (markets["product"] == "c4")
        & (markets["importer"] == "USA")
        & (markets["exporter"] == "ITA")
    ].iloc[0]
    shown = raw["country"] != "RoW"
    mine = raw.loc[of & (raw["country"] == "ITA"), "USA_f1"].iloc[0]
    assert row["log_share"] == pytest.approx(np.log(mine / bought[shown].sum()), rel=1e-9)

    shocks = markets[markets["year"] == 2007].drop_duplicates(["importer", "product"])
    found, abroad = exports(2007)
    chinese = found["country"] == "CHN"
    by_hand = []
    for importer, product in zip(shocks["importer"], shocks["product"], strict=True):
        elsewhere = found["exports"] - abroad[importer]
        mine = found["industry"] == product
        by_hand.append(elsewhere[mine & chinese].sum() / elsewhere[mine].sum())
    # Scaled in the study, so compared by their correlation; the closed table differs by rounding.
    assert np.corrcoef(shocks["shock"], by_hand)[0, 1] > 0.9999

    result = STUDY["tacit"](markets, "flow + year")
    terms = pd.DataFrame({"shock": markets["shock"], "both": markets["shock"] * markets["tacitness"]})
    left = pd.concat([markets[["log_share"]], terms, pd.get_dummies(markets["year"], dtype=float)], axis=1)
    within = left - left.groupby(markets["flow"]).transform("mean")
    beta = np.linalg.lstsq(within.iloc[:, 1:], within["log_share"], rcond=None)[0][:2]
    np.testing.assert_allclose(result.params, beta, rtol=1e-5)


def said_of(values: dict[str, float], error: float = 0.01) -> SimpleNamespace:
    """A result of which a sentence reads estimates, intervals and N."""
    params = pd.Series(values, dtype=float)
    bounds = pd.DataFrame({"low": params - 2 * error, "high": params + 2 * error})
    return SimpleNamespace(params=params, nobs=9, n_clusters={"industry": 11}, conf_int=lambda: bounds)


def test_sentences_turn_with_the_numbers() -> None:
    def inputs(slope: float) -> str:
        rng = np.random.default_rng(0)
        x = np.linspace(0, 1, 14)
        frame = pd.DataFrame({"complexity": x, "codifiability": slope * x + 0.02 * rng.normal(size=14)})
        for name in ("complexity", "codifiability"):
            frame[f"{name}_high"] = (frame[name] > frame[name].median()).astype(float)
        return STUDY["inputs_in_words"](frame)

    assert "the more complex are the less codifiable: −1.00" in inputs(-1.0)
    assert "the more complex are the more codifiable: 1.00" in inputs(1.0)
    assert "are not told to go together" in inputs(0.0001)
    assert "captive governance rest on 0 of them, predicted market on 7" in inputs(-1.0)
    assert "captive governance rest on 7 of them, predicted market on 0" in inputs(1.0)

    def shadow(share: float, kept: float, p: float) -> str:
        name = "predicted[T.captive]"
        gap = (share - kept, share - kept - 0.1, share - kept + 0.1)
        return STUDY["shadow_in_words"](said_of({name: share}), said_of({name: kept}), gap, p)

    first = shadow(0.3, -0.2, 0.01)
    assert "predicted captive grew more, 0.30" in first
    assert "domestic content rose less, −0.20" in first
    assert "are told apart (p = 0.010): 0.50" in first
    second = shadow(-0.3, 0.2, 0.3)
    assert "grew less" in second
    assert "rose more" in second
    assert "are not told apart" in second
    assert "grew neither more nor less" in shadow(0.0, 0.0, 0.3)

    def tacit(entry: float, kept: float, strict: float, p: float) -> str:
        name = "shock:tacitness"
        return STUDY["tacit_in_words"](said_of({"shock": entry, name: kept}), said_of({name: strict}), p)

    assert "consumer goods falls (−0.20" in tacit(-0.2, 0.1, 0.1, 0.01)
    assert "exporters keep more of it (0.10 (0.08 to 0.12), bootstrap p = 0.010" in tacit(
        -0.2, 0.1, 0.1, 0.01
    )
    assert "taken out, less" in tacit(-0.2, 0.1, -0.1, 0.01)
    assert "keep more by the interval, but not by the bootstrap, of it" in tacit(-0.2, 0.1, 0.1, 0.2)
    assert "consumer goods rises" in tacit(0.2, -0.1, 0.0, 0.01)
    assert "keep less of it" in tacit(0.2, -0.1, 0.0, 0.01)
    assert "keep neither more nor less of it" in tacit(0.0, 0.0, 0.0, 0.9)
