"""The processes in which a user's script runs. They import nothing of Modelwatch, and this is run as a file.

The first process supervises the second, which runs the script. When that ends, or when the supervisor is asked to
terminate, it kills every process that the script started: orphans become its children, whatever session they are in.

The second process reads requests from standard input, each a line of JSON, and responds to each with a line of JSON.
What the script prints goes to standard error.

The attributes of `CapturedData`, `EventData` and `EventMetadata` are those that SageMaker documents for
``preprocess_handler``, and ``event_data``, which AWS's first examples have.
"""

from __future__ import annotations

import ctypes
import importlib.util
import inspect
import json
import logging
import math
import os
import resource
import signal
import sys
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from io import TextIOWrapper
from pathlib import Path
from types import SimpleNamespace
from typing import Any

_MAX_TRACEBACK_LENGTH = 700
_MAX_MESSAGE_LENGTH = 300
_MODULE = "user_script"
"""Where dataclasses and pickles look for what the script defines."""
_PATH = "MODELWATCH_SCRIPT"
"""The environment variable in which processes that the script starts find its path: it may change ``sys.argv``."""
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36


class EventMetadata:
    """The time and the identifiers of a captured record."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.event_id = document.get("eventId")
        self.event_time = document.get("inferenceTime")
        self.inference_id = document.get("inferenceId")
        self.custom_attribute = document.get("customAttributes")

    def as_dict(self) -> dict[str, Any]:
        """Return the fields with their names in the capture file."""
        names = {"eventId": self.event_id, "inferenceTime": self.event_time, "inferenceId": self.inference_id}
        return {name: value for name, value in (names | {"customAttributes": self.custom_attribute}).items() if value}


class EventData:
    """One side of a record; its attributes are None if it was not captured."""

    def __init__(self, document: Mapping[str, Any] | None) -> None:
        document = document or {}
        self.encoding = document.get("encoding")
        self.data = document.get("data")
        self.observedContentType = document.get("observedContentType")
        self.mode = document.get("mode")

    def as_dict(self) -> dict[str, Any]:
        """Return what SageMaker's own class returns."""
        return {"encoding": self.encoding, "data": self.data, "observedContentType": self.observedContentType}


class CapturedData:
    """A captured record, as ``preprocess_handler`` receives it."""

    def __init__(self, event_dict: dict[str, Any]) -> None:
        captured = event_dict.get("captureData") or {}
        self.event_dict = event_dict
        self.event_version = event_dict.get("eventVersion")
        self.event_metadata = EventMetadata(event_dict.get("eventMetadata") or {})
        self.endpoint_input = EventData(captured.get("endpointInput"))
        self.endpoint_output = EventData(captured.get("endpointOutput"))
        self.batch_transform_output = EventData(captured.get("batchTransformOutput"))
        self.event_data = SimpleNamespace(
            endpointInput=self.endpoint_input,
            endpointOutput=self.endpoint_output,
            batchTransformOutput=self.batch_transform_output,
        )
        self.ground_truth = EventData(event_dict.get("groundTruthData"))

    def as_dict(self) -> dict[str, Any]:
        """Return the fields with their names in the capture file."""
        sides = vars(self.event_data)
        document: dict[str, Any] = {
            "captureData": {name: side.as_dict() for name, side in sides.items() if side.data is not None},
            "eventMetadata": self.event_metadata.as_dict(),
            "eventVersion": self.event_version,
        }
        if self.ground_truth.data is not None:
            document["groundTruthData"] = self.ground_truth.as_dict()
        return document

    def __str__(self) -> str:
        return str(self.as_dict())


class InvalidScript(Exception):
    """A script does not keep to the contract of its handler."""


