"""The options that say which data is read, and data in S3."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import polars as pl
import pytest
from moto import mock_aws
from typer.testing import CliRunner, Result

from modelwatch.cli.commands import app

Run = Callable[..., Result]
ROWS = [{"p": round(number * 0.01, 2), "age": 20 + number, "city": "ab"[number % 2]} for number in range(100)]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: CliRunner().invoke(app, arguments)


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, bytes | str], None]]:
    """Put objects into a bucket."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        s3 = boto3.client("s3", region_name="us-east-1")
        s3.create_bucket(Bucket="bucket")
        yield lambda key, content: s3.put_object(Bucket="bucket", Key=key, Body=content) and None


def parquet() -> bytes:
    file = io.BytesIO()
    pl.DataFrame(ROWS).write_parquet(file)
    return file.getvalue()


def captured(row: dict[str, Any], hour: int = 9, **more: Any) -> str:
    request = {"data": json.dumps({"x": [row["age"], row["city"]]}), "encoding": "JSON"}
    response = {"data": json.dumps({"y": {"p": row["p"]}, "id": 7}), "encoding": "JSON"}
    event = {"eventId": str(row["age"]), "inferenceTime": f"2026-01-31T{hour:02}:30:00Z"}
    return json.dumps({"captureData": {"endpointInput": request, "endpointOutput": response}, "eventMetadata": event})


FILES = {
    "csv": "p,age,city\n" + "".join(f"{row['p']},{row['age']},{row['city']}\n" for row in ROWS),
    "json": json.dumps(ROWS),
    "jsonlines": "\n".join(map(json.dumps, ROWS)),
    "parquet": parquet(),
}


def statistics(folder: str) -> dict[str, Any]:
    features = json.loads(Path(folder, "statistics.json").read_text())["features"]
    return {
        feature["name"]: (feature["inferred_type"], feature.get("numerical_statistics", {}).get("sum"))
        for feature in features
    }


def baseline(run: Run, dataset: str, dataset_format: str, *more: str) -> dict[str, Any]:
    made = run(
        "baseline",
        "data-quality",
        "--data",
        dataset,
        "--dataset-format",
        dataset_format,
        "--output",
        "b",
        "--overwrite",
        *more,
    )
    assert made.exit_code == 0, made.stderr
    return statistics("b")


@pytest.mark.slow
@pytest.mark.parametrize("kind", FILES)
def test_the_same_rows_have_the_same_statistics_in_every_format(run: Run, kind: str) -> None:
    content = FILES[kind]
    Path("data").write_bytes(content if isinstance(content, bytes) else content.encode())
    assert baseline(run, "data", kind) == {
        # sums by hand: 0.01 * (0 + ... + 99), and 100 * 20 + (0 + ... + 99)
        "p": ("Fractional", pytest.approx(49.5)),
        "age": ("Integral", 6950.0),
        "city": ("String", None),
    }


def test_attributes_choose_and_name_what_is_read_of_captures(run: Run) -> None:
    Path("c.jsonl").write_text("\n".join(map(captured, ROWS)))
    flags = ["--features-attribute", "x", "--inference-attribute", "y.p"]
    found = baseline(run, "c.jsonl", "capture", *flags)
    assert list(found.values()) == [("Fractional", pytest.approx(49.5)), ("Integral", 6950.0), ("String", None)]
    assert "y.p" in baseline(run, "c.jsonl", "capture")
    assert list(baseline(run, "c.jsonl", "capture", "--exclude-features-attribute", "id, y.p")) == ["x.0", "x.1"]


@pytest.mark.slow
def test_excluded_columns_are_left_out_of_every_format(run: Run) -> None:
    for kind, content in FILES.items():
        Path(kind).write_bytes(content if isinstance(content, bytes) else content.encode())
        assert list(baseline(run, kind, kind, "--exclude-features-attribute", "p,city")) == ["age"]


