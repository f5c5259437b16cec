"""Which column is which: headers, orders and names.

Among the public reports are headers that come again where files were joined (s3-concat 3), columns between blanks
(polars 6618 and 16044), and quotes behind backslashes, as Spark writes them (polars 15022, cudf 11984).
"""

from __future__ import annotations

import base64
import json

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import modelwatch
from modelwatch_analyzer.reading.find_columns import listed

BASELINE = "baseline data-quality --dataset {} --dataset-format csv --output b "
AGAINST = " --statistics b/statistics.json --constraints b/constraints.json --output r"
CHECK_CAPTURES = "check data-quality --data captures --dataset-format capture" + AGAINST
CHECK_TRANSFORM = "check data-quality --data transform --dataset-format batch-transform" + AGAINST


def columns(shell, folder="b"):
    return {
        feature["name"]: feature["inferred_type"] for feature in shell.read(f"{folder}/statistics.json")["features"]
    }


def rows(shell, folder="b"):
    return shell.read(f"{folder}/statistics.json")["dataset"]["item_count"]


def captured(requests, responses):
    return "".join(
        json.dumps(
            {
                "captureData": {
                    "endpointInput": {"data": request, "encoding": "CSV", "observedContentType": "text/csv"},
                    "endpointOutput": {"data": response, "encoding": "CSV", "observedContentType": "text/csv"},
                },
                "eventMetadata": {"eventId": f"r{number}", "inferenceTime": "2026-03-01T10:00:00Z"},
                "eventVersion": "0",
            }
        )
        + "\n"
        for number, (request, response) in enumerate(zip(requests, responses, strict=True))
    )


CAPTURE = "captures/ep/AllTraffic/2026/03/01/10/f.jsonl"


def test_a_target_that_is_last_in_training_and_first_in_captures_is_reported_with_how_columns_were_paired(case):
    shell = case("response-last-in-baseline")
    assert shell(BASELINE.format("train.csv")).exit_code == 0
    checked = shell(CHECK_CAPTURES)
    assert "the response is 'sepal_length', the request's first column is 'sepal_width'" in checked.text
    assert "none if responses come last" in checked.text
    lines = [line.split(",") for line in (shell.folder / "train.csv").read_text().split()]
    shell.write("moved.csv", "".join(",".join([line[-1], *line[:-1]]) + "\n" for line in lines))
    shell(BASELINE.format("moved.csv"))
    checked = shell(CHECK_CAPTURES)
    assert (checked.exit_code, shell.violations("r")) == (0, [])
    assert "paired with the baseline by position" not in checked.text


@pytest.mark.parametrize(
    ("response", "path"),
    [('{{"score": {}}}', "score"), ('{{"predictions": [{}]}}', "predictions"), ('[{{"y": {}}}]', "[*].y")],
)
def test_a_named_response_beside_unnamed_features_is_reported_with_what_pairs_it(case, response, path):
    shell = case("response-last-in-baseline")
    for file in shell.folder.glob("captures/**/*.jsonl"):
        lines = list(map(json.loads, file.read_text().splitlines()))
        for line in lines:
            output = line["captureData"]["endpointOutput"]
            output |= {"data": response.format(output["data"].strip()), "encoding": "JSON"}
        file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    shell(BASELINE.format("train.csv"))
    checked = shell(CHECK_CAPTURES)
    assert "none if responses come last" in checked.text
    rows = [line.split(",") for line in (shell.folder / "train.csv").read_text().split()]
    shell.write("moved.csv", "".join(",".join([row[-1], *row[:-1]]) + "\n" for row in rows))
    shell(BASELINE.format("moved.csv"))
    checked = shell(CHECK_CAPTURES)
    assert "columns without names were paired with the baseline by position" in checked.text
    assert "in --inference-attribute or --probability-attribute, and it is found by position too" in checked.text
    checked = shell(CHECK_CAPTURES + f" --inference-attribute '{path}'")
    assert (checked.exit_code, shell.violations("r")) == (0, []), checked.text


