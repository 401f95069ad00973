"""The last finished epoch of a fine-tuning, kept in the lake until its classifier is."""

import hashlib
import logging
from dataclasses import dataclass

from image_assets.lake import object_keys
from image_assets.lake.object_store import ObjectStore

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LastEpoch:
    """An `EpochKeeper` in the lake: a line with the training's key and the SHA-256 of its state, then the state."""

    store: ObjectStore

    def find(self, key: str) -> bytes | None:
        """See `EpochKeeper`; what is damaged is worth a line in the log, and the training begins anew."""
        if not self.store.exists(object_keys.LAST_EPOCH):
            return None
        line, _, state = self.store.read(object_keys.LAST_EPOCH).partition(b"\n")
        kept_key, _, digest = line.decode(errors="replace").partition(" ")
        if digest != hashlib.sha256(state).hexdigest():
            _log.warning("%s is damaged: the training begins anew", self.store.uri(object_keys.LAST_EPOCH))
            return None
        if kept_key != key:
            _log.info("what another training was after its last epoch is replaced by this one's")
            return None
        return state

    def keep(self, key: str, state: bytes) -> None:
        """See `EpochKeeper`."""
        self.store.write(object_keys.LAST_EPOCH, f"{key} {hashlib.sha256(state).hexdigest()}\n".encode() + state)

    def forget(self) -> None:
        """See `EpochKeeper`."""
        self.store.delete(object_keys.LAST_EPOCH)
