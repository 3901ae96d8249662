"""Crosswalks: a small set of tables with known answers, and the real ones where the mirror has them."""

from __future__ import annotations

import itertools
import os
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gvcmetrics.errors import DataError, MissingSourceError
from gvcmetrics.panels.contracts import ISIC4_DIVISIONS
from gvcmetrics.panels.crosswalks.convert import convert, describe
from gvcmetrics.panels.crosswalks.links import Crosswalk, crosswalk, links_for
from gvcmetrics.panels.crosswalks.rauch import differentiated_share

REFERENCE = Path(__file__).parents[2] / "reference" / "crosswalks"
MIRROR = os.environ.get("GVCMETRICS_MIRROR")
needs_mirror = pytest.mark.skipif(
    not MIRROR or not (Path(MIRROR) / "concordances").is_dir(),
    reason="needs the crosswalk tables (GVCMETRICS_MIRROR)",
)


def trade(**values: list[object]) -> pd.DataFrame:
    return pd.DataFrame({"exporter": "DEU", **values})


def weights(source: str, target: str, **options: object) -> dict[tuple[str, str | None], float]:
    links = crosswalk(source, target, **options).links  # type: ignore[arg-type]
    return {(s, None if pd.isna(t) else t): w for s, t, w in links.itertuples(index=False)}


@pytest.mark.usefixtures("small")
def test_equal_weights_at_every_level() -> None:
    found = weights("HS1", "HS0")
    assert found["010210", "010210"] == found["010210", "010290"] == 0.5
    assert found["010110", "010111"] == found["999999", None] == 1
    # Heading 0102 has one code, chapter 01 has two: half of it goes to each, and half of that on.
    assert found["0102", "010290"] == 0.5
    assert found["01", "010111"] == 0.5
    assert found["01", "010290"] == 0.25


@pytest.mark.usefixtures("small")
def test_backwards_splits_what_forwards_joins() -> None:
    found = weights("ISIC3", "HS0")
    assert found["0121", "010111"] == found["0121", "010210"] == 0.5
    assert found["1511", "020110"] == 1


@pytest.mark.usefixtures("small")
def test_a_route_multiplies_weights_and_keeps_what_is_lost() -> None:
    found = crosswalk("HS1", "WIOD2013")
    assert found.route == ("HS1", "ISIC3", "WIOD2013")
    assert found.files == ("hs1_isic3.parquet", "wiod_2013.parquet")
    assert weights("HS1", "WIOD2013")["010210", "c1"] == 0.5
    assert weights("HS1", "WIOD2013")["010210", None] == 0.5
    assert weights("HS1", "ISIC3", digits=2)["010110", "01"] == 1


@pytest.mark.usefixtures("small")
def test_weights_by_value() -> None:
    value = pd.Series({"010210": 30.0, "010290": 10.0})
    found = weights("HS1", "HS0", weights=value)
    assert found["010210", "010210"] == 0.75
    assert found["010210", "010290"] == 0.25
    assert found["01", "010210"] == 0.75  # all targets of the chapter compete
    assert found["01", "010111"] == 0
    assert found["010110", "010111"] == 1  # its only target has no value: stays equal
    assert found["999999", None] == 1


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(("source", "target"), [("HS1", "HS0"), ("HS1", "WIOD2013"), ("ISIC3", "WIOD2013")])
def test_weights_sum_to_one_by_value_too_where_part_leads_nowhere(source: str, target: str) -> None:
    value = pd.Series({"c1": 7.0, "c3": 2.0, "010210": 3.0, "010290": 1.0})
    for options in ({}, {"weights": value}, {"weights": value * 0}):
        sums = crosswalk(source, target, **options).links.groupby("source")["weight"].sum()
        np.testing.assert_allclose(sums, 1)
    if target == "WIOD2013":
        assert weights("HS1", "WIOD2013", weights=value)["010210", "c1"] == 0.5


def test_the_level_above_is_the_nearest_that_is_known() -> None:
    links = pd.DataFrame({"source": ["15", "151"], "target": ["c4", "c3"], "weight": [1.0, 1.0]})
    found = Crosswalk("ISIC3", "WIOD2013", ("ISIC3", "WIOD2013"), (), links)
    made = links_for(pd.Series(["1519", "1599", "151", "2011"]), found, parents=True)
    assert made["target"].fillna("").tolist() == ["c3", "c4", "c3", ""]
    assert made["by_parent"].tolist() == [True, True, False, False]


