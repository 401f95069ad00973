"""Small objects as this process has read them last: one that has not changed is asked for and not sent again."""

import threading
from collections import OrderedDict
from collections.abc import Hashable
from typing import Final

from image_assets.lake.object_store import ObjectCopy

_MOST_BYTES: Final = 64 * 2**20


class KeptCopies:
    """The copies that were used last, up to so many bytes; threads may share it."""

    def __init__(self, most_bytes: int = _MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._size = 0
        self._copies: OrderedDict[Hashable, ObjectCopy] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> ObjectCopy | None:
        """The copy, if there is one."""
        with self._lock:
            if key in self._copies:
                self._copies.move_to_end(key)
            return self._copies.get(key)

    def keep(self, key: Hashable, copy: ObjectCopy) -> None:
        """Keep a copy in place of the former one."""
        with self._lock:
            former = self._copies.pop(key, None)
            self._copies[key] = copy
            self._size += len(copy.data) - (len(former.data) if former else 0)
            while self._size > self._most_bytes:
                _, oldest = self._copies.popitem(last=False)
                self._size -= len(oldest.data)


KEPT: Final = KeptCopies()
"""Those of this process."""
