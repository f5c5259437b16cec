"""What counts as one value: blanks around text, spellings of numbers, and sets of names that never meet."""

from __future__ import annotations

import json
from fractions import Fraction

import pandas as pd
import polars as pl
import pytest

import modelwatch

BIAS = "baseline bias --dataset {} --dataset-format csv --analysis-config analysis_config.json --output out "
MULTICLASS = (
    "baseline model-quality --dataset {} --dataset-format csv --problem-type MulticlassClassification"
    " --inference-attribute p --ground-truth-attribute y --output b"
)


def bias_metrics(shell):
    document = shell.read("out/analysis.json")
    return {
        metric["name"]: metric["value"]
        for part in ("pre_training_bias_metrics", "post_training_bias_metrics")
        for facets in document[part]["facets"].values()
        for facet in facets
        for metric in facet["metrics"]
    }


@pytest.mark.parametrize("file", ["clean.csv", "data.csv", "predictions_with_blank.csv"])
def test_blanks_around_groups_and_predictions_make_no_others(case, file):
    shell = case("blanks-around-groups")
    assert shell(BIAS.format(file) + "--inference-attribute pred").exit_code == 0
    found = bias_metrics(shell)
    # Counted in clean.csv.
    assert (found["CI"], found["DPL"], found["DPPL"], found["DI"]) == pytest.approx(
        (0.02666666666666667, 0.0010674257249599917, -0.016278242305639568, 1.0385669125395154), rel=1e-12
    )
    quality = MULTICLASS.replace("attribute p", "attribute pred").replace("attribute y", "attribute income")
    assert shell(quality.format(file)).exit_code == 0
    metrics = shell.read("b/statistics.json")["multiclass_classification_metrics"]
    assert metrics["accuracy"]["value"] == pytest.approx(251 / 300, rel=1e-12)


@pytest.mark.parametrize("blanks", [" {}", "{} ", "  {}  ", "\t{}", "{}\t ", "\u00a0{}"])
@pytest.mark.parametrize("column", ["sex", "label", "pred"])
def test_blanks_around_any_value_count_as_none(shell, blanks, column):
    rows = [
        {"sex": "fm"[index % 2], "label": "yn"[index % 3 == 0], "pred": "yn"[index % 5 == 0]} for index in range(120)
    ]

    def write(name, blanked):
        lines = [
            ",".join(blanks.format(value) if key == blanked and index % 2 else value for key, value in row.items())
            for index, row in enumerate(rows)
        ]
        shell.write(name, "\n".join(["sex,label,pred", *lines, ""]))

    shell.write(
        "analysis_config.json",
        json.dumps(
            {
                "label": "label",
                "label_values_or_threshold": ["y"],
                "facet": [{"name_or_index": "sex", "value_or_threshold": ["f"]}],
            }
        ),
    )
    found = []
    for name, blanked in (("clean.csv", None), ("blanks.csv", column)):
        write(name, blanked)
        assert shell(BIAS.format(name) + "--inference-attribute pred").exit_code == 0
        found.append(bias_metrics(shell))
    assert found[0] == found[1]


@pytest.mark.parametrize("file", ["both_plain.csv", "labels_plain_predictions_with_point.csv"])
def test_class_numbers_past_two_to_the_53_are_compared_exactly(case, file):
    shell = case("class-numbers-beyond-2-to-the-53")
    assert shell(MULTICLASS.format(file)).exit_code == 0
    metrics = shell.read("b/statistics.json")["multiclass_classification_metrics"]
    assert metrics["accuracy"]["value"] == 105 / 300
    assert len(metrics["confusion_matrix"]) == 3


