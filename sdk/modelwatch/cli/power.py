"""``modelwatch power``: what a check or a schedule can find at its traffic."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import Annotated

import typer

from modelwatch.cli.aws_session import AwsOptions
from modelwatch.cli.failures import print_json
from modelwatch.cli.local_copy import local_copy
from modelwatch.cli.option_groups import takes_option_groups
from modelwatch.cli.options import AsJson, examples
from modelwatch.printing import make_console, print_table

EXAMPLE = examples("modelwatch power baseline/statistics.json --rows 500 --looks-per-month 720")


@takes_option_groups
def power(
    statistics: Annotated[
        str, typer.Argument(metavar="FILE|S3URI", help="The statistics.json of a data quality baseline.")
    ],
    rows: Annotated[int, typer.Option(metavar="N", min=1, max=2_147_483_647, help="The number of rows in a window.")],
    looks_per_month: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="N", help="The number of windows in a month, for a schedule; without it, for a single check."
        ),
    ] = None,
    as_json: AsJson = False,
    *,
    aws: AwsOptions,
) -> None:
    """Show the smallest changes that the Calibrated comparison finds in 80 % of windows, by feature.

    For a schedule these are the changes that a single window finds; smaller ones that last are found over several
    windows. The rates of false alarms and the smallest effects are those that a baseline suggests.

    A seasonal baseline knows how much windows vary. Their length is then that of --looks-per-month, or an hour.
    """
    from modelwatch_analyzer.calibrated.seasonal_watch import SEASONAL_LOOKS_PART
    from modelwatch_analyzer.calibrated.watch import LOOKS_PART
    from modelwatch_analyzer.data_quality.documents import Statistics
    from modelwatch_analyzer.data_quality.power import least_changes
    from modelwatch_analyzer.distances.distribution_constraints import CALIBRATED_RATES
    from modelwatch_core.domain.analysis_settings import MONTH

    with local_copy(statistics, "FILE", aws=aws) as path:
        baseline = Statistics.read(path)
    level, hours = CALIBRATED_RATES.false_alarm_rate or 0.0, 1.0
    if looks_per_month is not None:
        part = SEASONAL_LOOKS_PART if baseline.seasonal else LOOKS_PART
        level = part * (CALIBRATED_RATES.monthly_false_alarm_rate or 0.0) / looks_per_month
        hours = MONTH / timedelta(hours=looks_per_month)
    found = list(least_changes(baseline, rows, level, hours))
    if as_json:
        print_json({"rows": rows, "level": level, "features": [asdict(each) for each in found]})
        return
    table = [(each.feature, _percent(each.moved), _number(each.deviations), _percent(each.missing)) for each in found]
    print_table(make_console(), ("feature", "rows moved", "or shift, standard deviations", "missing rows"), table)


def _percent(share: float | None) -> str:
    return "-" if share is None else "none" if share >= 1 else f"{100 * share:.3g} %"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"