def test_a_first_row_that_is_data_is_reported_and_no_header_reads_it(case):
    shell = case("first-row-taken-as-header")
    made = shell(BASELINE.format("headless.csv"))
    assert "the first line of headless.csv looks like data, not like names of columns: if it is, give --no-header" in (
        made.text
    )
    shell(BASELINE.format("headless.csv") + "--no-header")
    assert rows(shell) == 121
    made = shell(BASELINE.format("train.csv"))
    assert "looks like data" not in made.text
    checked = shell(CHECK_TRANSFORM)
    assert (checked.exit_code, shell.violations("r"), rows(shell, "r")) == (0, [], 120)
    assert "give --no-header" in checked.text
    checked = shell(CHECK_TRANSFORM + " --no-header")
    assert (checked.exit_code, shell.violations("r"), rows(shell, "r")) == (0, [], 120)
    assert "give --no-header" not in checked.text


@pytest.mark.parametrize("first", ["1,2.5,3", "1e5,-2,0.0", "0,0.5,2024", ",1,2", "nan,1,2", "3,x,0.5"])
def test_any_first_row_of_numbers_is_reported_and_with_no_header_it_is_a_row(shell, first):
    text = "x" if "x" in first else "1"
    shell.write(
        "rows.csv", "".join(f"{line}\n" for line in [first, *[f"{index},{text},{index}.5" for index in range(150)]])
    )
    made = shell(BASELINE.format("rows.csv"))
    assert "--no-header" in made.text
    made = shell(BASELINE.format("rows.csv") + "--no-header")
    assert (made.exit_code, rows(shell)) == (0, 151)
    assert "looks like data" not in made.text


@pytest.mark.parametrize("header", ["a,b,c", "x1,x2,x3", "2024 sales,2025 sales,id", "1st,2nd,3rd"])
def test_names_of_columns_are_taken_for_nothing_else(shell, header):
    shell.write("rows.csv", f"{header}\n" + "".join(f"{index},{index % 7},{index}.5\n" for index in range(150)))
    made = shell(BASELINE.format("rows.csv"))
    assert (made.exit_code, rows(shell)) == (0, 150)
    assert "--no-header" not in made.text
    made = shell(BASELINE.format("rows.csv") + "--no-header")
    assert "looks like" in made.text  # the other mistake is reported too
    assert "--header" in made.text


@pytest.mark.parametrize(
    ("above", "code"),
    [
        ("# exported on Monday", "AllMalformed"),
        ("Customers of March", "AllMalformed"),
        ("# exported, by me, on Monday", None),
        (",,", "BlankColumnName"),
        ("Customers of March\n", "AllMalformed"),
    ],
)
def test_a_title_or_a_comment_above_the_names_is_reported(shell, above, code):
    rows = "".join(f"{20 + index % 50},{index % 7}.5,c{index % 3}\n" for index in range(300))
    shell.write("rows.csv", f"{above}\nage,x,city\n{rows}")
    made = shell(BASELINE.format("rows.csv"))
    assert (made.exit_code, code is None or code in made.text) == (2 if code else 0, True), made.text
    assert "the line below the first one of rows.csv looks like names of columns" in made.text
    assert "if the first one is a title or a comment, remove it" in made.text


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_the_line_that_tells_excel_the_separator_is_reported(shell, separator):
    rows = "".join(f"{20 + index % 50}{separator}{index % 7}.5\n" for index in range(300))
    shell.write("rows.csv", f"sep={separator}\nage{separator}x\n{rows}")
    made = shell(BASELINE.format("rows.csv"))
    assert "the first line of rows.csv is for Excel, and holds only the separator: remove it" in made.text


@pytest.mark.parametrize(("separator", "option"), [(";", "';'"), ("\t", "tab"), ("|", "'|'")])
@pytest.mark.parametrize("header", [True, False])
def test_another_separator_is_reported_with_the_option_that_reads_it(shell, separator, option, header):
    lines = [["age", "income", "city"]] * header + [[str(20 + i % 40), f"{i}.5", f"c{i % 3}"] for i in range(200)]
    shell.write("rows.csv", "".join(separator.join(line) + "\n" for line in lines))
    more = "" if header else "--no-header "
    made = shell(BASELINE.format("rows.csv") + more)
    assert f"--csv-separator {option}" in made.text or f"--separator {option}" in made.text, made.text
    named = made.text.split("give --")[1].split()[:2]
    made = shell(
        BASELINE.format("rows.csv") + more + f"--{named[0]} {named[1].rstrip(',:;') if option == 'tab' else option}"
    )
    assert made.exit_code == 0
    assert list(columns(shell).values()) == ["Integral", "Fractional", "String"]


