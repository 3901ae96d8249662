"""Converted totals by plain SQL over the tables, independently of gvcmetrics.

    GVCMETRICS_MIRROR=DIR python tests/reference/crosswalks/make.py

`sitc2_to_wiod.csv`: world exports 1998–2000 by WIOD industry, from SITC Rev.2 four-digit codes by way of
HS 1988/92 and ISIC Rev.3, equal weights at every step. `isic4_divisions_to_wiod.csv`: the weights with
which ISIC Rev.4 divisions are split over WIOD industries.
"""

import os
from pathlib import Path

import duckdb

here, mirror = Path(__file__).parent, os.environ["GVCMETRICS_MIRROR"]
tables = f"{mirror}/concordances"
sitc = f"""
WITH sitc AS (SELECT DISTINCT SITC2_4d AS code, SITC2_5d AS fine FROM '{tables}/hs0_sitc2.parquet'),
sitc_w AS (SELECT code, fine, 1.0 / COUNT(*) OVER (PARTITION BY code) AS w FROM sitc),
hs AS (SELECT DISTINCT SITC2_5d AS fine, HS0_6d AS hs FROM '{tables}/hs0_sitc2.parquet'),
hs_w AS (SELECT fine, hs, 1.0 / COUNT(*) OVER (PARTITION BY fine) AS w FROM hs),
isic AS (SELECT DISTINCT HS0_6d AS hs, ISIC3_4d AS isic FROM '{tables}/hs0_isic3.parquet'),
isic_w AS (SELECT hs, isic, 1.0 / COUNT(*) OVER (PARTITION BY hs) AS w FROM isic),
wiod AS (SELECT DISTINCT ISIC3_4d AS isic, 'c' || CAST(WIOT2013_n AS INT) AS industry
         FROM '{tables}/wiod_2013.parquet' WHERE WIOT2013_n IS NOT NULL),
trade AS (SELECT product AS code, SUM(value) AS value
          FROM '{mirror}/world_trade_sitc4_1998_2000.parquet' GROUP BY product)
SELECT industry, SUM(value * COALESCE(sitc_w.w, 1) * COALESCE(hs_w.w, 1) * COALESCE(isic_w.w, 1)) AS value
FROM trade LEFT JOIN sitc_w USING (code) LEFT JOIN hs_w USING (fine)
LEFT JOIN isic_w USING (hs) LEFT JOIN wiod USING (isic) GROUP BY industry ORDER BY industry
"""
isic4 = f"""
WITH below AS (SELECT DISTINCT ISIC4_2d AS code, ISIC4_4d AS fine FROM '{tables}/isic4_isic3.parquet'),
below_w AS (SELECT code, fine, 1.0 / COUNT(*) OVER (PARTITION BY code) AS w FROM below),
isic AS (SELECT DISTINCT ISIC4_4d AS fine, ISIC3_4d AS isic FROM '{tables}/isic4_isic3.parquet'),
isic_w AS (SELECT fine, isic, 1.0 / COUNT(*) OVER (PARTITION BY fine) AS w FROM isic),
wiod AS (SELECT DISTINCT ISIC3_4d AS isic, 'c' || CAST(WIOT2013_n AS INT) AS industry
         FROM '{tables}/wiod_2013.parquet' WHERE WIOT2013_n IS NOT NULL)
SELECT code, industry, SUM(below_w.w * isic_w.w) AS weight
FROM below_w LEFT JOIN isic_w USING (fine) LEFT JOIN wiod USING (isic)
GROUP BY code, industry ORDER BY code, industry
"""
for name, query in (("sitc2_to_wiod", sitc), ("isic4_divisions_to_wiod", isic4)):
    duckdb.sql(query).df().to_csv(here / f"{name}.csv", index=False, lineterminator="\n")