@pytest.mark.usefixtures("small")
def test_the_unmatched_share_is_of_absolute_values() -> None:
    frame = trade(product=["010110", "999999", "010110", "555555"], net=[10.0, -6.0, -2.0, 2.0])
    (report,) = convert(frame, "product", "HS1", "WIOD2013", ["net"]).attrs["crosswalks"]
    assert report["unmatched_share"]["net"] == pytest.approx(8 / 20)
    assert report["unmatched"] == pytest.approx({"999999": 6 / 20, "555555": 2 / 20})


@pytest.mark.usefixtures("small")
def test_convert_sums_keeps_totals_and_reports() -> None:
    frame = trade(
        product=["010110", "010210", "0102.10", "999999", "555555", None],
        year=[2000, 2000, 2001, 2000, 2000, 2000],
        value_usd=[1.0, 10.0, 100.0, 5.0, 3.0, 1.0],
        quantity=[1.0, np.nan, 4.0, np.nan, np.nan, np.nan],
    )
    frame.attrs["provenance"] = {"panel": "mine"}
    done = convert(frame, "product", "HS1", "WIOD2013", ["value_usd", "quantity"])
    rows = {(y, None if pd.isna(p) else p): (v, q) for _, p, y, v, q in done.itertuples(index=False)}
    assert rows[2000, "c1"] == (6.0, 1.0)
    assert rows[2000, None][0] == 5 + 5 + 3 + 1
    assert np.isnan(rows[2000, None][1])
    assert rows[2001, "c1"] == rows[2001, None] == (50.0, 2.0)
    assert list(done.columns) == list(frame.columns)
    assert done.attrs["provenance"] == {"panel": "mine"}
    (report,) = done.attrs["crosswalks"]
    assert report["codes"] == 5
    assert report["unmatched_codes"] == 2  # 999999 and 555555; half of 010210 is lost besides
    assert report["unmatched_share"]["value_usd"] == pytest.approx(64 / 120)
    assert report["unmatched"]["0102.10"] == pytest.approx(50 / 120)
    assert report["unmatched"]["555555"] == pytest.approx(3 / 120)
    assert "HS1 → ISIC3 → WIOD2013 (equal weights): 5 codes, 0 split, 2 without" in describe(report)


@pytest.mark.usefixtures("small")
def test_reports_follow_one_another() -> None:
    once = convert(trade(product=["010110"], v=[1.0]), "product", "HS1", "HS0", ["v"])
    twice = convert(once, "product", "HS0", "ISIC3", ["v"], digits=3)
    assert [report["route"][-1] for report in twice.attrs["crosswalks"]] == ["HS0", "ISIC3"]
    assert twice["product"].tolist() == ["012"]


@pytest.mark.usefixtures("small")
def test_unknown_codes_at_the_level_above_only_when_asked() -> None:
    frame = trade(product=["010219", "02011", "990000"], v=[1.0, 2.0, 4.0])
    with pytest.raises(DataError, match="none of the 3 codes"):
        convert(frame, "product", "HS0", "ISIC3", ["v"])
    done = convert(frame, "product", "HS0", "ISIC3", ["v"], parents=True)
    rows = {None if pd.isna(code) else code: v for _, code, v in done.itertuples(index=False)}
    # Heading 0102 is half 0121 and half 9999; of 9900 nothing is known.
    assert rows == {"0121": 0.5, "9999": 0.5, "1511": 2.0, None: 4.0}
    assert done.attrs["crosswalks"][0]["parent_codes"] == 2
    assert "2 taken at the level above" in describe(done.attrs["crosswalks"][0])


