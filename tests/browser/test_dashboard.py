"""The dashboard in a real browser: its pages and its widget have no serious finding, ask for nothing, and lead on."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable

import pytest

from modelwatch_core.app.show_monitors import ShowWidget
from modelwatch_core.domain.alert_text import alert_subject, alert_text
from modelwatch_core.domain.dashboard.markup import element, joined
from modelwatch_core.domain.outcome import OutcomeStatus
from modelwatch_core.domain.scores import Score
from tests.browser.conftest import WIDTHS
from tests.browser.test_reports import NAMES
from tests.core.test_dashboard import Watched
from tests.core.world import DRIFT

pytestmark = pytest.mark.slow


def two_days(features: Iterable[str], *, reason: str) -> Watched:
    """Return monitors with two days of hours: one drifts, one fails in the end and measures the features."""
    world, draw = Watched(), random.Random(1)
    measures_quality = {"problem_type": "BinaryClassification", "ground_truth_input": "s3://labels/all"}
    kinds = {
        "mortgages-data-quality": {},
        "mortgages-model-quality": {"monitoring_type": "ModelQuality", **measures_quality},
        "mortgages-challenger": {},
        "new-monitor": {},
    }
    for name, kind in kinds.items():
        world.has_schedule(name, alerting={"remind_after_hours": 4}, **kind)
    for hour in range(48):
        drift = 0.04 + 0.02 * math.sin(hour / 4) + (0.004 * (hour - 20) if hour > 20 else 0.0) + draw.gauss(0, 0.004)
        scores = tuple(
            Score(name=name, value=value, threshold=0.1, grade=max(0.0, value / 0.1), violated=value > 0.1)
            for name, value in (("income", drift), ("age", 0.03 + draw.gauss(0, 0.004)), ("region", 0.02))
        )
        world.runs(hour, *[DRIFT] * (drift > 0.1), name="mortgages-data-quality", scores=scores)
        world.runs(
            hour,
            name="mortgages-model-quality",
            scores=(Score(name="auc", value=0.91, baseline=0.92, threshold=0.88, grade=0.25),),
        )
        named = tuple(Score(name=name, value=0.02, threshold=0.1, grade=0.2) for name in features)
        ended = {"status": OutcomeStatus.FAILED, "failure_reason": reason} if hour == 47 else {}
        world.runs(hour, name="mortgages-challenger", scores=named, **ended)
        announced = world.announcements
        world.deliver()
    for name in ("mortgages-data-quality", "mortgages-challenger"):
        world.write(next(each for each in announced if each.monitoring_schedule_name == name))
    return world


@pytest.fixture(scope="module")
def watched() -> Watched:
    """Monitors one of which has names that nobody would choose."""
    return two_days(NAMES.values(), reason=NAMES["html"])


def test_pictures_of_the_dashboard_and_of_the_mails_of_an_alert(opened, picture):
    world = two_days(("amount", "term", "branch"), reason="AnalyzerCrashed: the analysis ran out of memory")
    for name in ("index", "mortgages-data-quality"):
        picture(opened(world.page(f"s3://results/dashboard/{name}.html")), f"dashboard-{name}.png")
    world.runs(48, name="mortgages-data-quality")
    world.deliver()
    of_drift = [alert for alert in world.mail.alerts if alert.monitoring_schedule_name == "mortgages-data-quality"]
    assert [alert.phase for alert in of_drift[-3:]] == ["InAlert", "Reminder", "Recovered"]
    mails = [(alert_subject(alert), alert_text(alert)) for alert in of_drift[-3:]]
    shown = joined(element("section", element("h2", subject), element("pre", text)) for subject, text in mails)
    style = "body{font:15px system-ui;margin:2rem;width:60rem}h2{font-size:1rem}pre{font-size:.85rem}"
    page = opened(
        f'<!doctype html><html lang="en"><title>Mails</title><style>{style}</style><main>{shown}</main></html>',
        width=1000,
    )
    assert page.page.locator("pre").count() == 3
    assert page.accessibility_findings() == []
    picture(page, "mails.png")


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_of_the_dashboard_have_no_serious_finding(opened, watched, width, scheme):
    for name in ("index", "mortgages-data-quality", "mortgages-challenger"):
        page = opened(watched.page(f"s3://results/dashboard/{name}.html"), width=width, color_scheme=scheme)
        assert page.page.locator("main").count() == 1
        assert page.page.locator("script, img, b").count() == 0
        assert page.accessibility_findings() == []
        assert page.page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_overview_leads_to_a_monitor_and_back(opened, watched, tmp_path):
    folder = tmp_path / "dashboard"
    folder.mkdir()
    for uri in watched.objects.kept:
        if uri.startswith("s3://results/dashboard/"):
            (folder / uri.rpartition("/")[2]).write_bytes(watched.objects.kept[uri])
    page = opened(folder / "index.html")
    page.page.get_by_role("link", name="mortgages-data-quality").click()
    assert page.page.locator("svg.history").count() == 3
    page.page.get_by_role("link", name="All monitors").click()
    assert page.page.locator("tbody tr").count() == 4
    # It was led to other pages of the folder, which is no foreign request.
    page.complaints[:] = [each for each in page.complaints if not each.startswith(folder.as_uri())]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_widget_has_no_serious_finding(opened, watched, theme):
    show = ShowWidget(watched.read, watched.clock)
    for monitor in (None, "mortgages-challenger"):
        content = show(monitor=monitor, theme=theme, function_arn="arn:aws:lambda:eu-west-1:111122223333:function:f")
        page = opened(f'<!doctype html><html lang="en"><title>Widget</title><main>{content}</main></html>')
        assert page.accessibility_findings() == []
