from __future__ import annotations

import errno
import re
import tempfile
import traceback
from datetime import UTC, datetime
from pathlib import Path

import pytest

from modelwatch_analyzer.workers import WorkerKilled
from modelwatch_core.app.run_analysis import RunAnalysis, remove_abandoned_files
from modelwatch_core.domain.analysis import AnalysisInput, AnalysisOutput, AnalysisRequest, AnalysisSummary
from modelwatch_core.domain.errors import InvalidInput, Upstream
from modelwatch_core.domain.hosts import Resource, Run
from modelwatch_core.domain.outcome import OutcomeStatus
from modelwatch_core.domain.settings_environment import analysis_settings
from tests.core.in_memory import MemoryBus, MemoryObjects, MemoryRunClaims, run_in_memory

SUBJECT = "execution/hourly-1/2026-11-22T09:00:00Z/2026-11-22T10:00:00Z/1"
RUN = Run(host="memory", subject=SUBJECT, run_id="first")
REQUEST = AnalysisRequest(
    subject=SUBJECT,
    settings=analysis_settings(
        analysis_type="MODEL_BIAS",
        dataset_source="/opt/ml/processing/input",
        output_path="/opt/ml/processing/output",
        user_environment={"k": "v"},
    ),
    inputs=(
        AnalysisInput(s3_uri="s3://captures/live/e/09/", path="input/e/09/"),
        AnalysisInput(s3_uri="s3://results/b/constraints.json", path="baseline/constraints.json"),
    ),
    output_s3_uri="s3://results/out",
    host="memory",
)


@pytest.fixture
def objects() -> MemoryObjects:
    store = MemoryObjects()
    store.kept |= {
        "s3://captures/live/e/09/a.jsonl": b"a",
        "s3://captures/live/e/09/": b"",
        "s3://results/b/constraints.json": b"c",
    }
    return store


