"""The files of baselines and executions: statistics, constraints and violations."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from functools import wraps
from pathlib import Path
from typing import Any, ClassVar, Self, TypeVar

from modelwatch.arguments import choice, flag
from modelwatch.s3 import S3Downloader, S3Uploader

_Method = TypeVar("_Method", bound=Callable[..., Any])


def _also_named(suffix: str, argument: str) -> Callable[[_Method], _Method]:
    """Take an argument by its name in SageMaker's SDK v2 too, such as ``constraints_file_s3_uri``."""

    def decorated(method: _Method) -> _Method:
        @wraps(method)
        def called(owner: Any, *arguments: Any, **named: Any) -> Any:
            other = f"{owner.file_name.removesuffix('.json')}_{suffix}"
            if other in named:
                named[argument] = named.pop(other)
            return method(owner, *arguments, **named)

        return called  # type: ignore[return-value]  # it takes what the method takes

    return decorated


class ModelMonitoringFile:
    """A JSON document of a baseline or of an execution.

    Parameters
    ----------
    body_dict : dict
        Its content.
    file_s3_uri : str, optional
        Where it is in S3, if it is there.
    kms_key : str, optional
        The key that ``save`` encrypts with.
    sagemaker_session : optional
        See ``modelwatch.app_client.app_client``.

    Notes
    -----
    URI, text and path may have their names of SageMaker's SDK v2, which begin with the kind of file:
    ``constraints_file_s3_uri``, ``constraints_file_string`` and ``constraints_file_path``.
    """

    file_name: ClassVar[str]

    @_also_named("file_s3_uri", "file_s3_uri")
    def __init__(
        self,
        body_dict: dict[str, Any],
        file_s3_uri: str | None = None,
        kms_key: str | None = None,
        sagemaker_session: Any = None,
    ) -> None:
        if not isinstance(body_dict, dict):
            raise TypeError(f"{self.file_name} must be a JSON object, not {type(body_dict).__name__}")
        self.body_dict = body_dict
        self.file_s3_uri = file_s3_uri
        self._stored = self._digest() if file_s3_uri else b""
        self.kms_key = kms_key
        self.session = sagemaker_session

    @classmethod
    @_also_named("file_s3_uri", "s3_uri")
    def from_s3_uri(cls, s3_uri: str, kms_key: str | None = None, sagemaker_session: Any = None) -> Self:
        """Read a file in S3.

        Parameters
        ----------
        s3_uri : str
            The S3 URI of the file.

        Raises
        ------
        ValueError
            Where the URI is none, or the file is no JSON object.
        botocore.exceptions.ClientError
            ``NoSuchKey`` and others of S3.
        """
        body = _parsed(S3Downloader.read_file(s3_uri, sagemaker_session), s3_uri)
        return cls(body, s3_uri, kms_key, sagemaker_session)

    @classmethod
    @_also_named("file_string", "file_string")
    def from_string(
        cls,
        file_string: str,
        kms_key: str | None = None,
        file_name: str | None = None,
        sagemaker_session: Any = None,
    ) -> Self:
        """Read a text; it is in S3 once it is saved.

        Parameters
        ----------
        file_string : str
            JSON.
        file_name : str, optional
            The name that messages call it by.
        """
        return cls(_parsed(file_string, file_name or cls.file_name), None, kms_key, sagemaker_session)

    @classmethod
    @_also_named("file_path", "file_path")
    def from_file_path(
        cls,
        file_path: str | Path,
        kms_key: str | None = None,
        file_name: str | None = None,
        sagemaker_session: Any = None,
    ) -> Self:
        """Read a file on this machine; it is in S3 once it is saved.

        Parameters
        ----------
        file_path : str or Path
            The file.
        file_name : str, optional
            The name that messages call it by.
        """
        path = Path(file_path)
        if not path.is_file():
            raise ValueError(f"file_path: there is no file {path}")
        text = path.read_text(encoding="utf-8")
        return cls(_parsed(text, file_name or str(path)), None, kms_key, sagemaker_session)

    def save(self, new_save_location_s3_uri: str | None = None) -> str:
        """Write the document to S3 and return its URI.

        Parameters
        ----------
        new_save_location_s3_uri : str, optional
            A folder, or a file that ends with ``.json``; where it was read from if not given.
        """
        place = new_save_location_s3_uri or self.file_s3_uri
        if place is None:
            raise ValueError(f"say where to save {self.file_name}: it was not read from S3")
        if not place.endswith(".json"):
            place = f"{place.rstrip('/')}/{self.file_name}"
        body = json.dumps(self.body_dict, indent=2)
        self.file_s3_uri = S3Uploader.upload_string_as_file_body(body, place, self.kms_key, self.session)
        self._stored = self._digest()
        return self.file_s3_uri

    @property
    def is_changed(self) -> bool:
        """Whether constraints were changed since they were read from S3 or saved there."""
        return self._digest() != self._stored

    def _digest(self) -> bytes:
        return b""  # nobody edits what was measured, which may be large


class Statistics(ModelMonitoringFile):
    """The distributions of a baseline, or of the window of an execution."""

    file_name = "statistics.json"


class Constraints(ModelMonitoringFile):
    """What data should satisfy."""

    file_name = "constraints.json"

    def _digest(self) -> bytes:
        return hashlib.sha256(json.dumps(self.body_dict, default=str).encode()).digest()

    def set_monitoring(self, enable_monitoring: bool, feature_name: str | None = None) -> None:
        """Say whether constraints of data quality are evaluated; call ``save`` afterwards.

        Parameters
        ----------
        enable_monitoring : bool
        feature_name : str, optional
            The one feature that is meant; all if not given.
        """
        state = "Enabled" if flag("enable_monitoring", enable_monitoring) else "Disabled"
        if feature_name is None:
            self.body_dict.setdefault("monitoring_config", {})["evaluate_constraints"] = state
            return
        features = {feature["name"]: feature for feature in self.body_dict.get("features", ())}
        feature = features[choice("feature_name", feature_name, features)]
        overrides = feature.setdefault("monitoring_config_overrides", {})
        overrides["evaluate_constraints"] = state


class ConstraintViolations(ModelMonitoringFile):
    """What an execution found; iterate for the single violations.

    Examples
    --------
    >>> found = ConstraintViolations({"violations": [
    ...     {"feature_name": "age", "constraint_check_type": "completeness_check", "description": "half are missing"}]})
    >>> [violation["feature_name"] for violation in found]
    ['age']
    """

    file_name = "constraint_violations.json"

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Yield each violation as the file has it."""
        yield from self.body_dict.get("violations", ())

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.body_dict.get("violations", ()))

    def __bool__(self) -> bool:
        """Return True: it is a report also where it has no violations."""
        return True

    def table(self) -> list[tuple[str, str, str]]:
        """Return a row for each violation: what it is about, which check, and the sentence."""
        from modelwatch_core.domain.constraint_violations import read_violation

        found = (read_violation(entry, place) for place, entry in enumerate(self, start=1))
        return [(each.subject, each.constraint_check_type, each.description) for each in found]


def _parsed(body: str, name: str) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except ValueError as error:
        raise ValueError(f"{name} is not JSON: {error}") from None
    if not isinstance(document, dict):
        raise ValueError(f"{name} is not a JSON object")  # noqa: TRY004 (the content of a file, not an argument)
    return document
