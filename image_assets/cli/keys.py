"""`keys`: who may use the service, and for what."""

from collections.abc import Sequence
from datetime import UTC, datetime

import click
from rich.text import Text

from image_assets.access.keys import ApiKey, add_key, list_keys, revoke_key
from image_assets.access.links import rotate_link_secret
from image_assets.access.roles import Role
from image_assets.cli.console import CONSOLE, json_option, print_rows
from image_assets.cli.known_lake import settings_of_lake
from image_assets.opening import open_objects

_INSTANT = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M"])


@click.group()
def keys() -> None:
    """Keys with which programs and people use the service.

    Two keys of one name live side by side: add the new one, hand it out, revoke the old one. A running service takes
    notice within a second.
    """


@keys.command("add")
@click.argument("name")
@click.option(
    "--role",
    "roles",
    multiple=True,
    required=True,
    type=click.Choice([role.value for role in Role]),
    help="May be given several times.",
)
@click.option("--user", "user_id", help="Whose images it uploads; NAME by default.")
@click.option("--until", type=_INSTANT, help="Refused from this instant on (UTC).")
def add_one(name: str, roles: Sequence[str], user_id: str | None, until: datetime | None) -> None:
    """Make a key for NAME, a program or a person, and print it: it is shown this once."""
    store, expires_at = open_objects(settings_of_lake()), until.replace(tzinfo=UTC) if until else None
    given = [Role(role) for role in roles]
    key, text = add_key(store, name, given, datetime.now(UTC), user_id=user_id, expires_at=expires_at)
    CONSOLE.print(f"key {key.key_id} of {name}, for {', '.join(key.roles)}; keep it, it is not shown again:")
    click.echo(text)


@keys.command("list")
@json_option
def list_all() -> None:
    """Every key that was ever made; none of them can be shown."""
    now = datetime.now(UTC)
    made = list_keys(open_objects(settings_of_lake()))
    names, rows = ["id", "name", "roles", "made", "state"], [_row(key, now) for key in made]
    known = ("key_id", "name", "user_id", "roles", "created_at", "expires_at")
    data = [{**{name: getattr(key, name) for name in known}, "is_live": key.is_live(now)} for key in made]
    print_rows("Keys", names, rows, is_first_whole=True, data=data)


@keys.command("revoke")
@click.argument("key_id")
@click.option("--at", "instant", type=_INSTANT, help="From this instant on (UTC); now by default.")
def revoke_one(key_id: str, instant: datetime | None) -> None:
    """Have the key KEY_ID refused from now on."""
    at = instant.replace(tzinfo=UTC) if instant else datetime.now(UTC)
    key = revoke_key(open_objects(settings_of_lake()), key_id, at)
    CONSOLE.print(f"key {key_id} of {key.name} is refused from {key.expires_at:%Y-%m-%d %H:%M} UTC on", highlight=False)


@keys.command("rotate-links")
def rotate_links() -> None:
    """Sign links to pictures with a new secret; after the next time, what is signed now is refused."""
    rotate_link_secret(open_objects(settings_of_lake()))
    CONSOLE.print("links are signed with a new secret; those of the one before are followed until they expire")


def _row(key: ApiKey, now: datetime) -> tuple[object, ...]:
    name = key.name if key.user_id == key.name else f"{key.name}, uploads as {key.user_id}"
    until = f"until {key.expires_at:%Y-%m-%d %H:%M}" if key.expires_at else "accepted"
    state = until if key.is_live(now) else f"refused since {key.expires_at:%Y-%m-%d %H:%M}"
    return key.key_id, name, Text("\n".join(key.roles)), key.created_at.date(), state
