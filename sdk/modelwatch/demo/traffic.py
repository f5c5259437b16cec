"""An hour of traffic: clients that send applications to the model server, one by one."""

from __future__ import annotations

import random
import uuid
from datetime import datetime, timedelta
from http import HTTPStatus
from http.client import HTTPConnection

import pandas as pd

from modelwatch.demo.payloads import PayloadFormat
from modelwatch.local.capture_files import Exchange, Payload


def send(
    address: tuple[str, int],
    applications: pd.DataFrame,
    payloads: PayloadFormat,
    *,
    start: datetime,
    end: datetime,
    seed: str,
) -> list[Exchange]:
    """Send each application by itself, and record the exchange with a time between ``start`` and ``end``.

    Parameters
    ----------
    address : tuple of str and int
        Host and port of the model server.
    applications : DataFrame
        What is sent, in order.
    payloads : PayloadFormat
        How requests are written.
    start, end : datetime
        The requests are spread at random over [start, end), in order.
    seed : str
        The seed for times and ids.

    Raises
    ------
    RuntimeError
        If the server responds with a status other than 200.
    """
    draw = random.Random(seed)
    span = (end - start).total_seconds()
    requests = payloads.write_requests(applications)
    times = sorted(start + timedelta(seconds=draw.uniform(0, span)) for _ in requests)
    connection = HTTPConnection(*address, timeout=30)
    exchanges = []
    try:
        for time, request in zip(times, requests, strict=True):
            inference_id = f"application-{draw.getrandbits(48):012x}"
            headers = {"Content-Type": payloads.content_type, "X-Amzn-SageMaker-Inference-Id": inference_id}
            connection.request("POST", "/invocations", request.encode(), headers)
            response = connection.getresponse()
            text = response.read().decode()
            if response.status != HTTPStatus.OK:
                raise RuntimeError(f"the model server returned {response.status}: {text}")
            event_id = str(uuid.UUID(int=draw.getrandbits(128), version=4))
            sent = Payload(payloads.content_type, request, payloads.encoding)
            received = Payload(response.headers["Content-Type"], text, payloads.encoding)
            exchanges.append(Exchange(event_id, time, sent, received, inference_id))
    finally:
        connection.close()
    return exchanges
