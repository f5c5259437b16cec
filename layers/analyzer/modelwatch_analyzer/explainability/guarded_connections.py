"""Connections that refuse the addresses of the machine itself and of its network's services.

The address is looked at once connected, so a name that is resolved anew, and leads elsewhere then, gains nothing.
"""

from __future__ import annotations

import socket
from ipaddress import IPv6Address, IPv6Network, ip_address

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection

from modelwatch_core.domain.errors import InvalidInput

_AWS_SERVICES = IPv6Network("fd00:ec2::/32")
"""Instance metadata, time and DNS by IPv6: EC2 user guide, "Access instance metadata"."""


def refuse_internal(address: str) -> None:
    """Refuse loopback, link-local (instance metadata is there), unspecified, multicast and reserved addresses.

    Private addresses are those of a VPC, where a model may well be.

    Raises
    ------
    InvalidInput
        ``ModelAddressRefused``.
    """
    parsed = ip_address(address.partition("%")[0])
    if isinstance(parsed, IPv6Address):
        parsed = parsed.ipv4_mapped or parsed.sixtofour or parsed
    if (
        parsed.is_loopback
        or parsed.is_link_local
        or parsed.is_unspecified
        or parsed.is_multicast
        or parsed.is_reserved
        or parsed in _AWS_SERVICES
    ):
        raise InvalidInput(
            "ModelAddressRefused",
            "the model's URL leads to an address of the analyzer itself or of its network's services; give the URL of"
            " a server of your own",
        )


def _refuse_peer(connected: socket.socket) -> socket.socket:
    try:
        refuse_internal(connected.getpeername()[0])
    except InvalidInput:
        connected.close()
        raise
    return connected


class _GuardedHttp(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        return _refuse_peer(super()._new_conn())


class _GuardedHttps(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        return _refuse_peer(super()._new_conn())


class _GuardedHttpPool(HTTPConnectionPool):
    ConnectionCls = _GuardedHttp


class _GuardedHttpsPool(HTTPSConnectionPool):
    ConnectionCls = _GuardedHttps


def guard(pool: PoolManager) -> None:
    """Let a pool connect to no address that `refuse_internal` refuses."""
    pool.pool_classes_by_scheme = {"http": _GuardedHttpPool, "https": _GuardedHttpsPool}
