"""The command and the images: how NumPy sorts, how polars keeps memory, how often garbage is collected."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from unittest.mock import Mock

import pytest

from modelwatch_analyzer import workers
from modelwatch_analyzer.child_environment import child_environment
from modelwatch_analyzer.interpreter_settings import ALLOCATOR, AVX_512, VARIABLE, cpus, sorts_slowly_with_avx_512

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize(
    ("vendor", "family", "flags", "slow"),
    [
        ("AuthenticAMD", 25, "fpu avx2 avx512f avx512dq", True),  # Zen 4, as of c7a and m7a instances
        ("AuthenticAMD", 25, "fpu avx2", False),  # Zen 3
        ("AuthenticAMD", 26, "fpu avx2 avx512f", False),  # Zen 5
        ("GenuineIntel", 6, "fpu avx2 avx512f", False),
        ("GenuineIntel", 25, "fpu avx2 avx512f", False),
    ],
)
def test_zen_4_alone_sorts_slowly_with_avx_512(
    vendor: str, family: int, flags: str, slow: bool, tmp_path: Path
) -> None:
    first = f"processor\t: 0\nvendor_id\t: {vendor}\ncpu family\t: {family}\nflags\t\t: {flags}\npower management:\n"
    second = "\nprocessor\t: 1\nvendor_id\t: AuthenticAMD\ncpu family\t: 25\nflags\t\t: avx512f\n"
    (tmp_path / "cpuinfo").write_text(first + second)
    assert sorts_slowly_with_avx_512(tmp_path / "cpuinfo") is slow


@pytest.mark.parametrize("text", ["", "processor\t: 0\nBogoMIPS\t: 243.75\nFeatures\t: fp asimd\n"])
def test_processors_that_are_described_otherwise_do_not_sort_slowly(text: str, tmp_path: Path) -> None:
    (tmp_path / "cpuinfo").write_text(text)
    assert not sorts_slowly_with_avx_512(tmp_path / "cpuinfo")
    assert not sorts_slowly_with_avx_512(tmp_path / "none")


def printed(code: str, **environment: str) -> str:
    ended = run(code, **environment)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.strip()


def run(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("NPY_", ALLOCATOR))}
    command = [sys.executable, "-c", code]
    return subprocess.run(command, env=kept | environment, cwd=ROOT, capture_output=True, text=True, check=False)


def test_the_variable_is_set_for_a_numpy_that_is_imported_later_and_by_nobody_else() -> None:
    load, show = "import modelwatch_analyzer.interpreter_settings", f"import os; print(os.environ.get({VARIABLE!r}))"
    assert printed(f"{load}; {show}") == (AVX_512 if sorts_slowly_with_avx_512() else "None")
    assert printed(f"import numpy; {load}; {show}") == "None"
    assert printed(f"{load}; {show}", **{VARIABLE: "AVX512_SPR"}) == "AVX512_SPR"
    assert printed(f"{load}; {show}", NPY_ENABLE_CPU_FEATURES="AVX2") == "None"


FIRST = """
import sys

class Trap:
    def find_spec(self, name, path=None, target=None):
        if name == "numpy":
            print("modelwatch_analyzer.interpreter_settings" in sys.modules)
            sys.stdout.flush()
            os._exit(0)

import os
sys.meta_path.insert(0, Trap())
"""


@pytest.mark.parametrize(
    "start",
    [
        "sys.path.insert(0, 'analyzer_container'); import app",
        "sys.path.insert(0, 'analyzer_container'); import job",
        "sys.argv = ['modelwatch', 'demo']; from modelwatch.cli import main; main()",
        "import benchmarks.growth_job",
        "import runpy; runpy.run_path('benchmarks/peer_jobs/modelwatch.py')",
    ],
)
def test_programs_decide_before_they_import_numpy(start: str) -> None:
    assert printed(FIRST + start) == "True"


def test_numpy_knows_the_names_of_the_instructions() -> None:
    """It has a table of all features that it dispatches, and of those that are off."""
    features = "from numpy._core._multiarray_umath import __cpu_features__ as known"
    found = printed(
        f"{features}; print(*(known.get(name, False) for name in {AVX_512.split()}))", **{VARIABLE: AVX_512}
    )
    assert found == "False False"


def test_processes_that_read_pieces_compute_as_their_parent_and_scripts_as_anywhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(VARIABLE, "AVX512_SPR")
    started: list[dict[str, str]] = []
    monkeypatch.setattr(subprocess, "Popen", lambda *_, env, **__: started.append(env) or Mock())
    workers._Process(1)
    assert started[0][VARIABLE] == "AVX512_SPR"
    assert VARIABLE not in child_environment()
    monkeypatch.delenv(VARIABLE)
    assert VARIABLE not in child_environment(same_instructions=True)


def test_polars_has_an_arena_for_each_cpu_unless_somebody_has_chosen_otherwise() -> None:
    load, show = "import modelwatch_analyzer.interpreter_settings", f"import os; print(os.environ.get({ALLOCATOR!r}))"
    assert printed(f"{load}; {show}") == f"narenas:{cpus()}"
    if sys.platform == "linux":
        one = f"import os; os.sched_setaffinity(0, {{{min(os.sched_getaffinity(0))}}})"
        assert printed(f"{one}; {load}; {show}") == "narenas:1"
    assert "narenas" not in printed(f"import polars; {load}; {show}")
    assert printed(f"{load}; {show}", **{ALLOCATOR: "narenas:3"}) == "narenas:3"
    inherited = printed(f"import polars; {show}")
    assert printed(f"{load}; {show}", **{ALLOCATOR: inherited}) == f"narenas:{cpus()},{inherited}"


def test_processes_that_an_analysis_starts_have_as_many_arenas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ALLOCATOR, "narenas:3")
    assert child_environment()[ALLOCATOR] == "narenas:3"


def test_polars_reads_the_number_of_arenas_from_that_variable() -> None:
    """Its allocator complains of options that it does not know."""
    understood = run("import modelwatch_analyzer.interpreter_settings, polars")
    assert (understood.returncode, understood.stderr) == (0, "")
    assert "Invalid conf" in run("import polars", **{ALLOCATOR: "arenas_of_nobody:2"}).stderr


def test_garbage_is_collected_less_often() -> None:
    found = printed("import modelwatch_analyzer.interpreter_settings, gc; print(gc.isenabled(), gc.get_threshold()[0])")
    assert found == "True 20000"


def test_pydantic_looks_for_no_plugins_unless_somebody_wants_that() -> None:
    code = """if True:
        import modelwatch_analyzer.interpreter_settings
        import importlib.metadata
        searches, search = [], importlib.metadata.distributions
        importlib.metadata.distributions = lambda **given: searches.append(1) or search(**given)
        import modelwatch_core.domain.analysis_settings
        from pydantic.plugin._loader import get_plugins
        list(get_plugins())
        print(len(searches))
    """
    assert printed(code) == "0"
    assert printed(code, PYDANTIC_DISABLE_PLUGINS="none") == "1"
