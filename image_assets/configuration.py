"""What may be changed while everything runs: values of settings that lie in the lake, over those of the environment.

Each change is an object of its own, numbered, with who, when and why; nothing is ever rewritten, and of two who change
at once the second sees the first. Service and runs read the last one, so that nothing is restarted.

Belongs here: which settings these are, their history, and the settings that are in force.
Stays out: acting on them. A setting that says where something is, or that is a secret, is the environment's alone.
"""

import re
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Annotated, Any, Final, TypeAlias

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    create_model,
    model_validator,
)

from image_assets.errors import ChangeRefusedError, ConfigurationError, StaleChangeError
from image_assets.ids import ObjectKey
from image_assets.lake import object_keys
from image_assets.lake.last_word import later_than
from image_assets.lake.litter import is_litter
from image_assets.lake.object_store import ObjectStore
from image_assets.lake.optimism import until_first
from image_assets.lake.records import read_record, write_record
from image_assets.settings import PREFIX, Settings, check_classes, origins
from image_assets.shown_text import plain

Value: TypeAlias = str | int | float | bool
"""A value of a setting that may be changed."""

_RATES: Final = frozenset({"rate_limit", "rate_limit_all"})
_UNIT_S: Final = {"second": 1, "minute": 60, "hour": 3_600, "day": 86_400}
_LEAST_A_MINUTE: Final = 10
CHANGEABLE: Final = (
    "classes",
    "review_threshold",
    "audit_share",
    "max_bytes",
    "max_pixels",
    "min_side_px",
    "max_aspect",
    "watermark_text",
    "watermark_opacity",
    "duplicate_bits",
    "duplicate_similarity",
    "duplicate_likeness",
    "max_drift",
    "min_volume",
    "max_volume",
    "max_rejected",
    "max_duplicates",
    "rate_limit",
    "rate_limit_all",
)
"""Settings that are read anew by each step of a run and by each request."""

_NAME: Final = re.compile(r"(?P<version>\d{8})\.json")
_LONGEST_TEXT, _LONGEST_NOTE = 10_000, 500
_FRESH_S: Final = 1.0
_REMEDY: Final = "repair it, or delete it to go back to the version before"


@dataclass(frozen=True, slots=True)
class SetValue:
    """A value in force, and the change that set it."""

    value: Value
    version: int
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Configuration:
    """A version: what was changed, and all that has been in force since.

    Attributes:
        version: counts from 1.
        by: who changed it.
        at: when; later than that of every version before.
        note: why.
        changes: the new values; None for those that are the environment's again.
        values: everything that is in force.
    """

    version: int
    by: str
    at: datetime
    note: str
    changes: Mapping[str, Value | None]
    values: Mapping[str, SetValue]


@dataclass(frozen=True, slots=True)
class EffectiveValue:
    """A setting as it is in force.

    Attributes:
        name: of the field of `Settings`.
        value: what counts; `***` for a secret that is set.
        source: where it comes from, in words.
        meaning: what the setting is for.
        is_changeable: whether it may be changed while everything runs.
    """

    name: str
    value: Any
    source: str
    meaning: str
    is_changeable: bool


def read_configuration(store: ObjectStore) -> Configuration | None:
    """The version in force; None while nothing was ever changed.

    Raises:
        ConfigurationError: its record is damaged.
    """
    last = max(_keys(store), default=None)
    return _read(store, last) if last else None


def read_history(store: ObjectStore) -> list[Configuration]:
    """Every version, the oldest first."""
    return [_read(store, key) for key in sorted(_keys(store))]


def configured(settings: Settings, store: ObjectStore) -> Settings:
    """The settings that are in force: what was set in the lake counts before environment and `.env`."""
    return _over(settings, read_configuration(store))


