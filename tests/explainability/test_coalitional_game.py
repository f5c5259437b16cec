"""Requests that coalitions become: how many, how long, and what is made of the responses."""

from __future__ import annotations

import re
import threading
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from modelwatch_analyzer.explainability.coalitional_game import CoalitionalGame, RequestLimits, ShapValues
from modelwatch_analyzer.explainability.config import Predictor
from modelwatch_analyzer.explainability.explainers import design
from modelwatch_analyzer.explainability.requests import RequestFormat
from modelwatch_analyzer.explainability.responses import reader
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.redaction import strictly_redacted_message


class InProcess:
    """A model without a server, that remembers what it was asked."""

    def __init__(self, function: Any) -> None:
        self.function, self.bodies, self.at_once, self.most_at_once = function, [], 0, 0
        self.lock = threading.Lock()

    def invoke(self, body: bytes, _content_type: str, _accept: str) -> bytes:
        with self.lock:
            self.bodies.append(body)
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        rows = np.array([[float(cell) for cell in line.split(",")] for line in body.decode().splitlines()])
        response = "\n".join(map(repr, self.function(rows).tolist())).encode()
        with self.lock:
            self.at_once -= 1
        return response


def interacting(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(rows[:, 0] * rows[:, 1] + np.sin(rows[:, 2]) * rows[:, -1])


def table(rows: NDArray[np.float64]) -> pl.DataFrame:
    return pl.DataFrame(rows.round(3).astype(str), schema=[f"f{i}" for i in range(rows.shape[1])])


def a_game(
    rows: pl.DataFrame, background: pl.DataFrame, limits: RequestLimits, most_rows: int | None = None
) -> CoalitionalGame:
    request = RequestFormat.of(Predictor(), rows.columns, most_rows)
    return CoalitionalGame(rows, background, [True] * rows.width, request, reader("text/csv", None), limits, "text/csv")


def silent(done: int, planned: int, scored: int) -> None:
    assert 0 < done <= planned
    assert scored >= done


@given(
    explained=st.integers(1, 12),
    behind=st.integers(1, 6),
    features=st.integers(1, 6),
    payload=st.integers(60, 2000),
    parallel=st.integers(1, 4),
    most_rows=st.one_of(st.none(), st.integers(1, 50)),
    seed=st.integers(0, 1000),
)
@settings(max_examples=60)
def test_payloads_keep_to_their_limits_and_their_plan_and_do_not_change_the_values(
    explained: int, behind: int, features: int, payload: int, parallel: int, most_rows: int | None, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    scale = 10.0 ** rng.integers(0, 4, size=(explained, features))
    rows, background = table(rng.normal(size=(explained, features)) * scale), table(rng.normal(size=(behind, features)))

    def function(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(np.cos(values).prod(axis=1) + values[:, 0])

    chosen = design("auto", features, None, seed)
    model = InProcess(function)
    game = a_game(rows, background, RequestLimits(10**6, parallel, payload), most_rows)
    plan = game.plan(chosen)
    found = game.evaluate(chosen, plan, model, silent, use_logit=False)
    assert plan.rows == explained
    assert found.calls == len(model.bodies) <= plan.calls
    assert max(map(len, model.bodies)) <= payload
    lines = [len(body.splitlines()) for body in model.bodies]
    assert sum(lines) == plan.scored
    assert max(lines) <= (most_rows or 10**6)
    assert model.most_at_once <= parallel

    values, behind_values = rows.cast(pl.Float64).to_numpy(), background.cast(pl.Float64).to_numpy()
    members = np.vstack([np.zeros(features, bool), np.ones(features, bool), chosen.coalitions])
    for number, row in enumerate(values):
        worths = [function(np.where(member, row, behind_values)).mean() for member in members]
        np.testing.assert_allclose(found.values[number, 0], chosen.weights @ worths, rtol=1e-9, atol=1e-7)
    assert found.expected == pytest.approx([function(behind_values).mean()])


def test_full_payloads_leave_no_room_for_a_row_but_in_the_last() -> None:
    rng = np.random.default_rng(0)
    model = InProcess(interacting)
    game = a_game(table(rng.normal(size=(20, 6))), table(rng.normal(size=(10, 6))), RequestLimits(10**6, 2, 4000))
    chosen = design("exact", 6, None, 0)
    game.evaluate(chosen, game.plan(chosen), model, silent, use_logit=False)
    longest = max(len(line) for body in model.bodies for line in body.splitlines()) + 1
    short = [body for body in model.bodies if len(body) <= 4000 - longest]
    assert len(short) <= 2  # the last of the ends, and the last of the coalitions


def test_the_budget_decides_how_many_rows_are_explained() -> None:
    rng = np.random.default_rng(0)
    rows, background = table(rng.normal(size=(200, 5))), table(rng.normal(size=(4, 5)))
    chosen = design("auto", 5, None, 0)
    reached = []
    for calls in (3, 10, 30, 10**6):
        model = InProcess(interacting)
        game = a_game(rows, background, RequestLimits(calls, 1, 10_000))
        plan = game.plan(chosen)
        assert game.evaluate(chosen, plan, model, silent, use_logit=False).calls <= min(calls, plan.calls)
        reached.append(plan.rows)
    assert reached == sorted(reached)
    assert 0 < reached[0] < reached[1] < reached[2] < 200 == reached[3]


@pytest.mark.parametrize(
    ("limits", "code"),
    [(RequestLimits(2, 1, 100), "ModelCallBudgetTooSmall"), (RequestLimits(100, 1, 10), "RowTooLarge")],
)
def test_what_does_not_fit_is_refused_before_the_first_request(limits: RequestLimits, code: str) -> None:
    rng = np.random.default_rng(0)
    game = a_game(table(rng.normal(size=(3, 5))), table(rng.normal(size=(4, 5))), limits)
    with pytest.raises(InvalidInput) as refused:
        game.plan(design("auto", 5, None, 0))
    assert refused.value.code == code


def test_log_odds_are_explained_instead_of_probabilities() -> None:
    # log-odds of a logistic model are linear: each value is weight * (x - background).
    weights = np.array([1.0, -2.0, 0.5])
    rows, background = table(np.array([[1.0, 0.5, 2.0]])), table(np.zeros((1, 3)))
    model = InProcess(lambda values: 1 / (1 + np.exp(-values @ weights)))
    game = a_game(rows, background, RequestLimits(10, 1, 10_000))
    chosen = design("auto", 3, None, 0)
    found = game.evaluate(chosen, game.plan(chosen), model, silent, use_logit=True)
    np.testing.assert_allclose(found.values[0], [[1.0, -1.0, 1.0]], atol=1e-12)


@pytest.mark.parametrize("explainer", ["exact", "kernel", "permutation"])
def test_features_that_the_model_does_not_use_have_no_attribution_at_all(explainer: str) -> None:
    rng = np.random.default_rng(0)
    rows, background = table(rng.normal(size=(5, 6))), table(rng.normal(size=(7, 6)))
    chosen = design(explainer, 6, 30, 0)
    for function in (lambda v: np.full(len(v), 0.1), lambda v: 0.1 + 0.3 * v[:, 2]):
        game = a_game(rows, background, RequestLimits(1000, 2, 2000))
        found = game.evaluate(chosen, game.plan(chosen), InProcess(function), silent, use_logit=False)
        assert (np.delete(found.values, 2, axis=2) == 0).all()
    assert (found.values[..., 2] != 0).all()


def test_log_odds_do_not_need_whole_rows_in_a_request() -> None:
    weights = np.array([1.0, -2.0, 0.5])
    rows, background = table(np.array([[1.0, 0.5, 2.0], [0.5, 1.0, 1.0]])), table(np.zeros((20, 3)))
    model = InProcess(lambda values: 1 / (1 + np.exp(-values @ weights)))
    game = a_game(rows, background, RequestLimits(1000, 1, 100))
    chosen = design("auto", 3, None, 0)
    found = game.evaluate(chosen, game.plan(chosen), model, silent, use_logit=True)
    assert found.calls > 20
    np.testing.assert_allclose(found.values[:, 0], [[1.0, -1.0, 1.0], [0.5, -2.0, 0.5]], atol=1e-12)


def test_certain_probabilities_have_finite_log_odds_and_other_numbers_none() -> None:
    rows, background = table(np.ones((1, 3))), table(np.zeros((1, 3)))
    chosen = design("auto", 3, None, 0)
    game = a_game(rows, background, RequestLimits(10, 1, 10_000))
    found = game.evaluate(chosen, game.plan(chosen), InProcess(lambda v: v[:, 0]), silent, use_logit=True)
    assert np.isfinite(found.values).all()
    with pytest.raises(InvalidInput) as refused:
        game.evaluate(chosen, game.plan(chosen), InProcess(lambda v: v[:, 0] * 3), silent, use_logit=True)
    assert refused.value.code == "NotProbabilities"


@pytest.mark.parametrize(
    ("message", "redacted"),
    [
        ("could not convert string to float: 'Smith'", "could not convert string to float: '...'"),
        ("row 17 has value 3.25e-4", "row # has value #"),
        ("unknown city Oslo in column city", "unknown city ... in column city"),
        ("doesn't take new  York!", "doesn't take ...!"),
        ('{"error": "bad input for feature_3"}', "{'...': '...'}"),
        ("feature_3 is  not\nthere", "feature_3 is not there"),
        ("x" * 500, "x" * 200 + "..."),
        ("unknown city K\\u00f6ln", "unknown city ..."),
        ("feature_33 is not there", "feature_33 is not there"),
        ("Oslo " * 4000, "..."),
        ("Oslo " * 1999 + "in Oslo is unknown", "... in"),  # cut in the middle of a word of 10,000 characters
        ("", ""),
    ],
)
def test_an_endpoints_message_is_cut_and_holds_no_values(message: str, redacted: str) -> None:
    assert strictly_redacted_message(message, ["Oslo", '"New York, N.Y."', "", "12", "Köln"]) == redacted


@given(
    cells=st.lists(st.text(st.characters(categories=["L", "N", "Z"]), min_size=1, max_size=12), min_size=1),
    message=st.lists(st.sampled_from(["could", "not", "take", "{}", "'{}'", "x={}", "[{}, {}]", "row:{}"]), max_size=6),
)
@settings(max_examples=80)
def test_no_word_that_was_sent_is_in_what_is_shown(cells: list[str], message: list[str]) -> None:
    said = " ".join(word.format(*([cells[number % len(cells)]] * 2)) for number, word in enumerate(message))
    redacted = strictly_redacted_message(said, cells)
    sent = {word.lower() for cell in cells for word in re.findall(r"\w+", cell)}
    assert not sent & {word.lower() for word in re.findall(r"\w+", redacted)}


@pytest.mark.parametrize("off", [1.0000000000000002, 1.0000001192092896, -2.8e-17, 1 + 1e-6, -1e-6])
def test_responses_off_by_rounding_have_the_log_odds_of_certain_ones_and_are_counted(off: float) -> None:
    rows, background = table(np.ones((1, 3))), table(np.zeros((1, 3)))
    chosen = design("auto", 3, None, 0)
    game = a_game(rows, background, RequestLimits(10, 1, 10_000))

    def values(response: float) -> ShapValues:
        model = InProcess(lambda v: np.where(v[:, 0] == 1, response, 0.5))
        return game.evaluate(chosen, game.plan(chosen), model, silent, use_logit=True)

    found, certain = values(off), values(float(round(off)))
    np.testing.assert_allclose(found.values, certain.values, rtol=1e-12)
    assert found.rounded > 0
    assert not certain.rounded
