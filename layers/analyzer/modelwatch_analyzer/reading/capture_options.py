"""Which columns are read from a captured record, and in which order."""

from __future__ import annotations

from dataclasses import dataclass

from modelwatch_analyzer.reading.attributes import Attribute, Attributes
from modelwatch_analyzer.reading.dataset import Role
from modelwatch_core.domain.dataset_formats import (
    GROUND_TRUTH,
    REQUEST,
    RESPONSE,
    TRANSFORM_OUTPUT,
    CaptureOptions,
    CaptureSide,
)

PREDICTION_ROLES = (Role.INFERENCE, Role.PROBABILITY)


def column_groups(options: CaptureOptions, attributes: Attributes) -> tuple[ColumnGroup, ...]:
    """Return the groups of columns that are read from a record, in their order.

    All of a batch transform output is read, features included, if its attributes are all indices.
    """
    predictions = {role: attribute for role, attribute in attributes.given.items() if role in PREDICTION_ROLES}
    features = attributes.features
    response = [ColumnGroup(RESPONSE, *item) for item in predictions.items()]
    response = response or [ColumnGroup(RESPONSE, Role.INFERENCE)]
    request = [ColumnGroup(REQUEST, Role.FEATURES, features)]
    output = [ColumnGroup(TRANSFORM_OUTPUT, *item) for item in predictions.items()]
    output_features = [ColumnGroup(TRANSFORM_OUTPUT, Role.FEATURES, features)] if features else []
    all_of_output = []
    if not features and all(attribute.by_position for attribute in predictions.values()):
        output, all_of_output = [], [ColumnGroup(TRANSFORM_OUTPUT, None)]
    if options.output_columns_position == "START":
        order = [*response, *request, *output, *output_features]
    else:
        order = [*request, *response, *output_features, *output]
    order += [*all_of_output, ColumnGroup(GROUND_TRUTH, Role.GROUND_TRUTH, attributes.ground_truth)]
    sides = {*options.capture_index_names, *([GROUND_TRUTH] if attributes.ground_truth else [])}
    return tuple(group for group in order if group.side in sides)


@dataclass(frozen=True, slots=True)
class ColumnGroup:
    """Adjacent columns: all those of one side of a record, or those that an attribute selects from it.

    The role is None for a batch transform output all of which is read, because its columns have several roles.
    """

    side: CaptureSide
    role: Role | None
    attribute: Attribute | None = None

    def __str__(self) -> str:
        return f"{self.side} by {self.attribute.name}" if self.attribute else self.side
