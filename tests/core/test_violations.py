"""A violation says in words what it is about, whatever the kind of monitor."""

from __future__ import annotations

import pytest

from modelwatch_core.domain.constraint_violations import ConstraintViolation


@pytest.mark.parametrize(
    ("fields", "subject"),
    [
        ({"feature_name": "income"}, "income"),
        ({"metric_name": "auc"}, "auc"),
        ({"metric_name": "DI", "facet": "Sex", "facet_value": "1"}, "DI of Sex = 1"),
        ({"metric_name": "DI", "facet": "Sex", "facet_value": 0}, "DI of Sex = 0"),
        ({"metric_name": "drift", "facet": "Sex"}, "drift of Sex"),
        ({"metric_name": "shap", "label": "label0"}, "shap of label0"),
        ({"feature_name": "income", "metric_name": "shap", "label": "label0"}, "income of label0"),
        ({"label": "label0"}, "label0"),
        ({}, "the dataset"),
    ],
)
def test_a_violation_names_its_feature_or_metric_and_its_group_or_label(fields, subject):
    document = {"constraint_check_type": "c", "description": "d"} | fields
    assert ConstraintViolation.model_validate(document).subject == subject
