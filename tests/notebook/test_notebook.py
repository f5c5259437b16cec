"""``modelwatch.baseline`` and ``modelwatch.check``: data in memory or in files, without the app."""

from __future__ import annotations

import gc
import json
import pickle
import re
import subprocess
import sys
import time
import weakref
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path

import boto3
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from dateutil.tz import tzoffset
from moto import mock_aws
from sklearn.ensemble import GradientBoostingRegressor
from typer.testing import CliRunner

import modelwatch
from modelwatch.cli.commands import app
from modelwatch_analyzer import analysis

ROWS = 600
BIAS = {
    "label": "approved",
    "label_values_or_threshold": [1],
    "facet": [{"name_or_index": "sex", "value_or_threshold": ["F"]}],
}


def people(shift: float = 0.0) -> pl.DataFrame:
    drawn = np.random.default_rng(3)
    ages = drawn.normal(40 + shift, 5, ROWS).round(2)
    return pl.DataFrame({"age": ages, "city": drawn.choice(["a", "b"], ROWS), "count": drawn.integers(0, 9, ROWS)})


@pytest.fixture(scope="module")
def known() -> modelwatch.Baseline:
    return modelwatch.baseline(people())


@pytest.fixture(scope="module")
def drifted(known: modelwatch.Baseline) -> modelwatch.Check:
    return modelwatch.check(people(20), known)


def test_data_like_the_baseline_has_no_violation(known):
    found = modelwatch.check(people(), known)
    assert found.violations == []
    assert found.table().shape == (0, 4)
    found.raise_for_violations()
    assert repr(found) == f"<Check data-quality: 0 violations in {ROWS} rows>"


def test_a_verdict_needs_no_file_and_files_are_written_when_one_is_looked_into(known, tmp_path, monkeypatch):
    written = []
    write = analysis.write_page
    monkeypatch.setattr(analysis, "write_page", lambda *args, **kwargs: (written.append(args), write(*args, **kwargs)))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    found = modelwatch.check(people(20), known)
    assert [each.feature_name for each in found.violations] == ["age"]
    assert (found.table().height, repr(found)[:6], set(found.files) >= {"report.html"}) == (1, "<Check", True)
    assert "nothing.json" not in found.files
    assert written == []
    assert "age" in found.report
    assert found.statistics["features"]
    assert len(written) == 1
    assert list(tmp_path.iterdir()) == []


