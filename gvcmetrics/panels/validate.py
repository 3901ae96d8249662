"""The contracts as pandera schemas, for frames in memory: one's own, or simulated."""

from __future__ import annotations

import pandas as pd
import pandera.errors
import pandera.pandas as pa

from gvcmetrics.errors import DataError, Place
from gvcmetrics.panels.codes import countries
from gvcmetrics.panels.contracts import CONTRACTS, Column, Contract

_NUMERIC = ("integer", "number", "binary")
_SHORT_LIST = 6


def schema(contract: Contract) -> pa.DataFrameSchema:
    """The pandera schema of a contract: keys required and unique, other columns checked where present."""
    columns = {
        column.name: _column(column, column.name in contract.keys) for column in contract.columns.values()
    }
    return pa.DataFrameSchema(columns, unique=list(contract.keys), strict=False, name=contract.name)


def validate(frame: pd.DataFrame, contract: str) -> pd.DataFrame:
    """Check a frame against a contract (`firm`, `trade` or `cluster`) and return it unchanged.

    Raises
    ------
    DataError : the first violation, with its column and the frame's row (counted from 1).
    """
    if contract not in CONTRACTS:
        raise DataError(f"there is no contract '{contract}'", remedy=f"Contracts: {', '.join(CONTRACTS)}")
    rows = frame.reset_index(drop=True)
    try:
        schema(CONTRACTS[contract]).validate(rows, lazy=True)
    except pandera.errors.SchemaErrors as error:
        raise _explain(error.failure_cases, contract) from None
    return frame


def _column(column: Column, is_key: bool) -> pa.Column:
    rules = []
    if column.minimum is not None:
        rules.append(pa.Check.ge(column.minimum, error=f"below {column.minimum:g}"))
    if column.maximum is not None:
        rules.append(pa.Check.le(column.maximum, error=f"above {column.maximum:g}"))
    if column.allowed:
        few = len(column.allowed) <= _SHORT_LIST
        said = f"not one of {', '.join(column.allowed)}" if few else f"no code of {column.name}"
        rules.append(pa.Check.isin(column.allowed, error=said))
    if column.type == "country":
        rules.append(pa.Check.isin(list(countries()), error="not an ISO3 code"))
    if column.type in _NUMERIC:
        numeric = pa.Check(pd.api.types.is_numeric_dtype, element_wise=False, error="not numeric")
        # A text column would break the comparisons, so they run only on numbers.
        rules = [numeric] if not rules else [numeric, *rules]
    if column.type in ("integer", "binary"):
        rules.append(pa.Check(lambda values: values % 1 == 0, error="not a whole number"))
    return pa.Column(None, rules, nullable=not is_key, required=is_key, name=column.name)


def _explain(cases: pd.DataFrame, contract: str) -> DataError:
    # A wrong value often makes keys repeat as well; the value is what the user must see.
    repeated = cases["check"].astype(str).str.startswith("multiple_fields_uniqueness")
    case = cases[~repeated].iloc[0] if not repeated.all() else cases.iloc[0]
    reason = str(case["check"])
    place_column = case["column"] if isinstance(case["column"], str) else None
    if reason == "column_in_dataframe":
        return DataError(
            f"the frame lacks the key column '{case['failure_case']}'",
            remedy=f"A {contract} panel needs its keys",
        )
    if reason == "not_nullable":
        reason = "a key is missing"
    elif reason.startswith("multiple_fields_uniqueness"):
        place_column, reason = None, "the keys are not unique"
    else:
        reason = f"{case['failure_case']} is {reason}"
    row = None if pd.isna(case["index"]) else int(case["index"]) + 1
    return DataError(reason, Place(f"{contract} frame", row=row, column=place_column), "Correct the frame")
