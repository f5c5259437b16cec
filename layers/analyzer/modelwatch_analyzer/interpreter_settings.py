"""What the command and the images set before they import anything else: how NumPy sorts, how memory is kept, and more.

On AMD's Zen 4, NumPy is to sort with AVX2, because sorting with AVX-512 takes three times as long there. It reads the
variable when it is imported: in a process that has NumPy already, and where somebody has made another choice, nothing
changes. The processes that read pieces of a dataset get the variable as the one that starts them has it.

polars has an arena of memory for each CPU. The default is four of them, each of which keeps freed memory for a while: a
check of 1,000,000 rows holds 20 MB less with one, in as much time.

Python collects garbage after every 2,000 new objects, or 700, which is a twentieth of the time of imports and of wide
tables. Our objects have hardly any cycles.

pydantic looks for plugins in the metadata of every installed package when it builds its first model: a twentieth of
the time of imports, where 170 packages are installed. We have none.

Notes
-----
Zen 4 runs the instruction that NumPy's AVX-512 sort writes with, a compressing store to memory, as microcode: AMD,
"Software Optimization Guide for the AMD Zen4 Microarchitecture", 2.11.2; numpy/x86-simd-sort, issue 6. Intel's
processors and Zen 5 do not. NumPy before 2.4 has another name for AVX-512, and sorts with it. polars allocates with
jemalloc, whose option is ``narenas``; jemalloc reads the variable when polars is loaded.
"""

from __future__ import annotations

import gc
import os
import sys
from pathlib import Path

VARIABLE, AVX_512 = "NPY_DISABLE_CPU_FEATURES", "AVX512_ICL X86_V4"
_CHOICES = {VARIABLE, "NPY_ENABLE_CPU_FEATURES"}
"""The variables that choose NumPy's CPU features; NumPy accepts only one of them."""

ALLOCATOR = "_RJEM_MALLOC_CONF"

WITHOUT_PLUGINS = "PYDANTIC_DISABLE_PLUGINS"

_CPUS, _HEAD_BYTES = Path("/proc/cpuinfo"), 4096
_ZEN_3_AND_4 = b"AuthenticAMD", b"25"
_OBJECTS = 20_000


def sorts_slowly_with_avx_512(cpus: Path = _CPUS) -> bool:
    """Return whether the first processor that Linux describes has AVX-512 and is of Zen 4; False without Linux."""
    try:
        with cpus.open("rb") as text:
            first = text.read(_HEAD_BYTES).split(b"\n\n")[0]
    except OSError:
        return False
    pairs = (line.partition(b":") for line in first.splitlines())
    known = {name.strip(): value.strip() for name, _, value in pairs}
    is_zen_3_or_4 = (known.get(b"vendor_id"), known.get(b"cpu family")) == _ZEN_3_AND_4
    return is_zen_3_or_4 and b"avx512f" in known.get(b"flags", b"").split()


def cpus() -> int:
    """Return how many CPUs this process may use."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


if "numpy" not in sys.modules and os.environ.keys().isdisjoint(_CHOICES) and sorts_slowly_with_avx_512():
    os.environ[VARIABLE] = AVX_512
if "polars" not in sys.modules:
    chosen = os.environ.get(ALLOCATOR, "")  # polars adds its own, which the processes that it starts inherit
    if "narenas" not in chosen:
        os.environ[ALLOCATOR] = f"narenas:{cpus()},{chosen}".removesuffix(",")
os.environ.setdefault(WITHOUT_PLUGINS, "__all__")
gc.set_threshold(_OBJECTS, *gc.get_threshold()[1:])
