"""Baseline rows: given, or made of the dataset."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from pydantic import ValidationError
from sklearn.cluster import KMeans

from modelwatch_analyzer.explainability.background import clustered_background, given_background
from modelwatch_analyzer.explainability.config import ExplainabilityConfig, ShapConfig
from modelwatch_analyzer.host import Host
from modelwatch_core.domain.errors import InvalidInput

FEATURES = ("age", "city")


@pytest.mark.parametrize(
    "baseline",
    [
        [[37, "Oslo"], [1.5, None]],
        [{"age": 37, "city": "Oslo"}, {"city": None, "age": 1.5}],
        {"mime_type": "text/csv", "shap_baseline": "37,Oslo\n1.5,\n"},
        {"mime_type": "text/csv", "shap_baseline": "City,age\nOslo,37\n,1.5\n"},
        {"mime_type": "application/jsonlines", "shap_baseline": '{"x": [37, "Oslo"]}\n{"x": [1.5, null]}'},
    ],
)
def test_rows_may_be_given_inline(baseline: Any) -> None:
    found = given_background(ShapConfig(baseline=baseline), Host().read_object, FEATURES)
    assert found is not None
    assert found.rows() == [("37", "Oslo"), ("1.5", None)]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("rows.csv", "37,Oslo\n1.5,\n"),
        ("rows.csv", "\ufeffage,city\n37,Oslo\n1.5,\n"),
        ("rows.csv", "Age, City\n37,Oslo\n1.5,\n"),
        ("rows.csv", "city,age\nOslo,37\n,1.5\n"),
        ("rows.csv", "city,label,age\nOslo,1,37\n,0,1.5\n"),
        ("rows.json", json.dumps([[37, "Oslo"], [1.5, None]])),
        ("rows.jsonl", '{"age": 37, "city": "Oslo"}\n{"age": 1.5, "city": null}\n'),
    ],
)
def test_rows_may_be_in_a_file(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    by_path = given_background(ShapConfig(baseline=str(tmp_path / name)), Host().read_object, FEATURES)
    of_the_api = {"baseline": {"mime_type": "text/csv", "shap_baseline_uri": f"s3://bucket/{name}"}}
    uri = ExplainabilityConfig.model_validate({"explainability_config": of_the_api}).shap
    objects = {f"s3://bucket/{name}": (tmp_path / name).read_bytes()}
    fetched = given_background(uri, objects.get, FEATURES)
    assert by_path is not None
    assert fetched is not None
    assert by_path.rows() == fetched.rows() == [("37", "Oslo"), ("1.5", None)]


@pytest.mark.parametrize(
    ("features", "text", "expected"),
    [
        (("0", "1"), "1,0\n0,0\n", [("1", "0"), ("0", "0")]),
        (("0", "1"), "0,1\n", [("0", "1")]),
        (("1e0", "nan"), "nan,1e0\n", [("nan", "1e0")]),
        (("a", "1"), "1,a\n", [("1", "a")]),
        (("a", "1"), "a,1\n2,3\n", [("2", "3")]),
        (("a", "A"), "a,A\n2,3\n", [("2", "3")]),
        (("a", "A"), "A,a\n", [("A", "a")]),
        (("yes", "no"), "No,Yes\n2,3\n", [("3", "2")]),
    ],
)
def test_values_are_not_taken_for_a_header(features: tuple[str, ...], text: str, expected: list[Any]) -> None:
    config = ShapConfig.model_validate({"baseline": {"mime_type": "text/csv", "shap_baseline": text}})
    found = given_background(config, Host().read_object, features)
    assert found is not None
    assert found.rows() == expected


@pytest.mark.parametrize(
    ("baseline", "code"),
    [
        ([[1]], "ShapBaselineColumnsDiffer"),
        ([[1, 2], [1, 2, 3]], "ShapBaselineColumnsDiffer"),
        ([], "ShapBaselineColumnsDiffer"),
        ([{"age": 1}], "ShapBaselineColumnsDiffer"),
        ({"shap_baseline": "age,age,city\n1,2,Oslo\n"}, "ShapBaselineColumnsDiffer"),
        ("/nowhere/rows.csv", "ShapBaselineNotFound"),
        ("s3://bucket/rows.csv", "ObjectNotReachable"),
        ({"mime_type": "application/json", "shap_baseline": "{"}, "InvalidAnalysisConfig"),
        ({"mime_type": "image/png", "shap_baseline": "1"}, "InvalidAnalysisConfig"),
    ],
)
def test_rows_that_cannot_be_used_are_refused(baseline: Any, code: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        given_background(ShapConfig(baseline=baseline), Host().read_object, FEATURES)
    assert refused.value.code == code


def test_values_that_are_no_rows_are_refused_with_the_form_of_rows() -> None:
    with pytest.raises(ValidationError, match=r"must be a list of rows, .*: write one row as \[\[...\]\]"):
        ShapConfig.model_validate({"baseline": [37, "Oslo"]})


def test_numbers_are_clustered_as_scikit_learn_does_where_clusters_are_plain() -> None:
    rng = np.random.default_rng(0)
    centres = np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 20.0]])
    values = (centres[np.arange(300) % 3] + rng.normal(size=(300, 2))).round(3)
    table = pl.DataFrame(values.astype(str), schema=["a", "b"])
    found = clustered_background(table, [True, True], 3, 0).cast(pl.Float64).to_numpy()
    # scikit-learn 1.9.1; ours are moved to the nearest value that occurs, which here is less than 0.1 away.
    expected = KMeans(3, n_init=10, random_state=0).fit(values).cluster_centers_
    np.testing.assert_allclose(found[found.sum(axis=1).argsort()], expected[expected.sum(axis=1).argsort()], atol=0.1)
    assert set(found[:, 0]) <= set(values[:, 0])


def test_texts_are_clustered_with_numbers_and_a_centre_has_the_most_frequent() -> None:
    ages = [str(20 + number % 3) for number in range(30)] + [str(60 + number % 3) for number in range(30)]
    cities = ["Oslo"] * 28 + ["Bonn"] * 2 + ["Rome"] * 29 + [None]
    found = clustered_background(pl.DataFrame({"age": ages, "city": cities}), [True, False], 2, 0)
    assert sorted(found.rows()) == [("21", "Oslo"), ("61", "Rome")]


def test_there_are_no_more_centres_than_distinct_rows_and_missing_cells_do_no_harm() -> None:
    table = pl.DataFrame(
        {"a": ["1", "1", None, None], "b": ["x", "x", None, "x"], "c": [None] * 4}, schema_overrides={"c": pl.String}
    )
    found = clustered_background(table, [True, False, True], 12, 0)
    assert 1 <= found.height <= 3
    assert found.columns == ["a", "b", "c"]
    assert found["c"].null_count() == found.height


def test_numbers_of_any_magnitude_are_clustered() -> None:
    table = pl.DataFrame({"a": ["1e308", "-1e308", "1", "2"] * 5, "b": ["1e-310", "0", "3e-310", "3e-310"] * 5})
    found = clustered_background(table, [True, True], 3, 0)
    assert set(found.rows()) == {("1e308", "1e-310"), ("-1e308", "0"), ("1", "3e-310")}


def test_the_same_seed_makes_the_same_centres() -> None:
    values = np.random.default_rng(0).normal(size=(200, 3)).round(2).astype(str)
    table = pl.DataFrame(values, schema=["a", "b", "c"])
    first, again = (clustered_background(table, [True] * 3, 5, 9) for _ in range(2))
    assert first.equals(again)


def test_rows_whose_differences_vanish_when_squared_share_a_cluster() -> None:
    table = pl.DataFrame({"a": ["0", "1e-200", "1"], "b": ["0.1", None, "0.1"]})
    found = clustered_background(table, [True, True], 3, seed=0)
    assert sorted(found["a"]) in (["0", "1"], ["1", "1e-200"])
    assert found["b"].to_list() == ["0.1", "0.1"]