def test_headers_in_captured_payloads_name_the_columns(case):
    shell = case("header-in-captured-csv")
    for data, score in (("captures", "_c0"), ("both", "score")):
        shown = shell(f"capture inspect {data}")
        assert shown.exit_code == 0
        assert "Read 30 rows of 30 captured records" in shown.text
        assert "endpointInput: payloads begin with a header, and were read by its names: age, x" in shown.text
        for name, inferred in ((score, "Fractional"), ("age", "Integral"), ("x", "Fractional")):
            assert f"{name} {inferred}" in shown.text


@pytest.mark.parametrize(
    ("header", "response_header"),
    [("age,x\n", ""), ("age,x\n", "score\n"), ('"age","x"\n', ""), ("x,age\n", ""), ("age,x\r\n", "score\r\n")],
)
@pytest.mark.parametrize("number", [1, 4])
def test_any_header_in_payloads_is_certain_where_the_baseline_has_its_names(shell, header, response_header, number):
    order = header.strip().replace('"', "").split(",")
    table = [{"age": str(20 + i % 50), "x": f"{i % 7}.5", "score": f"0.{i % 9 + 1}"} for i in range(600)]
    end = "\r\n" if "\r" in header else "\n"
    requests = [
        header + end.join(",".join(row[name] for name in order) for row in table[at : at + number])
        for at in range(0, 600, number)
    ]
    responses = [
        response_header + end.join(row["score"] for row in table[at : at + number]) for at in range(0, 600, number)
    ]
    shell.write(CAPTURE, captured(requests, responses))
    names = ["score" if response_header else "_c0", "age", "x"]
    lines = [",".join(names), *[f"{row['score']},{row['age']},{row['x']}" for row in table]]
    shell.write("train.csv", "\n".join(lines) + "\n")
    shell(BASELINE.format("train.csv"))
    checked = shell(CHECK_CAPTURES)
    assert (checked.exit_code, shell.violations("r"), rows(shell, "r")) == (0, [], 600), checked.text
    assert "payloads begin with a header, and were read by its names" in checked.text


@pytest.mark.parametrize(
    ("order", "read"),
    [(("b", "a"), "by name"), (("a", "b"), "as it is")],
)
def test_files_whose_names_are_those_of_the_baseline_are_read_by_name(shell, order, read):
    table = {"a": [str(index % 50) for index in range(600)], "b": [f"{index % 9}.25" for index in range(600)]}
    for name, names in (("train.csv", ("a", "b")), ("today.csv", order)):
        lines = [",".join(names), *map(",".join, zip(*(table[column] for column in names), strict=True))]
        shell.write(name, "\n".join(lines) + "\n")
    shell(BASELINE.format("train.csv"))
    checked = shell("check data-quality --data today.csv --dataset-format csv" + AGAINST)
    assert (checked.exit_code, shell.violations("r")) == (0, []), read


def test_more_than_nine_numbered_names_of_a_preprocessor_bring_a_warning_about_their_order(case):
    shell = case("preprocessor-past-nine")
    shown = shell("capture inspect captures --record-preprocessor preprocess.py --rows 1")
    assert "its column 10 is read as _c2" in shown.text
    assert "str(index).zfill(20)" in shown.text
    script = (shell.folder / "preprocess.py").read_text()
    assert "str(" in script
    plain = shell("capture inspect captures --rows 1")
    assert "_c2 Fractional 0.012" in plain.text
    assert "_c2 Fractional 1.0" in shown.text


@pytest.mark.parametrize("number", [11, 13, 20, 100, 101])
@pytest.mark.parametrize("spelling", ["str(index).zfill(20)", "f'feature_{index:03}'"])
def test_following_the_advice_about_a_preprocessors_names_keeps_the_order(shell, number, spelling):
    values = [",".join(str(row * 1000 + index) for index in range(number)) for row in range(5)]
    shell.write(CAPTURE, captured(values, ["0.5"] * 5))
    script = (
        "def preprocess_handler(record):\n"
        "    values = record.endpoint_input.data.split(',')\n"
        "    return {NAME: value for index, value in enumerate(values)}\n"
    )
    shell.write("bare.py", script.replace("NAME", "str(index)"))
    shell.write("padded.py", script.replace("NAME", spelling))
    inspect = "capture inspect captures --rows 1 --record-preprocessor "
    assert "its column 10 is read as" in shell(inspect + "bare.py").text
    shown = shell(inspect + "padded.py").text
    assert "its column" not in shown
    order = shown[shown.index("with the first values:") :]
    assert [order.index(f" Integral {index} ") for index in range(number - 1)] == sorted(
        order.index(f" Integral {index} ") for index in range(number - 1)
    )


