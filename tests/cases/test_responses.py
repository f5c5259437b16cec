"""Payloads whose rows are cut by the number of rows of the request."""

from __future__ import annotations

import base64
import json

import polars as pl
import pytest

from modelwatch_analyzer.reading import open_dataset
from modelwatch_core.domain.settings_environment import analysis_settings

LABELS = (
    " --data captures --dataset-format capture --ground-truth labels --constraints constraints.json --output out"
    " --problem-type "
)
BINARY = "check model-quality" + LABELS + "BinaryClassification --probability-attribute 0"
MULTICLASS = "check model-quality" + LABELS + "MulticlassClassification"
AGAINST = " --statistics b/statistics.json --constraints b/constraints.json --output r"
CAPTURE = "captures/ep/AllTraffic/2026/03/01/10/f.jsonl"


def payload(data, encoding="CSV"):
    text = base64.b64encode(data.encode()).decode() if encoding == "BASE64" else data
    return {"data": text, "encoding": encoding, "observedContentType": "text/csv", "mode": "INPUT"}


def captured(sides):
    return "".join(
        json.dumps(
            {
                "captureData": {"endpointInput": payload(*request), "endpointOutput": payload(*response)},
                "eventMetadata": {"eventId": f"r{number}", "inferenceTime": "2026-03-01T10:00:00Z"},
                "eventVersion": "0",
            }
        )
        + "\n"
        for number, (request, response) in enumerate(sides)
    )


def metrics(shell, kind="binary"):
    return shell.read("out/statistics.json")[f"{kind}_classification_metrics"]


def test_scores_on_one_line_are_one_a_row_if_the_request_has_as_many_rows(case):
    shell = case("responses-on-one-line")
    shown = shell("capture inspect captures")
    assert "Read 90 rows of 30 captured records" in shown.text
    assert "they were split by the number of rows in their request" in shown.text
    checked = shell(BINARY)
    assert "Read 90 rows of 30 captured records" in checked.text
    assert metrics(shell)["accuracy"]["value"] == 59 / 90
    # The same with line ends between the scores.
    lines = [json.loads(line) for line in (shell.folder / CAPTURE).read_text().splitlines()]
    for line in lines:
        response = line["captureData"]["endpointOutput"]
        response["data"] = response["data"].replace(",", "\n")
    shell.write(CAPTURE, "".join(json.dumps(line) + "\n" for line in lines))
    checked = shell(BINARY)
    assert "were cut" not in checked.text
    assert metrics(shell)["accuracy"]["value"] == 59 / 90


SCORES = {
    "one line of CSV": lambda scores: (",".join(scores), "CSV"),
    "a line of CSV each": lambda scores: ("\n".join(scores), "CSV"),
    "a list in brackets, called CSV": lambda scores: (f"[{', '.join(scores)}]", "CSV"),
    "a tuple, called CSV": lambda scores: (f"({', '.join(scores)},)", "CSV"),
    "numbers of NumPy 2, called CSV": lambda scores: (
        f"[{', '.join(f'np.float64({score})' for score in scores)}]",
        "CSV",
    ),
    "an array of NumPy, called CSV": lambda scores: (f"array([{', '.join(scores)}], dtype=float32)", "CSV"),
    "a tensor, called CSV": lambda scores: (f"tensor([{', '.join(f'[{s}]' for s in scores)}], device='cuda:0')", "CSV"),
    "a list that was encoded twice": lambda scores: (json.dumps(f"[{', '.join(scores)}]"), "JSON"),
    "a table of MLflow": lambda scores: (
        json.dumps({"columns": ["score"], "data": [[float(score)] for score in scores]}),
        "JSON",
    ),
    "a list of scalars": lambda scores: (f"[{', '.join(scores)}]", "JSON"),
    "a list of lists": lambda scores: (f"[{', '.join(f'[{score}]' for score in scores)}]", "JSON"),
    "a column of a list": lambda scores: (f'{{"score": [{", ".join(scores)}]}}', "JSON"),
    "a list beside a version": lambda scores: (
        json.dumps({"score": list(map(float, scores)), "model": "v3", "trace": None}),
        "JSON",
    ),
    "a list of objects": lambda scores: (json.dumps([{"score": float(score)} for score in scores]), "JSON"),
    "an object on each line, called CSV": lambda scores: (
        "\n".join(json.dumps({"score": float(score)}) for score in scores),
        "CSV",
    ),
    "an object of predictions, called CSV": lambda scores: (
        json.dumps({"predictions": [{"score": float(score)} for score in scores]}),
        "CSV",
    ),
    "a column of a list, called CSV": lambda scores: (f'{{"score": [{", ".join(scores)}]}}', "CSV"),
    "BASE64 of one line": lambda scores: (",".join(scores), "BASE64"),
    "BASE64 of a list": lambda scores: (f"[{', '.join(scores)}]", "BASE64"),
    "BASE64 of an object": lambda scores: (f'{{"score": [{", ".join(scores)}]}}', "BASE64"),
}
REQUESTS = {
    "CSV": lambda rows: ("\n".join(",".join(row) for row in rows), "CSV"),
    "CSV with a last line end": lambda rows: ("".join(",".join(row) + "\n" for row in rows), "CSV"),
    "JSON": lambda rows: (json.dumps([[int(age), float(x)] for age, x in rows]), "JSON"),
    "objects, called CSV": lambda rows: (
        json.dumps({"instances": [{"age": int(age), "x": float(x)} for age, x in rows]}),
        "CSV",
    ),
    "a table of MLflow": lambda rows: (
        json.dumps({"dataframe_split": {"columns": ["age", "x"], "data": [[int(age), float(x)] for age, x in rows]}}),
        "JSON",
    ),
}


