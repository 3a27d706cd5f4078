"""One thread: these tests are small, and timings in them should not depend on the machine."""

import torch

torch.set_num_threads(1)
