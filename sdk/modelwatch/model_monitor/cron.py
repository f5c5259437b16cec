"""Schedule expressions in SageMaker's form."""

from __future__ import annotations

from modelwatch.arguments import integer

_HOURS = 24


class CronExpressionGenerator:
    """Generates the cron expressions of monitoring schedules; all times are UTC.

    Examples
    --------
    >>> CronExpressionGenerator.hourly(), CronExpressionGenerator.daily(2)
    ('cron(0 * ? * * *)', 'cron(0 2 ? * * *)')
    """

    @staticmethod
    def hourly() -> str:
        """Return the expression of every full hour."""
        return "cron(0 * ? * * *)"

    @staticmethod
    def daily(hour: int = 0) -> str:
        """Return the expression of every day at a full hour.

        Parameters
        ----------
        hour : int
            0 to 23, UTC.
        """
        return f"cron(0 {integer('hour', hour, 0, _HOURS - 1)} ? * * *)"

    @staticmethod
    def daily_every_x_hours(
        hour: int | None = None, starting_hour: int = 0, *, hour_interval: int | None = None
    ) -> str:
        """Return the expression of every so many hours of each day, from the starting hour on.

        Parameters
        ----------
        hour : int
            The interval in hours, 1 to 24.
        starting_hour : int
            The first hour of each day, 0 to 23.
        hour_interval : int
            Another name of ``hour``, that of SageMaker's SDK v2.
        """
        if (hour is None) == (hour_interval is None):
            raise ValueError("give the interval once, as hour or as hour_interval")
        interval = integer("hour", hour if hour_interval is None else hour_interval, 1, _HOURS)
        start = integer("starting_hour", starting_hour, 0, _HOURS - 1)
        return f"cron(0 {start}/{interval} ? * * *)"

    @staticmethod
    def now() -> str:
        """Return ``NOW``: one execution, at once, over the window of ``data_analysis_start_time`` and ``..._end_time``.

        The word is that of SageMaker's API; a timestamp would be none that it takes.
        """
        return "NOW"
