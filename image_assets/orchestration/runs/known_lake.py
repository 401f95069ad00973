"""Which lake an instance's runs work on: an empty place is a first day only while they have worked on none there.

A mount point without its mount looks like a place where no lake was ever begun. Nothing in it tells the two apart; that
runs have worked there before does, and Dagster's own storage is not in the lake.
"""

import os

import dagster as dg

from image_assets.lake.lake_mark import LakeGuard
from image_assets.lake.object_store import ObjectStore
from image_assets.lake.remote.address import LakeRoot


def begin_with_known(guard: LakeGuard, store: ObjectStore, instance: dg.DagsterInstance, root: LakeRoot) -> None:
    """Have a run work on the lake that the runs before it worked on; a first one, on what is there, or a new one.

    Raises:
        StoreUnavailableError: there is none any more, or another.
    """
    memory, key = instance.daemon_cursor_storage, _key(root)
    known = memory.get_cursor_values({key}).get(key) or None
    lake_id = guard.begin(store, known)
    if lake_id != known:
        memory.set_cursor_values({key: lake_id})


def forget_lake(instance: dg.DagsterInstance, root: LakeRoot) -> None:
    """Have the next run work on whatever is there: a person says that it is no mistake."""
    instance.daemon_cursor_storage.set_cursor_values({_key(root): ""})


def _key(root: LakeRoot) -> str:
    # However it is spelt; a link is where it is, wherever it leads to.
    return f"image_assets/lake/{os.path.normpath(str(root))}"