class At10(datetime):
    """The clock of an analysis."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:
        return datetime(2026, 11, 22, 10, tzinfo=tz)


def test_files_that_are_written_late_name_what_was_read_and_when(tmp_path, monkeypatch):
    folder = tmp_path / "window"
    folder.mkdir()
    people().write_csv(folder / "rows.csv")
    before = modelwatch.baseline(folder, dataset_format="csv", header=True)
    with monkeypatch.context() as at_10:
        at_10.setattr(analysis, "datetime", At10)
        found = modelwatch.check(folder, before, dataset_format="csv", header=True)
    (folder / "rows.csv").unlink()  # as a temporary copy of what is in S3
    assert "<title>Data quality of rows.csv</title>" in found.report
    assert "<title>Data quality baseline of rows.csv</title>" in before.report
    times = [found.report.partition('<time datetime="')[2][:20]]
    times += [json.loads(line)["Timestamp"] for line in found.files["cloudwatch_metrics.jsonl"].splitlines()]
    assert len(times) > 1
    assert set(times) == {"2026-11-22T10:00:00Z"}


def test_a_result_does_not_hold_the_data(known):
    data = people(20)
    alive = weakref.ref(data)
    found = modelwatch.check(data, known)
    del data
    gc.collect()
    assert alive() is None
    assert "age" in found.report


def test_threads_that_look_into_one_result_at_once_see_the_same_files(known, monkeypatch):
    write = analysis.write_page
    monkeypatch.setattr(analysis, "write_page", lambda *args, **kwargs: (time.sleep(0.05), write(*args, **kwargs)))
    found = modelwatch.check(people(20), known)
    with ThreadPoolExecutor(4) as threads:
        reports = list(threads.map(lambda _: found.report, range(4)))
    assert len(set(reports)) == 1
    assert "age" in reports[0]


def test_files_that_cannot_be_made_are_an_error_with_a_code_and_leave_no_folder(known, tmp_path, monkeypatch):
    found = modelwatch.check(people(), known)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "none"))
    with pytest.raises(modelwatch.ModelwatchError, match=r"OutputNotWritable: no files can be created .* TMPDIR"):
        found.save(tmp_path / "saved")
    assert not (tmp_path / "saved").exists()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert found.report


def test_a_result_is_unchanged_by_a_copy_through_another_process(drifted):
    copied = pickle.loads(pickle.dumps(drifted))
    assert dict(copied.files) == dict(drifted.files)
    assert (copied.violations, copied.summary) == (drifted.violations, drifted.summary)


def test_drift_is_found_and_shown_in_every_form(drifted):
    assert [(each.feature_name, each.constraint_check_type) for each in drifted.violations] == [
        ("age", "baseline_drift_check")
    ]
    row = drifted.table().row(0, named=True)
    assert (row["subject"], row["description"]) == ("age", drifted.violations[0].description)
    assert repr(drifted).startswith(f"<Check data-quality: 1 violation in {ROWS} rows\n  age: ")
    with pytest.raises(modelwatch.ViolationsFound, match="1 violation in 600 rows\n  age: "):
        drifted.raise_for_violations()


def test_a_check_has_no_truth_value(drifted):
    with pytest.raises(TypeError, match="raise_for_violations"):
        bool(drifted)


@pytest.mark.parametrize(
    "take",
    [
        pl.DataFrame.to_pandas,
        lambda frame: frame.to_pandas().set_index(pd.Index(range(7, ROWS + 7), name="id")),
        lambda frame: frame.to_pandas(use_pyarrow_extension_array=True),
        pl.DataFrame.to_arrow,
        pa.RecordBatchReader.from_stream,
    ],
    ids=["pandas", "pandas with an index", "pandas of Arrow", "pyarrow", "a stream"],
)
def test_a_table_of_any_library_has_the_same_baseline(known, take):
    made = modelwatch.baseline(take(people()))
    assert (made.statistics, made.constraints) == (known.statistics, known.constraints)


def test_times_of_a_pandas_frame_whose_zone_is_an_offset_are_those_of_its_parquet_file(tmp_path):
    times = pd.to_datetime(["2026-01-31T12:00:00+05:30", "2026-01-31T12:00:10+05:30"])
    table = pd.DataFrame({"time": times, "x": [1, 2]})
    before = table.copy()
    table.to_parquet(tmp_path / "a.parquet")
    of_frame = modelwatch.baseline(table)
    of_file = modelwatch.baseline(tmp_path / "a.parquet", dataset_format="parquet")
    assert of_frame.statistics["features"] == of_file.statistics["features"]
    buckets = of_frame.statistics["features"][0]["string_statistics"]["distribution"]["categorical"]["buckets"]
    assert [bucket["value"] for bucket in buckets] == ["2026-01-31 06:30:00+00:00", "2026-01-31 06:30:10+00:00"]
    pd.testing.assert_frame_equal(table, before)


def test_times_of_an_arrow_table_whose_zone_is_an_offset_are_read_in_utc():
    times = pa.array([datetime(2026, 1, 31, 6, 30, tzinfo=UTC)], pa.timestamp("us", "+05:30"))
    table = pa.table({"time": times, "x": [1]})
    for data in (table, table.to_batches()[0]):
        time, _ = modelwatch.baseline(data).statistics["features"]
        (bucket,) = time["string_statistics"]["distribution"]["categorical"]["buckets"]
        assert bucket["value"] == "2026-01-31 06:30:00+00:00"


def test_a_report_calls_a_table_in_memory_no_file():
    report = modelwatch.baseline(pd.DataFrame({"x": [1, 2]})).report
    assert report is not None
    assert "table in memory" in report
    assert "dataFrame" not in report
    assert "1 file" not in report


def test_an_offset_may_be_a_zone_of_another_library():
    times = pd.to_datetime(["2026-01-31T12:00:00Z"] * 3).tz_convert(tzoffset(None, 19800))
    statistics = modelwatch.baseline(pd.DataFrame({"time": times, "x": [1, 2, 3]})).statistics["features"]
    buckets = statistics[0]["string_statistics"]["distribution"]["categorical"]["buckets"]
    assert [bucket["value"] for bucket in buckets] == ["2026-01-31 12:00:00+00:00"]


def test_numbers_of_a_pandas_frame_are_not_copied():
    from modelwatch.notebook.frames import held_frame

    values = np.arange(1000)
    frame = pd.DataFrame({"a": values}, copy=False)
    held = held_frame(frame).frame["a"].to_numpy(allow_copy=False)
    assert np.shares_memory(held, frame["a"].to_numpy())


@pytest.mark.parametrize(
    ("data", "code", "words"),
    [
        ({"a": [1]}, "UnusableData", "builtins dict"),
        (pl.LazyFrame({"a": [1]}), "UnusableData", "LazyFrame"),
        (pd.Series([1], name="a"), "UnusableData", "pandas Series"),
        (pd.Series(pd.to_datetime(["2026-01-31T12:00:00+05:30"])), "UnusableData", "pandas Series"),
        (pa.chunked_array([[1]]), "UnusableData", "pyarrow ChunkedArray"),
        (pd.DataFrame({"good": [1, 2], "bad": ["secret", 1]}), "UnreadableFrame", "'bad'"),
        (pd.DataFrame({"bad": [1.5, "secret"]}), "UnreadableFrame", "'bad'"),
        (pd.DataFrame({"good": [1], "bad": [1 + 2j]}), "UnreadableFrame", "'bad'"),
        (pd.DataFrame({"good": [1], "bad": [2**70]}), "UnreadableFrame", "'bad'"),
        (pa.table({"a": pa.array([Decimal(1)], pa.decimal256(60, 2))}), "UnreadableFrame", "a column"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "DuplicateColumn", "'a'"),
        (pa.table([[1], [2]], names=["a", "a"]), "DuplicateColumn", "rename"),
        (pl.DataFrame({"a": []}), "EmptyDataset", "no rows"),
    ],
    ids=[
        "dict",
        "lazy",
        "a series of pandas",
        "a series of times whose zone is an offset",
        "a column of Arrow",
        "mixed types",
        "mixed types, a number first",
        "a type that Arrow does not have",
        "integers that Arrow does not have",
        "a type that polars does not have",
        "two names of pandas",
        "two names of Arrow",
        "empty",
    ],
)
def test_what_is_no_usable_table_is_refused_without_its_values(data, code, words):
    with pytest.raises(modelwatch.ModelwatchError) as refused:
        modelwatch.baseline(data)
    assert refused.value.code == code
    assert words in refused.value.message
    assert "secret" not in refused.value.message


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"mising_values": "usual"}, "did you mean missing_values"),
        ({"knd": "bias"}, "did you mean kind?"),
        ({"kind": "data-qualty"}, "data-quality, model-quality, bias, explainability"),
        ({"kind": "model-quality"}, "problem_type is needed"),
        ({"kind": "model-quality", "problem_type": "Regression"}, "give ground_truth if they are in files"),
        ({"kind": "model-quality", "problem_type": "Regresion", "ground_truth_attribute": "age"}, "problem_type"),
        ({"header": False}, "header concerns files"),
        ({"propose_changes": 0}, "propose_changes"),
        ({"decimal": "x"}, "decimal"),
        ({"inference_attribute": "agee", "kind": "bias", "analysis_config": BIAS}, "'age'"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_options_that_cannot_be_used_are_refused(options, words):
    with pytest.raises(modelwatch.ModelwatchError) as refused:
        modelwatch.baseline(people(), **options)
    assert words in refused.value.message
    assert "--" not in refused.value.message


def without_times(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Leave out when metrics and reports were written."""
    times = rb'"Timestamp": "[^"]+"|<time datetime=.*?</time>'
    return {name: re.sub(times, b"", content) for name, content in files.items()}


