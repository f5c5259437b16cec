"""Several calls at a time, with results in order; an interrupted process does not wait for them."""

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

    At most one task more than calls in progress is held. A call that raises ends it; calls in progress are waited for
    then, and also where the caller stops, but not upon Ctrl-C: an executor's threads would delay the end of the
    process for as long as a model may take to respond.

    Parameters
    ----------
    threads : int
        How many calls are in progress at a time.
    """
    queue: SimpleQueue[tuple[Future[Result], Task] | None] = SimpleQueue()
    workers = [Thread(target=_work, args=(call, queue), name=f"call-model-{i}", daemon=True) for i in range(threads)]
    waiting: deque[Future[Result]] = deque()
    for worker in workers:
        worker.start()
    try:
        for task in tasks:
            waiting.append(Future())
            queue.put((waiting[-1], task))
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
            queue.put(None)
        for worker in workers:
            worker.join()


def _work(call: Callable[[Task], Result], queue: SimpleQueue[tuple[Future[Result], Task] | None]) -> None:
    while entry := queue.get():
        future, task = entry
        if future.set_running_or_notify_cancel():
            try:
                future.set_result(call(task))
            except BaseException as error:
                future.set_exception(error)


def _result(future: Future[Result]) -> Result:
    # Polars' signal handler resumes an interrupted wait; Python handles the signal between two waits.
    while not wait([future], timeout=_LOOK_UP_SECONDS).done:
        pass
    return future.result()
