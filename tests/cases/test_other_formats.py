"""Files that are not what they are said to be, and what tools leave in them beside the columns.

After public reports: captures read as CSV (Amazon's documentation of ``sagemaker_capture_json`` resolves the mix-up),
partitioned folders (aws-sdk-pandas 764, great_expectations 6483), deleted rows of Delta Lake (biofile-finder 911),
pandas' index in Parquet (milvus 33197), text stored as binary (velox 10398, SPARK-2927), and SageMaker's usual packing,
``.tar.gz``; records that Firehose joins without line ends (aws-sdk-js 3264, vector 8487, pg2kinesis 13), and sparse
frames (pandas 26378, arrow 1894).
"""

from __future__ import annotations

import bz2
import io
import json
import lzma
import tarfile
import zipfile

import numpy as np
import pandas as pd
import polars as pl
import pyarrow
import pytest

import modelwatch

ROWS = 600
CAPTURED = {
    "captureData": {"endpointInput": {"data": "1,2", "encoding": "CSV"}},
    "eventMetadata": {"eventId": "e", "inferenceTime": "2026-03-01T10:00:00Z"},
    "eventVersion": "0",
}
RECORDS = [{"age": age, "city": "de"} for age in range(20, 60)]


def zipped(text: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("train.csv", text)
    return packed.getvalue()


def frame(seed: int) -> pd.DataFrame:
    drawn = np.random.default_rng(seed)
    cities = drawn.choice(["de", "fr"], 2 * ROWS)
    return pd.DataFrame(
        {"x": drawn.normal(size=2 * ROWS).round(3), "k": drawn.integers(0, 50, 2 * ROWS), "city": cities}
    )


@pytest.mark.parametrize(
    ("text", "read_as", "name"),
    [
        ("\n".join(map(json.dumps, RECORDS)), "csv", "jsonlines"),
        ("\ufeff" + "\n".join(map(json.dumps, RECORDS)), "csv", "jsonlines"),
        (json.dumps(RECORDS), "csv", "json"),
        (json.dumps(RECORDS, indent=2), "csv", "json"),
        (json.dumps(RECORDS[0], indent=2), "csv", "json"),
        ("\n".join([json.dumps(CAPTURED)] * 9), "csv", "capture"),
        ("\n".join([json.dumps(CAPTURED)] * 9), "jsonlines", "capture"),
    ],
)
@pytest.mark.parametrize("header", [True, False])
def test_a_file_of_another_format_is_refused_by_its_name(tmp_path, text, read_as, name, *, header):
    (tmp_path / "data").write_text(text, encoding="utf-8")
    options = {"header": header} if read_as == "csv" else {}
    with pytest.raises(modelwatch.ModelwatchError, match=rf"OtherFormat: data .*name the format {name} in dataset_"):
        modelwatch.baseline(tmp_path / "data", dataset_format=read_as, **options)


@pytest.mark.parametrize(
    ("text", "separator"),
    [
        ('"{""a"": 1}",b\n"{""a"": 2}",3\n', ","),
        ("{a},b\n1,2\n", ","),
        ("[a],b\n1,2\n", ","),
        ('{"k": 1}\t5\n{"k": 2}\t6\n', "\t"),
        ('{"k": 1, "l": 2}|5\n{"k": 2, "l": 3}|6\n', "|"),
        ('[{"k": 1}]\t5\n[{"k": 2}]\t6', "\t"),
    ],
)
def test_text_with_braces_is_still_separated_values(tmp_path, text, separator):
    (tmp_path / "data.csv").write_text(text)
    options = {"header": False} if "k" in text else {}
    made = modelwatch.baseline(tmp_path / "data.csv", dataset_format="csv", separator=separator, **options)
    assert len(json.loads(made.files["statistics.json"])["features"]) == 2


def test_captured_records_are_read_as_documents_where_attributes_select_from_them(tmp_path):
    documents = [CAPTURED | {"score": number} for number in range(40)]
    (tmp_path / "data.jsonl").write_text("\n".join(map(json.dumps, documents)))
    options = {"dataset_format": "jsonlines", "features_attribute": "[score]"}
    made = modelwatch.baseline(tmp_path / "data.jsonl", **options)
    (feature,) = json.loads(made.files["statistics.json"])["features"]
    assert feature["inferred_type"] == "Integral"


@pytest.mark.parametrize("mode", ["w:gz", "w"])
def test_a_tar_archive_is_refused(tmp_path, mode):
    content = "a,b\n" + "1,2\n" * 500
    with tarfile.open(tmp_path / "train.tar", mode) as archive:
        member = tarfile.TarInfo("train.csv")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content.encode()))
    with pytest.raises(modelwatch.ModelwatchError, match=r"UnreadableFile: train\.tar is a tar archive: extract"):
        modelwatch.baseline(tmp_path / "train.tar", dataset_format="csv")


