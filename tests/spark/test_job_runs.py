"""A baseline that the app has made on Spark, in the local stack, against that of Lambda."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator

import pytest

from modelwatch.local.app_files import program_of_spark
from tests.app.deployed_app import App, started
from tests.app.test_job_runs import PACKAGES, asked, described, give_packages
from tests.app.test_processing_jobs import stored

pytestmark = [
    pytest.mark.slow,
    pytest.mark.long_setup,
    pytest.mark.skipif(program_of_spark() is None, reason="`make test-spark` installs PySpark"),
    pytest.mark.skipif(shutil.which("java") is None, reason="Spark needs Java 17"),
]


@pytest.fixture(scope="module")
def app() -> Iterator[App]:
    with started(SparkPackagesUri=PACKAGES) as stack:
        app = App(stack)
        give_packages(app)
        draw = random.Random(8)
        for number in range(3):
            rows = [f"{draw.gauss(50, 10)},{draw.choice('abc')},{draw.randint(0, 9)}" for _ in range(2_000)]
            body = "income,kind,children\n" + "\n".join(rows) + "\n"
            app.s3.put_object(Bucket="captures", Key=f"clicks/day={number}/part.csv", Body=body.encode())
        yield app
        assert not [call for call in stack.calls if call.refused]


def test_a_baseline_on_spark_has_the_files_of_one_on_lambda(app):
    dataset = {"baseline_dataset_s3_uri": "s3://captures/clicks"}
    ours = asked(app, "in-lambda", **dataset, resources={"host": "lambda"})
    theirs = asked(app, "on-spark", **dataset)
    log = app.stack.job_run_log(theirs["run"]["run_id"])
    assert (theirs["status"], theirs["host"]) == ("Completed", "emr-serverless"), log[-3000:]
    assert (ours["status"], ours["host"]) == ("Completed", "lambda")
    assert ours["outcome"] == theirs["outcome"]
    in_lambda, on_spark = (stored(app, each["output_s3_uri"]) for each in (ours, theirs))
    assert in_lambda.keys() == on_spark.keys()
    for name in ("statistics.json", "constraints.json"):
        assert in_lambda[name] == on_spark[name]


def test_a_file_that_a_task_cannot_read_is_what_the_record_names(app):
    for number, encoding in enumerate(("utf-8", "utf-16")):
        body = "a,b\n1,2\n".encode(encoding)
        app.s3.put_object(Bucket="captures", Key=f"damaged/part-{number}.csv", Body=body)
    asked(app, "damaged", baseline_dataset_s3_uri="s3://captures/damaged")
    failed = described(app, "damaged")
    assert failed["status"] == "Failed"
    assert failed["outcome"]["failure_reason"].startswith("NotUtf8: part-1.csv")
