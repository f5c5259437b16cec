"""The columns that evidently's drift preset flags by its defaults, in each pair of files of a folder."""

import json
import sys
from pathlib import Path

import pandas as pd
from evidently import Report
from evidently.presets import DataDriftPreset

flagged = []
for path in sorted(Path(sys.argv[1]).glob("*-baseline.parquet")):
    current = path.with_name(path.name.replace("baseline", "current"))
    found = Report([DataDriftPreset()]).run(pd.read_parquet(current), pd.read_parquet(path)).dict()["metrics"]
    drifts = [(each["config"], each["value"]) for each in found if "method" in each["config"]]
    flagged.append(
        [
            config["column"]
            for config, value in drifts
            if (value < config["threshold"] if "p_value" in config["method"] else value >= config["threshold"])
        ]
    )
print(json.dumps(flagged))
