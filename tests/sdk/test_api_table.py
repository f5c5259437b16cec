"""The table of every name and argument of the specification."""

from __future__ import annotations

from tests.sdk.api_table import PAGE, page_with_table, rows


def test_the_page_has_the_table_as_it_is_now():
    page = PAGE.read_text()
    assert page == page_with_table(page), "run `python -m tests.sdk.api_table`"


def test_nothing_of_the_specification_is_missing():
    assert [row for row in rows() if row.state == "missing"] == []


def test_every_argument_of_the_specification_is_in_its_place_with_its_default():
    assert [row for row in rows() if row.state != "yes" and "methods above" not in row.state] == []


def test_the_table_covers_the_whole_specification():
    # Counted by hand in the specification: 12 classes, and 6 more that its code imports; DataCaptureConfig has 7
    # parameters, MonitoringExecution has 2 methods with 1 argument, and 9 attributes.
    found = rows()
    assert len({row.owner for row in found}) == 12 + 6
    assert {row.name for row in found if row.owner == "S3Downloader"} == {"read_file()", "read_file(s3_uri)"}
    assert len([row for row in found if row.owner == "DataCaptureConfig"]) == 7
    assert len([row for row in found if row.owner == "MonitoringExecution"]) == 2 + 1 + 9
