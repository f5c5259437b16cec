"""Breaks the product on purpose, one promise at a time, and shows that the tests notice.

Each mutation is made in a copy of the tree, and the tests that hold the promise run there: they pass before it, and
must fail after it. A mutation that no test notices ends the command with 1.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.repository import HANGS_AFTER, ROOT

CORE, ANALYZER = "layers/core/modelwatch_core", "layers/analyzer/modelwatch_analyzer"


@dataclass(frozen=True)
class Mutation:
    """A promise, how it is broken, and the tests that hold it."""

    promise: str
    file: str
    right: str
    wrong: str
    tests: str


MUTATIONS = (
    Mutation(
        "no rows are lost with a process that dies",
        f"{ANALYZER}/workers.py",
        "            self._process.wait()\n            self.require_alive()\n            raise AssertionError",
        "            return []\n            raise AssertionError",
        "tests/parts/test_workers.py",
    ),
    Mutation(
        "processes that read parts have no credentials",
        f"{ANALYZER}/workers.py",
        "env={**child_environment(same_instructions=True), ",
        "env={**os.environ, **child_environment(same_instructions=True), ",
        "tests/parts/test_workers.py",
    ),
    Mutation(
        "a file of CSV is cut only where a record certainly ends",
        f"{ANALYZER}/reading/csv_cuts.py",
        "return cls(structure) if structure.is_balanced and not structure.inside_returns.any() else None",
        "return cls(structure)",
        "tests/parts/test_pieces.py",
    ),
    Mutation(
        "an event that a later piece repeats is counted",
        f"{ANALYZER}/reading/read_log.py",
        "            self.duplicate_events += repeated\n",
        "",
        "tests/parts/test_pieces.py",
    ),
    Mutation(
        "rows of a request that are the same count once",
        f"{ANALYZER}/request_rows.py",
        "effect = float((sums**2).sum()) / total * requests / (requests - 1)",
        "effect = 1.0",
        "tests/model_quality/test_requests.py",
    ),
    Mutation(
        "one large request among thousands is not missed",
        f"{ANALYZER}/request_rows.py",
        "1 + (effect - 1) * pairs * share",
        "1 + (effect - 1) * share",
        "tests/model_quality/test_requests.py",
    ),
    Mutation(
        "which requests are kept does not depend on how rows are split",
        f"{ANALYZER}/request_rows.py",
        "        merged._keep_below(limits)\n",
        "",
        "tests/model_quality/test_requests.py",
    ),
    Mutation(
        "an error about a frame has none of its values",
        "sdk/modelwatch/notebook/frames.py",
        "_UNREADABLE = (PolarsError, PanicException, ValueError, TypeError, NotImplementedError, OverflowError)",
        "_UNREADABLE = (PolarsError, PanicException, ValueError)",
        "tests/notebook",
    ),
    Mutation(
        "results are not overwritten unless that is asked for",
        "sdk/modelwatch/cli/options.py",
        "if overwrite and any(folder.iterdir()):",
        "if overwrite is False:",
        "tests/cli/test_command.py",
    ),
    Mutation(
        "a damaged footer of a Parquet file is refused",
        f"{ANALYZER}/reading/parquet_footer.py",
        "if not (isinstance(name, bytes) and isinstance(children, int)):",
        "if not isinstance(children, int):",
        "tests/fuzzing",
    ),
    Mutation(
        "a schema that is nested without end is refused",
        f"{ANALYZER}/reading/parquet_footer.py",
        "    if depth > _DEEPEST:\n        raise _Unreadable\n    numbers",
        "    numbers",
        "tests/fuzzing",
    ),
    Mutation(
        "an invocation that is repeated does not analyse again",
        f"{CORE}/app/run_analysis.py",
        "if claim is RunClaim.TAKEN:",
        "if claim is None:",
        "tests/core/test_run_analysis.py tests/core/test_crashes.py",
    ),
    Mutation(
        "an object lands in the folder of its own input",
        f"{CORE}/app/fetch_inputs.py",
        'if ".." in Path(path).parts:',
        "if None in Path(path).parts:",
        "tests/core/test_run_analysis.py",
    ),
    Mutation(
        "no text of an unforeseen exception reaches a log",
        f"{CORE}/domain/errors.py",
        '"AnalyzerError", f"{type(error).__name__} at',
        '"AnalyzerError", f"{error!r} at',
        "tests/core/test_run_analysis.py",
    ),
    Mutation(
        "the end of an analysis is stored beside its reports",
        f"{CORE}/app/run_analysis.py",
        "            self._keep(ended, access.objects)\n",
        "            pass\n",
        "tests/core/test_lost_ends.py",
    ),
    Mutation(
        "an end is announced",
        f"{CORE}/app/finish_analysis.py",
        "            self.bus.publish(ExecutionEnded.of(execution, report.violations))\n",
        "",
        "tests/core/test_executions.py",
    ),
    Mutation(
        "a run has the time of its lease",
        f"{CORE}/domain/monitoring_execution.py",
        "            run=run or self.run,\n            due=now + lease,",
        "            run=run or self.run,\n            due=now,",
        "tests/core/test_executions.py",
    ),
    Mutation(
        "one item that fails holds up no other in the sweep",
        f"{CORE}/app/reconcile.py",
        "            except Exception as error:  # a fault of ours in one item",
        "            except KeyboardInterrupt as error:  # a fault of ours in one item",
        "tests/core/test_broken_endings.py tests/core/test_executions.py",
    ),
    Mutation(
        "an alert is sent once, however often it is raised",
        f"{CORE}/app/deliver_alerts.py",
        "        unsent, heard = self.sent.begin(alerts, reference)\n",
        "        unsent, heard = alerts, HeardAlerts()\n",
        "tests/core/test_executions.py",
    ),
    Mutation(
        "an alert that was over begins again, with a message",
        f"{CORE}/domain/alert_states.py",
        "        if notified is AlertStatus.OK:\n",
        "        if notified is AlertStatus.OK and self.state.latest is None:\n",
        "tests/core/test_alerts.py",
    ),
    Mutation(
        "the end of an alert reaches who heard that it became serious",
        f"{CORE}/app/route_alerts.py",
        "            if change and change in sent and change.phase is not AlertPhase.RECOVERED:\n",
        "            if False:\n",
        "tests/core/test_alert_order.py",
    ),
    Mutation(
        "an unknown number of violations is not zero",
        f"{CORE}/domain/outcome.py",
        "return count if status and status.is_completed else None",
        "return count or 0",
        "tests/core/test_unknown_violations.py",
    ),
    Mutation(
        "a message that is refused keeps no other alert waiting",
        f"{CORE}/app/deliver_alerts.py",
        "                refused = error\n",
        "                raise error\n",
        "tests/core/test_alerts.py",
    ),
    Mutation(
        "that a schedule has not fired is said only while it is so",
        f"{CORE}/app/route_alerts.py",
        " or self._has_fired(schedule, event.due):",
        ":",
        "tests/core/test_alerts.py",
    ),
    Mutation(
        "what people cannot take in a second is sent together",
        f"{CORE}/app/deliver_alerts.py",
        "            self._leave(claim, reference)\n",
        "            self.sent.abandon(claim.alerts, reference)\n",
        "tests/core/test_alerts.py",
    ),
    Mutation(
        "the lease of who sends an alert is left to it",
        f"{CORE}/adapters/aws/alert_tables.py",
        "attribute_not_exists(lease) OR lease < :now",
        "attribute_not_exists(lease) OR lease < :now OR lease >= :now",
        "tests/core/test_port_contracts.py::TestSentAlerts",
    ),
    Mutation(
        "a write that does not follow on what it read is refused",
        f"{CORE}/adapters/aws/versioned_items.py",
        '"ConditionExpression": "version = :version",',
        '"ConditionExpression": "version > :version OR version <= :version",',
        "tests/core/test_port_contracts.py",
    ),
    Mutation(
        "schedules may invoke two functions and no other",
        "template.yaml",
        "Action: lambda:InvokeFunction, Resource: !GetAtt LaunchExecution.Arn}",
        'Action: lambda:InvokeFunction, Resource: "*"}',
        "tests/app/test_template.py",
    ),
    Mutation(
        "no function may do what it never does",
        "template.yaml",
        'Action: ["sqs:ChangeMessageVisibility", "sqs:ReceiveMessage", "sqs:DeleteMessage"]',
        'Action: ["sqs:ChangeMessageVisibility", "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:PurgeQueue"]',
        "tests/app/test_least_privilege.py",
    ),
    Mutation(
        "each function may do what it does",
        "template.yaml",
        "              - {Effect: Allow, Action: sns:Publish, Resource: !Ref AlertTopic}\n",
        "",
        "tests/app/test_least_privilege.py",
    ),
    Mutation(
        "the credentials of an analysis are narrowed to it",
        f"{CORE}/adapters/aws/analysis_role.py",
        "RoleSessionName=name, Policy=policy,",
        "RoleSessionName=name,",
        "tests/core/test_analysis_role.py",
    ),
    Mutation(
        "a session reads its inputs, and not what begins like them",
        f"{CORE}/domain/object_patterns.py",
        'is_beginning=not key or key.endswith("/"))',
        "is_beginning=True)",
        "tests/core/test_session_policy.py",
    ),
    Mutation(
        "text in a report is escaped",
        f"{ANALYZER}/report/page.py",
        "autoescape=True",
        "autoescape=False",
        "tests/report",
    ),
    Mutation(
        "no script reads the credentials of the process that started it",
        f"{ANALYZER}/scripts/process.py",
        "prctl(_PR_SET_DUMPABLE, 0,",
        "prctl(_PR_SET_DUMPABLE, 1,",
        "tests/scripts/test_isolation.py",
    ),
    Mutation(
        "no model's address is inside of the analyzer's network",
        f"{CORE}/domain/internal_addresses.py",
        "    return (\n",
        "    return False and (\n",
        "tests/app/test_handlers.py",
    ),
    Mutation(
        "what always fails is not delivered for ever",
        f"{CORE}/domain/dead_letters.py",
        "self.happened_at is None or now - self.happened_at > DELIVERED_FOR",
        "self.happened_at is None",
        "tests/core/test_dead_letters.py",
    ),
    Mutation(
        "an analysis moves up once",
        f"{CORE}/app/finish_analysis.py",
        "record.moved_up_from is None and ",
        "",
        "tests/core/test_hosts.py",
    ),
    Mutation(
        "what no larger host starts ends within a lease",
        f"{CORE}/app/reconcile.py",
        "if self.clock.now() < record.due + lease:",
        "if True:",
        "tests/core/test_hosts.py",
    ),
    Mutation(
        "the run that died is part of the cost of an execution",
        f"{CORE}/domain/execution_cost.py",
        "known = [run for run in runs if run is not None]",
        "known = [run for run in runs[-1:] if run is not None]",
        "tests/core/test_hosts.py",
    ),
    Mutation(
        "a processing job of somebody else's is not taken for ours",
        f"{CORE}/adapters/aws/processing_jobs.py",
        "if not self._created(request.job_name, job) and not self._is_ours(request.job_name):",
        "if not self._created(request.job_name, job) and False:",
        "tests/core/test_processing_jobs.py",
    ),
    Mutation(
        "what a host cannot share out is passed over before it is started",
        f"{CORE}/domain/hosts.py",
        "if limits.needs_parts and demand.read_as_a_whole is not None:",
        "if False:",
        "tests/core/test_hosts.py",
    ),
    Mutation(
        "the reason of a job run quotes no logs",
        f"{CORE}/domain/emr_serverless.py",
        '(self.state_details or "").partition(_QUOTED)[0].strip()',
        '(self.state_details or "").strip()',
        "tests/core/test_emr_serverless.py",
    ),
    Mutation(
        "what a run stored before it died is how it ended",
        f"{CORE}/app/finish_analysis.py",
        'ended = stored.model_copy(update={"usage": stored.usage or ended.usage})',
        "pass",
        "tests/core/test_lost_ends.py",
    ),
    Mutation(
        "the sweep leaves alone what may still report its end",
        f"{CORE}/app/reconcile.py",
        "in self.records.still_open(now):",
        "in self.records.still_open(now + timedelta(days=1)):",
        "tests/campaign/test_campaign.py",
    ),
    Mutation(
        "the run that has an analysis still has it when it is repeated",
        f"{CORE}/adapters/aws/run_claim_table.py",
        'ConditionExpression="attribute_not_exists(pk) OR run_id = :run"',
        'ConditionExpression="attribute_not_exists(pk) OR (run_id = :run AND attribute_not_exists(pk))"',
        "tests/campaign/test_campaign.py",
    ),
    Mutation(
        "an alert is raised for every end that calls for one",
        f"{CORE}/app/deliver_alerts.py",
        "                self.bus.publish(AlertRaised(alert=alert, target=target))\n",
        "                pass\n",
        "tests/campaign/test_campaign.py",
    ),
    Mutation(
        "what was given up is delivered again",
        f"{CORE}/app/redeliver.py",
        "not (everything or letter.is_due(self.clock.now()))",
        "not everything",
        "tests/campaign/test_campaign.py",
    ),
    Mutation(
        "hours of a seasonal baseline are those of its time zone",
        f"{ANALYZER}/calibrated/row_sample.py",
        "local_hours(slots, self.time_zone)",
        "slots * self.slot_minutes // 60",
        "tests/calibrated/test_local_hours.py",
    ),
    Mutation(
        "hours of a time zone begin with those of its clocks",
        f"{ANALYZER}/calibrated/local_hours.py",
        "_HOUR if zone is None else _HOUR // 4",
        "_HOUR",
        "tests/calibrated/test_local_hours.py",
    ),
    Mutation(
        "a local day of a time zone is a day though its clocks change",
        f"{ANALYZER}/calibrated/seasonal_tests.py",
        "max(end - start, days * DAY)",
        "end - start",
        "tests/calibrated/test_local_hours.py",
    ),
    Mutation(
        "a window has the hours of its time zone by how long it is in each",
        f"{ANALYZER}/calibrated/seasonal_tests.py",
        "np.minimum(slots + 1, last) - np.maximum(slots, first)",
        "np.ones(slots.size)",
        "tests/calibrated/test_local_hours.py",
    ),
)


def main() -> int:
    """Make each mutation in turn; return 1 if one goes unnoticed."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutations", description=__doc__)
    parser.add_argument("--only", default="", metavar="WORDS", help="mutations whose promise has these words")
    only = parser.parse_args().only
    mutations = [mutation for mutation in MUTATIONS if only in mutation.promise]
    if not mutations:
        parser.error(f"no promise has the words {only!r}")
    unnoticed = 0
    with tempfile.TemporaryDirectory(prefix="mutations-") as folder:
        tree = Path(folder) / "modelwatch"
        _copy(tree)
        every = dict.fromkeys(name for mutation in mutations for name in mutation.tests.split())
        if failed := _failed(tree, *every):
            raise SystemExit(f"the tests fail although nothing is broken:\n{failed}")
        for mutation in mutations:
            noticed = _is_noticed(tree, mutation)
            unnoticed += not noticed
            sys.stdout.write(f"{'noticed  ' if noticed else 'UNNOTICED'}  {mutation.promise}\n")
            sys.stdout.flush()
    sys.stdout.write(f"{len(mutations) - unnoticed} of {len(mutations)} mutations are noticed by the tests\n")
    return int(unnoticed > 0)


