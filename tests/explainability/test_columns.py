"""Which columns the model takes, and in which order: those of the baseline, whatever today's data look like."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from modelwatch_analyzer.explainability.columns import text_features
from modelwatch_analyzer.explainability.config import Predictor
from modelwatch_analyzer.explainability.requests import RequestFormat
from modelwatch_core.domain.analysis import AnalysisSummary
from modelwatch_core.domain.errors import InvalidInput
from tests.explainability.conftest import CAPTURED, Asked, Explaining

Rows = NDArray[np.float64]
NAMES = ["income", "debt", "age"]
REVERSED = np.array([1.0, 2.0, 3.0])


@pytest.fixture
def known(explaining: Explaining, rows: Rows) -> Explaining:
    """Explain a baseline with named features, of which the first counts most and the last least."""
    explaining.baseline(explaining.write(rows, NAMES))
    return explaining


def attributions(known: Explaining) -> dict[str, float]:
    found: dict[str, float] = known.read("check/analysis.json")["explanations"]["kernel_shap"]["label0"][
        "global_shap_values"
    ]
    return found


def checks_of(summary: AnalysisSummary) -> list[str]:
    return [violation.constraint_check_type for violation in summary.violations]


def without_header(known: Explaining, rows: Rows) -> tuple[Path, dict[str, Any]]:
    path = known.write(rows)
    path.write_text(path.read_text().partition("\n")[2])
    return path, {"dataset_format": {"csv": {"header": False}}}


def captured_csv(known: Explaining, rows: Rows) -> tuple[Path, dict[str, Any]]:
    data = known.write_captures([",".join(map(str, row)) for row in rows.tolist()])
    return data, {"dataset_format": CAPTURED}


def captured_csv_with_named_responses(known: Explaining, rows: Rows) -> tuple[Path, dict[str, Any]]:
    requests = [",".join(map(str, row)) for row in rows.tolist()]
    return known.write_captures(requests, "CSV", '{"score": 0.5}', "JSON"), {"dataset_format": CAPTURED}


def captured_lists(known: Explaining, rows: Rows) -> tuple[Path, dict[str, Any]]:
    data = known.write_captures([json.dumps({"features": row}) for row in rows.tolist()], "JSON")
    return data, {"dataset_format": CAPTURED, "features_attribute": "features"}


def lines_of_lists(known: Explaining, rows: Rows) -> tuple[Path, dict[str, Any]]:
    path = known.folder / "today.jsonl"
    path.write_text("\n".join(json.dumps({"features": row}) for row in rows.tolist()))
    return path, {"dataset_format": {"json": {"lines": True}}}


def reordered(known: Explaining, rows: Rows) -> tuple[Path, dict[str, Any]]:
    return known.write(rows[:, ::-1], NAMES[::-1]), {}


def captured_objects(known: Explaining, rows: Rows) -> tuple[Path, dict[str, Any]]:
    requests = [json.dumps(dict(zip(NAMES[::-1], row[::-1], strict=True))) for row in rows.tolist()]
    return known.write_captures(requests, "JSON"), {"dataset_format": CAPTURED}


def lines_with_keys_in_another_order(known: Explaining, rows: Rows) -> tuple[Path, dict[str, Any]]:
    records = [dict(zip(NAMES, row, strict=True)) for row in rows.tolist()]
    records[0] = dict(reversed(records[0].items()))
    path = known.folder / "today.jsonl"
    path.write_text("\n".join(map(json.dumps, records)))
    return path, {"dataset_format": {"json": {"lines": True}}}


FORMS: list[Callable[[Explaining, Rows], tuple[Path, dict[str, Any]]]] = [
    without_header,
    captured_csv,
    captured_csv_with_named_responses,
    captured_lists,
    lines_of_lists,
    reordered,
    captured_objects,
    lines_with_keys_in_another_order,
]


@pytest.mark.parametrize("form", FORMS)
def test_the_model_gets_the_features_of_the_baseline_in_their_order(known: Explaining, rows: Rows, form: Any) -> None:
    data, settings = form(known, rows)
    assert checks_of(known.check(data, **settings)) == []
    found = attributions(known)
    assert list(found) == NAMES
    expected = np.abs(rows * [3.0, 2.0, 1.0]).mean(axis=0)
    assert list(found.values()) == pytest.approx(expected, rel=0.02)
    known.server.function = lambda values: values @ REVERSED
    assert checks_of(known.check(data, **settings)) == ["feature_attribution_drift_check"]


def test_requests_of_json_and_baseline_rows_are_in_the_order_of_the_baseline(known: Explaining, rows: Rows) -> None:
    known.config["methods"]["shap"]["baseline"] = [[1, 2, 3]]
    known.config["predictor"] = {
        "content_type": "application/jsonlines",
        "content_template": '{"names":$feature_names,"x":$features}',
        "accept_type": "text/csv",
    }
    known.server.respond = lambda asked: (200, b"1\n" * len(asked.body.splitlines()))
    known.check(known.write(rows[:, ::-1], NAMES[::-1]))
    first = json.loads(known.server.asked[-2].body.splitlines()[0])
    assert first == {"names": NAMES, "x": [1, 2, 3]}


def test_headers_may_be_those_that_the_file_has_too(explaining: Explaining, rows: Rows) -> None:
    # As in AWS's example of both Clarify monitors, with validation-dataset-with-header.csv.
    explaining.config["headers"] = NAMES
    summary = explaining.run(explaining.write(rows, NAMES), "check", dataset_format={"csv": {"header": False}})
    assert (summary.records.read, summary.warnings) == (150, ())
    assert list(attributions(explaining)) == NAMES


def test_the_configuration_says_where_the_features_of_json_are(explaining: Explaining, rows: Rows) -> None:
    # SageMaker's rule: the last header is that of the label, which has a path.
    path = explaining.folder / "today.json"
    path.write_text(json.dumps({"instances": [{"id": 1, "features": row, "target": 1} for row in rows.tolist()]}))
    explaining.config |= {"features": "instances[*].inputs", "label": "instances[*].target"}
    with pytest.raises(InvalidInput, match="features of the analysis configuration finds nothing in the payload"):
        explaining.baseline(path, dataset_format={"json": {}})
    explaining.config |= {"features": "instances[*].features"}
    explaining.config["headers"] = [*NAMES, "approved"]
    explaining.run(path, "check", dataset_format={"json": {"lines": False}})
    found = attributions(explaining)
    assert list(found) == NAMES
    assert list(found.values()) == pytest.approx(np.abs(rows * [3.0, 2.0, 1.0]).mean(axis=0), rel=0.02)


@pytest.mark.parametrize("sides", [["endpointInput"], ["endpointInput", "endpointOutput"]])
@pytest.mark.parametrize("attribute", ["inference_attribute", "probability_attribute"])
def test_attributes_of_responses_say_where_the_model_has_its_score(
    explaining: Explaining, rows: Rows, sides: list[str], attribute: str
) -> None:
    # As in AWS's examples of feature attribution drift for JSON Lines: schedules have no predictor.label.
    def respond(asked: Asked) -> tuple[int, bytes]:
        asked_rows = np.array([json.loads(line)["features"] for line in asked.body.splitlines()])
        scores = (asked_rows @ [3.0, 2.0, 1.0]).tolist()
        return 200, "\n".join(json.dumps({"name": "a", "score": score}) for score in scores).encode()

    explaining.server.respond = respond
    lines = "application/jsonlines"
    template = {"content_type": lines, "accept_type": lines, "content_template": '{"features":$features}'}
    explaining.config |= {"headers": NAMES, "predictor": template}
    requests = [json.dumps({"features": row}) for row in rows.tolist()]
    data = explaining.write_captures(requests, "JSON", '{"name": "a", "score": 0.5}', "JSON")
    explaining.run(
        data,
        "check",
        dataset_format={"sagemakerCaptureJson": {"captureIndexNames": sides}},
        features_attribute="features",
        **{attribute: "score"},
    )
    assert list(attributions(explaining)) == NAMES


def test_headers_in_another_order_only_name_the_columns(known: Explaining, rows: Rows) -> None:
    known.config["headers"] = NAMES[::-1]
    data, settings = without_header(known, rows[:, ::-1])
    assert checks_of(known.check(data, **settings)) == []
    assert list(attributions(known)) == NAMES


@pytest.mark.parametrize("form", [without_header, captured_csv])
def test_another_number_of_columns_without_names_is_refused(known: Explaining, rows: Rows, form: Any) -> None:
    asked = len(known.server.asked)
    data, settings = form(known, np.c_[rows, rows[:, 0]])
    says = "4 columns without names, but the baseline explains 3 features, .*list all columns in headers"
    with pytest.raises(InvalidInput, match=says) as refused:
        known.check(data, **settings)
    assert refused.value.code == "FeaturesNotFound"
    assert len(known.server.asked) == asked
    known.config |= {"headers": [*NAMES, "id"], "label": "target", "excluded_columns": ["id"]}
    assert checks_of(known.check(data, **settings)) == []
    del known.config["headers"]
    known.config["excluded_columns"] = [3]
    assert checks_of(known.check(data, **settings)) == []


def test_features_that_are_new_or_gone_are_violations_or_explain_why_the_model_fails(
    known: Explaining, rows: Rows
) -> None:
    data = known.write(np.c_[rows[:, 1:], rows[:, 0]], ["debt", "age", "height"])
    summary = known.check(data)
    assert checks_of(summary) == ["feature_set_check"] * 2
    assert list(attributions(known)) == ["debt", "age", "height"]
    known.server.respond = lambda _: (500, b"3 inputs")
    says = "; the dataset lacks 'income', which the baseline explains; the baseline does not have 'height'$"
    with pytest.raises(InvalidInput, match=says):
        known.check(data)


@pytest.mark.parametrize("label", ["Target", "4", 9, -1])
def test_a_label_that_is_no_column_of_a_table_is_refused(explaining: Explaining, rows: Rows, label: str | int) -> None:
    explaining.config["label"] = label
    data = explaining.write(np.c_[rows, rows[:, 0]], [*NAMES, "target"])
    with pytest.raises(InvalidInput, match=f"label is {label!r}, .*no such column; it has 'income', ") as refused:
        explaining.baseline(data)
    assert refused.value.code == "UnknownColumn"
    assert not explaining.server.asked


def test_labels_may_be_missing_from_what_is_checked(known: Explaining, rows: Rows) -> None:
    for label in ("target", 3):
        known.config["label"] = label
        for form in (reordered, without_header, captured_csv, captured_objects):
            data, settings = form(known, rows)
            assert checks_of(known.check(data, **settings)) == []
    known.config = {"label": "Target"}
    misspelt = known.check(known.write(np.c_[rows, rows[:, 0]], [*NAMES, "target"]))
    assert [each.feature_name for each in misspelt.violations] == ["target"]
    assert checks_of(misspelt) == ["feature_set_check"]


@pytest.mark.parametrize("label", ["target", 3])
def test_labels_are_no_part_of_captured_requests(explaining: Explaining, rows: Rows, label: str | int) -> None:
    explaining.config |= {"label": label, "headers": [*NAMES, "target"]}
    data, settings = captured_csv(explaining, rows)
    explaining.run(data, "check", **settings)
    assert list(attributions(explaining)) == NAMES
    del explaining.config["headers"]
    explaining.run(data, "check", **settings)
    assert list(attributions(explaining)) == ["_c1", "_c2", "_c3"]
    explaining.config["excluded_columns"] = ["id"]
    with pytest.raises(InvalidInput, match="excluded_columns names 'id', but the data has no such column"):
        explaining.baseline(data, **settings)


def test_what_is_remarkable_of_the_dataset_is_said_where_the_model_fails(explaining: Explaining, rows: Rows) -> None:
    explaining.config["headers"] = ["a", "b", "c"]
    explaining.server.respond = lambda _: (500, b"not a number")
    says = "first line of data.csv looks like names of columns, but was read as a row"
    with pytest.raises(InvalidInput, match=says) as refused:
        explaining.baseline(explaining.write(rows, NAMES), dataset_format={"csv": {"header": False}})
    assert refused.value.code == "ModelFailed"


def rewritten(known: Explaining, change: Callable[[dict[str, Any]], object]) -> Path:
    """Rewrite the baseline with its keys sorted, after a change."""
    path = known.folder / "baseline" / "analysis.json"
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document, sort_keys=True))
    return path


def as_an_earlier_version_wrote_it(document: dict[str, Any]) -> None:
    del document["run_details"]["features"]


def as_sagemaker_writes_it(document: dict[str, Any]) -> None:
    del document["run_details"]


def test_the_order_of_keys_in_the_baseline_does_not_matter(known: Explaining, rows: Rows) -> None:
    rewritten(known, dict)
    for form in FORMS:
        data, settings = form(known, rows)
        assert checks_of(known.check(data, **settings)) == []
        assert list(attributions(known)) == NAMES


def test_the_order_is_taken_from_the_clusters_where_an_earlier_version_stored_no_other(
    explaining: Explaining, rows: Rows
) -> None:
    explaining.config = {}
    explaining.baseline(explaining.write(rows, NAMES))
    rewritten(explaining, as_an_earlier_version_wrote_it)
    data, settings = captured_csv(explaining, rows)
    summary = explaining.check(data, **settings)
    assert checks_of(summary) == []
    assert not [warning for warning in summary.warnings if "order" in warning]


@pytest.mark.parametrize("headers", [None, NAMES])
def test_without_a_stored_order_that_of_headers_or_the_dataset_is_taken(
    known: Explaining, rows: Rows, headers: list[str] | None
) -> None:
    rewritten(known, as_sagemaker_writes_it)
    if headers:
        known.config["headers"] = headers
    forms = [reordered, without_header, captured_csv] if headers else [lambda *_: (known.write(rows, NAMES), {})]
    for form in forms:
        data, settings = form(known, rows)
        summary = known.check(data, **settings)
        assert checks_of(summary) == []
        assert not [warning for warning in summary.warnings if "order" in warning]
        assert known.read("check/analysis.json")["run_details"]["features"] == NAMES


def test_a_stored_order_that_lacks_an_explained_feature_is_not_followed(known: Explaining, rows: Rows) -> None:
    def rename(document: dict[str, Any]) -> None:
        values = document["explanations"]["kernel_shap"]["label0"]["global_shap_values"]
        values["earnings"] = values.pop("income")

    rewritten(known, rename)
    names = ["earnings", *NAMES[1:]]
    assert checks_of(known.check(known.write(rows, names))) == []
    assert known.read("check/analysis.json")["run_details"]["features"] == names


def test_columns_without_names_are_paired_with_keys_as_a_last_resort(known: Explaining, rows: Rows) -> None:
    rewritten(known, as_sagemaker_writes_it)
    data, settings = captured_csv(known, rows)
    (warning,) = [warning for warning in known.check(data, **settings).warnings if "order" in warning]
    assert "in the order of its keys ('age', 'debt', 'income'), which may not be the model's" in warning
    assert warning.endswith("list all columns in headers")
    assert known.read("check/analysis.json")["run_details"]["features"] == ["age", "debt", "income"]


@pytest.mark.parametrize(
    ("values", "is_text"),
    [
        (["01234", "90210", None], True),
        (["007", "123"], True),
        (["a", "1"], True),
        (["90210", "10115"], False),
        ([f"{month:02d}" for month in range(1, 13)], False),
        (["00.5", "0.25"], False),
        (["+01", "123"], False),
        (["0123", "45678"], False),
        ([None], False),
    ],
)
def test_digits_of_one_width_of_which_some_begin_with_a_zero_are_text(values: list[str | None], is_text: bool) -> None:
    table = pl.DataFrame({"x": pl.Series(values, dtype=pl.String)})
    assert text_features(table, None) == (("x",) if is_text else ())


@pytest.mark.parametrize(
    ("values", "sent"),
    [
        (["True", "False", None], [True, False, None]),
        (["true", "false"], [True, False]),
        (["True", "0", "1"], [True, 0, 1]),  # baseline rows may be numbers
        (["True", "unknown"], ["True", "unknown"]),
        (["t", "f"], ["t", "f"]),
    ],
)
def test_true_and_false_are_those_of_json(values: list[str | None], sent: list[object]) -> None:
    column = pl.Series("x", values, dtype=pl.String)
    template = Predictor(content_type="application/jsonlines", content_template="$features")
    request = RequestFormat.of(template, ["x"])
    is_text = bool(text_features(column.to_frame(), None))
    cells = request.cells(column, numeric=not is_text)
    lines = request.body(request.rows([cells])).splitlines()
    assert [json.loads(line) for line in lines] == [[value] for value in sent]


def test_a_check_sends_the_types_of_the_baseline(explaining: Explaining) -> None:
    explaining.config["methods"]["shap"]["baseline"] = [[6, "10115", "001"]]
    explaining.config["predictor"] = {
        "content_type": "application/jsonlines",
        "content_template": "$features",
        "accept_type": "text/csv",
    }

    def respond(asked: Asked) -> tuple[int, bytes]:
        rows = [json.loads(line) for line in asked.body.splitlines()]
        return 200, "\n".join(str(sum(map(float, row))) for row in rows).encode()

    def types_sent(verb: Callable[[Path], object], lines: list[str]) -> set[tuple[str, ...]]:
        explaining.server.asked.clear()
        path = explaining.folder / "data.csv"
        path.write_text("\n".join(["month,zip,code", *lines]))
        verb(path)
        bodies = b"".join(asked.body for asked in explaining.server.asked)
        return {tuple(type(value).__name__ for value in json.loads(line)) for line in bodies.splitlines()}

    explaining.server.respond = respond
    first = [f"{month:02d},{month:05d},{month}" for month in range(1, 13)]
    later = [f"{month},{month}0115,{month:03d}" for month in range(10, 13)]
    assert types_sent(explaining.baseline, first) == {("int", "str", "int")}
    assert explaining.read("baseline/analysis.json")["run_details"]["text_features"] == ["zip"]
    assert types_sent(explaining.check, later) == {("int", "str", "int")}
    rewritten(explaining, lambda document: document["run_details"].pop("text_features"))
    assert types_sent(explaining.check, later) == {("int", "int", "str")}
