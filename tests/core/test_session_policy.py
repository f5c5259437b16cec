"""Session policies allow what an analysis needs, and little else; judged as the local stack judges policies."""

from __future__ import annotations

import json
from typing import Any, ClassVar, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwatch.local.iam_policies import Permission, allows
from modelwatch_core.adapters.aws.session_policy import LONGEST_POLICY, session_policies
from modelwatch_core.domain.analysis import AnalysisInput, AnalysisOutput, AnalysisRequest
from modelwatch_core.domain.analysis_settings import AnalysisSettings
from modelwatch_core.domain.object_patterns import Pattern, folders_of, widened
from modelwatch_core.domain.s3_layout import common_beginning
from modelwatch_core.domain.settings_environment import analysis_settings


def request(*inputs: AnalysisInput, kind: str = "DATA_QUALITY", **changes: Any) -> AnalysisRequest:
    given = changes.pop("settings", {})
    asked = {
        "subject": "execution/hourly-1/2026-11-22T09:00:00Z/2026-11-22T10:00:00Z/1",
        "settings": analysis_settings(
            analysis_type=kind,
            dataset_source="/opt/ml/processing/input",
            output_path="/opt/ml/processing/output",
            dataset_format={"csv": {"header": True}},
            **given,
        ),
        "output_s3_uri": "s3://results/out/hourly/2026/11/22/10",
        "host": "lambda",
    }
    return AnalysisRequest.model_validate(asked | {"inputs": inputs} | changes)


def folder(s3_uri: str) -> AnalysisInput:
    return AnalysisInput(s3_uri=s3_uri, path="input/")


def single(s3_uri: str) -> AnalysisInput:
    return AnalysisInput(s3_uri=s3_uri, path="baseline/constraints.json")


def narrowest(asked: AnalysisRequest, partition: str = "aws") -> list[dict[str, Any]]:
    statements: list[dict[str, Any]] = json.loads(next(session_policies(asked, partition)))["Statement"]
    return statements


def reads(statements: list[dict[str, Any]], s3_uri: str) -> bool:
    return allows(statements, Permission("s3:GetObject", f"arn:aws:s3:::{s3_uri.removeprefix('s3://')}"))


def lists(statements: list[dict[str, Any]], bucket: str, prefix: str | None) -> bool:
    asked = {} if prefix is None else {"s3:prefix": [prefix]}
    return allows(statements, Permission("s3:ListBucket", f"arn:aws:s3:::{bucket}", asked))


HOUR = request(
    folder("s3://captures/live/loans/AllTraffic/2026/11/22/09/"),
    single("s3://results/baselining/first/constraints.json"),
    further_outputs=(AnalysisOutput(path="merge/", s3_uri="s3://results/merge"),),
)


def test_an_hour_reads_its_folder_and_its_baseline_and_nothing_beside_them():
    allowed = narrowest(HOUR)
    assert reads(allowed, "s3://captures/live/loans/AllTraffic/2026/11/22/09/00-00-000-a.jsonl")
    assert reads(allowed, "s3://results/baselining/first/constraints.json")
    for other in (
        "s3://captures/live/loans/AllTraffic/2026/11/22/10/00-00-000-a.jsonl",
        "s3://captures/live/others/AllTraffic/2026/11/22/09/00-00-000-a.jsonl",
        "s3://results/baselining/first/constraints.json.bak",
        "s3://results/out/hourly/2026/11/22/10/report.html",
        "s3://elsewhere/live/loans/AllTraffic/2026/11/22/09/00-00-000-a.jsonl",
    ):
        assert not reads(allowed, other), other


def test_keys_are_listed_only_where_they_begin_as_what_is_read_in_their_bucket():
    allowed = narrowest(HOUR)
    assert lists(allowed, "captures", "live/loans/AllTraffic/2026/11/22/09/")
    assert not lists(allowed, "captures", "live/loans/")
    assert not lists(allowed, "captures", None)
    assert not lists(allowed, "results", "baselining/second/")


@pytest.mark.parametrize("action", ["s3:PutObject", "s3:AbortMultipartUpload"])
def test_reports_go_to_the_output_folders_only(action):
    allowed = narrowest(HOUR)
    for key, expected in (
        ("out/hourly/2026/11/22/10/report.html", True),
        ("merge/2026/part.jsonl", True),
        ("out/hourly/2026/11/22/100/report.html", False),
        ("baselining/first/constraints.json", False),
    ):
        assert allows(allowed, Permission(action, f"arn:aws:s3:::results/{key}")) is expected, key


