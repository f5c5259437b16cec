"""The columns that NannyML's univariate drift flags by its defaults in the last chunk, in each pair of files."""

import json
import os
import sys
from pathlib import Path

os.environ["NML_DISABLE_USAGE_LOGGING"] = "1"  # it reports to its makers otherwise

import nannyml
import pandas as pd

flagged = []
for path in sorted(Path(sys.argv[1]).glob("*-baseline.parquet")):
    baseline = pd.read_parquet(path)
    current = pd.read_parquet(path.with_name(path.name.replace("baseline", "current")))
    names = list(baseline.columns)
    labels = [name for name in names if not pd.api.types.is_numeric_dtype(baseline[name])]
    calculator = nannyml.UnivariateDriftCalculator(column_names=names, treat_as_categorical=labels)
    found = calculator.fit(baseline).calculate(current).filter(period="analysis").to_df()
    last = found.iloc[-1]
    flagged.append(sorted({key[0] for key in found.columns if key[-1] == "alert" and bool(last[key])}))
print(json.dumps(flagged))
