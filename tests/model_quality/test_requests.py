"""Rows of one request are alike: what metrics make of whole requests, against the bootstrap of requests."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import reduce
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn import metrics as sk

from modelwatch_analyzer import request_rows
from modelwatch_analyzer.distances.distribution_constraints import SUGGESTED_DISTRIBUTION
from modelwatch_analyzer.metric_change import INDEPENDENT, Dependence, Rates
from modelwatch_analyzer.model_quality.binary import BinaryEvaluation
from modelwatch_analyzer.model_quality.check import check
from modelwatch_analyzer.model_quality.columns import Columns
from modelwatch_analyzer.model_quality.documents import suggested_constraints
from modelwatch_analyzer.model_quality.drift import check_distributions
from modelwatch_analyzer.model_quality.metric import Confidence
from modelwatch_analyzer.model_quality.multiclass import MulticlassEvaluation
from modelwatch_analyzer.model_quality.quality import Evaluation, Quality
from modelwatch_analyzer.model_quality.regression import RegressionEvaluation
from modelwatch_analyzer.reading.dataset import REQUEST_COLUMN
from modelwatch_analyzer.request_rows import RequestRows
from modelwatch_core.domain.monitor_kinds import ProblemType
from modelwatch_core.domain.monitor_kinds.model_quality import ThresholdRule

CONFIDENCE = Confidence(replicates=300, estimates=True)
CLASSES = np.array(["cat", "dog", "owl"])


def frame_of(sizes: NDArray[np.int64], **columns: NDArray[Any]) -> pl.DataFrame:
    """Return rows of requests of these sizes."""
    numbers = np.repeat(np.arange(sizes.size, dtype=np.uint64), sizes)
    return pl.DataFrame({**columns, REQUEST_COLUMN: numbers})


def binary(generator: np.random.Generator, sizes: NDArray[np.int64], alike: float) -> pl.DataFrame:
    """Draw probabilities and labels, of whose normal deviates requests share so much of the variance."""
    drawn = []
    for shared in generator.normal(size=(2, sizes.size)):
        own = generator.normal(size=sizes.sum())
        drawn.append(np.sqrt(alike) * np.repeat(shared, sizes) + np.sqrt(1 - alike) * own)
    known, unknown = drawn
    score = 1 / (1 + np.exp(-1.3 * known))
    return frame_of(sizes, p=score, prediction=(score > 0.5).astype(int), label=(known + unknown > 0).astype(int))


def numbers(generator: np.random.Generator, sizes: NDArray[np.int64], alike: float) -> pl.DataFrame:
    drawn = binary(generator, sizes, alike)["p"].to_numpy()
    noise = binary(generator, sizes, alike)["p"].to_numpy() - 0.5
    return frame_of(sizes, prediction=drawn, label=drawn + 0.5 * noise)


def classes(generator: np.random.Generator, sizes: NDArray[np.int64], alike: float) -> pl.DataFrame:
    drawn = binary(generator, sizes, alike)
    guess = np.digitize(drawn["p"].to_numpy(), [0.4, 0.6])
    label = np.where(drawn["label"].to_numpy() == 1, guess, 2 - guess)
    return frame_of(sizes, prediction=CLASSES[guess], label=CLASSES[label])


KINDS: Mapping[str, tuple[Callable[[], Evaluation], Callable[..., pl.DataFrame]]] = {
    "binary": (lambda: BinaryEvaluation(Columns("label", "prediction", ("p",))), binary),
    "multiclass": (lambda: MulticlassEvaluation(Columns("label", "prediction", ())), classes),
    "regression": (lambda: RegressionEvaluation(Columns("label", "prediction", ())), numbers),
}


def quality_of(kind: str, *batches: pl.DataFrame) -> Quality:
    evaluation = KINDS[kind][0]()
    for batch in batches:
        evaluation.update(batch)
    return evaluation.finish(CONFIDENCE)


def dependences(quality: Quality) -> dict[str, Dependence]:
    estimates = {name: measured.estimate for name, measured in quality.metrics.items()}
    return {name: estimate.dependence for name, estimate in estimates.items() if estimate is not None}


@pytest.mark.parametrize("kind", KINDS)
def test_copies_in_a_request_count_once(kind):
    alone = KINDS[kind][1](np.random.default_rng(1), np.ones(200, np.int64), 0.0)
    sizes = np.full(200, 7)
    copied = alone.select(pl.all().repeat_by(7).explode(empty_as_null=True))
    found = dependences(quality_of(kind, copied))
    assert len(found) > 8
    for name, dependence in found.items():
        if "constant" in name:  # a recall that is always 1 depends on nothing
            continue
        # By hand: each row adds the same 7 times to its request's sum; G / (G - 1) for the mean of G requests.
        assert 1 <= dependence.requests < sizes.size + 1e-9
        requests = max(2.0, dependence.requests)
        assert dependence.repeated == pytest.approx(7 * requests / (requests - 1), rel=1e-6), name


def test_what_names_of_probabilities_have_in_common_changes_no_dependence():
    def quality(beginning: str) -> Quality:
        columns = tuple(f"{beginning}{name}" for name in CLASSES)
        evaluation = MulticlassEvaluation(Columns("label", None, columns))
        for batch in drawn.iter_slices(50):
            evaluation.update(batch.rename(dict(zip("abc", columns, strict=True))))
        return evaluation.finish(CONFIDENCE)

    generator = np.random.default_rng(3)
    rows = classes(generator, np.full(60, 5), 0.9)
    probabilities = dict(zip("abc", np.repeat(generator.dirichlet(np.ones(3), 60), 5, axis=0).T, strict=True))
    drawn = rows.select("label", REQUEST_COLUMN).with_columns(**probabilities)
    plain, begun = quality(""), quality("p_")
    assert dependences(begun) == dependences(plain)
    assert any(each.repeated > 1.5 for each in dependences(plain).values())
    assert begun.metrics == plain.metrics


def clustered(kind: str, drawn: pl.DataFrame, of: Callable[[pl.DataFrame], dict[str, float]]) -> dict[str, float]:
    """Return standard errors by the bootstrap of whole requests."""
    generator = np.random.default_rng(5)
    requests = drawn.partition_by(REQUEST_COLUMN, maintain_order=True)
    found = [
        of(pl.concat([requests[i] for i in generator.integers(len(requests), size=len(requests))])) for _ in range(400)
    ]
    return {name: float(np.std([each[name] for each in found])) for name in found[0]}


def of_binary(rows: pl.DataFrame) -> dict[str, float]:
    label, guess, score = (rows[name].to_numpy() for name in ("label", "prediction", "p"))
    return {
        "accuracy": sk.accuracy_score(label, guess),
        "recall": sk.recall_score(label, guess),
        "precision": sk.precision_score(label, guess),
        "f1": sk.f1_score(label, guess),
        "auc": sk.roc_auc_score(label, score),
        "brier_score": sk.brier_score_loss(label, score),
        "log_loss": sk.log_loss(label, score),
    }


def of_numbers(rows: pl.DataFrame) -> dict[str, float]:
    label, guess = (rows[name].to_numpy() for name in ("label", "prediction"))
    return {
        "mae": sk.mean_absolute_error(label, guess),
        "rmse": sk.mean_squared_error(label, guess) ** 0.5,
        "r2": sk.r2_score(label, guess),
        "median_absolute_error": sk.median_absolute_error(label, guess),
    }


def of_classes(rows: pl.DataFrame) -> dict[str, float]:
    label, guess = (rows[name].to_numpy() for name in ("label", "prediction"))
    return {
        "accuracy": sk.accuracy_score(label, guess),
        "weighted_precision": sk.precision_score(label, guess, average="weighted"),
        "weighted_f1": sk.f1_score(label, guess, average="weighted"),
        "balanced_accuracy": sk.balanced_accuracy_score(label, guess),
    }


@pytest.mark.parametrize(
    ("kind", "of"), [("binary", of_binary), ("multiclass", of_classes), ("regression", of_numbers)]
)
def test_standard_errors_are_those_of_the_bootstrap_of_whole_requests(kind, of):
    # Metrics and resampling by scikit-learn and NumPy; requests of 1 to 15 rows that share four fifths of the variance.
    sizes = np.random.default_rng(2).integers(1, 16, 150)
    drawn = KINDS[kind][1](np.random.default_rng(3), sizes, 0.8)
    expected, measured = clustered(kind, drawn, of), quality_of(kind, drawn).metrics
    for name, error in expected.items():
        estimate = measured[name].estimate
        assert estimate is not None
        assert estimate.standard_error == pytest.approx(error, rel=0.2), name
        assert estimate.dependence.repeated > 3, name
        lower, upper = measured[name].interval or (0.0, 0.0)
        assert upper - lower == pytest.approx(2 * 1.96 * error, rel=0.35), name


@pytest.mark.parametrize("kind", KINDS)
def test_independent_rows_of_requests_count_as_nearly_as_many(kind):
    found = dependences(quality_of(kind, KINDS[kind][1](np.random.default_rng(4), np.full(200, 10), 0.0)))
    assert all(dependence.repeated < 1.6 for dependence in found.values())


@pytest.mark.parametrize("sizes", [np.full(4, 100), np.append(np.ones(30, np.int64), 900)])
def test_too_few_requests_are_named_and_change_nothing(sizes):
    quality = quality_of("binary", binary(np.random.default_rng(6), sizes, 0.9))
    assert set(dependences(quality).values()) == {INDEPENDENT}
    assert quality.remark_on_requests() == (
        f"The rows came in {sizes.size} requests, which are too few, or too unequal, to tell whether rows of one are "
        "alike."
    )


def test_rows_that_came_alone_are_worth_as_much_as_ever():
    generator = np.random.default_rng(7)
    several = binary(generator, np.full(50, 10), 0.999)
    alone = binary(generator, np.ones(1_500, np.int64), 0.0).drop(REQUEST_COLUMN)
    assert set(dependences(quality_of("binary", alone)).values()) == {INDEPENDENT}
    # A quarter of the rows counts ten times fewer: 1 + 9 / 4, but for the shares of 50 requests.
    both = dependences(quality_of("binary", alone, several))["accuracy"]
    assert both.repeated == pytest.approx(3.25, rel=0.1)
    assert 200 < both.requests <= 550


def test_requests_whose_predictions_are_all_right_are_as_uncertain_as_so_few_rows():
    # By 960 rows, of which two more may be wrong, the standard error of a precision of 1 would be a ninth of it.
    label = np.arange(12) % 2
    few, many = (
        pl.DataFrame({"prediction": np.repeat(label, copies), "label": np.repeat(label, copies)}) for copies in (1, 80)
    )
    many = many.with_columns(pl.Series(REQUEST_COLUMN, np.repeat(np.arange(12, dtype=np.uint64), 80)))
    evaluations = [BinaryEvaluation(Columns("label", "prediction", ())) for _ in range(2)]
    for evaluation, rows in zip(evaluations, (few, many), strict=True):
        evaluation.update(rows)
    of_few, of_many = (each.finish(CONFIDENCE).metrics for each in evaluations)
    for name in ("accuracy", "precision", "recall", "f1"):
        expected, found = of_few[name].estimate, of_many[name].estimate
        assert expected is not None
        assert found is not None
        assert found.standard_error == pytest.approx(expected.standard_error, rel=0.25), name
        assert found.independent_rows == pytest.approx(expected.rows, rel=0.1), name


def violations(kind: str, seed: int, *, known: bool) -> int:
    """Return how many of 8 windows of 40 requests, of 25 rows that are the same, are violations."""
    generator, found = np.random.default_rng(seed), 0
    problem = {"binary": ProblemType.BINARY_CLASSIFICATION, "regression": ProblemType.REGRESSION}[kind]
    for _ in range(8):
        before, now = (KINDS[kind][1](generator, np.full(40, 25), 0.999) for _ in range(2))
        if not known:
            before, now = before.drop(REQUEST_COLUMN), now.drop(REQUEST_COLUMN)
        constraints = suggested_constraints(quality_of(kind, before), problem, ThresholdRule.SAMPLING_ERROR)
        registry = tuple(KINDS[kind][0]().metrics())
        found += bool(check(quality_of(kind, now).metrics, constraints, registry, Rates()).violations)
    return found


@pytest.mark.parametrize("kind", ["binary", "regression"])
def test_windows_without_a_change_are_no_violations_where_rows_of_a_request_are_the_same(kind):
    assert violations(kind, 8, known=True) == 0
    assert violations(kind, 8, known=False) >= 3  # as if they were independent


@pytest.mark.parametrize("kind", KINDS)
def test_the_drift_of_predictions_and_labels_allows_for_the_chance_of_requests(kind):
    # By hand: Robust takes 1.8 sqrt((n + m) / (n m)) off the distance, where n = m = 40 requests of 25 equal rows each.
    generator, chance = np.random.default_rng(10), 1.8 * (2 / 40) ** 0.5
    before, now = (quality_of(kind, KINDS[kind][1](generator, np.full(40, 25), 1.0)).distributions for _ in range(2))
    limits = dict.fromkeys(now, SUGGESTED_DISTRIBUTION)
    simple = {name: limit.model_copy(update={"comparison_method": "Simple"}) for name, limit in limits.items()}
    for name, drift in check_distributions(now, before, limits).drifts.items():
        whole = check_distributions(now, before, simple).drifts[name].distance
        assert now[name].repeated == pytest.approx(25, rel=0.2)
        assert drift.distance == pytest.approx(max(0.0, whole - chance), abs=0.03)
        assert not drift.exceeded
        then, alone = (
            {each: side[each].model_copy(update={"repeated": None}) for each in side} for side in (before, now)
        )
        as_rows = check_distributions(alone, then, limits).drifts[name].distance
        assert as_rows == pytest.approx(max(0.0, whole - 1.8 * (2 / 1_000) ** 0.5), abs=1e-9)


_SIZES = st.lists(st.integers(1, 6), min_size=1, max_size=30)


@settings(max_examples=60, deadline=None)
@given(sizes=_SIZES, cuts=st.lists(st.integers(0, 30), max_size=5), limit=st.integers(5, 40), least=st.integers(1, 4))
@example(sizes=[6] * 30, cuts=[7, 13], limit=8, least=1)
@example(sizes=[1] * 12, cuts=[3], limit=5, least=2)
@example(sizes=[3, 5, 5, 5, 3, 4, 4, 5, 1, 2], cuts=[7], limit=6, least=1)
@example(sizes=[6, 2, 6, 1, 6], cuts=[2, 3], limit=9, least=4)
def test_requests_are_the_same_however_the_rows_are_split(sizes, cuts, limit, least):
    rows = [
        pl.DataFrame({"v": np.arange(size) % 4, REQUEST_COLUMN: np.full(size, 1000 + number, np.uint64)})
        for number, size in enumerate(sizes)
    ]
    ends = sorted({min(cut, len(rows)) for cut in cuts} | {0, len(rows)})
    parts = [rows[start:end] for start, end in pairwise(ends)]

    def read(batches: list[pl.DataFrame]) -> RequestRows:
        found = RequestRows()
        for batch in batches:
            found.update(batch, lambda batch=batch: {"v": batch["v"]})
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(request_rows, "_MOST_ENTRIES", limit)
        patch.setattr(request_rows, "_LEAST_REQUESTS", least)
        patch.setattr(request_rows, "are_few", lambda *_: False)
        ways = [
            read([pl.concat(rows)]),
            read(rows),
            reduce(RequestRows.merge, map(read, parts)),
            reduce(lambda right, left: left.merge(right), map(read, reversed(parts))),
        ]
        whole, *others = ((each.alone, each.rows, each.requests, each.squares, each.entries) for each in ways)
    assert whole[:4] == (0, sum(sizes), len(sizes), sum(size**2 for size in sizes))
    for other in others:
        assert other[:4] == whole[:4]
        assert (other[4] is None) == (whole[4] is None)
        assert whole[4] is None or other[4].equals(whole[4])
    if whole[4] is not None:
        kept = whole[4]["request"].n_unique()
        assert kept == len(sizes) or kept >= least
        assert whole[4].group_by("request", maintain_order=True).agg(pl.col("rows").sum())["rows"].to_list() == (
            pytest.approx([sizes[number] for number in whole[4]["request"].unique(maintain_order=True)])
        )


def test_a_sample_of_many_requests_shows_what_all_of_them_do(monkeypatch):
    drawn = binary(np.random.default_rng(9), np.full(3_000, 4), 0.8)
    of_all = dependences(quality_of("binary", drawn))
    monkeypatch.setattr(request_rows, "_MOST_ENTRIES", 4_000)
    sampled = dependences(quality_of("binary", drawn))
    for name in ("accuracy", "recall", "auc", "log_loss"):
        assert sampled[name].repeated == pytest.approx(of_all[name].repeated, rel=0.15)
        assert sampled[name].requests < of_all[name].requests / 2


def test_requests_are_kept_by_the_same_numbers_on_every_machine():
    # The first outputs of SplitMix64 with the seeds 0 and 1, as Java's SplittableRandom and others publish them.
    drawn = request_rows._hashes(np.array([0, 1], np.uint64)).tolist()
    assert drawn == [0xE220A8397B1DCDAF, 0x910A2DEC89025CC1]


def read(sizes: NDArray[np.int64], values: NDArray[np.float64], at_once: int = 1) -> RequestRows:
    found, ends = RequestRows(), np.cumsum(sizes)
    frame = frame_of(sizes, v=values)
    for first in range(0, sizes.size, at_once):
        start, end = ends[first] - sizes[first], ends[min(first + at_once, sizes.size) - 1]
        rows = frame[int(start) : int(end)]
        found.update(rows, lambda rows=rows: {"v": rows["v"]})
    return found


def by_hand(sizes: NDArray[np.int64], values: NDArray[np.float64]) -> float:
    """Return the design effect of the mean, of all rows (Kish, 1965)."""
    away = values - values.mean()
    return float((np.add.reduceat(away, np.cumsum(sizes) - sizes) ** 2).sum() / (away**2).sum())


def test_large_requests_are_held_by_a_part_of_their_rows_and_are_worth_no_more_than_it():
    generator, sizes = np.random.default_rng(11), np.full(12, 20_000)
    own, shared = generator.normal(size=sizes.sum()), np.repeat(generator.normal(size=sizes.size), sizes)
    for values, least, most in ((own, 20, 40), (0.3 * shared + own, 0.8, 1.3)):
        found = read(sizes, values)
        entries = found.entries
        assert entries is not None
        assert entries.height == 12 * 666  # 20,000 entries are of at least 30 requests
        assert entries["rows"].sum() == pytest.approx(sizes.sum())
        dependence = found.dependence(entries, entries["v"].to_numpy())
        assert dependence is not None
        # Each row stands for 30: independent ones are worth as many as were looked at. Others are measured.
        assert least < dependence.repeated / (by_hand(sizes, values) if values is not own else 1) < most


def test_equal_rows_of_large_requests_are_all_counted():
    sizes = np.full(12, 20_000)
    found = read(sizes, np.concatenate([np.arange(20_000.0) % 500 + number for number in range(12)]))
    assert found.entries is not None
    assert found.entries["rows"].unique().to_list() == [40.0]


def test_one_large_request_among_thousands_is_not_missed(monkeypatch):
    monkeypatch.setattr(request_rows, "_MOST_ENTRIES", 2_000)
    monkeypatch.setattr(request_rows, "_LEAST_REQUESTS", 3)
    for large in (0, 1_200, 2_500):  # wherever it is, and so whatever its hash
        sizes = np.insert(np.full(2_500, 2), large, 3_000)
        generator = np.random.default_rng(large)
        shared = np.repeat(generator.normal(size=sizes.size), sizes)
        found = read(sizes, np.sqrt(0.5) * (shared + generator.normal(size=shared.size)), at_once=50)
        entries = found.entries
        assert entries is not None
        dependence = found.dependence(entries, entries["v"].to_numpy())
        assert dependence is not None
        # By hand: half of the variance is that of requests, so 1 + (3,000^2 + 2,500 * 2^2) / 8,000 / 2, less 1 / 2.
        assert dependence.repeated == pytest.approx(563.6, rel=0.25)


def test_a_distribution_without_a_value_has_no_design_effect():
    found = RequestRows()
    rows = pl.DataFrame({REQUEST_COLUMN: np.arange(24, dtype=np.uint64) // 2})
    found.update(rows, lambda: {"v": pl.Series([None] * 24, dtype=pl.Float64)})
    assert found.repeated("v") is None


def test_of_thousands_of_classes_the_frequent_ones_are_looked_at(monkeypatch):
    looked, dependence = [], RequestRows.dependence
    monkeypatch.setattr(RequestRows, "dependence", lambda self, *given: looked.append(1) or dependence(self, *given))
    found = RequestRows()
    classes = np.concatenate([np.zeros(500, int), np.arange(1, 2_001)])
    rows = pl.DataFrame({REQUEST_COLUMN: np.arange(5_000, dtype=np.uint64) // 2})
    found.update(rows, lambda: {"v": pl.Series(np.repeat(classes, 2)).cast(pl.String)})
    # Each row is there twice, and the influence of a rare class is that of four equally large requests: 2 * 4 / 3.
    assert found.repeated("v") == pytest.approx(8 / 3, rel=1e-3)
    assert len(looked) == 100
