"""Deepchecks' drift of features, on all rows."""

import sys

import pandas as pd
from deepchecks.tabular import Dataset
from deepchecks.tabular.checks import FeatureDrift

baseline, current = map(pd.read_parquet, sys.argv[1:3])
labels = [name for name in baseline.columns if baseline[name].dtype == object]
tables = [Dataset(table, cat_features=labels) for table in (baseline, current)]
found = FeatureDrift(n_samples=len(current)).run(*tables).value
print(sum(column["Drift score"] is not None and column["Drift score"] > 0.2 for column in found.values()))
