"""A training job is completed, or a model package approved: make the baseline that it asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from modelwatch_core.app.create_baseline import CreateBaseline
from modelwatch_core.domain.baseline_rules import baseline_request, noted_parameters, of_training_job
from modelwatch_core.domain.baselining_job import BaseliningJob
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.sagemaker_events import ModelPackageStateChange, TrainingJobStateChange
from modelwatch_core.ports import ModelPackages


@dataclass(frozen=True, slots=True)
class BaselineByRule:
    """Start the baselining job that the owner of a training job or model package asked for, once."""

    create_baseline: CreateBaseline
    packages: ModelPackages

    def __call__(self, event: TrainingJobStateChange | ModelPackageStateChange) -> BaseliningJob | None:
        """Return the record of the job; None where none is asked for, or it was started before.

        Raises
        ------
        InvalidInput
            ``ChannelNotFound``, ``InvalidParameter``, or what ``CreateBaseline`` says.
        """
        request = baseline_request(event.name, self._parameters(event))
        if request is None:
            return None
        try:
            return self.create_baseline(request)
        except InvalidInput as error:
            if error.code != "BaseliningJobExists":  # the event came twice
                raise
            return None

    def _parameters(self, event: TrainingJobStateChange | ModelPackageStateChange) -> Mapping[str, str]:
        if isinstance(event, TrainingJobStateChange):
            return of_training_job(event)
        return noted_parameters(self.packages.properties(event.arn))
