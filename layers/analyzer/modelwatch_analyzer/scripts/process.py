"""Runs a user's script in processes of its own, with limits on memory and time, and talks to it through pipes.

Of this process's environment it gets only the search paths and the settings of the analysis, so no credentials. A host
that has credentials in its environment hides itself, see `hide_from_scripts`. All processes that the script starts end
with it. Only the network of the host restricts its access to the network.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread, Timer
from typing import IO, Any

from modelwatch_analyzer.child_environment import child_environment
from modelwatch_analyzer.scripts import worker
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.number_text import count_text

MEMORY_BYTES = 2 << 30
PROCESSOR_SECONDS = 840
RESPONSE_SECONDS = 60.0
"""How long a script may take for one chunk of records, or a post-analytics processor for everything."""

MAX_PRINTED_BYTES = 10 << 20
"""How much of what a script prints or logs is kept: a host may pay for each byte of its log."""

_MAX_RESPONSE_BYTES = 256 << 20
_EXIT_SECONDS = 5.0
_PR_SET_DUMPABLE = 4


class ScriptProcessEnded(Exception):
    """The script's process ended without a response; the message says why."""


class ScriptError(Exception):
    """The script raised an exception or returned something invalid; the message has the details and its traceback.

    Attributes
    ----------
    record : int
        Which of the records of the request it failed at, from 0 on; another number if at none of them.
    """

    def __init__(self, message: str, record: int) -> None:
        super().__init__(message)
        self.record = record


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
            raise ScriptError(response["error"], response["record"])
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
        stderr=subprocess.PIPE,
        env={**environment, **settings},
        start_new_session=True,
    )
    if process.stdin is None or process.stdout is None or process.stderr is None:
        raise AssertionError("the process was started with pipes")
    printed = Thread(target=_pass_on, args=(process.stderr,), daemon=True)
    printed.start()
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
        printed.join(_EXIT_SECONDS)  # the end of the output, unless the script has left a process that keeps it open


def _pass_on(printed: IO[bytes]) -> None:
    """Write what a script prints to this process's standard error, up to a limit; it can go on printing after it."""
    left = MAX_PRINTED_BYTES
    with printed:
        while part := os.read(printed.fileno(), 1 << 16):
            kept = part[:left]
            left -= len(kept)
            if kept and not left:
                kept += f"\nThe script printed {MAX_PRINTED_BYTES:,} bytes: the rest is left out.\n".encode()
            with suppress(OSError):  # what cannot be written must not stop the script
                os.write(2, kept)


def preprocess(
    process: ScriptProcess, texts: Sequence[str], *, captured: bool, places: Sequence[str] = ()
) -> list[list[dict[str, Any]]]:
    """Return the rows that ``preprocess_handler`` returns for each record.

    Parameters
    ----------
    texts : sequence of str
        Lines of text, or captured records.
    places : sequence of str
        Where each is, for the message if the script fails at one.

    Raises
    ------
    InvalidInput
        ``PreprocessorFailed`` or ``PreprocessorTimedOut``.
    """
    request = {"handler": "preprocess_handler", "captured": captured, "records": texts}
    try:
        return list(process.call(request)["rows"])
    except ScriptTimedOut as error:
        message = f"the record preprocessor timed out: {error}, for {count_text(len(texts), 'record')}"
        raise InvalidInput("PreprocessorTimedOut", message) from None
    except ScriptProcessEnded as error:
        raise InvalidInput("PreprocessorFailed", f"the record preprocessor failed: {error}") from None
    except ScriptError as error:
        place = dict(enumerate(places)).get(error.record)
        failed = f"failed at {place}" if place else "failed"
        raise InvalidInput("PreprocessorFailed", f"the record preprocessor {failed}: {error}") from None


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