@pytest.mark.parametrize(
    "spelled",
    ["{}.0", "{}.", "{}.00000", "+{}", "0{}", "{}e0"],
)
@pytest.mark.parametrize("base", [2**53, 2**63 - 2, 10**20, -(2**60)])
def test_one_whole_number_in_two_spellings_is_one_class(shell, spelled, base):
    if spelled in ("+{}", "0{}") and base < 0:
        spelled = "{}.000"
    classes = [base, base + 1, base + 3]
    rows = [(classes[index % 3], classes[index % 3 if index % 4 else (index + 1) % 3]) for index in range(240)]
    lines = [f"{label},{spelled.format(prediction)}" for label, prediction in rows]
    shell.write("rows.csv", "\n".join(["y,p", *lines, ""]))
    made = shell(MULTICLASS.format("rows.csv"))
    assert made.exit_code == 0
    metrics = shell.read("b/statistics.json")["multiclass_classification_metrics"]
    right = Fraction(sum(label == prediction for label, prediction in rows), len(rows))
    assert metrics["accuracy"]["value"] == pytest.approx(float(right), rel=1e-15), made.text
    assert len(metrics["confusion_matrix"]) == 3


@pytest.mark.parametrize(("dtype", "said"), [(pl.Float64, True), (pl.Int64, False), (pl.String, False)])
def test_whole_numbers_that_a_file_stores_as_doubles_are_reported(shell, dtype, said):
    classes = [2**53 + 1, 2**53 + 3, 2**53 + 5]
    labels = [classes[index % 3] for index in range(240)]
    pl.DataFrame({"y": labels, "p": labels[:200] + labels[1:41]}).cast(dtype).write_parquet(shell.folder / "rows.csv")
    made = shell(MULTICLASS.replace("format csv", "format parquet").format("rows.csv"))
    assert made.exit_code == 0
    assert ("stores them as doubles, different numbers may have become equal" in made.text) == said


def test_classes_that_never_meet_are_reported_and_so_is_a_baseline_that_nothing_can_violate(case):
    shell = case("classes-that-never-meet")
    command = MULTICLASS.replace("attribute p", "attribute pred").replace("attribute y", "attribute label")
    made = shell(command.format("predictions.csv"))
    assert "no predicted class (0, 1, ...) is among the labels' classes (cat, dog, ...)" in made.text
    assert "nothing can violate any constraint" in made.text
    rows = [line.split(",") for line in (shell.folder / "predictions.csv").read_text().split()]
    header, names = rows[0], {"0": "cat", "1": "dog", "2": "eel"}
    place = header.index("pred")
    mapped = [[names.get(cell, cell) if at == place else cell for at, cell in enumerate(row)] for row in rows]
    shell.write("mapped.csv", "\n".join(map(",".join, mapped)) + "\n")
    made = shell(command.format("mapped.csv"))
    assert "none of" not in made.text
    accuracy = shell.read("b/statistics.json")["multiclass_classification_metrics"]["accuracy"]
    assert accuracy["value"] == 99 / 120
    checked = shell(
        command.format("predictions.csv").replace("baseline m", "check m").replace("--dataset ", "--data ")
        + " --constraints b/constraints.json"
    )
    assert "no predicted class (" in checked.text


@pytest.mark.parametrize(
    ("labels", "predictions"),
    [
        (("cat", "dog"), ("Cat", "Dog")),
        (("yes", "no"), ("1", "0")),
        (("true", "false"), ("T", "F")),
        (("1", "2", "3"), ("one", "two", "three")),
        (("a", "b", "c"), ("class_a", "class_b", "class_c")),
        (("0", "1"), ("0.9", "0.1")),
    ],
)
def test_any_two_sets_of_classes_that_never_meet_are_reported_with_examples_of_both(shell, labels, predictions):
    rows = [f"{labels[index % len(labels)]},{predictions[index % len(predictions)]}" for index in range(240)]
    shell.write("rows.csv", "\n".join(["y,p", *rows, ""]))
    made = shell(MULTICLASS.format("rows.csv"))
    assert "no predicted class (" in made.text
    assert sum(name in made.text for name in labels) >= 2
    assert sum(name in made.text for name in predictions) >= 2
    assert "nothing can violate any constraint" in made.text


