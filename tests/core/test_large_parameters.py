"""Parameters that no record would hold are refused when they are given; what was accepted earlier stays readable."""

from __future__ import annotations

import re

import pytest

from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.monitoring_schedule import MonitoringSchedule
from tests.core.test_monitors import request
from tests.core.world import World, schedule_parameters

MOST_BYTES_OF_AN_ITEM = 400 * 1024  # DynamoDB, "Quotas": an item with the names of its attributes


@pytest.fixture
def world() -> World:
    made = World()
    made.objects.kept["s3://data/train.csv"] = b"a\n1\n"
    return made


@pytest.mark.parametrize("variables", [{"NOTE": "x" * 390_000}, {f"NOTE_{i}": "x" * 8_000 for i in range(49)}])
def test_an_environment_near_the_size_of_a_record_is_refused_with_what_to_do(world, variables):
    says = re.escape("environment has 39") + ".*write long values into a file in S3 and give the variable its S3 URI"
    with pytest.raises(InvalidInput, match=says) as refused:
        world.manage("CreateMonitoringSchedule", **schedule_parameters(), environment=variables)
    assert refused.value.code == "ParametersTooLarge"
    with pytest.raises(InvalidInput, match=says):
        world.create_baseline(request(environment=variables))
    assert (world.schedules.kept, world.host.started) == ({}, [])


def test_a_configuration_of_many_rows_is_better_in_a_file(world):
    config = {"methods": {"shap": {"baseline": [[0.5] * 50] * 1_000}}}
    changes = {"monitoring_type": "ModelExplainability", "analysis_config": config}
    with pytest.raises(InvalidInput, match=r"analysis_config has .* write it into a file in S3 and give its S3 URI"):
        world.create_baseline(request(**changes))


def test_what_is_just_within_the_limit_is_kept_whatever_its_letters(world):
    variables = {"NOTE": "é" * 19_000}  # six bytes of ASCII JSON each
    world.manage("CreateMonitoringSchedule", **schedule_parameters(), environment=variables)
    kept = world.schedules.get("hourly")
    assert kept.environment == variables
    assert 2 * len(kept.model_dump_json().encode()) < MOST_BYTES_OF_AN_ITEM


def test_a_schedule_that_was_accepted_earlier_is_described_stopped_and_made_smaller(world):
    world.manage("CreateMonitoringSchedule", **schedule_parameters())
    large = {"NOTE": "x" * 200_000}
    kept: MonitoringSchedule = world.schedules.get("hourly")
    world.schedules.kept["hourly"] = kept.model_copy(update={"environment": large})
    named = {"monitoring_schedule_name": "hourly"}
    assert world.manage("DescribeMonitoringSchedule", **named)["environment"] == large
    assert world.manage("StopMonitoringSchedule", **named)["monitoring_schedule_status"] == "Stopped"
    with pytest.raises(InvalidInput, match="environment has"):
        world.manage("UpdateMonitoringSchedule", **named, start_delay_minutes=7)
    assert world.manage("UpdateMonitoringSchedule", **named, environment={})["environment"] == {}
