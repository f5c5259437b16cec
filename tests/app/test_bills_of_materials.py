"""A bill of materials lists what its lock file pins: no more, no less, and with the hashes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.repository import ROOT

LOCKS = {
    "core-layer": "layers/core/requirements.txt",
    "analyzer-image": "analyzer_container/requirements.txt",
    "sdk-and-development": "requirements.lock",
}

pytestmark = pytest.mark.slow


def made(name: str, folder: Path) -> str:
    """Make a bill of materials with this Python; it counts as installed."""
    environment = Path(sys.prefix)
    path = folder / f"{name}.cdx.json"
    relative = os.path.relpath(environment, ROOT)  # the folder's own path may hold blanks
    installed = ["-o", f"{relative}/.installed", f"VENV={relative}", f"DIST={folder}"]
    subprocess.run(["make", "-s", *installed, str(path)], cwd=ROOT, check=True, capture_output=True)
    return path.read_text()


def locked(lock: str) -> set[tuple[str, str, frozenset[str]]]:
    entries = re.split(r"\n(?=[a-z0-9])", (ROOT / lock).read_text())
    pins = [(re.match(r"([\w.-]+)==([\w.+-]+)", entry), entry) for entry in entries]
    return {(pin[1], pin[2], frozenset(re.findall(r"sha256:(\w{64})", entry))) for pin, entry in pins if pin}


@pytest.mark.parametrize("name", LOCKS)
def test_a_bill_lists_exactly_what_is_locked(name, tmp_path):
    components = json.loads(made(name, tmp_path))["components"]
    listed = {
        (
            component["name"],
            component["version"],
            frozenset(
                digest["content"]
                for reference in component["externalReferences"]
                for digest in reference["hashes"]
                if digest["alg"] == "SHA-256"
            ),
        )
        for component in components
    }
    assert len(listed) == len(components) > 10
    assert listed == locked(LOCKS[name])
    assert all(hashes for *_, hashes in listed)


def test_a_bill_that_is_made_again_is_the_same(tmp_path):
    first, second = made("core-layer", tmp_path / "first"), made("core-layer", tmp_path / "second")
    assert first == second
    bill = json.loads(first)
    assert "serialNumber" not in bill
    assert "timestamp" not in bill["metadata"]
    assert bill["metadata"]["component"]["name"] == "modelwatch"
