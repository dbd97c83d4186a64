# SPDX-License-Identifier: Apache-2.0
"""Many logs at once: threads that scan, and an iterator that yields meanwhile."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Deque, Iterable, Iterator, List, Optional, Tuple, Union

from . import native, sources
from .errors import ClassifyError
from .results import Verdict

if TYPE_CHECKING:
    from .classifier import Classifier

_AHEAD = 4               # paths for each thread that are begun or done before their turn
_PATIENCE = 5.0          # seconds for threads to end what they are at
_KEPT = 64               # verdicts of a path that wait for their turn

Answer = Union[Verdict, BaseException]


class _Task:
    """A path, and the verdicts of the logs in it as far as they are known and not taken."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.answers: Deque[Answer] = deque()
        self.done = False


class _Work:
    """What the threads and the iterator share; all of it is guarded by `changed`."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.waiting: Deque[_Task] = deque()
        self.stopped = False

    def next_task(self) -> Optional[_Task]:
        """A path to scan; None when there is no more to do."""
        with self.changed:
            while not self.waiting and not self.stopped:
                self.changed.wait()
            return None if self.stopped else self.waiting.popleft()

    def put(self, task: _Task, answer: Answer) -> bool:
        """Hands over an answer, once there is room; False when nobody wants it any more."""
        with self.changed:
            while len(task.answers) >= _KEPT and not self.stopped:
                self.changed.wait()
            task.answers.append(answer)
            self.changed.notify_all()
            return not self.stopped

    def finish(self, task: _Task) -> None:
        with self.changed:
            task.done = True
            self.changed.notify_all()

    def stop(self) -> None:
        with self.changed:
            self.stopped = True
            self.changed.notify_all()


def _scan_tasks(classifier: Classifier, work: _Work, keep: bool) -> None:
    """The life of a thread. One reader serves all its files, for with small ones it is most of the work."""
    reader = native.Reader(False)
    while (task := work.next_task()) is not None:
        try:
            for verdict in classifier._scan_logs(task.path, reader, lambda: work.stopped):
                if verdict.error is not None and not keep:
                    raise verdict.error
                if not work.put(task, verdict):
                    break
        except (ClassifyError, OSError) as error:
            work.put(task, classifier._unread(task.path, error) if keep else error)
        except BaseException as error:  # whatever it is, the caller's thread is to have it
            work.put(task, error)
        work.finish(task)


def _files(paths: Iterable[sources.Path]) -> Iterator[Tuple[str, Optional[Exception]]]:
    for path in paths:
        yield from sources.walk(path)


def scan_many(classifier: Classifier, paths: Iterable[sources.Path], jobs: int, ordered: bool,
              on_error: str) -> Iterator[Verdict]:
    """See `Classifier.scan_many`; here the arguments are checked, before anything is asked of the iterator."""
    if on_error not in ("keep", "raise"):
        raise ValueError("on_error: 'keep' or 'raise'")
    if jobs < 1:
        raise ValueError("jobs: at least 1")
    if isinstance(paths, (str, bytes, os.PathLike)):
        raise TypeError("paths: an iterable of paths; for one of them, [path]")
    return _scan_many(classifier, paths, jobs, ordered, on_error == "keep")


def _scan_many(classifier: Classifier, paths: Iterable[sources.Path], jobs: int, ordered: bool,
               keep: bool) -> Iterator[Verdict]:
    work = _Work()
    files = _files(paths)
    tasks: Deque[_Task] = deque()
    threads: List[threading.Thread] = []
    more = True
    try:
        while True:
            # Paths are taken outside of the lock: they may come from anywhere, and slowly.
            while more and len(tasks) < jobs * _AHEAD:
                found = next(files, None)
                if found is None:
                    more = False
                    break
                task = _Task(found[0])
                tasks.append(task)
                if found[1] is not None:
                    task.answers.append(classifier._unread(found[0], found[1]) if keep else found[1])
                    task.done = True
                    continue
                with work.changed:
                    work.waiting.append(task)
                    work.changed.notify_all()
                if len(threads) < jobs:
                    threads.append(threading.Thread(target=_scan_tasks, args=(classifier, work, keep),
                                                    name=f"classify-{len(threads)}", daemon=True))
                    threads[-1].start()
            if not tasks:
                return
            for answer in _take(work, tasks, ordered):
                if isinstance(answer, BaseException):
                    raise answer
                yield answer
    finally:
        work.stop()
        # A thread ends within a step of its scan. One that waits for whoever writes into a pipe may
        # wait for ever; it is left to that, and ends with the process at the latest.
        deadline = time.monotonic() + _PATIENCE
        for thread in threads:
            _join(thread, deadline)


def _join(thread: threading.Thread, deadline: float) -> None:
    """Waits for a thread, whose start an interrupt may have come before, or into."""
    while not thread.is_alive() and thread in threading.enumerate() and time.monotonic() < deadline:
        time.sleep(0.001)
    if thread.is_alive():
        thread.join(max(0.0, deadline - time.monotonic()))


def _take(work: _Work, tasks: Deque[_Task], ordered: bool) -> List[Answer]:
    """Waits for answers whose turn it is, and takes them."""
    while True:
        with work.changed:
            ready = next((task for task in ([tasks[0]] if ordered else tasks) if task.answers or task.done), None)
            if ready is None:
                work.changed.wait()
                continue
            answers = list(ready.answers)
            ready.answers.clear()
            if ready.done:
                tasks.remove(ready)
            work.changed.notify_all()
            if answers or not tasks or ready.done:
                return answers
