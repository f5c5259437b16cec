"""Connections to those addresses only that the host allows.

The address is looked at once connected, so a name that later resolves to another address gains nothing.
"""

from __future__ import annotations

import socket
from collections.abc import Callable

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection

from modelwatch_core.domain.errors import InvalidInput


def guard(pool: PoolManager, allows: Callable[[str], bool]) -> None:
    """Let a pool connect to no address that the host does not allow.

    A connection to another one raises `InvalidInput`, ``ModelAddressRefused``, and nothing is sent by it.
    """

    def checked(connected: socket.socket) -> socket.socket:
        if allows(connected.getpeername()[0]):
            return connected
        connected.close()
        raise InvalidInput(
            "ModelAddressRefused",
            "the model's URL leads to an address of the analyzer itself or of its network's services; give the URL of"
            " a server of your own",
        )

    class Http(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            return checked(super()._new_conn())

    class Https(HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            return checked(super()._new_conn())

    class HttpPool(HTTPConnectionPool):
        ConnectionCls = Http

    class HttpsPool(HTTPSConnectionPool):
        ConnectionCls = Https

    pool.pool_classes_by_scheme = {"http": HttpPool, "https": HttpsPool}