@pytest.mark.parametrize("column", ["sex", "label", "pred"])
def test_a_group_or_label_that_no_row_has_is_reported_with_what_there_is(shell, column):
    rows = [f"{'fm'[index % 2]},{'yn'[index % 3 == 0]},{'yn'[index % 5 == 0]}" for index in range(120)]
    shell.write("rows.csv", "\n".join(["sex,label,pred", *rows, ""]))
    named = {"sex": "f", "label": "y"} | ({column: "Other"} if column != "pred" else {"label": "Y"})
    shell.write(
        "analysis_config.json",
        json.dumps(
            {
                "label": "label",
                "label_values_or_threshold": [named["label"]],
                "facet": [{"name_or_index": "sex", "value_or_threshold": [named["sex"]]}],
            }
        ),
    )
    made = shell(BIAS.format("rows.csv") + "--inference-attribute pred")
    there = ("f", "m") if column == "sex" else ("n", "y")
    assert named["sex" if column == "sex" else "label"] in made.text
    assert all(value in made.text for value in there), made.text


def test_ids_that_never_meet_are_reported_with_two_of_each_side(case):
    shell = case("responses-on-one-line")
    labels = shell.folder / "labels/2026/03/01/11/l.jsonl"
    labels.write_text(labels.read_text().replace('"eventId": "r', '"eventId": "request-'))
    checked = shell(
        "check model-quality --data captures --dataset-format capture --ground-truth labels --output out"
        " --problem-type BinaryClassification --probability-attribute 0 --constraints constraints.json"
    )
    assert checked.exit_code == 2
    assert "request-0" in checked.text
    assert "r0" in checked.text.replace("request-0", "")


@pytest.mark.parametrize("other", ["Female", "FEMALE", "femalE", "Müller", "ÉCOLE"])
@pytest.mark.parametrize("column", ["sex", "label", "pred"])
def test_values_that_differ_in_case_alone_are_reported_by_bias(shell, other, column):
    usual = other.casefold()
    values = {"sex": (usual, "m"), "label": (usual, "n"), "pred": (usual, "n")}
    if column == "sex":
        values |= {"label": ("y", "n"), "pred": ("y", "n")}
    rows = [{name: pair[index % 2] for name, pair in values.items()} for index in range(240)]
    for row in rows[::6]:
        row[column] = other
    shell.write("rows.csv", "\n".join(["sex,label,pred", *(",".join(row.values()) for row in rows), ""]))
    config = {"label": "label", "label_values_or_threshold": [values["label"][0]]}
    facet = {"name_or_index": "sex", "value_or_threshold": [values["sex"][0]]}
    shell.write("analysis_config.json", json.dumps(config | {"facet": [facet]}))
    made = shell(BIAS.format("rows.csv") + "--inference-attribute pred")
    assert made.exit_code == 0
    what = "values of sex" if column == "sex" else "labels and predictions"
    assert f"{what} that differ only in case count as different, for instance {other}, {usual}" in made.text


@pytest.mark.parametrize(
    ("first", "other", "shown"),
    [
        (">50K", ">50K.", ">50K, >50K."),
        ("married", "mar\u200bried", "married, mar\\u200bried"),
        ("married", "'married'", "'married', married"),
        ("New York", "New  York", None),
        ("Self-emp", "Self_emp", "Self-emp, Self_emp"),
        (">50K", "<50K", False),
        ("A", "A-", False),
        ("1.5", "15", False),
    ],
)
def test_values_that_hardly_differ_are_reported(shell, first, other, shown):
    guesses = [first if index % 2 else "n" for index in range(240)]
    rows = [(guess if index % 6 else other, guess) for index, guess in enumerate(guesses)]
    shell.write("rows.csv", "y,p\n" + "".join(f'"{label}","{guess}"\n' for label, guess in rows))
    made = shell(MULTICLASS.format("rows.csv"))
    assert made.exit_code == 0
    assert ("or invisible characters count as different" in made.text) == (shown is not False)
    assert not shown or f"for instance {shown}" in made.text


