"""Functional breadth and the lock-in index, by hand."""

import numpy as np
import pandas as pd
import pytest

from gvcmetrics.errors import DataError
from gvcmetrics.lineage import raw_columns
from gvcmetrics.measures.governance.lock_in import functional_breadth, lock_in_index


def test_functional_breadth():
    frame = pd.DataFrame({"design": [1, 0, 1], "marketing": [1, 0, np.nan], "logistics": [0, 0, 1]})
    breadth = functional_breadth(frame, ["design", "marketing", "logistics"])
    np.testing.assert_allclose(breadth, [2 / 3, 0, np.nan])
    with pytest.raises(DataError, match="2 is not on the declared scale"):
        functional_breadth(frame.assign(design=2), ["design"])


def test_lock_in_index_by_hand():
    rng = np.random.default_rng(1)
    firms = pd.DataFrame(
        {
            "buyer_hhi": rng.uniform(0.1, 1, 40),
            "functional_breadth": rng.uniform(0, 1, 40),
            "specific_investment": rng.integers(0, 2, 40),
            "single_knowledge_source": rng.integers(0, 2, 40),
        }
    )
    firms.loc[3, "buyer_hhi"] = np.nan
    out = lock_in_index(firms)
    z = (firms - firms.mean()) / firms.std()
    z["functional_breadth"] *= -1
    np.testing.assert_allclose(out["lock_in"], z.mean(axis=1, skipna=False))
    assert np.isnan(out.loc[3, "lock_in"])
    mean_r = (z.dropna().corr().to_numpy().sum() - 4) / 12
    assert out.attrs["cronbach_alpha"] == pytest.approx(4 * mean_r / (1 + 3 * mean_r))
    assert raw_columns(out, "lock_in") == sorted(firms.columns)
    two = lock_in_index(firms, exclusivity=None, single_source=None)
    assert list(two.columns) == ["lock_in", "z_buyer_hhi", "z_functional_narrowness"]
    with pytest.raises(DataError, match="at least two components"):
        lock_in_index(firms, exclusivity=None, single_source=None, buyer_hhi=None)
    with pytest.raises(DataError, match="row 2, column 'buyer_hhi': 46 is not on"):
        lock_in_index(firms.assign(buyer_hhi=46))
    with pytest.raises(DataError, match=r"column 'specific_investment': .* standardised"):
        lock_in_index(firms.assign(specific_investment=1))
