"""Names of time zones, and the zones of the package tzdata."""

from __future__ import annotations

import zoneinfo
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.monitor_kinds import DATA_QUALITY
from modelwatch_core.domain.settings_environment import analysis_settings
from modelwatch_core.domain.time_zones import TimeZoneName, time_zone, zone_names
from tests.core.test_environments import baselining
from tests.core.world import World

_NAME = TypeAdapter(TimeZoneName)
_MOMENTS = st.integers(0, 2**32).map(lambda second: datetime.fromtimestamp(second, UTC))  # to 2106


@pytest.fixture(scope="module", autouse=True)
def _zones_of_the_package_alone() -> Iterator[None]:
    """Make zoneinfo read what it reads on Windows: the machine may have older rules."""
    zoneinfo.reset_tzpath(())
    yield
    zoneinfo.reset_tzpath()


@given(name=st.sampled_from(sorted(zone_names())), moment=_MOMENTS)
def test_zones_are_those_of_the_standard_library(name, moment):
    zone, known = time_zone(_NAME.validate_python(name)), zoneinfo.ZoneInfo.no_cache(name)
    assert moment.astimezone(zone).replace(tzinfo=None) == moment.astimezone(known).replace(tzinfo=None)
    assert zone.key == name


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("europe/berlin", "Europe/Berlin"),
        ("Europe/Berlim", "Europe/Berlin"),
        ("America/New York", "America/New_York"),
        ("utc", "UTC"),
        ("Berlin", "Europe/Berlin"),
        ("new york", "America/New_York"),
        ("CEST", None),
        ("+02:00", None),
        ("W. Europe Standard Time", None),
        ("../../etc/passwd", None),
        ("/usr/share/zoneinfo/UTC", None),
        ("Europe", None),
        ("Europe/Berlin\n", "Europe/Berlin"),
    ],
)
def test_what_is_no_zone_is_refused_with_a_name_that_is_one(name, meant):
    with pytest.raises(ValidationError) as refused:
        _NAME.validate_python(name)
    (mistake,) = refused.value.errors()
    expected = "is no time zone: write a name of the IANA database, such as Europe/Berlin, America/New_York or UTC"
    assert mistake["msg"] == f"Value error, {expected}" + (f"; did you mean {meant}?" if meant else "")


def test_a_baselining_job_with_an_unknown_zone_is_refused_when_it_is_requested():
    world = World()
    world.objects.kept["s3://data/train.csv"] = b"a\n1\n"
    with pytest.raises(InvalidInput, match=r"InvalidSettings: time_zone: is no time zone: .*; did you mean Asia/Tokyo"):
        world.create_baseline(baselining(DATA_QUALITY, environment={"time_zone": "Asia/Tokio"}))
    assert world.jobs.kept == {}
    world.create_baseline(baselining(DATA_QUALITY, environment={"time_zone": "Asia/Tokyo"}))
    assert world.host.started[0].settings.time_zone == "Asia/Tokyo"


def test_a_schedule_with_an_unknown_zone_is_refused_when_it_is_requested():
    world = World()
    with pytest.raises(InvalidInput, match="InvalidSettings: time_zone: is no time zone"):
        world.has_schedule(environment={"time_zone": "Mars/Olympus"})


def test_zones_are_a_setting_of_data_quality_alone():
    fields = {"dataset_source": "/in", "output_path": "/out", "time_zone": "UTC"}
    assert analysis_settings(**fields).time_zone == "UTC"
    with pytest.raises(InvalidInput, match="time_zone: not a setting of bias monitors"):
        analysis_settings(analysis_type="MODEL_BIAS", **fields)


def test_clocks_differ_from_utc_by_quarters_of_an_hour_since_there_have_been_captures():
    moments = [datetime(year, month, 1, tzinfo=UTC) for year in range(2017, 2050) for month in (1, 4, 7, 10)]
    for name in zone_names():
        offsets = {moment.astimezone(time_zone(name)).utcoffset() for moment in moments}
        assert all(offset is not None and offset % timedelta(minutes=15) == timedelta(0) for offset in offsets)
