"""A user's script in a process of its own, with limits of memory and time, spoken to through pipes.

The process gets none of this one's environment but the search paths and the settings of the analysis: no credentials.
Nothing keeps it from the network but the host's own network.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Timer
from typing import IO, Any

from modelwatch_analyzer.scripts import worker
from modelwatch_core.domain.errors import InvalidInput

MEMORY_BYTES = 2 << 30
PROCESSOR_SECONDS = 840
ANSWER_SECONDS = 60.0
"""How long a script may take for one chunk of records, or as a post-analytics processor for all its work."""

_LONGEST_ANSWER = 256 << 20
_PARTING_SECONDS = 5.0
_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR")


class Stopped(Exception):
    """The script's process ended without an answer; the words say why."""


class ScriptError(Exception):
    """The script raised, or returned nonsense; the words tell what, with its own traceback."""


class TookTooLong(Exception):
    """The script did not answer in time."""


class ScriptProcess:
    """A running script."""

    def __init__(self, process: subprocess.Popen[bytes], requests: IO[bytes], answers: IO[bytes]) -> None:
        self._process, self._requests, self._answers = process, requests, answers

    def ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Send one request and return the answer.

        Raises
        ------
        ScriptError, TookTooLong, Stopped
            After any of them but the first the process is gone.
        """
        late = Event()

        def end() -> None:
            late.set()
            self.kill()

        timer = Timer(ANSWER_SECONDS, end)
        timer.start()
        try:
            with suppress(BrokenPipeError):  # what the process ended of is told below
                self._requests.write(json.dumps(request).encode() + b"\n")
                self._requests.flush()
            line = self._answers.readline(_LONGEST_ANSWER)
        finally:
            timer.cancel()
        if late.is_set():
            raise TookTooLong(f"it did not answer within {ANSWER_SECONDS:g} seconds")
        if not line.endswith(b"\n"):
            self.kill()
            raise Stopped(self._end(too_long=bool(line)))
        try:
            answer = json.loads(line)
        except ValueError:
            raise Stopped("its process answered with what is no answer") from None
        if "error" in answer:
            raise ScriptError(answer["error"])
        return dict(answer)

    def kill(self) -> None:
        """End the process and all that it started."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def _end(self, *, too_long: bool) -> str:
        if too_long:
            return f"its answer is longer than {_LONGEST_ANSWER >> 20} MiB"
        code = self._process.wait()
        how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        return (
            f"its process {how} before it answered; it may use {MEMORY_BYTES >> 20} MiB of memory and"
            f" {PROCESSOR_SECONDS} seconds of processor time"
        )


@contextmanager
def running(script: Path, settings: Mapping[str, str]) -> Iterator[ScriptProcess]:
    """Run a script's process for as long as the context lasts.

    Parameters
    ----------
    script : Path
        A Python file.
    settings : Mapping of str to str
        What its environment holds besides.

    Raises
    ------
    InvalidInput
        ``ScriptNotFound``.
    """
    if not script.is_file():
        raise InvalidInput("ScriptNotFound", f"there is no script {script}")
    command = [sys.executable, "-s", "-P", worker.__file__, str(script.resolve()), str(MEMORY_BYTES)]
    environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    environment |= {
        "PYTHONPATH": os.pathsep.join(sys.path),
        "OPENBLAS_NUM_THREADS": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    process = subprocess.Popen(  # noqa: S603 (the interpreter that runs this)
        [*command, str(PROCESSOR_SECONDS)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**environment, **settings},
        start_new_session=True,
    )
    if process.stdin is None or process.stdout is None:
        raise AssertionError("the pipes were asked for")
    served = ScriptProcess(process, process.stdin, process.stdout)
    try:
        yield served
    finally:
        with suppress(BrokenPipeError):
            process.stdin.close()  # at which it ends
        with suppress(subprocess.TimeoutExpired):
            process.wait(_PARTING_SECONDS)
        served.kill()
        process.wait()
        process.stdout.close()


def preprocess(process: ScriptProcess, texts: Sequence[str], *, captured: bool) -> list[list[dict[str, Any]]]:
    """Return the rows that ``preprocess_handler`` makes of each record.

    Parameters
    ----------
    texts : sequence of str
        Lines of text, or of captured records.

    Raises
    ------
    InvalidInput
        ``PreprocessorFailed`` or ``PreprocessorTimedOut``.
    """
    request = {"handler": "preprocess_handler", "captured": captured, "records": texts}
    try:
        return list(process.ask(request)["rows"])
    except TookTooLong as error:
        raise InvalidInput("PreprocessorTimedOut", f"the record preprocessor hangs: {error}") from None
    except (ScriptError, Stopped) as error:
        raise InvalidInput("PreprocessorFailed", f"the record preprocessor failed: {error}") from None


def postprocess(script: Path, settings: Mapping[str, str]) -> None:
    """Run ``postprocess_handler()``.

    Raises
    ------
    InvalidInput
        ``PostprocessorFailed``.
    """
    with running(script, settings) as process:
        try:
            process.ask({"handler": "postprocess_handler"})
        except (ScriptError, Stopped, TookTooLong) as error:
            raise InvalidInput("PostprocessorFailed", f"the post-analytics script failed: {error}") from None
