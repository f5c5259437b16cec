"""``Endpoints`` in SageMaker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from modelwatch_core.adapters.aws.translation import aws_errors, code_of
from modelwatch_core.domain.errors import InvalidInput

if TYPE_CHECKING:
    from types_boto3_sagemaker.client import SageMakerClient


@dataclass(frozen=True, slots=True)
class SageMakerEndpoints:
    """``Endpoints`` in SageMaker."""

    sagemaker: SageMakerClient

    def capture_destination(self, endpoint_name: str) -> str:
        """Return the S3 URI below which the endpoint captures."""
        with aws_errors(f"describing endpoint {endpoint_name}"):
            try:
                endpoint = self.sagemaker.describe_endpoint(EndpointName=endpoint_name)
            except ClientError as error:
                # SageMaker has no code of its own for what it does not find.
                if code_of(error) != "ValidationException":
                    raise
                raise InvalidInput(
                    "EndpointNotFound", f"there is no endpoint {endpoint_name} in this account and region"
                ) from None
        capture = endpoint.get("DataCaptureConfig")
        if not capture or not capture.get("EnableCapture"):
            raise InvalidInput(
                "DataCaptureNotEnabled",
                f"endpoint {endpoint_name} does not capture its data; update it with a DataCaptureConfig, or give"
                " endpoint_input.data_captured_destination_s3_uri if something else captures it",
            )
        return capture["DestinationS3Uri"].rstrip("/")
