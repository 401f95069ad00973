"""Small tables as they were read last: a day of few images is read by every step and check of its run."""

import io
from collections import OrderedDict
from threading import Lock

import polars as pl

from image_assets.lake.object_store import ObjectCopy


class SmallFiles:
    """Frames by address and version, the ones asked for last; of another version nothing is ever given."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._frames: OrderedDict[str, tuple[str, pl.DataFrame, int]] = OrderedDict()
        self._bytes = 0
        self._lock = Lock()

    def frame_of(self, uri: str, copy: ObjectCopy) -> pl.DataFrame:
        """All rows and columns of a Parquet file; Polars' errors when its bytes are none."""
        with self._lock:
            if (found := self._frames.get(uri)) and found[0] == copy.version:
                self._frames.move_to_end(uri)
                return found[1].clone()
        frame = pl.read_parquet(io.BytesIO(copy.data))
        self._keep(uri, copy.version, frame)
        return frame.clone()

    def _keep(self, uri: str, version: str, frame: pl.DataFrame) -> None:
        size = int(frame.estimated_size()) + len(uri)
        with self._lock:
            _, _, former = self._frames.pop(uri, ("", frame, 0))
            self._frames[uri] = version, frame, size
            self._bytes += size - former
            while self._bytes > self._most_bytes and self._frames:
                self._bytes -= self._frames.popitem(last=False)[1][2]
