"""What analyses that a command runs here may use: models in SageMaker, objects in S3, this machine's network."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from typing import TYPE_CHECKING

from modelwatch.cli.app_options import app_errors
from modelwatch.cli.aws_session import OF_THE_ENVIRONMENT, AwsOptions
from modelwatch.cli.local_copy import local_copy
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.model_endpoints import Model, ModelReference

if TYPE_CHECKING:
    from modelwatch_analyzer.host import Host


def this_machine(announce: Callable[[str], None], aws: AwsOptions = OF_THE_ENVIRONMENT) -> Host:
    """Return this machine as a host; whoever starts an analysis here may run code and reach addresses without it."""
    from modelwatch_analyzer.host import Host, any_address  # the numeric packages would slow down ``--help``

    return Host(
        partial(_open_endpoint, aws),
        partial(_read_object, aws),
        announce,
        allows_pickles=True,
        allows_address=any_address,
    )


def _open_endpoint(aws: AwsOptions, reference: ModelReference) -> AbstractContextManager[Model]:
    """Open the model behind a live endpoint; an ``OpenModel``.

    Raises
    ------
    InvalidInput
        ``NoCredentials``, ``LocalStackNotFound``; ``NoRegion``; ``ModelNotDeployed`` for a model by name.
    """
    from modelwatch_core.adapters.aws.endpoint_model import RUNTIME_CONFIG, EndpointModels

    with app_errors():
        session = aws.session("to call an endpoint: ")
        if session.region_name is None:
            raise InvalidInput(
                "NoRegion", "no AWS region is set, so the endpoint cannot be found: set AWS_DEFAULT_REGION."
            )
        client = session.client("sagemaker-runtime", config=RUNTIME_CONFIG)
    return EndpointModels(client)(reference)


def _read_object(aws: AwsOptions, s3_uri: str) -> bytes:
    """Return the content of an object that the configuration names."""
    with local_copy(s3_uri, "methods.shap.baseline", aws=aws) as path:
        return path.read_bytes()
