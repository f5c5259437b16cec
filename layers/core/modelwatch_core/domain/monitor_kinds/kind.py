"""What describes a kind of monitor."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from modelwatch_core.domain.analysis_settings import AnalysisSettings
from modelwatch_core.domain.dataset_formats import REQUEST, RESPONSE, CaptureSide
from modelwatch_core.domain.monitor_kinds.shell import Shell


class ProblemType(StrEnum):
    """SageMaker's names of what a model does."""

    BINARY_CLASSIFICATION = "BinaryClassification"
    MULTICLASS_CLASSIFICATION = "MulticlassClassification"
    REGRESSION = "Regression"


def _constraints_and_statistics() -> dict[str, str]:
    return {"constraints_s3_uri": "constraints.json", "statistics_s3_uri": "statistics.json"}


def _of_the_whole(_name: str, _dimensions: Collection[str]) -> bool:
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitorKind:
    """Everything that makes a kind of monitor.

    Attributes
    ----------
    monitoring_type : str
        Its name in SageMaker's API: ``DataQuality``.
    title : str
        Its name in texts: ``Data quality``.
    settings : type of AnalysisSettings
        What its analysis is given.
    analysis : str, optional
        The module of its analysis, which has an ``ANALYSIS``; it is imported when the kind is first analysed. None
        for a kind that the user's own container analyses.
    in_parts : bool
        Whether its analysis can read a dataset in parts by `Host.gather`, so that many machines may share them out.
    metric_namespace : str
        The last part of SageMaker's CloudWatch namespaces for it.
    is_metric_of_a_part : callable
        Whether a metric, by its name and the names of its dimensions, is of a single feature, group or label. There
        are as many as the data has features, and CloudWatch charges for each, so they are published where asked for.
    checks : frozenset of str
        The ``constraint_check_type`` of its violations; empty where a container of the user's own finds them.
    captured_sides : tuple of str
        Which sides of captured records it reads.
    transform_side : str
        Which side of batch transform jobs: what they were given (``input``), or what they wrote (``output``).
    schedule_parameters, baseline_parameters : frozenset of str
        What must be given besides what every kind needs.
    optional_parameters : frozenset of str
        What may be given, and concerns not every kind.
    constraint_sections : frozenset of str
        The keys of which a constraints file of this kind has at least one, and one of another kind has none; empty
        where a container of the user's own reads the file.
    baseline_files : mapping of str to str
        The files of its baselines, by the parameters of a schedule that name them.
    earlier_report : str, optional
        The report of executions of earlier windows that it compares with.
    earlier_reports : int
        The number of these that it compares with, the latest ones.
    shell : Shell
        Its commands on the shell, which kinds with an analysis have.
    """

    monitoring_type: str
    title: str
    settings: type[AnalysisSettings]
    analysis: str | None
    metric_namespace: str
    in_parts: bool = False
    is_metric_of_a_part: Callable[[str, Collection[str]], bool] = _of_the_whole
    checks: frozenset[str] = frozenset()
    captured_sides: tuple[CaptureSide, ...] = (REQUEST, RESPONSE)
    transform_side: str = "input"
    schedule_parameters: frozenset[str] = frozenset()
    baseline_parameters: frozenset[str] = frozenset()
    optional_parameters: frozenset[str] = frozenset()
    constraint_sections: frozenset[str] = frozenset()
    baseline_files: Mapping[str, str] = field(default_factory=_constraints_and_statistics, hash=False)
    earlier_report: str | None = None
    earlier_reports: int = 10
    shell: Shell = field(default_factory=Shell)

    def __post_init__(self) -> None:
        """Refuse options of settings that do not exist."""
        options = {name for option in self.shell.options for name in (option.field, *option.also_sets)}
        if unknown := sorted(options - self.settings.model_fields.keys()):
            raise ValueError(f"{self.settings.__name__} has no {', '.join(unknown)}, which its shell options set")

    @property
    def has_metrics_of_parts(self) -> bool:
        """Whether it has metrics of single features, groups or labels."""
        return self.is_metric_of_a_part is not _of_the_whole

    @property
    def command_name(self) -> str:
        """Its name on the shell: ``data-quality``."""
        return "-".join(self.title.lower().split())

    @property
    def analysis_type(self) -> str:
        """Its name in a container's environment: ``DATA_QUALITY``."""
        return str(self.settings.model_fields["analysis_type"].default)

    @property
    def measured_in(self) -> str:
        """The file of its results that holds what was measured: statistics, or what its constraints are in too."""
        return self.baseline_files.get("statistics_s3_uri", self.baseline_files["constraints_s3_uri"])

    @property
    def own_parameters(self) -> frozenset[str]:
        """The parameters of schedules and baselines that concern this kind, and not every kind."""
        return (
            self.schedule_parameters | self.baseline_parameters - {"ground_truth_attribute"} | self.optional_parameters
        )
