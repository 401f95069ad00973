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
    known = known_lake(instance, root)
    lake_id = guard.begin(store, known)
    if lake_id != known:
        remember_lake(instance, root, lake_id)


def known_lake(instance: dg.DagsterInstance, root: LakeRoot) -> str | None:
    """The id of the lake that runs worked on at a root; None where none ever did."""
    return instance.daemon_cursor_storage.get_cursor_values({_key(root)}).get(_key(root)) or None


def remember_lake(instance: dg.DagsterInstance, root: LakeRoot, lake_id: str) -> None:
    """Have the runs to come work on this one."""
    instance.daemon_cursor_storage.set_cursor_values({_key(root): lake_id})


def _key(root: LakeRoot) -> str:
    # However it is spelt; a link is where it is, wherever it leads to.
    return f"image_assets/lake/{os.path.normpath(str(root))}"