@pytest.mark.parametrize(
    ("name", "pack", "packing"),
    [
        ("train.csv.bz2", bz2.compress, "compressed by bzip2"),
        ("train.csv.xz", lzma.compress, "compressed by xz"),
        ("train.csv.zst", lambda text: pyarrow.compress(text, "zstd", asbytes=True), "compressed by Zstandard"),
        ("train.zip", zipped, "a zip archive, or a workbook"),
    ],
)
@pytest.mark.parametrize("dataset_format", ["csv", "jsonlines"])
def test_a_file_that_is_packed_otherwise_than_by_gzip_is_refused_by_what_it_is(
    tmp_path, name, pack, packing, dataset_format
):
    (tmp_path / name).write_bytes(pack(b"[1,2]\n" * 500))
    with pytest.raises(modelwatch.ModelwatchError, match=f"UnreadableFile: {name} is {packing}: "):
        modelwatch.baseline(tmp_path / name, dataset_format=dataset_format)


def test_text_may_begin_like_a_compressed_file(tmp_path):
    (tmp_path / "train.csv").write_text("BZh,PK\n1,2\n")
    made = modelwatch.baseline(tmp_path / "train.csv", dataset_format="csv")
    assert [feature["name"] for feature in made.statistics["features"]] == ["BZh", "PK"]


def test_the_index_that_pandas_stores_is_left_out_and_named(tmp_path):
    for name, seed in (("train", 0), ("today", 1)):
        table = frame(seed)
        table[table.x > 0].to_parquet(tmp_path / f"{name}.parquet")
    assert "__index_level_0__" in pl.read_parquet_schema(tmp_path / "train.parquet")
    made = modelwatch.baseline(tmp_path / "train.parquet", dataset_format="parquet")
    found = modelwatch.check(tmp_path / "today.parquet", made, dataset_format="parquet")
    assert found.violations == []
    for result in (made, found):
        assert [each for each in result.warnings if "the index of a pandas frame" in each]
    folder = made.save(tmp_path / "baseline")
    constraints = json.loads((folder / "constraints.json").read_text())
    index = {"name": "__index_level_0__", "inferred_type": "Integral", "completeness": 1.0}
    constraints["features"].append(index)
    (folder / "constraints.json").write_text(json.dumps(constraints))  # as a baseline of SageMaker's may have it
    kept = modelwatch.check(tmp_path / "today.parquet", folder, dataset_format="parquet")
    assert kept.violations == []


def test_files_of_one_dataset_may_have_an_index_of_pandas_or_none(tmp_path):
    folder = tmp_path / "train"
    folder.mkdir()
    whole = frame(0)
    whole.to_parquet(folder / "a.parquet")
    whole[whole.x > 0].to_parquet(folder / "b.parquet")
    made = modelwatch.baseline(folder, dataset_format="parquet")
    assert made.statistics["dataset"]["item_count"] == len(whole) + (whole.x > 0).sum()
    assert [feature["name"] for feature in made.statistics["features"]] == list(whole.columns)