@pytest.mark.parametrize(
    ("spelling", "problem", "attribute"),
    [
        ("{}%", "BinaryClassification", "--probability-attribute s"),
        ("0,{}", "BinaryClassification", "--probability-attribute s"),
        ("{},5 €", "Regression", "--inference-attribute s"),
        ("${}.25", "Regression", "--inference-attribute s"),
        ("({})", "Regression", "--inference-attribute s"),
        ("1,{:03}.5", "Regression", "--inference-attribute s"),
    ],
)
@pytest.mark.parametrize("share", [1, 5])
def test_predictions_in_another_spelling_are_read_by_the_option_that_the_message_names(
    shell, spelling, problem, attribute, share
):
    number = (lambda index: index % 10) if problem.startswith("Binary") else (lambda index: index % 50 + 1)
    plain = (lambda value: value / 10) if problem.startswith("Binary") else float
    cells = [spelling.format(number(index)) if index % share == 0 else plain(number(index)) for index in range(300)]
    shell.write("rows.csv", "y,s\n" + "".join(f'{index % 2},"{cell}"\n' for index, cell in enumerate(cells)))
    command = (
        f"baseline model-quality --dataset rows.csv --dataset-format csv --problem-type {problem} {attribute}"
        " --ground-truth-attribute y --output b"
    )
    said = shell(command).text
    option = "--decimal ','" if "," in spelling and "." not in spelling else "--decimal '.'"
    assert "numbers in another spelling are read with --decimal" in said
    assert option.removeprefix("--decimal ") in said
    made = shell(f"{command} {option}")
    assert made.exit_code == 0
    assert "not a number" not in made.text
    assert shell.read("b/statistics.json")["dataset"]["item_count"] == 300


CODES = [["01", "1", "02"], ["7E1", "70", "A1"], ["1e3", "1000", "x"]]
SPELLED = [["1", "1.0", "2"], ["0.5", ".50", "x"], ["+3", "3", "4"], ["0", "00", "1"], ["1.5e10", "1.50E10", "2"]]


