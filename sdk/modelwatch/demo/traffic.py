"""An hour of traffic: clients that send applications to the model server, one by one."""

from __future__ import annotations

import random
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from http import HTTPStatus
from http.client import HTTPConnection

from modelwatch.demo.applications import to_csv_line
from modelwatch.demo.capture import Exchange


def send(
    address: tuple[str, int], rows: Sequence[Sequence[str]], *, start: datetime, end: datetime, seed: int
) -> list[Exchange]:
    """Send each row as a request of its own, and note the exchange as of a moment between ``start`` and ``end``.

    Parameters
    ----------
    address : tuple of str and int
        Host and port of the model server.
    rows : sequence of sequence of str
        Cells of each request.
    start, end : datetime
        The requests are spread at random over [start, end), in order.
    seed : int
        For moments and ids.

    Raises
    ------
    RuntimeError
        If the server answers anything but 200.
    """
    draw = random.Random(seed)
    span = (end - start).total_seconds()
    moments = sorted(start + timedelta(seconds=draw.uniform(0, span)) for _ in rows)
    connection = HTTPConnection(*address, timeout=30)
    exchanges = []
    try:
        for moment, row in zip(moments, rows, strict=True):
            request = to_csv_line(row)
            inference_id = f"application-{draw.getrandbits(48):012x}"
            headers = {"Content-Type": "text/csv", "X-Amzn-SageMaker-Inference-Id": inference_id}
            connection.request("POST", "/invocations", request.encode(), headers)
            answer = connection.getresponse()
            response = answer.read().decode()
            if answer.status != HTTPStatus.OK:
                raise RuntimeError(f"the model server answered {answer.status}: {response}")
            event_id = str(uuid.UUID(int=draw.getrandbits(128), version=4))
            kind = answer.headers["Content-Type"]
            exchanges.append(Exchange(event_id, inference_id, moment, request, response, kind))
    finally:
        connection.close()
    return exchanges
