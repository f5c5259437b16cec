"""SageMaker's files of all versions are read, and mistakes in them are reported with their place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from modelwatch_analyzer.data_quality.documents import Constraints, MonitoringConfig, Statistics
from modelwatch_analyzer.data_quality.monitoring_config import EffectiveConfig
from modelwatch_analyzer.distances import ROBUST, SIMPLE
from modelwatch_analyzer.wording import java_double, percent
from modelwatch_core.domain.drift_methods import L_INFINITY
from modelwatch_core.domain.errors import InvalidInput


def file(folder: Path, document: object) -> Path:
    path = folder / "document.json"
    path.write_text(document if isinstance(document, str) else json.dumps(document), encoding="utf-8-sig")
    return path


def test_a_statistics_file_of_the_first_party_container_is_read_as_it_is(tmp_path: Path) -> None:
    # The shape is of the developer guide's schema; keys that no version documents are ignored.
    features: list[dict[str, Any]] = [
        {
            "name": "Churn",
            "inferred_type": "Integral",
            "numerical_statistics": {
                "common": {"num_present": 3, "num_missing": 0},
                "mean": 1, "sum": 3.0, "std_dev": 0.8, "min": 0.0, "max": 2.0,
                "distribution": {"kll": {
                    "buckets": [{"lower_bound": 0.0, "upper_bound": 0.2, "count": 1.0}],
                    "sketch": {"parameters": {"c": 0.64, "k": 2048.0}, "data": [[0.0, 1.0, 2.0]]},
                }},
            },
            "later_addition": [1],
        },
        {
            "name": "State",
            "inferred_type": "String",
            "string_statistics": {
                "common": {"num_present": 3.0, "num_missing": 0},
                "distinct_count": 2.0,
                "distribution": {"categorical": {
                    "buckets": [{"value": "CA", "count": 2}, {"value": "NY", "count": 1.0}],
                }},
            },
        },
        {"name": "empty", "inferred_type": "Unknown"},
    ]  # fmt: skip
    document = {"version": 0, "dataset": {"item_count": 3, "evaluation_time": "2020"}, "features": features}
    churn, state, empty = Statistics.read(file(tmp_path, document)).features
    assert churn.sketch == {"parameters": {"c": 0.64, "k": 2048.0}, "data": [[0.0, 1.0, 2.0]]}
    assert state.categories == {"CA": 2, "NY": 1}
    assert empty.sketch is None
    assert empty.categories == {}


def test_overrides_are_found_in_both_spellings_and_at_all_places(tmp_path: Path) -> None:
    features = [
        {"name": "a", "monitoringConfigOverrides": {"evaluate_constraints": "Disabled"}},
        {"name": "b", "monitoring_config_overrides": {"datatype_check_threshold": 0.5}},
        # SageMaker's SDK v2 writes it here (monitoring_files.Constraints.set_monitoring).
        {
            "name": "c",
            "string_constraints": {"domains": [], "monitoring_config_overrides": {"evaluate_constraints": "Disabled"}},
        },
        {
            "name": "d",
            "num_constraints": {"monitoringConfigOverrides": {"distribution_constraints": {"comparison_threshold": 1}}},
        },
        {"name": "e"},
    ]
    general = {"emit_metrics": "Disabled", "distribution_constraints": {"comparison_method": "linf_simple"}}
    constraints = Constraints.read(file(tmp_path, {"features": features, "monitoring_config": general}))
    a, b, c, d, e = (
        EffectiveConfig.of([constraints.monitoring_config, *feature.all_overrides()])
        for feature in constraints.features
    )
    assert (a.evaluate_constraints, c.evaluate_constraints, e.evaluate_constraints) == (False, False, True)
    assert (b.datatype_check_threshold, e.datatype_check_threshold) == (0.5, 1.0)
    assert (d.comparison_threshold, e.comparison_threshold) == (1.0, 0.1)
    assert {config.comparison_method for config in (a, b, c, d, e)} == {SIMPLE.name}
    assert not any(config.emit_metrics for config in (a, b, c, d, e))


def test_a_features_own_overrides_stand_above_those_within_its_constraints(tmp_path: Path) -> None:
    feature = {
        "name": "a",
        "monitoringConfigOverrides": {"datatype_check_threshold": 0.5},
        "string_constraints": {
            "monitoringConfigOverrides": {"datatype_check_threshold": 0.6, "emit_metrics": "Disabled"}
        },
    }
    (read,) = Constraints.read(file(tmp_path, {"features": [feature]})).features
    config = EffectiveConfig.of(read.all_overrides())
    assert (config.datatype_check_threshold, config.emit_metrics) == (0.5, False)


@pytest.mark.parametrize(
    ("spelled", "method"),
    [("Simple", "Simple"), ("Robust", "Robust"), ("linf_simple", "Simple"), ("linf_robust", "Robust")],
)
def test_both_spellings_of_a_comparison_method_are_understood(spelled: str, method: str) -> None:
    config = MonitoringConfig.model_validate_json(
        json.dumps({"distribution_constraints": {"comparison_method": spelled}})
    )
    assert EffectiveConfig.of([config]).comparison_method == method


def test_what_a_file_leaves_out_is_as_sagemaker_suggests() -> None:
    config = EffectiveConfig.of([MonitoringConfig()])
    assert config == EffectiveConfig(
        evaluate_constraints=True,
        emit_metrics=True,
        datatype_check_threshold=1.0,
        domain_content_threshold=1.0,
        perform_comparison=True,
        comparison_threshold=0.1,
        comparison_method=ROBUST.name,
        categorical_comparison_threshold=0.1,
        categorical_drift_method=L_INFINITY,
        false_alarm_rate=0.01,
        monthly_false_alarm_rate=0.05,
        minimum_effect=0.02,
        minimum_share=0.01,
    )


@pytest.mark.parametrize(
    ("document", "place"),
    [
        ("{", "document.json: Invalid JSON"),
        ("[]", "document.json: Input should be a valid object"),
        ({}, "features"),
        ({"features": [{"name": "a"}, {"inferred_type": "String"}]}, "features[1].name"),
        ({"features": [{"name": "a", "inferred_type": "Number"}]}, "features[0].inferred_type"),
        ({"features": [{"name": "a", "completeness": "1.0"}]}, "features[0].completeness"),
        ({"features": [{"name": "a", "completeness": 1.5}]}, "features[0].completeness"),
        ({"features": [{"name": "a", "num_constraints": {"is_non_negative": 1}}]}, "num_constraints.is_non_negative"),
        ({"features": [{"name": "a", "string_constraints": {"domains": [1]}}]}, "string_constraints.domains[0]"),
        ({"features": [{"name": "a"}, {"name": "a"}]}, "'a'"),
        ({"features": [], "monitoring_config": {"datatype_check_threshold": True}}, "datatype_check_threshold"),
        ({"features": [], "monitoring_config": {"evaluate_constraints": "On"}}, "evaluate_constraints"),
        ('{"features": [], "version": NaN}', "version"),
    ],
)  # fmt: skip
def test_a_wrong_constraints_file_is_refused_with_the_place(tmp_path: Path, document: object, place: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        Constraints.read(file(tmp_path, document))
    assert refused.value.code == "InvalidConstraints"
    assert place in refused.value.message


def test_a_statistics_file_that_is_not_utf_8_is_refused_wherever_that_is(tmp_path: Path) -> None:
    sketch = {"parameters": {"c": 0.64, "k": 2048.0}, "data": [["e"]]}
    numbers = {
        "common": {"num_present": 1, "num_missing": 0},
        "distribution": {"kll": {"buckets": [], "sketch": sketch}},
    }
    path = file(tmp_path, {"features": [{"name": "e", "inferred_type": "Integral", "numerical_statistics": numbers}]})
    written = path.read_bytes()
    places = [place for place in range(len(written)) if written.startswith(b'"e"', place)]
    assert len(places) == 2
    for place in places:
        path.write_bytes(written[:place] + b'"\xe9"' + written[place + 3 :])
        with pytest.raises(InvalidInput, match="Invalid JSON: invalid unicode") as refused:
            Statistics.read(path)
        assert refused.value.code == "InvalidStatistics"


def test_a_wrong_or_missing_statistics_file_is_refused(tmp_path: Path) -> None:
    numbers = {"name": "a", "inferred_type": "Integral", "numerical_statistics": {"mean": "4"}}
    countless = {"dataset": {"item_count": 10**400}, "features": []}  # more than a double can say
    for document in ({"features": [numbers]}, countless, None):
        with pytest.raises(InvalidInput) as refused:
            Statistics.read(file(tmp_path, document) if document else tmp_path / "absent.json")
        assert refused.value.code == "InvalidStatistics"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (100.0, "100.0"), (0.0, "0.0"), (96.875, "96.875"), (0.30791265775509713, "0.30791265775509713"),
        # Double.toString: plain from 10^-3 to 10^7, one digit and an exponent elsewhere (Java SE API).
        (0.001, "0.001"), (0.0001, "1.0E-4"), (2.5e15, "2.5E15"),
        (2.5e-05, "2.5E-5"), (9999999.0, "9999999.0"),
        (1e7, "1.0E7"), (12345678.9, "1.23456789E7"), (-1.5e-10, "-1.5E-10"), (1e300, "1.0E300"),
    ],
)  # fmt: skip
def test_doubles_are_printed_as_java_does(value: float, text: str) -> None:
    assert java_double(value) == text


def test_shares_are_printed_with_all_their_digits() -> None:
    # The introductory notebook's violation file has 99.64592817400101 %; 1970 of 1977 values give it.
    assert percent(1970 / 1977) == "99.64592817400101%"
    assert percent(31 / 32) == "96.875%"


def test_statistics_given_as_constraints_are_refused_rather_than_demand_nothing(tmp_path: Path) -> None:
    feature = {"name": "Churn", "inferred_type": "Integral", "numerical_statistics": {"mean": 1}}
    with pytest.raises(InvalidInput, match=r"document\.json: these are statistics: give the constraints\.json"):
        Constraints.read(file(tmp_path, {"features": [feature]}))


def test_constraints_given_as_statistics_are_refused_rather_than_hold_no_numbers(tmp_path: Path) -> None:
    constraints = {"features": [{"name": "Churn", "inferred_type": "Integral"}], "monitoring_config": {}}
    with pytest.raises(InvalidInput, match=r"document\.json: these are constraints: give the statistics\.json"):
        Statistics.read(file(tmp_path, constraints))
