"""Parts are read by several processes with the same result as by one, and every way in which one can end is noticed."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl
import pytest

from modelwatch_analyzer import workers
from modelwatch_analyzer.parts import Place, Reading, Workers, one_by_one
from modelwatch_analyzer.reading.dataset import Plan, Table, TableOfPieces
from modelwatch_analyzer.reading.read_log import ReadLog
from modelwatch_analyzer.workers import WorkerKilled
from modelwatch_core.domain.errors import InvalidInput, Upstream


@dataclass
class Seen:
    """What the rows of tables say, in their order."""

    place: Place
    rows: list[str] = field(default_factory=list)

    def update(self, batch: pl.DataFrame) -> None:
        self.rows += batch["row"].to_list()

    def merge(self, other: Seen) -> Seen:
        return Seen(self.place, [*self.rows, *other.rows])


@dataclass(frozen=True)
class Rows:
    """A table of one row, which may do something first: in any process, or in others than the one that made it."""

    row: str
    before: Callable[[], object] | None = None
    elsewhere: bool = False
    made_in: int = field(default_factory=os.getpid)
    columns: tuple[str, ...] = ("row",)
    input_columns: tuple[str, ...] = ("row",)
    named: bool = True

    def batches(self, _plan: Plan, log: ReadLog) -> Iterator[pl.DataFrame]:
        log.remarks.append(f"remark on {self.row}")
        if self.before and not (self.elsewhere and os.getpid() == self.made_in):
            self.before()
        yield pl.DataFrame({"row": [self.row]})


@dataclass(frozen=True)
class Pieces(Rows, TableOfPieces):
    """A part in pieces."""

    of: tuple[Table, ...] = ()

    def pieces(self) -> Iterator[Table]:
        yield from self.of


def in_pieces(*tables: Table) -> list[Table]:
    return [Pieces("", of=tables)]


READING: Reading[Seen] = Reading(Seen, {"row": pl.String()})


def rows(count: int) -> list[Rows]:
    return [Rows(str(number)) for number in range(count)]


@pytest.mark.parametrize("count", [1, 2, 3, 5])
@pytest.mark.parametrize(
    "parts", [in_pieces(*rows(11)), rows(13), [*in_pieces(*rows(2)), *in_pieces(*rows(9)), *rows(1)], rows(1)]
)
def test_rows_and_remarks_are_in_the_order_of_the_parts_for_any_number_of_processes(
    parts: Sequence[Table], count: int
) -> None:
    found, alone = Workers(count)(READING, parts), one_by_one(READING, parts)
    assert found == alone
    assert len(found.log.remarks) == len(set(found.accumulator.rows)) > 0


def kill_myself() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def fault() -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def leave() -> None:
    os._exit(7)


@pytest.mark.parametrize(
    ("end", "kind", "reason"),
    [
        (kill_myself, WorkerKilled, "was killed, probably because memory ran out"),
        (fault, Upstream, "was ended by SIGSEGV"),
        (leave, Upstream, "ended with exit code 7"),
    ],
)
def test_a_process_that_ends_without_a_response_ends_the_analysis(
    end: Callable[[], None], kind: type[Upstream], reason: str
) -> None:
    parts = in_pieces(*rows(6), Rows("last", end, elsewhere=True))
    with pytest.raises(Upstream, match=reason) as raised:
        Workers(3)(READING, parts)
    assert (raised.value.code, type(raised.value)) == ("WorkerEnded", kind)


def test_the_end_of_another_process_is_noticed_before_this_one_has_read_its_share(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slow = [Rows(str(number), lambda: time.sleep(0.2)) for number in range(100)]
    begun = time.monotonic()
    with pytest.raises(WorkerKilled):
        Workers(2)(READING, in_pieces(*slow, *(Rows("", kill_myself, elsewhere=True) for _ in range(100))))
    assert time.monotonic() - begun < 15


def refuse(file: str) -> None:
    raise InvalidInput("NotUtf8", f"{file} seems to be UTF-16", examples="a value")


@dataclass(frozen=True)
class Refused:
    """Refuses a file."""

    file: str

    def __call__(self) -> None:
        refuse(self.file)


@pytest.mark.parametrize("count", [1, 2, 3, 7])
@pytest.mark.parametrize("first", [0, 4, 6])
def test_the_first_part_that_is_refused_says_so_itself(count: int, first: int) -> None:
    tables = [Rows(str(number), Refused(f"{number}.csv") if number >= first else None) for number in range(7)]
    for parts in (tables, in_pieces(*tables)):
        with pytest.raises(InvalidInput) as raised:
            Workers(count)(READING, parts)
        error = raised.value
        found = (error.code, error.message, error.examples, str(error))
        expected = f"{first}.csv seems to be UTF-16"
        assert found == ("NotUtf8", expected, "a value", f"NotUtf8: {expected}")


def run_out_of_memory() -> None:
    raise MemoryError("of jane@example.com")


def run_out_of_storage() -> None:
    raise OSError(errno.ENOSPC, "No space left for jane@example.com")


def fail() -> None:
    raise ValueError("jane@example.com is no number")


@pytest.mark.parametrize(
    ("before", "kind", "text"),
    [
        (run_out_of_memory, MemoryError, "^$"),
        (run_out_of_storage, OSError, r"\[Errno 28\]"),
        (fail, Upstream, "AnalyzerError: ValueError at .*test_workers.py:[0-9]+ fail"),
    ],
)
def test_what_another_process_raises_is_raised_here_without_values_of_rows(
    before: Callable[[], None], kind: type[Exception], text: str
) -> None:
    with pytest.raises(kind, match=text) as raised:
        Workers(2)(READING, in_pieces(*rows(4), *[Rows("", before, elsewhere=True)] * 4))
    assert "jane" not in str(raised.value)


@dataclass(frozen=True)
class Noted:
    """Notes the number of the process that reads, and then takes long."""

    folder: Path

    def __call__(self) -> None:
        (self.folder / str(os.getpid())).touch()
        time.sleep(600)


@dataclass(frozen=True)
class Interrupted:
    """Presses Ctrl-C once another process reads."""

    folder: Path

    def __call__(self) -> None:
        wait_for(lambda: any(self.folder.iterdir()))
        raise KeyboardInterrupt


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def is_running(process: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{process}/status").read_text()
    except OSError:
        return False


@pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")
def test_an_interrupt_ends_the_other_processes(tmp_path: Path) -> None:
    tables = [Rows("", Interrupted(tmp_path)), *rows(1), *[Rows("", Noted(tmp_path), elsewhere=True)] * 2]
    with pytest.raises(KeyboardInterrupt):
        Workers(2)(READING, in_pieces(*tables))
    (noted,) = tmp_path.iterdir()
    assert not is_running(int(noted.name))


_KILLED = """
import os, signal, sys
from pathlib import Path
from tests.parts.test_workers import *
folder = Path(sys.argv[1])
def die():
    wait_for(lambda: any(folder.iterdir()))
    os.kill(os.getpid(), signal.SIGKILL)
