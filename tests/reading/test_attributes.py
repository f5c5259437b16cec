"""Attributes: JMESPaths, indices and exclusions."""

from __future__ import annotations

from typing import Any

import pytest

from modelwatch_analyzer.reading.attributes import Attribute, Attributes
from modelwatch_analyzer.reading.flattening import Unflattenable
from modelwatch_core.domain.errors import InvalidInput


@pytest.mark.parametrize(
    ("expression", "document", "records"),
    [
        ("instances[*].features", {"instances": [{"features": [1, 2]}, {"features": [3, 4]}]}, [[1, 2], [3, 4]]),
        ("predictions[*].score", {"predictions": [{"score": 0.5}, {"score": 1}]}, [[0.5], [1]]),
        ("features", {"features": [1, 2]}, [[1, 2]]),
        ("features", {"features": [[1, 2], [3, 4]]}, [[1, 2], [3, 4]]),
        ("a.b", {"a": {"b": {"x": 1, "y": 2}}}, [{"x": 1, "y": 2}]),
        ("a.b", {"a": {"b": 7}}, [[7]]),
        ("predictions[0].score", {"predictions": [{"score": 0.5}]}, [[0.5]]),
        ("[*]", [0.1, 0.9], [[0.1], [0.9]]),
        ("[]", [[0.1], [0.9]], [[0.1], [0.9]]),
        ("rows[?keep].x", {"rows": [{"keep": True, "x": 1}, {"keep": False, "x": 2}]}, [[1]]),
        ("rows[*].[a, b]", {"rows": [{"a": 1, "b": 2}]}, [[1, 2]]),
        ("rows[*].a | [0]", {"rows": [{"a": 5}, {"a": 6}]}, [[5]]),
        ("1", [0.5, 0.7], [[0.7]]),
        ("0", [[0.5, 0.7], [0.1, 0.2]], [[0.5], [0.1]]),
    ],
)
def test_an_attribute_finds_rows(expression: str, document: Any, records: list[Any]) -> None:
    assert Attribute.of("features_attribute", expression).records(document) == records


@pytest.mark.parametrize("name", ["inference_attribute", "probability_attribute"])
def test_a_path_of_responses_is_found_in_what_a_transform_job_joined_with_its_input(name: str) -> None:
    # AWS's example of the bias monitor of batch transform jobs for JSON, whose jobs have join_source="Input"
    response = {"predictions": [{"score": 0.5}, {"score": 1}]}
    document = {"SageMakerOutput": response, "instances": [{"features": [1]}, {"features": [2]}]}
    attribute = Attribute.of(name, "predictions[*].score")
    assert attribute.records(document) == attribute.records(response) == [[0.5], [1]]
    assert Attribute.of(name, "SageMakerOutput.predictions[*].score").records(document) == [[0.5], [1]]
    assert attribute.records({"predictions": [{"score": 7}], "SageMakerOutput": response}) == [[7]]
    with pytest.raises(Unflattenable, match="features_attribute finds nothing in the payload"):
        Attribute.of("features_attribute", "predictions[*].score").records(document)


@pytest.mark.parametrize(
    ("expression", "document", "reason"),
    [
        ("scores", {"score": 1}, "features_attribute finds nothing in the payload"),
        ("scores[*]", {"scores": []}, "features_attribute finds nothing in the payload"),
        ("length(@)", 5, "features_attribute cannot be applied to the payload"),
        ("3", [1, 2], "features_attribute is 3, but the payload has 2 columns"),
        ("0", {"a": 1}, "features_attribute is an index, but the payload is an object: give a JMESPath"),
    ],
)
def test_an_attribute_that_finds_nothing_gives_a_reason(expression: str, document: Any, reason: str) -> None:
    with pytest.raises(Unflattenable, match=reason):
        Attribute.of("features_attribute", expression).records(document)


@pytest.mark.parametrize("expression", ["a[", "a b", "\N{SUPERSCRIPT TWO}", "-1"])
def test_an_attribute_that_is_neither_index_nor_path_is_refused(expression: str) -> None:
    with pytest.raises(InvalidInput, match="inference_attribute is neither") as refused:
        Attributes.of(inference=expression)
    assert refused.value.code == "InvalidAttribute"


def test_columns_are_excluded_by_name_or_by_their_index_among_the_inputs() -> None:
    columns, inputs = ("_c0", "_c1", "_c2", "age"), ("_c1", "_c2", "age")
    assert Attributes.of(exclude_features=" age , 0,").remaining(columns, inputs) == ("_c0", "_c2")
    assert Attributes().remaining(columns, inputs) == columns
    for unknown in ("3", "Age"):
        with pytest.raises(InvalidInput) as refused:
            Attributes.of(exclude_features=unknown).remaining(columns, inputs)
        assert refused.value.code == "UnknownColumn"