def test_columns_of_one_name_in_parquet_are_named_with_their_places(case):
    refused = case("parquet-columns-of-one-name")(
        "baseline data-quality --dataset joined.parquet --dataset-format parquet --output b"
    )
    assert refused.exit_code == 2
    assert "DuplicateColumn: joined.parquet: columns 1, 2 are all named 'a'; rename them" in refused.text


@pytest.mark.parametrize(
    ("names", "place"), [("aba", "1, 3"), ("abb", "2, 3"), ("aaa", "1, 2, 3"), ("abcb", "2, 4"), ("éxé", "1, 3")]
)
@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_columns_of_one_name_are_refused_in_the_same_words_and_renaming_them_helps(shell, names, place, form):
    def write(name, header):
        if form == "csv":
            body = "".join(",".join(str(index) for _ in header) + "\n" for index in range(150))
            shell.write(name, ",".join(header) + "\n" + body)
        else:
            table = pa.Table.from_arrays([pa.array(range(150)) for _ in header], names=list(header))
            pq.write_table(table, shell.folder / name)

    command = f"baseline data-quality --dataset {{}} --dataset-format {form} --output b"
    write(f"double.{form}", names)
    refused = shell(command.format(f"double.{form}"))
    assert refused.exit_code == 2
    assert "DuplicateColumn" in refused.text
    assert f"columns {place} " in refused.text
    assert "rename them" in refused.text
    write(f"single.{form}", [f"{name}{index}" for index, name in enumerate(names)])
    assert shell(command.format(f"single.{form}")).exit_code == 0


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_numbers_of_any_width_in_parquet_are_the_same_numbers(shell, dtype):
    values = np.arange(200) / 8  # exact in all of them
    pq.write_table(pa.table({"x": values.astype(dtype)}), shell.folder / "rows.parquet")
    assert shell("baseline data-quality --dataset rows.parquet --dataset-format parquet --output b").exit_code == 0
    (feature,) = shell.read("b/statistics.json")["features"]
    assert feature["inferred_type"] == "Fractional"
    assert (feature["numerical_statistics"]["sum"], feature["numerical_statistics"]["max"]) == (199 * 200 / 16, 199 / 8)


ROWS = [[str(20 + index % 50), f"{index % 7}.5"] for index in range(40)]


@pytest.mark.parametrize(
    ("request_header", "response_header", "labels_header", "names"),
    [
        (",age,x", "", "", ("_c0", "_c0", "age", "x")),
        ("0,1", "", "", ("_c0", "0", "1")),
        ("2024,2025", "", "", ("_c0", "2024", "2025")),
        ("age,2025", "", "", ("_c0", "age", "2025")),
        ("", "0", "", ("0", "_c1", "_c2")),
        ("age,x", ",score", "", ("_c0", "score", "age", "x")),
        ("# age,x", "", "", ("_c0", "age", "x")),
        ("#age,x", "", "", ("_c0", "age", "x")),
        ("age,x", "", "label", ("_c0", "age", "x")),
        ("", "score", "label", ("score", "_c1", "_c2")),
    ],
)
def test_first_lines_that_the_numbers_of_rows_show_to_be_headers_are_no_rows(
    shell, request_header, response_header, labels_header, names
):
    def below(header, lines):
        index = header.startswith(",")
        numbered = [",".join([str(place)] * index + line) for place, line in enumerate(lines)]
        return "\n".join([header] * bool(header) + numbered)

    tables = [ROWS[at : at + 1 + at % 3] for at in range(30)]
    scores = [[[f"0.{1 + place}"] for place in range(len(table))] for table in tables]
    requests, responses = (
        [below(header, lines) for lines in table]
        for header, table in zip((request_header, response_header), (tables, scores), strict=True)
    )
    shell.write(CAPTURE, captured(requests, responses))
    shown = shell("capture inspect captures --rows 2")
    assert f"Read {sum(map(len, tables))} rows of 30 captured records" in shown.text
    assert "payloads begin with a header, and were read by its names" in shown.text
    for name in names[response_header.startswith(",") + request_header.startswith(",") :]:
        assert f" {name} " in shown.text
    labels = [below(labels_header, [[str(place % 2)] for place in range(len(table))]) for table in tables]
    shell.write(
        "labels/2026/03/01/10/l.jsonl",
        "".join(
            json.dumps(
                {
                    "groundTruthData": {"data": data, "encoding": "CSV"},
                    "eventMetadata": {"eventId": f"r{number}"},
                    "eventVersion": "0",
                }
            )
            + "\n"
            for number, data in enumerate(labels)
        ),
    )
    attribute = "score" if response_header == ",score" else "0"
    checked = shell(
        "baseline model-quality --dataset captures --dataset-format capture --ground-truth labels --output q "
        f"--problem-type BinaryClassification --probability-attribute {attribute}"
    )
    matrix = shell.read("q/statistics.json")["binary_classification_metrics"]["confusion_matrix"]
    assert sum(count for row in matrix.values() for count in row.values()) == sum(map(len, tables)), checked.text


