"""The network of processing jobs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from modelwatch.arguments import flag, listed


@dataclass(frozen=True)
class NetworkConfig:
    """The network that a processing job runs in: kept, shown by describe, and used by hosts that run jobs.

    Parameters
    ----------
    enable_network_isolation : bool
    security_group_ids, subnets : sequence of str, optional
        The security groups and subnets of the VPC; both or neither.
    encrypt_inter_container_traffic : bool, optional
    """

    enable_network_isolation: bool = False
    security_group_ids: Sequence[str] | None = None
    subnets: Sequence[str] | None = None
    encrypt_inter_container_traffic: bool | None = None

    def __post_init__(self) -> None:
        """Refuse half a VPC."""
        flag("enable_network_isolation", self.enable_network_isolation)
        for name in ("security_group_ids", "subnets"):
            if getattr(self, name) is not None:
                listed(name, getattr(self, name))
        if bool(self.security_group_ids) != bool(self.subnets):
            raise ValueError("give both security_group_ids and subnets, or neither")

    @classmethod
    def from_request_dict(cls, request: Mapping[str, Any] | None) -> Self | None:
        """Return the configuration that a ``request`` in SageMaker's shape describes; None for None."""
        if request is None:
            return None
        vpc = request.get("VpcConfig") or {}
        return cls(
            enable_network_isolation=request.get("EnableNetworkIsolation", False),
            security_group_ids=vpc.get("SecurityGroupIds"),
            subnets=vpc.get("Subnets"),
            encrypt_inter_container_traffic=request.get("EnableInterContainerTrafficEncryption"),
        )

    def _to_request_dict(self) -> dict[str, Any]:
        request: dict[str, Any] = {"EnableNetworkIsolation": self.enable_network_isolation}
        if self.encrypt_inter_container_traffic is not None:
            request["EnableInterContainerTrafficEncryption"] = self.encrypt_inter_container_traffic
        if self.security_group_ids and self.subnets:
            request["VpcConfig"] = {
                "SecurityGroupIds": list(self.security_group_ids),
                "Subnets": list(self.subnets),
            }
        return request
