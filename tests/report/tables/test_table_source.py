"""A table whose numbers carry no provenance says so."""

from __future__ import annotations

import warnings

import pandas as pd
import pytest

import gvcmetrics as gvc


def test_a_table_without_a_source_says_so_and_one_with_a_source_does_not() -> None:
    frame = pd.DataFrame({"firms": [2, 3]}, index=["Footwear", "Tiles"])
    with pytest.warns(UserWarning, match="the table names no source"):
        gvc.table(frame)
    frame.attrs["provenance"] = {"title": "T", "source_title": "S", "licence": "none"}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert gvc.table(frame).sourced