def json_responses(rows):
    """Responses in which the predictions lie beside other lists and objects."""
    return json.dumps({"predictions": [{"s": score} for score in rows], "meta": {"model": "x", "took": 3.1}})


def captured_json(requests, responses):
    lines = [json.loads(line) for line in captured(requests, responses).splitlines()]
    for line in lines:
        line["captureData"]["endpointOutput"]["encoding"] = "JSON"
    return "".join(json.dumps(line) + "\n" for line in lines)


@pytest.mark.parametrize("first", ["1,2", "1,1", "A12,x"])
@pytest.mark.parametrize("number", [1, 5])
def test_rows_are_no_headers_where_the_attribute_finds_as_many_responses(shell, first, number):
    requests = [f"{first}\n{index},{index + 5}" for index in range(number)]
    shell.write(CAPTURE, captured_json(requests, [json_responses([0.1, 0.2])] * number))
    shown = shell("capture inspect captures --inference-attribute 'predictions[*].s'")
    assert f"Read {2 * number} rows of {number} captured record" in shown.text
    assert "begin with a header" not in shown.text


@pytest.mark.parametrize("number", [1, 5])
def test_a_header_is_certain_where_the_attribute_finds_a_response_for_each_other_line(shell, number):
    requests = [f"a,b\n{index},5\n1,{index}" for index in range(number)]
    shell.write(CAPTURE, captured_json(requests, [json_responses([0.1, 0.2])] * number))
    shown = shell("capture inspect captures --inference-attribute 'predictions[*].s'")
    assert f"Read {2 * number} rows of {number} captured record" in shown.text
    assert "were read by its names: a, b" in shown.text


def test_a_response_whose_rows_are_somewhere_in_it_is_no_evidence_of_a_header(shell):
    requests = [f"1,2\n{index},{index + 5}" for index in range(9)]
    shell.write(CAPTURE, captured_json(requests, [json.dumps({"boxes": [[1, 2, 3, 4]], "scores": [0.5]})] * 9))
    assert "begin with a header" not in shell("capture inspect captures").text


def test_names_that_are_numbers_are_found_though_all_responses_begin_alike(shell):
    tables = [[f"{index},{place},{index + place}" for place in range(2 + index % 4)] for index in range(12)]
    requests = ["\n".join(["0,1,2", *table]) for table in tables]
    responses = ["\n".join("0" if place < 2 else "1" for place, _ in enumerate(table)) for table in tables]
    shell.write(CAPTURE, captured(requests, responses))
    shown = shell("capture inspect captures")
    assert f"Read {sum(map(len, tables))} rows of 12 captured records" in shown.text
    assert "endpointInput: payloads begin with a header, and were read by its names: 0, 1, 2" in shown.text
    assert "was read as a row" not in shown.text


def test_a_header_in_payloads_with_a_name_twice_is_refused(shell):
    shell.write(CAPTURE, captured([f"age,x,x\n{index},1,2" for index in range(9)], ["0.5"] * 9))
    refused = shell("capture inspect captures")
    assert refused.exit_code == 2
    assert "payloads begin with a header in which columns 2, 3 have the same names: rename them" in refused.text


