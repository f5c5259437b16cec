"""What changed in a model's quality since the previous attempt at the same window."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from modelwatch_analyzer.documents import STATISTICS_FILE
from modelwatch_analyzer.findings import Findings
from modelwatch_analyzer.wording import java_double


class _Dataset(BaseModel):
    item_count: int


class _Statistics(BaseModel):
    """What is compared of ``statistics.json``."""

    model_config = ConfigDict(extra="allow")

    dataset: _Dataset

    @property
    def values(self) -> dict[str, float | str]:
        """The value of every metric; curves and matrices have none."""
        parts = (self.model_extra or {}).items()
        sections = (part for key, part in parts if key.endswith("_metrics") and isinstance(part, dict))
        return {
            name: metric["value"]
            for section in sections
            for name, metric in section.items()
            if isinstance(metric, dict) and isinstance(metric.get("value"), int | float | str)
        }


def changes_since(folder: Path, findings: Findings) -> Iterator[str]:
    """Yield a sentence for each difference in labelled rows and metrics.

    Parameters
    ----------
    folder : Path
        The reports of the previous attempt; nothing is yielded where it has no statistics.
    findings : Findings
        Those of this attempt.
    """
    try:
        before = _Statistics.model_validate_json((folder / STATISTICS_FILE).read_bytes())
    except FileNotFoundError:
        return
    except (OSError, ValueError):
        before = None
    if before is None or not before.values:
        yield f"metrics are not compared: the previous attempt's {STATISTICS_FILE} is not of model quality"
    else:
        yield from _between(before, _Statistics.model_validate(findings.documents[STATISTICS_FILE]))


def _between(before: _Statistics, now: _Statistics) -> Iterator[str]:
    if before.dataset != now.dataset:
        yield f"rows with a label: {before.dataset.item_count} before, {now.dataset.item_count} now"
    for name in dict.fromkeys((*now.values, *before.values)):
        if now.values.get(name) != before.values.get(name):
            yield f"{name}: {_text(before.values.get(name))} before, {_text(now.values.get(name))} now"


def _text(value: float | str | None) -> str:
    if value is None:
        return "not measured"
    return "undefined" if isinstance(value, str) or not math.isfinite(value) else java_double(value)
