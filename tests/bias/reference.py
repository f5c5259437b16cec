"""smclarify, the open implementation of SageMaker Clarify's metrics, which computes what the tests expect."""

from __future__ import annotations

import logging
import math
import warnings

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from modelwatch_analyzer.bias.counts import Counts

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from smclarify.bias import metrics as smclarify

logging.getLogger("smclarify").disabled = True

SMCLARIFY = {metric.__name__: metric for metric in (*smclarify.PRETRAINING_METRICS, *smclarify.POSTTRAINING_METRICS)}
"""Version 0.5."""


def of_smclarify(
    name: str,
    facet: NDArray[np.bool_],
    label: NDArray[np.bool_],
    predicted: NDArray[np.bool_],
    group: NDArray[np.int64] | None = None,
    features: pd.DataFrame | None = None,
) -> float | None:
    """Return what smclarify makes of rows; None where it refuses."""
    rows = pd.Series(facet)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            value = smclarify.call_metric(
                SMCLARIFY[name],
                df=features,
                feature=rows,
                sensitive_facet_index=rows,
                label=pd.Series(label),
                positive_label_index=pd.Series(label),
                positive_predicted_label_index=pd.Series(predicted),
                group_variable=None if group is None else pd.Series(group),
            )
        except ValueError:
            return None
    return None if math.isnan(value) else float(value)


def counted(
    facet: NDArray[np.bool_],
    label: NDArray[np.bool_],
    predicted: NDArray[np.bool_],
    group: NDArray[np.int64] | None = None,
) -> Counts:
    """Count rows as the metrics want them."""
    groups = np.zeros(facet.size, dtype=np.int64) if group is None else np.asarray(group)
    cells = np.zeros((2, int(groups.max(initial=0)) + 1, 2, 2), dtype=np.int64)
    np.add.at(cells, (facet.astype(int), groups, label.astype(int), predicted.astype(int)), 1)
    return Counts(cells, grouped=group is not None)
