"""The lake of a command: an empty place, such as a mount point without its mount, is no lake that runs worked on.

Only where there is no mark Dagster is asked, whose import takes longer than most commands. So a place that another lake
lies in is found out by runs, by commands that run, and by those whose work cannot be taken back: others take it for the
lake that its mark says it is.
"""

from typing import TYPE_CHECKING

import click

from image_assets.lake import object_keys
from image_assets.lake.lake_mark import LakeGuard, LakeMark, check_mark, is_whole, take_for_lake
from image_assets.lake.remote.address import RemoteRoot
from image_assets.opening import open_lake, open_objects
from image_assets.settings import Settings, load_settings

if TYPE_CHECKING:
    import dagster as dg

create_option = click.option(
    "--create", "is_new", is_flag=True, help="Take what is there for the lake, or begin one, whatever was there before."
)
"""For every command that begins a lake."""


def settings_of_lake(*, is_new: bool = False, is_for_good: bool = False) -> Settings:
    """The settings, whose lake is there or is to begin: for every command that reads or changes it.

    What a command does for good it does to no other lake than runs worked on.

    Raises:
        StoreUnavailableError: as `refuse_empty_place`.
    """
    settings = load_settings()
    if is_new:
        _take(settings)
    else:
        refuse_empty_place(settings, or_another=is_for_good)
    return settings


def refuse_empty_place(settings: Settings, *, or_another: bool = False) -> None:
    """See that there is a lake, or that none was ever known there; no cloud's place can be empty.

    Raises:
        StoreUnavailableError: runs worked on a lake there, and there is none, or another; or a folder is not there.
    """
    if isinstance(settings.root, RemoteRoot):
        return
    store = open_objects(settings)
    if (is_whole(store) and not or_another) or not _may_be_known():
        return
    from image_assets.orchestration.instance.opening import open_instance
    from image_assets.orchestration.runs.known_lake import known_lake

    with open_instance() as instance:
        known = known_lake(instance, settings.root)
    if known:
        check_mark(store, object_keys.LAKE_MARK, LakeMark(known))


def begin_lake(settings: Settings, instance: "dg.DagsterInstance") -> None:
    """What each run does first, before there is one: it would fail, and so would those after it.

    Raises:
        StoreUnavailableError: the lake or a folder of it is not there, or another is in its place.
    """
    from image_assets.orchestration.runs.known_lake import begin_with_known

    if not isinstance(settings.root, RemoteRoot):
        guard = LakeGuard()
        begin_with_known(guard, open_lake(settings, guard).store, instance, settings.root)


def see_lake_of_runs(settings: Settings) -> None:
    """The same for a command that changes something before it runs.

    Raises:
        StoreUnavailableError: as `begin_lake`.
    """
    from image_assets.orchestration.instance.opening import open_instance

    with open_instance() as instance:
        begin_lake(settings, instance)


def _take(settings: Settings) -> None:
    is_asked = not isinstance(settings.root, RemoteRoot) and _may_be_known()
    mark = take_for_lake(open_objects(settings))
    if not is_asked:
        return
    from image_assets.orchestration.instance.opening import open_instance
    from image_assets.orchestration.runs.known_lake import remember_lake

    with open_instance() as instance:
        remember_lake(instance, settings.root, mark.lake_id)


def _may_be_known() -> bool:
    # Reads YAML, which most commands do not.
    from image_assets.orchestration.instance.dagster_home import find_dagster_home, has_dagster_home

    return has_dagster_home() and find_dagster_home().has_memory