def test_a_first_line_that_is_always_the_same_is_reported_where_nothing_shows_what_it_is(shell):
    shell.write(CAPTURE, captured([f"0,1\n{index},2" for index in range(9)], [f"0\n0.{index}" for index in range(9)]))
    shown = shell("capture inspect captures")
    assert "Read 18 rows of 9 captured records" in shown.text
    for side in ("endpointInput", "endpointOutput"):
        assert f"{side}: the first line is the same in all payloads, and was read as a row" in shown.text


@pytest.mark.parametrize("content_type", ["text/csv", "text/html", None])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_a_header_is_found_in_base64_and_behind_a_byte_order_mark(shell, content_type, mark):
    def encoded(text):
        data = base64.b64encode((mark + text).encode()).decode()
        return {"data": data, "encoding": "BASE64", "observedContentType": content_type}

    rows = [
        json.dumps(
            {
                "captureData": {"endpointInput": encoded(f"age,x\n{20 + index % 50},{index % 7}.5")}
                | {"endpointOutput": encoded(f"score\n0.{index % 9 + 1}")},
                "eventMetadata": {"eventId": f"r{index}", "inferenceTime": "2026-03-01T10:00:00Z"},
                "eventVersion": "0",
            }
        )
        for index in range(30)
    ]
    shell.write(CAPTURE, "\n".join(rows) + "\n")
    shown = shell("capture inspect captures --rows 2").text
    assert "Read 30 rows of 30 captured records" in shown
    for column in ("score Fractional 0.1 0.2", "age Integral 20 21", "x Fractional 0.5 1.5"):
        assert column in shown


@pytest.mark.parametrize("place", [0, 3])
def test_a_byte_order_mark_before_a_response_is_no_part_of_its_score(shell, place):
    responses = [("\ufeff" if index % 4 == place else "") + f"0.{index % 9 + 1}" for index in range(40)]
    shell.write(CAPTURE, captured(["1,2"] * 40, responses))
    assert "_c0 Fractional 0.1 0.2 0.3 0.4 0.5" in shell("capture inspect captures --rows 5").text


@pytest.mark.parametrize("kind", ["bias", "model-quality"])
def test_an_attribute_that_differs_from_its_column_in_blanks_alone_is_refused_with_this_cause(shell, kind):
    shell.write(
        "rows.csv", "sex, y, p\n" + "".join(f"{'fm'[index % 2]},{index % 3 % 2},{index % 2}\n" for index in range(200))
    )
    facet = {"name_or_index": "sex", "value_or_threshold": ["f"]}
    shell.write("c.json", json.dumps({"label": " y", "label_values_or_threshold": [1], "facet": [facet]}))
    command = f"baseline {kind} --dataset rows.csv --dataset-format csv --output b --inference-attribute "
    more = {"bias": " --analysis-config c.json", "model-quality": " --problem-type BinaryClassification"}[kind]
    more += " --ground-truth-attribute ' y'"
    refused = shell(f"{command}p{more}")
    assert refused.exit_code == 2
    assert "it has ' p', which differs only in blanks: remove them from the header, or give this name" in refused.text
    assert shell(f"{command}' p'{more}").exit_code == 0


@pytest.mark.parametrize("scores", [["93", "12"], ["-0.7", "1.3"], ["0.5", "1.5"]])
def test_what_is_no_probability_is_refused_by_bias_too(shell, scores):
    lines = [f"{'fm'[index % 2]},{index % 3 % 2},{scores[index % 2]}" for index in range(200)]
    shell.write("rows.csv", "\n".join(["sex,y,s", *lines, ""]))
    facet = {"name_or_index": "sex", "value_or_threshold": ["f"]}
    shell.write("c.json", json.dumps({"label": "y", "label_values_or_threshold": [1], "facet": [facet]}))
    refused = shell(
        "baseline bias --dataset rows.csv --dataset-format csv --output b --analysis-config c.json"
        " --probability-attribute s"
    )
    assert refused.exit_code == 2
    assert "ProbabilityOutOfRange" in refused.text