def main() -> None:
    """Serve one script: its path, and the limits in bytes and in seconds of processor time, are the arguments."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})  # until the supervisor can respond to it
    served = os.fork()
    if served:
        _supervise(served)
    else:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)  # of a supervisor that the script has stopped or killed
        os.setsid()  # so that a signal to the script's group does not reach the supervisor
        _serve(Path(sys.argv[1]), memory=int(sys.argv[2]), seconds=int(sys.argv[3]))


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def _supervise(served: int) -> None:
    """Wait for the end of a process, kill all that are left of its descendants, and end as it did."""
    for descriptor in (0, 1):  # else the other ends of the pipes would not see that the script has closed them
        os.close(descriptor)
    signal.signal(signal.SIGTERM, lambda *_: _kill(served))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    _, status = os.waitpid(served, 0)
    with suppress(ChildProcessError):
        while True:  # the children of a child that is killed become children of this process in turn
            for child in _children():
                _kill(child)
            os.waitpid(-1, 0)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # all have ended, and this one ends now as the script did
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        if number != signal.SIGKILL:
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    sys.exit(os.waitstatus_to_exitcode(status))


def _children() -> list[int]:
    """Return the identifiers of the children of this process."""
    children = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has ended meanwhile
            parent = int(status.read_text(errors="replace").rpartition(")")[2].split()[1])
            if parent == os.getpid():
                children.append(int(status.parent.name))
    return children


def _kill(process: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)


def _serve(script: Path, *, memory: int, seconds: int) -> None:
    with suppress(ValueError, OSError):  # if the system does not have this limit
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    requests, responses = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)  # what the script prints is not a response
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)
    logging.basicConfig(level=logging.INFO, stream=sys.stderr)
    handlers: dict[str, Callable[..., Any]] = {}
    served = os.getpid()
    for request in requests:
        rows: list[list[dict[str, Any]]] = []
        try:
            response = json.dumps(_respond(json.loads(request), script, handlers, rows))
        except BaseException as error:  # a script may raise anything, including SystemExit
            record = len(rows) if handlers else -1  # which is none of them: it was still being imported
            response = json.dumps({"error": _error_text(error, script), "record": record})
        if os.getpid() != served:
            os._exit(0)  # a fork that the script let return; there is one response to a request
        responses.write(response.encode() + b"\n")
        responses.flush()


def _respond(
    request: dict[str, Any], script: Path, handlers: dict[str, Callable[..., Any]], rows: list[list[dict[str, Any]]]
) -> dict[str, Any]:
    """Call a handler; the rows of each record are added to `rows`."""
    name = request["handler"]
    if name not in handlers:
        handlers[name] = _handler(script, name)
    handler = handlers[name]
    if name == "postprocess_handler":
        handler()
        return {}
    arguments: tuple[Any, ...] = (logging.getLogger(script.name),) if _takes_logger(handler) else ()
    read = (lambda text: CapturedData(json.loads(text))) if request["captured"] else str
    rows.extend(_rows(handler(read(text), *arguments)) for text in request["records"])
    return {"rows": rows}


class _ScriptFinder(MetaPathFinder):
    """Finds the script by its name as a module, also in the processes of ``multiprocessing`` that it starts."""

    def find_spec(self, fullname: str, path: object, target: object = None) -> ModuleSpec | None:  # noqa: ARG002 (Python's)
        """Return the script's specification."""
        return importlib.util.spec_from_file_location(_MODULE, os.environ[_PATH]) if fullname == _MODULE else None


def _handler(script: Path, name: str) -> Callable[..., Any]:
    sys.path.append(str(script.parent))  # last: a file beside the script must not replace a module of Python
    if script.suffix != ".py":
        raise InvalidScript("the script is not a Python file: its name must end with .py")
    os.environ[_PATH] = str(script.absolute())
    module = importlib.import_module(_MODULE)
    handler: Callable[..., Any] | None = getattr(module, name, None)
    if handler is None or not callable(handler):
        raise InvalidScript(f"the script defines no function {name}")
    return handler


def _takes_logger(handler: Callable[..., Any]) -> bool:
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(parameter.kind in kinds for parameter in inspect.signature(handler).parameters.values()) > 1


def _rows(returned: Any) -> list[dict[str, Any]]:
    rows = returned if isinstance(returned, list | tuple) else [returned]
    for row in rows:
        if not isinstance(row, Mapping):
            kind = f"a list with a {type(row).__name__}" if rows is returned else type(row).__name__
            raise InvalidScript(f"preprocess_handler returned {kind}: it must return a dict, a list of dicts, or []")
    return [{str(name): _json_value(value) for name, value in row.items()} for row in rows]


def _json_value(value: Any) -> Any:
    """Convert a value to JSON: NumPy numbers to numbers, NaN to null, values that JSON does not have to text."""
    if hasattr(value, "tolist") and hasattr(value, "dtype"):
        value = value.tolist()
    if isinstance(value, Mapping):
        return {str(name): _json_value(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_json_value(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None if math.isnan(value) else str(value)
    if value is None or isinstance(value, bool | int):
        return value
    return str(value)


def _error_text(error: BaseException, script: Path) -> str:
    """Format an error with the frames of the script only, and file names instead of paths."""
    # Without the place of a syntax error, which is indented; notes are kept.
    last = "".join(line for line in traceback.format_exception_only(error) if not line.startswith("  ")).strip()
    if isinstance(error, InvalidScript):
        return str(error)
    frames = [
        frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename).parent == script.parent
    ]
    for frame in frames:
        frame.filename = Path(frame.filename).name
    lines = "".join(traceback.format_list(frames))[-_MAX_TRACEBACK_LENGTH:]
    last = last if len(last) <= _MAX_MESSAGE_LENGTH else f"{last[:_MAX_MESSAGE_LENGTH]}..."
    if isinstance(error, SyntaxError) and error.filename and Path(error.filename).parent == script.parent:
        lines += f'  File "{Path(error.filename).name}", line {error.lineno}\n'
    return f"Traceback (most recent call last):\n{lines}{last}"


if __name__ in ("__main__", "__mp_main__"):  # the second in a process that multiprocessing has started afresh
    sys.meta_path.insert(0, _ScriptFinder())
if __name__ == "__main__":
    main()
