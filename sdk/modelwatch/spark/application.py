"""The entry point of an analysis on Spark: ``spark-submit application.py NAME=VALUE ...``.

The arguments are SageMaker's container environment, as for the image for jobs, with paths or S3 URIs; docs/hosts.md
says what Spark can do.
"""

from __future__ import annotations

import logging
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from pyspark.sql import SparkSession

from modelwatch.spark.gather import SparkGather, require_parts
from modelwatch.spark.objects import S3Dataset, objects
from modelwatch_analyzer.analysis import analyze
from modelwatch_analyzer.host import Host
from modelwatch_core.domain import s3_layout
from modelwatch_core.domain.analysis import AnalysisSummary
from modelwatch_core.domain.errors import InvalidInput, ModelwatchError, place_of
from modelwatch_core.domain.outcome import OutcomeStatus
from modelwatch_core.domain.settings_environment import settings_from_environment

_PARTITIONS = "partitions"
"""An argument of Spark's alone."""
_OUTPUT = "output_path"

logger = logging.getLogger("modelwatch")


def main(arguments: Sequence[str]) -> int:
    """Run one analysis and return the exit status; a message says what went wrong."""
    try:
        summary = _run(arguments)
    except ModelwatchError as error:
        reason = str(error)
    except Exception as error:
        reason = f"AnalyzerError: {type(error).__name__} at {place_of(error)}"
    else:
        logger.info("%s", summary.exit_message)
        return 0
    logger.error("%s: %s", OutcomeStatus.FAILED, reason)
    return 1


def _run(arguments: Sequence[str]) -> AnalysisSummary:
    given = dict(_variable(argument) for argument in arguments)
    partitions = _count(given.pop(_PARTITIONS, ""))
    require_parts(settings_from_environment(given))
    session = SparkSession.builder.appName("modelwatch").getOrCreate()
    gather = SparkGather(session, partitions)
    folder = Path(tempfile.mkdtemp(prefix="modelwatch-"))  # a name that no other machine has
    try:
        source = given.get("dataset_source", "")
        if _is_in_s3(source):
            dataset = S3Dataset(source.rstrip("/"), folder / "dataset")
            given["dataset_source"] = str(dataset.place())
            gather = replace(gather, present=dataset.present)
        output = given.get(_OUTPUT, "")
        settings = settings_from_environment(_with_files(given, folder))
        summary = analyze(settings, Host(announce=logger.info, gather=gather))
        if _is_in_s3(output):
            _upload(settings.output_path, output)
        return summary
    finally:
        session.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _is_in_s3(value: str) -> bool:
    return value.startswith("s3://")


def _with_files(given: Mapping[str, str], folder: Path) -> dict[str, str]:
    """Return the settings with files of this machine in the place of objects, which are downloaded."""
    places = {name: folder / name / PurePosixPath(value).name for name, value in given.items() if _is_in_s3(value)}
    for name, path in places.items():
        if name != _OUTPUT:
            objects().download(given[name], path)
    return dict(given) | {name: str(path) for name, path in places.items()}


def _upload(folder: Path, s3_uri: str) -> None:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            objects().upload(path, s3_layout.join(s3_uri, path.relative_to(folder).as_posix()))


def _variable(argument: str) -> tuple[str, str]:
    name, equals, value = argument.partition("=")
    if not equals:
        raise InvalidInput("InvalidSettings", f"{name} is no setting: give each as NAME=VALUE")
    return name, value


def _count(text: str) -> int | None:
    if text and not (text.isdecimal() and int(text)):
        raise InvalidInput("InvalidSettings", f"{_PARTITIONS} must be a whole number above 0")
    return int(text) if text else None


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    logging.getLogger("py4j").setLevel(logging.WARNING)
    sys.exit(main(sys.argv[1:]))
