"""How the learning rate goes over a training."""

import math
from typing import Final

_WARM_UP: Final = 0.1


def learning_rate_factor(progress: float) -> float:
    """One cycle: a straight rise over the first tenth, then half a cosine down to a hundredth."""
    if progress < _WARM_UP:
        return max(progress / _WARM_UP, 0.01)
    descent = min((progress - _WARM_UP) / (1 - _WARM_UP), 1.0)
    return 0.01 + 0.99 * (1 + math.cos(math.pi * descent)) / 2
