"""The entry point of an analysis on Spark: ``spark-submit application.py NAME=VALUE ...``.

The arguments are SageMaker's container environment, as for the image for jobs, with paths or S3 URIs; docs/hosts.md
says what Spark can do. The app gives one variable, which names its request in S3.
"""

from __future__ import annotations

import logging
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path, PurePosixPath

from pyspark.sql import SparkSession

from modelwatch.spark.gather import SparkGather, require_parts
from modelwatch.spark.objects import S3Dataset, objects
from modelwatch.spark.requested import failure_of, run_requested
from modelwatch_analyzer.analysis import analyze
from modelwatch_analyzer.host import Host
from modelwatch_analyzer.scripts.process import hide_from_scripts
from modelwatch_core.app.run_analysis import store_files
from modelwatch_core.domain.analysis import AnalysisSummary
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.outcome import OutcomeStatus
from modelwatch_core.domain.processing_job import REQUEST_VARIABLE
from modelwatch_core.domain.settings_environment import settings_from_environment

_PARTITIONS = "partitions"
"""An argument that only Spark has."""
_OUTPUT = "output_path"

logger = logging.getLogger("modelwatch")


def main(arguments: Sequence[str]) -> int:
    """Run one analysis and return the exit status; a message says what went wrong."""
    try:
        summary = _run(arguments)
    except Exception as error:
        logger.error("%s: %s", OutcomeStatus.FAILED, failure_of(error))  # noqa: TRY400 - no traceback, it has values
        return 1
    logger.info("%s", summary.exit_message)
    return 0


def _run(arguments: Sequence[str]) -> AnalysisSummary:
    given = dict(_variable(argument) for argument in arguments)
    partitions = _count(given.pop(_PARTITIONS, ""))
    if REQUEST_VARIABLE in given:
        with _session() as session:
            return run_requested(given[REQUEST_VARIABLE], partial(SparkGather, session, partitions), logger.info)
    require_parts(settings_from_environment(given))
    with _session() as session:
        return _run_settings(given, SparkGather(session, partitions))


@contextmanager
def _session() -> Iterator[SparkSession]:
    session = SparkSession.builder.appName("modelwatch").getOrCreate()
    try:
        yield session
    finally:
        session.stop()


def _run_settings(given: dict[str, str], gather: SparkGather) -> AnalysisSummary:
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
            store_files(objects(), settings.output_path, output)
        return summary
    finally:
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


def _variable(argument: str) -> tuple[str, str]:
    name, equals, value = argument.partition("=")
    if not equals:
        raise InvalidInput("InvalidSettings", f"{name} is not a setting: give each as NAME=VALUE")
    return name, value


def _count(text: str) -> int | None:
    if text and not (text.isdecimal() and int(text)):
        raise InvalidInput("InvalidSettings", f"{_PARTITIONS} must be a whole number above 0")
    return int(text) if text else None


if __name__ == "__main__":
    hide_from_scripts()
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    logging.getLogger("py4j").setLevel(logging.WARNING)
    sys.exit(main(sys.argv[1:]))
