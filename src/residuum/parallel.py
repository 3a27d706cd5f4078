"""How a stage maps a function over many items: in this process, or on a Dask cluster.

This is the only module that imports Dask. One worker is one process with one thread; results
come back in the order of the items, so nothing depends on how many workers there are.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from itertools import chain, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from residuum.errors import UserError

if TYPE_CHECKING:
    from distributed import Client

Item = TypeVar("Item")
Result = TypeVar("Result")

THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "NUMBA_NUM_THREADS",
)
CHUNKS_PER_WORKER = 8
LARGE = 250_000  # bytes: sending a function with each task costs about a millisecond each from here
ALLOWED_FAILURES = 5


class Map(Protocol):
    """A function like `map` that returns a list in the order of the items."""

    def __call__(
        self, function: Callable[[Item], Result], items: Iterable[Item]
    ) -> list[Result]: ...


class LostWorkersError(RuntimeError):
    """An item ended every worker process that tried it."""


def serial_map(function: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """Map in this process; an exception carries the item as a note."""
    return _run_chunk(function, list(enumerate(items)))


@contextmanager
def open_map(
    workers: int = 1,
    *,
    scheduler: str | None = None,
    timeout: float = 60.0,
) -> Iterator[Map]:
    """Yield a map over `workers` local processes, or over the cluster at `scheduler`.

    `scheduler` is an address such as `tcp://10.0.0.1:8786` or the path of a scheduler file; its
    workers are used as they are. Raises `UserError` when no worker answers within `timeout`
    seconds.
    """
    if workers < 1:
        raise UserError("too few workers", expected="at least 1", found=str(workers))
    if scheduler is None and workers == 1:
        yield serial_map
        return
    with ExitStack() as stack:
        client = _open_client(stack, workers, scheduler, timeout)
        _wait_for_workers(client, 1 if scheduler else workers, scheduler, timeout)
        yield ClusterMap(client)


def _open_client(stack: ExitStack, workers: int, scheduler: str | None, timeout: float) -> Client:
    """Start or join a cluster; the stack closes it and removes its scratch folder."""
    # Snakemake exports OMP_NUM_THREADS=<threads>, which beats Dask's own default of one thread,
    # and LocalCluster(env=...) comes too late for BLAS: only the environment itself works.
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, "1"))
    import dask
    from distributed import Client, LocalCluster

    dask.config.set(
        {
            "distributed.scheduler.allowed-failures": ALLOWED_FAILURES,
            # one chunk a worker at a time, so that only the chunk that was running is blamed
            "distributed.scheduler.worker-saturation": 1.0,
            "distributed.comm.timeouts.connect": f"{timeout}s",
            # its advice is for those who write Dask code: large functions are shared below
            "distributed.admin.large-graph-warning-threshold": "1TB",
            "distributed.admin.log-format": "%(levelname)s %(name)s: %(message)s",
        }
    )
    if scheduler is not None:
        return stack.enter_context(_join(scheduler, timeout))
    scratch = stack.enter_context(tempfile.TemporaryDirectory(prefix="residuum-dask-"))
    cluster = LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        processes=True,
        host="127.0.0.1",
        dashboard_address=None,
        worker_dashboard_address=None,
        memory_limit=0,
        local_directory=scratch,
        silence_logs=50,
    )
    stack.enter_context(cluster)
    return stack.enter_context(Client(cluster, direct_to_workers=True, set_as_default=False))


def _join(scheduler: str, timeout: float) -> Client:
    from distributed import Client

    where = {"scheduler_file": scheduler} if Path(scheduler).exists() else {"address": scheduler}
    try:
        return Client(**where, timeout=timeout, set_as_default=False)
    except (OSError, ValueError) as error:
        raise UserError(
            "no Dask scheduler answers",
            where="--scheduler",
            expected="an address such as tcp://10.0.0.1:8786 or a scheduler file",
            found=f"{scheduler!r} ({error})",
        ) from error


def _wait_for_workers(client: Client, workers: int, scheduler: str | None, timeout: float) -> None:
    # Dask's own no-workers-timeout is off by default: a run without workers would wait for ever.
    try:
        client.wait_for_workers(workers, timeout=timeout)
    except TimeoutError as error:
        raise UserError(
            "the Dask workers did not start",
            where=scheduler,
            expected=f"{workers} within {timeout:g} s",
            found=str(len(client.scheduler_info()["workers"])),
        ) from error


class ClusterMap:
    """Map on a cluster; a lost worker's items are done again by another.

    Items travel in chunks, since each task costs the scheduler about a millisecond. A large
    function, such as a partial one that holds the data, travels to each worker once for as long
    as the same one is mapped, and not with every task.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._function: Callable[..., Any] | None = None
        self._sent: Any = None

    def __call__(self, function: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
        """Return the results in the order of the items."""
        client = self._client
        chunks = _chunks(list(enumerate(items)), CHUNKS_PER_WORKER * max(1, len(client.ncores())))
        if not chunks:
            return []
        sent = [self._send(function)] * len(chunks)
        futures = client.map(_run_packed, sent, [_pack(chunk) for chunk in chunks], pure=False)
        try:
            return list(chain.from_iterable(map(_unpack, _gather(client, futures, chunks))))
        finally:
            client.cancel(futures, force=True)

    def _send(self, function: Callable[..., Any]) -> Any:
        """Return the packed function, or a future of it that all workers hold if it is large."""
        if function is not self._function:
            packed = _pack(function)
            # The result of a task and not scattered: were its last holder lost, it is made again.
            large = len(packed) > LARGE
            self._sent = self._client.submit(_same, packed, pure=False) if large else packed
            self._function = function
        if not isinstance(self._sent, bytes):
            # Dask sends a task to where its inputs are: all workers, those started since included.
            self._client.replicate([self._sent])
        return self._sent


def _pack(value: object) -> bytes:
    """Return a value as bytes.

    Left to itself Dask hands arrays over at odd addresses and sometimes not to be written to;
    numba would compile every kernel again for each such combination.
    """
    from distributed.protocol.pickle import dumps

    return bytes(dumps(value))


def _unpack(packed: bytes) -> Any:
    from distributed.protocol.pickle import loads

    return loads(packed)


_unpack_function = lru_cache(maxsize=1)(_unpack)


def _run_packed(function: bytes, chunk: bytes) -> bytes:
    return _pack(_run_chunk(_unpack_function(function), _unpack(chunk)))


def _same(value: Item) -> Item:
    return value


def _gather(client: Client, futures: Sequence[Any], chunks: Sequence[Any]) -> list[Any]:
    from distributed.scheduler import KilledWorker

    try:
        return client.gather(futures)
    except KilledWorker as error:
        lost = next((c for f, c in zip(futures, chunks, strict=True) if f.key == error.task), None)
        named = "an item" if lost is None else f"one of {_short([item for _, item in lost])}"
        raise LostWorkersError(
            f"{named} ended {ALLOWED_FAILURES + 1} worker processes one after the other; "
            "it may need more memory than a worker has"
        ) from error


def _run_chunk(
    function: Callable[[Item], Result], chunk: Sequence[tuple[int, Item]]
) -> list[Result]:
    results = []
    for index, item in chunk:
        try:
            results.append(function(item))
        except Exception as error:
            error.add_note(f"while working on item {index}: {_short(item)}")
            raise
    return results


def _chunks(items: list[Item], most: int) -> list[list[Item]]:
    """Split into at most `most` runs of neighbours of nearly equal length."""
    count = min(most, len(items))
    cuts = [round(index * len(items) / count) for index in range(count + 1)] if count else []
    return [items[start:end] for start, end in pairwise(cuts)]


def _short(value: object, width: int = 300) -> str:
    text = repr(value)
    return text if len(text) <= width else text[: width - 3] + "..."
