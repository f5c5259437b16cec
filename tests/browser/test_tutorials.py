"""The reports that the tutorials lead to, in a real browser: their pictures are made here."""

from __future__ import annotations

from typing import Any

import pytest

from tests.documents import run

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("kind", ["data-quality", "model-quality", "bias", "explainability"])
def test_the_report_of_a_tutorial_shows_its_violations_and_has_no_serious_finding(
    opened, picture, kind, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    run(f"docs/tutorials/{kind}.md", names, until="S3Uploader")
    found = names["found"]
    assert found.violations
    page = opened(found.report, width=1000)
    shown = page.page.locator("main").inner_text()
    assert all(violation.subject.partition(" ")[0] in shown for violation in found.violations)
    assert page.accessibility_findings() == []
    picture(page, f"{kind}.png")