def test_headers_inside_a_file_that_was_joined_of_several_are_no_rows(case):
    shell = case("files-joined-with-their-headers")
    made = shell(BASELINE.format("train.csv"))
    assert (rows(shell), list(columns(shell).values())) == (300, ["Integral", "Fractional", "String"])
    assert (
        "4 malformed records, for instance: train.csv:62: the header again train.csv:123: the header again" in made.text
    )
    shell("check data-quality --data today.csv --dataset-format csv" + AGAINST)
    assert {violation["feature_name"] for violation in shell.violations("r")} == {"income"}


@pytest.mark.parametrize("header", ["a,b", '"a","b"', 'a,"b"', '"a",b'])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("places", [(0,), (7, 8), (299,), (300,)])
def test_a_header_is_no_row_wherever_it_comes_again(shell, header, end, places):
    lines = [f"{index % 9},x" for index in range(300)]
    for place in reversed(places):
        lines.insert(place, header)
    shell.write("rows.csv", end.join([header, *lines, ""]))
    made = shell(BASELINE.format("rows.csv"))
    assert (rows(shell), columns(shell)) == (300, {"a": "Integral", "b": "String"}), made.text
    assert "looks like" not in made.text


@pytest.mark.parametrize("header", ['a,"b, in USD"', '"a ""x""",b', "\ufeffa,b"])
def test_headers_come_again_as_they_were_written(shell, header):
    part = "".join(f"{line}\n" for line in [header, *(f"{index % 9},x" for index in range(150))])
    shell.write("rows.csv", part * 2)
    made = shell(BASELINE.format("rows.csv"))
    assert (rows(shell), list(columns(shell).values())) == (300, ["Integral", "String"]), made.text


@pytest.mark.parametrize(
    "content",
    [
        "name\n" + "name\nx\n" * 150,
        "a,b\n" + "a,b\nc,d\n" * 150,
        "0,1\n" + "0,1\n3,4\n" * 150,
        "0,b\n" + "0,b\n3,c\n" * 150,
        "a,b\n" + '2,"x\na,b\ny"\n' * 300,
        "a,b\n" + "1,xa\n" * 299 + "1,a\n",
    ],
)
def test_what_only_resembles_the_header_is_a_row(shell, content):
    shell.write("rows.csv", content)
    made = shell(BASELINE.format("rows.csv"))
    assert rows(shell) == 300
    assert "the header again" not in made.text


def test_columns_between_blanks_are_reported(case):
    shell = case("columns-between-blanks")
    made = shell(BASELINE.format("train.data") + "--no-header")
    assert columns(shell) == {"_c0": "String"}
    assert "each line of train.data has blanks between its fields, it seems, and was read as one column" in made.text
    lines = [",".join(line.split()) for line in (shell.folder / "train.data").read_text().splitlines()]
    shell.write("commas.csv", "\n".join([*lines, ""]))
    made = shell(BASELINE.format("commas.csv") + "--no-header")
    assert list(columns(shell).values()) == ["Fractional", "Fractional", "Fractional", "Integral"]
    assert "it seems" not in made.text
    shown = shell("capture inspect captures").text
    assert "endpointInput: each row is one column with pairs of index:value, as LIBSVM writes them" in shown
    assert "give a --record-preprocessor that splits them" in shown


@pytest.mark.parametrize(
    "cell",
    ["New York", "2026-03-01 10:00:00", "2026-03-01 10:00", "10:00", "12 kg", "room 12", " 12", "12 ", "a:1 b:2"],
)
def test_blanks_inside_a_text_are_no_columns(shell, cell):
    shell.write("rows.csv", "a\n" + f"{cell}\n" * 300)
    assert "it seems" not in shell(BASELINE.format("rows.csv")).text
    shell.write(CAPTURE, captured([cell] * 30, ["0.5"] * 30))
    assert "each row is one column" not in shell("capture inspect captures").text


def test_a_quote_behind_a_backslash_is_named_as_the_cause(case):
    made = case("quotes-behind-backslashes")(BASELINE.format("train.csv"))
    assert "60 of 120 records cannot be parsed" in made.text
    assert "a quote inside a field is doubled, a backslash does not escape it" in made.text


