"""Columns whose type or drift is not watched, and the cells that are the reason."""

from __future__ import annotations

import json

import pytest

from modelwatch_core.domain.number_text import left_out_text

BASELINE = "baseline data-quality --dataset train.csv --dataset-format csv --output b --comparison-method Robust "
CHECK = (
    "check data-quality --data today.csv --dataset-format csv --statistics b/statistics.json"
    " --constraints b/constraints.json --output r "
)
BIAS = (
    "baseline bias --dataset {} --dataset-format csv --analysis-config analysis_config.json"
    " --inference-attribute pred --output b"
)
AGE = {
    "label": "label",
    "label_values_or_threshold": [1],
    "facet": [{"name_or_index": "age", "value_or_threshold": [40]}],
}


def types(shell):
    return {feature["name"]: feature["inferred_type"] for feature in shell.read("b/statistics.json")["features"]}


def drifted(shell):
    return [
        violation["feature_name"]
        for violation in shell.violations("r")
        if violation["constraint_check_type"] == "baseline_drift_check"
    ]


def test_one_nan_makes_text_of_a_column_and_baseline_and_check_give_this_as_the_cause(case):
    shell = case("one-stray-nan")
    cause = "String because of 1 of 600 values that usually mean a missing value, such as NA or -; 599 of"
    made = shell(BASELINE)
    assert f"'z' is {cause}" in made.text
    assert types(shell)["z"] == "String"
    assert cause in shell(CHECK).text
    assert drifted(shell) == []
    # Both of the remedies.
    assert shell(BASELINE + "--missing-values usual").exit_code == 0
    assert shell(CHECK + "--missing-values usual").exit_code == 1
    assert drifted(shell) == ["z"]
    for name in ("train.csv", "today.csv"):
        text = (shell.folder / name).read_text()
        shell.write(name, text.replace("nan", ""))
    assert shell(BASELINE).exit_code == 0
    assert shell(CHECK).exit_code == 1
    assert drifted(shell) == ["z"]


def test_numbers_as_people_write_them_are_named_with_what_is_in_the_way(case):
    shell = case("numbers-spelled-for-people")
    made = shell(BASELINE)
    for name, cause in {
        "comma": "400 of 400 values with a decimal comma",
        "percent": "400 of 400 values with a per cent sign",
        "blank_behind": "400 of 400 values with blanks around the number",
        "with_na": "5 of 400 values that usually mean a missing value, such as NA or -; 395 of 400 are",
    }.items():
        assert f"'{name}' is String because of {cause}" in made.text
    checked = shell(CHECK)
    assert drifted(shell) == ["plain"]
    assert "distance: 0.8727207793864215" in shell.violations("r")[0]["description"]
    assert "Drift distance of 0.8727 is above" in checked.text
    for name in ("comma", "percent", "blank_behind", "with_na"):
        assert f"drift was not measured for '{name}': it is text with more than 120 distinct values" in checked.text


@pytest.mark.parametrize(
    ("spelling", "option", "read"),
    [
        ("{:.1f}%", "--decimal .", "per cent"),
        ("{:.1f} %", "--decimal .", "per cent"),
        ("${:,.2f}", "--decimal .", "currency"),
        ("({:.2f})", "--decimal .", "negative"),
        ("{:,.3f}", "--decimal .", "thousands"),
        (" {:.2f} ", "--trim-blanks", "blank"),
        ("{:.2f} €", "--decimal .", "currency"),
    ],
)
@pytest.mark.parametrize("share", [1, 7])
def test_the_option_that_a_message_names_reads_the_numbers(shell, spelling, option, read, share):
    def write(name, factor):
        lines = [
            f'{index % 3},"{spelling.format(number) if index % share == 0 else number}"'
            for index, number in ((index, factor * (1000 + index * 1.01)) for index in range(600))
        ]
        shell.write(name, "\n".join(["plan,amount", *lines, ""]))

    write("train.csv", 1)
    write("today.csv", 100)
    made = shell(BASELINE)
    assert "'amount' is String because of" in made.text, read
    assert option.split()[0] in made.text
    assert shell(BASELINE + option).exit_code == 0
    assert types(shell)["amount"] == "Fractional"
    assert shell(CHECK + option).exit_code == 1
    assert "amount" in drifted(shell)


