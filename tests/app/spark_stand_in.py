"""Stands for ``spark-submit``: runs the request of a job run, and reads its parts one after another, without Spark."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from modelwatch.spark.objects import Present
from modelwatch.spark.requested import run_requested
from modelwatch_analyzer.parts import Counted, Node, Reading, root
from modelwatch_analyzer.reading.dataset import Table, sources_of

logger = logging.getLogger("stand_in")


def one_by_one(present: Present, reading: Reading[Any], parts: Sequence[Table]) -> Counted[Any]:
    def nodes() -> Iterator[Node]:
        for number, part in enumerate(parts):
            with present(sources_of(part)):
                yield Node(0, number, reading(number, part))

    counted: Counted[Any] = root(nodes())
    return counted


if __name__ == "__main__":
    _, entry_point, argument = sys.argv
    logging.basicConfig(level=logging.INFO)
    logger.info("runs %s", entry_point)
    run_requested(argument.removeprefix("modelwatch_request="), partial(partial, one_by_one), logger.info)
