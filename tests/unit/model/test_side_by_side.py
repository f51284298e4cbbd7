import threading
import time

import pytest
import torch

from avspec.model.side_by_side import side_by_side


@pytest.fixture(params=[1, 3])
def threads(request):
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


def test_every_item_is_done_once_by_threads_that_compute_alone(threads) -> None:
    done, alone = [], set()

    def work(items) -> None:
        alone.add(torch.get_num_threads())
        for item in items:
            time.sleep(0.001)
            done.append((item, threading.get_ident()))

    side_by_side(range(50), work)
    assert sorted(item for item, _ in done) == list(range(50))
    assert len({thread for _, thread in done}) == threads and alone == {1}


def test_torch_keeps_its_threads_here_and_in_threads_made_later(threads) -> None:
    side_by_side(range(3), lambda items: list(items))
    later = []
    thread = threading.Thread(target=lambda: later.append(torch.get_num_threads()))
    thread.start()
    thread.join()
    assert [torch.get_num_threads(), *later] == [threads, threads]


def test_a_failure_is_raised_when_nobody_works_any_more(threads) -> None:
    done = []

    def work(items) -> None:
        for item in items:
            if item == 10:
                raise KeyboardInterrupt
            time.sleep(0.001)
            done.append(item)

    with pytest.raises(KeyboardInterrupt):
        side_by_side(range(10_000), work)
    seen = len(done)
    time.sleep(0.05)
    assert len(done) == seen < 1_000
    assert torch.get_num_threads() == threads
