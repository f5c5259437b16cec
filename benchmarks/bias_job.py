"""One process of the bias benchmark: ``make``, ``modelwatch`` or ``smclarify``, with FT alone or with all others."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from time import process_time

SEED = 20261122
CONFIG = {
    "label": "label",
    "label_values_or_threshold": [1],
    "facet": [{"name_or_index": "sex", "value_or_threshold": [1]}],
    "group_variable": "region",
}


FLIPPED_ROWS, FEATURES = 50_000, 5
"""The rows and features of the table for FT: as many rows as it keeps, so that both programs compare the same ones."""


def make(folder: Path, rows: int) -> None:
    """Make a binary facet, ten groups, labels and predictions that depend on them; for FT alone five more features."""
    import numpy as np
    import polars as pl

    folder.mkdir(parents=True, exist_ok=True)
    generator = np.random.default_rng(SEED)
    sex, region = generator.integers(0, 2, rows), generator.integers(0, 10, rows)
    merit = generator.normal(size=rows)
    label = merit + generator.normal(scale=0.5, size=rows) - 0.2 * sex > 0
    predicted = merit - 0.3 * sex + 0.02 * region > 0
    columns = {"sex": sex, "region": region, "label": label.astype(int), "prediction": predicted.astype(int)}
    pl.DataFrame(columns).write_csv(folder / "data.csv")
    features = {f"x{i}": generator.normal(scale=i + 1, size=FLIPPED_ROWS) for i in range(FEATURES)}
    few = pl.DataFrame(columns).head(FLIPPED_ROWS)
    few.hstack(pl.DataFrame(features).head(few.height)).write_csv(folder / "flipped.csv")
    (folder / "config.json").write_text(json.dumps(CONFIG))


def modelwatch(folder: Path, *, flipped: bool = False) -> None:
    """Read and analyse the file: all metrics but FT, or FT, with 1,000 replicates; then again, with all reports."""
    import modelwatch_analyzer.interpreter_settings  # noqa: F401 (before NumPy, as the command and the images do)

    # isort: split
    from modelwatch_analyzer.analysis import analyze
    from modelwatch_analyzer.bias.analysis import ANALYSIS
    from modelwatch_analyzer.bias.metric import Stage
    from modelwatch_analyzer.bias.metrics import METRICS
    from modelwatch_analyzer.host import Host
    from modelwatch_core.domain.analysis_settings import DatasetFormat
    from modelwatch_core.domain.monitor_kinds.bias import BiasSettings

    post = [name for name, metric in METRICS.items() if metric.stage is Stage.POST_TRAINING and name != "FT"]
    methods = {"pre_training_bias": {"methods": "all"}, "post_training_bias": {"methods": post}}
    if flipped:
        methods = {"post_training_bias": {"methods": ["FT"]}}
    config = folder / f"config_{'flipped' if flipped else 'others'}.json"
    config.write_text(json.dumps(CONFIG | {"methods": methods}))
    settings = BiasSettings(
        dataset_source=folder / _table(flipped=flipped),
        dataset_format=DatasetFormat(name="csv", options={"header": True}),
        analysis_config=config,
        inference_attribute="prediction",
        output_path=folder / "modelwatch",
        bootstrap_replicates=1000,
    )
    begun = process_time()
    report = ANALYSIS.run(settings, Host()).documents["analysis.json"]
    spent = process_time() - begun
    begun = process_time()
    analyze(settings)
    with_reports = process_time() - begun
    stages = [report[name] for name in ("pre_training_bias_metrics", "post_training_bias_metrics") if name in report]
    values = {each["name"]: each["value"] for stage in stages for each in stage["facets"]["sex"][0]["metrics"]}
    print(json.dumps({"cpu": spent, "cpu_with_reports": with_reports, "values": values}))


def _table(*, flipped: bool) -> str:
    return "flipped.csv" if flipped else "data.csv"


def smclarify(folder: Path, *, flipped: bool = False) -> None:
    """Let pandas read the file, and smclarify report all metrics but FT, or FT, without intervals."""
    import logging
    import warnings

    import pandas as pd

    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    from smclarify.bias import metrics, report

    begun = process_time()
    rows = pd.read_csv(folder / _table(flipped=flipped))
    label, predicted = (report.LabelColumn(name, rows[name], [1]) for name in ("label", "prediction"))
    group, rows = rows["region"], rows.drop(columns=["label", "prediction"])  # FT compares what is left
    post = [name for each in metrics.POSTTRAINING_METRICS if ((name := each.__name__) == "FT") is flipped]
    facet = report.FacetColumn("sex", [1])
    found = report.bias_report(
        rows, facet, label, report.StageType.POST_TRAINING, predicted, metrics=post, group_variable=group
    )
    if not flipped:
        before = report.StageType.PRE_TRAINING
        found += report.bias_report(rows, facet, label, before, metrics=["all"], group_variable=group)
    spent = process_time() - begun
    print(
        json.dumps(
            {"cpu": spent, "values": {each["name"]: each["value"] for part in found for each in part["metrics"]}}
        )
    )


if __name__ == "__main__":
    job, folder = sys.argv[1], Path(sys.argv[2])
    if job == "make":
        make(folder, int(sys.argv[3]))
    else:
        {"modelwatch": modelwatch, "smclarify": smclarify}[job](folder, flipped="flipped" in sys.argv)