@pytest.mark.parametrize("response", SCORES)
@pytest.mark.parametrize("request_form", REQUESTS)
@pytest.mark.parametrize("number", [2, 5])
def test_the_scores_of_a_request_are_the_same_rows_however_they_are_written(shell, response, request_form, number):
    table = [(str(20 + index % 40), f"{index % 7}.5", f"0.{index % 9 + 1}") for index in range(240)]
    groups = [table[at : at + number] for at in range(0, len(table), number)]
    form, spelled = REQUESTS[request_form], SCORES[response]
    shell.write(
        CAPTURE, captured((form([row[:2] for row in group]), spelled([row[2] for row in group])) for group in groups)
    )
    shown = shell("capture inspect captures --rows 5")
    assert shown.exit_code == 0
    assert "Read 240 rows" in shown.text
    columns = shown.text[shown.text.index("with the first values:") :]
    assert "Fractional 0.1 0.2 0.3 0.4 0.5" in columns
    assert "Integral 20 21 22 23 24" in columns


def test_probabilities_in_brackets_are_a_column_for_each_class(case):
    shell = case("probabilities-in-brackets")
    shown = shell("capture inspect captures")
    for name, value in (("_c0", "0.018836"), ("_c1", "0.278941"), ("_c2", "0.702224")):
        assert f"{name} Fractional {value}" in shown.text
    checked = shell(MULTICLASS)
    assert "taken for the probabilities of the classes" in checked.text
    assert metrics(shell, "multiclass")["accuracy"]["value"] == 43 / 60
    assert shell(MULTICLASS + " --probability-attribute 0,1,2").exit_code in (0, 1)
    assert metrics(shell, "multiclass")["accuracy"]["value"] == 43 / 60


BRACKETS = {
    "as Python writes a list": lambda row: f"[{', '.join(row)}]",
    "without blanks": lambda row: f"[{','.join(row)}]",
    "twice": lambda row: f"[[{', '.join(row)}]]",
    "none, on one line": ",".join,
    "with a line end": lambda row: f"[{', '.join(row)}]\n",
    "as JSON": lambda row: json.dumps({"probabilities": list(map(float, row))}),
}