def _copy(tree: Path) -> None:
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.split(b"\0")
    for name in filter(None, map(os.fsdecode, names)):
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, tree / name)


def _is_noticed(tree: Path, mutation: Mutation) -> bool:
    file = tree / mutation.file
    text = file.read_text(encoding="utf-8")
    if text.count(mutation.right) != 1:
        raise SystemExit(f"{mutation.file} does not have this once, so it cannot be broken: {mutation.right!r}")
    file.write_text(text.replace(mutation.right, mutation.wrong), encoding="utf-8")
    try:
        return _failed(tree, *mutation.tests.split()) != ""
    finally:
        file.write_text(text, encoding="utf-8")


def _failed(tree: Path, *tests: str) -> str:
    """Run tests, and return the end of what they print if one fails."""
    packages = os.pathsep.join(str(tree / part) for part in ("layers/core", "layers/analyzer", "sdk", "."))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests],
        cwd=tree,
        env=os.environ | {"PYTHONPATH": packages, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        timeout=HANGS_AFTER,
        check=False,
    )
    printed = done.stdout.decode(errors="replace")[-2000:]
    if done.returncode not in (0, 1):  # neither passed nor failed: the tests did not run
        raise SystemExit(printed)
    return printed if done.returncode else ""


if __name__ == "__main__":
    sys.exit(main())
