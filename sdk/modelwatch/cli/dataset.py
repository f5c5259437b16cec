"""The flags that say which data is read and how, the same for every kind of monitor; and fetching it from S3."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from modelwatch.cli.answer import a_moment, existing
from modelwatch_core.domain.batch_manifest import manifest_objects
from modelwatch_core.domain.documents import iso_utc
from modelwatch_core.domain.errors import InvalidInput

if TYPE_CHECKING:
    from modelwatch_core.adapters.aws.object_store import S3ObjectStore

_HOUR = re.compile(r"/(\d{4})/(\d{2})/(\d{2})/(\d{2})/[^/]*$")


class ObjectFormat(StrEnum):
    """How a file is written."""

    CSV = "csv"
    JSON = "json"
    JSON_LINES = "jsonlines"
    PARQUET = "parquet"


class DatasetFormat(StrEnum):
    """How the data is written."""

    CSV = "csv"
    JSON = "json"
    JSON_LINES = "jsonlines"
    PARQUET = "parquet"
    CAPTURE = "capture"
    BATCH_TRANSFORM = "batch-transform"

    @property
    def has_times(self) -> bool:
        """Whether records say when they were."""
        return self in (DatasetFormat.CAPTURE, DatasetFormat.BATCH_TRANSFORM)


class Side(StrEnum):
    """What of a batch transform job is read."""

    INPUT = "input"
    OUTPUT = "output"


Moment = Annotated[
    datetime | None,
    typer.Option(
        parser=a_moment,
        metavar="TIME",
        help="For capture and batch-transform: ISO 8601; UTC unless it says otherwise.",
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class PayloadFlags:
    """Which captured records are read, and what of them."""

    start: Moment = None
    end: Moment = None
    features_attribute: Annotated[
        str | None, typer.Option(metavar="JMESPATH", help="Where in JSON the features lie: instances[*].x")
    ] = None
    inference_attribute: Annotated[
        str | None,
        typer.Option(
            metavar="JMESPATH|INDEX|NAME",
            help="Where the inference lies in JSON; in the CSV of an answer the index of its column, from 0; in a file "
            "with named columns the name.",
        ),
    ] = None
    probability_attribute: Annotated[
        str | None, typer.Option(metavar="JMESPATH|INDEX|NAME", help="Where the probability lies.")
    ] = None
    exclude_features_attribute: Annotated[
        str | None, typer.Option(metavar="NAMES", help="Columns to leave out, separated by commas.")
    ] = None
    record_preprocessor: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A Python file: preprocess_handler(record) gives rows as dicts."),
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetFlags(PayloadFlags):
    """Which dataset is read, and how."""

    dataset_format: Annotated[
        DatasetFormat,
        typer.Option(
            help="csv, parquet; json: one array of records, or one object; jsonlines: a JSON document a line; capture: "
            "what a SageMaker endpoint captured; batch-transform: a folder of what a transform job captured. All but "
            "Parquet may be compressed by gzip.",
        ),
    ]
    header: Annotated[
        bool,
        typer.Option(
            "--header/--no-header",
            help="Whether the first line of a CSV file names the columns. Without names they are _c0, _c1, ...; "
            "captured payloads of CSV never hold names: their columns are taken by position.",
        ),
    ] = True
    post_analytics: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A Python file: postprocess_handler() runs afterwards.")
    ] = None
    transform_format: Annotated[
        ObjectFormat, typer.Option(help="For batch-transform: how the job's objects are written.")
    ] = ObjectFormat.CSV
    transform_side: Annotated[
        Side, typer.Option(help="For batch-transform: read what the job was given, or what it wrote.")
    ] = Side.INPUT

    def environment(self) -> dict[str, str]:
        """Write them as SageMaker's container environment.

        Raises
        ------
        InvalidInput
            ``WindowNotApplicable``, ``WindowEmpty``, ``FileNotFound``.
        """
        attributes = ("features_attribute", "inference_attribute", "probability_attribute")
        told = {name: getattr(self, name) for name in (*attributes, "exclude_features_attribute")}
        if self.record_preprocessor:
            told["record_preprocessor_script"] = existing(self.record_preprocessor, "--record-preprocessor")
        if self.post_analytics:
            told["post_analytics_processor_script"] = existing(self.post_analytics, "--post-analytics")
        told["dataset_format"] = json.dumps(self._sagemaker_format())
        return {name: str(value) for name, value in told.items() if value} | self._window()

    def covers(self, key: str) -> bool:
        """Tell whether what lies at a key can lie in the window, by the hour that its folders name."""
        found = _HOUR.search(key)
        if found is None or not self.dataset_format.has_times:
            return True
        try:
            hour = datetime.strptime("".join(found.groups()), "%Y%m%d%H").replace(tzinfo=UTC)
        except ValueError:
            return True
        return (not self.start or self.start < hour + timedelta(hours=1)) and (not self.end or hour < self.end)

    def _sagemaker_format(self) -> dict[str, Any]:
        match self.dataset_format:
            case DatasetFormat.CAPTURE:
                sides = ["endpointInput", "endpointOutput", "batchTransformOutput"]
                return {"sagemakerCaptureJson": {"captureIndexNames": sides}}
            case DatasetFormat.BATCH_TRANSFORM:
                return {"batchTransform": {"side": self.transform_side.value, **self._of(self.transform_format.value)}}
            case plain:
                return self._of(plain.value)

    def _of(self, name: str) -> dict[str, Any]:
        formats: dict[str, dict[str, Any]] = {
            "csv": {"csv": {"header": self.header, "output_columns_position": "START"}},
            "json": {"json": {"lines": False}},
            "jsonlines": {"json": {"lines": True}},
            "parquet": {"parquet": {}},
        }
        return formats[name]

    def _window(self) -> dict[str, str]:
        """Write the window ``[start, end)`` as settings."""
        if self.start is None and self.end is None:
            return {}
        if not self.dataset_format.has_times:
            message = "--start and --end choose among records of capture or batch-transform: leave them away."
            raise InvalidInput("WindowNotApplicable", message)
        if self.start and self.end and self.start >= self.end:
            told = f"--start {iso_utc(self.start)} is not before --end {iso_utc(self.end)}: mend either."
            raise InvalidInput("WindowEmpty", told)
        moments = {"start_time": self.start, "end_time": self.end}
        return {name: moment.isoformat() for name, moment in moments.items() if moment}


@contextmanager
def at_hand(uri: str, option: str, covers: Callable[[str], bool] | None = None) -> Iterator[Path]:
    """Give the path of local data, or of a temporary copy of what lies in S3.

    Parameters
    ----------
    uri : str
        A path, or ``s3://bucket/key`` of an object or a folder.
    covers : callable
        Tells by an object's S3 URI whether it is wanted; all are by default.

    Raises
    ------
    InvalidInput
        ``FileNotFound`` or ``NoData``, naming the option; ``AccessDenied``, ``BucketNotFound``, ``NoCredentials``.
    Upstream
        ``ServiceNotReached`` or ``ServiceError``.
    """
    if not uri.startswith("s3://"):
        yield existing(Path(uri), option)
        return
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="modelwatch-")))
        yield _fetched(_object_store(option), uri, option, folder, covers)


def _object_store(option: str) -> S3ObjectStore:
    import boto3  # only those who read from S3 wait for it

    from modelwatch_core.adapters.aws.object_store import S3ObjectStore

    session = boto3.Session()
    if session.get_credentials() is None:
        message = f"{option}: there are no AWS credentials to read from S3 with: sign in, or set AWS_PROFILE."
        raise InvalidInput("NoCredentials", message)
    return S3ObjectStore(session.client("s3"))


def _fetched(objects: S3ObjectStore, uri: str, option: str, root: Path, covers: Callable[[str], bool] | None) -> Path:
    name = uri.rstrip("/").rpartition("/")[2] or "data"
    place = root / name
    found = [stored.s3_uri for stored in objects.list(uri) if not stored.s3_uri.endswith("/")]
    wanted = list(filter(covers, found)) if covers else found
    if not wanted:
        code, what = ("NoData", "nothing in the window") if found else ("FileNotFound", "nothing")
        raise InvalidInput(code, f"{option}: there is {what} at {uri}.")
    for stored in wanted:
        below = stored.removeprefix(uri).strip("/")
        _download(objects, stored, place / below if below else place, root)
    for manifest in sorted(path for side in Side for path in (place / side.value).rglob("*") if path.is_file()):
        for named in _objects_of(manifest):
            _download(objects, named, place / "objects" / named.removeprefix("s3://"), root)
    return place


def _download(objects: S3ObjectStore, uri: str, path: Path, root: Path) -> None:
    if not path.resolve().is_relative_to(root.resolve()):
        raise InvalidInput("KeyOutsideFolder", f"the key of {uri} climbs out of its folder; rename it")
    if not path.exists():
        objects.download(uri, path)


def _objects_of(manifest: Path) -> list[str]:
    """Return the S3 URIs that a manifest names; none if it is not one, which its reader will report."""
    try:
        return manifest_objects(manifest.read_bytes(), manifest.name)
    except InvalidInput:
        return []