def test_files_are_read_as_the_shell_reads_them(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, shift in (("train", 0), ("today", 20)):
        people(shift).write_csv(f"{name}.csv", separator=";")
    options = {"dataset_format": "csv", "separator": ";"}
    made = modelwatch.baseline("train.csv", **options)
    found = modelwatch.check(Path("today.csv"), made, **options)
    arguments = ["--dataset-format", "csv", "--separator", ";", "--output"]
    CliRunner().invoke(app, ["baseline", "data-quality", "--data", "train.csv", *arguments, "b"])
    files = ["--statistics", "b/statistics.json", "--constraints", "b/constraints.json"]
    CliRunner().invoke(app, ["check", "data-quality", "--data", "today.csv", *files, *arguments, "c"])
    for folder, result in (("b", made), ("c", found)):
        written = {path.name: path.read_bytes() for path in Path(folder).iterdir()}
        assert without_times(written) == without_times(result.files)


@pytest.mark.parametrize(
    ("data", "options", "words"),
    [
        ("nowhere.csv", {"dataset_format": "csv"}, "data: there is nothing at nowhere.csv"),
        (".", {}, "dataset_format"),
        (".", {"dataset_format": "xls"}, "dataset_format: Input should be 'csv'"),
        (".", {"dataset_format": "csv", "start": "2026-01-01T00:00:00Z"}, "start and end select records"),
        (".", {"dataset_format": "csv", "record_preprocessor": "none.py"}, "record_preprocessor: there is nothing"),
    ],
)
def test_files_that_cannot_be_used_are_refused(tmp_path, monkeypatch, data, options, words):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(modelwatch.ModelwatchError) as refused:
        modelwatch.baseline(data, **options)
    assert words in refused.value.message


def test_a_baseline_is_saved_and_loaded_as_sagemakers_files(tmp_path, known, drifted):
    folder = known.save(tmp_path / "baseline")
    assert {"statistics.json", "constraints.json", "report.html"} <= {path.name for path in folder.iterdir()}
    loaded = modelwatch.load_baseline(folder)
    assert loaded.files == known.files
    assert modelwatch.check(people(20), folder).violations == drifted.violations
    statistics = folder / "statistics.json"
    assert modelwatch.check(people(20), folder / "constraints.json", statistics=statistics).violations
    measured = modelwatch.check(people(20), folder / "constraints.json", statistics=known.statistics)
    assert measured.violations == drifted.violations
    with pytest.raises(modelwatch.ModelwatchError, match="statistics"):
        modelwatch.check(people(), folder / "constraints.json")
    with pytest.raises(modelwatch.ModelwatchError) as refused:
        known.save(folder)
    assert refused.value.code == "OutputNotEmpty"
    assert known.save(folder, overwrite=True) == folder


def test_results_are_saved_to_s3_where_a_baseline_is_loaded_from(tmp_path, monkeypatch, known, drifted):
    monkeypatch.chdir(tmp_path)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        boto3.client("s3", region_name="us-east-1").create_bucket(Bucket="bucket")
        assert known.save("s3://bucket/baseline/") == "s3://bucket/baseline"
        assert modelwatch.load_baseline("s3://bucket/baseline").files == known.files
        drifted.save("s3://bucket/check")
        with pytest.raises(modelwatch.ModelwatchError, match="OutputNotEmpty: folder: s3://bucket/baseline is not"):
            known.save("s3://bucket/baseline")
        known.save("s3://bucket/baseline", overwrite=True)
        with pytest.raises(modelwatch.ModelwatchError, match="BucketNotFound"):
            known.save("s3://no-such-bucket/baseline")
        with pytest.raises(modelwatch.ModelwatchError, match="give its URI as a str"):
            known.save(Path("s3://bucket/other"))
    assert list(tmp_path.iterdir()) == []


def test_sagemakers_own_files_are_a_baseline_without_a_report(tmp_path, known):
    for name in ("statistics.json", "constraints.json"):
        (tmp_path / name).write_bytes(known.files[name])
    loaded = modelwatch.load_baseline(str(tmp_path))
    assert loaded._repr_html_() is None
    assert repr(loaded) == "<Baseline data-quality: loaded from files>"
    assert modelwatch.check(people(), loaded).violations == []


@pytest.mark.parametrize("name", ["nothing", "empty"])
def test_a_folder_without_a_baseline_is_refused(tmp_path, name):
    (tmp_path / "empty").mkdir()
    with pytest.raises(modelwatch.ModelwatchError) as refused:
        modelwatch.load_baseline(tmp_path / name)
    assert refused.value.code == "FileNotFound"


def test_another_file_of_a_baseline_is_no_baseline(tmp_path, known):
    folder = known.save(tmp_path / "saved")
    for name in ("report.html", "cloudwatch_metrics.jsonl"):
        with pytest.raises(modelwatch.ModelwatchError, match=r"give constraints\.json, or the folder") as refused:
            modelwatch.load_baseline(folder / name)
        assert refused.value.code == "InvalidConstraints"
    (folder / "constraints.json").write_text("[1]")
    with pytest.raises(modelwatch.ModelwatchError, match="InvalidConstraints"):
        modelwatch.load_baseline(folder)


@pytest.mark.parametrize(
    ("statistics", "words"),
    [
        ([1], "statistics is of type list"),
        ({"mean": {1, 2}}, "statistics cannot be written as JSON"),
        ("x" * 300, "statistics: there is nothing at xxx"),
    ],
)
def test_what_is_no_file_and_no_document_is_refused_by_the_name_of_its_argument(tmp_path, known, statistics, words):
    folder = known.save(tmp_path / "saved")
    with pytest.raises(modelwatch.ModelwatchError, match=words):
        modelwatch.check(people(), folder / "constraints.json", statistics=statistics)
    with pytest.raises(modelwatch.ModelwatchError, match="baseline is of type dict"):
        modelwatch.load_baseline(known.constraints)


def test_edited_constraints_are_what_a_check_compares_with(known):
    constraints = known.constraints
    constraints["monitoring_config"]["distribution_constraints"] |= {"minimum_effect": 1.0, "minimum_share": 1.0}
    lenient = known.with_constraints(constraints)
    assert modelwatch.check(people(20), lenient).violations == []
    assert modelwatch.check(people(20), known).violations != []


@pytest.mark.parametrize("value", [np.float32(0.1), np.int64(1), float("nan")])
def test_constraints_that_json_cannot_hold_are_refused_when_they_are_given(known, value):
    constraints = known.constraints
    constraints["monitoring_config"]["distribution_constraints"] |= {"minimum_effect": value}
    with pytest.raises(modelwatch.ModelwatchError, match="constraints cannot be written as JSON"):
        known.with_constraints(constraints)


def test_a_baseline_has_one_kind(known):
    with pytest.raises(modelwatch.ModelwatchError, match="Baseline of data-quality"):
        modelwatch.check(people(), known, kind="bias")


class Frames(HTMLParser):
    """Collects the attributes of frames."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[dict[str, str | None]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [dict(attrs)] if tag == "iframe" else []


def test_jupyter_shows_the_report_in_one_frame_that_runs_nothing(drifted):
    (frame,) = Frames(drifted._repr_html_()).found
    assert frame["srcdoc"] == drifted.report.replace('href="#', 'href="about:srcdoc#')
    assert frame["sandbox"] == ""
    assert 'href="about:srcdoc#' in frame["srcdoc"]


def test_a_baseline_of_another_kind_is_refused_where_it_is_loaded(tmp_path, known):
    options = {"problem_type": "Regression", "inference_attribute": "age", "ground_truth_attribute": "count"}
    folder = modelwatch.baseline(people(), "model-quality", bootstrap_replicates=100, **options).save(tmp_path / "q")
    for given in (folder, folder / "constraints.json"):
        with pytest.raises(modelwatch.ModelwatchError, match='give kind="model-quality"') as refused:
            modelwatch.check(people(), given)
        assert refused.value.code == "UnusableArguments"
    assert modelwatch.load_baseline(folder, kind="model-quality").kind == "model-quality"
    with pytest.raises(modelwatch.ModelwatchError, match="is of data-quality, not of explainability"):
        modelwatch.load_baseline(known.save(tmp_path / "d"), kind="explainability")


def test_model_quality_reads_labels_in_the_frame_and_keeps_its_options():
    drawn = np.random.default_rng(1)
    label = drawn.integers(0, 2, ROWS)
    good = pd.DataFrame({"label": label, "prediction": np.where(drawn.random(ROWS) < 0.9, label, 1 - label)})
    bad = good.assign(prediction=1 - good["prediction"])
    made = modelwatch.baseline(
        good,
        kind="model-quality",
        problem_type="BinaryClassification",
        inference_attribute="prediction",
        ground_truth_attribute="label",
        bootstrap_replicates=100,
    )
    assert modelwatch.check(good, made, bootstrap_replicates=100).violations == []
    found = modelwatch.check(bad, made, bootstrap_replicates=100)
    assert "accuracy" in found.table()["subject"].to_list()
    with pytest.raises(modelwatch.ModelwatchError, match="give ground_truth"):
        modelwatch.check(good, made, ground_truth_attribute=None)


def test_bias_takes_its_configuration_as_a_dict(tmp_path):
    fair = pl.DataFrame(
        {"sex": ["F", "F", "M", "M"] * 60, "score": [0.9, 0.1, 0.9, 0.2] * 60, "approved": [1, 0] * 120}
    )
    unfair = fair.with_columns(score=pl.Series([0.4, 0.1, 0.9, 0.8] * 60))
    options = {"analysis_config": BIAS, "probability_attribute": "score"}
    made = modelwatch.baseline(fair, kind="bias", bootstrap_replicates=100, **options)
    found = modelwatch.check(unfair, made, bootstrap_replicates=100)
    assert {"facet", "metric_name"} <= set(found.table().columns)
    assert found.violations
    with pytest.raises(modelwatch.ModelwatchError, match='is of bias, not of data-quality: give kind="bias"'):
        modelwatch.load_baseline(made.save(tmp_path))
    loaded = modelwatch.load_baseline(tmp_path, kind="bias")
    again = modelwatch.check(unfair, loaded, bootstrap_replicates=100, **options)
    assert again.violations == found.violations


def test_explainability_explains_a_model_that_the_check_need_not_name_again(tmp_path):
    rows = np.random.default_rng(7).normal(size=(150, 3)).round(3)
    model = GradientBoostingRegressor(n_estimators=20, random_state=0).fit(rows, rows[:, 0] * rows[:, 1] + rows[:, 2])
    (tmp_path / "model.pkl").write_bytes(pickle.dumps(model))
    frame = pl.DataFrame(rows, schema=["a", "b", "c"])
    made = modelwatch.baseline(
        frame,
        kind="explainability",
        analysis_config={"methods": {"shap": {"baseline": [[0, 0, 0]]}}},
        model_artifact=tmp_path / "model.pkl",
        allow_pickle=True,
    )
    assert set(made.statistics["explanations"]) == {"kernel_shap"}
    found = modelwatch.check(frame, made, allow_pickle=True)
    assert found.violations == []


LOADED = """
import sys
import modelwatch
print([name for name in ("boto3", "numpy", "polars", "pydantic", "rich", "typer") if name in sys.modules])
assert callable(modelwatch.baseline) and "polars" in sys.modules
print("boto3" in sys.modules)
"""


def test_importing_modelwatch_loads_nothing_that_it_does_not_need():
    ended = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True)
    assert ended.stdout.splitlines() == ["[]", "False"]


def test_a_name_that_does_not_exist_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'chek'"):
        _ = modelwatch.chek
    assert "check" in dir(modelwatch)


def test_a_missing_package_is_named_with_the_fix():
    code = "import sys; sys.modules['polars'] = None; import modelwatch; modelwatch.baseline"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    last = "ImportError: polars is not installed. Fix it in a checkout of Modelwatch: pip install '.[sdk]'"
    assert ended.stderr.splitlines()[-1] == last
