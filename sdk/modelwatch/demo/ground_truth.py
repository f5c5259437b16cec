"""What becomes known later: the decisions of the bank on applications, written as SageMaker takes ground truth."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from modelwatch.local.capture_files import ObjectStore

Labels = Mapping[str, int]
"""Decisions by inference id: 1 approved, 0 rejected."""


def to_record(inference_id: str, label: int) -> dict[str, Any]:
    """Return a label as SageMaker's ground truth record; its ``eventId`` is the inference id where there is one."""
    return {
        "groundTruthData": {"data": str(label), "encoding": "CSV"},
        "eventMetadata": {"eventId": inference_id},
        "eventVersion": "0",
    }


def upload_labels(s3: ObjectStore, destination_s3_uri: str, labels: Labels, *, collected: datetime) -> str:
    """Write labels as one file of JSON lines, ``.../yyyy/mm/dd/hh/MMSS.jsonl``.

    Parameters
    ----------
    s3 : ObjectStore
        Where they are written to.
    destination_s3_uri : str
        The folder of all labels of an endpoint.
    labels : Labels
        What is known now.
    collected : datetime
        When they became known, which names the file; not the time of the predictions.

    Returns
    -------
    str
        The key written.
    """
    destination = urlsplit(destination_s3_uri)
    key = f"{destination.path.strip('/')}/{collected.astimezone(UTC):%Y/%m/%d/%H/%M%S}.jsonl"
    body = "".join(json.dumps(to_record(inference_id, label)) + "\n" for inference_id, label in labels.items())
    s3.put_object(Bucket=destination.netloc, Key=key, Body=body.encode())
    return key
