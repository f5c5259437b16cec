"""The flags that say where labels lie, the same for every kind of monitor that needs them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated

import typer

from modelwatch.cli.dataset import at_hand
from modelwatch_core.domain.errors import InvalidInput


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelFlags:
    """Labels that came with the data, or that were collected apart."""

    ground_truth: Annotated[
        str | None,
        typer.Option(
            metavar="PATH|S3URI",
            help="Labels in files of their own, for captured predictions: SageMaker's JSON Lines, or CSV with the "
            "columns inference_id, timestamp and ground_truth_label or ground_truth_value.",
        ),
    ] = None
    ground_truth_attribute: Annotated[
        str | None,
        typer.Option(
            metavar="JMESPATH|INDEX|NAME",
            help="Where the label lies: in a file with named columns its name, in JSON a JMESPath. Of data that hold "
            "predictions and labels, merged captures among them, or within the labels of --ground-truth.",
        ),
    ] = None

    @contextmanager
    def environment(self) -> Iterator[dict[str, str]]:
        """Give them as SageMaker's container environment, with the labels at hand.

        Raises
        ------
        InvalidInput
            ``LabelsNotGiven``, or what `at_hand` raises.
        """
        if self.ground_truth is None and self.ground_truth_attribute is None:
            message = "labels are needed: give --ground-truth if they lie in files of their own, else "
            raise InvalidInput("LabelsNotGiven", message + "--ground-truth-attribute, which says where in the data.")
        told = {"ground_truth_attribute": self.ground_truth_attribute} if self.ground_truth_attribute else {}
        if self.ground_truth is None:
            yield told
            return
        with at_hand(self.ground_truth, "--ground-truth") as labels:
            yield {**told, "ground_truth_source": str(labels)}
