"""Files in S3, as SageMaker's SDK names the calls."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from modelwatch.app_client import app_client
from modelwatch.arguments import given, s3_uri, text
from modelwatch.execution_records import execution_record

_PROCESSING_JOB = ":processing-job/"
_Texts = list[str]


class S3Downloader:
    """Reads, lists and downloads what is in S3.

    Where a URI is expected, the ARN of a processing job may stand in its place, with or without a path below it: it
    means the folder that the results of this execution are in. For ``sagemaker_session`` see
    ``modelwatch.app_client.app_client``.
    """

    @staticmethod
    def read_file(s3_uri: str, sagemaker_session: Any = None) -> str:
        """Return the text of a file.

        Parameters
        ----------
        s3_uri : str
            Its URI, or the ARN of an execution's processing job with a path below its results.

        Raises
        ------
        ValueError
            Where it is neither.
        botocore.exceptions.ClientError
            ``NoSuchKey`` and others of S3.
        """
        return S3Downloader.read_bytes(s3_uri, sagemaker_session).decode()

    @staticmethod
    def read_bytes(s3_uri: str, sagemaker_session: Any = None) -> bytes:
        """Return the content of a file; see ``read_file``."""
        bucket, key = _file(s3_uri, sagemaker_session)
        content: bytes = _client(sagemaker_session).get_object(Bucket=bucket, Key=key)["Body"].read()
        return content

    @staticmethod
    def list(s3_uri: str, sagemaker_session: Any = None) -> _Texts:
        """Return the URIs of all objects whose URI begins with ``s3_uri``, in S3's order."""
        bucket, prefix = _located(s3_uri, sagemaker_session)
        return [f"s3://{bucket}/{key}" for key in _keys(bucket, prefix, sagemaker_session)]

    @staticmethod
    def download(
        s3_uri: str, local_path: str | Path, kms_key: str | None = None, sagemaker_session: Any = None
    ) -> _Texts:
        """Download a file, or all files of a folder with their paths below it.

        Parameters
        ----------
        s3_uri : str
            The S3 URI of the file or the folder.
        local_path : str or Path
            The folder to write to; it is made if it is not there.
        kms_key : str, optional
            Taken because SageMaker's SDK takes it, and used for nothing: S3 finds the key of what it decrypts.

        Returns
        -------
        list of str
            The paths of the files that were written.
        """
        del kms_key
        bucket, prefix = _located(s3_uri, sagemaker_session)
        folder, written = Path(local_path), []
        for key in _keys(bucket, prefix, sagemaker_session):
            path = _below(folder, key, prefix)
            if key.endswith("/") or path is None:
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            _client(sagemaker_session).download_file(bucket, key, str(path))
            written.append(str(path))
        return written


class S3Uploader:
    """Writes to S3.

    For ``sagemaker_session`` see ``modelwatch.app_client.app_client``.
    """

    @staticmethod
    def upload(
        local_path: str | Path, desired_s3_uri: str, kms_key: str | None = None, sagemaker_session: Any = None
    ) -> str:
        """Upload a file, or all files of a folder with their paths below it, and return the URI of what was written.

        Parameters
        ----------
        local_path : str or Path
            The file or the folder.
        desired_s3_uri : str
            The folder to write to.
        kms_key : str, optional
            The key that S3 encrypts with.
        """
        path, folder = Path(local_path), s3_uri("desired_s3_uri", desired_s3_uri).rstrip("/")
        if not path.exists():
            raise ValueError(f"local_path: there is no file {path}")
        files = [path] if path.is_file() else sorted(each for each in path.rglob("*") if each.is_file())
        for file in files:
            below = file.name if path.is_file() else file.relative_to(path).as_posix()
            S3Uploader.upload_bytes(file.read_bytes(), f"{folder}/{below}", kms_key, sagemaker_session)
        return f"{folder}/{path.name}" if path.is_file() else folder

    @staticmethod
    def upload_string_as_file_body(
        body: str, desired_s3_uri: str, kms_key: str | None = None, sagemaker_session: Any = None
    ) -> str:
        """Write a text as a file, and return its URI.

        Parameters
        ----------
        body : str
            The text.
        desired_s3_uri : str
            The URI of the file.
        kms_key : str, optional
            The key that S3 encrypts with.
        """
        return S3Uploader.upload_bytes(body.encode(), desired_s3_uri, kms_key, sagemaker_session)

    @staticmethod
    def upload_bytes(b: bytes, s3_uri: str, kms_key: str | None = None, sagemaker_session: Any = None) -> str:
        """Write bytes as a file, and return its URI.

        Parameters
        ----------
        b : bytes
            The content.
        s3_uri : str
            The URI of the file.
        kms_key : str, optional
            The key that S3 encrypts with.
        """
        bucket, key = _file(s3_uri, sagemaker_session)
        encryption = given(ServerSideEncryption="aws:kms" if kms_key else None, SSEKMSKeyId=kms_key)
        _client(sagemaker_session).put_object(Bucket=bucket, Key=key, Body=b, **encryption)
        return s3_uri


def _client(sagemaker_session: Any) -> Any:
    return app_client(sagemaker_session).client("s3")


def _located(uri: str, sagemaker_session: Any) -> tuple[str, str]:
    """Return bucket and key of a URI, or of a path below an execution's results."""
    if _PROCESSING_JOB in text("s3_uri", uri):
        arn, _, path = uri.rpartition(_PROCESSING_JOB)
        job, _, below = path.partition("/")
        record = execution_record(app_client(sagemaker_session), arn + _PROCESSING_JOB + job)
        uri = f"{record['output_s3_uri']}/{below}"
    bucket, _, key = s3_uri("s3_uri", uri).removeprefix("s3://").partition("/")
    return bucket, key


def _file(uri: str, sagemaker_session: Any) -> tuple[str, str]:
    """Return bucket and key of the URI of a file; see ``_located``."""
    bucket, key = _located(uri, sagemaker_session)
    if not key:
        raise ValueError(f"s3_uri: {uri!r} names a bucket; give the URI of a file in it")
    return bucket, key


def _keys(bucket: str, prefix: str, sagemaker_session: Any) -> Iterator[str]:
    pages = _client(sagemaker_session).get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    for page in pages:
        yield from (found["Key"] for found in page.get("Contents", ()))


def _below(folder: Path, key: str, prefix: str) -> Path | None:
    """Return where a key is written below a folder; None for a sibling whose name only begins with the prefix."""
    if key == prefix:
        return folder / key.rpartition("/")[2]
    if prefix and not prefix.endswith("/") and not key.startswith(f"{prefix}/"):
        return None
    path = (folder / key.removeprefix(prefix).lstrip("/")).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise ValueError(f"{key!r} would be written outside of {folder}")
    return path
