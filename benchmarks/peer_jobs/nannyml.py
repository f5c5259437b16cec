"""NannyML's univariate drift, with its defaults: Jensen-Shannon distances of ten chunks."""

import os
import sys

os.environ["NML_DISABLE_USAGE_LOGGING"] = "1"  # it reports to its makers otherwise

import nannyml
import pandas as pd

baseline, current = map(pd.read_parquet, sys.argv[1:3])
names = list(baseline.columns)
labels = [name for name in names if baseline[name].dtype == object or str(baseline[name].dtype).startswith("str")]
calculator = nannyml.UnivariateDriftCalculator(column_names=names, treat_as_categorical=labels)
found = calculator.fit(baseline).calculate(current).filter(period="analysis").to_df()
last = found.iloc[-1]
print(sum(bool(last[key]) for key in found.columns if key[-1] == "alert"))
