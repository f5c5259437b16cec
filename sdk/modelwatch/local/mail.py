"""SNS's email notifications as real mail: sent by SMTP, received by an SMTP server on loopback."""

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

_MAIL_POLICY = email.policy.default.clone(max_line_length=998)
"""Lines up to RFC 5322's limit; Python's lower default would fold long subjects."""


class MailServer:
    """Receives mail and keeps it.

    Parameters
    ----------
    port : int
        The port to listen on; 0 for a free port.
    folder : Path or None
        A folder where each mail is also saved as an .eml file.
    """

    def __init__(self, *, port: int = 0, folder: Path | None = None) -> None:
        self.mails: list[EmailMessage] = []
        self._folder = folder
        self._lock = threading.Lock()
        self._controller = _Controller(self, listen(port))

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return self._controller.port

    def start(self) -> None:
        """Start to accept mail."""
        self._controller.start()

    def stop(self) -> None:
        """Stop listening."""
        self._controller.stop(no_assert=True)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: ARG002, N802 - aiosmtpd's names
        """Receive a mail."""
        content = cast("bytes", envelope.content)
        mail = BytesParser(policy=_MAIL_POLICY).parsebytes(content.replace(b"\r\n", b"\n"))
        with self._lock:
            self.mails.append(mail)
            if self._folder is not None:
                self._folder.mkdir(parents=True, exist_ok=True)
                subject = re.sub(r"[^A-Za-z0-9]+", "-", str(mail["Subject"])).strip("-")[:60]
                (self._folder / f"{len(self.mails):04d}-{subject}.eml").write_bytes(content)
        return "250 OK"


class _Controller(Controller):
    """aiosmtpd's controller on a socket that already listens, so that port 0 works and a taken port fails at once."""

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
    sent_at: datetime,
) -> EmailMessage:
    """Return the mail that SNS sends for a message to an email subscription."""
    mail = EmailMessage(policy=_MAIL_POLICY)
    mail["From"] = email.utils.formataddr((display_name or "AWS Notifications", SENDER))
    mail["To"] = to
    mail["Subject"] = (subject or "AWS Notification Message")[:_MAXIMUM_SUBJECT]
    mail["Date"] = email.utils.format_datetime(sent_at)
    mail["Message-ID"] = email.utils.make_msgid(domain="sns.local")
    mail["X-Amz-Sns-Topic-Arn"] = topic_arn
    mail.set_content(f"{body}\n\n--\nTo stop receiving this topic's mail, delete the subscription {subscription_arn}\n")
    return mail


def send_mail(mail: EmailMessage, port: int) -> None:
    """Send a mail to the SMTP server on loopback."""
    with smtplib.SMTP(HOST, port, timeout=10) as connection:
        connection.send_message(mail)
