"""One process of the model quality benchmark: ``make``, or one of the jobs that are compared."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

SEED = 20261122
HOUR = "2026-11-22T09:30:00Z"
THRESHOLD = 0.5


def make(folder: Path, rows: int) -> None:
    """Make predictions and labels, in orders of their own, as Parquet tables and as SageMaker's records."""
    import numpy as np
    import polars as pl

    generator = np.random.default_rng(SEED)
    score = generator.beta(1, 3, rows)
    label = (generator.random(rows) < score).astype(np.int64)
    ids = np.array([f"{number:032x}" for number in range(rows)])
    for name in ("predictions", "labels"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    late, early = generator.permutation(rows), generator.permutation(rows)
    pl.DataFrame({"id": ids[early], "probability": score[early]}).write_parquet(folder / "predictions.parquet")
    pl.DataFrame({"id": ids[late], "label": label[late]}).write_parquet(folder / "labels.parquet")
    with (folder / "predictions/captured.jsonl").open("w") as stream:
        for place in early.tolist():
            stream.write(_captured(str(ids[place]), float(score[place])))
    with (folder / "labels/labels.jsonl").open("w") as stream:
        for place in late.tolist():
            label_data = {"data": str(label[place]), "encoding": "CSV"}
            record = {"groundTruthData": label_data, "eventMetadata": {"eventId": str(ids[place])}, "eventVersion": "0"}
            stream.write(json.dumps(record) + "\n")
    (folder / "made").touch()


def _captured(event: str, score: float) -> str:
    side = {"observedContentType": "text/csv", "encoding": "CSV"}
    record = {
        "captureData": {
            "endpointInput": {**side, "mode": "INPUT", "data": "42,1.5,0,3"},
            "endpointOutput": {**side, "mode": "OUTPUT", "data": repr(score)},
        },
        "eventMetadata": {"eventId": event, "inferenceTime": HOUR},
        "eventVersion": "0",
    }
    return json.dumps(record) + "\n"


def tables_pandas(folder: Path) -> None:
    """Read both tables with pandas, merge, let scikit-learn compute."""
    import pandas as pd

    predictions = pd.read_parquet(folder / "predictions.parquet")
    labels = pd.read_parquet(folder / "labels.parquet")
    _scikit_learn(predictions.merge(labels, on="id"))


def captures_pandas(folder: Path) -> None:
    """Read both files with a loop of json.loads, merge with pandas, let scikit-learn compute."""
    import pandas as pd

    ids, scores = [], []
    with (folder / "predictions/captured.jsonl").open() as stream:
        for line in stream:
            record = json.loads(line)
            ids.append(record["eventMetadata"]["eventId"])
            scores.append(float(record["captureData"]["endpointOutput"]["data"]))
    predictions = pd.DataFrame({"id": ids, "probability": scores})
    ids, labels = [], []
    with (folder / "labels/labels.jsonl").open() as stream:
        for line in stream:
            record = json.loads(line)
            ids.append(record["eventMetadata"]["eventId"])
            labels.append(int(record["groundTruthData"]["data"]))
    _scikit_learn(predictions.merge(pd.DataFrame({"id": ids, "label": labels}), on="id"))


def _scikit_learn(merged: pd.DataFrame) -> None:
    """Compute the metrics that both have, each by scikit-learn's own function, and print them."""
    from sklearn import metrics as sk

    label, score = merged["label"].to_numpy(), merged["probability"].to_numpy()
    predicted = (score > THRESHOLD).astype(label.dtype)
    (tn, fp), (fn, tp) = sk.confusion_matrix(label, predicted)
    sk.roc_curve(label, score)
    sk.precision_recall_curve(label, score)
    found = {
        "recall": sk.recall_score(label, predicted),
        "precision": sk.precision_score(label, predicted),
        "accuracy": sk.accuracy_score(label, predicted),
        "true_negative_rate": tn / (tn + fp),
        "false_positive_rate": fp / (tn + fp),
        "false_negative_rate": fn / (tp + fn),
        "f0_5": sk.fbeta_score(label, predicted, beta=0.5),
        "f1": sk.f1_score(label, predicted),
        "f2": sk.fbeta_score(label, predicted, beta=2),
        "balanced_accuracy": sk.balanced_accuracy_score(label, predicted),
        "matthews_correlation_coefficient": sk.matthews_corrcoef(label, predicted),
        "auc": sk.roc_auc_score(label, score),
        "average_precision": sk.average_precision_score(label, score),
        "log_loss": sk.log_loss(label, score),
        "brier_score": sk.brier_score_loss(label, score),
    }
    _print(found)


def tables_modelwatch(folder: Path) -> None:
    """Join both tables with polars, evaluate with 1,000 replicates."""
    import modelwatch_analyzer.interpreter_settings  # noqa: F401 (before NumPy, as the command and the images do)

    # isort: split
    import polars as pl

    from modelwatch_analyzer.model_quality.binary import BinaryEvaluation
    from modelwatch_analyzer.model_quality.columns import Columns
    from modelwatch_analyzer.model_quality.metric import Confidence

    predictions = pl.scan_parquet(folder / "predictions.parquet")
    labels = pl.scan_parquet(folder / "labels.parquet")
    evaluation = BinaryEvaluation(Columns("label", None, ("probability",), THRESHOLD))
    for batch in predictions.join(labels, on="id").select("probability", "label").collect_batches():
        evaluation.update(batch)
    quality = evaluation.finish(Confidence(1000, 0.95, 0))
    _print({name: measured.value for name, measured in quality.metrics.items()})


def captures_modelwatch(folder: Path) -> None:
    """Run the analysis: merge, metrics with 1,000 replicates, all files."""
    import modelwatch_analyzer.interpreter_settings  # noqa: F401 (before NumPy, as the command and the images do)

    # isort: split
    from modelwatch_analyzer.analysis import analyze
    from modelwatch_core.domain.settings_environment import analysis_settings

    sides = {"captureIndexNames": ["endpointOutput"]}
    settings = analysis_settings(
        analysis_type="MODEL_QUALITY",
        dataset_source=folder / "predictions",
        dataset_format={"sagemakerCaptureJson": sides},
        ground_truth_source=folder / "labels",
        output_path=folder / "results",
        problem_type="BinaryClassification",
        probability_attribute="0",
        probability_threshold_attribute=THRESHOLD,
    )
    analyze(settings)
    statistics = json.loads((folder / "results/statistics.json").read_text())["binary_classification_metrics"]
    _print({name: metric["value"] for name, metric in statistics.items() if isinstance(metric.get("value"), float)})


def _print(found: Mapping[str, Any]) -> None:
    print(json.dumps({name: float(value) for name, value in found.items()}))


if __name__ == "__main__":
    job, folder = sys.argv[1], Path(sys.argv[2])
    if job == "make":
        make(folder, int(sys.argv[3]))
    else:
        jobs = (tables_pandas, tables_modelwatch, captures_pandas, captures_modelwatch)
        {each.__name__: each for each in jobs}[job](folder)
