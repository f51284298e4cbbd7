"""Work on many pieces by threads that never wait for each other, each computing alone."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import TypeVar

import torch

Item = TypeVar("Item")


def side_by_side(items: Sequence[Item], work: Callable[[Iterator[Item]], None]) -> None:
    """Call `work` in as many threads as torch would use, all with the same iterator: a free thread takes the next item.

    torch itself splits every operation over all cores and waits for the slowest at its end. In a pass of thousands of
    short operations these waits are dear as soon as another program wants a core: an edit of 0.12 s took 2 to 9 s.

    Args:
        items: What there is to do, in any order.
        work: Takes items until there are none; its torch operations run on its own core only.
    """
    threads = torch.get_num_threads()
    shared = iter(items)
    if threads == 1:
        work(shared)
        return
    try:
        with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            started = [pool.submit(work, shared) for _ in range(threads)]
            try:
                wait(started, return_when=FIRST_EXCEPTION)
            finally:
                for _ in shared:  # after a failure or Ctrl+C the others find nothing more to do
                    pass
    finally:
        torch.set_num_threads(threads)  # a thread's own setting is also the default of threads made later
    for one in started:
        one.result()  # raises what a thread raised
