"""Addresses at which an analysis in AWS finds its own machine or a service of its network, and no model of a user's."""

from __future__ import annotations

from ipaddress import IPv6Address, IPv6Network, ip_address

_SERVICES = IPv6Network("fd00:ec2::/32")
"""The IPv6 addresses of instance metadata, time and DNS: EC2 user guide, "Access instance metadata"."""


def is_internal(address: str) -> bool:
    """Return whether an IP address is loopback, link-local (as instance metadata is), unspecified or multicast.

    Private addresses are those of a VPC, where a model may well be.
    """
    parsed = ip_address(address.partition("%")[0])
    if isinstance(parsed, IPv6Address):
        parsed = parsed.ipv4_mapped or parsed.sixtofour or parsed
    return (
        parsed.is_loopback
        or parsed.is_link_local
        or parsed.is_unspecified
        or parsed.is_multicast
        or parsed.is_reserved
        or parsed in _SERVICES
    )
