"""The map of a stage: order, exceptions, lost workers, threads, and what it leaves behind."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
import pytest

from residuum.errors import UserError
from residuum.parallel import LostWorkersError, _chunks, open_map, serial_map


def square(value: int) -> int:
    return value * value


def slow_first(value: int) -> tuple[int, int]:
    time.sleep(0.3 if value == 0 else 0.0)
    return value, os.getpid()


def fail_on_three(value: int) -> int:
    if value == 3:
        raise ValueError("three is not allowed")
    return value


def die_once(job: tuple[int, str]) -> int:
    value, marker = job
    if value == 2 and not Path(marker).exists():
        Path(marker).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return value


def die_always(value: int) -> int:
    if value == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return value


@dataclass(frozen=True)
class Flags:
    """Tells how its own array and those of the items arrived."""

    own: np.ndarray

    def __call__(self, item: dict[str, np.ndarray]) -> list[tuple[bool, ...] | np.ndarray]:
        arrays = (self.own, *item.values())
        return [*((a.flags.writeable, a.flags.aligned) for a in arrays), np.zeros(len(self.own))]


def blas_threads(_: int) -> int:
    import numpy  # noqa: F401  (loads the BLAS that is counted)
    from threadpoolctl import threadpool_info

    return max(pool["num_threads"] for pool in threadpool_info())


def test_one_worker_is_this_process():
    with open_map(1) as mapped:
        assert mapped is serial_map
        assert mapped(square, range(4)) == [0, 1, 4, 9]


def test_chunks_cover_the_items_in_order():
    for count in (0, 1, 7, 16, 100):
        chunks = _chunks(list(range(count)), 16)
        assert [item for chunk in chunks for item in chunk] == list(range(count))
        assert len(chunks) <= 16
        assert all(chunks)


def test_no_worker_is_a_users_mistake():
    with pytest.raises(UserError, match="at least 1"), open_map(0):
        pass


def test_scheduler_that_does_not_answer():
    with (
        pytest.raises(UserError, match="no Dask scheduler answers"),
        open_map(scheduler="tcp://127.0.0.1:9", timeout=1.0),
    ):
        pass


def test_serial_exception_carries_the_item():
    with pytest.raises(ValueError, match="three is not allowed") as caught:
        serial_map(fail_on_three, [1, 2, 3])
    assert caught.value.__notes__ == ["while working on item 2: 3"]


@pytest.fixture(scope="module")
def cluster_map(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cwd")
    before = Path.cwd()
    os.chdir(folder)
    # what Snakemake exports for a rule with two threads
    os.environ["OMP_NUM_THREADS"] = "2"
    try:
        with open_map(2) as mapped:
            yield mapped
        assert not list(folder.iterdir())
    finally:
        os.chdir(before)
        os.environ["OMP_NUM_THREADS"] = "1"


@pytest.mark.slow
def test_results_come_in_the_order_of_the_items(cluster_map):
    results = cluster_map(slow_first, range(50))
    assert [value for value, _ in results] == list(range(50))
    assert len({pid for _, pid in results} - {os.getpid()}) == 2


def test_nothing_to_map(cluster_map):
    assert cluster_map(square, []) == []


def test_worker_has_one_blas_thread(cluster_map):
    assert cluster_map(blas_threads, range(2)) == [1, 1]


# numba compiles anew for arrays at odd addresses or that may not be written to
@pytest.mark.parametrize("size", [5, 1_000, 100_000])
def test_arrays_arrive_aligned_and_may_be_written_to(cluster_map, size):
    items = [{"a": np.zeros(5), "b": np.zeros(3, np.int8), "c": np.zeros(size)}] * 9
    for found in cluster_map(Flags(np.zeros(size)), items):
        assert set(found[:-1]) == {(True, True)}
        assert found[-1].flags.aligned
        assert found[-1].flags.writeable


def test_a_large_function_may_change_between_calls(cluster_map):
    for size in (100_000, 5, 100_001):
        function = Flags(np.zeros(size))
        for _ in range(2):
            assert [len(found[-1]) for found in cluster_map(function, [{}] * 3)] == [size] * 3


def test_cluster_exception_carries_the_item(cluster_map):
    with pytest.raises(ValueError, match="three is not allowed") as caught:
        cluster_map(fail_on_three, [0, 1, 2, 3, 4])
    assert "while working on item 3: 3" in caught.value.__notes__


def test_only_the_loopback_address_listens(cluster_map):
    processes = [psutil.Process(), *psutil.Process().children(recursive=True)]
    listening = [
        connection.laddr.ip
        for process in processes
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert listening
    assert set(listening) <= {"127.0.0.1", "::1"}


@pytest.mark.slow
def test_a_killed_worker_is_replaced_and_its_items_done_again(cluster_map, tmp_path):
    jobs = [(value, str(tmp_path / "died")) for value in range(6)]
    assert cluster_map(die_once, jobs) == list(range(6))
    assert (tmp_path / "died").exists()


@pytest.mark.slow
def test_an_item_that_ends_every_worker_is_named(cluster_map):
    with pytest.raises(LostWorkersError, match=r"\[1\] ended 6 worker processes"):
        cluster_map(die_always, [0, 1, 2])
    assert cluster_map(square, [5]) == [25]
