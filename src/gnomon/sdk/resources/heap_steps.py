"""Memory by steps: what tracemalloc, which sees one heap, saw during the steps of each meter."""

import threading
import tracemalloc
from dataclasses import dataclass
from typing import Protocol


class TakesHeap(Protocol):
    """Is told what a step held."""

    def add_heap(self, net: int, peak: int, *, overlapped: bool) -> None:
        """Take the bytes that a step left allocated, and the most that it held."""


@dataclass(slots=True)
class _HeapStep:
    before: int
    peak: int
    overlapped: bool


class HeapSteps:
    """Tell steps apart that tracemalloc sees as one heap; two that overlap in different threads share what they see."""

    def __init__(self) -> None:
        """Know of no steps."""
        self._lock = threading.Lock()
        self._open: dict[tuple[int, int], _HeapStep] = {}  # by meter and thread

    def begin(self, meter: TakesHeap) -> None:
        """Begin a step of `meter` in this thread."""
        thread = threading.get_ident()
        with self._lock:
            now, peak = tracemalloc.get_traced_memory()
            overlapped = False
            for (_meter, owner), step in self._open.items():
                step.peak = max(step.peak, peak)
                if owner != thread:
                    step.overlapped = overlapped = True
            tracemalloc.reset_peak()
            self._open[id(meter), thread] = _HeapStep(now, now, overlapped)

    def end(self, meter: TakesHeap) -> None:
        """End it and tell `meter` what it held."""
        with self._lock:
            step = self._open.pop((id(meter), threading.get_ident()), None)
            if step is None:
                return
            now, peak = tracemalloc.get_traced_memory()
        meter.add_heap(
            now - step.before, max(0, step.peak - step.before, peak - step.before), overlapped=step.overlapped
        )