CONFIG = AnalysisInput(s3_uri="s3://captures/config.json", path="config/analysis_config.json")


@pytest.mark.parametrize(
    ("asked", "called"),
    [
        (request(CONFIG, kind="MODEL_EXPLAINABILITY", settings={"sagemaker_endpoint_name": "Loans"}), "loans"),
        (
            request(
                CONFIG, kind="MODEL_EXPLAINABILITY", endpoint_name="named", settings={"sagemaker_endpoint_name": "w"}
            ),
            "named",
        ),
        (
            request(
                CONFIG, kind="MODEL_EXPLAINABILITY", endpoint_name="n", settings={"model_endpoint_name": "temporary"}
            ),
            "temporary",
        ),
        (request(CONFIG, settings={"sagemaker_endpoint_name": "loans"}), None),
        (request(CONFIG, kind="MODEL_EXPLAINABILITY"), None),
    ],
)
def test_explanations_call_their_endpoint_and_other_analyses_none(asked, called):
    region = "arn:aws:sagemaker:eu-west-1:123456789012:endpoint"
    allowed = narrowest(asked)
    assert called is None or allows(allowed, Permission("sagemaker:InvokeEndpoint", f"{region}/{called}"))
    assert not allows(allowed, Permission("sagemaker:InvokeEndpoint", f"{region}/w"))
    assert not allows(allowed, Permission("sagemaker:InvokeEndpoint", f"{region}/loans")) or called == "loans"


class RespondingSettings(AnalysisSettings):
    """The settings of a kind that is no kind of the product, and explains a model."""

    explains_a_model: ClassVar[bool] = True
    analysis_type: Literal["RESPONDING"] = "RESPONDING"

    @property
    def explained_endpoint(self) -> str:
        return "responding"


def test_any_kind_may_say_that_it_explains_a_model_and_behind_which_endpoint_it_is():
    settings = RespondingSettings(dataset_source="/opt/ml/processing/input", output_path="/opt/ml/processing/output")
    endpoint = "arn:aws:sagemaker:eu-west-1:123456789012:endpoint/responding"
    allowed = narrowest(HOUR.model_copy(update={"settings": settings}))
    assert allows(allowed, Permission("sagemaker:InvokeEndpoint", endpoint))


@pytest.mark.parametrize(("service", "expected"), [("s3", True), ("dynamodb", False), ("secretsmanager", False)])
def test_keys_are_used_through_s3_only(service, expected):
    through = {"kms:viaservice": [f"{service}.eu-west-1.amazonaws.com"]}
    key = Permission("kms:Decrypt", "arn:aws:kms:eu-west-1:123456789012:key/k", through)
    assert allows(narrowest(HOUR), key) is expected


@pytest.mark.parametrize("partition", ["aws", "aws-cn", "aws-us-gov"])
def test_arns_are_of_the_partition(partition):
    arns = [arn for each in narrowest(HOUR, partition) for arn in _listed(each["Resource"]) if arn != "*"]
    assert arns
    assert all(arn.startswith(f"arn:{partition}:") for arn in arns)


def _listed(value: object) -> list[str]:
    return value if isinstance(value, list) else [str(value)]


def test_a_wildcard_in_a_key_is_a_character():
    allowed = narrowest(request(single("s3://captures/a*b?c$d")))
    assert reads(allowed, "s3://captures/a*b?c$d")
    assert not reads(allowed, "s3://captures/a-b-c-d")


def test_a_month_of_hours_is_read_by_its_common_beginnings():
    hours = [
        f"s3://captures/live/loans/AllTraffic/2026/11/{day:02}/{hour:02}/" for day in range(1, 31) for hour in range(24)
    ]
    allowed = narrowest(request(*map(folder, hours), single("s3://captures/code/record_preprocessor_script.py")))
    assert all(reads(allowed, f"{hour}a.jsonl") for hour in hours)
    assert not reads(allowed, "s3://captures/live/loans/AllTraffic/2026/10/31/23/a.jsonl")
    assert not reads(allowed, "s3://captures/code/postprocessor.py")


def test_each_further_policy_is_wider_and_shorter_for_what_sts_cannot_pack():
    hours = [folder(f"s3://captures/live/loans/AllTraffic/2026/11/22/{hour:02}/") for hour in range(24)]
    sizes = [len(policy) for policy in session_policies(request(*hours), "aws")]
    assert sizes == sorted(sizes, reverse=True)
    assert len(sizes) <= 12


def test_more_buckets_than_a_policy_can_name_have_no_policy():
    many = [single(f"s3://{'b' * 60}{number:03}/{'k' * 1000}") for number in range(40)]
    assert list(session_policies(request(*many), "aws")) == []


