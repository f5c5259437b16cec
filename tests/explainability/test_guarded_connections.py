"""The analyzer in AWS does not post rows to itself, to instance metadata, or to its network's services."""

from __future__ import annotations

import numpy as np
import pytest

from modelwatch_analyzer.explainability.http_model import HttpModel
from modelwatch_analyzer.host import Host, any_address, is_external
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.internal_addresses import is_internal
from tests.explainability.conftest import Explaining, ModelServer


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.9.9.9",
        "0.0.0.0",
        "169.254.169.254",  # instance metadata
        "169.254.170.2",  # credentials of a container
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "2002:7f00:1::",  # 127.0.0.1 by 6to4
        "fe80::1%eth0",
        "fd00:ec2::254",  # instance metadata
        "ff02::1",
    ],
)
def test_internal_addresses_are_known(address: str) -> None:
    assert is_internal(address)
    assert not is_external(address)
    assert not Host().allows_address(address)


def test_a_host_allows_no_pickle_unless_it_says_so() -> None:
    assert not Host().allows_pickles


@pytest.mark.parametrize("address", ["8.8.8.8", "10.0.0.7", "172.16.3.1", "192.168.1.1", "2600:1f18::1", "fd12::7"])
def test_addresses_of_the_internet_and_of_a_network_of_ones_own_are_allowed(address: str) -> None:
    assert not is_internal(address)
    assert Host().allows_address(address)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_name_or_number_that_leads_to_the_machine_itself_gets_no_request(server: ModelServer, host: str) -> None:
    url = server.url.replace("127.0.0.1", host)
    with pytest.raises(InvalidInput, match="ModelAddressRefused"):
        HttpModel(url).invoke(b"1,2", "text/csv", "text/csv")
    assert not server.asked
    assert HttpModel(url, allows_address=any_address).invoke(b"1,2", "text/csv", "text/csv") == b"4.0"


def test_the_host_is_asked_for_every_model_behind_a_url(explaining: Explaining) -> None:
    asked: list[str] = []

    def allows(address: str) -> bool:
        asked.append(address)
        return False

    with pytest.raises(InvalidInput, match="ModelAddressRefused"):
        explaining.baseline(explaining.write(np.eye(3)), host=Host(allows_address=allows))
    assert asked == ["127.0.0.1"]
    assert not explaining.server.asked
