"""What is said of the sources of a table or a figure."""

import pytest

from gvcmetrics.ground.provenance import source_note


@pytest.mark.parametrize(
    ("titles", "said"),
    [
        ([("Firms of Peru", "National survey")], "Source: Firms of Peru (National survey; CC0)."),
        ([("Firms of Peru", "Firms of Peru")], "Source: Firms of Peru (CC0)."),
        ([("A", "B"), ("C", "C"), ("A", "B")], "Sources: A (B; CC0); C (CC0)."),
    ],
)
def test_a_title_is_said_once(titles: list[tuple[str, str]], said: str) -> None:
    told = [{"title": title, "source_title": source, "licence": "CC0"} for title, source in titles]
    assert source_note(told) == said


def test_without_sources_nothing_is_said() -> None:
    assert source_note(None) == ""
