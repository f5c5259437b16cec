"""What analyses that a command runs here may use: models in SageMaker, objects in S3, this machine's network."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from modelwatch.cli.app_options import app_errors
from modelwatch.cli.local_copy import local_copy
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.model_endpoints import Model, ModelReference

if TYPE_CHECKING:
    from modelwatch_analyzer.host import Host


def this_machine(announce: Callable[[str], None]) -> Host:
    """Return this machine as a host; whoever starts an analysis here may run code and reach addresses without it."""
    from modelwatch_analyzer.host import Host, any_address  # the numeric packages would slow down ``--help``

    return Host(open_endpoint, read_object, announce, allows_pickles=True, allows_address=any_address)


def open_endpoint(reference: ModelReference) -> AbstractContextManager[Model]:
    """Open the model behind a live endpoint; an ``OpenModel``.

    Raises
    ------
    InvalidInput
        ``NoCredentials``; ``NoRegion``; ``ModelNotDeployed`` for a model by name.
    """
    import boto3  # only users of an endpoint wait for it

    from modelwatch_core.adapters.aws.endpoint_model import RUNTIME_CONFIG, EndpointModels

    with app_errors():
        session = boto3.Session()
        if session.get_credentials() is None:
            message = "there are no AWS credentials to call an endpoint with: sign in, or set AWS_PROFILE."
            raise InvalidInput("NoCredentials", message)
        if session.region_name is None:
            raise InvalidInput(
                "NoRegion", "no AWS region is set, so the endpoint cannot be found: set AWS_DEFAULT_REGION."
            )
        client = session.client("sagemaker-runtime", config=RUNTIME_CONFIG)
    return EndpointModels(client)(reference)


def read_object(s3_uri: str) -> bytes:
    """Return the content of an object that the configuration names."""
    with local_copy(s3_uri, "methods.shap.baseline") as path:
        return path.read_bytes()