def test_a_check_does_not_miss_what_is_excluded_from_it(run: Run) -> None:
    Path("train.csv").write_text(FILES["csv"])  # type: ignore[arg-type]  # this one is text
    Path("fewer.csv").write_text("age,city\n" + "".join(f"{row['age']},a\n" for row in ROWS))
    Path("requests.csv").write_text("age,city,p\n" + "".join(f"{row['age']},a,{row['p']}\n" for row in ROWS))
    for name, request in (("two", "{age},{city}"), ("three", "{age},{city},{p}")):
        sides = (
            {
                "endpointInput": {"data": request.format(**row), "encoding": "CSV"},
                "endpointOutput": {"data": str(row["p"]), "encoding": "CSV"},
            }
            for row in ROWS
        )
        Path(name).write_text("\n".join(json.dumps({"captureData": side}) for side in sides))

    def check(data: str, dataset_format: str, excluded: str) -> tuple[int, list[str]]:
        files = (
            "--statistics",
            "b/statistics.json",
            "--constraints",
            "b/constraints.json",
            "--output",
            "report",
            "--overwrite",
        )
        read = ("--data", data, "--dataset-format", dataset_format, "--exclude-features-attribute", excluded)
        return run("check", "data-quality", *read, *files).exit_code, list(statistics("report"))

    baseline(run, "train.csv", "csv")
    assert check("train.csv", "csv", "city") == (0, ["p", "age"])
    assert check("train.csv", "csv", "2") == (0, ["p", "age"])
    assert check("two", "capture", "1") == (0, ["p", "age"])  # of the request's columns, city
    assert check("fewer.csv", "csv", "city") == (1, ["age"])  # p is missing, and nothing excludes it
    baseline(run, "train.csv", "csv", "--exclude-features-attribute", "city")
    assert check("two", "capture", "1") == (0, ["p", "age"])
    baseline(run, "requests.csv", "csv")
    assert check("three", "capture", "1,2")[1] == ["age"]  # a baseline of the requests alone


def test_a_column_that_is_not_there_or_all_of_them_cannot_be_excluded(run: Run) -> None:
    Path("data.csv").write_text("a,b\n1,2\n")
    for names, code in (("c", "UnknownColumn"), ("a,b", "NoColumns")):
        arguments = ("--data", "data.csv", "--dataset-format", "csv", "--output", "b", "--overwrite")
        result = run("baseline", "data-quality", *arguments, "--exclude-features-attribute", names)
        assert (result.exit_code, code in result.stderr) == (2, True)


def test_scripts_run_before_and_after(run: Run) -> None:
    Path("data.csv").write_text(FILES["csv"])  # type: ignore[arg-type]  # this one is text
    Path("pre.py").write_text(
        "def preprocess_handler(line):\n    p, age, city = line.split(',')\n"
        "    return {'years': int(age)} if city == 'a' else []"
    )
    Path("post.py").write_text("def postprocess_handler():\n    open('ran', 'w').close()")
    made = run(
        *("baseline", "data-quality", "--data", "data.csv", "--dataset-format", "csv", "--output", "b", "--overwrite"),
        *("--record-preprocessor", "pre.py", "--post-analytics", "post.py"),
    )
    assert made.exit_code == 0, made.stderr
    assert statistics("b") == {"years": ("Integral", 3450.0)}  # 50 * 20 + (0 + 2 + ... + 98)
    assert "Left out: 50 records that the preprocessor dropped." in made.stdout
    assert Path("ran").exists()


def test_the_record_counts_of_captures_include_encodings_and_duplicates(run: Run) -> None:
    Path("c.jsonl").write_text("\n".join(map(captured, [*ROWS, ROWS[0]])))
    arguments = (
        "baseline",
        "data-quality",
        "--data",
        "c.jsonl",
        "--dataset-format",
        "capture",
        "--output",
        "b",
        "--overwrite",
    )
    assert "Captured payloads by encoding: 202 JSON." in run(*arguments).stdout
    records = json.loads(run(*arguments, "--json").stdout)["records"]
    assert (records["read"], records["encodings"], records["duplicate_events"]) == (101, {"JSON": 202}, 1)


@pytest.mark.slow
def test_data_and_baseline_can_be_in_s3(run: Run, bucket: Callable[[str, bytes | str], None]) -> None:
    bucket("train/a.csv", FILES["csv"])
    bucket("train/b/c.csv", FILES["csv"])
    assert baseline(run, "s3://bucket/train/", "csv")["age"] == ("Integral", 13900.0)
    for name in ("statistics", "constraints"):
        bucket(f"b/{name}.json", Path("b", f"{name}.json").read_bytes())
    checked = run(
        *(
            "check",
            "data-quality",
            "--data",
            "s3://bucket/train/a.csv",
            "--dataset-format",
            "csv",
            "--output",
            "r",
            "--overwrite",
        ),
        *("--statistics", "s3://bucket/b/statistics.json", "--constraints", "s3://bucket/b/constraints.json"),
    )
    assert checked.exit_code == 0, checked.stderr


@pytest.mark.slow
def test_of_captures_in_s3_the_hours_of_the_window_are_fetched(
    run: Run, bucket: Callable[[str, bytes | str], None]
) -> None:
    for hour in (8, 9, 10):
        lines = "\n".join(captured(row, hour) for row in ROWS)
        bucket(f"capture/endpoint/AllTraffic/2026/01/31/{hour:02}/x.jsonl", lines)
    baseline(run, "s3://bucket/capture/", "capture")
    checked = run(
        *(
            "check",
            "data-quality",
            "--data",
            "s3://bucket/capture",
            "--dataset-format",
            "capture",
            "--output",
            "r",
            "--overwrite",
        ),
        *("--statistics", "b/statistics.json", "--constraints", "b/constraints.json", "--json"),
        *("--start", "2026-01-31T09:00:00Z", "--end", "2026-01-31T10:00:00Z"),
    )
    records = json.loads(checked.stdout)["records"]
    assert (records["objects"], records["read"], records["out_of_window"]) == (1, 100, 0)


