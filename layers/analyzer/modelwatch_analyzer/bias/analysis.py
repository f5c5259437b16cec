"""The bias monitor: how a model treats groups of people, in a baseline, and in later data against it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from modelwatch_analyzer.bias.changes import ANALYSIS, changes_since
from modelwatch_analyzer.bias.cloudwatch import metric_lines
from modelwatch_analyzer.bias.columns import attributes_of, columns_of
from modelwatch_analyzer.bias.config import BiasConfig
from modelwatch_analyzer.bias.documents import BiasAnalysis, analysis_document
from modelwatch_analyzer.bias.flips import NEIGHBOURS
from modelwatch_analyzer.bias.groups import Facet, facet_of, positive_of
from modelwatch_analyzer.bias.measures import Measure, entries_of, measures_of
from modelwatch_analyzer.bias.table import BiasTable, gathered
from modelwatch_analyzer.bias.warnings import warnings_of
from modelwatch_analyzer.findings import Findings
from modelwatch_analyzer.ground_truth import open_labelled_dataset
from modelwatch_analyzer.host import Host
from modelwatch_analyzer.output import to_json
from modelwatch_analyzer.reading.dataset import Plan, ReadLog
from modelwatch_analyzer.report.bias import BiasRow, write_bias_report
from modelwatch_analyzer.report.facts import facts_of, title_of
from modelwatch_analyzer.reruns import VIOLATIONS
from modelwatch_analyzer.undefined import Undefined
from modelwatch_core.domain.analysis import AnalysisSummary
from modelwatch_core.domain.constraint_violations import ConstraintViolations
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.monitor_kinds.bias import BiasSettings

CONSTRAINTS = "constraints.json"


def run(settings: BiasSettings, _host: Host) -> Findings:
    """Make a bias baseline, or check a dataset against the one that the settings name.

    A baseline writes ``analysis.json``, and the same as ``constraints.json``; a check ``analysis.json`` and
    ``constraint_violations.json``. Labels alone give the metrics of the labels; with predictions, in columns that
    the settings or the configuration name, those of the predictions too.

    Raises
    ------
    InvalidInput
        Whatever is wrong with the dataset, the configuration or the baseline.
    """
    config = BiasConfig.read(settings.analysis_config)
    baseline = BiasAnalysis.read(settings.baseline_constraints) if settings.baseline_constraints else None
    settings = attributes_of(settings, config)
    labelled = open_labelled_dataset(settings)
    chosen = columns_of(labelled.dataset, config, settings)
    table, log = BiasTable.empty(chosen.columns, settings.seed), ReadLog()
    for batch in gathered(labelled.dataset.batches(Plan(chosen.columns.dtypes), log)):
        table.update(batch)
    log.require_records()
    _require_rows(table)
    positive = positive_of(table, baseline.label_values() if baseline else ())
    asked = {facet: each.data_type for facet, each in zip(chosen.columns.facets, config.facet, strict=True)}
    neighbours = config.flip_test_neighbors or (baseline.flip_test_neighbors if baseline else NEIGHBOURS)
    facets = [
        facet_of(table, name, positive, kind, baseline.facet_values(name) if baseline else (), neighbours=neighbours)
        for name, kind in asked.items()
    ]
    grouped, predicted = chosen.columns.group is not None, chosen.columns.prediction is not None
    measures = [
        measure
        for facet in facets
        for measure in measures_of(facet, config, baseline, settings, grouped=grouped, predicted=predicted)
    ]
    suggested_by = config.disparate_impact_rule if baseline is None else None
    document = analysis_document(
        chosen.label,
        positive.spelled,
        entries_of(measures, suggested_by),
        bootstrap={
            "replicates": settings.bootstrap_replicates,
            "confidence_level": settings.confidence_level,
            "seed": settings.seed,
        },
        flip_test_neighbors=neighbours,
        **({"disparate_impact_rule": suggested_by.value} if suggested_by else {}),
    )
    violations = tuple(each.violation(settings.confidence_level) for each in measures if each.violated)
    outcome = (
        {CONSTRAINTS: document}
        if baseline is None
        else {VIOLATIONS: {"version": "1.0", **to_json(ConstraintViolations(violations=violations))}}
    )
    return Findings(
        records=log.counts(),
        warnings=(*labelled.warnings, *warnings_of(table, positive, facets, measures, baseline)),
        violations=violations,
        documents={ANALYSIS: document, **outcome},
        metrics=list(metric_lines(settings, measures, chosen.label, positive.spelled)),
        write_report=partial(_write_report, settings, facets, measures),
        ground_truth=labelled.counts,
        changes=tuple(
            changes_since(settings.previous_attempt_results, document, violations)
            if settings.previous_attempt_results
            else ()
        ),
    )


def _require_rows(table: BiasTable) -> None:
    if any(rows["rows"].sum() for rows in table.facets.values()):
        return
    if table.unpredicted:
        message = f"none of the {table.unpredicted} labelled rows has a prediction: is the attribute the right one?"
        raise InvalidInput("NoPredictions", message)
    message = f"none of the {table.unlabelled} rows has a label in the column {table.columns.label!r}"
    raise InvalidInput("NoLabels", message)


def _write_report(
    settings: BiasSettings,
    facets: Sequence[Facet],
    measures: Sequence[Measure],
    path: Path,
    summary: AnalysisSummary,
) -> None:
    write_bias_report(
        path,
        title=title_of("Bias", settings),
        summary=summary,
        facts=facts_of(settings),
        rows=[_row(each) for each in measures],
        groups=[(facet.name, value, facet.rows(i)[0]) for facet in facets for i, value in enumerate(facet.values)],
    )


def _row(measure: Measure) -> BiasRow:
    note = measure.verdict.note
    if measure.small and measure.verdict.violated:
        note = "the group is too small to alert"
    return BiasRow(
        facet=measure.facet,
        facet_value=measure.group,
        stage=measure.metric.stage.value.replace("_", "-"),
        metric=measure.metric.name,
        description=measure.metric.description,
        value=measure.value,
        interval=None if isinstance(measure.interval, Undefined) else measure.interval,
        baseline=str(measure.constraint) if measure.constraint else None,
        violated=measure.violated,
        note=note,
    )
