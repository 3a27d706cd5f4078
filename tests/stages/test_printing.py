"""Progress is told at most every few seconds, and each formula once."""

from __future__ import annotations

import io

from residuum.distillers.journal import Best, Progress
from residuum.stages.printing import ProgressPrinter


def test_each_formula_once_and_no_epoch_too_soon():
    now, stream = [0.0], io.StringIO()
    printer = ProgressPrinter("f", stream=stream, seconds=5.0, clock=lambda: now[0])
    rows = [Best(1, 2.0, "1.5"), Best(3, 0.5, "x*y"), Best(5, 0.7, "x*y*y")]
    calls = []

    def find():
        calls.append(now[0])
        return rows

    for epoch, second in enumerate((0.0, 1.0, 4.9, 5.0, 11.0), start=1):
        now[0] = second
        if epoch == 4:
            rows.append(Best(7, 0.1, "x*y + x"))
        printer(Progress(epoch, 100 * epoch, second, find))
    assert calls == [0.0, 5.0, 11.0]
    assert stream.getvalue().splitlines() == [
        "f: epoch 1, 100 evaluations, 0.0 s",
        "  complexity  1  loss 2  1.5",
        "  complexity  3  loss 0.5  x*y",
        "f: epoch 4, 400 evaluations, 5.0 s",
        "  complexity  7  loss 0.1  x*y + x",
        "f: epoch 5, 500 evaluations, 11.0 s",
    ]