KEYS = st.text(st.sampled_from("ab/*?$ü\n"), min_size=1, max_size=12)
URIS = st.builds(lambda bucket, key: f"s3://{bucket}/{key}", st.sampled_from(["one", "two", "three"]), KEYS)
LONG_URIS = st.builds(lambda uri, length: f"{uri}{'x' * length}", URIS, st.integers(0, 900))
ENTRIES = st.one_of(LONG_URIS.map(single), LONG_URIS.map(folder))


@given(st.lists(ENTRIES, min_size=1, max_size=60), st.lists(URIS, max_size=3))
@settings(deadline=None, max_examples=60)
def test_every_policy_is_short_enough_and_allows_all_inputs_and_outputs(entries, named):
    asked = request(*entries, named=named)
    policies = list(session_policies(asked, "aws"))
    assert policies
    for policy in policies:
        assert len(policy) <= LONGEST_POLICY
        assert policy.isascii()
        allowed = json.loads(policy)["Statement"]
        for entry in entries:
            below = entry.s3_uri.rstrip("/") + "/below" if entry.path.endswith("/") else entry.s3_uri
            bucket, _, key = entry.s3_uri.removeprefix("s3://").partition("/")
            assert reads(allowed, below)
            assert lists(allowed, bucket, key)
            assert lists(allowed, bucket, key.rstrip("/")) or entry.path[-1] != "/"
        assert all(reads(allowed, uri + ("below" if uri.endswith("/") else "")) for uri in named)
        assert allows(allowed, Permission("s3:PutObject", "arn:aws:s3:::results/out/hourly/2026/11/22/10/r"))


SHORT_ENTRIES = st.one_of(URIS.map(single), URIS.map(folder))


@given(st.lists(SHORT_ENTRIES, min_size=1, max_size=4), URIS)
@settings(deadline=None)
def test_what_fits_is_allowed_exactly(entries, other):
    allowed = narrowest(request(*entries))
    assert reads(allowed, other) == any(_is_meant(entry, other) for entry in entries)


@given(st.lists(ENTRIES, min_size=1, max_size=60), URIS, st.sampled_from(["one", "four"]))
@settings(deadline=None, max_examples=60)
def test_what_does_not_fit_allows_nothing_that_begins_otherwise(entries, other, bucket):
    other = f"s3://{bucket}/" + other.removeprefix("s3://").partition("/")[2]
    uris = [entry.s3_uri for entry in entries if entry.s3_uri.startswith(f"s3://{bucket}/")]
    if reads(narrowest(request(*entries)), other):
        assert uris
        assert other.startswith(common_beginning([uri.rstrip("/") for uri in uris])[:64])


def _parts(entry: AnalysisInput) -> list[str]:
    return [entry.s3_uri, entry.s3_uri.rstrip("/") + "/"] if entry.path.endswith("/") else [entry.s3_uri]


def _is_meant(entry: AnalysisInput, s3_uri: str) -> bool:
    return any(s3_uri == part or (part.endswith("/") and s3_uri.startswith(part)) for part in _parts(entry))


@given(st.lists(URIS, min_size=1, max_size=20), st.integers(1, 6), URIS)
def test_fewer_patterns_mean_all_that_the_given_ones_mean(uris, most, other):
    patterns = [Pattern.of(uri) for uri in uris]
    fewer = widened(patterns, most)
    assert len(fewer) <= max(most, len({pattern.bucket for pattern in patterns}))
    assert all(any(each.matches(uri) for each in fewer) for uri in uris)
    assert any(each.matches(other) for each in fewer) >= any(each.matches(other) for each in patterns)


def test_what_has_the_most_in_common_becomes_one():
    uris = ["s3://b/a/1", "s3://b/a/2", "s3://b/c", "s3://b/d/x/1", "s3://b/d/x/2"]
    assert widened(map(Pattern.of, uris), 3) == [
        Pattern("b", "a/", is_beginning=True),
        Pattern("b", "c"),
        Pattern("b", "d/x/", is_beginning=True),
    ]


def test_a_hundred_thousand_objects_are_in_few_folders():
    uris = [f"s3://data/jobs/{number // 1000}/part-{number}.csv" for number in range(100_000)] + ["s3://other/a.csv"]
    folders = folders_of(uris)
    assert len(folders) <= 16
    assert all(folder.endswith("/") for folder in folders)
    assert all(any(uri.startswith(folder) for folder in folders) for uri in uris)
