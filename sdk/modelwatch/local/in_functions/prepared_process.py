"""A process that has imported what functions import, and that becomes a function's process in each fork of it.

It has one thread and imports nothing that starts another, because a fork has only the thread that made it. Run as
``python prepared_process.py descriptor`` with the number of a socket: each line that arrives there is what
`PreparedProcess.start` sends, and gets one line in response; another line reports the end of each fork.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Any

import function_process  # type: ignore[import-not-found]  # beside this file

_COMMON = ("boto3", "aws_lambda_powertools.utilities.parser", "urllib3")
_OF_LAYERS = {"modelwatch_core": "modelwatch_core.wiring"}  # the analyzer's packages start threads
_SERVICES = ("cloudwatch", "events", "lambda", "s3", "sagemaker", "scheduler", "sns")


def prepare() -> None:
    """Import what functions import; where that fails, the function itself fails and says so."""
    layers = [Path(folder) for folder in os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    own = [module for package, module in _OF_LAYERS.items() if any((layer / package).is_dir() for layer in layers)]
    for module in (*_COMMON, *own):
        with contextlib.suppress(Exception):
            importlib.import_module(module)
    with contextlib.suppress(ImportError):
        _read_service_models()
        _complete_models()
    gc.collect()
    gc.freeze()  # so that no fork writes to what it shares


def _read_service_models() -> None:
    """Make clients once, so that what botocore reads and imports for them is there.

    botocore keeps the descriptions of services for each session, and forks make their own.
    """
    import boto3
    from botocore.loaders import Loader

    kept: dict[Any, Any] = {}
    original = Loader.__init__

    def init(self: Any, *arguments: Any, **options: Any) -> None:
        original(self, *arguments, **options)
        self._cache = kept

    Loader.__init__ = init  # type: ignore[method-assign]  # of this process and its forks
    session: Any = boto3.Session("none", "none", region_name="us-east-1")
    session.resource("dynamodb")
    for service in _SERVICES:
        session.client(service)


def _complete_models() -> None:
    """Build the validators of all models, which pydantic otherwise builds where each is first used."""
    from pydantic import BaseModel

    found = BaseModel.__subclasses__()
    for model in found:
        found += model.__subclasses__()
        model.model_rebuild(raise_errors=False)


def serve(connection: socket.socket) -> bool:
    """Fork for each request until nobody asks any more; return whether this is a fork."""
    running: set[int] = set()

    def report_ended(*_: object) -> None:
        while running:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            running.discard(pid)
            _send(connection, ended=pid, status=os.waitstatus_to_exitcode(status))

    signal.signal(signal.SIGCHLD, report_ended)
    with connection.makefile("rb") as requests:
        for line in requests:
            request = json.loads(line)
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])  # the start is reported before the end
            try:
                os.chdir(request["root"])
                pid = os.fork()
            except OSError as error:
                _send(connection, error=str(error))
            else:
                if pid == 0:
                    _become(**request)
                    return True
                running.add(pid)
                with contextlib.suppress(OSError):  # the fork did it, and may have ended
                    os.setpgid(pid, pid)
                _send(connection, started=pid)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for pid in running:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
    return False


def _send(connection: socket.socket, **members: object) -> None:
    connection.sendall(json.dumps(members).encode() + b"\n")


def _become(*, handler: str, root: str, variables: dict[str, str], log: str) -> None:
    """Turn a fork into what ``python -m function_process`` is with these variables."""
    os.setpgid(0, 0)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])
    written = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    for descriptor in (1, 2):
        os.dup2(written, descriptor)
    os.close(written)
    os.environ.clear()
    os.environ.update(variables)
    time.tzset()
    sys.path[0] = root
    sys.argv = [function_process.__file__, handler]


if __name__ == "__main__":
    prepare()
    with socket.socket(fileno=int(sys.argv[1])) as asked:
        is_function = serve(asked)
    if is_function:
        function_process.run()
