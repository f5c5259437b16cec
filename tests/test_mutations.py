"""The mutations themselves: `make mutations` makes each of them and runs its tests, which takes minutes."""

from __future__ import annotations

import pytest

from tests.mutations import MUTATIONS, Mutation
from tests.repository import ROOT


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.promise)
def test_each_mutation_can_be_made_and_its_tests_are_there(mutation: Mutation) -> None:
    assert (ROOT / mutation.file).read_text(encoding="utf-8").count(mutation.right) == 1
    assert mutation.wrong != mutation.right
    assert all(
        (ROOT / path.partition("::")[0]).exists() for path in mutation.tests.split() if path.startswith("tests/")
    )
