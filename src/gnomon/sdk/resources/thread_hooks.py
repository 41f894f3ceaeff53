"""Threads that work for measured work: executor jobs (`asyncio.to_thread` included) and threads that it starts."""

import functools
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from gnomon.sdk.resources.meter import current_meter, leave, timed_job, without_meter
from gnomon.sdk.resources.replacing import all_of, replace


def hook_threads() -> Callable[[], None]:
    """Charge jobs and threads to the meter of whoever starts them; returns the undo."""
    submit: Callable[..., Future[Any]] = ThreadPoolExecutor.submit
    start = threading.Thread.start

    @functools.wraps(submit)
    def measured_submit(
        self: ThreadPoolExecutor, fn: Callable[..., Any], /, *args: Any, **kwargs: Any
    ) -> "Future[Any]":
        meter = current_meter()
        if meter is None:
            return submit(self, fn, *args, **kwargs)
        # The pool may start a worker, which outlives this work: only the job is charged to it.
        token = without_meter()
        try:
            return submit(self, timed_job(meter, fn), *args, **kwargs)
        finally:
            leave(token)

    @functools.wraps(start)
    def measured_start(self: threading.Thread) -> None:
        meter = current_meter()
        if meter is not None:
            self.run = timed_job(meter, self.run)  # type: ignore[method-assign]
        start(self)

    return all_of(
        [replace(ThreadPoolExecutor, "submit", measured_submit), replace(threading.Thread, "start", measured_start)]
    )
