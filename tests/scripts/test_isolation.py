"""What a script cannot reach: credentials, the next analysis, and Python's own modules."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import polars as pl
import pytest

from modelwatch_analyzer.reading import parquet_process
from modelwatch_analyzer.scripts import process
from modelwatch_analyzer.scripts.process import preprocess, running_script
from modelwatch_core.domain.errors import InvalidInput

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are isolated by means of Linux")

# Starts a process that leaves the script's session and its parent, and returns its identifier.
ESCAPES = """
import os, time
def escape():
    reader, writer = os.pipe()
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.write(writer, str(os.getpid()).encode())
            time.sleep(600)
        os._exit(0)
    os.wait()
    return int(os.read(reader, 20))
"""

# Reads the environment of each process above the script's.
SPIES = """
import os
from pathlib import Path
def preprocess_handler(line):
    found, above = False, os.getppid()
    while above > 1:
        try:
            found |= b"PLANTED" in Path(f"/proc/{above}/environ").read_bytes()
        except PermissionError:
            pass
        above = int(Path(f"/proc/{above}/stat").read_text().rpartition(")")[2].split()[1])
    return {"found": found}
"""

HOST = """
import sys
from pathlib import Path
from modelwatch_analyzer.scripts.process import hide_from_scripts, preprocess, running_script
if sys.argv[2] == "hidden":
    hide_from_scripts()
with running_script(Path(sys.argv[1]), {}) as script:
    print(preprocess(script, ["1"], captured=False)[0][0]["found"])
"""


def written(folder: Path, source: str) -> Path:
    path = folder / "mine.py"
    path.write_text(source)
    return path


def is_running(identifier: int) -> bool:
    with suppress(OSError):
        return Path(f"/proc/{identifier}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def test_no_process_that_a_script_started_outlives_the_analysis(tmp_path: Path) -> None:
    source = written(tmp_path, f"{ESCAPES}\ndef preprocess_handler(line):\n    return {{'started': escape()}}")
    with running_script(source, {}) as script:
        rows = preprocess(script, ["1", "2"], captured=False)
        started = [row[0]["started"] for row in rows]
        assert all(is_running(identifier) for identifier in started)
    assert not any(is_running(identifier) for identifier in started)


@pytest.mark.slow
def test_a_script_that_hangs_is_killed_with_all_that_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "RESPONSE_SECONDS", 1.0)
    note = tmp_path / "started"
    hangs = f"def preprocess_handler(line):\n    open({str(note)!r}, 'w').write(str(escape()))\n    time.sleep(600)"
    with (
        pytest.raises(InvalidInput, match="did not respond"),
        running_script(written(tmp_path, f"{ESCAPES}\n{hangs}"), {}) as script,
    ):
        preprocess(script, ["1"], captured=False)
    assert not is_running(int(note.read_text()))


def test_a_script_that_kills_itself_is_reported_with_the_signal(tmp_path: Path) -> None:
    source = written(tmp_path, "import os\ndef preprocess_handler(line):\n    os.kill(os.getpid(), 11)")
    with (
        pytest.raises(InvalidInput, match="was killed by SIGSEGV before it responded"),
        running_script(source, {}) as script,
    ):
        preprocess(script, ["1"], captured=False)


@pytest.mark.parametrize(("host", "found"), [("open", "True"), ("hidden", "False")])
def test_a_script_cannot_read_the_environment_of_a_host_that_hides_itself(
    tmp_path: Path, host: str, found: str
) -> None:
    """Lambda's user may trace no process of another; root may, so a test run by root gives that up."""

    def without_tracing() -> None:
        if os.geteuid() == 0:
            for capability in (19, 21, 38):  # CAP_SYS_PTRACE, CAP_SYS_ADMIN, CAP_PERFMON: linux/capability.h
                ctypes.CDLL(None).prctl(24, capability, 0, 0, 0)  # PR_CAPBSET_DROP: linux/prctl.h

    outcome = subprocess.run(
        [sys.executable, "-c", HOST, written(tmp_path, SPIES), host],
        env={**os.environ, "AWS_SECRET_ACCESS_KEY": "PLANTED"},  # pragma: allowlist secret (invented)
        preexec_fn=without_tracing,
        capture_output=True,
        text=True,
        check=True,
    )
    assert outcome.stdout == f"{found}\n"


def test_a_file_beside_the_script_replaces_no_module_of_python(tmp_path: Path) -> None:
    (tmp_path / "statistics.py").write_text("raise SystemExit('replaced')")
    (tmp_path / "beside.py").write_text("FACTOR = 2")
    source = written(
        tmp_path,
        "import beside, statistics\ndef preprocess_handler(line):\n"
        "    return {'mean': beside.FACTOR * statistics.mean(map(int, line.split(',')))}",
    )
    with running_script(source, {}) as script:
        assert preprocess(script, ["1,3"], captured=False) == [[{"mean": 4}]]


def test_the_process_that_reads_parquet_holds_no_credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "PLANTED")
    pl.DataFrame({"a": [1]}).write_parquet(tmp_path / "a.parquet")
    before = set(_children())
    if left := parquet_process._LEFT.take():
        parquet_process._end(left)
    with parquet_process.parquet_process() as collect:
        assert [frame.rows() for frame in collect(pl.scan_parquet(tmp_path / "a.parquet"), 10)] == [[(1,)]]
        started = set(_children()) - before
        environments = [Path(f"/proc/{child}/environ").read_bytes() for child in started]
    assert environments
    assert not any(b"PLANTED" in environment for environment in environments)


def _children() -> list[str]:
    return Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()


@pytest.mark.slow
@pytest.mark.parametrize("number", ["SIGSTOP", "SIGKILL"])
def test_a_script_that_stops_or_kills_its_supervisor_ends_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: str
) -> None:
    monkeypatch.setattr(process, "RESPONSE_SECONDS", 1.0)
    monkeypatch.setattr(process, "_EXIT_SECONDS", 0.1)
    survived = tmp_path / "survived"
    source = written(
        tmp_path,
        "import os, signal, time\ndef preprocess_handler(line):\n"
        f"    os.kill(os.getppid(), signal.{number})\n    time.sleep(10)\n    open({str(survived)!r}, 'w')",
    )
    with (
        pytest.raises(InvalidInput, match="the record preprocessor"),
        running_script(source, {}) as script,
    ):
        preprocess(script, ["1"], captured=False)
    assert not survived.exists()


def test_a_fork_that_a_script_lets_return_does_not_respond_in_its_place(tmp_path: Path) -> None:
    source = written(tmp_path, "import os\ndef preprocess_handler(line):\n    os.fork()\n    return {'line': line}")
    with running_script(source, {}) as script:
        responses = [preprocess(script, [line], captured=False) for line in ("1", "2", "3")]
    assert responses == [[[{"line": line}]] for line in ("1", "2", "3")]