@pytest.mark.parametrize("spelling", BRACKETS)
@pytest.mark.parametrize("number", [3, 4])
def test_probabilities_of_classes_are_read_in_every_spelling(shell, spelling, number):
    rows, labels = [], []
    for index in range(120):
        scores = [1.0] * number
        scores[index % number] = 4.0
        rows.append([repr(score / sum(scores)) for score in scores])
        labels.append(str(index % number if index % 5 else (index + 1) % number))
    encoding = "JSON" if spelling == "as JSON" else "CSV"
    spelled = BRACKETS[spelling]
    shell.write(CAPTURE, captured((("1,2", "CSV"), (spelled(row), encoding)) for row in rows))
    shell.write(
        "labels/2026/03/01/11/l.jsonl",
        "".join(
            json.dumps(
                {
                    "groundTruthData": {"data": label, "encoding": "CSV"},
                    "eventMetadata": {"eventId": f"r{index}"},
                    "eventVersion": "0",
                }
            )
            + "\n"
            for index, label in enumerate(labels)
        ),
    )
    shell.write("constraints.json", '{"version": 0.0, "multiclass_classification_constraints": {}}')
    named = " --probability-attribute probabilities" if encoding == "JSON" else ""
    checked = shell(MULTICLASS + named)
    assert checked.exit_code == 0, checked.text
    assert metrics(shell, "multiclass")["accuracy"]["value"] == pytest.approx(96 / 120, rel=1e-15)


def test_an_object_of_lists_is_a_row_for_each_element(case):
    shell = case("columns-of-lists")
    shell("baseline data-quality --dataset train.csv --dataset-format csv --output b")
    checked = shell("check data-quality --data captures --dataset-format capture" + AGAINST)
    assert (checked.exit_code, shell.violations("r")) == (0, [])
    assert "Read 24 rows of 12 captured records" in checked.text
    statistics = shell.read("r/statistics.json")
    assert [feature["name"] for feature in statistics["features"]] == ["price", "lon", "age"]
    assert "If a payload is one row, give --features-attribute '@'" in checked.text


@pytest.mark.parametrize(("number", "ragged"), [(1, False), (2, False), (3, False), (7, False), (1, True), (5, True)])
def test_columns_of_lists_may_have_any_number_of_rows(shell, number, ragged):
    table = [(f"0.{index % 9 + 1}", 20 + index % 40, f"c{index % 3}") for index in range(210)]
    groups, at = [], 0
    while at < len(table):
        size = number + (len(groups) % 2 if ragged else 0)
        groups.append(table[at : at + size])
        at += size
    shell.write(
        CAPTURE,
        captured(
            (
                (json.dumps({"age": [row[1] for row in group], "city": [row[2] for row in group]}), "JSON"),
                (json.dumps({"score": [float(row[0]) for row in group]}), "JSON"),
            )
            for group in groups
        ),
    )
    shell.write("train.csv", "score,age,city\n" + "".join(f"{score},{age},{city}\n" for score, age, city in table))
    shell("baseline data-quality --dataset train.csv --dataset-format csv --output b")
    checked = shell("check data-quality --data captures --dataset-format capture" + AGAINST)
    assert (checked.exit_code, shell.violations("r")) == (0, []), checked.text
    assert shell.read("r/statistics.json")["dataset"]["item_count"] == 210


@pytest.mark.parametrize("request_form", [lambda texts: {"inputs": texts}, list])
@pytest.mark.parametrize("spelled_response", [lambda score: {"label": "x", "score": score}, lambda score: [score]])
def test_a_list_of_one_length_is_rows_if_the_responses_have_several_rows_for_certain(
    shell, request_form, spelled_response
):
    texts = [[f"text {index}", f"other {index}"] for index in range(30)]
    responses = [[spelled_response(0.25), spelled_response(0.5)]] * 30
    pairs = zip(texts, responses, strict=True)
    shell.write(
        CAPTURE,
        captured(
            ((json.dumps(request_form(text)), "JSON"), (json.dumps(response), "JSON")) for text, response in pairs
        ),
    )
    shown = shell("capture inspect captures --rows 2")
    assert "Read 60 rows of 30 captured records" in shown.text
    assert "String text 0 other 0" in shown.text
    assert "Fractional 0.25 0.5" in shown.text


@pytest.mark.parametrize("response", [[0.1, 0.9], [[0.1, 0.9]], {"predictions": [0.1, 0.9]}])
def test_a_list_of_one_length_is_one_row_if_the_responses_may_be_of_one(shell, response):
    shell.write(CAPTURE, captured([((json.dumps([1.5, 2.5]), "JSON"), (json.dumps(response), "JSON"))] * 30))
    assert "Read 30 rows of 30 captured records" in shell("capture inspect captures").text


