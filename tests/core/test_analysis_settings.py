"""Settings to and from a container's environment."""

from __future__ import annotations

import json
from collections.abc import Hashable
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelwatch_core.domain.analysis import AnalysisRequest
from modelwatch_core.domain.analysis_settings import AnalysisSettings, DatasetFormat, Switch
from modelwatch_core.domain.drift_methods import CATEGORICAL_DRIFT_METHODS, COMPARISON_METHODS
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.monitor_kinds import KINDS
from modelwatch_core.domain.settings_environment import (
    analysis_settings,
    environment_of,
    settings_from_environment,
)

REQUIRED = {"dataset_source": "/in", "output_path": "/out"}
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=20)
JSON = st.recursive(st.none() | st.booleans() | st.integers() | TEXT, lambda inner: st.lists(inner, max_size=3))


def values_of(name: str, annotation: type) -> st.SearchStrategy[object]:
    """Return values for a setting: of its own entry, or paths or text, or whatever its type admits."""
    moments = st.datetimes(timezones=st.just(UTC))
    own: dict[str, st.SearchStrategy[object]] = {
        "dataset_format": st.builds(DatasetFormat, name=TEXT, options=st.dictionaries(TEXT, JSON, max_size=3)),
        "publish_cloudwatch_metrics": st.sampled_from(Switch),
        "start_time": moments.filter(lambda moment: moment < datetime(2026, 1, 1, tzinfo=UTC)),
        "end_time": moments.filter(lambda moment: moment > datetime(2026, 1, 1, tzinfo=UTC)),
        "probability_threshold_attribute": st.floats(0, 1),
        "bootstrap_replicates": st.integers(100, 100_000),
        "confidence_level": st.floats(0.01, 0.99),
        "ground_truth_time_tolerance": st.floats(0, 86_400),
        "seed": st.integers(min_value=0),
        "looks_per_month": st.integers(1, 1000),
        "propose_changes": st.integers(min_value=1),
        "time_zone": st.sampled_from(["Europe/Berlin", "America/New_York", "UTC"]),
        "allow_pickle": st.booleans(),
        "max_explained_rows": st.integers(1, 10**15 - 1).map(str) | st.just("all"),
        "problem_type": st.sampled_from(["BinaryClassification", "Regression"]),
        "threshold_rule": st.sampled_from(["SamplingError", "Exact"]),
        "missing_values": st.lists(TEXT.map(lambda text: text.replace(",", "").strip()).filter(bool)).map(tuple),
        "comparison_method": st.sampled_from(COMPARISON_METHODS),
        "categorical_drift_method": st.sampled_from(CATEGORICAL_DRIFT_METHODS),
        "user_environment": st.dictionaries(TEXT.map(lambda text: f"MY_{text}"), TEXT | st.just(""), max_size=3),
    }
    names = ("sagemaker_endpoint_name", "sagemaker_monitoring_schedule_name", "model_endpoint_name")
    own |= dict.fromkeys(names, st.from_regex(r"[a-zA-Z0-9](-{0,2}[a-zA-Z0-9]){0,9}", fullmatch=True))
    if name in own:
        return own[name]
    if types_in(annotation) & {str, Path}:
        return TEXT.map(lambda text: f"/{text}")
    return st.from_type(annotation)


def types_in(annotation: object) -> set[object]:
    """Return the annotation, and what is named in its brackets."""
    return {annotation}.union(
        *(types_in(argument) for argument in get_args(annotation) if isinstance(argument, Hashable))
    )


@st.composite
def settings_of_any_kind(draw: st.DrawFn) -> AnalysisSettings:
    kind = draw(st.sampled_from(list(KINDS.values())))
    names = draw(st.sets(st.sampled_from(sorted(kind.settings.model_fields.keys() - {"analysis_type", *REQUIRED}))))
    if "baseline_statistics" in names:
        names.add("baseline_constraints")
    fields = {name: draw(values_of(name, kind.settings.model_fields[name].annotation)) for name in sorted(names)}
    return analysis_settings(analysis_type=kind.analysis_type, **REQUIRED, **fields)