def change_configuration(
    store: ObjectStore,
    changes: Mapping[str, object],
    by: str,
    now: datetime,
    note: str = "",
    *,
    expected: int | None = None,
) -> Configuration:
    """Change settings, all of them or none, as one version.

    Args:
        store: the lake's objects.
        changes: new values by the names of their fields; None takes a value back to the environment's.
        by: who changes them.
        now: the instant.
        note: why.
        expected: the version that was looked at, 0 for none; any if it is None.

    Raises:
        ChangeRefusedError: a name is unknown or not to be changed, or a value is none of its setting's.
        StaleChangeError: another version is in force than was expected.
    """
    checked, why = check_changes(changes), _checked_note(note)

    def attempt() -> Configuration:
        last = read_configuration(store)
        if expected is not None and expected != version_of(last):
            raise StaleChangeError(f"version {version_of(last)} is in force, not {expected}: look at it and try again")
        made = _next(last, checked, by, now, why)
        write_record(store, object_keys.configuration_key(made.version), made, over=None)
        return made

    made = until_first(attempt)
    store.flush()
    return made


def version_of(configuration: Configuration | None) -> int:
    """Its number; 0 for none."""
    return configuration.version if configuration else 0


def check_changes(changes: Mapping[str, object]) -> dict[str, Value | None]:
    """Changes as they are kept: values of the types of their settings.

    Raises:
        ChangeRefusedError: see `change_configuration`.
    """
    if not changes:
        raise ChangeRefusedError(f"nothing is to be changed: name some of {', '.join(CHANGEABLE)}")
    checked = {name: value for name, value in _validated(changes, ChangeRefusedError).items() if name in changes}
    _check_names(str(checked.get("classes") or ""))
    for name in _RATES & {name for name, value in checked.items() if value is not None}:
        _check_rate(name, str(checked[name]))
    return checked


def _check_names(classes: str) -> None:
    try:
        check_classes(classes)
    except ValueError as error:
        raise ChangeRefusedError(f"IMAGE_ASSETS_CLASSES: {error}") from error


def _check_rate(name: str, rate: str) -> None:
    """Whoever sets it too low has to be let in to set it again; the environment may have any."""
    count, _, unit = rate.partition("/")
    if int(count) * _UNIT_S["minute"] < _LEAST_A_MINUTE * _UNIT_S[unit]:
        raise ChangeRefusedError(
            f"{name} is {rate}: at least {_LEAST_A_MINUTE}/minute, or nobody could change it again"
        )


def effective_values(
    settings: Settings, origin_of: Mapping[str, str], configuration: Configuration | None
) -> list[EffectiveValue]:
    """Every setting with its value in force and its source.

    Args:
        settings: those of the environment.
        origin_of: see `settings.origins`.
        configuration: the version in force.
    """
    now, values = _over(settings, configuration), configuration.values if configuration else {}
    return [
        EffectiveValue(
            name=name,
            value=now.shown(name),
            source=_source(values[name]) if name in values else origin_of[name],
            meaning=about.description or "",
            is_changeable=name in CHANGEABLE,
        )
        for name, about in Settings.model_fields.items()
    ]


@dataclass(eq=False)
class LiveSettings:
    """The settings in force, as they were a second ago at most, for a process that stays.

    Attributes:
        base: those of the environment.
        store: the lake's objects.
        clock: seconds.
    """

    base: Settings
    store: ObjectStore
    clock: Callable[[], float] = time.monotonic
    _read_at: float = field(default=float("-inf"), init=False)
    _configuration: Configuration | None = field(default=None, init=False)
    _now: Settings = field(init=False)
    _reading: threading.Lock = field(default_factory=threading.Lock, init=False)

    def __post_init__(self) -> None:
        self._origins = origins(self.base)
        self._now = self.base

    @property
    def now(self) -> Settings:
        """What counts, as it was read last: nothing is read for it."""
        return self._now

    @property
    def version(self) -> int:
        """The version that `now` is of."""
        return version_of(self._configuration)

    @property
    def is_fresh(self) -> bool:
        """Whether `refresh` would do nothing."""
        return self.clock() - self._read_at < _FRESH_S

    def refresh(self) -> None:
        """Read what was changed since."""
        with self._reading:
            if not self.is_fresh:
                at = self.clock()
                self._configuration = read_configuration(self.store)
                self._now = _over(self.base, self._configuration)
                self._read_at = at

    def change(
        self, changes: Mapping[str, object], by: str, now: datetime, note: str, expected: int | None
    ) -> Configuration:
        """See `change_configuration`; it counts here at once."""
        made = change_configuration(self.store, changes, by, now, note, expected=expected)
        self._read_at = float("-inf")
        self.refresh()
        return made

    def effective(self) -> tuple[int, list[EffectiveValue]]:
        """The version in force, and every setting with its source."""
        configuration = read_configuration(self.store)
        return version_of(configuration), effective_values(self.base, self._origins, configuration)