def test_the_objects_that_manifests_in_s3_name_are_fetched_too(
    run: Run, bucket: Callable[[str, bytes | str], None]
) -> None:
    bucket("dc/input/2026/01/31/09/m.json", json.dumps([{"prefix": "s3://bucket/in/"}, "a.jsonl"]))
    bucket("in/a.jsonl", FILES["jsonlines"])
    found = baseline(run, "s3://bucket/dc", "batch-transform", "--transform-format", "jsonlines")
    assert found["age"] == ("Integral", 6950.0)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("uri", "code"),
    [("s3://bucket/none", "FileNotFound"), ("s3://nobody/none", "BucketNotFound"), ("s3://bucket/dots", "KeyOutside")],
)
def test_a_missing_object_in_s3_is_one_line(
    run: Run, bucket: Callable[[str, bytes | str], None], uri: str, code: str
) -> None:
    bucket("dots/../../../x.csv", "a\n1\n")
    result = run("baseline", "data-quality", "--data", uri, "--dataset-format", "csv", "--output", "b", "--overwrite")
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert code in result.stderr


def test_without_credentials_the_message_says_how_to_fix_it(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    result = run(
        "baseline", "data-quality", "--data", "s3://b/k", "--dataset-format", "csv", "--output", "b", "--overwrite"
    )
    assert result.exit_code == 2
    assert "NoCredentials: --data" in result.stderr


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("AWS_PROFILE", "nobody", "NoCredentials: The config profile (nobody) could not be found: see aws configure"),
        ("AWS_ENDPOINT_URL", "nowhere", "InvalidParameter: Invalid endpoint: nowhere"),
        ("AWS_DEFAULT_REGION", "eu central", "ServiceNotReached: Provided region_name 'eu central' doesn't match"),
        ("AWS_CONFIG_FILE", "train.csv", "ServiceNotReached: Unable to parse config file: train.csv"),
    ],
)
@pytest.mark.parametrize(
    "command",
    [
        ["baseline", "data-quality", "--data", "s3://b/k", "--dataset-format", "csv", "--output", "b"],
        ["schedules", "list"],
        ["doctor", "--stack", "modelwatch"],
    ],
)
def test_settings_of_aws_that_cannot_be_used_are_no_mistake_of_ours(
    run: Run, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, said: str, command: list[str]
) -> None:
    for name, usual in {
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "b",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, usual)
    Path("train.csv").write_text("a,b\n1,2\n")
    monkeypatch.setenv(variable, value)
    result = run(*command)
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert said in result.stderr


def test_the_messages_alone_lead_from_a_file_of_a_spreadsheet_to_numbers(run: Run) -> None:
    lines = [f'"{row["age"]}";"{row["p"]:.2f}"'.replace(".", ",") for row in ROWS]
    lines[7] = '"27";"k. A."'
    lines[8] = '"28";"NA"'
    Path("train.csv").write_text("\n".join(['"age";"p"', *lines]) + "\n")
    given = [
        "baseline",
        "data-quality",
        "--data",
        "train.csv",
        "--dataset-format",
        "csv",
        "--output",
        "made",
        "--overwrite",
    ]
    refused = run(*given)
    assert refused.exit_code == 2
    assert "--separator ';'" in refused.output
    given += ["--separator", ";"]
    assert "--decimal ','" in " ".join(run(*given).output.split())
    given += ["--decimal", ","]
    assert "--missing-values usual" in " ".join(run(*given).output.split())
    given += ["--missing-values", "usual,k. A."]
    made = run(*given)
    assert (made.exit_code, made.output.count("Warning")) == (0, 1)
    assert "as ids are: 'age'" in " ".join(made.output.split())  # a row of each age
    total = sum(round(row["p"] * 100) for row in ROWS if row["age"] not in (27, 28)) / 100
    assert statistics("made") == {"age": ("Integral", 6950.0), "p": ("Fractional", pytest.approx(total))}


@pytest.mark.parametrize(("option", "value"), [("--separator", "x"), ("--decimal", ";")])
def test_options_of_values_and_csv_that_do_not_exist_are_refused(run: Run, option: str, value: str) -> None:
    Path("train.csv").write_text("a,b\n1,2\n")
    given = [
        "baseline",
        "data-quality",
        "--data",
        "train.csv",
        "--dataset-format",
        "csv",
        "--output",
        "made",
        "--overwrite",
    ]
    refused = run(*given, option, value)
    assert (refused.exit_code, option in refused.output) == (2, True)