TWO_CLASSES = json.dumps([{"label": "yes", "score": 0.9}, {"label": "no", "score": 0.1}])


def write_rows_of_two_classes(shell):
    shell.write(CAPTURE, captured([((json.dumps([1.5, 2.5]), "JSON"), (TWO_CLASSES, "JSON"))] * 30))


@pytest.mark.parametrize("attribute", ["[0].score", "max_by(@, &score).score"])
def test_a_list_of_one_length_is_one_row_if_one_value_is_taken_of_each_response(shell, attribute):
    write_rows_of_two_classes(shell)
    shown = shell(f"capture inspect captures --inference-attribute '{attribute}'")
    assert "Read 30 rows of 30 captured records" in shown.text


def test_a_list_of_one_length_is_one_row_if_the_responses_are_not_read(shell):
    write_rows_of_two_classes(shell)
    form = json.dumps({"sagemakerCaptureJson": {"captureIndexNames": ["endpointInput"]}})
    settings = analysis_settings(
        dataset_source=shell.folder / "captures", dataset_format=form, output_path=shell.folder / "o"
    )
    assert open_dataset(settings).columns == ("_c0", "_c1")


@pytest.mark.parametrize(("separator", "name"), [(";", "semicolons"), ("\t", "tabs"), ("|", "vertical bars")])
@pytest.mark.parametrize("rows", [2, 3, 7])
def test_scores_with_another_separator_are_refused_with_both_numbers_and_the_cause(shell, separator, name, rows):
    request, response = "\n".join(["1,2"] * rows), separator.join(["0.5"] * rows)
    shell.write(CAPTURE, captured([((request, "CSV"), (response, "CSV"))] * 30))
    refused = shell("capture inspect captures")
    assert refused.exit_code == 2
    assert "the request and the response differ in their number of rows" in refused.text
    assert f"endpointOutput has 1, endpointInput has {rows};" in refused.text
    assert f"endpointOutput: each row is one column with the same number of {name}" in refused.text
    assert "give a --record-preprocessor that splits them" in refused.text


PROBABILITIES = {
    "a list in a field of CSV": ("csv", lambda row: f'"[{row[0]}, {row[1]}, {row[2]}]"'),
    "what NumPy prints": ("csv", lambda row: f"[{row[0]} {row[1]} {row[2]}]"),
    "a tuple": ("csv", lambda row: f'"({row[0]}, {row[1]}, {row[2]})"'),
    "text in JSON": ("jsonlines", lambda row: f"[{row[0]}, {row[1]}, {row[2]}]"),
    "a list in JSON": ("jsonlines", list),
    "a list in Parquet": ("parquet", list),
    "text in Parquet": ("parquet", lambda row: f"[{row[0]}, {row[1]}, {row[2]}]"),
}


@pytest.mark.parametrize("form", PROBABILITIES)
def test_the_probabilities_of_all_classes_may_be_a_list_in_any_file(shell, form):
    # The greatest of each row is that of class index % 3; every fourth label is another: 180 of 240 are right.
    rows = [[round(0.2 + 0.3 * (index % 3 == place), 3) for place in range(3)] for index in range(240)]
    labels = [(index if index % 4 else index + 1) % 3 for index in range(240)]
    file_format, spelled = PROBABILITIES[form]
    values = list(map(spelled, rows))
    if file_format == "csv":
        shell.write("rows.csv", "y,p\n" + "".join(f"{y},{p}\n" for y, p in zip(labels, values, strict=True)))
    elif file_format == "jsonlines":
        pairs = zip(labels, values, strict=True)
        shell.write("rows.csv", "".join(json.dumps({"y": y, "p": p}) + "\n" for y, p in pairs))
    else:
        pl.DataFrame({"y": labels, "p": values}).write_parquet(shell.folder / "rows.csv")
    made = shell(
        f"baseline model-quality --dataset rows.csv --dataset-format {file_format} --problem-type "
        "MulticlassClassification --probability-attribute p --ground-truth-attribute y --output out"
    )
    assert made.exit_code == 0, made.text
    assert metrics(shell, "multiclass")["accuracy"]["value"] == 180 / 240
    assert metrics(shell, "multiclass")["log_loss"]["value"] > 0


