"""The command that checks data against a baseline that was just made."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterator, Mapping
from dataclasses import fields
from enum import Enum
from itertools import chain
from pathlib import Path
from typing import Any

from modelwatch.cli.aws_session import AwsOptions
from modelwatch.cli.dataset import DatasetOptions
from modelwatch.cli.kind_options import is_of_the_model, kind_options
from modelwatch_analyzer.documents import STATISTICS_FILE, constraints_file
from modelwatch_core.domain.monitor_kinds import MonitorKind
from modelwatch_core.domain.monitor_kinds.shell import Verb

_OF_ONE_RUN = ("start", "end", "post_analytics")


def check_command(
    kind: MonitorKind,
    dataset: DatasetOptions,
    aws: AwsOptions,
    values: Mapping[str, Any],
    folder: Path,
    written: Collection[str],
) -> str:
    """Return the command, with those options of the baseline that its checks need too.

    Parameters
    ----------
    values : mapping of str to object
        The options of the kind, by the names of their settings.
    folder : Path
        Where the baseline is.
    written : collection of str
        The names of its files.
    """
    words = ["modelwatch", "check", kind.command_name, "--data", "NEW_DATA"]
    for name, value in chain(_of_a_group(dataset), _of_the_kind(kind, values, folder, written), _of_a_group(aws)):
        words += [name] if value is True else [name, str(value.value if isinstance(value, Enum) else value)]
    return shlex.join([*words, "--output", "report"])


def _of_a_group(options: DatasetOptions | AwsOptions) -> Iterator[tuple[str, Any]]:
    for field in fields(options):
        value = getattr(options, field.name)
        if field.name not in _OF_ONE_RUN and value != field.default:
            word = field.name.replace("_", "-")
            yield (f"--no-{word}", True) if value is False else (f"--{word}", value)


def _of_the_kind(
    kind: MonitorKind, values: Mapping[str, Any], folder: Path, written: Collection[str]
) -> Iterator[tuple[str, Any]]:
    of_the_baseline = {"baseline_constraints": constraints_file(written), "baseline_statistics": STATISTICS_FILE}
    for option in kind_options(kind, Verb.CHECK):
        if option.field in of_the_baseline:
            yield option.option, folder / of_the_baseline[option.field]
        elif values.get(option.field) and option.field == "ground_truth_source":
            yield option.option, "NEW_LABELS"
        elif values.get(option.field) is not None and is_of_the_model(option):
            yield option.option, values[option.field]