Workers(2)(READING, in_pieces(Rows("", die), *rows(1), *[Rows("", Noted(folder), elsewhere=True)] * 2))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")
def test_the_other_processes_end_with_one_that_is_killed(tmp_path: Path) -> None:
    paths = {"PYTHONPATH": os.pathsep.join(filter(None, [str(Path.cwd()), *sys.path]))}
    killed = subprocess.run([sys.executable, "-c", _KILLED, str(tmp_path)], env=os.environ | paths, check=False)
    assert killed.returncode == -signal.SIGKILL
    (noted,) = tmp_path.iterdir()
    wait_for(lambda: not is_running(int(noted.name)))


def forbidden(*_: object) -> None:
    raise AssertionError("a process was started")


@pytest.mark.parametrize("parts", [in_pieces(*rows(3)), rows(1), in_pieces(*rows(1))])
def test_no_process_is_started_for_a_small_dataset(monkeypatch: pytest.MonkeyPatch, parts: Sequence[Table]) -> None:
    monkeypatch.setattr(workers, "_Process", forbidden)
    assert Workers(4)(READING, parts) == one_by_one(READING, parts)


def test_one_process_reads_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "_Process", forbidden)
    monkeypatch.setattr(pl, "thread_pool_size", lambda: 1)
    assert Workers()(READING, in_pieces(*rows(30))) == one_by_one(READING, in_pieces(*rows(30)))


@dataclass(frozen=True)
class WritesEnvironment:
    """Writes the environment of the process, and its processes, into a file."""

    path: Path

    def __call__(self) -> None:
        sys.stdout.write("what is printed is no response\n")
        sys.stdout.flush()
        self.path.write_text(json.dumps({**os.environ, "session": str(os.getsid(0)), "process": str(os.getpid())}))


def test_other_processes_have_no_credentials_and_only_their_share_of_the_threads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    Workers(2)(READING, in_pieces(*rows(3), Rows("", WritesEnvironment(tmp_path / "environment.json"), elsewhere=True)))
    seen = json.loads((tmp_path / "environment.json").read_text())
    assert not [name for name in seen if name.startswith("AWS_")]
    assert seen["POLARS_MAX_THREADS"] == str(max(1, pl.thread_pool_size() // 2))
    assert seen["session"] == seen["process"] != str(os.getpid())