QUALITY = "baseline model-quality --dataset rows.csv --dataset-format csv --output out --problem-type "
LISTED = [(index, index % 3 % 2, ("[0.9, 0.1]", "[0.1, 0.9]")[index % 3 % 2]) for index in range(300)]


@pytest.mark.parametrize("header", [True, False])
def test_an_index_counts_the_columns_of_the_file_and_an_element_of_a_list_has_a_name(shell, header):
    shell.write("rows.csv", "id,label,p\n" * header + "".join(f'{number},{y},"{p}"\n' for number, y, p in LISTED))
    binary, name = QUALITY + "BinaryClassification ", "p" if header else "_c2"
    binary += "--ground-truth-attribute label" if header else "--no-header --ground-truth-attribute 1"
    for attribute in (name, "2"):
        refused = shell(f"{binary} --probability-attribute {attribute}")
        assert refused.exit_code == 2
        assert f"name it with --probability-attribute, one of '{name}.0', '{name}.1'" in refused.text
    made = shell(f"{binary} --probability-attribute {name}.1")
    assert made.exit_code == 0, made.text
    assert metrics(shell)["accuracy"]["value"] == metrics(shell)["auc"]["value"] == 1


def test_indices_behind_a_list_and_exclusions_name_the_columns_of_the_file(shell):
    rows = "".join(f'{number},{y},"{p}",{y}\n' for number, y, p in LISTED)
    shell.write("rows.csv", "id,label,p,pred\n" + rows)
    attributes = "--ground-truth-attribute 1 --inference-attribute 3 --probability-attribute 2"
    made = shell(f"{QUALITY}MulticlassClassification {attributes}")
    assert made.exit_code == 0, made.text
    assert metrics(shell, "multiclass")["accuracy"]["value"] == 1
    excluded = "--exclude-features-attribute p --probability-attribute p"
    made = shell(f"baseline data-quality --dataset rows.csv --dataset-format csv --output d {excluded}")
    names = [feature["name"] for feature in shell.read("d/statistics.json")["features"]]
    assert names == ["id", "label", "pred"], made.text


@pytest.mark.parametrize("missing", ["nan", "", "None", "NA"])
@pytest.mark.parametrize("place", [0, 11, 1100])
def test_a_missing_list_is_missing_wherever_it_is(shell, missing, place):
    rows = [(index % 2, "[0.9, 0.1]" if index % 2 == 0 else "[0.2, 0.8]") for index in range(1200)]
    rows[place] = (0, missing)
    shell.write("rows.csv", "y,p\n" + "".join(f'{y},"{p}"\n' for y, p in rows))
    made = shell(QUALITY + "MulticlassClassification --probability-attribute p --ground-truth-attribute y")
    assert made.exit_code == 0, made.text
    assert "1 row without a prediction or probability was left out" in made.text
    assert metrics(shell, "multiclass")["accuracy"]["value"] == 1


def test_values_that_are_no_list_among_lists_are_counted(shell):
    shell.write("rows.csv", "y,p\n" + '0,"[0.9, 0.1]"\n1,"[0.2, 0.8]"\n' * 600 + '0,"[0.9]"\n0,\n1,0.5\n')
    made = shell(
        "baseline model-quality --dataset rows.csv --dataset-format csv --problem-type MulticlassClassification "
        "--probability-attribute p --ground-truth-attribute y --output out"
    )
    assert "2 values of 'p' are not lists of 2 numbers, unlike the first ones, and count as missing" in made.text
    assert "3 rows without a prediction or probability were left out" in made.text


@pytest.mark.parametrize("form", ["[{}]", "({},)", "array([{}])", "[np.int64({})]", "{}", "['{}']", "[np.str_('{}')]"])
def test_a_predicted_class_in_a_list_of_one_is_the_class(shell, form):
    rows = [(index % 3, (index if index % 4 else index + 1) % 3) for index in range(240)]
    shell.write("rows.csv", "y,p\n" + "".join(f'{y},"{form.format(guess)}"\n' for y, guess in rows))
    made = shell(
        "baseline model-quality --dataset rows.csv --dataset-format csv --problem-type MulticlassClassification "
        "--inference-attribute p --ground-truth-attribute y --output out"
    )
    assert made.exit_code == 0, made.text
    assert metrics(shell, "multiclass")["accuracy"]["value"] == 180 / 240