@pytest.fixture(autouse=True)
def scratch(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def run(objects, analyze, request=REQUEST):
    bus = MemoryBus()
    ended = run_in_memory(objects, bus, MemoryRunClaims(), analyze)(request, RUN)
    assert bus.published == [ended]
    assert ended.run == RUN
    return ended.outcome


def test_the_analyzer_finds_its_folders_and_its_reports_are_stored(objects, scratch):
    def analyze(settings):
        source, output = settings.dataset_source, settings.output_path
        assert (source / "e/09/a.jsonl").read_bytes() == b"a"
        assert (source.parent / "baseline/constraints.json").read_bytes() == b"c"
        assert settings.user_environment == {"k": "v"}
        (output / "statistics.json").write_text("{}")
        return AnalysisSummary(status=OutcomeStatus.COMPLETED, exit_message="Completed: fine")

    ended = run(objects, analyze)
    assert (ended.status, ended.exit_message) == (OutcomeStatus.COMPLETED, "Completed: fine")
    assert objects.kept["s3://results/out/statistics.json"] == b"{}"
    assert list(scratch.iterdir()) == []


def test_what_a_link_of_a_script_leads_to_is_not_stored(objects, scratch):
    def analyze(settings):
        (settings.output_path / "statistics.json").write_text("{}")
        (settings.output_path / "link.json").symlink_to("/proc/self/environ")
        (settings.output_path / "folder").symlink_to("/etc")
        return AnalysisSummary(status=OutcomeStatus.COMPLETED, exit_message="Completed: fine")

    run(objects, analyze)
    assert [uri for uri in objects.kept if uri.startswith("s3://results/out/")] == [
        "s3://results/out/statistics.json",
        "s3://results/out/analysis_ended.json",
    ]


def test_small_files_are_written_and_further_outputs_go_where_the_request_says(objects):
    def analyze(settings):
        merged = settings.output_path.parent / "merge" / "e" / "part-00000.jsonl"
        merged.parent.mkdir(parents=True)
        merged.write_bytes(settings.analysis_config.read_bytes())
        return AnalysisSummary(status=OutcomeStatus.COMPLETED, exit_message="Completed: fine", changes=("a",) * 200)

    request = REQUEST.model_copy(
        update={
            "files": {"config/c.json": '{"ü": 1}'},
            "settings": REQUEST.settings.model_copy(
                update={"analysis_config": Path("/opt/ml/processing/config/c.json")}
            ),
            "further_outputs": (AnalysisOutput(path="merge/", s3_uri="s3://results/merge"),),
        }
    )
    ended = run(objects, analyze, request)
    assert objects.kept["s3://results/merge/e/part-00000.jsonl"] == '{"ü": 1}'.encode()
    assert len(ended.changes) == 100


def test_input_that_a_person_must_fix_ends_the_analysis_with_the_reason_and_no_path_of_the_host(objects, scratch):
    def analyze(settings):
        raise InvalidInput("NoData", f"nothing in {settings.dataset_source}/e")

    ended = run(objects, analyze)
    assert (ended.status, ended.failure_reason) == (OutcomeStatus.FAILED, "NoData: nothing in input/e")
    assert list(scratch.iterdir()) == []


def test_reports_stay_where_a_script_fails_after_they_were_written(objects):
    def analyze(settings):
        (settings.output_path / "constraint_violations.json").write_text('{"violations": []}')
        raise InvalidInput("PostprocessorFailed", f"the script in {settings.output_path} failed")

    ended = run(objects, analyze)
    assert (ended.status, ended.failure_reason) == (
        OutcomeStatus.FAILED,
        "PostprocessorFailed: the script in output failed",
    )
    assert objects.kept["s3://results/out/constraint_violations.json"] == b'{"violations": []}'


@pytest.mark.parametrize("refusal", [InvalidInput("AccessDenied", "no"), Upstream("SlowDown", "later")])
def test_the_reason_of_a_failure_is_kept_where_its_reports_cannot_be_stored(objects, monkeypatch, refusal):
    def analyze(settings):
        (settings.output_path / "constraint_violations.json").write_text("{}")
        raise InvalidInput("PostprocessorFailed", "exit 1")

    def upload(*_):
        raise refusal

    monkeypatch.setattr(objects, "upload", upload)
    assert run(objects, analyze).failure_reason == "PostprocessorFailed: exit 1"


def test_a_crash_is_left_to_the_host_and_leaves_no_files(objects, scratch):
    def broken(settings):
        raise RuntimeError

    bus = MemoryBus()
    with pytest.raises(Upstream, match=r"AnalyzerError: RuntimeError at .*broken"):
        run_in_memory(objects, bus, MemoryRunClaims(), broken)(REQUEST, RUN)
    assert bus.published == []
    assert list(scratch.iterdir()) == []


@pytest.mark.parametrize(
    ("error", "resource"),
    [
        (MemoryError(), Resource.MEMORY),
        (WorkerKilled("WorkerEnded", "a process was killed"), Resource.MEMORY),
        (OSError(errno.ENOSPC, "No space left on device"), Resource.STORAGE),
    ],
)
def test_a_host_that_is_too_small_says_what_it_lacks_and_is_not_asked_again(objects, scratch, error, resource):
    def too_large(settings):
        raise error

    bus = MemoryBus()
    ended = run_in_memory(objects, bus, MemoryRunClaims(), too_large)(REQUEST, RUN)
    assert bus.published == [ended]
    assert (ended.exhausted, ended.outcome.status) == (resource, OutcomeStatus.FAILED)
    assert ended.outcome.failure_reason.startswith(f"HostExhausted: the analysis ran out of {resource}")
    assert not [uri for uri in objects.kept if uri.endswith("analysis_ended.json")]  # a larger host writes its own
    assert list(scratch.iterdir()) == []


def test_the_text_of_an_unforeseen_error_which_may_hold_row_values_stays_inside(objects):
    cell = "jane@example.com"
    with pytest.raises(Upstream) as crashed:
        run_in_memory(objects, MemoryBus(), MemoryRunClaims(), lambda _: float(cell))(REQUEST, RUN)
    assert cell not in "".join(traceback.format_exception(crashed.value))
    assert "ValueError at run_analysis.py" in crashed.value.message


def test_input_that_vanished_is_named(objects):
    del objects.kept["s3://results/b/constraints.json"]
    assert run(objects, lambda _: None).failure_reason.startswith(
        "InputNotFound: there is nothing at s3://results/b/constraints.json"
    )


def test_thousands_of_objects_are_fetched_each_to_its_place_with_its_time(objects):
    moment = datetime(2026, 11, 22, 9, 30, 0, 123456, tzinfo=UTC)
    uris = [f"s3://captures/objects/{number % 7}/{number:04}" for number in range(2000)]
    objects.kept.update({uri: uri.encode() for uri in uris})
    objects.modified.update(dict.fromkeys(uris, moment))
    inputs = tuple(AnalysisInput(s3_uri=uri, path=f"input/{uri.removeprefix('s3://')}") for uri in uris)
    again = AnalysisInput(s3_uri=uris[0], path="code/twice.py")
    seen = []

    def analyze(settings):
        folder = settings.dataset_source.parent
        seen.extend((folder / entry.path).read_bytes().decode() for entry in (*inputs, again))
        seen.append({path.stat().st_mtime_ns for path in folder.glob("input/captures/objects/*/*")})
        return completes(settings)

    run(objects, analyze, REQUEST.model_copy(update={"inputs": (*inputs, again)}))
    assert seen == [*uris, uris[0], {int(moment.timestamp()) * 10**9 + 123456000}]


def test_what_one_download_raises_ends_them_all(objects, scratch):
    uris = [f"s3://captures/objects/{number:04}" for number in range(1000)]
    objects.kept.update(dict.fromkeys(uris, b"x"))
    tried = []

    def download(s3_uri, path):
        tried.append(s3_uri)
        raise Upstream("ServiceNotReached", "S3 is away")

    objects.download = download
    inputs = tuple(AnalysisInput(s3_uri=uri, path=f"input/{uri[-4:]}") for uri in uris)
    with pytest.raises(Upstream, match="S3 is away"):
        run(objects, completes, REQUEST.model_copy(update={"inputs": inputs}))
    assert len(tried) < len(uris)
    assert list(scratch.iterdir()) == []


@pytest.mark.parametrize("climbing", ["../../../../evil", "../../../code/statistics.py", "../08/a.jsonl"])
def test_a_key_that_climbs_out_of_its_folder_is_refused(objects, climbing):
    objects.kept[f"s3://captures/live/e/09/{climbing}"] = b"x"
    assert run(objects, lambda _: None).failure_reason.startswith("KeyOutsideFolder")


def test_a_single_object_whose_place_climbs_out_of_its_folder_is_refused(objects):
    """A manifest of a transform job names its place by its key, and so do the objects that it names."""
    uri = "s3://captures/input/2026/11/22/09/../../../../../../code/statistics.py"
    objects.kept[uri] = b"x"
    entry = AnalysisInput(s3_uri=uri, path=f"input/{uri.removeprefix('s3://captures/')}")
    request = REQUEST.model_copy(update={"inputs": (entry,)})
    ended = run_in_memory(objects, MemoryBus(), MemoryRunClaims(), completes)(request, RUN)
    assert ended is not None
    assert ended.outcome.failure_reason.startswith("KeyOutsideFolder")


@pytest.mark.parametrize(
    ("keys", "cause"),
    [
        ([f"{'k' * 300}.jsonl"], "File name too long"),
        ([f"{'é' * 200}/a.jsonl"], "File name too long"),
        (["a", "a/b"], "(File exists|Is a directory|Not a directory)"),
    ],
)
def test_a_key_that_no_file_can_have_ends_the_analysis_with_the_cause(objects, keys, cause):
    objects.kept.update({f"s3://captures/live/e/09/{key}": b"x" for key in keys})
    reason = run(objects, completes).failure_reason
    assert re.match(rf"KeyIsNoFileName: the key of s3://captures/.* cannot be the name of a file \({cause}\)", reason)


def completes(settings):
    return AnalysisSummary(status=OutcomeStatus.COMPLETED, exit_message="Completed: fine")


def test_a_subject_that_is_started_twice_is_analysed_once_and_a_retry_of_its_run_goes_on(objects):
    bus, claims, analysed = MemoryBus(), MemoryRunClaims(), []

    def analyze(settings):
        analysed.append(settings)
        return completes(settings)

    run_analysis = run_in_memory(objects, bus, claims, analyze)
    other = RUN.model_copy(update={"run_id": "second"})
    assert run_analysis(REQUEST, RUN) is not None
    assert run_analysis(REQUEST, other) is None
    assert (len(analysed), len(bus.published)) == (1, 1)
    assert run_analysis(REQUEST, RUN) is not None
    assert len(analysed) == 2


def test_a_results_bucket_that_refuses_the_reports_fails_the_analysis_with_the_reason(objects):
    def refuse(*_):
        raise InvalidInput("AccessDenied", "uploading s3://results/out/x: PutObject returned AccessDenied")

    def analyze(settings):
        (settings.output_path / "statistics.json").write_text("{}")
        return completes(settings)

    objects.upload = objects.write = refuse
    outcome = run(objects, analyze)
    assert outcome.status is OutcomeStatus.FAILED
    assert outcome.failure_reason.startswith("AccessDenied: uploading s3://results/out/x")


def test_an_analysis_that_is_given_no_access_ends_as_failed_with_the_reason():
    def refuse(request):
        assert request == REQUEST
        raise InvalidInput("AccessDenied", "opening a session of the role: AssumeRole returned AccessDenied")

    bus = MemoryBus()
    RunAnalysis(refuse, bus, MemoryRunClaims(), lambda *_: pytest.fail("it ran"))(REQUEST, RUN)
    (ended,) = bus.published
    assert (ended.outcome.status, ended.run) == (OutcomeStatus.FAILED, RUN)
    assert ended.outcome.failure_reason.startswith("AccessDenied: opening a session of the role")


@pytest.mark.parametrize("when", ["before", "during"])
def test_an_analysis_that_is_stopped_stores_no_reports_and_ends_as_stopped(objects, when):
    claims = MemoryRunClaims()

    def analyze(settings):
        assert when == "during"
        (settings.output_path / "statistics.json").write_text("{}")
        claims.stop(SUBJECT)
        return completes(settings)

    if when == "before":
        claims.stop(SUBJECT)
    ended = run_in_memory(objects, MemoryBus(), claims, analyze)(REQUEST, RUN)
    assert ended.outcome.status is OutcomeStatus.STOPPED
    assert not [uri for uri in objects.kept if uri.startswith("s3://results/out/")]


def test_what_killed_analyses_left_is_removed_and_nothing_else(scratch):
    (scratch / "analysis-x7/input").mkdir(parents=True)
    (scratch / "analysis-x7/input/a.jsonl").write_text("a")
    (scratch / "preprocessed-3.jsonl").write_text("a")
    (scratch / "mine").mkdir()
    (scratch / "analysis-link").symlink_to(scratch / "mine")
    (scratch / "mine/kept").write_text("a")
    remove_abandoned_files()
    assert [path.relative_to(scratch).as_posix() for path in scratch.rglob("*")] == ["mine", "mine/kept"]