@pytest.mark.usefixtures("small")
def test_lost_leading_zeros_are_named() -> None:
    frame = trade(product=["10110", "020110"], v=[1.0, 1.0])
    report = convert(frame, "product", "HS0", "ISIC3", ["v"]).attrs["crosswalks"][0]
    assert report["codes_without_leading_zero"] == 0  # 010110 is no code of HS0
    frame["product"] = ["10111", "020110"]
    report = convert(frame, "product", "HS0", "ISIC3", ["v"]).attrs["crosswalks"][0]
    assert report["codes_without_leading_zero"] == 1
    assert "1 codes would be known with a leading zero" in describe(report)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(
    ("column", "values", "changed", "message"),
    [
        ("product", ["v"], {"product": [10110, 10210]}, "codes are not text"),
        ("product", ["v"], {"product": ["A", "B"]}, "none of the 2 codes is a code of HS1"),
        ("code", ["v"], {}, "no such column"),
        ("product", ["w"], {}, "no such column"),
        ("product", [], {}, "name each column once"),
        ("product", ["exporter"], {}, "a value must be a number"),
        ("product", ["v"], {"v": [1.0, np.inf]}, "a value is infinite"),
        ("product", ["v"], {"unit_value": [1.5, 2.5]}, "fractions are neither code nor key"),
    ],
)
def test_convert_refuses(column: str, values: list[str], changed: dict, message: str) -> None:
    frame = trade(product=["010110", "010210"], v=[1.0, 2.0]).assign(**changed)
    with pytest.raises(DataError, match=message):
        convert(frame, column, "HS1", "HS0", values)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(
    ("source", "target", "options", "message"),
    [
        ("HS9", "HS0", {}, "there is no classification 'HS9'"),
        ("HS0", "HS0", {}, "which it is"),
        ("SITC2", "SITC3", {}, "no crosswalk leads from SITC2 to SITC3"),
        ("WIOD2013", "ISIC3", {}, "no crosswalk leads"),
        ("HS1", "HS0", {"digits": 5}, "HS0 has no level of 5 digits here. Levels: 6, 4, 2"),
        ("NACE2", "ISIC4", {"digits": 4}, "the same down to two digits"),
        ("HS1", "HS0", {"weights": pd.Series({"010111": -1.0})}, "a weight is negative"),
        ("HS1", "HS0", {"weights": pd.Series([1.0, 1.0], index=["a", "a"])}, "several weights"),
    ],
)
def test_crosswalk_refuses(source: str, target: str, options: dict, message: str) -> None:
    with pytest.raises(DataError, match=message):
        crosswalk(source, target, **options)


def test_an_absent_table_is_named(small: Path) -> None:
    with pytest.raises(
        MissingSourceError, match=r"ISIC4 → ISIC3 needs 'isic4_isic3.parquet'.*Set GVCMETRICS"
    ):
        crosswalk("ISIC4", "WIOD2013")


def test_without_a_mirror_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GVCMETRICS_MIRROR", raising=False)
    with pytest.raises(MissingSourceError, match="Set GVCMETRICS_MIRROR to a folder that holds"):
        crosswalk("HS1", "HS0")


def test_an_empty_frame_stays_empty(small: Path) -> None:
    frame = trade(product=pd.Series([], dtype="str"), v=pd.Series([], dtype=float)).iloc[:0]
    assert convert(frame, "product", "HS1", "HS0", ["v"]).empty


def simulated_trade(revision: str) -> pd.DataFrame:
    """Simulated exports of three countries in every six-digit code of a revision, and one unknown."""
    source = crosswalk(revision, "ISIC3").links["source"]
    codes = np.sort(source[source.str.len() == 6].unique())
    codes = np.append(codes, "987654")
    draw = np.random.default_rng(3)
    return pd.concat(
        pd.DataFrame({"exporter": name, "product": codes, "value_usd": draw.lognormal(8, 3, len(codes))})
        for name in ("BRA", "DEU", "JPN")
    )


@needs_mirror
def test_round_trip_through_the_revisions_preserves_trade() -> None:
    frame = simulated_trade("HS6")
    total = frame.groupby("exporter")["value_usd"].sum()
    for start, end in [("HS6", "HS0"), ("HS0", "HS3"), ("HS3", "HS6")]:
        frame = convert(frame, "product", start, end, ["value_usd"])
        np.testing.assert_allclose(frame.groupby("exporter")["value_usd"].sum(), total, rtol=1e-12)
    lost = frame.loc[frame["product"].isna(), "value_usd"].sum() / total.sum()
    shares = [report["unmatched_share"]["value_usd"] for report in frame.attrs["crosswalks"]]
    # Each step reports the share without a target; once lost it has no code, and stays lost.
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(lost, rel=1e-9)
    assert lost < 0.01


@needs_mirror
@pytest.mark.parametrize("target", ["WIOD2013", "WIOD2016", "ISIC4", "ISIC3.1", "BEC4", "SITC2", "NACE2"])
def test_products_to_industries_preserve_trade(target: str) -> None:
    frame = simulated_trade("HS5")
    done = convert(frame, "product", "HS5", target, ["value_usd"])
    assert done["value_usd"].sum() == pytest.approx(frame["value_usd"].sum(), rel=1e-12)
    lost = done.loc[done["product"].isna(), "value_usd"].sum() / frame["value_usd"].sum()
    assert done.attrs["crosswalks"][0]["unmatched_share"]["value_usd"] == pytest.approx(lost, rel=1e-9)
    assert 0 < lost < 0.06