def test_numbers_and_the_rows_of_a_script_are_not_read_once_more_to_look_for_lists(shell, monkeypatch):
    looked = []
    look = "modelwatch_analyzer.reading.list_columns._first_texts"
    monkeypatch.setattr(look, lambda _, names: dict.fromkeys(looked.extend(names) or names, ()))
    pl.DataFrame({"y": [0, 1] * 99, "p": [0.25, 0.75] * 99, "q": ["[1]"] * 198}).write_parquet(
        shell.folder / "rows.csv"
    )
    command = QUALITY.replace("format csv", "format parquet") + "BinaryClassification --ground-truth-attribute y "
    assert shell(command + "--probability-attribute p").exit_code == 0
    assert looked == []
    shell(command + "--probability-attribute q")
    assert looked == ["q"]
    shell.write("lines.csv", "y,p\n" + "0,0.25\n1,0.75\n" * 99)
    script = "def preprocess_handler(record):\n    y, p = record.split(',')\n    return {'y': y, 'p': p}\n"
    shell.write("script.py", script)
    shell(
        f"{QUALITY.replace('rows', 'lines')}BinaryClassification --ground-truth-attribute y --probability-attribute p "
        "--record-preprocessor script.py"
    )
    assert looked == ["q"]


def test_responses_that_python_printed_as_dicts_are_read_like_objects(case):
    shell = case("responses-as-python-dicts")
    shown = shell("capture inspect captures --inference-attribute predictions").text
    assert "Read 120 rows of 60 captured records" in shown
    checked = shell(BINARY.replace("--probability-attribute 0", "--probability-attribute predictions"))
    assert checked.exit_code == 0, checked.text
    assert metrics(shell)["accuracy"]["value"] == 90 / 120


@pytest.mark.parametrize("encoding", ["CSV", "JSON", "BASE64"])
@pytest.mark.parametrize(
    ("printed", "columns"),
    [
        ("{'score': 0.50, 'label': 'a, b', 'sure': True, 'note': None}", "score Fractional 0.50 label String a, b"),
        ("[{'label': \"it's\", 'score': 0.25}]", "label String it's score Fractional 0.25"),
        (
            "{'p': array([0.1, 0.9], dtype=float32), 'y': np.int64(1)}",
            "p.0 Fractional 0.1 p.1 Fractional 0.9 y Integral",
        ),
        ("{'out': {'score': 1e-05}}", "out.score Fractional 1e-05"),
        ("{'age': '(18, 25)', 'p': (0.1, 0.9)}", "age String (18, 25) p.0 Fractional 0.1 p.1 Fractional 0.9"),
    ],
)
def test_dicts_of_python_have_the_same_columns_in_every_encoding(shell, encoding, printed, columns):
    shell.write(CAPTURE, captured([(("1,2", "CSV"), (printed, encoding))] * 30))
    assert columns in shell("capture inspect captures --rows 1").text


@pytest.mark.parametrize("printed", ["{'a' or b}", "{0.5}", "{'score': 0.5", "it's {fine}"])
def test_text_in_braces_that_is_no_dict_is_text(shell, printed):
    shell.write(CAPTURE, captured([(("1,2", "CSV"), (printed, "CSV"))] * 30))
    assert f"_c0 String {printed}" in shell("capture inspect captures --rows 1").text


@pytest.mark.parametrize("form", ["csv", "jsonlines"])
def test_a_response_for_a_batch_of_one_row_is_one_list(shell, form):
    rows = [(index % 3, [[0.8 if place == index % 3 else 0.1 for place in range(3)]]) for index in range(240)]
    as_csv = "y,p\n" + "".join(f'{label},"{scores}"\n' for label, scores in rows)
    as_lines = "".join(json.dumps({"y": label, "p": scores}) + "\n" for label, scores in rows)
    shell.write("rows.csv", as_csv if form == "csv" else as_lines)
    made = shell(
        f"{QUALITY.replace('format csv', f'format {form}')}MulticlassClassification --probability-attribute p "
        "--ground-truth-attribute y"
    )
    assert made.exit_code == 0, made.text
    assert metrics(shell, "multiclass")["accuracy"]["value"] == 1