@pytest.mark.parametrize(
    ("header", "row", "said"),
    [
        ("a,b", "{0},{1},", "each row of train.csv ends with a separator, but the header does not: remove it"),
        ('"a","b"', '"{0}",{0},{1}', "as R writes row names: name their column too, or leave them out"),
        ("a,b,", "{0},{1},", "column 3 has no name; .*if each line ends with a separator, remove it"),
        (",a,b", "{0},{0},{1}", "column 1 has no name; .*pandas does not write its unnamed index with index=False"),
    ],
)
def test_one_field_more_than_there_are_names_is_reported_with_the_cause(tmp_path, header, row, said):
    # pandas 14124 reads rows that end with a separator shifted; data.table 1818 is about the row names of R.
    lines = [header, *(row.format(number, number % 9) for number in range(100)), ""]
    (tmp_path / "train.csv").write_text("\n".join(lines))
    with pytest.raises(modelwatch.ModelwatchError, match=said):
        modelwatch.baseline(tmp_path / "train.csv", dataset_format="csv")


@pytest.mark.parametrize("row", ["de,{0},5", "Smith, Jo,{0}", 'x,{{"p": 1, "q": {0}}}', "x,[1, {0}]"])
def test_separators_within_values_are_named_and_not_taken_for_row_names(tmp_path, row):
    (tmp_path / "train.csv").write_text("\n".join(["a,b", *(row.format(number % 60) for number in range(100)), ""]))
    with pytest.raises(modelwatch.ModelwatchError) as refused:
        modelwatch.baseline(tmp_path / "train.csv", dataset_format="csv")
    assert "3 fields instead of 2 (a separator within a value needs quotes around the value)" in str(refused.value)
    assert "row names" not in str(refused.value)


def test_fields_that_differ_in_case_alone_are_named_as_different_columns(tmp_path):
    records = [{"Age" if row % 2 else "age": row % 50, "city": "de"} for row in range(200)]
    (tmp_path / "train.jsonl").write_text("\n".join(map(json.dumps, records)))
    made = modelwatch.baseline(tmp_path / "train.jsonl", dataset_format="jsonlines")
    (said,) = [each for each in made.warnings if "are different columns" in each]
    assert said.startswith(
        "columns whose names differ only in blanks, case or Unicode form are different columns: 'age'"
    )


@pytest.mark.parametrize(
    ("given", "left"),
    [('"income, total"', ["age ", "sex"]), ('"income, total",sex', ["age "]), ('"age ", 0', ["sex"])],
)
def test_names_with_commas_or_blanks_are_left_out_in_double_quotes(given, left):
    table = pd.DataFrame({"income, total": [1, 2] * 60, "age ": [3, 4] * 60, "sex": ["f", "m"] * 60})
    made = modelwatch.baseline(table, exclude_features_attribute=given)
    assert [feature["name"] for feature in made.statistics["features"]] == left
    for wrong in ("income, total", "age"):
        with pytest.raises(modelwatch.ModelwatchError, match=r"a comma, or with blanks around it, in double quotes"):
            modelwatch.baseline(table, exclude_features_attribute=wrong)


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ("a, b", ("a", "b")),
        ('"a, b" , c', ("a, b", "c")),
        ('" a ","b ""c"""', (" a ", 'b "c"')),
        ('5",7"', ('5"', '7"')),  # inches, which open nothing
        ('"a"b,c', ('"a"b', "c")),
        ("a,,b,", ("a", "", "b", "")),
        ("", ("",)),
    ],
)
def test_a_quote_that_does_not_begin_a_name_is_a_part_of_it(given, names):
    assert listed(given) == names


def test_classes_whose_names_have_commas_have_columns_of_probabilities():
    table = pd.DataFrame({"y": ["New York, NY", "Bern"] * 60, "New York, NY": [0.8, 0.4] * 60, "Bern": [0.2, 0.6] * 60})
    made = modelwatch.baseline(
        table,
        kind="model-quality",
        problem_type="MulticlassClassification",
        ground_truth_attribute="y",
        probability_attribute='"New York, NY",Bern',
    )
    assert made.statistics["multiclass_classification_metrics"]["accuracy"]["value"] == 1.0


@pytest.mark.parametrize("table", [pa.table, pa.record_batch, pl.DataFrame, pd.DataFrame])
def test_a_column_without_a_name_is_refused_in_tables_of_every_library(table):
    with pytest.raises(modelwatch.ModelwatchError, match="a column has no name; name it") as refused:
        modelwatch.baseline(table({"": [1, 2] * 60, "age": [3, 4] * 60}))
    assert refused.value.code == "BlankColumnName"