def test_files_that_differ_in_their_columns_are_refused_with_the_names(tmp_path):
    folder = tmp_path / "train"
    folder.mkdir()
    frame(0).to_parquet(folder / "a.parquet")
    frame(1).drop(columns="city").to_parquet(folder / "b.parquet")
    refusal = r"HeadersDiffer: b\.parquet and a\.parquet have different columns \('city'\): give all"
    with pytest.raises(modelwatch.ModelwatchError, match=refusal):
        modelwatch.baseline(folder, dataset_format="parquet")


@pytest.mark.parametrize("written", ["parquet", "csv"])
def test_values_in_the_names_of_folders_are_said_to_be_no_column(tmp_path, written):
    for city, part in frame(0).groupby("city"):
        folder = tmp_path / "train" / f"city={city}"
        folder.mkdir(parents=True)
        rows = pl.from_pandas(part.drop(columns="city"))
        getattr(rows, f"write_{written}")(folder / f"part.{written}")
    made = modelwatch.baseline(tmp_path / "train", dataset_format=written)
    (said,) = [each for each in made.warnings if "folder names" in each]
    assert said.startswith("folder names hold values of 'city' (city=...), which are not read")


@pytest.mark.parametrize(("log", "owner"), [("_delta_log", "Delta Lake"), (".hoodie", "Apache Hudi")])
@pytest.mark.parametrize("table", ["train", "train/trips"])
def test_a_folder_whose_log_says_which_files_are_current_is_reported(tmp_path, log, owner, table):
    for city, part in frame(0).groupby("city"):
        folder = tmp_path / table / f"city={city}"
        folder.mkdir(parents=True)
        pl.from_pandas(part).write_parquet(folder / "part.parquet")
    before = modelwatch.baseline(tmp_path / "train", dataset_format="parquet")
    assert not [each for each in before.warnings if "is a table of" in each]
    (tmp_path / table / log).mkdir()
    (tmp_path / table / log / "00000000000000000000.json").write_text('{"remove":{"path":"city=fr/part.parquet"}}')
    made = modelwatch.baseline(tmp_path / "train", dataset_format="parquet")
    (said,) = [each for each in made.warnings if "is a table of" in each]
    assert said.startswith(f"the folder is a table of {owner} ({log}): all of its Parquet files were read, also rows")


def test_text_that_is_stored_as_binary_is_watched_as_text(tmp_path):
    for name, seed, other in (("train", 0, "fr"), ("today", 1, "jp")):
        cities = [city.encode() for city in frame(seed).city.replace("fr", other)]
        pl.DataFrame({"city": cities, "x": frame(seed).x.to_list()}).write_parquet(tmp_path / f"{name}.parquet")
    made = modelwatch.baseline(tmp_path / "train.parquet", dataset_format="parquet")
    (city, _) = json.loads(made.files["statistics.json"])["features"]
    assert city["inferred_type"] == "String"
    found = modelwatch.check(tmp_path / "today.parquet", made, dataset_format="parquet")
    assert {violation.subject for violation in found.violations} == {"city"}
    assert any("Unknown categories" in violation.description for violation in found.violations)


def test_semicolons_between_names_are_said_where_a_column_is_not_found(tmp_path):
    (tmp_path / "data.csv").write_text("sex;age;pred;label\n" + "f;30;1;1\nm;40;0;1\n" * 50)
    options = {"problem_type": "BinaryClassification", "inference_attribute": "pred", "ground_truth_attribute": "label"}
    with pytest.raises(
        modelwatch.ModelwatchError, match="the names of its columns are separated by semicolons: give sep"
    ):
        modelwatch.baseline(tmp_path / "data.csv", "model-quality", dataset_format="csv", **options)


