"""What the user should know of a bias analysis though it is not a violation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from modelwatch_analyzer.bias.check import NO_VALUE
from modelwatch_analyzer.bias.documents import BiasAnalysis
from modelwatch_analyzer.bias.flips import MOST_ROWS
from modelwatch_analyzer.bias.group_metrics import FEW_ROWS, GroupMetric, groups_text
from modelwatch_analyzer.bias.groups import Facet, Positive
from modelwatch_analyzer.bias.metric import BiasMetric, Stage, names_of
from modelwatch_analyzer.bias.metrics import METRICS
from modelwatch_analyzer.bias.table import BiasTable
from modelwatch_analyzer.bias.values import ABOVE, LISTED, ColumnFacts, DataType, Listed, group_key
from modelwatch_analyzer.profile.lexical import ColumnType
from modelwatch_analyzer.profile.spelling import (
    exact_number,
    example_text,
    remark_on_alike,
    remark_on_codes,
    remark_on_doubles,
    remark_on_words,
)
from modelwatch_analyzer.profile.unusual_spellings import number_advice
from modelwatch_analyzer.undefined import Undefined
from modelwatch_analyzer.wording import enumerated
from modelwatch_core.domain.number_text import count_text, left_out_text

_FEW_BASELINE_ROWS = 100
_MANY_NUMBERS = 20
_CLASSES = 2
"""Predictions of this many classes may be spelled as fractions, 0.0 and 1.0."""
_PERHAPS_PROBABILITIES = ". If these are probabilities, name them with probability_attribute"
_AS_NUMBERS = f'For those above {{}}, add "data_type": "{DataType.CONTINUOUS}" to its facet in the configuration'


def warnings_of(
    table: BiasTable,
    positive: Positive,
    facets: Sequence[Facet],
    measures: Sequence[GroupMetric],
    baseline: BiasAnalysis | None,
    left_out: Sequence[BiasMetric],
) -> Iterator[str]:
    """Yield sentences.

    Parameters
    ----------
    left_out : sequence of BiasMetric
        What is not measured because the data has no labels.
    """
    if left_out:
        yield _without_labels(left_out, baseline)
    yield from _rows(table, facets, baseline)
    estimates = (each.estimate for each in measures)
    if remark := table.requests.remark(each.dependence for each in estimates if not isinstance(each, Undefined)):
        yield remark
    yield from _labels(table, positive, facets, baseline)
    groups: dict[tuple[str, str], list[GroupMetric]] = {}
    for each in measures:
        groups.setdefault((each.facet, each.group), []).append(each)
    for (facet, group), of_group in groups.items():
        yield from _group(f"{facet} = {group}", of_group)
    yield from _undefined(groups, table)
    if baseline is not None:
        yield from _ignored(baseline)
        yield from _uncompared(measures, baseline)
        if table.columns.prediction is None and (unpredicted := baseline.metrics(Stage.POST_TRAINING)):
            yield (
                f"without predictions, the baseline's {', '.join(unpredicted)} cannot be checked: name the predictions "
                "with inference_attribute or probability_attribute"
            )


def _without_labels(left_out: Sequence[BiasMetric], baseline: BiasAnalysis | None) -> str:
    constraints = baseline.constraints() if baseline else {}
    held = {name for (_, _, name), constraint in constraints.items() if not constraint.is_open}
    compared = names_of(metric for metric in left_out if metric.name in held)
    uncompared = f", and the baseline's {compared} cannot be checked" if compared else ""
    return (
        f"there are no labels, so {names_of(left_out)} are left out{uncompared}: give labels in files of their own "
        "(ground truth), or name their column with ground_truth_attribute"
    )


def _rows(table: BiasTable, facets: Sequence[Facet], baseline: BiasAnalysis | None) -> Iterator[str]:
    analysed = max((int(facet.cells.sum()) for facet in facets), default=0)
    if baseline is None and analysed < _FEW_BASELINE_ROWS:
        rows = count_text(analysed, "row")
        yield f"the baseline has {rows}: with fewer than {_FEW_BASELINE_ROWS}, its values may well be due to chance"
    if table.unlabelled:
        yield left_out_text(table.unlabelled, "row", "without a label")
    if table.unread:
        left_out = left_out_text(table.unread, "row", f"whose {table.columns.predicted!r} is not a number")
        yield left_out + number_advice(table.spellings)
    if absent := table.unpredicted - table.unread:
        yield left_out_text(absent, "row", "without a prediction")
    if table.spelled_missing:
        yield f"{table.spelled_missing} of the missing values are written out, such as nan or None"
    for facet in facets:
        if facet.missing and not (facet.gone and len(facet.gone) == len(facet.values)):
            yield f"{left_out_text(facet.missing, 'row', f'without a value of {facet.name}')} of its metrics"
        if facet.gone:
            gone = groups_text([(facet.name, facet.values[i]) for i in sorted(facet.gone)])
            without = f"{count_text(facet.missing, 'row')} without a value of {facet.name}"
            yield f"no row is in {gone}, so the rows outside include {without}"
        facts, (_, listed) = table.facet_facts[facet.name], table.columns.facets[facet.name]
        yield from _facet(facet, facts, listed)
        yield from _alike(f"values of {facet.name}", facts)
    yield from _alike("labels and predictions", table.label, table.predicted)
    if table.sample is not None and table.sample.rows.height == MOST_ROWS < analysed:
        yield f"the flip test (FT) used a sample of {MOST_ROWS} of {analysed} rows"


def _alike(what: str, *facts: ColumnFacts) -> Iterator[str]:
    texts = sorted(set().union(*(each.texts or () for each in facts)))
    yield from remark_on_alike(what, {group_key(text): text for text in texts}.values())


def _facet(facet: Facet, facts: ColumnFacts, listed: Listed) -> Iterator[str]:
    """Say how a facet is read where that may surprise."""
    name, numeric = facet.name, facts.type_for(listed.values)
    if not listed.values:
        yield from remark_on_words(f"groups of {name}", facet.values)
    yield from remark_on_doubles(f"values of {name}", facts.texts or ())
    if facts.data_type(listed.values) is DataType.CATEGORICAL:
        yield from remark_on_codes(f"values of {name}", facts.texts or ())
    read_as_categories = listed.threshold is not None and facet.values == (str(listed.values[0]),)
    if facts.others and listed.threshold is not None and not read_as_categories:
        yield f"{facts.others} of {facts.present} values of {name} are not numbers and were left out"
    if read_as_categories and facts.others and facts.number_type.is_numeric and not numeric.is_numeric:
        yield (
            f"{facts.others} of {facts.present} values of {name} are not numbers, so it is read as categories: the "
            f"group has only the value {listed.values[0]}. {_AS_NUMBERS.format(listed.values[0])}"
        )
    if read_as_categories and numeric is ColumnType.INTEGRAL and facts.distinct.count > _MANY_NUMBERS:
        yield (
            f"{name} holds {facts.distinct.count:.0f} whole numbers and is read as categories: the group has only the "
            f"value {listed.values[0]}. {_AS_NUMBERS.format(listed.values[0])}"
        )
    above = len(facet.values) == 1 and facet.values[0].startswith("(")
    if above and facts.matched and _are_few_whole_fractions(facts):
        yield (
            f"{name} holds {facts.distinct.count:.0f} whole numbers that are written as fractions (1.0), and is read "
            f"as numbers: the group has those above {listed.values[0]}. If they are codes, add "
            f'"data_type": "{DataType.CATEGORICAL}" to its facet in the configuration'
        )
    if listed.values and facts.present and not facts.matched and not facet.rows(0)[0]:
        yield (
            f"no value of {name} is in its group: the configuration lists {example_text(listed.texts)}, the data has "
            f"{example_text(facts.examples)}. Check the spelling"
        )


def _are_few_whole_fractions(facts: ColumnFacts) -> bool:
    if facts.type is not ColumnType.FRACTIONAL or facts.distinct.count > _MANY_NUMBERS:
        return False
    return all(number == number.to_integral_value() for number in map(exact_number, facts.texts or ()) if number)


def _labels(
    table: BiasTable, positive: Positive, facets: Sequence[Facet], baseline: BiasAnalysis | None
) -> Iterator[str]:
    labelled = table.columns.label is not None
    what, axes = ("label", (0, 1, 3)) if labelled else ("prediction", (0, 1, 2))
    negatives, positives = np.sum([facet.cells.sum(axis=axes) for facet in facets], axis=0)
    if negatives and not positives and table.outcomes.present:
        found = example_text(table.outcomes.examples)
        perhaps = "" if labelled or not table.predicted.are_probabilities else _PERHAPS_PROBABILITIES
        yield f"no {what} is {positive.spelled}: check label_values_or_threshold. The data has {found}{perhaps}"
    predicted_otherwise = table.predicted.present and not table.predicted.matched
    if labelled and positive.predicted == LISTED and predicted_otherwise and positives:
        found, labels = example_text(table.predicted.examples), example_text(table.label.examples)
        perhaps = _PERHAPS_PROBABILITIES if table.predicted.are_probabilities else ""
        yield f"no prediction is {positive.spelled}: the predictions are {found}, but the labels are {labels}{perhaps}"
    if positive.predicted == LISTED and table.predicted.matched and _hold_scores(table.predicted):
        yield (
            f"the predictions have {table.predicted.distinct.count:.0f} distinct values from 0 to 1, of which only "
            f"{positive.spelled} counts as positive{_PERHAPS_PROBABILITIES}"
        )
    if positive.label == ABOVE:
        for name, facts in (("label", table.label), ("prediction", table.predicted)):
            if facts.others:
                yield left_out_text(facts.others, "row", f"whose {name} is not a number")
    if positives and not negatives:
        yield f"all {what}s are {positive.spelled}"
    known = baseline.label_values() if baseline else []
    if known and group_key(positive.spelled) not in map(group_key, known):
        yield (
            f"the baseline's positive labels are {known[0]}, but here they are {positive.spelled}: the metrics are not "
            "comparable"
        )


def _hold_scores(predicted: ColumnFacts) -> bool:
    return predicted.are_probabilities and predicted.distinct.count > _CLASSES


def _group(name: str, measures: Sequence[GroupMetric]) -> Iterator[str]:
    small = [each for each in measures if each.small]
    if small:
        held = [each.metric.name for each in small if each.verdict.violated]
        beyond = f"; beyond the baseline: {', '.join(held)}" if held else ""
        others = names_of(each.metric for each in measures if not each.small)
        which = f"metrics other than {others}" if others else "metrics"
        yield (
            f"{name}: {count_text(small[0].rows, 'row')} in the group, {small[0].others:,} outside it. With fewer than "
            f"{FEW_ROWS} on either side, {which} are reported but never alert{beyond}"
        )
    without = names_of(each.metric for each in measures if each.verdict.note == NO_VALUE)
    if without:
        yield f"{name}: the baseline has no value of {without}, which may be undefined there: not compared"
    for each in measures:
        if each.verdict.note and each.constraint and each.constraint.range:
            yield f"{name}: {each.metric.name} is {each.verdict.note}"


def _undefined(groups: Mapping[tuple[str, str], Sequence[GroupMetric]], table: BiasTable) -> Iterator[str]:
    """Say which metrics have no value and why, once for all groups of which it is true."""
    alike: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for group, measures in groups.items():
        reasons: dict[str, list[str]] = {}
        for each in measures:
            # No group variable was requested; and FD of a baseline without shares is reported with what that lacks.
            quiet = each.metric.name == "FD" or (table.columns.group is None and each.metric.conditional)
            if isinstance(each.value, Undefined) and not quiet:
                reasons.setdefault(each.value.reason, []).append(each.metric.name)
        for reason, names in reasons.items():
            alike.setdefault((", ".join(names), reason), []).append(group)
    for (metrics, reason), found in alike.items():
        yield f"{groups_text(found)}: {metrics} {'are' if ', ' in metrics else 'is'} undefined: {reason}"


def _ignored(baseline: BiasAnalysis) -> Iterator[str]:
    if unknown := list(dict.fromkeys(baseline.unknown_keys())):
        yield f"the constraints file has keys without a meaning there, which were ignored: {enumerated(unknown)}"
    names = dict.fromkeys(metric for *_, metric in baseline.constraints())
    if others := [name for name in names if name not in METRICS]:
        yield f"the constraints file has unknown metrics, which were ignored: {enumerated(others)}"


def _uncompared(measures: Sequence[GroupMetric], baseline: BiasAnalysis) -> Iterator[str]:
    known = {(facet, group) for facet, group, _ in baseline.constraints()}
    now = {(each.facet, group_key(each.group)) for each in measures}
    new = list(
        dict.fromkeys((each.facet, each.group) for each in measures if (each.facet, group_key(each.group)) not in known)
    )
    if new:
        yield f"the baseline does not have {groups_text(new)}: not compared"
    measured = {metric for _, _, metric in baseline.constraints()}
    lacking = names_of(each.metric for each in measures if each.metric.name not in measured and each.metric.is_compared)
    if lacking:
        yield f"the baseline has no {lacking}: reported but not compared"
    gone = [(facet, group) for facet, group in baseline.groups() if (facet, group_key(group)) not in now]
    if gone:
        yield f"the baseline has {groups_text(gone)}, which the configuration does not name: not checked"