def _text(value: str) -> str:
    if value != plain(value):
        raise ValueError("a text in one line, without control characters")
    return value


def _number(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("a number")
    return value


_NUMBER: Final = BeforeValidator(_number)


def _type_of(name: str) -> Any:
    """What `Settings` takes for a field, or None."""
    about = Settings.model_fields[name]
    more = (Field(max_length=_LONGEST_TEXT), AfterValidator(_text)) if about.annotation is str else (_NUMBER,)
    bounded: Any = Annotated[(about.annotation, *about.metadata, *more)]
    return bounded | None


def _fields() -> dict[str, Any]:
    about = Settings.model_fields
    return {name: (_type_of(name), Field(None, description=about[name].description)) for name in CHANGEABLE}


class _Known(BaseModel):
    """Whoever mistypes a name is told those that there are."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _check_names(cls, values: Any) -> Any:
        for name in values if isinstance(values, Mapping) else ():
            if name not in CHANGEABLE:
                raise ValueError(_why_not(str(name)))
        return values


Changes: type[BaseModel] = create_model(
    "Changes",
    __base__=_Known,
    __doc__="New values by setting; null takes a value back to the environment's.",
    **_fields(),
)
"""Every setting that may be changed, each of its type in `Settings`."""


def _validated(values: Mapping[str, object], error: type[ConfigurationError]) -> dict[str, Any]:
    try:
        return Changes.model_validate(dict(values)).model_dump()
    except ValidationError as wrong:
        raise error("; ".join(_problem(each) for each in wrong.errors())) from wrong


def _problem(found: Mapping[str, Any]) -> str:
    names = [f"{PREFIX}{part}".upper() for part in found["loc"][:1]]
    return ": ".join([*names, str(found["msg"]).removeprefix("Value error, ")])


def _checked_note(note: str) -> str:
    if len(note) > _LONGEST_NOTE:
        raise ChangeRefusedError(f"the note has {len(note)} characters: {_LONGEST_NOTE} at most")
    return plain(note)


def _why_not(name: str) -> str:
    said = f"{PREFIX}{plain(name[:60]).upper()}"
    if name in Settings.model_fields:
        return f"{said} is the environment's alone: set it there, and start again what reads it"
    return f"{said} is not a setting; while everything runs may be changed: {', '.join(CHANGEABLE)}"


def _next(
    last: Configuration | None, changes: Mapping[str, Value | None], by: str, now: datetime, note: str
) -> Configuration:
    version, at = version_of(last) + 1, later_than(last.at if last else None, now)
    kept = {name: value for name, value in (last.values if last else {}).items() if name not in changes}
    new = {name: SetValue(value, version, by, at) for name, value in changes.items() if value is not None}
    return Configuration(version, plain(by), at, note, changes, {**kept, **new})


def _over(settings: Settings, configuration: Configuration | None) -> Settings:
    if configuration is None:
        return settings
    return settings.model_copy(update={name: each.value for name, each in configuration.values.items()})


def _keys(store: ObjectStore) -> Iterable[ObjectKey]:
    for info in store.list(object_keys.CONFIGURATION):
        if is_litter(info.key):
            continue
        if not _NAME.fullmatch(info.key.rpartition("/")[2]):
            raise ConfigurationError(f"{store.uri(info.key)} is named as no version is: move it elsewhere")
        yield info.key


def _read(store: ObjectStore, key: ObjectKey) -> Configuration:
    configuration = read_record(store, key, Configuration, ConfigurationError, _REMEDY)
    try:
        values = _validated({name: each.value for name, each in configuration.values.items()}, ConfigurationError)
    except ConfigurationError as error:
        raise ConfigurationError(f"{store.uri(key)} is damaged: {error}; {_REMEDY}") from error
    # As their settings have them: 1 where a person wrote it for 1.0 would be another recipe.
    typed = {name: replace(each, value=values[name]) for name, each in configuration.values.items()}
    return replace(configuration, values=typed)


def _source(value: SetValue) -> str:
    return f"lake, version {value.version} by {value.by} at {value.at:%Y-%m-%d %H:%M:%S} UTC"