def test_a_run_of_other_values_that_counts_as_fewer_rows_is_a_warning(tmp_path):
    table = frame(0)[["x", "k"]].head(1_000)
    now = frame(1)[["x", "k"]].head(1_000).copy()
    made = modelwatch.baseline(table)
    assert not [each for each in modelwatch.check(now, made).warnings if "looks the same" in each]
    now.loc[900:, "k"] = -999
    found = modelwatch.check(now, made)
    assert [each for each in found.warnings if each.startswith("'k': The rows count as ")]


def test_rows_without_any_value_that_a_preprocessor_returns_are_named(tmp_path):
    (tmp_path / "data.csv").write_text("a,b\n" + "1,2\n" * 100)
    script = tmp_path / "skip.py"
    script.write_text("count = 0\ndef preprocess_handler(line):\n    global count\n    count += 1\n")
    with script.open("a") as handler:
        handler.write("    return {'a': line.split(',')[0]} if count % 2 else {}\n")
    made = modelwatch.baseline(tmp_path / "data.csv", dataset_format="csv", record_preprocessor=script)
    (said,) = [each for each in made.warnings if "preprocessor" in each]
    assert "an empty dict 50 times" in said
    assert "return [] to leave a record out" in said


MORE_FOLLOWS = "something follows the JSON document: several must be on a line each, without commas between them"


@pytest.mark.parametrize("dataset_format", ["json", "jsonlines"])
def test_documents_without_line_ends_as_firehose_writes_them_are_refused_with_the_cause(case, dataset_format):
    shell = case("documents-of-firehose")
    command = f"baseline data-quality --dataset {{}} --dataset-format {dataset_format} --output b"
    refused = shell(command.format("train.json"))
    assert refused.exit_code == 2
    assert MORE_FOLLOWS in refused.text
    text = (shell.folder / "train.json").read_text()
    documents = text.replace("}{", "}\n{").splitlines()
    shell.write(
        "right.json", text.replace("}{", "}\n{") if dataset_format == "jsonlines" else f"[{','.join(documents)}]"
    )
    assert shell(command.format("right.json")).exit_code == 0
    assert shell.read("b/statistics.json")["dataset"]["item_count"] == 120


def test_captured_records_and_labels_without_line_ends_are_refused_with_the_cause(shell):
    shell.write("captures/ep/AllTraffic/2026/03/01/10/f.jsonl", json.dumps(CAPTURED) * 9)
    assert MORE_FOLLOWS in shell("capture inspect captures").text
    both_sides = CAPTURED["captureData"] | {"endpointOutput": {"data": "0.5", "encoding": "CSV"}}
    shell.write(
        "captures/ep/AllTraffic/2026/03/01/10/f.jsonl", json.dumps(CAPTURED | {"captureData": both_sides}) + "\n"
    )
    label = {
        "groundTruthData": {"data": "1", "encoding": "CSV"},
        "eventMetadata": {"eventId": "e"},
        "eventVersion": "0",
    }
    shell.write("labels/2026/03/01/11/l.jsonl", json.dumps(label) * 9)
    refused = shell(
        "baseline model-quality --dataset captures --dataset-format capture --ground-truth labels --output b"
        " --problem-type BinaryClassification --probability-attribute 0"
    )
    assert refused.exit_code == 2
    assert MORE_FOLLOWS in refused.text


@pytest.mark.parametrize(
    "text",
    [
        "[\n" + ",\n".join(map(json.dumps, RECORDS)) + "\n]",
        "[" + ",\n ".join(map(json.dumps, RECORDS)) + "]",
        json.dumps(RECORDS, indent=2),
        json.dumps(RECORDS[0], indent=2),
        "\n\n" + json.dumps(RECORDS, indent=1),
    ],
)
def test_a_document_over_several_lines_is_not_read_as_json_lines(tmp_path, text):
    (tmp_path / "data.json").write_text(text)
    with pytest.raises(
        modelwatch.ModelwatchError, match=r"OtherFormat: data\.json begins .* name the format json in dataset_"
    ):
        modelwatch.baseline(tmp_path / "data.json", dataset_format="jsonlines")
    made = modelwatch.baseline(tmp_path / "data.json", dataset_format="json")
    assert made.statistics["dataset"]["item_count"] in (1, len(RECORDS))


