"""What a message tells people to do is done here, and works."""

from __future__ import annotations

import ast
import json
import re

import pytest

from tests.repository import ROOT

FOLLOWED: set[str] = set()
BASELINE = "baseline data-quality --dataset train.csv --dataset-format csv --output b "
CAPTURE = "captures/ep/AllTraffic/2026/03/01/10/f.jsonl"
INSPECT = "capture inspect captures "
QUALITY = " --problem-type BinaryClassification --probability-attribute s --ground-truth-attribute y "


def follows(*options):
    """Note that a test does what messages say of the options."""
    FOLLOWED.update(options)
    return lambda test: test


def options_in_messages():
    """Return the options that any text of the analyzer names, but for its documentation."""
    found = set()
    for path in (ROOT / "layers/analyzer/modelwatch_analyzer").rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        documented = {
            node.body[0] for node in ast.walk(tree) if isinstance(getattr(node, "body", None), list) and node.body
        }
        documentation = {node.value for node in documented if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in documentation:
                found |= set(re.findall(r"--[a-z][a-z-]+", node.value))
    return found


def test_each_option_that_a_message_of_the_analyzer_names_is_followed_here():
    assert options_in_messages() == FOLLOWED


def items(shell):
    return shell.read("b/statistics.json")["dataset"]["item_count"]


def types(shell):
    return [feature["inferred_type"] for feature in shell.read("b/statistics.json")["features"]]


def captured(sides):
    def payload(data):
        encoding = "JSON" if data.startswith("{") else "CSV"
        return {"data": data, "encoding": encoding, "observedContentType": "text/csv", "mode": "INPUT"}

    return "".join(
        json.dumps(
            {
                "captureData": {"endpointInput": payload(request), "endpointOutput": payload(response)},
                "eventMetadata": {"eventId": f"r{number}", "inferenceTime": f"2026-03-01T10:{number % 60:02}:00Z"},
                "eventVersion": "0",
            }
        )
        + "\n"
        for number, (request, response) in enumerate(sides)
    )


@follows("--no-header")
def test_a_first_line_of_data_is_read_as_such(shell):
    shell.write("train.csv", "".join(f"{index},{index}.5\n" for index in range(150)))
    assert "give --no-header" in shell(BASELINE).text
    assert "--no-header" not in shell(BASELINE + "--no-header").text.partition("Next: ")[0]
    assert items(shell) == 150


@follows("--no-header")
def test_an_attribute_that_names_no_column_of_a_file_without_a_header_leads_to_it(shell):
    lines = [f"{'fm'[index % 2]},{index % 7}.5,{index % 3 % 2},{1 - index % 2}" for index in range(200)]
    shell.write("train.csv", "\n".join([*lines, ""]))
    facet = {"name_or_index": "sex", "value_or_threshold": ["f"]}
    config = {"headers": ["sex", "x", "y", "p"], "label": "y", "label_values_or_threshold": [1], "facet": [facet]}
    shell.write("c.json", json.dumps(config))
    command = "baseline bias --dataset train.csv --dataset-format csv --output b --analysis-config c.json"
    command += " --inference-attribute p"
    refused = shell(command)
    assert refused.exit_code == 2
    assert "If these are values, the file has no header: give --no-header" in refused.text
    assert shell(command + " --no-header").exit_code == 0


@follows("--header")
def test_a_first_line_of_names_is_read_as_such(shell):
    shell.write("train.csv", "age,income\n" + "".join(f"{index},{index}.5\n" for index in range(150)))
    assert "give --header" in shell(BASELINE + "--no-header").text
    assert "--header" not in shell(BASELINE + "--header").text.partition("Next: ")[0]
    assert (items(shell), types(shell)) == (150, ["Integral", "Fractional"])


@follows("--separator")
@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_columns_are_cut_by_the_separator_that_was_named(shell, separator):
    shell.write("train.csv", f"a{separator}b\n" + "".join(f"{index}{separator}{index}.5\n" for index in range(150)))
    option = re.search(r"give (--separator \S+)", shell(BASELINE).text).group(1)
    assert "--separator" not in shell(BASELINE + option).text.partition("Next: ")[0]
    assert types(shell) == ["Integral", "Fractional"]


@follows("--decimal", "--trim-blanks", "--missing-values")
@pytest.mark.parametrize("spelling", ["{},5", "{} %", " {}.5 ", "NA", "{}.5€", "1.{:03},5"])
def test_numbers_are_read_by_the_option_that_was_named(shell, spelling):
    cells = [spelling.format(index % 90) if index % 10 == 0 or spelling != "NA" else str(index) for index in range(600)]
    shell.write("train.csv", "a,z\n" + "".join(f'{index},"{cell}"\n' for index, cell in enumerate(cells)))
    option = re.search(r"give (--[a-z-]+(?: '?[^-\s(]+)?)", shell(BASELINE).text).group(1).rstrip(",")
    option = option.removesuffix(" (in").rstrip(",") if "trim" in option else option
    made = shell(BASELINE + option)
    assert made.exit_code == 0
    assert "'z' is String" not in made.text
    assert types(shell)[1] in ("Integral", "Fractional")


@follows("--features-attribute")
@pytest.mark.parametrize("rows", [2, 3])
def test_lists_in_an_object_are_one_row_where_the_attribute_says_so(shell, rows):
    request = json.dumps({"age": list(range(20, 20 + rows)), "x": [0.5] * rows})
    shell.write(CAPTURE, captured([(request, "\n".join(["0.25"] * rows))] * 20))
    shown = shell(INSPECT).text
    assert "If a payload is one row, give --features-attribute '@'" in shown
    assert f"Read {20 * rows} rows of 20 captured records" in shown
    single = captured([(request, json.dumps({"score": 0.25}))] * 20)
    shell.write(CAPTURE, single)
    shown = shell(INSPECT + "--features-attribute '@'").text
    assert "Read 20 rows of 20 captured records" in shown
    assert "If a payload is one row" not in shown


@follows("--inference-attribute", "--probability-attribute")
@pytest.mark.parametrize("role", ["inference", "probability"])
def test_a_response_with_a_name_beside_features_without_is_found_by_its_place_where_an_attribute_selects_it(
    shell, role
):
    rows = [(f"0.{index % 9 + 1}", str(20 + index % 50), f"{index % 7}.5") for index in range(600)]
    shell.write("train.csv", "score,age,x\n" + "".join(",".join(row) + "\n" for row in rows))
    shell(BASELINE)
    shell.write(CAPTURE, captured([(f"{age},{x}", f'{{"response": {score}}}') for score, age, x in rows]))
    check = "check data-quality --data captures --dataset-format capture --statistics b/statistics.json "
    check += "--constraints b/constraints.json --output r"
    checked = shell(check)
    assert (
        "with a JMESPath in --inference-attribute or --probability-attribute, and it is found by position too"
        in checked.text
    )
    assert checked.exit_code == 1
    checked = shell(f"{check} --{role}-attribute response")
    assert (checked.exit_code, shell.violations("r")) == (0, []), checked.text


SPLIT = """
def preprocess_handler(record):
    values = record.endpoint_input.data.split("{separator}")
    return {{"score": record.endpoint_output.data, **{{f"x{{index}}": value for index, value in enumerate(values)}}}}
"""


@follows("--record-preprocessor")
@pytest.mark.parametrize("separator", [";", "|"])
def test_a_preprocessor_splits_payloads_that_have_another_separator(shell, separator):
    shell.write(CAPTURE, captured([(f"{index}{separator}0.5", "0.25") for index in range(20)]))
    assert "give a --record-preprocessor that splits them" in shell(INSPECT).text
    shell.write("split.py", SPLIT.format(separator=separator))
    shown = shell(INSPECT + "--record-preprocessor split.py").text
    assert "that splits them" not in shown
    assert "score Fractional 0.25" in shown
    assert "x0 Integral 0 1" in shown


@follows("--record-preprocessor")
def test_a_preprocessor_leaves_out_the_header_of_the_only_payload(shell):
    record = json.loads(captured([("age,x\n20,0.5\n21,0.75", "")]))
    del record["captureData"]["endpointOutput"]
    shell.write(CAPTURE, json.dumps(record) + "\n")
    shown = shell(INSPECT).text
    assert "if it is a header, give a --record-preprocessor that leaves it out" in shown
    shell.write(
        "without.py",
        "def preprocess_handler(record):\n"
        "    _, *lines = record.endpoint_input.data.split()\n"
        "    return [dict(zip(('age', 'x'), line.split(','))) for line in lines]\n",
    )
    shown = shell(INSPECT + "--record-preprocessor without.py").text
    assert "leaves it out" not in shown
    assert "age Integral 20 21" in shown


@follows("--record-preprocessor", "--exclude-features-attribute")
def test_a_column_that_is_text_for_some_cells_is_corrected_or_left_out(shell):
    shell.write(CAPTURE, captured([(f"{index},{'NA' if index % 10 == 3 else index}", "0.25") for index in range(30)]))
    assert "_c2 is String, although" in shell(INSPECT).text
    shown = shell(INSPECT + "--exclude-features-attribute 1").text
    assert "although" not in shown
    assert "_c2" not in shown
    shell.write(
        "correct.py",
        "def preprocess_handler(record):\n"
        "    first, second = record.endpoint_input.data.split(',')\n"
        "    return {'score': record.endpoint_output.data, 'a': first, 'z': None if second == 'NA' else second}\n",
    )
    shown = shell(INSPECT + "--record-preprocessor correct.py").text
    assert "although" not in shown
    assert "z Integral" in shown


@follows("--ground-truth-time-tolerance")
@pytest.mark.parametrize("seconds", [1, 20])
def test_labels_whose_times_are_a_little_off_are_matched_by_the_tolerance(shell, seconds):
    shell.write(CAPTURE, captured([("1,2", f"0.{index % 9 + 1}") for index in range(60)]))
    lines = [f",2026-03-01T10:{minute:02}:{seconds:02}Z,{minute % 2}" for minute in range(60)]
    shell.write("labels/labels.csv", "\n".join(["inference_id,timestamp,ground_truth_label", *lines, ""]))
    shell.write("constraints.json", '{"version": 0.0, "binary_classification_constraints": {}}')
    command = (
        "check model-quality --data captures --dataset-format capture --ground-truth labels --output r"
        " --constraints constraints.json --problem-type BinaryClassification --probability-attribute 0"
    )
    refused = shell(command)
    assert refused.exit_code == 2
    assert "give --ground-truth-time-tolerance SECONDS" in refused.text
    checked = shell(f"{command} --ground-truth-time-tolerance {seconds}")
    assert checked.exit_code == 0
    assert "60 of 60 predictions have a label" in checked.text


@follows("--statistics")
def test_drift_of_predictions_is_measured_against_the_statistics_that_were_asked_for(shell):
    shell.write("train.csv", "s,y\n" + "".join(f"0.{index % 9 + 1},{index % 2}\n" for index in range(600)))
    assert shell("baseline model-quality --dataset train.csv --dataset-format csv --output b" + QUALITY).exit_code == 0
    command = "check model-quality --data train.csv --dataset-format csv --constraints b/constraints.json --output r"
    assert "with --statistics" in shell(command + QUALITY).text
    checked = shell(command + QUALITY + "--statistics b/statistics.json")
    assert checked.exit_code == 0
    assert "--statistics" not in checked.text