@pytest.mark.parametrize(
    ("texts", "said"), [*((texts, True) for texts in CODES), *((texts, False) for texts in SPELLED)]
)
def test_codes_that_are_one_number_are_said_to_count_as_one_value(texts, said):
    # After DataProfiler 1130 and duckdb 5794: codes such as 01 and 1, or 7E1 and 70, are read as one number.
    rows = pd.DataFrame({"class": [texts[row % 3] for row in range(600)], "label": [row % 2 for row in range(600)]})
    rows["guess"] = [texts[(row + row // 3 % 2) % 3] for row in range(600)]
    quality = modelwatch.baseline(
        rows,
        kind="model-quality",
        problem_type="MulticlassClassification",
        inference_attribute="guess",
        ground_truth_attribute="class",
    )
    facet = {"name_or_index": "class", "value_or_threshold": [texts[0]]}
    bias = modelwatch.baseline(
        rows,
        kind="bias",
        analysis_config={
            "label": "label",
            "label_values_or_threshold": [1],
            "facet": [facet | {"data_type": "categorical"}],
        },
    )
    for result, columns in ((quality, ["labels", "predictions"]), (bias, ["values of class"])):
        found = [each for each in result.warnings if "the same number count as the same value" in each]
        assert [each.partition(" that are")[0] for each in found] == (columns if said else [])
        assert all(f"for instance {', '.join(sorted(texts[:2]))}: if these are codes" in each for each in found)


def test_one_number_in_the_spellings_of_two_programs_is_no_code():
    rows = pd.DataFrame({"label": ["100000", "2"] * 300, "guess": ["1e+05", "2.0"] * 300})
    made = modelwatch.baseline(
        rows,
        kind="model-quality",
        problem_type="MulticlassClassification",
        inference_attribute="guess",
        ground_truth_attribute="label",
    )
    assert made.statistics["multiclass_classification_metrics"]["accuracy"]["value"] == 1.0
    assert not [each for each in made.warnings if "the same number" in each]


def test_the_same_column_as_label_and_prediction_of_bias_is_refused():
    rows = pd.DataFrame({"sex": ["F", "M"] * 300, "label": [row % 3 % 2 for row in range(600)]})
    config = {
        "label": "label",
        "label_values_or_threshold": [1],
        "facet": [{"name_or_index": "sex", "value_or_threshold": ["F"]}],
    }
    for named in ({"inference_attribute": "label"}, {"probability_attribute": "label"}):
        with pytest.raises(modelwatch.ModelwatchError, match="SameColumn: 'label' is named both as the label and as"):
            modelwatch.baseline(rows, kind="bias", analysis_config=config, **named)


@pytest.mark.parametrize(
    ("train", "today", "said"),
    [
        (["1", "2", "x"], ["1.0", "2.0", "x"], "only in how numbers and truth values are written"),
        (["02139", "00501", "x"], ["2139", "501", "x"], "only in how numbers and truth values are written"),
        (["true", "false"], ["1", "0"], "only in how numbers and truth values are written"),
        (["0", "1"], ["false", "true"], "'code' now holds true and false, which are text: write 1 and 0"),
        (["a", "b"], ["A", "b"], "only in blanks, case or Unicode form"),
        (["1", "2", "x"], ["1.0", "3.0", "x"], None),
        (["0", "1"], ["no", "yes"], None),
    ],
)
def test_the_same_values_as_another_program_writes_them_are_said_to_be_so(train, today, said):
    # pandas turns whole numbers into fractions, and truth values into numbers, if one is missing (28335; tfx 819).
    rows = [pd.DataFrame({"code": values * 200, "x": list(range(5)) * (40 * len(values))}) for values in (train, today)]
    made = modelwatch.baseline(rows[0])
    found = modelwatch.check(rows[1], made)
    assert {each.feature_name for each in found.violations} == {"code"}
    about = [each for each in found.warnings if "'code'" in each and ("differ" in each or "now holds" in each)]
    assert [said in each for each in about] == ([True] if said else [])


@pytest.mark.parametrize(
    ("codes", "listed", "group", "said"),
    [
        ([0.0, 1.0, 2.0], 1, "(1.0, 2.0]", True),
        ([0.0, 1.0, None], 1, "1", False),
        ([0, 1, 2], 1, "1", False),
        ([0.5, 1.0, 2.0], 1, "(1.0, 2.0]", False),
        ([0.0, 1.0, 2.0], 1.5, "(1.5, 2.0]", False),
        ([float(age) for age in range(18, 60)], 40, "(40.0, 59.0]", False),
    ],
)
def test_codes_that_are_written_as_fractions_and_read_as_numbers_are_reported(codes, listed, group, said):
    rows = pd.DataFrame({"code": (codes * 600)[:600], "label": [row % 7 % 2 for row in range(600)]})
    facet = {"name_or_index": "code", "value_or_threshold": [listed]}
    config = {"label": "label", "label_values_or_threshold": [1], "facet": [facet]}
    made = modelwatch.baseline(rows, kind="bias", analysis_config=config)
    (found,) = made.statistics["pre_training_bias_metrics"]["facets"]["code"]
    assert found["value_or_threshold"] == group
    about = [each for each in made.warnings if "written as fractions" in each]
    text = (
        "code holds 3 whole numbers that are written as fractions (1.0), and is read as numbers: the group has those "
        'above 1. If they are codes, add "data_type": "categorical" to its facet in the configuration'
    )
    assert about == ([text] if said else [])
    again = modelwatch.baseline(
        rows, kind="bias", analysis_config=config | {"facet": [facet | {"data_type": "categorical"}]}
    )
    assert not [each for each in again.warnings if "written as fractions" in each]
