"""The value of coalitions of features to a model: all requests are planned first, and sent in full payloads.

A synthetic row takes a coalition's features from an explained row and the others from a background row. Its cells are
those of the data, as they are written there, so its length in bytes is known before it is made: how many rows the
budget suffices for, and how many requests that takes, is known before the first one is sent.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial

import numpy as np
import polars as pl
from numpy.typing import NDArray

from modelwatch_analyzer.explainability.explainers import Design, drop_rounding
from modelwatch_analyzer.explainability.kept_responses import KeptResponses
from modelwatch_analyzer.explainability.parallel import in_order
from modelwatch_analyzer.explainability.requests import RequestFormat
from modelwatch_analyzer.explainability.resampled_background import Reweighted
from modelwatch_analyzer.explainability.responses import Read, Response
from modelwatch_analyzer.profile.probability import no_probabilities
from modelwatch_analyzer.undefined import Undefined
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.model_endpoints import Model, ModelFailure
from modelwatch_core.domain.number_text import count_text
from modelwatch_core.domain.redaction import strictly_redacted_message

Progress = Callable[[int, int, int], None]
"""Called after each request with how many are done, how many are planned at most, and how many rows were scored."""

_BLOCK_ROWS = 1 << 15
_PROBABILITY_MARGIN = 1e-7


@dataclass(frozen=True, slots=True)
class RequestLimits:
    """Limits on the requests to a model.

    Attributes
    ----------
    calls, parallel_calls : int
        The most requests in all, and at a time.
    payload_bytes : int
        The most bytes of a request's body.
    """

    calls: int
    parallel_calls: int
    payload_bytes: int


@dataclass(frozen=True, slots=True)
class RequestPlan:
    """The requests that an evaluation takes.

    Attributes
    ----------
    rows : int
        How many of the given rows are explained, from the first on.
    calls : int
        Requests, at most.
    scored : int
        Rows in them.
    """

    rows: int
    calls: int
    scored: int


@dataclass(frozen=True, slots=True)
class ShapValues:
    """SHAP values, and what they took.

    Attributes
    ----------
    values : array, shape (rows, outputs, features)
        SHAP values.
    expected : array, shape (outputs,)
        Value of the empty coalition.
    calls : int
        Requests that were sent, without retries.
    reweighted : callable or Undefined
        Explains the first rows again with other weights of the background rows, without a request.
    rounded : int
        Responses that were clipped to 0 or 1 for log-odds, because rounding put them outside.
    """

    values: NDArray[np.float64]
    expected: NDArray[np.float64]
    calls: int
    reweighted: Reweighted | Undefined
    rounded: int = 0


class CoalitionalGame:
    """The coalitional game of each row: a coalition's value is the mean prediction over the background.

    Parameters
    ----------
    rows, background : DataFrame of str
        The same columns: the features in the order of the model.
    numeric : sequence of bool
        Which features JSON requests have as numbers.
    request : RequestFormat
        How rows are sent.
    read : callable
        Reads the responses.
    limits : RequestLimits
    accept : str
        The media type in which responses are requested.
    """

    def __init__(
        self,
        rows: pl.DataFrame,
        background: pl.DataFrame,
        numeric: Iterable[bool],
        request: RequestFormat,
        read: Read,
        limits: RequestLimits,
        accept: str,
    ) -> None:
        self._rows, self._background = rows.height, background.height
        self._tables = rows, background
        self._request, self._read, self._limits, self._accept = request, read, limits, accept
        self._cells = [
            request.cells(pl.concat([rows[name], background[name]]), numeric=number).rechunk()
            for name, number in zip(rows.columns, numeric, strict=True)
        ]
        self._lengths = np.stack([cells.str.len_bytes().to_numpy() for cells in self._cells], axis=1).astype(np.int64)

    def plan(self, design: Design) -> RequestPlan:
        """Return how many rows can be explained within the budget, and the requests that takes.

        Raises
        ------
        InvalidInput
            ``RowTooLarge`` where one row is more than a payload; ``ModelCallBudgetTooSmall`` where the budget does not
            suffice for a single row.
        """
        ours, theirs = self._lengths[: self._rows], self._lengths[self._rows :]
        coalitions, literal = len(design.coalitions), self._request.literal_bytes
        members = design.coalitions.sum(axis=0)
        largest = literal + int(np.maximum(ours.max(axis=0), theirs.max(axis=0)).sum())
        room = self._room
        if largest > room:
            message = f"a row of features can take {largest:,} bytes, but a request holds at most {room:,}: "
            raise InvalidInput("RowTooLarge", f"{message}raise max_payload_bytes, or leave features out")
        synthetic = self._background * (coalitions * literal + ours @ members) + int(
            (theirs.sum(axis=0) * (coalitions - members)).sum()
        )
        ends = theirs.sum() + self._background * literal + np.cumsum(ours.sum(axis=1) + literal)
        count = np.arange(1, self._rows + 1)
        per_row = self._background * coalitions
        calls = self._most_calls(ends, self._background + count, largest)
        calls += self._most_calls(np.cumsum(synthetic), count * per_row, largest)
        reached = int(np.count_nonzero(calls <= self._limits.calls))
        if not reached:
            message = f"one row takes up to {calls[0]:,} requests, but max_model_calls is {self._limits.calls:,}: "
            raise InvalidInput(
                "ModelCallBudgetTooSmall", f"{message}raise it, or lower num_samples or the number of baseline rows"
            )
        return RequestPlan(reached, int(calls[reached - 1]), self._background + reached * (1 + per_row))

    def evaluate(
        self, design: Design, plan: RequestPlan, model: Model, progress: Progress, *, use_logit: bool
    ) -> ShapValues:
        """Call the model, and compute SHAP values from its responses.

        Raises
        ------
        InvalidInput
            The model's failure, with its own message without row values; ``ModelResponseRowsDiffer``,
            ``ModelResponseNotNumbers``; ``NotProbabilities`` where log-odds are requested of something else.
        """
        calls = scored = rounded = 0

        def scores(blocks: Iterable[pl.Series]) -> Generator[Response]:
            nonlocal calls, scored, rounded
            call = partial(self._call, model)
            with closing(in_order(call, self._payloads(blocks), threads=self._limits.parallel_calls)) as responses:
                for response in responses:
                    calls += 1
                    scored += len(response)
                    rounded += int(np.count_nonzero((response < 0) | (response > 1))) if use_logit else 0
                    progress(calls, max(calls, plan.calls), scored)
                    yield response

        link = _log_odds if use_logit else np.asarray
        first = np.concatenate(list(scores(self._ends(plan.rows))))
        empty, full = link(first[: self._background].mean(axis=0)), link(first[self._background :])
        values = empty[:, None] * design.weights[:, 0] + full[:, :, None] * design.weights[:, 1]
        kept = KeptResponses(design, first, self._background)
        done = 0
        # Closed at once, so that no thread is left if a response cannot be used.
        with closing(scores(self._synthetic(design, plan.rows))) as responses:
            for coalition_values in self._values(design, first.shape[1], kept.passing(responses)):
                values[done : done + len(coalition_values)] += link(coalition_values) @ design.weights[:, 2:].T
                done += len(coalition_values)
        drop_rounding(values, empty, full)
        reweighted = kept.reweighted(_logit if use_logit else np.asarray, linear=not use_logit)
        return ShapValues(values, empty, calls, reweighted, rounded)

    def _values(self, design: Design, outputs: int, responses: Iterable[Response]) -> Iterator[NDArray[np.float64]]:
        """Average responses over the background; yield values of complete rows, shape (some, outputs, C)."""
        coalitions = len(design.coalitions)
        a_row = coalitions * self._background
        if not a_row:
            return
        begun = np.zeros((outputs, coalitions))  # the sums of the row whose responses are incomplete
        done = 0
        for response in responses:
            if response.shape[1] != outputs:
                message = (
                    f"the model returned {count_text(outputs, 'number')} a row first, and later {response.shape[1]}"
                )
                raise InvalidInput("ModelResponseNotNumbers", f"{message}: it must return as many for every request")
            start = done // a_row
            done += len(response)
            coalition = (np.arange(done - len(response), done) - start * a_row) // self._background
            touched = -(-done // a_row) - start
            sums: NDArray[np.float64] = np.stack(
                [np.bincount(coalition, column, touched * coalitions) for column in response.T], dtype=np.float64
            )
            sums[:, :coalitions] += begun
            complete = done // a_row - start
            begun = sums[:, complete * coalitions :] if complete < touched else np.zeros((outputs, coalitions))
            if complete:
                coalition_values = (
                    sums[:, : complete * coalitions].reshape(outputs, complete, coalitions) / self._background
                )
                yield coalition_values.transpose(1, 0, 2)

    @property
    def _room(self) -> int:
        return self._limits.payload_bytes - self._request.envelope_bytes

    def _most_calls(self, size: NDArray[np.int64], rows: NDArray[np.int64], largest: int) -> NDArray[np.int64]:
        """Return the most requests for rows of a total size: every payload but the last is full to less than a row."""
        calls = -(-size // (self._room - largest + 1))
        most = self._request.most_rows
        return calls if most is None else (-(-rows // most) if most == 1 else calls - (-rows // most))

    def _ends(self, rows: int) -> Iterator[pl.Series]:
        order = np.r_[self._rows : self._rows + self._background, 0:rows]
        for start in range(0, len(order), _BLOCK_ROWS):
            yield self._request.rows([cells.gather(order[start : start + _BLOCK_ROWS]) for cells in self._cells])

    def _synthetic(self, design: Design, rows: int) -> Iterator[pl.Series]:
        coalitions = len(design.coalitions)
        total = rows * coalitions * self._background
        for start in range(0, total, _BLOCK_ROWS):
            place, theirs = np.divmod(np.arange(start, min(start + _BLOCK_ROWS, total)), self._background)
            row, coalition = np.divmod(place, coalitions)
            yield self._request.rows(
                [
                    cells.gather(np.where(design.coalitions[coalition, feature], row, self._rows + theirs))
                    for feature, cells in enumerate(self._cells)
                ]
            )

    def _payloads(self, blocks: Iterable[pl.Series]) -> Iterator[tuple[int, bytes]]:
        """Fill payloads with as many rows as fit."""
        room, separator = self._room, len(self._request.separator.encode())
        most = self._request.most_rows or _BLOCK_ROWS * 64
        rest = pl.Series("row", [], dtype=pl.String)
        for block in blocks:
            rest = rest.append(block)
            ends = np.cumsum(rest.str.len_bytes().to_numpy().astype(np.int64) + separator)
            taken = 0
            while True:
                before = ends[taken - 1] if taken else 0
                fits = min(int(np.searchsorted(ends, before + room, side="right")) - taken, most)
                if taken + fits >= len(rest) and fits < most:
                    break
                yield fits, self._request.body(rest[taken : taken + fits])
                taken += fits
            rest = rest[taken:]
        if len(rest):
            yield len(rest), self._request.body(rest)

    def _call(self, model: Model, payload: tuple[int, bytes]) -> Response:
        rows, body = payload
        try:
            response = model.invoke(body, self._request.content_type, self._accept)
        except ModelFailure as failure:
            sent = {cell for table in self._tables for column in table for cell in column.drop_nulls().unique()}
            redacted = strictly_redacted_message(failure.model_message, sent)
            raise InvalidInput(failure.code, f"{failure.message}{redacted and f'. It says: {redacted}'}") from None
        return self._read(response, rows)


def _log_odds(values: NDArray[np.float64]) -> NDArray[np.float64]:
    if no_probabilities(values).any():
        message = "use_logit explains log-odds, but the model returns numbers below 0 or above 1: "
        raise InvalidInput("NotProbabilities", f"{message}name its probability, or set use_logit to false")
    return _logit(values)


def _logit(values: NDArray[np.float64]) -> NDArray[np.float64]:
    inside = values.clip(_PROBABILITY_MARGIN, 1 - _PROBABILITY_MARGIN)
    odds: NDArray[np.float64] = np.log(inside / (1 - inside))
    return odds
