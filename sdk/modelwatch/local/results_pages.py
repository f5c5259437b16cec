"""The pages in the results bucket over HTTP, beside the emulated AWS: the dashboard, and reports that it links to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from modelwatch.running_stack import PAGES_PATH

_PLAIN, _HTML = "text/plain; charset=utf-8", "text/html; charset=utf-8"


def results_page(s3: Any, bucket: str, environ: Mapping[str, Any]) -> tuple[int, str, bytes]:
    """Handle a request for a page; return the status, the type of the content, and the content.

    Pages only: what else is in the bucket is for clients of S3, who say who they are.
    """
    key = unquote(environ["PATH_INFO"].removeprefix(PAGES_PATH))
    if environ["REQUEST_METHOD"] != "GET" or not key.endswith(".html"):
        return 404, _PLAIN, b"There are pages here only: dashboard/index.html and reports."
    try:
        return 200, _HTML, s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    except s3.exceptions.NoSuchKey:
        missing = f"There is no {key} yet; the dashboard is written after the first execution."
        return 404, _PLAIN, missing.encode()
