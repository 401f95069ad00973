"""Errors on their way to another process; imported by every worker, so it imports next to nothing."""

import pickle
from collections.abc import Callable
from functools import partial


def portable(error: Exception) -> Exception:
    """The error itself or, when it does not survive pickling, its nearest base class that does."""
    if _survives_pickling(lambda: error):
        return error
    message = f"{type(error).__qualname__}: {error}"
    bases = (base for base in type(error).__mro__[1:] if issubclass(base, Exception))
    return next(base(message) for base in bases if _survives_pickling(partial(base, message)))


def _survives_pickling(make_error: Callable[[], Exception]) -> bool:
    try:
        error = make_error()
        return type(pickle.loads(pickle.dumps(error))) is type(error)  # noqa: S301 - made here
    except Exception:  # noqa: BLE001 - a foreign constructor or __reduce__ may raise anything
        return False
