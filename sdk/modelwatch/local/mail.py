"""SNS's mail, delivered for real: sent by SMTP, received by an SMTP server on loopback."""

from __future__ import annotations

import asyncio
import email.policy
import email.utils
import re
import smtplib
import socket
import threading
from collections.abc import Awaitable
from datetime import datetime
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path
from typing import cast

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from modelwatch.local.loopback import HOST, listen

SENDER = "no-reply@sns.amazonaws.com"
_MAXIMUM_SUBJECT = 100  # characters, SNS's limit

_WHOLE_LINES = email.policy.default.clone(max_line_length=998)
"""RFC 5322's limit, not the lower one to which Python would break a subject."""


class MailServer:
    """Receives mail and keeps it.

    Parameters
    ----------
    port : int
        Where to listen; 0 for a free port.
    folder : Path or None
        Where each mail is also written, as an .eml file.
    """

    def __init__(self, *, port: int = 0, folder: Path | None = None) -> None:
        self.mails: list[EmailMessage] = []
        self._folder = folder
        self._lock = threading.Lock()
        self._controller = _Controller(self, listen(port))

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._controller.port

    def start(self) -> None:
        """Begin to answer."""
        self._controller.start()

    def stop(self) -> None:
        """Stop listening."""
        self._controller.stop(no_assert=True)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: ARG002, N802 - aiosmtpd's
        """Take a mail in."""
        content = cast("bytes", envelope.content)
        mail = BytesParser(policy=_WHOLE_LINES).parsebytes(content.replace(b"\r\n", b"\n"))
        with self._lock:
            self.mails.append(mail)
            if self._folder is not None:
                self._folder.mkdir(parents=True, exist_ok=True)
                words = re.sub(r"[^A-Za-z0-9]+", "-", str(mail["Subject"])).strip("-")[:60]
                (self._folder / f"{len(self.mails):04d}-{words}.eml").write_bytes(content)
        return "250 OK"


class _Controller(Controller):
    """aiosmtpd's, on a socket that listens already: so that port 0 works, and a taken port is known at once."""

    def __init__(self, handler: MailServer, listener: socket.socket) -> None:
        super().__init__(handler, hostname=HOST, port=listener.getsockname()[1])
        self._listener = listener

    def _create_server(self) -> Awaitable[asyncio.AbstractServer]:
        return self.loop.create_server(self._factory_invoker, sock=self._listener)


def notification_mail(
    *,
    to: str,
    topic_arn: str,
    display_name: str,
    subject: str | None,
    body: str,
    subscription_arn: str,
    moment: datetime,
) -> EmailMessage:
    """Return the mail that SNS makes of a message for a subscription of protocol email."""
    mail = EmailMessage(policy=_WHOLE_LINES)
    mail["From"] = email.utils.formataddr((display_name or "AWS Notifications", SENDER))
    mail["To"] = to
    mail["Subject"] = (subject or "AWS Notification Message")[:_MAXIMUM_SUBJECT]
    mail["Date"] = email.utils.format_datetime(moment)
    mail["Message-ID"] = email.utils.make_msgid(domain="sns.local")
    mail["X-Amz-Sns-Topic-Arn"] = topic_arn
    mail.set_content(f"{body}\n\n--\nTo stop this topic's mail, delete the subscription {subscription_arn}\n")
    return mail


def send_mail(mail: EmailMessage, port: int) -> None:
    """Hand a mail to the SMTP server on loopback."""
    with smtplib.SMTP(HOST, port, timeout=10) as connection:
        connection.send_message(mail)
