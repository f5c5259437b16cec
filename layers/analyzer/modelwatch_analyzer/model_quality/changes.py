"""What a re-run of a window finds other than the run before."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from modelwatch_analyzer.reruns import violations_since
from modelwatch_analyzer.wording import java_double
from modelwatch_core.domain.constraint_violations import ConstraintViolation

STATISTICS = "statistics.json"


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


def changes_since(
    folder: Path, statistics: Mapping[str, Any], violations: Iterable[ConstraintViolation]
) -> Iterator[str]:
    """Yield a sentence for each thing that is other than in the reports of a folder.

    Parameters
    ----------
    folder : Path
        Of the earlier run; where it has no reports, nothing is said.
    statistics : Mapping
        This run's ``statistics.json``.
    violations : iterable of ConstraintViolation
        This run's.
    """
    current = _Statistics.model_validate(statistics)
    try:
        earlier = _Statistics.model_validate_json((folder / STATISTICS).read_bytes())
    except FileNotFoundError:
        return
    except (OSError, ValueError):
        earlier = None
    if earlier is None or not earlier.values:
        yield f"metrics are not compared: the earlier {STATISTICS} is none of model quality"
    else:
        yield from _between(earlier, current)
    yield from violations_since(folder, violations)


def _between(earlier: _Statistics, current: _Statistics) -> Iterator[str]:
    before, now = earlier.values, current.values
    if earlier.dataset != current.dataset:
        yield f"rows with a label: {earlier.dataset.item_count} before, {current.dataset.item_count} now"
    for name in dict.fromkeys((*now, *before)):
        if now.get(name) != before.get(name):
            yield f"{name}: {_told(before.get(name))} before, {_told(now.get(name))} now"


def _told(value: float | str | None) -> str:
    if value is None:
        return "not measured"
    return "undefined" if isinstance(value, str) or not math.isfinite(value) else java_double(value)
