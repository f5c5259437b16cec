"""The modules of the packages, and which of them import each other."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter

import grimp
import pytest


def test_no_module_imports_one_that_imports_it() -> None:
    graph = grimp.build_graph("modelwatch", "modelwatch_analyzer", "modelwatch_core", cache_dir=None)
    imported = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    try:
        TopologicalSorter(imported).prepare()
    except CycleError as error:
        pytest.fail(f"modules import each other: {' <- '.join(error.args[1])}")
    assert imported["modelwatch_analyzer.parts"] >= {"modelwatch_analyzer.workers"}
