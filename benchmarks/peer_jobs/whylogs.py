"""A whylogs profile of both tables, and its drift report."""

import sys

import pandas as pd
import whylogs
from whylogs.viz.drift.column_drift_algorithms import calculate_drift_scores

profiles = [whylogs.log(pd.read_parquet(path)).profile().view() for path in sys.argv[1:3]]
scores = calculate_drift_scores(target_view=profiles[1], reference_view=profiles[0], with_thresholds=True)
print(sum(str(score and score.get("drift_category")) == "DRIFT" for score in scores.values()))
