"""What the four monitors make of values at the edges: the table of docs/compatibility/numbers.md, walked through."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from modelwatch_analyzer.analysis import analyze
from modelwatch_core.domain.analysis import AnalysisSummary
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.settings_environment import analysis_settings
from tests.explainability.conftest import THIS_MACHINE, Asked, ModelServer

COMPOSED, DECOMPOSED = "caf\u00e9", "cafe\u0301"
_TIMES = 30
"""How often the values of a case are repeated."""


@dataclass(frozen=True, slots=True)
class Case:
    """Values, and what they are to each monitor.

    Attributes
    ----------
    feature : tuple of (str, object)
        Of data quality: the type, and of numbers minimum, maximum and mean, of text the counts by category, divided by
        `_TIMES`.
    classes : dict of str to int
        Of model quality: how many labels are of a class, divided by `_TIMES`.
    numbers : int
        Of a regression: how many labels are numbers, divided by `_TIMES`.
    groups : set of str
        Of bias: the groups where none is listed; None where it asks for a threshold.
    cells : set of str
        What the model is asked to explain.
    says : dict of str to str
        Part of a warning, by monitor.
    """

    values: Sequence[str]
    feature: tuple[str, object]
    classes: dict[str, int]
    numbers: int
    groups: set[str] | None
    cells: set[str]
    says: dict[str, str] = field(default_factory=dict)


CASES = {
    "infinities": Case(
        ["1", "2", "3", "inf", "-Infinity"],
        ("String", {"1": 1, "2": 1, "3": 1, "inf": 1, "-Infinity": 1}),
        {"1": 1, "2": 1, "3": 1, "inf": 1, "-Infinity": 1},
        3,
        {"1", "2", "3", "inf", "-Infinity"},
        {"1", "2", "3", "inf", "-Infinity"},
        {
            "data quality": "60 of 150 values beyond the range of a double",
            "regression": "60 rows whose 'v' is not a number were left out",
            "explainability": "60 of 150 values of 'v' are text",
        },
    ),
    "beyond a double": Case(
        ["1", "2", "1e400"],
        ("String", {"1": 1, "2": 1, "1e400": 1}),
        {"1": 1, "2": 1, "1e400": 1},
        2,
        {"1", "2", "1e400"},
        {"1", "2", "1e400"},
        {"data quality": "30 of 90 values beyond the range of a double"},
    ),
    "whole numbers past 2^53": Case(
        ["9007199254740992", "9007199254740993", "9007199254740995"],
        ("Integral", (9007199254740992.0, 9007199254740996.0, 9007199254740994.0)),
        # As doubles 0, 0 and 4 past 2^53: the mean, 4/3, is nearer to 2 than to 0, and nothing is between.
        {"9007199254740992": 1, "9007199254740993": 1, "9007199254740995": 1},
        3,
        None,
        {"9007199254740992", "9007199254740993", "9007199254740995"},
    ),
    "negative zero": Case(
        ["-0.0", "0", "0.0", "-1"],
        ("Fractional", (-1.0, 0.0, -0.25)),
        {"0": 3, "-1": 1},
        4,
        None,
        {"-0.0", "0", "0.0", "-1"},
    ),
    "one number in several spellings": Case(
        ["0.5", "0.50", ".5", "5e-1"],
        ("Fractional", (0.5, 0.5, 0.5)),
        {"0.5": 4},
        4,
        None,
        {"0.5", "0.50", ".5", "5e-1"},
    ),
    "dates": Case(
        ["2026-01-01", "2026-01-01T00:00:00Z", "01/02/2026"],
        ("String", {"2026-01-01": 1, "2026-01-01T00:00:00Z": 1, "01/02/2026": 1}),
        {"2026-01-01": 1, "2026-01-01T00:00:00Z": 1, "01/02/2026": 1},
        0,
        {"2026-01-01", "2026-01-01T00:00:00Z", "01/02/2026"},
        {"2026-01-01", "2026-01-01T00:00:00Z", "01/02/2026"},
    ),
    "0 and 1": Case(["0", "1"], ("Integral", (0.0, 1.0, 0.5)), {"0": 1, "1": 1}, 2, {"0", "1"}, {"0", "1"}),
    "true and false": Case(
        ["true", "false", "True", "1"],
        ("String", {"true": 1, "false": 1, "True": 1, "1": 1}),
        {"true": 1, "false": 1, "True": 1, "1": 1},
        1,
        {"true", "false"},
        {"true", "false", "True", "1"},
        {
            "data quality": "categories that differ only in blanks around them, case or Unicode form count "
            "as different ones: 'v' (2)",
            "classes": "classes that differ only in case count as different",
        },
    ),
    "yes and no": Case(
        ["yes", "no", "y"], ("String", {"yes": 1, "no": 1, "y": 1}), {"yes": 1, "no": 1, "y": 1}, 0,
        {"yes", "no", "y"}, {"yes", "no", "y"},
    ),
    "one letter in two forms": Case(
        [COMPOSED, DECOMPOSED, "tea"],
        ("String", {COMPOSED: 1, DECOMPOSED: 1, "tea": 1}),
        {COMPOSED: 2, "tea": 1},
        0,
        {COMPOSED, "tea"},
        {COMPOSED, DECOMPOSED, "tea"},
        {"data quality": "case or Unicode form count as different ones: 'v' (2)"},
    ),
    "blanks around": Case(
        ["a", " a", "b "],
        ("String", {"a": 1, " a": 1, "b ": 1}),
        {"a": 2, "b": 1},
        0,
        {"a", "b"},
        {"a", " a", "b "},
        {"data quality": "count as different ones: 'v' (2)"},
    ),
    "a constant number": Case(["5"], ("Integral", (5.0, 5.0, 5.0)), {"5": 1}, 1, {"5"}, {"5"}, {
        "bias": "Negated facet set is empty: all rows are in the group",
    }),
    "one category": Case(["a"], ("String", {"a": 1}), {"a": 1}, 0, {"a"}, {"a"}, {
        "bias": "Negated facet set is empty: all rows are in the group",
    }),
    "no value": Case([""], ("Unknown", {}), {}, 0, set(), {""}, {
        "data quality": "there is no value in 'v' (0 of 30 rows)",
        "bias": "30 rows without a value of v were left out",
    }),
    "text that means missing": Case(
        ["1", "2", "nan", "NA", "NULL"],
        ("String", {"1": 1, "2": 1, "nan": 1, "NA": 1, "NULL": 1}),
        {"1": 1, "2": 1},
        2,
        {"1", "2"},
        {"1", "2", ""},
        {
            "data quality": "'v' is String because of 90 of 150 values that usually mean a missing value",
            "classes": "90 of the missing values are written out",
            "regression": "90 of the missing values are written out",
            "bias": "90 of the missing values are written out",
            "explainability": "sent to the model as missing values: 'v' (90)",
        },
    ),
    "text that may mean missing": Case(
        ["a", "none", "?"],
        ("String", {"a": 1, "none": 1, "?": 1}),
        {"a": 1, "none": 1, "?": 1},
        0,
        {"a", "none", "?"},
        {"a", "none", "?"},
        {
            "data quality": "text that usually means a missing value, such as NA or -, counts as text: 'v' (60 of 90 "
            "values)",
            "classes": "values that often mean a missing one (?, none)",
            "bias": "groups of v have values that often mean a missing one (?, none)",
        },
    ),
}  # fmt: skip


@dataclass
class Monitors:
    """Makes a baseline of each kind with a column of values in its place, and checks the same data against it."""

    folder: Path
    server: ModelServer
    given: dict[str, object] = field(default_factory=dict)

    def data(self, values: Sequence[str]) -> Path:
        path = self.folder / "data.csv"
        rows = [f'"{value}",{i % 7},{i % 2},{(i // 3) % 2}' for i, value in enumerate(values)]
        path.write_text("\n".join(["v,w,y,p", *rows]) + "\n")
        return path

    def analyze(self, data: Path, **settings: Any) -> AnalysisSummary:
        common = {"dataset_source": data, "bootstrap_replicates": 100, **self.given, **settings}
        if settings.get("analysis_type") is None:
            common.pop("bootstrap_replicates")
        return analyze(analysis_settings(**{"output_path": self.folder / "out", **common}), THIS_MACHINE)

    def read(self, name: str) -> Any:
        return json.loads((self.folder / "out" / name).read_text())

    def config(self, document: object) -> Path:
        path = self.folder / "analysis_config.json"
        path.write_text(json.dumps(document))
        return path

    def data_quality(self, data: Path) -> AnalysisSummary:
        return self.analyze(data)

    def model_quality(self, data: Path, problem_type: str) -> AnalysisSummary:
        return self.analyze(
            data, analysis_type="MODEL_QUALITY", problem_type=problem_type, ground_truth_attribute="v",
            inference_attribute="w",
        )  # fmt: skip

    def bias(self, data: Path, **facet: object) -> AnalysisSummary:
        document = {"label": "y", "label_values_or_threshold": [1], "facet": [{"name_or_index": "v", **facet}]}
        return self.analyze(
            data, analysis_type="MODEL_BIAS", analysis_config=self.config(document), inference_attribute="p"
        )

    def explainability(self, data: Path) -> AnalysisSummary:
        self.server.respond = lambda asked: (200, "\n".join(str(len(row)) for row in rows_of(asked)).encode())
        document = {"headers": ["v", "w"], "methods": {"shap": {"num_clusters": 2}}}
        return self.analyze(
            data, analysis_type="MODEL_EXPLAINABILITY", analysis_config=self.config(document), model_url=self.server.url
        )


def rows_of(asked: Asked) -> list[str]:
    return asked.body.decode().splitlines()


@pytest.fixture
def monitors(tmp_path: Path, server: ModelServer) -> Monitors:
    return Monitors(tmp_path, server)


def reports(case: Case, monitor: str, summary: AnalysisSummary) -> bool:
    """Return whether a warning has what the case says of a monitor."""
    return any(case.says.get(monitor, "") in warning for warning in (*summary.warnings, ""))


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
def test_data_quality_has_one_meaning_for_it(monitors: Monitors, case: Case) -> None:
    data = monitors.data(case.values * _TIMES)
    summary = monitors.data_quality(data)
    feature = monitors.read("statistics.json")["features"][0]
    seen: object
    if numbers := feature.get("numerical_statistics"):
        seen = (numbers["min"], numbers["max"], numbers["mean"])
    else:
        distribution = feature["string_statistics"].get("distribution")
        buckets = distribution["categorical"]["buckets"] if distribution else []
        seen = {bucket["value"]: bucket["count"] / _TIMES for bucket in buckets}
    assert (feature["inferred_type"], seen) == case.feature
    assert reports(case, "data quality", summary)
    baseline = {f"baseline_{name}": monitors.folder / f"out/{name}.json" for name in ("constraints", "statistics")}
    assert monitors.analyze(data, output_path=monitors.folder / "check", **baseline).violations == ()


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
def test_model_quality_has_one_meaning_for_it(monitors: Monitors, case: Case) -> None:
    data = monitors.data(case.values * _TIMES)
    if case.classes:
        summary = monitors.model_quality(data, "MulticlassClassification")
        labels = {name: count["labels"] for name, count in class_counts(monitors).items()}
        assert {name: count / _TIMES for name, count in labels.items() if count} == case.classes
        assert reports(case, "classes", summary)
    else:
        with pytest.raises(InvalidInput, match="GroundTruthNotFound"):
            monitors.model_quality(data, "MulticlassClassification")
    if case.numbers:
        summary = monitors.model_quality(data, "Regression")
        rows = [f"the metrics are of {case.numbers * _TIMES} rows" in warning for warning in summary.warnings]
        assert any(rows) or case.numbers * _TIMES >= 200
        assert reports(case, "regression", summary)
    else:
        with pytest.raises(InvalidInput, match=r"ValuesNotNumeric|GroundTruthNotFound"):
            monitors.model_quality(data, "Regression")


def class_counts(monitors: Monitors) -> dict[str, dict[str, int]]:
    statistics = monitors.read("statistics.json")
    (metrics,) = (value for name, value in statistics.items() if name.endswith("_metrics"))
    counts: dict[str, dict[str, int]] = metrics.get("class_counts") or statistics["class_counts"]
    return counts


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
def test_bias_has_one_meaning_for_it(monitors: Monitors, case: Case) -> None:
    data = monitors.data(case.values * _TIMES)
    if case.groups is None:
        with pytest.raises(InvalidInput, match="ThresholdMissing"):
            monitors.bias(data, data_type="continuous")
        return
    summary = monitors.bias(data, data_type="categorical")
    stage = monitors.read("analysis.json").get("pre_training_bias_metrics", {"facets": {"v": []}})
    found = {entry["value_or_threshold"] for entry in stage["facets"].get("v", [])}
    assert {"true" if name == "1" and "true" in case.groups else name for name in found} == case.groups
    assert reports(case, "bias", summary)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
def test_explanations_have_one_meaning_for_it(monitors: Monitors, case: Case) -> None:
    summary = monitors.explainability(monitors.data(case.values * _TIMES))
    assert {row.rpartition(",")[0] for asked in monitors.server.asked for row in rows_of(asked)} == case.cells
    assert reports(case, "explainability", summary)


@pytest.mark.parametrize("method", ["LInfinity", "ChiSquared", "KLDivergence", "PSI", "JensenShannon", "Hellinger"])
def test_a_category_that_never_occurred_is_an_empty_bin(monitors: Monitors, method: str) -> None:
    data = monitors.data(["a", "b"] * 300)
    monitors.analyze(data, categorical_drift_method=method)
    baseline = {name: monitors.folder / f"out/{name}.json" for name in ("constraints", "statistics")}
    statistics = monitors.read("statistics.json")
    statistics["features"][0]["string_statistics"]["distribution"]["categorical"]["buckets"].append(
        {"value": "never", "count": 0}
    )
    baseline["statistics"].write_text(json.dumps(statistics))
    given = {f"baseline_{name}": path for name, path in baseline.items()}
    assert monitors.analyze(data, output_path=monitors.folder / "check", **given).violations == ()


def test_classes_and_groups_that_never_occur_are_defined_or_say_why_not(monitors: Monitors) -> None:
    data = monitors.data(["1", "2", "8"] * 70)  # predictions are 0 to 6
    monitors.model_quality(data, "MulticlassClassification")
    statistics = monitors.read("statistics.json")
    (metrics,) = (value for name, value in statistics.items() if name.endswith("_metrics"))
    per_class = metrics.get("per_class") or statistics["per_class"]
    assert per_class["0"]["recall"]["value"] == per_class["8"]["precision"]["value"] == 0.0  # scikit-learn 1.9.1
    summary = monitors.bias(data, value_or_threshold=["never"])
    assert any(re.search("v = never: .* are undefined: Facet set is empty", warning) for warning in summary.warnings)


def test_labels_in_files_of_their_own_are_spelled_by_the_settings_too(monitors: Monitors) -> None:
    def captured(number: int) -> str:
        payload = {"data": f'"{number}.000,5"', "encoding": "CSV", "observedContentType": "text/csv"}
        event = {"eventId": f"e{number}", "inferenceId": f"i{number}", "inferenceTime": "2026-01-01T00:00:00Z"}
        return json.dumps(
            {"captureData": {"endpointInput": payload, "endpointOutput": payload}, "eventMetadata": event}
        )

    data, labels = monitors.folder / "captured.jsonl", monitors.folder / "labels.csv"
    data.write_text("\n".join(map(captured, range(1, 41))))
    rows = [f'i{number},"{number}.002,5 €"' for number in range(1, 41)]
    labels.write_text("\n".join(["inference_id,ground_truth_value", *rows]) + "\n")
    monitors.given |= {"dataset_format": {"sagemakerCaptureJson": {}}, "decimal": ","}
    monitors.analyze(data, analysis_type="MODEL_QUALITY", problem_type="Regression", ground_truth_source=labels)
    assert monitors.read("statistics.json")["regression_metrics"]["mae"]["value"] == 2.0


KINDS: dict[str, Callable[[Monitors, Path], AnalysisSummary]] = {
    "data quality": Monitors.data_quality,
    "classes": lambda monitors, data: monitors.model_quality(data, "MulticlassClassification"),
    "regression": lambda monitors, data: monitors.model_quality(data, "Regression"),
    "bias": lambda monitors, data: monitors.bias(data, value_or_threshold=[2], data_type="continuous"),
    "explainability": Monitors.explainability,
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_columns_of_one_name_are_refused_with_their_numbers(monitors: Monitors, kind: str, form: str) -> None:
    path = monitors.folder / "data"
    if form == "csv":
        path.write_text("v,w,v,y,p\n" + "1,2,3,0,1\n" * 20)
    else:
        columns = {"v": [1] * 20, "w": [2] * 20, "y": [0, 1] * 10, "p": [1] * 20, "z": [3] * 20}
        pl.DataFrame(columns).write_parquet(path, compression="uncompressed")
        path.write_bytes(path.read_bytes().replace(b"\x18\x01z", b"\x18\x01v"))  # names in the schema of the footer
    monitors.given["dataset_format"] = {form: {}}
    with pytest.raises(InvalidInput, match="DuplicateColumn") as refused:
        KINDS[kind](monitors, path)
    assert ("1, 3" if form == "csv" else "1, 5") in str(refused.value)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("spell", "given"),
    [
        (lambda value: f"{value}.500,25 €", {"decimal": ","}),
        (lambda value: f"${value},500.25", {"decimal": "."}),
        (lambda value: f"{value}500.25 ", {"trim_blanks": True}),
        (lambda value: f"{value}500.25" if value % 4 else " k. A.", {"missing_values": "k. A.", "trim_blanks": True}),
    ],
)
def test_all_kinds_read_values_as_settings_spell_them(
    monitors: Monitors, kind: str, spell: Callable[[int], str], given: dict[str, object]
) -> None:
    values = [1 + i % 8 for i in range(240)]
    missing = "missing_values" in given

    def results(texts: list[str]) -> tuple[object, list[str]]:
        monitors.server.asked.clear()
        KINDS[kind](monitors, monitors.data(texts))
        files = {path.name: path.read_text() for path in sorted((monitors.folder / "out").glob("*.json"))}
        files.pop("analysis_summary.json")
        for name, text in files.items():
            files[name] = "\n".join(line for line in text.splitlines() if "_time" not in line)
        return files, sorted(row for asked in monitors.server.asked for row in rows_of(asked))

    plain = results(["" if missing and value % 4 == 0 else f"{value}500.25" for value in values])
    monitors.given |= given
    assert results([spell(value) for value in values]) == plain


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_all_kinds_tell_the_order_of_a_preprocessors_numbers(monitors: Monitors, kind: str) -> None:
    script = monitors.folder / "preprocess.py"
    script.write_text(
        "def preprocess_handler(line):\n"
        "    v, w, y, p = line.split(',')\n"
        "    return {**dict.fromkeys(map(str, range(9, 11)), 1), '1': v, '2': w, '3': y, '4': p}\n"
    )
    path = monitors.folder / "data.csv"
    path.write_text("\n".join(f"{1 + i % 5},{i % 7},{i % 2},{(i // 3) % 2}" for i in range(120)) + "\n")
    monitors.given |= {"record_preprocessor_script": script, "dataset_format": {"csv": {"header": False}}}
    names = {"ground_truth_attribute": "_c0", "inference_attribute": "_c2"}
    if kind == "data quality":
        summary = monitors.analyze(path)
    elif kind in ("classes", "regression"):
        problem = "Regression" if kind == "regression" else "MulticlassClassification"
        summary = monitors.analyze(path, analysis_type="MODEL_QUALITY", problem_type=problem, **names)
    elif kind == "bias":
        document = {"label": "_c3", "label_values_or_threshold": [1], "facet": [{"name_or_index": "_c0"}]}
        config = monitors.config(document)
        summary = monitors.analyze(path, analysis_type="MODEL_BIAS", analysis_config=config, inference_attribute="_c4")
    else:
        monitors.server.respond = lambda asked: (200, "\n".join(str(len(row)) for row in rows_of(asked)).encode())
        config = monitors.config({"methods": {"shap": {"num_clusters": 2}}})
        url = monitors.server.url
        summary = monitors.analyze(path, analysis_type="MODEL_EXPLAINABILITY", analysis_config=config, model_url=url)
    assert any("its column 10 is read as _c1" in warning for warning in summary.warnings)


@pytest.mark.parametrize("kind", ["bias", "explainability"])
@pytest.mark.parametrize("by_number", [True, False])
def test_numbers_of_columns_that_count_captured_responses_are_reported(
    monitors: Monitors, kind: str, by_number: bool
) -> None:
    path = monitors.folder / "captured.jsonl"
    payload = {"encoding": "CSV", "observedContentType": "text/csv"}
    lines = [
        {
            "captureData": {
                "endpointInput": {"data": f"{i % 2},{i % 7}", **payload},
                "endpointOutput": {"data": str((i // 3) % 2), **payload},
            },
            "groundTruthData": {"data": str(i % 2), "encoding": "CSV"},
            "eventMetadata": {"eventId": str(i), "inferenceTime": "2026-01-01T00:00:00Z"},
        }
        for i in range(120)
    ]
    path.write_text("\n".join(map(json.dumps, lines)))
    monitors.given["dataset_format"] = {"sagemakerCaptureJson": {}}
    if kind == "bias":
        facet = {"name_or_index": "_c1" if by_number else 0, "value_or_threshold": [1]}
        document: dict[str, object] = {"label_values_or_threshold": [1], "facet": [facet]}
        given: dict[str, object] = {"analysis_type": "MODEL_BIAS", "ground_truth_attribute": "0"}
    else:
        monitors.server.respond = lambda asked: (200, "\n".join(str(len(row)) for row in rows_of(asked)).encode())
        headers = ["_c0", "_c1"] if by_number else ["age", "income"]
        document = {"headers": headers, "methods": {"shap": {"num_clusters": 2}}}
        given = {"analysis_type": "MODEL_EXPLAINABILITY", "model_url": monitors.server.url}
    summary = monitors.analyze(path, analysis_config=monitors.config(document), **given)
    said = "responses come first: _c0 is the response, _c1 the request's first column"
    assert any(said in warning for warning in summary.warnings) is by_number
