"""Several calls at a time, answered in order, which an interrupted process does not wait for."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, wait
from queue import SimpleQueue
from threading import Thread
from typing import TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")

_LOOK_UP_SECONDS = 0.5


def in_order(call: Callable[[Task], Result], tasks: Iterable[Task], *, threads: int) -> Generator[Result]:
    """Call a function with each task, and yield the results in the order of the tasks.

    No more tasks are held than are under way, and one. A call that raises ends it; calls under way are waited for
    then, as they are where the caller goes no further, but not upon Ctrl-C: an executor's threads would hold the
    process up for as long as a model may take to answer.

    Parameters
    ----------
    threads : int
        How many calls are under way at a time.
    """
    given: SimpleQueue[tuple[Future[Result], Task] | None] = SimpleQueue()
    workers = [Thread(target=_work, args=(call, given), name=f"ask-model-{i}", daemon=True) for i in range(threads)]
    waiting: deque[Future[Result]] = deque()
    for worker in workers:
        worker.start()
    try:
        for task in tasks:
            waiting.append(Future())
            given.put((waiting[-1], task))
            if len(waiting) > threads:
                yield _result(waiting.popleft())
        while waiting:
            yield _result(waiting.popleft())
    except KeyboardInterrupt:
        workers.clear()
        raise
    finally:
        for future in waiting:
            future.cancel()
        for _ in range(threads):
            given.put(None)
        for worker in workers:
            worker.join()


def _work(call: Callable[[Task], Result], given: SimpleQueue[tuple[Future[Result], Task] | None]) -> None:
    while entry := given.get():
        future, task = entry
        if future.set_running_or_notify_cancel():
            try:
                future.set_result(call(task))
            except BaseException as error:
                future.set_exception(error)


def _result(future: Future[Result]) -> Result:
    # Polars' handler of signals lets a wait go on that a signal interrupted; Python hears of it between two.
    while not wait([future], timeout=_LOOK_UP_SECONDS).done:
        pass
    return future.result()