@needs_mirror
def test_world_trade_by_industry_agrees_with_plain_sql() -> None:
    world = pd.read_parquet(Path(MIRROR or "") / "world_trade_sitc4_1998_2000.parquet")
    done = convert(world, "product", "SITC2", "WIOD2013", ["value"])
    assert done["value"].sum() == pytest.approx(world["value"].sum(), rel=1e-9)
    ours = done.groupby("product", dropna=False)["value"].sum()
    theirs = pd.read_csv(REFERENCE / "sitc2_to_wiod.csv").set_index("industry")["value"]
    np.testing.assert_allclose(ours[theirs.index.dropna()], theirs[theirs.index.dropna()], rtol=1e-9)
    np.testing.assert_allclose(ours[ours.index.isna()], theirs[theirs.index.isna()], rtol=1e-9)


@needs_mirror
def test_divisions_of_isic4_and_nace_agree_with_plain_sql() -> None:
    reference = pd.read_csv(REFERENCE / "isic4_divisions_to_wiod.csv", dtype={"code": str})
    theirs = reference.set_index(["code", "industry"])["weight"].sort_index()
    for source in ("ISIC4", "NACE2"):
        links = crosswalk(source, "WIOD2013").links
        links = links[links["source"].str.fullmatch("[0-9]{2}")]
        ours = links.set_index(["source", "target"])["weight"].sort_index()
        assert len(ours) == len(theirs)
        np.testing.assert_allclose(ours.to_numpy(), theirs.to_numpy(), rtol=1e-12)


@needs_mirror
@pytest.mark.parametrize(
    ("source", "code", "target", "expected"),
    [
        ("HS5", "870323", "WIOD2013", "c15"),  # passenger cars: transport equipment
        ("HS5", "090111", "WIOD2013", "c1"),  # coffee beans: agriculture
        ("ISIC3", "1920", "WIOD2013", "c5"),  # footwear: leather and footwear
        ("ISIC4", "1520", "ISIC3", "1920"),
        ("ISIC3", "9500", "WIOD2013", "c35"),  # households as employers
        ("HS6", "870323", "HS0", "870323"),
    ],
)
def test_known_links(source: str, code: str, target: str, expected: str) -> None:
    assert weights(source, target)[code, expected] == pytest.approx(1.0)


@needs_mirror
def test_steps_to_wiod_preserve_trade_and_report_what_is_lost() -> None:
    """HS 2017 → ISIC Rev.3 → WIOD, one conversion after the other, as a table of the chain needs it."""
    frame = simulated_trade("HS5")
    total = frame.groupby("exporter")["value_usd"].sum()
    first = convert(frame, "product", "HS5", "ISIC3", ["value_usd"])
    second = convert(first, "product", "ISIC3", "WIOD2013", ["value_usd"])
    for done in (first, second):
        np.testing.assert_allclose(done.groupby("exporter")["value_usd"].sum(), total, rtol=1e-9)
        lost = done.loc[done["product"].isna(), "value_usd"].sum() / total.sum()
        report = done.attrs["crosswalks"][-1]
        assert report["unmatched_share"]["value_usd"] == pytest.approx(lost, rel=1e-9)
        assert f"({lost:.2%} of value_usd)" in describe(report)
    assert [report["route"] for report in second.attrs["crosswalks"]] == [
        ["HS5", "ISIC3"],
        ["ISIC3", "WIOD2013"],
    ]
    # The industries of the two steps are those of the one.
    direct = convert(frame, "product", "HS5", "WIOD2013", ["value_usd"]).groupby("product")["value_usd"].sum()
    np.testing.assert_allclose(second.groupby("product")["value_usd"].sum(), direct, rtol=1e-9)


@needs_mirror
def test_industries_of_wiod_2016_are_divisions_of_isic4() -> None:
    links = crosswalk("ISIC4", "WIOD2016").links
    divisions = links[links["source"].str.fullmatch("[0-9]{2}")].set_index("source")
    assert set(divisions.index) == set(ISIC4_DIVISIONS)
    np.testing.assert_allclose(divisions["weight"], 1, rtol=1e-12)
    assert divisions["target"].nunique() == 56
    # A name is made of its divisions or, where it is a whole section, of its letter.
    for division, target in divisions["target"].items():
        first, last = target[1:3], target[-2:]
        assert len(target) == 1 or target == "R_S" or first <= division <= last
    assert divisions["target"][["01", "11", "60", "82", "95", "99"]].tolist() == [
        *("A01", "C10-C12", "J59_J60", "N", "R_S", "U")
    ]
    assert crosswalk("HS5", "WIOD2016").route == ("HS5", "ISIC4", "WIOD2016")
    assert weights("HS5", "WIOD2016")["870323", "C29"] == 1


