"""By how much does one fit of bodies predict snapshots better than another, beyond chance?"""

from __future__ import annotations

import torch
from torch import Tensor

from residuum.surrogates.graph.bench import GraphBench
from residuum.surrogates.graph.errors import standard_error
from residuum.surrogates.graph.frames import Frames
from residuum.surrogates.graph.model import all_differences
from residuum.surrogates.graph.training import GraphTrained

SEARCHED, FEWEST = 12_000, 10  # pairs, and snapshots, that a search looks at
CERTAIN = 2.0  # standard errors by which a freer form must be better
NEGLIGIBLE = 1e-3  # relative error below which no form need be better
MUCH = 1.02  # ratio of errors below which none is


def split(bench: GraphBench, generator: torch.Generator) -> tuple[Frames, Frames]:
    """Return the frames that forms are trained on, and those that they are compared on."""
    count = len(bench.frames)
    order = torch.randperm(count, generator=generator)
    searched, most = _searched(bench)
    held = max(1, round(bench.settings.holdout * searched))
    learning, unseen = (
        bench.frames.take(_mask(chosen, count, bench.frames.frame.device))
        for chosen in (order[held:searched], torch.cat([order[:held], order[searched:most]]))
    )
    return learning, unseen


def squares(fit: GraphTrained, frames: Frames) -> Tensor:
    """Return the mean square of relative errors in each frame, `[F]`."""
    rows = []
    for state, e in all_differences(fit.system, frames, fit.theta).items():
        scaled = e[0] / standard_error(frames.size(state))
        # Quite wrong is quite wrong: a few wild values must not decide between forms.
        rows.append(scaled.square().clamp(max=1.0).nanmean(1).nan_to_num(0.0))
    each = torch.stack(rows).mean(0)
    total = each.new_zeros(len(frames)).index_add_(0, frames.frame, each)
    return total / torch.bincount(frames.frame, minlength=len(frames))


def relative_error(fit: GraphTrained, frames: Frames) -> float:
    """Return the root of their mean."""
    return float(squares(fit, frames).mean().sqrt())


def is_better(simple: GraphTrained, free: GraphTrained, unseen: Frames) -> bool:
    """Tell whether a freer form predicts unseen frames better, beyond chance and use."""
    a, b = squares(simple, unseen), squares(free, unseen)
    gain = a - b
    spread = gain.std(correction=0) / max(1, len(gain) - 1) ** 0.5
    matters = a.mean() > max(NEGLIGIBLE**2, MUCH**2 * float(b.mean()))
    return bool(matters & (gain.mean() > CERTAIN * spread))


def _searched(bench: GraphBench) -> tuple[int, int]:
    """Return how many snapshots are searched on, and how many are looked at in all.

    Fewer where each holds many pairs; errors are compared on all that are not learned from.
    """
    count = len(bench.frames)
    most = min(count, max(FEWEST, SEARCHED * count // max(1, len(bench.frames.receiver))))
    return min(bench.settings.search, most), most


def _mask(chosen: Tensor, count: int, device: torch.device) -> Tensor:
    mask = torch.zeros(count, dtype=torch.bool)
    mask[chosen] = True
    return mask.to(device)
