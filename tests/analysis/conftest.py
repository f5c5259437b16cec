"""The model server of the tests of explanations."""

from tests.explainability.conftest import server

__all__ = ["server"]