@pytest.mark.parametrize("first", ['"age": 20, "city": "de"},', '{"age": 20,', "[", "null,"])
def test_a_broken_first_line_of_json_lines_is_one_malformed_record(tmp_path, first):
    (tmp_path / "data.json").write_text("\n".join([first, *map(json.dumps, RECORDS)]))
    made = modelwatch.baseline(tmp_path / "data.json", dataset_format="jsonlines")
    assert made.statistics["dataset"]["item_count"] == len(RECORDS)


def test_several_documents_over_several_lines_are_refused_with_what_to_write(tmp_path):
    (tmp_path / "data.json").write_text("\n".join(json.dumps(record, indent=2) for record in RECORDS))
    with pytest.raises(modelwatch.ModelwatchError, match=r"or in one array$"):
        modelwatch.baseline(tmp_path / "data.json", dataset_format="json")


def test_constraints_are_no_statistics(tmp_path):
    folder = modelwatch.baseline(frame(0)).save(tmp_path / "b")
    constraints = folder / "constraints.json"
    with pytest.raises(modelwatch.ModelwatchError, match=r"InvalidStatistics: .* these are constraints: give the"):
        modelwatch.check(frame(1), constraints, statistics=constraints)


def test_sparse_columns_of_pandas_are_read_as_the_numbers_that_they_are():
    dense = pd.DataFrame({"plan": list("abca") * 100, "x": [0.0, 0.0, 1.5, 0.0] * 100, "n": [0, 7, 0, 0] * 100})
    sparse = pd.get_dummies(dense, columns=["plan"], sparse=True, dtype=int)
    sparse["x"] = pd.arrays.SparseArray([0.0, np.nan, 1.5, 0.0] * 100)
    made = modelwatch.baseline(sparse)
    whole = modelwatch.baseline(sparse.astype({"plan_a": int, "plan_b": int, "plan_c": int, "x": float}))
    assert made.statistics == whole.statistics
    assert {feature["name"]: feature["inferred_type"] for feature in made.statistics["features"]}[
        "plan_a"
    ] == "Integral"
    assert isinstance(sparse["x"].dtype, pd.SparseDtype)


def test_the_command_names_the_option_that_is_to_be_changed(shell):
    shell.write("train.csv", "age,city\n" + "20,de\n" * 40)
    refused = shell("baseline data-quality --data train.csv --dataset-format json --output b")
    assert refused.exit_code == 2
    assert "OtherFormat: train.csv seems to be comma-separated text" in refused.text
    assert "name the format csv in --dataset-format" in refused.text


@pytest.mark.parametrize("records", [40, 6000])
@pytest.mark.parametrize("dataset_format", ["json", "jsonlines"])
def test_records_beside_other_fields_of_one_object_are_named_with_what_reads_them(tmp_path, dataset_format, records):
    # As web services write a page of results: the records in "data", beside their number.
    rows = [{"age": row % 50, "city": "de"} for row in range(records)]
    (tmp_path / "page.json").write_text(json.dumps({"count": records, "data": rows}))
    said = (
        "was read as one record, but the objects in 'data' may be the records: give --features-attribute with the name"
    )
    if 2 * records > 10_000:  # more columns than there may be
        with pytest.raises(
            modelwatch.ModelwatchError, match=said.replace("--features-attribute", "features_attribute")
        ):
            modelwatch.baseline(tmp_path / "page.json", dataset_format=dataset_format)
    else:
        made = modelwatch.baseline(tmp_path / "page.json", dataset_format=dataset_format)
        assert [each for each in made.warnings if said in each]
    read = modelwatch.baseline(tmp_path / "page.json", dataset_format=dataset_format, features_attribute="data")
    assert read.statistics["dataset"]["item_count"] == records
    assert [feature["name"] for feature in read.statistics["features"]] == ["age", "city"]