@given(settings_of_any_kind())
def test_settings_survive_the_environment(settings):
    environment = environment_of(settings)
    assert all(isinstance(value, str) for value in environment.values())
    assert settings_from_environment(environment) == settings


@given(settings_of_any_kind())
def test_settings_survive_the_payload_of_a_request_as_the_model_of_their_kind(settings):
    request = AnalysisRequest(subject="s", settings=settings, inputs=(), output_s3_uri="s3://bucket/out", host="h")
    read = AnalysisRequest.model_validate_json(request.model_dump_json())
    assert read == request
    assert type(read.settings) is type(settings)


def test_the_documented_form_of_an_environment_is_kept():
    settings = analysis_settings(
        **REQUIRED,
        dataset_format={"csv": {"header": True}},
        start_time="2026-11-22T09:00:00Z",
        publish_cloudwatch_metrics="Enabled",
        user_environment={"MINE": "1"},
    )
    assert environment_of(settings) == {
        "analysis_type": "DATA_QUALITY",
        "dataset_source": "/in",
        "dataset_format": '{"csv": {"header": true}}',
        "output_path": "/out",
        "start_time": "2026-11-22T09:00:00Z",
        "publish_cloudwatch_metrics": "Enabled",
        "MINE": "1",
    }


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"dataset_sorce": "/in"}, "dataset_sorce: there is no such setting; did you mean dataset_source?"),
        ({"end_tme": "x"}, "end_tme: there is no such setting; did you mean end_time?"),
        ({"decimel": ","}, "decimel: there is no such setting; did you mean decimal?"),
        ({"Decimal": ","}, "Decimal: there is no such setting; did you mean decimal?"),
        ({"Start_Time": "x"}, "Start_Time: there is no such setting; did you mean start_time?"),
        ({"Seed": "3"}, "Seed: there is no such setting; the nearest, seed, is not a setting of data quality monitors"),
        ({"seed": "3"}, "seed: not a setting of data quality monitors; remove it"),
        ({"analysis_type": "DATA_QUALTY"}, "analysis_type: 'DATA_QUALTY' is not one of DATA_QUALITY, MODEL_QUALITY"),
        ({"analysis_type": "MODEL_BIAS", "seed": "-1"}, "seed: Input should be greater than or equal to 0"),
        ({"start_time": "2026"}, "start_time: is not an ISO 8601 moment such as 2026-11-26T03:00:00Z"),
        ({"dataset_format": "csv"}, "dataset_format: is not JSON; expected for instance"),
        ({"baseline_statistics": "/s"}, "baseline_statistics without baseline_constraints"),
        (
            {"analysis_type": "MODEL_QUALITY", "confidence_levl": "1", "bootstrap_replicate": "1"},
            "did you mean confidence_level?; bootstrap_replicate: there is no such setting; did you mean bootstrap_",
        ),
        ({"confidence_levl": "1"}, "the nearest, confidence_level, is not a setting of data quality monitors; remove"),
        ({"dataset_format": "{}"}, "dataset_format: must name exactly one format, not 0"),
        ({"dataset_format": '{"csv": 0}'}, "dataset_format.options: Input should be a valid object"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_the_setting_and_the_nearest_right_name(environment, message):
    with pytest.raises(InvalidInput) as refused:
        settings_from_environment(REQUIRED | environment)
    assert refused.value.code == "InvalidSettings"
    assert message in refused.value.message


def test_names_that_are_not_ours_reach_the_users_scripts_and_not_the_hosts_secrets():
    environment = REQUIRED | {"THRESHOLD": "0.3", "AWS_SECRET_ACCESS_KEY": "s", "EMPTY": ""}
    settings = settings_from_environment(environment, user_names={"THRESHOLD"})
    assert settings.user_environment == {"THRESHOLD": "0.3"}
    assert settings.script_environment["THRESHOLD"] == "0.3"
    assert "AWS_SECRET_ACCESS_KEY" not in settings.script_environment
    assert settings_from_environment(environment).user_environment.keys() == environment.keys() - REQUIRED.keys()


@pytest.mark.parametrize(
    "name", ["speed", "seeds", "feed", "model_uri", "data_source", "model_name", "start", "x", "MODEL_URL", "SEED"]
)
@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
def test_a_name_that_only_resembles_a_setting_is_the_users_own(kind, name):
    settings = settings_from_environment(REQUIRED | {"analysis_type": kind.analysis_type, name: "1"})
    assert settings.user_environment == {name: "1"}


@given(st.sampled_from(list(KINDS.values())), st.data())
def test_the_nearest_name_that_a_message_gives_can_be_used(kind, data):
    right = data.draw(st.sampled_from(sorted(name for name in kind.settings.model_fields if len(name) > 10)))
    place = data.draw(st.integers(0, len(right) - 1))
    wrong = right[:place] + right[place + 1 :]
    environment = REQUIRED | {"analysis_type": kind.analysis_type, wrong: "1"}
    if kind.analysis is None:
        assert settings_from_environment(environment).user_environment == {wrong: "1"}
        return
    if right != "user_environment":
        with pytest.raises(InvalidInput, match=f"{wrong}: there is no such setting; did you mean {right}\\?"):
            settings_from_environment(environment)


def test_a_container_of_the_users_own_gets_the_names_that_are_settings_of_other_kinds():
    own = {"seed": "1", "model_url": "http://model", "confidence_levl": "0.9", "problem_type": ""}
    settings = settings_from_environment(REQUIRED | {"analysis_type": "CUSTOM"} | own)
    assert settings.user_environment == own
    assert own.items() <= environment_of(settings).items()


def test_a_users_variable_cannot_replace_what_a_script_is_given_of_the_analysis():
    settings = analysis_settings(**REQUIRED, user_environment={"dataset_source": "/elsewhere"})
    assert settings.script_environment["dataset_source"] == "/in"


def test_empty_settings_count_as_not_set_and_empty_variables_of_the_users_own_are_kept():
    environment = {"start_time": "", "dataset_sorce": "", "problem_type": "", "FLAG": ""}
    settings = settings_from_environment(REQUIRED | environment)
    assert settings.start_time is None
    assert settings.user_environment == {"FLAG": ""}
    assert settings_from_environment(environment_of(settings)) == settings


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
def test_an_empty_text_is_refused_as_the_value_of_any_setting(kind):
    for name in kind.settings.model_fields.keys() - {"analysis_type"}:
        with pytest.raises(InvalidInput, match=f"InvalidSettings: {name}: must not be empty; leave it out"):
            analysis_settings(analysis_type=kind.analysis_type, **REQUIRED | {name: ""})


def test_paths_of_the_container_contract_are_mapped_to_a_hosts_folder_and_others_are_left():
    settings = analysis_settings(
        analysis_type="MODEL_BIAS",
        dataset_source="/opt/ml/processing/input",
        output_path="/elsewhere",
        analysis_config="/opt/ml/processing/config/c.json",
        user_environment={"TABLE": "/opt/ml/processing/code/table.csv", "OTHER": "/opt/ml/model"},
    )
    moved = settings.relocated(Path("/host"))
    assert moved.dataset_source == Path("/host/input")
    assert moved.output_path == Path("/elsewhere")
    assert environment_of(moved)["analysis_config"] == "/host/config/c.json"
    assert moved.user_environment == {"TABLE": "/host/code/table.csv", "OTHER": "/opt/ml/model"}


def test_a_format_is_read_as_json_text_as_an_object_and_as_itself():
    document = {"csv": {"header": True}}
    for given_as in (json.dumps(document), document, DatasetFormat(name="csv", options={"header": True})):
        assert analysis_settings(**REQUIRED, dataset_format=given_as).dataset_format.sagemaker_document == document
