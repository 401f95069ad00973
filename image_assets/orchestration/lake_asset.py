"""The frame of an asset that has no days: its spec, and one way to make it."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import dagster as dg

from image_assets.orchestration.keys import Group


def lake_spec(
    name: str,
    description: str,
    owner: str,
    *,
    group: Group,
    kinds: Iterable[str] = (),
    deps: Iterable[str] = (),
    follows: dg.AutomationCondition[Any] | None = None,
    version: str | None = None,
) -> dg.AssetSpec:
    """The spec of an asset of the whole lake; what `follows` is materialized by itself."""
    return dg.AssetSpec(
        key=name,
        description=description,
        deps=list(deps),
        group_name=group,
        kinds=set(kinds),
        owners=[owner],
        automation_condition=follows,
        code_version=version,
    )


def lake_asset(
    spec: dg.AssetSpec, *, checks: Sequence[dg.AssetCheckSpec] = (), pool: str | None = None
) -> Callable[[Callable[..., Any]], dg.AssetsDefinition]:
    """Decorate a function that makes the asset, with the checks that it finds on the way."""
    return dg.multi_asset(name=spec.key.to_user_string(), specs=[spec], check_specs=checks or None, pool=pool)
