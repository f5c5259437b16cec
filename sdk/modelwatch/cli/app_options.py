"""Which app a command works with, and what becomes of its refusals."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from modelwatch.app_client import DEFAULT_STACK, STACK_VARIABLE, AppClient
from modelwatch.cli.aws_session import AwsOptions
from modelwatch.printing import make_console
from modelwatch_core.domain.errors import InvalidInput, ModelwatchError, Upstream
from modelwatch_core.domain.sagemaker_api.errors import SAGEMAKER_CODES

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

_CODE = re.compile(r"([A-Z][a-z]+[A-Za-z]+): (.+)", re.DOTALL)
_CODES_OF_THE_APP = {*SAGEMAKER_CODES.values(), "InternalFailure"}


@dataclass(frozen=True, slots=True, kw_only=True)
class AppOptions(AwsOptions):
    """Where the app is."""

    stack: Annotated[str, typer.Option(envvar=STACK_VARIABLE, metavar="NAME", help="The name of the app's stack.")] = (
        DEFAULT_STACK
    )

    def client(self) -> AppClient:
        """Return the app.

        Raises
        ------
        InvalidInput
            ``NoCredentials``, ``NoRegion``, ``LocalStackNotFound``.
        """
        session = self.session()
        if session.region_name is None:
            raise InvalidInput("NoRegion", "no AWS region is set, so the app cannot be found: give --region")
        return AppClient(session, self.stack)

    def command(self, text: str) -> str:
        """Return a command that a user may type next: for the same app."""
        stack = None if self.stack == DEFAULT_STACK else self.stack
        given = {"--stack": stack, "--profile": self.profile, "--region": self.region}
        words = [word for option, value in given.items() if value is not None for word in (option, shlex.quote(value))]
        return " ".join(["modelwatch", text, *words, *["--local"] * self.local])

    @contextmanager
    def app(self, doing: str | None = "Calling the app") -> Iterator[AppClient]:
        """Give the app; what it or AWS refuses in the block becomes an error that ends in one line.

        Parameters
        ----------
        doing : str, optional
            What is shown on a terminal, on stderr, while the block runs; None where the block prints.
        """
        waiting = make_console(stderr=True).status(doing) if doing else nullcontext()
        with app_errors(), waiting:
            yield self.client()


@contextmanager
def app_errors() -> Iterator[None]:
    """Translate what the Python API raises inside, and boto3 of its settings, to the errors of the command.

    Raises
    ------
    InvalidInput, Upstream
        With the code of the app where the app refused.
    """
    from botocore.exceptions import BotoCoreError, ClientError, ProfileNotFound

    try:
        yield
    except ClientError as error:
        raise _refusal(error) from None
    except ProfileNotFound as error:
        raise InvalidInput("NoCredentials", f"{error}: see aws configure list-profiles") from None
    except BotoCoreError as error:
        raise Upstream("ServiceNotReached", str(error)) from None
    except ValueError as error:
        if type(error) is not ValueError:  # a mistake of ours, such as a document that cannot be decoded
            raise
        found = _CODE.fullmatch(str(error))
        raise InvalidInput(*(found.groups() if found else ("InvalidParameter", str(error)))) from None


def _refusal(error: ClientError) -> ModelwatchError:
    details: Any = error.response["Error"]
    code, message = str(details["Code"]), str(details.get("Message", ""))
    found = _CODE.fullmatch(message)
    if found and code in _CODES_OF_THE_APP:
        kind = Upstream if code == "InternalFailure" else InvalidInput
        return kind(*found.groups())
    from modelwatch_core.adapters.aws.translation import REFUSED

    text = f"{error.operation_name} returned {code}: {message}"
    return InvalidInput(REFUSED[code], text) if code in REFUSED else Upstream("ServiceError", text)


def complete_schedule_name(context: typer.Context, incomplete: str) -> list[str]:
    """Return the names of schedules for the shell's completion; none where the app cannot be asked."""
    given = {name: value for name, value in context.params.items() if name in ("stack", "local", "profile", "region")}
    try:
        with AppOptions(**given).app() as app:
            response = app.manage("ListMonitoringSchedules", max_results=100)
    except ModelwatchError:
        return []
    names = [str(each.get("monitoring_schedule_name", "")) for each in response["schedules"]]
    return [name for name in names if name.startswith(incomplete)]


ScheduleName = Annotated[
    str, typer.Argument(metavar="NAME", help="The schedule's name.", autocompletion=complete_schedule_name)
]
