"""The bias monitor: how a model treats groups of people, in a baseline and in later data compared with it."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

from modelwatch_analyzer.bias.changes import changes_since
from modelwatch_analyzer.bias.cloudwatch import metrics_of
from modelwatch_analyzer.bias.columns import Chosen, attributes_of, columns_of, of_training
from modelwatch_analyzer.bias.config import BiasConfig
from modelwatch_analyzer.bias.documents import BiasAnalysis, analysis_document
from modelwatch_analyzer.bias.flips import NEIGHBOURS
from modelwatch_analyzer.bias.group_metrics import entries_of, group_metrics_of, require_compared
from modelwatch_analyzer.bias.groups import facet_of, positive_of
from modelwatch_analyzer.bias.learnt import learnt
from modelwatch_analyzer.bias.metric import Stage
from modelwatch_analyzer.bias.replay import replay
from modelwatch_analyzer.bias.report import report_of
from modelwatch_analyzer.bias.table import BiasTable, gathered
from modelwatch_analyzer.bias.warnings import warnings_of
from modelwatch_analyzer.configured_dataset import as_configured, features_key, naming_keys
from modelwatch_analyzer.documents import ANALYSIS_FILE, CONSTRAINTS_FILE
from modelwatch_analyzer.findings import Findings
from modelwatch_analyzer.ground_truth import LabelledDataset, open_labelled_dataset
from modelwatch_analyzer.host import Host
from modelwatch_analyzer.kind_analysis import KindAnalysis
from modelwatch_analyzer.metric_change import Rates
from modelwatch_analyzer.parts import Gather, Reading
from modelwatch_analyzer.reading.dataset import Arrivals, parts_of
from modelwatch_analyzer.reading.read_log import ReadLog
from modelwatch_analyzer.reading.responses_first import remarks_on_numbers
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.monitor_kinds.bias import BiasSettings
from modelwatch_core.domain.number_text import count_text


def run(settings: BiasSettings, host: Host) -> Findings:
    """Make a bias baseline, or check a dataset against the one that the settings name.

    A baseline writes ``analysis.json``, and the same as ``constraints.json``; a check ``analysis.json`` and
    ``constraint_violations.json``. Labels alone give the metrics of the labels; with predictions, in columns that
    the settings or the configuration name, those of the predictions too. Predictions alone give the metrics that need
    no labels.

    Raises
    ------
    InvalidInput
        Whatever is wrong with the dataset, the configuration or the baseline.
    """
    config = BiasConfig.read(settings.analysis_config)
    baseline = BiasAnalysis.read(settings.baseline_constraints) if settings.baseline_constraints else None
    settings = as_configured(settings, config.features, config.headers)
    counted = _counted(settings, config, baseline, host.gather)
    table, chosen, labelled = counted.table, counted.chosen, counted.labelled
    positive = positive_of(table, baseline.label_values() if baseline else ())
    neighbours = config.flip_test_neighbors or (baseline.flip_test_neighbors if baseline else NEIGHBOURS)
    facets = [
        facet_of(
            table,
            name,
            positive,
            each.data_type,
            baseline.facet_values(name) if baseline else (),
            neighbours=neighbours,
        )
        for name, each in zip(chosen.columns.facets, config.facet, strict=True)
    ]
    rates, share = baseline.rates if baseline else Rates(), settings.share_of_month
    of_each = rates.of_each(share, baseline.compared if baseline else 0)
    metrics = [
        metric
        for facet in facets
        for metric in group_metrics_of(
            facet,
            config,
            baseline,
            settings,
            chosen.metrics,
            grouped=chosen.columns.group is not None,
            rates=of_each,
            requests=table.requests,
        )
    ]
    if baseline:
        require_compared(metrics, baseline)
    suggested_by = config.disparate_impact_rule if baseline is None else None
    document = analysis_document(
        chosen.label,
        positive.spelled,
        entries_of(metrics, suggested_by),
        bootstrap={
            "replicates": settings.bootstrap_replicates,
            "confidence_level": settings.confidence_level,
            "seed": settings.seed,
        },
        flip_test_neighbors=neighbours,
        false_alarm_rate=rates.per_window,
        monthly_false_alarm_rate=rates.per_month,
        **({} if share is None else {"share_of_month": share}),
        **({"disparate_impact_rule": suggested_by.value} if suggested_by else {}),
    )
    documents: dict[str, Any] = {ANALYSIS_FILE: document}
    if baseline is None:
        documents[CONSTRAINTS_FILE] = document
    records = counted.log.counts()
    return Findings(
        records=records,
        warnings=(*labelled.warnings, *warnings_of(table, positive, facets, metrics, baseline, chosen.left_out)),
        violations=tuple(each.violation() for each in metrics if each.violated),
        violations_version="1.0",
        documents=documents,
        metrics=tuple(metrics_of(metrics, chosen.label, positive.spelled)),
        report=report_of(facets, metrics, records),
        ground_truth=labelled.counts,
    )


class _Counted(NamedTuple):
    table: BiasTable
    chosen: Chosen
    labelled: LabelledDataset
    log: ReadLog


def _counted(settings: BiasSettings, config: BiasConfig, baseline: BiasAnalysis | None, gather: Gather) -> _Counted:
    """Read the dataset, and count its rows by what the metrics are computed of."""
    predicted = baseline is not None and bool(baseline.metrics(Stage.POST_TRAINING))
    completed = attributes_of(settings, config, predictions_required=predicted)
    configured = of_training(settings, completed, config)
    with naming_keys(configured | features_key(settings, config.features)):
        labelled = open_labelled_dataset(
            completed, labels_required=settings.ground_truth_attribute is not None, of_training=configured
        )
        read = completed.model_copy(update={f"{role}_attribute": None for role in labelled.bare})
        chosen = columns_of(labelled.dataset, config, read, baseline.facets() if baseline else ())
        start = partial(BiasTable.empty, chosen.columns, settings.seed)
        reading = Reading(start, chosen.columns.dtypes, gathered, arrivals=Arrivals(requests=True))
        counted = gather(reading, parts_of(labelled.dataset))
        table, log = counted.accumulator, counted.log
        log.require_records()
    log.remarks += chosen.remarks
    log.remarks += remarks_on_numbers(
        labelled.dataset, [*(facet.name_or_index for facet in config.facet), config.group_variable]
    )
    _require_rows(table)
    return _Counted(table, chosen, labelled, log)


def _require_rows(table: BiasTable) -> None:
    if any(rows["rows"].sum() for rows in table.facets.values()):
        return
    if table.unpredicted:
        rows = count_text(table.unpredicted, "row" if table.columns.label is None else "labelled row")
        message = f"no row has a prediction ({rows} read): check that the attribute names the right column"
        raise InvalidInput("NoPredictions", message)
    message = f"no row has a label in the column {table.columns.label!r} ({count_text(table.unlabelled, 'row')} read)"
    raise InvalidInput("NoLabels", message)


ANALYSIS = KindAnalysis(run=run, changes_since=changes_since, learnt=learnt, replay=replay)
