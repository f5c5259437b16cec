"""The manifests that SageMaker's data capture of batch transform writes: which S3 objects a job read or wrote."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from modelwatch_core.domain.documents import Inbound, SingleObjectUri
from modelwatch_core.domain.errors import InvalidInput

LONGEST_TRANSFORM_JOB = timedelta(days=5)
"""How long a transform job is assumed to take at most: rows of a window are looked for in jobs that began up to this
long before it."""


class _Prefix(Inbound):
    """The first element of a manifest, to which the names that follow are appended."""

    model_config = ConfigDict(defer_build=True)

    prefix: Annotated[str, Field(pattern=r"^s3://[^/]")]


_WHEN_USED = ConfigDict(defer_build=True)
_OBJECT: TypeAdapter[str] = TypeAdapter(SingleObjectUri, config=_WHEN_USED)
_MANIFEST: TypeAdapter[list[_Prefix | str]] = TypeAdapter(list[_Prefix | str], config=_WHEN_USED)


def manifest_objects(content: bytes, name: str) -> list[str]:
    """Return the S3 URIs that a manifest names: ``[{"prefix": "s3://bucket/folder/"}, "file", ...]``.

    Parameters
    ----------
    content : bytes
        The manifest.
    name : str
        How the message of the error refers to it.

    Raises
    ------
    InvalidInput
        ``InvalidManifest``.
    """
    try:
        elements = _MANIFEST.validate_json(content)
    except ValidationError:
        elements = []
    head, *names = elements or [""]
    keys = [key for key in names if isinstance(key, str)]
    if not isinstance(head, _Prefix) or len(keys) < len(names):
        expected = '[{"prefix": "s3://bucket/folder/"}, "file", ...]'
        raise InvalidInput("InvalidManifest", f"{name} is not a batch transform manifest; expected {expected}")
    return [_object(f"{head.prefix}{key}", name, place) for place, key in enumerate(keys, start=1)]


def _object(uri: str, name: str, place: int) -> str:
    try:
        return _OBJECT.validate_python(uri)
    except ValidationError:
        message = f"object {place} in {name} cannot exist in S3: the name of a bucket has letters, digits, dots and"
        raise InvalidInput("InvalidManifest", f"{message} hyphens, and a key has 1 to 1,024 characters") from None
