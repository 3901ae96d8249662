"""What the package maketables asks of a result, so that a model can stand in its tables."""

from __future__ import annotations

from typing import Any

import pandas as pd

from gvcmetrics.models.results.summary import STATISTIC_LABELS


class ForMaketables:
    """The names under which maketables looks for estimates; mixed into `Results`."""

    @property
    def __maketables_coef_table__(self: Any) -> pd.DataFrame:
        tidy = self.tidy()
        ninety = self.conf_int(0.90)
        frame = tidy.rename(
            columns={
                "term": "Coefficient",
                "estimate": "b",
                "std_error": "se",
                "statistic": "t",
                "p_value": "p",
                "conf_low": "ci95l",
                "conf_high": "ci95u",
            }
        ).set_index("Coefficient")
        frame = frame.drop(columns="block", errors="ignore")
        return frame.assign(ci90l=ninety["conf_low"].to_numpy(), ci90u=ninety["conf_high"].to_numpy())

    def __maketables_stat__(self: Any, key: str) -> Any:
        return self.statistic(key)

    @property
    def __maketables_depvar__(self: Any) -> str:
        return self.outcome

    @property
    def __maketables_fixef_string__(self: Any) -> str | None:
        return "+".join(self.absorbed) or None

    @property
    def __maketables_vcov_info__(self: Any) -> dict[str, Any]:
        return {"vcov_type": self.vcov_label, "clustervar": "+".join(self.n_clusters) or None}

    @property
    def __maketables_stat_labels__(self: Any) -> dict[str, str]:
        own = self.response.labels if self.response is not None else {}
        return {**STATISTIC_LABELS, **own, "N": "Observations", "ll": "Log likelihood"}

    @property
    def __maketables_default_stat_keys__(self: Any) -> list[str]:
        kept = [key for key in ("r2", "r2_within", "pseudo_r2", "sigma_u", "rho") if key in self.statistics]
        return [
            "N",
            *(["n_clusters"] if self.n_clusters else []),
            *kept,
            *(["ll"] if self.loglik is not None else []),
        ]
