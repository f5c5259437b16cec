"""Validation errors as sentences for users."""

from __future__ import annotations

import pytest
from pydantic import BaseModel, ValidationError, field_validator, model_validator

from modelwatch_core.domain.alert_targets import AlertTargetReference
from modelwatch_core.domain.alerting import Alerting
from modelwatch_core.domain.baselining_job import BaseliningJob
from modelwatch_core.domain.documents import Inbound, Owned, validation_message
from modelwatch_core.domain.monitoring_execution import MonitoringExecution
from modelwatch_core.domain.monitoring_schedule import MonitoringSchedule
from modelwatch_core.domain.temporary_endpoint import DeferredAnalysis


class Feature(BaseModel):
    name: str

    @field_validator("name")
    @classmethod
    def _lower_case(cls, value: str) -> str:
        if not value.islower():
            raise ValueError("must be lower case")
        return value


class Dataset(BaseModel):
    features: list[Feature]
    rows: int = 0

    @model_validator(mode="after")
    def _enough_rows(self) -> Dataset:
        if self.rows < len(self.features):
            raise ValueError("must have a row for every feature")
        return self


def error_of(document: object) -> ValidationError:
    try:
        Dataset.model_validate(document)
    except ValidationError as error:
        return error
    raise AssertionError("the document is valid")


def test_each_mistake_has_its_location_and_no_value() -> None:
    error = error_of({"features": [{"name": "a"}, {"name": "SECRET"}], "rows": "many"})
    assert validation_message(error) == (
        "features[1].name: must be lower case; "
        "rows: Input should be a valid integer, unable to parse string as an integer"
    )
    assert validation_message(error, limit=1) == "features[1].name: must be lower case"
    assert validation_message(error, location_prefix="dataset", limit=1).startswith("dataset.features[1].name: ")


def test_lists_and_objects_have_the_names_that_json_gives_them() -> None:
    with pytest.raises(ValidationError) as raised:
        AlertTargetReference.model_validate({"type": "sns", "address": "a", "endpoints": "churn"})
    assert validation_message(raised.value) == "endpoints: Input should be a valid list"
    with pytest.raises(ValidationError) as raised:
        Alerting.model_validate({"violations": 2})
    assert validation_message(raised.value) == "violations: Input should be a valid object"
    with pytest.raises(ValidationError) as raised:
        AlertTargetReference.model_validate({"type": "sns", "address": "a", "tags": [1]})
    assert validation_message(raised.value) == "tags: Input should be a valid object"
    with pytest.raises(ValidationError) as raised:
        Alerting.model_validate({"severity_rules": [{"severity": "info"}] * 60})
    assert validation_message(raised.value).startswith("severity_rules: List should have at most 50 items")


def test_a_mistake_of_the_whole_document_is_located_by_what_the_caller_knows() -> None:
    error = error_of({"features": [{"name": "a"}]})
    assert validation_message(error) == "must have a row for every feature"
    assert validation_message(error, document_name="the file") == "the file: must have a row for every feature"
    assert validation_message(error, location_prefix="dataset", document_name="the file").startswith("dataset: must")


@pytest.mark.parametrize("model", [MonitoringSchedule, MonitoringExecution, BaseliningJob, DeferredAnalysis, Inbound])
def test_not_even_an_error_that_nobody_translates_shows_what_was_in_a_document(model):
    class Stored(model):
        version: int

    document = {"environment": {"API_TOKEN": "hunter2"}, "version": "hunter2"}
    assert issubclass(Stored, Owned | Inbound)
    with pytest.raises(ValidationError) as refused:
        Stored.model_validate(document)
    assert "hunter2" not in str(refused.value)
    with pytest.raises(ValidationError) as refused:
        Stored.model_validate_json('{"environment": {"API_TOKEN": "hunter2"}, "version": nonsense}')
    assert "hunter2" not in str(refused.value)
