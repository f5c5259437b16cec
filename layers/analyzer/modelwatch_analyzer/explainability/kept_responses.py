"""The model's responses that are kept to explain the first rows again, with other weights of the baseline rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelwatch_analyzer.explainability.attribution import Floats
from modelwatch_analyzer.explainability.explainers import Design, drop_rounding
from modelwatch_analyzer.explainability.resampled_background import MOST_PREDICTIONS, MOST_ROWS, Reweighted
from modelwatch_analyzer.explainability.responses import Response
from modelwatch_analyzer.undefined import Undefined


class KeptResponses:
    """The first responses to synthetic rows: all that belong to the first explained rows.

    Parameters
    ----------
    design : Design
    ends : array, shape (background rows + explained rows, outputs)
        The responses to the background rows and to the explained rows.
    background : int
        How many background rows there are.
    """

    def __init__(self, design: Design, ends: Response, background: int) -> None:
        self._design, self._background = design, background
        self._behind, self._full = ends[:background], ends[background:]
        self._a_row = len(design.coalitions) * background * ends.shape[1]
        self._rows = min(MOST_ROWS, len(self._full), MOST_PREDICTIONS // max(1, self._a_row))
        self._kept: list[Response] = []

    def passing(self, responses: Iterable[Response]) -> Iterator[Response]:
        """Yield all responses, and keep the first."""
        wanted = self._rows * len(self._design.coalitions) * self._background
        for response in responses:
            if wanted > 0:
                self._kept.append(response[:wanted].copy())
                wanted -= len(response)
            yield response

    def reweighted(self, link: Callable[[NDArray[Any]], Floats], *, linear: bool) -> Reweighted | Undefined:
        """Return what explains the first rows with other weights.

        Parameters
        ----------
        link : callable
            Makes what is explained from the values of coalitions.
        linear : bool
            Whether that is the values themselves: they need not be averaged before they become SHAP values.
        """
        if not self._rows:
            return Undefined(f"one row takes {self._a_row:,} predictions, and at most {MOST_PREDICTIONS:,} are kept")
        full, by_background = link(self._full[: self._rows]), self._by_background()
        of_empty, of_full, of_coalitions = np.split(self._design.weights, [1, 2], axis=1)
        terms = of_coalitions @ by_background if linear else by_background

        def explain(weights: Floats) -> Floats:
            empty, averaged = link(weights @ self._behind), terms @ weights
            values = empty[:, None] * of_empty[:, 0] + full[:, :, None] * of_full[:, 0]
            # One product of matrices, not one for each row.
            values += averaged if linear else np.tensordot(link(averaged), of_coalitions, axes=(2, 1))
            drop_rounding(values, empty, full)
            return values

        return explain

    def _by_background(self) -> Floats:
        """Return the responses, shape (rows, outputs, coalitions, background rows)."""
        shape = (self._rows, len(self._design.coalitions), self._background, self._behind.shape[1])
        responses = np.concatenate([self._behind[:0], *self._kept]).reshape(shape)
        return np.ascontiguousarray(responses.transpose(0, 3, 1, 2))
