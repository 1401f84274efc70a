"""A program in the sandbox makes processes, and whatever it shares between them, as it does outside."""

from __future__ import annotations

import sys

import pytest

from tests.pythons import UserPython
from tests.worker.stand import RECIPES, Stand

SHARING = """
import multiprocessing, os, subprocess, sys

def bump(lock, value, queue, shared):
    with lock:
        value.value += 1
    queue.put(os.getpid())
    shared["k"] = shared.get("k", 0) + 1

if __name__ == "__main__":
    lock, value, queue = multiprocessing.Lock(), multiprocessing.Value("i", 0), multiprocessing.Queue()
    manager = multiprocessing.Manager()
    shared = manager.dict()
    for _ in range(3):
        process = multiprocessing.Process(target=bump, args=(lock, value, queue, shared))
        process.start()
        queue.get(timeout=30)
        process.join()
    pool = multiprocessing.Pool(2)
    squares = pool.map(abs, [-1, -2, -3])
    pool.close()
    pool.join()
    echoed = subprocess.check_output(["/bin/sh", "-c", "echo out"]).decode().strip()
    sys.stdout.write("%d %d %s %s" % (value.value, shared["k"], squares, echoed))
    manager.shutdown()
"""

SHARED_MEMORY = """
import os
from multiprocessing import shared_memory
block = shared_memory.SharedMemory(create=True, size=1 << 20)
if os.fork() == 0:
    attached = shared_memory.SharedMemory(block.name)
    attached.buf[5] = 7
    os._exit(0)
os.wait()
print(block.buf[5], os.access("/dev/shm", os.W_OK), end="")
block.close()
block.unlink()
"""


@pytest.mark.parametrize("who", RECIPES)
def test_locks_queues_managers_pools_and_subprocesses_work(who: str, user_python: UserPython) -> None:
    with Stand.of(who) as stand:
        answer = stand.run(user_python.path, SHARING)
    assert answer.stdout == "3 3 [1, 2, 3] out", answer


@pytest.mark.parametrize("who", RECIPES)
def test_shared_memory_works(who: str) -> None:
    with Stand.of(who) as stand:
        answer = stand.run(sys.executable, SHARED_MEMORY)
    assert answer.stdout == "7 True", answer
