"""Evidently's drift preset, with its defaults."""

import sys

import pandas as pd
from evidently import Report
from evidently.presets import DataDriftPreset

baseline, current = map(pd.read_parquet, sys.argv[1:3])
found = Report([DataDriftPreset()]).run(current, baseline).dict()["metrics"]
print(int(found[0]["value"]["count"]))
