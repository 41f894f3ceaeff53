"""A process that is busy in a thread pool and in a coroutine, and lets itself be looked into."""

import asyncio
import ctypes
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from gnomon.sdk.profiling import Profiling, ProfilingSettings

_PR_SET_DUMPABLE = 4
_PR_CAPBSET_DROP = 24
_CAP_SYS_PTRACE = 19


def burn_in_pool() -> None:
    while True:
        sum(range(200))


async def burn_in_coroutine() -> None:
    while True:
        end = time.perf_counter() + 0.01
        while time.perf_counter() < end:
            sum(range(200))
        await asyncio.sleep(0)


def wait_in_pool() -> None:
    time.sleep(3600)


async def main() -> None:
    if "--hidden" in sys.argv:  # what a container without SYS_PTRACE does
        libc = ctypes.CDLL(None)
        libc.prctl(_PR_SET_DUMPABLE, 0)
        libc.prctl(_PR_CAPBSET_DROP, _CAP_SYS_PTRACE)
    pool = ThreadPoolExecutor(2)
    pool.submit(burn_in_pool)
    pool.submit(wait_in_pool)
    server = Profiling(ProfilingSettings(debug=True, max_duration_s=20)).serve()
    print(server.port, flush=True)
    await burn_in_coroutine()


asyncio.run(main())