@needs_mirror
def test_industries_there_and_back_preserve_output() -> None:
    frame = trade(industry=list(ISIC4_DIVISIONS), output=np.arange(1.0, 89.0).tolist())
    total = frame["output"].sum()
    way = ("NACE2", "ISIC4", "ISIC3.1", "ISIC3", "ISIC3.1", "ISIC4", "NACE2")
    for start, end in itertools.pairwise(way):
        frame = convert(frame, "industry", start, end, ["output"])
        assert frame["output"].sum() == pytest.approx(total, rel=1e-12)
        lost = frame.loc[frame["industry"].isna(), "output"].sum() / total
        share = frame.attrs["crosswalks"][-1]["unmatched_share"]["output"]
        assert share == pytest.approx(lost, rel=1e-9, abs=1e-15)
    assert set(frame["industry"].dropna()) <= set(ISIC4_DIVISIONS)


@needs_mirror
@pytest.mark.parametrize(
    ("target", "isic", "industries", "left_out", "some"),
    [
        (
            "FIGARO",
            "ISIC4",
            64,
            set(),
            {"12": "C10T12", "31": "C31_32", "60": "J59_60", "81": "N80T82", "68": "L68"},
        ),
        ("ICIO2021", "ISIC4", 45, {"99"}, {"02": "01T02", "33": "31T33", "42": "41T43", "75": "69T75"}),
        ("ICIO2023", "ISIC4", 45, {"99"}, {"02": "A01_02", "39": "E", "47": "G", "59": "J58T60"}),
        ("WIOD_LONGRUN", "ISIC3", 23, set(), {"05": "AtB", "20": "Dnec", "63": "I60t63", "99": "LtQ"}),
        ("EORA26", "ISIC3", 25, set(), {"19": "Textiles and Wearing Apparel", "51": "Wholesale Trade"}),
    ],
)
def test_industries_of_editions_are_divisions(
    target: str, isic: str, industries: int, left_out: set[str], some: dict[str, str]
) -> None:
    links = crosswalk(isic, target).links
    divisions = links[links["source"].str.fullmatch("[0-9]{2}")].set_index("source")["target"]
    assert divisions.index.is_unique  # no division is split
    assert set(divisions.index[divisions.isna()]) == left_out
    assert divisions.nunique() == industries
    assert divisions[list(some)].to_dict() == some
    for division, name in divisions.dropna().items():  # a name that states divisions holds this one
        span = re.findall("[0-9]{2}", name)
        assert not span or span[0] <= division <= span[-1]
    classes = links[links["source"].str.fullmatch("[0-9]{4}")]
    assert (classes["target"] == classes["source"].str[:2].map(divisions)).eq(classes["target"].notna()).all()
    assert weights("HS5", target)  # products reach them


@needs_mirror
def test_differentiated_shares_count_every_product_alike() -> None:
    """The routes and weights by hand: SITC → HS → ISIC → WIOD, each step in equal parts."""
    tables = Path(str(MIRROR)) / "concordances"
    classes = pd.read_parquet(tables / "sitc2_rauch.parquet").set_index("SITC2")["LIB"]
    step = pd.read_parquet(tables / "hs0_sitc2.parquet")[["HS0_6d", "SITC2_5d", "SITC2_4d"]]
    final = pd.read_parquet(tables / "hs0_isic3.parquet").merge(
        pd.read_parquet(tables / "wiod_2013.parquet")[["ISIC3_4d", "WIOT2013_n"]], on="ISIC3_4d"
    )[["HS0_6d", "WIOT2013_n"]]
    final = final.dropna().drop_duplicates()
    textiles = set(final.loc[final["WIOT2013_n"] == 4, "HS0_6d"])
    wholly = [
        code
        for code, rows in step.groupby("SITC2_4d")
        if code in classes.index and rows["HS0_6d"].isin(textiles).all()
    ]
    share = differentiated_share("WIOD2013")
    # Products that several industries make are in the share by a part, and are left out here.
    assert share["c4"] == pytest.approx((classes[wholly] == "n").mean(), abs=0.06)
    assert differentiated_share("SITC2")["8510"] == 1
    assert (differentiated_share("WIOD2013", "conservative") >= share - 1e-12).all()
    assert share["c8"] < 0.5 < share["c13"]


@needs_mirror
def test_misuse_of_differentiated_shares_is_told() -> None:
    with pytest.raises(DataError, match="there is no version 'lib'"):
        differentiated_share("SITC2", "lib")  # type: ignore[arg-type]
    with pytest.raises(DataError, match="there is no classification 'SITC9'"):
        differentiated_share("SITC9")


def test_without_the_tables_differentiated_shares_say_how_to_get_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("GVCMETRICS_MIRROR", raising=False)
    with pytest.raises(MissingSourceError, match="sitc2_rauch"):
        differentiated_share("SITC2")
