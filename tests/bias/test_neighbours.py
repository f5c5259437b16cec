"""The flip test's neighbours are scikit-learn's, however many are equally far away."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier

from modelwatch_analyzer.bias.neighbours import most_accepted


@pytest.mark.parametrize("features", [1, 3, 15, 16])
@pytest.mark.parametrize("step", [0.0, 0.25, 0.5, 1.0], ids=["no ties", "some ties", "many ties", "integers"])
@pytest.mark.parametrize("count", [1, 4, 5])
def test_most_of_the_neighbours_are_what_scikit_learn_predicts(features: int, step: float, count: int) -> None:
    generator = np.random.default_rng([20261129, features, count])
    rows, others = generator.normal(size=(150, features)), generator.normal(size=(200, features))
    if step:
        rows, others = (np.round(each / step) * step for each in (rows, others))
    if step == 1.0:
        rows, others = rows.astype(np.int64), others.astype(np.int64)
    accepted = generator.random(200) < 0.4
    expected = KNeighborsClassifier(n_neighbors=count).fit(others, accepted).predict(rows)
    assert most_accepted(rows, others, accepted, count).tolist() == expected.tolist()


@pytest.mark.parametrize("others", [1, 2, 9, 10, 11])
def test_few_rows_are_compared_with_as_scikit_learn_does(others: int) -> None:
    generator = np.random.default_rng(others)
    accepted = generator.random(others) < 0.5
    there, rows = generator.normal(size=(others, 2)), generator.normal(size=(20, 2))
    count = min(others, 5)
    expected = KNeighborsClassifier(n_neighbors=count).fit(there, accepted).predict(rows)
    assert most_accepted(rows, there, accepted, count).tolist() == expected.tolist()


def test_distances_beyond_a_double_are_left_to_scikit_learn() -> None:
    generator = np.random.default_rng(1)
    others, rows = 1e200 * generator.normal(size=(40, 3)), generator.normal(size=(10, 3))
    rows[1, 1] = -1e170
    accepted = generator.random(40) < 0.5
    expected = KNeighborsClassifier(n_neighbors=5).fit(others, accepted).predict(rows)
    assert most_accepted(rows, others, accepted, 5).tolist() == expected.tolist()
