"""What most of the nearest neighbours were predicted, as scikit-learn's ``KNeighborsClassifier`` finds them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_WORKING_MEMORY = 64
"""The most distances that scikit-learn holds at once, in MiB."""

_MOST_FEATURES = 15
"""With more features, scikit-learn computes all distances, and chooses otherwise among equal ones than its tree
does."""

_ROUNDING = 1e-9
"""Two distances may be equal if they differ by at most this share of themselves."""

_LEAF = 64
"""The number of rows in a leaf of the tree; with SciPy's default, 16, a query takes a fifth longer."""

Rows = NDArray[Any]
"""Rows of float64, or of int64 where all features are integers."""


def most_accepted(rows: Rows, others: Rows, accepted: NDArray[np.bool_], count: int) -> NDArray[np.bool_]:
    """Return for each row whether most of its nearest neighbours were accepted; a tie is a no.

    SciPy's tree finds the neighbours in a fraction of scikit-learn's time, which has the say where several are as far
    away. Rows of integers are left to it at once: nearly all of them have such neighbours.

    Parameters
    ----------
    rows, others : ndarray, shapes (n, features) and (m, features)
    accepted : ndarray of bool, shape (m,)
        Whether each of the others was accepted.
    count : int
        How many neighbours, at most m.
    """
    integers = np.issubdtype(others.dtype, np.integer)
    if integers or others.shape[1] > _MOST_FEATURES or count >= others.shape[0] // 2:
        return _by_scikit_learn(rows, others, accepted, count)
    from scipy.spatial import cKDTree

    # In the order of a tree, rows that are near to each other are so in memory, and find the same leaves in caches.
    order, placed = (cKDTree(each, leafsize=_LEAF).indices for each in (rows, others))
    distances, nearest = cKDTree(others[placed], leafsize=_LEAF).query(rows[order], k=count + 1)
    if np.isinf(distances[:, count]).any():  # squares beyond a double, of which the tree finds too few
        return _by_scikit_learn(rows, others, accepted, count)
    found = np.empty(len(rows), np.bool_)
    found[order] = 2 * np.count_nonzero(accepted[placed][nearest[:, :count]], axis=1) > count
    last, next_one = distances[:, count - 1], distances[:, count]
    tied = order[next_one - last <= _ROUNDING * next_one]
    if tied.size:
        found[tied] = _by_scikit_learn(rows[tied], others, accepted, count)
    return found


def _by_scikit_learn(rows: Rows, others: Rows, accepted: NDArray[np.bool_], count: int) -> NDArray[np.bool_]:
    from sklearn import config_context
    from sklearn.neighbors import KNeighborsClassifier

    with config_context(working_memory=_WORKING_MEMORY):
        classifier = KNeighborsClassifier(n_neighbors=count)
        classifier.fit(others, accepted)
        found: NDArray[np.bool_] = classifier.predict(rows)
    return found
