"""``modelwatch local``: runs the app on this machine, for hands-on use."""

from __future__ import annotations

import shlex
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import typer

from modelwatch.cli.local_clock import ADVANCE_EXAMPLE, advance
from modelwatch.cli.options import examples, output_path, usable_output
from modelwatch.cli.signals import Stopped, stopped_by_signals
from modelwatch.running_stack import announced

if TYPE_CHECKING:
    from modelwatch.local import LocalStack

UP_EXAMPLE = examples(
    "modelwatch local up --mail-folder mails --parameter NotificationEmail=me@example.com\n"
    "--parameter MonitoredBuckets=my-data --serve-model my-model=http://127.0.0.1:8080/invocations"
)

_HOST = "127.0.0.1"
"""Where the stack listens."""

group = typer.Typer(
    no_args_is_help=True, help="Run the app on this machine, without an AWS account.", rich_markup_mode=None
)
group.command("advance", epilog=ADVANCE_EXAMPLE)(advance)


@group.command(epilog=UP_EXAMPLE)
def up(
    port: Annotated[int, typer.Option(metavar="PORT", help="The port of the emulated AWS; 0 picks a free one.")] = 0,
    smtp_port: Annotated[
        int, typer.Option(metavar="PORT", help="The port of the mail server; 0 picks a free one.")
    ] = 0,
    parameter: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="A template parameter; may be repeated.")
    ] = None,
    template: Annotated[Path | None, typer.Option(help="A template to use instead of the app's own.")] = None,
    mail_folder: Annotated[
        Path | None,
        typer.Option(metavar="PATH", parser=output_path, help="A folder where mails are also saved as .eml files."),
    ] = None,
    serve_model: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=URL",
            help="A SageMaker model and the /invocations URL of a server that you run for it; may be repeated.",
        ),
    ] = None,
    run_image: Annotated[
        list[str] | None,
        typer.Option(
            metavar="IMAGE=COMMAND",
            help="A container image of processing jobs and the program that stands for it; may be repeated.",
        ),
    ] = None,
) -> None:
    """Deploy the app into an emulated AWS and keep it running until Ctrl-C."""
    from modelwatch.local import LocalStack, LocalStackError

    # Here an object is listed as soon as it is written.
    parameters = {} if template else {"CaptureSettlingSeconds": "0"}
    parameters |= dict(_split(pair, "--parameter", "NAME=VALUE") for pair in parameter or [])
    models = [_split(pair, "--serve-model", "NAME=URL") for pair in serve_model or []]
    for name, url in models:
        if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
            message = f"{url!r} of {name} is not a URL such as http://127.0.0.1:8080/invocations."
            raise typer.BadParameter(message, param_hint="--serve-model")
    programs = [_program(pair) for pair in run_image or []]
    if mail_folder:
        usable_output(mail_folder, "--mail-folder", overwrite=None)
    try:
        with (
            stopped_by_signals(),
            LocalStack(
                template, parameters=parameters, port=port, smtp_port=smtp_port, mail_folder=mail_folder
            ) as stack,
        ):
            for name, url in models:
                stack.serve_model(name, url)
            for image, command in programs:
                stack.run_image(image, *command)
            typer.echo(_describe(stack, parameters, mail_folder, models))
            with announced(stack.endpoint_url):
                threading.Event().wait()
    except LocalStackError as error:
        typer.echo(f"modelwatch: {error.message}", err=True)
        raise typer.Exit(2) from error
    except Stopped:
        typer.echo("Stopped.")


def _split(pair: str, option: str, form: str) -> tuple[str, str]:
    name, equals, value = pair.partition("=")
    if not equals:
        raise typer.BadParameter(f"{pair!r} does not have the form {form}.", param_hint=option)
    return name, value


def _program(pair: str) -> tuple[str, list[str]]:
    image, command = _split(pair, "--run-image", "IMAGE=COMMAND")
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise typer.BadParameter(f"{command!r}: {error}.", param_hint="--run-image") from None
    if not words:
        raise typer.BadParameter(f"{pair!r} names no program.", param_hint="--run-image")
    return image, words


def _describe(
    stack: LocalStack, parameters: Mapping[str, str], mail_folder: Path | None, models: list[tuple[str, str]]
) -> str:
    width = max(map(len, stack.outputs), default=0)
    outputs = "\n".join(f"  {name:{width}}  {value}" for name, value in sorted(stack.outputs.items()))
    return f"""The stack {stack.name!r} is up; Ctrl-C stops it.

AWS   {stack.endpoint_url}
Pages {stack.dashboard_url}
Mail  smtp://127.0.0.1:{stack.smtp_port}
Logs  {stack.log_folder}/<function>.log

Outputs
{outputs}

{_advice(parameters, mail_folder, models)}

To use it from boto3 or the AWS CLI, in another terminal:
  export AWS_ENDPOINT_URL={stack.endpoint_url} AWS_DEFAULT_REGION={stack.region} \\
         AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local{_past_proxies()}
"""


def _past_proxies() -> str:
    """Return the variable that keeps other programs' requests from the proxy of the environment, if there is one."""
    if not getproxies() or proxy_bypass(_HOST):
        return ""
    return f' no_proxy="${{no_proxy:-$NO_PROXY}},{_HOST}"'


def _advice(parameters: Mapping[str, str], mail_folder: Path | None, models: list[tuple[str, str]]) -> str:
    """Say how to get mails, to serve a model, to let buckets be read and to move the clock."""
    recipient, buckets = parameters.get("NotificationEmail"), parameters.get("MonitoredBuckets")
    saved = f"saved in {mail_folder}" if mail_folder else "--mail-folder DIR saves them as files"
    mails = f"to {recipient}; {saved}" if recipient else "none; --parameter NotificationEmail=me@example.com sends them"
    served = ", ".join(f"{name} by {url}" for name, url in models)
    models_text = served or "none is served; --serve-model NAME=http://127.0.0.1:8080/invocations forwards requests to"
    if not served:
        models_text += "\n         a server that you run, which responds to GET /ping and POST /invocations"
    readable = f"only {buckets} may be read" if buckets else "none may be read; --parameter MonitoredBuckets=my-data"
    return f"""Mails    {mails}
Models   {models_text}
Buckets  {readable}
Clock    modelwatch local advance 1h; what is due in between happens at once"""
