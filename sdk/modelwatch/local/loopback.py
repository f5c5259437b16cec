"""Listening on the loopback interface only."""

from __future__ import annotations

import socket

from modelwatch.local.errors import LocalStackError

HOST = "127.0.0.1"


def listen(port: int) -> socket.socket:
    """Return a socket that listens on loopback; port 0 picks a free port.

    Raises
    ------
    LocalStackError
        ``PortTaken``.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        listener.listen(128)
    except (OSError, OverflowError) as error:
        listener.close()
        reason = getattr(error, "strerror", None) or error
        raise LocalStackError(
            "PortTaken",
            f"Cannot listen on {HOST}:{port} ({reason}); stop the process that uses it, or choose another port.",
        ) from error
    return listener
