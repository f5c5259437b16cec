"""Runs a user's script in processes of its own, with limits on memory and time, and talks to it through pipes.

Of this process's environment it gets only the search paths and the settings of the analysis, so no credentials. A host
that has credentials in its environment hides itself, see `hide_from_scripts`. All processes that the script starts end
with it. Only the network of the host restricts its access to the network.
"""

from __future__ import annotations

import ctypes
import json
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Timer
from typing import IO, Any

from modelwatch_analyzer.child_environment import child_environment
from modelwatch_analyzer.scripts import worker
from modelwatch_core.domain.errors import InvalidInput

MEMORY_BYTES = 2 << 30
PROCESSOR_SECONDS = 840
RESPONSE_SECONDS = 60.0
"""How long a script may take for one chunk of records, or a post-analytics processor for everything."""

_MAX_RESPONSE_BYTES = 256 << 20
_EXIT_SECONDS = 5.0
_PR_SET_DUMPABLE = 4


class ScriptProcessEnded(Exception):
    """The script's process ended without a response; the message says why."""


class ScriptError(Exception):
    """The script raised an exception or returned something invalid; the message has the details and its traceback."""


class ScriptTimedOut(Exception):
    """The script did not respond in time."""


class ScriptProcess:
    """A running script."""

    def __init__(self, process: subprocess.Popen[bytes], requests: IO[bytes], responses: IO[bytes]) -> None:
        self._process, self._requests, self._responses = process, requests, responses

    def call(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Send one request and return the response.

        Raises
        ------
        ScriptError, ScriptTimedOut, ScriptProcessEnded
            After any of them except `ScriptError` the process has ended.
        """
        timed_out = Event()

        def end() -> None:
            timed_out.set()
            self.kill()

        timer = Timer(RESPONSE_SECONDS, end)
        timer.start()
        try:
            with suppress(BrokenPipeError):  # the reason why the process ended is reported below
                self._requests.write(json.dumps(request).encode() + b"\n")
                self._requests.flush()
            line = self._responses.readline(_MAX_RESPONSE_BYTES)
        finally:
            timer.cancel()
        if timed_out.is_set():
            raise ScriptTimedOut(f"it did not respond within {RESPONSE_SECONDS:g} seconds")
        if not line.endswith(b"\n"):
            self.kill()
            raise ScriptProcessEnded(self._reason_of_end(too_long=bool(line)))
        try:
            response = json.loads(line)
        except ValueError:
            raise ScriptProcessEnded("its process sent an invalid response") from None
        if "error" in response:
            raise ScriptError(response["error"])
        return dict(response)

    def kill(self) -> None:
        """Kill the process and all processes that it started."""
        self._process.terminate()  # the supervisor, which kills the others
        try:
            self._process.wait(_EXIT_SECONDS)
        except subprocess.TimeoutExpired:  # the script has stopped it
            self._process.kill()

    def _reason_of_end(self, *, too_long: bool) -> str:
        if too_long:
            return f"its response is longer than {_MAX_RESPONSE_BYTES >> 20} MiB"
        code = self._process.wait()
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        return (
            f"its process {how} before it responded; it may use {MEMORY_BYTES >> 20} MiB of memory and"
            f" {PROCESSOR_SECONDS} seconds of processor time"
        )


def hide_from_scripts() -> None:
    """Let no other process of this user read the memory and the environment of this one, which has credentials.

    Only a process that may trace any other, such as one of root, still can. Without effect where the system is not
    Linux.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


@contextmanager
def running_script(script: Path, settings: Mapping[str, str]) -> Iterator[ScriptProcess]:
    """Run a script's process for the duration of the context.

    Parameters
    ----------
    script : Path
        A Python file.
    settings : Mapping of str to str
        Further variables of its environment.

    Raises
    ------
    InvalidInput
        ``ScriptNotFound``.
    """
    if not script.is_file():
        raise InvalidInput("ScriptNotFound", f"there is no script {script}")
    command = [sys.executable, "-s", "-P", worker.__file__, str(script.resolve()), str(MEMORY_BYTES)]
    environment = {**child_environment(), "OPENBLAS_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    process = subprocess.Popen(  # noqa: S603 (the interpreter that runs this)
        [*command, str(PROCESSOR_SECONDS)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**environment, **settings},
        start_new_session=True,
    )
    if process.stdin is None or process.stdout is None:
        raise AssertionError("the process was started with pipes")
    script_process = ScriptProcess(process, process.stdin, process.stdout)
    try:
        yield script_process
    finally:
        with suppress(BrokenPipeError):
            process.stdin.close()  # which makes it exit
        with suppress(subprocess.TimeoutExpired):
            process.wait(_EXIT_SECONDS)
        script_process.kill()
        process.wait()
        process.stdout.close()


def preprocess(process: ScriptProcess, texts: Sequence[str], *, captured: bool) -> list[list[dict[str, Any]]]:
    """Return the rows that ``preprocess_handler`` returns for each record.

    Parameters
    ----------
    texts : sequence of str
        Lines of text, or captured records.

    Raises
    ------
    InvalidInput
        ``PreprocessorFailed`` or ``PreprocessorTimedOut``.
    """
    request = {"handler": "preprocess_handler", "captured": captured, "records": texts}
    try:
        return list(process.call(request)["rows"])
    except ScriptTimedOut as error:
        raise InvalidInput("PreprocessorTimedOut", f"the record preprocessor timed out: {error}") from None
    except (ScriptError, ScriptProcessEnded) as error:
        raise InvalidInput("PreprocessorFailed", f"the record preprocessor failed: {error}") from None


def postprocess(script: Path, settings: Mapping[str, str]) -> None:
    """Run ``postprocess_handler()``.

    Raises
    ------
    InvalidInput
        ``PostprocessorFailed``.
    """
    with running_script(script, settings) as process:
        try:
            process.call({"handler": "postprocess_handler"})
        except (ScriptError, ScriptProcessEnded, ScriptTimedOut) as error:
            raise InvalidInput("PostprocessorFailed", f"the post-analytics script failed: {error}") from None
