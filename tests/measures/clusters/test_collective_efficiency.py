"""Collective efficiency by hand, its α, and scores off the scale."""

import numpy as np
import pandas as pd
import pytest

from gvcmetrics.errors import DataError
from gvcmetrics.lineage import raw_columns
from gvcmetrics.measures.clusters.collective_efficiency import collective_efficiency
from gvcmetrics.measures.items import cronbach_alpha

EXTERNAL, JOINT = ["labour", "inputs", "information"], ["suppliers", "rivals"]


@pytest.fixture
def clusters() -> pd.DataFrame:
    return pd.DataFrame(
        [[3, 2, 1, 0, 3], [2, np.nan, 2, 1, 1], [0, 0, 1, np.nan, 2], [3, 3, 3, 2, 2]],
        columns=[*EXTERNAL, *JOINT],
    )


def test_scores_by_hand(clusters):
    out = collective_efficiency(clusters, external_economies=EXTERNAL, joint_action=JOINT)
    np.testing.assert_allclose(out["external_economies"], [2, np.nan, 1 / 3, 3])
    np.testing.assert_allclose(out["joint_action"], [1.5, 1, np.nan, 2])
    np.testing.assert_allclose(out["collective_efficiency"], [1.75, np.nan, np.nan, 2.5])
    assert out.attrs["cronbach_alpha"]["joint_action"] == cronbach_alpha(clusters, JOINT)
    assert raw_columns(out, "collective_efficiency") == sorted([*EXTERNAL, *JOINT])
    lenient = collective_efficiency(clusters, external_economies=EXTERNAL, joint_action=JOINT, answered=2 / 3)
    np.testing.assert_allclose(lenient["external_economies"], [2, 2, 1 / 3, 3])
    np.testing.assert_allclose(lenient["joint_action"], [1.5, 1, np.nan, 2])


def test_bad_input(clusters):
    with pytest.raises(DataError, match="row 2, column 'labour': 4 is not on the declared scale"):
        collective_efficiency(clusters.assign(labour=4), external_economies=EXTERNAL, joint_action=JOINT)
    with pytest.raises(DataError, match="'labour' is declared in both"):
        collective_efficiency(clusters, external_economies=EXTERNAL, joint_action=["labour"])
    with pytest.raises(DataError, match="no items"):
        collective_efficiency(clusters, external_economies=EXTERNAL, joint_action=[])
    with pytest.raises(DataError, match="answered is 0"):
        collective_efficiency(clusters, external_economies=EXTERNAL, joint_action=JOINT, answered=0)
