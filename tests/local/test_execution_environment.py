"""Execution environments: the outcomes of handlers that work and of handlers that fail."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from modelwatch.local import function_processes
from modelwatch.local.execution_environment import ExecutionEnvironment, Outcome, Request
from modelwatch.local.function_processes import (
    CAN_FORK,
    RUNTIME_FOLDERS,
    WITHOUT_NATIVE_CLIENT,
    FunctionProcesses,
    start_fresh,
)
from tests.repository import HANGS_AFTER, ROOT

ARN = "arn:aws:lambda:us-east-1:123456789012:function:f"
Start = Callable[..., ExecutionEnvironment]


@pytest.fixture(scope="module")
def processes() -> Iterator[FunctionProcesses]:
    started = FunctionProcesses()
    yield started
    started.close()


FORKED = pytest.param("forked", marks=pytest.mark.skipif(not CAN_FORK, reason="processes are not forked here"))


@pytest.fixture(params=["fresh", FORKED])
def start(tmp_path: Path, processes: FunctionProcesses, request: pytest.FixtureRequest) -> Iterator[Start]:
    started = []
    start_process = processes.start if request.param == "forked" else start_fresh

    def make(code: str, *, timeout: float = 20, init_seconds: float = 20, **variables: str) -> ExecutionEnvironment:
        (tmp_path / "app.py").write_text(textwrap.dedent(code))
        environment = ExecutionEnvironment(
            "app.handler",
            root=tmp_path,
            variables={
                "PATH": str(Path(sys.executable).parent),
                "PYTHONPATH": os.pathsep.join(map(str, RUNTIME_FOLDERS)),
                **variables,
            },
            start_process=start_process,
            timeout=timeout,
            init_seconds=init_seconds,
            log=tmp_path / "log",
        )
        started.append(environment)
        return environment

    yield make
    for environment in started:
        environment.stop()


def run(environment: ExecutionEnvironment, event: Any = None, request_id: str = "r-1") -> tuple[Any, str | None]:
    outcome = environment.invoke(Request(request_id, json.dumps(event).encode(), ARN))
    return json.loads(outcome.payload), outcome.function_error


def test_a_handler_receives_the_event_and_lambdas_context_and_stays_warm(start: Start) -> None:
    environment = start("""
        calls = 0
        def handler(event, context):
            global calls
            calls += 1
            left = context.get_remaining_time_in_millis()
            return [event, calls, context.aws_request_id, context.invoked_function_arn, 15000 < left <= 20000]
    """)
    assert run(environment, {"a": 1}) == ([{"a": 1}, 1, "r-1", ARN, True], None)
    assert run(environment, {"a": 2}, "r-2") == ([{"a": 2}, 2, "r-2", ARN, True], None)
    assert environment.usable


def test_the_process_continues_after_a_raised_error(start: Start) -> None:
    environment = start("""
        def handler(event, context):
            return 1 / event
    """)
    error, function_error = run(environment, 0)
    assert function_error == "Unhandled"
    assert (error["errorType"], error["errorMessage"]) == ("ZeroDivisionError", "division by zero")
    assert run(environment, 2) == (0.5, None)


def test_the_process_does_not_inherit_our_environment(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUR_SECRET", "x")
    environment = start("import os\ndef handler(event, context): return dict(os.environ)", ITS_OWN="y")
    seen, _ = run(environment)
    assert seen.keys() >= {"ITS_OWN", "AWS_LAMBDA_RUNTIME_API", "TMPDIR"}
    assert "OUR_SECRET" not in seen


def test_each_process_has_its_own_temporary_folder_which_is_deleted_with_it(start: Start) -> None:
    code = "import tempfile\ndef handler(event, context): return tempfile.gettempdir()"
    first, second = start(code), start(code)
    folders = [run(environment)[0] for environment in (first, second)]
    assert folders[0] != folders[1]
    assert all(Path(folder).is_dir() for folder in folders)
    first.stop()
    assert not Path(folders[0]).exists()


def test_a_timeout_kills_the_process_and_its_children(start: Start, tmp_path: Path) -> None:
    environment = start(
        """
        import os, subprocess, sys, time
        def handler(event, context):
            child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
            open("pids", "w").write(f"{os.getpid()} {child.pid}")
            time.sleep(600)
        """,
        timeout=1,
    )
    error, function_error = run(environment)
    assert function_error == "Unhandled"
    assert error == {
        "errorType": "Sandbox.Timedout",
        "errorMessage": "RequestId: r-1 Error: Task timed out after 1.00 seconds",
    }
    assert not environment.usable
    assert "Task timed out after 1.00 seconds" in (tmp_path / "log").read_text()
    pids = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
    _, alive = psutil.wait_procs([psutil.Process(pid) for pid in pids if psutil.pid_exists(pid)], timeout=5)
    assert not [process for process in alive if process.status() != psutil.STATUS_ZOMBIE]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("import os; os._exit(3)", "Runtime exited with error: exit status 3"),
        ("raise SystemExit(4)", "Runtime exited with error: exit status 4"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "Runtime exited with error: signal: killed"),
        ("import os; os._exit(0)", "Runtime exited without providing a reason"),
    ],
)
def test_a_process_that_exits_is_an_exit_error(start: Start, line: str, message: str) -> None:
    environment = start(f"def handler(event, context):\n    {line}")
    assert run(environment) == (
        {"errorType": "Runtime.ExitError", "errorMessage": f"RequestId: r-1 Error: {message}"},
        "Unhandled",
    )
    assert not environment.usable


def test_the_error_of_a_missing_module_names_it(start: Start) -> None:
    error, function_error = run(start("import nowhere_to_be_found"))
    assert function_error == "Unhandled"
    assert error["errorType"] == "Runtime.ImportModuleError"
    assert "nowhere_to_be_found" in error["errorMessage"]


def test_a_module_that_raises_or_exits_on_import_is_an_error(start: Start) -> None:
    error, _ = run(start("raise RuntimeError('no settings')"))
    assert (error["errorType"], error["errorMessage"]) == ("RuntimeError", "no settings")
    error, _ = run(start("import os; os._exit(9)"))
    assert error["errorType"] == "Runtime.ExitError"


def test_a_process_that_cannot_start_is_an_error_and_can_be_stopped(start: Start, tmp_path: Path) -> None:
    environment = start("def handler(event, context): return 1")
    environment._root = tmp_path / "gone"
    error, function_error = run(environment)
    assert function_error == "Unhandled"
    assert error["errorType"] == "Runtime.InvalidEntrypoint"
    assert "gone" in error["errorMessage"]
    assert not environment.usable
    stopping = threading.Thread(target=environment.stop, daemon=True)
    stopping.start()
    stopping.join(timeout=10)
    assert not stopping.is_alive()
    assert not Path(environment._temporary or "").exists()


def test_a_module_that_hangs_on_import_is_a_timeout(start: Start) -> None:
    error, function_error = run(start("import time; time.sleep(600)", timeout=1, init_seconds=0.5))
    assert function_error == "Unhandled"
    assert error["errorType"] == "Sandbox.Timedout"


def test_the_output_of_a_handler_goes_to_the_log_only(start: Start, tmp_path: Path) -> None:
    environment = start("""
        import os, sys
        def handler(event, context):
            os.write(1, b"\\xff\\x00garbage\\n")
            print("HTTP/1.1 200 OK")
            print("to stderr", file=sys.stderr)
            return "fine"
    """)
    assert run(environment) == ("fine", None)
    log = (tmp_path / "log").read_text(errors="replace")
    assert "garbage" in log
    assert "to stderr" in log


def test_a_response_over_lambdas_quota_is_an_error_and_the_process_continues(start: Start) -> None:
    environment = start("def handler(event, context): return 'x' * event")
    error, function_error = run(environment, 7_000_000)
    assert function_error == "Unhandled"
    assert error["errorType"] == "Function.ResponseSizeTooLarge"
    response, function_error = run(environment, 6_000_000)
    assert function_error is None
    assert len(response) == 6_000_000


def test_a_response_that_is_not_json_is_an_error(start: Start) -> None:
    error, function_error = run(start("def handler(event, context): return {1, 2}"))
    assert function_error == "Unhandled"
    assert error["errorType"] == "Runtime.MarshalError"


def test_stopping_ends_a_running_invocation(start: Start) -> None:
    environment = start("""
        import time
        def handler(event, context):
            if event: time.sleep(600)
    """)
    run(environment)
    outcomes: list[Outcome] = []
    caller = threading.Thread(target=lambda: outcomes.append(environment.invoke(Request("r-2", b"1", ARN))))
    caller.start()
    environment.stop()
    caller.join(timeout=10)
    assert not caller.is_alive()
    assert outcomes[0].function_error == "Unhandled"


def test_stopping_ends_the_process(start: Start) -> None:
    environment = start("import os\ndef handler(event, context): return os.getpid()")
    process = psutil.Process(run(environment)[0])
    assert os.getpgid(process.pid) == process.pid
    environment.stop()
    assert not psutil.pid_exists(process.pid)


def test_the_substitute_for_the_native_client_behaves_like_it(start: Start) -> None:
    environment = start(
        """
        import runtime_client
        def handler(event, context):
            if event["fail"]: raise ValueError("failed on request")
            return [runtime_client.__file__, context.aws_request_id, "x" * event["size"]]
        """,
        PYTHONPATH=os.pathsep.join(map(str, (WITHOUT_NATIVE_CLIENT, *RUNTIME_FOLDERS))),
    )
    response, function_error = run(environment, {"fail": False, "size": 3})
    assert (response, function_error) == ([str(WITHOUT_NATIVE_CLIENT / "runtime_client.py"), "r-1", "xxx"], None)
    error, function_error = run(environment, {"fail": True}, "r-2")
    assert (error["errorMessage"], function_error) == ("failed on request", "Unhandled")
    assert (
        run(environment, {"fail": False, "size": 7_000_000}, "r-3")[0]["errorType"] == "Function.ResponseSizeTooLarge"
    )
    assert run(environment, {"fail": False, "size": 0}, "r-4")[1] is None


@pytest.mark.parametrize("start", [FORKED], indirect=True)
def test_if_what_functions_are_forked_from_is_killed_its_forks_end_and_the_next_start(start: Start) -> None:
    code = """
        import os, time
        def handler(event, context):
            if event: time.sleep(600)
            return os.getppid()
    """
    first, second = start(code), start(code)
    os.kill(run(first)[0], signal.SIGKILL)
    assert run(first, "until it ends")[0]["errorType"] == "Runtime.ExitError"
    assert run(second)[1] is None


@pytest.mark.parametrize("start", [FORKED], indirect=True)
def test_a_fork_has_what_functions_import_and_is_made_of_a_process_with_one_thread(start: Start) -> None:
    environment = start(
        """
        import os, sys
        there = [name for name in ("boto3", "modelwatch_core.wiring", "numpy") if name in sys.modules]
        def handler(event, context): return there, len(os.listdir(f"/proc/{os.getppid()}/task"))
        """,
        PYTHONPATH=os.pathsep.join(map(str, (ROOT / "layers/core", *RUNTIME_FOLDERS))),
    )
    assert run(environment) == ([["boto3", "modelwatch_core.wiring"], 1], None)


def sleeping(processes: FunctionProcesses, folder: Path, **variables: str) -> psutil.Process:
    """Start a function that sleeps."""
    (folder / "app.py").write_text("import time\ntime.sleep(600)")
    usual = {"PATH": str(Path(sys.executable).parent), "PYTHONPATH": os.pathsep.join(map(str, RUNTIME_FOLDERS))}
    started = processes.start("app.handler", root=folder, variables=usual | variables, log=folder / "log")
    return psutil.Process(started.pid)


@pytest.mark.skipif(not CAN_FORK, reason="processes are not forked here")
def test_functions_of_the_next_stack_are_forked_from_the_same_process_and_none_of_the_last_one_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(function_processes, "MOST_LEFT", 1)
    stacks = [FunctionProcesses() for _ in range(3)]
    first = sleeping(stacks[0], tmp_path)
    origin = first.parent()
    stacks[0].close()
    first.wait(timeout=10)
    assert sleeping(stacks[1], tmp_path).parent() == origin
    stacks[1].close()
    assert origin.is_running()
    other = sleeping(stacks[2], tmp_path, PYTHONHASHSEED="1").parent()  # which it cannot be forked from
    stacks[2].close()
    assert (origin.is_running(), other.is_running()) == (False, True)  # no more than one is left


@pytest.mark.skipif(not CAN_FORK, reason="processes are not forked here")
def test_what_is_left_for_the_next_stack_ends_with_the_python_process_that_left_it(tmp_path: Path) -> None:
    script = f"""
        import os, sys
        from pathlib import Path
        from modelwatch.local.function_processes import FunctionProcesses
        def origin():
            processes = FunctionProcesses()
            variables = {{"PYTHONPATH": {os.pathsep.join(map(str, RUNTIME_FOLDERS))!r}}}
            processes.start("app.handler", root=Path.cwd(), variables=variables, log=Path("log"))
            (found,) = (each._process.pid for each in processes._prepared.values())
            processes.close()
            return found
        print(origin())
        if not os.fork():
            sys.exit()  # a child that was forked does not end it
        os.wait()
        print(origin())
    """
    command = [sys.executable, "-c", textwrap.dedent(script)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=HANGS_AFTER, check=True)
    first, second = map(int, done.stdout.split())
    assert first == second
    assert not psutil.pid_exists(first)