@pytest.mark.parametrize(
    ("word", "option"),
    [
        *((word, "--missing-values usual") for word in ("nan", "NA", "null", "None", "-", "n/a", "?", "NaN")),
        *((word, "--missing-values inf,-inf") for word in ("inf", "-inf", "Infinity", "1e400")),
    ],
)
def test_any_word_for_missing_is_named_and_the_option_makes_it_missing(shell, word, option):
    lines = [f"{index}.5,{word if index % 150 == 3 else index * 1.25}" for index in range(600)]
    shell.write("train.csv", "\n".join(["a,z", *lines, ""]))
    made = shell(BASELINE)
    assert "'z' is String because of 4 of 600 values" in made.text
    assert "596 of 600 are numbers" in made.text
    assert option in made.text
    assert shell(BASELINE + option).exit_code == 0
    assert types(shell)["z"] == "Fractional"
    (feature,) = [each for each in shell.read("b/statistics.json")["features"] if each["name"] == "z"]
    assert feature["numerical_statistics"]["common"] == {"num_present": 596, "num_missing": 4}


@pytest.mark.parametrize("reason", ["all missing", "too many categories"])
def test_other_columns_without_a_drift_check_are_named_with_the_reason(shell, reason):
    cells = {
        "all missing": lambda _: "",
        "too many categories": lambda index: f"id-{index}",
    }[reason]
    text = "\n".join(["a,z", *[f"{index % 50},{cells(index)}" for index in range(600)], ""])
    shell.write("train.csv", text)
    shell.write("today.csv", text)
    made, checked = shell(BASELINE), shell(CHECK)
    said, again = {
        "all missing": ("there is no value in 'z' (0 of 600 rows)", "there is no value in 'z' (0 of 600 rows)"),
        "too many categories": ("more than 120 distinct values: 'z' (600)", "drift was not measured for 'z'"),
    }[reason]
    assert said in made.text
    assert again in checked.text


def metrics(shell, part):
    (facets,) = shell.read("b/analysis.json")[part]["facets"].values()
    return {metric["name"]: metric["value"] for metric in facets[0]["metrics"]}, facets[0]["value_or_threshold"]


@pytest.mark.parametrize("file", ["with_nan.csv", "with_empty_cell.csv"])
def test_one_nan_in_a_continuous_facet_is_a_row_without_a_group(case, file):
    shell = case("one-nan-in-a-continuous-facet")
    made = shell(BIAS.format(file))
    assert "1 row without a value of age was left out of its metrics" in made.text
    before, group = metrics(shell, "pre_training_bias_metrics")
    after, _ = metrics(shell, "post_training_bias_metrics")
    # 211 of 399 rows are in the group, counted by hand.
    assert group == "(40.0, 73.5]"
    assert (before["CI"], before["DPL"], after["DPPL"]) == pytest.approx(
        ((188 - 211) / 399, -0.008747605122516877, 0.052762932338408786), rel=1e-12
    )


@pytest.mark.parametrize("word", ["nan", "NaN", "NA", "null", "None", ""])
@pytest.mark.parametrize("number", [1, 5])
def test_every_spelling_of_missing_in_a_facet_gives_the_same_groups(shell, word, number):
    def write(name, spelled):
        lines = [
            f"{spelled if index < number else 20.5 + index % 50},{index % 2},{int(index % 3 == 0)}"
            for index in range(300)
        ]
        shell.write(name, "\n".join(["age,label,pred", *lines, ""]))

    shell.write("analysis_config.json", json.dumps(AGE))
    write("spelled.csv", word)
    write("empty.csv", "")
    found = []
    for name in ("spelled.csv", "empty.csv"):
        made = shell(BIAS.format(name))
        assert made.exit_code == 0
        assert f"{left_out_text(number, 'row', 'without a value of age')} of its metrics" in made.text
        found.append(shell.read("b/analysis.json"))
    for part in ("pre_training_bias_metrics", "post_training_bias_metrics"):
        assert found[0][part] == found[1][part]


@pytest.mark.parametrize("word", ["inf", "unknown", "not said"])
def test_a_value_that_is_no_number_in_a_continuous_facet_is_reported(shell, word):
    lines = [f"{word if index == 7 else 20.5 + index % 50},{index % 2},{int(index % 3 == 0)}" for index in range(300)]
    shell.write("train.csv", "\n".join(["age,label,pred", *lines, ""]))
    shell.write("analysis_config.json", json.dumps(AGE))
    made = shell(BIAS.format("train.csv"))
    assert made.exit_code == 0
    assert "age" in made.text[made.text.index("Warning") :]
    _, group = metrics(shell, "pre_training_bias_metrics")
    assert group.startswith("(40")
