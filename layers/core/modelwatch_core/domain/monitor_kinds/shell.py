"""How a kind of monitor is offered on the shell: pure descriptions, from which the SDK builds its commands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from modelwatch_core.domain.errors import InvalidInput


class Verb(StrEnum):
    """What a command does with data."""

    BASELINE = "baseline"
    CHECK = "check"


BOTH = frozenset(Verb)
BASELINE_ONLY = frozenset({Verb.BASELINE})
CHECK_ONLY = frozenset({Verb.CHECK})


@dataclass(frozen=True, slots=True, kw_only=True)
class ShellOption:
    """How a setting is given on a command line.

    Type, default and limits are those of the setting. A setting that is a path can be given as a local path or as an
    S3 URI, of which the analysis gets a local copy.

    Attributes
    ----------
    field : str
        The setting.
    help : str
        One or two sentences.
    name : str
        The option, ``--problem-type``; by default it is the name of the setting with dashes.
    metavar : str, optional
        What the help shows for the value.
    required : bool
        Whether it must be given, though the setting has a default.
    verbs : frozenset of Verb
        The commands that have it.
    also_sets : tuple of str
        Further settings that get the same value.
    choices : str, optional
        What returns the values that there are, with the meaning of each, as ``module:function`` of the analyzer. It is
        text, as the name of a kind's analysis is, because the zip functions must not load numeric packages.
    """

    field: str
    help: str
    name: str = ""
    metavar: str | None = None
    required: bool = False
    verbs: frozenset[Verb] = BOTH
    also_sets: tuple[str, ...] = ()
    choices: str | None = None

    @property
    def option(self) -> str:
        """The option as it is typed."""
        return self.name or f"--{self.field.replace('_', '-')}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShellCommand:
    """The texts of one command.

    Attributes
    ----------
    help : str
        What it does, in one sentence.
    details : str
        A further paragraph.
    data : str
        What data it takes.
    example : str
        Options and their values, as one might type them.
    """

    help: str
    details: str = ""
    data: str
    example: str = ""


_BASELINE = ShellCommand(
    help="Make a baseline that later data is compared with.", data="A file, or a folder of files; local or in S3."
)
_CHECK = ShellCommand(
    help="Check data against a baseline.", data="A file, or a folder of files, to check; local or in S3."
)


def _accept(_: Mapping[str, object]) -> None:
    """Accept any combination of settings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shell:
    """How a kind is offered on the shell, as ``modelwatch baseline KIND`` and ``modelwatch check KIND``.

    Attributes
    ----------
    watches : str
        What it watches, in a line.
    baseline, check : ShellCommand
        The texts of the two commands.
    constraints : str
        What ``--constraints`` of a check takes.
    options : tuple of ShellOption
        Its options, beside those that all kinds have.
    refuse : callable
        Gets the settings that were given; raises InvalidInput for a combination that cannot be used.
    """

    watches: str = ""
    baseline: ShellCommand = _BASELINE
    check: ShellCommand = _CHECK
    constraints: str = "constraints.json of the baseline, edited or not."
    options: tuple[ShellOption, ...] = ()
    refuse: Callable[[Mapping[str, object]], None] = _accept

    def command(self, verb: Verb) -> ShellCommand:
        """Return the texts of one of the two commands."""
        return self.baseline if verb is Verb.BASELINE else self.check


STATISTICS_OPTION = ShellOption(
    field="baseline_statistics",
    name="--statistics",
    metavar="FILE|S3URI",
    help="The baseline's statistics.json, from which drift is measured.",
    verbs=CHECK_ONLY,
)
"""The option of kinds that measure drift."""

DRIFT_OPTIONS = (
    ShellOption(
        field="comparison_method",
        metavar="MEASURE",
        help="The method that measures the drift of numbers: a baseline suggests it, and a check uses it in place of "
        "the one in its constraints, with the threshold there. One of",
        choices="modelwatch_analyzer.distances.methods:comparison_methods",
    ),
    ShellOption(
        field="categorical_drift_method",
        metavar="MEASURE",
        help="The same for categories. One of",
        choices="modelwatch_analyzer.distances.methods:categorical_drift_methods",
    ),
)
"""The options of kinds whose settings are ``DriftSettings``."""

LOOKS_OPTION = ShellOption(
    field="looks_per_month",
    metavar="N",
    help="How many windows of this series there are in a month: the check then gets its part of a month's rate of "
    "false alarms.",
    verbs=CHECK_ONLY,
)
"""The option of kinds that promise a rate of false alarms."""

INTERVAL_OPTIONS = (
    ShellOption(field="bootstrap_replicates", metavar="N", help="The number of resamples for confidence intervals."),
    ShellOption(field="confidence_level", metavar="X", help="The confidence level of the intervals, between 0 and 1."),
    ShellOption(field="seed", metavar="N", help="The seed of the resamples."),
)
"""The options of kinds whose settings are ``IntervalSettings``."""

GROUND_TRUTH_OPTIONS = (
    ShellOption(
        field="ground_truth_source",
        name="--ground-truth",
        metavar="PATH|S3URI",
        help="Labels in files of their own, for captured predictions: SageMaker's JSON Lines, or CSV with the columns "
        "inference_id, timestamp and ground_truth_label or ground_truth_value.",
    ),
    ShellOption(
        field="ground_truth_attribute",
        metavar="JMESPATH|INDEX|NAME",
        help="Where the label is: in a file with named columns its name, in JSON a JMESPath. It refers to data that "
        "has predictions and labels, such as merged captures, or to the labels of --ground-truth.",
    ),
    ShellOption(
        field="ground_truth_time_tolerance",
        metavar="SECONDS",
        help="How far the time of a label without an id may be from that of its prediction.",
    ),
)
"""The options of kinds whose settings are ``GroundTruthSettings``."""


def refuse_missing_ground_truth(given: Mapping[str, object]) -> None:
    """Refuse settings that do not say where the labels are.

    Raises
    ------
    InvalidInput
        ``LabelsNotGiven``.
    """
    if not given.keys() & {"ground_truth_source", "ground_truth_attribute"}:
        message = "labels are needed: give --ground-truth if they are in files of their own, otherwise "
        raise InvalidInput(
            "LabelsNotGiven", message + "--ground-truth-attribute, which says where they are in the data"
        )
