"""What can be set from outside: environment variables `IMAGE_ASSETS_*` and a `.env` file, read once.

Belongs here: names, types, defaults and descriptions of settings, and their translation into the frozen
parameters of the floors below. Stays out: anything that acts on them.
"""

import difflib
import os
import re
from collections.abc import Collection, Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

from dotenv import dotenv_values
from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from image_assets.compute.engine import EngineParams
from image_assets.compute.opening import EngineName
from image_assets.errors import ConfigurationError
from image_assets.imaging.derivatives import DerivativeParams, PreviewParams
from image_assets.imaging.inspect import InspectParams
from image_assets.imaging.watermark import WatermarkParams
from image_assets.labels import normalise_label
from image_assets.lake.opening import LakeParams
from image_assets.lake.remote.address import LakeRoot, RemoteRoot, parse_root
from image_assets.lake.remote.params import StorageParams
from image_assets.models.captioning.template_captioner import TEMPLATE
from image_assets.models.classifiers.mlflow_registry import Tracking
from image_assets.models.classifiers.trainers import TrainerName, TrainerParams
from image_assets.models.encoders.encoder import Placement
from image_assets.models.zero_shot.moderation import SHIPPED_POLICIES, read_policies
from image_assets.models.zero_shot.vocabulary import SHIPPED_VOCABULARY, read_vocabulary
from image_assets.shown_text import is_text, plain
from image_assets.steps.audits.drift import DriftParams
from image_assets.steps.classification.predictions import PredictionParams
from image_assets.steps.classification.review_queue import QueueParams
from image_assets.steps.classification.training import REVIEW_RISK, ClassSelection
from image_assets.steps.duplicates.links import DuplicateParams
from image_assets.steps.enrichment.params import EnrichmentParams, ModerationBy
from image_assets.steps.vectors.vector_index import IndexParams

PREFIX = "IMAGE_ASSETS_"
_LIMITS = InspectParams()
_WATERMARK = WatermarkParams()
_ENGINE = EngineParams()
_DRIFT = DriftParams()
_INDEX = IndexParams()
_DUPLICATES = DuplicateParams()
_TRAINER = TrainerParams()
_PREDICTION = PredictionParams()
_STORAGE = StorageParams()
_GLOB = set("*?[]")
_DELTA_SCHEMES = ("az", "abfs", "abfss", "adl", "s3", "s3a", "gs")
_BESIDE_A_CLOUD = Path("data")
_MASK = "***"
_PASSWORD = re.compile(r"://[^/?#@\s]*@")
_RATE = r"^[1-9]\d{0,8}/(second|minute|hour|day)$"


def check_classes(classes: str) -> str:
    """Labels with commas between; ValueError when two of them are the same."""
    names = [name for each in classes.split(",") if (name := normalise_label(each))]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"{twice[0]!r} is named twice")
    return classes


class Settings(BaseSettings):
    """Every setting; read it with `load_settings`."""

    # An error does not repeat what may be a secret.
    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_file=".env", frozen=True, extra="ignore", hide_input_in_errors=True
    )

    root: Annotated[LakeRoot, NoDecode] = Field(
        default=Path("data/lake"),
        description="Folder of the lake, or az://container/prefix, s3://bucket/prefix, gs://bucket/prefix.",
    )
    archive_root: Annotated[LakeRoot | None, NoDecode] = Field(
        default=None,
        description="Where old originals move to, outside the lake: a folder or an address as of the lake.",
    )
    archive_tier: Literal["cool", "cold", "archive"] | None = Field(
        default=None,
        description="Instead, of a lake in Azure: the access tier of old originals; what is in archive comes back "
        "within hours. Needs image-assets[azure].",
    )
    archive_after_days: int | None = Field(
        default=None, ge=1, description="Age at which they move by themselves, every week; by default they stay."
    )
    history_keep: int = Field(
        default=1, ge=0, le=10, description="Tables of former recipes kept per table and day: image-assets diff."
    )
    storage_endpoint: str | None = Field(
        default=None,
        pattern=r"^https?://[^@?#\s]+$",
        description="Address of the cloud's service where it is not the usual one, such as Azurite's or MinIO's.",
    )
    storage_timeout_s: float = Field(
        default=_STORAGE.timeout_s, gt=0, description="Seconds that one request to a cloud may take."
    )
    storage_retries: int = Field(
        default=_STORAGE.retries,
        ge=0,
        le=100,
        description="How often a request is tried again when a cloud is busy or does not answer.",
    )
    storage_retry_s: float = Field(
        default=_STORAGE.retry_s, gt=0, description="Seconds after which a request to a cloud is not tried again."
    )
    key_vault: str | None = Field(
        default=None,
        pattern=r"^https://[^@?#\s]+$",
        description="Address of a Key Vault of Azure's with secrets such as IMAGE-ASSETS-POSTGRES; the environment "
        "and .env go before it. Needs image-assets[azure] and an identity.",
    )
    events_queue: str | None = Field(
        default=None,
        pattern=r"^https?://[^?#@\s]+/[a-z0-9][a-z0-9-]{1,54}[a-z0-9]$",
        description="Azure Storage Queue that tells of uploads, so that no day is listed, such as "
        "https://ACCOUNT.queue.core.windows.net/uploads; needs image-assets[azure].",
    )
    start_day: date = Field(default=date(2026, 1, 1), description="First daily partition (UTC).")
    owner: str = Field(
        default="team:image-assets",
        pattern=r"^(team:[\w-]+|[^@\s]+@[^@\s]+)$",
        description="Owner of the assets: an e-mail address or team:name.",
    )
    encoder: str = Field(
        default="builtin",
        description="builtin, a folder, or a hub name such as openai/clip-vit-large-patch14.",
    )
    encoder_revision: str | None = Field(default=None, description="Commit of the hub's repository; pin it.")
    device: str = Field(default="auto", description="auto, cuda, mps or cpu.")
    precision: str = Field(default="auto", description="auto, fp32, bf16 or fp16.")
    batch_size: int | None = Field(
        default=None, ge=1, le=4096, description="Images per forward pass; halved when memory runs out."
    )
    execution: str = Field(
        default="eager",
        description="eager, compile (torch.compile) or graphs (CUDA graphs): how the encoder runs on images.",
    )
    vocabulary: Path | None = Field(default=None, description="YAML file with the words of tags; else the shipped one.")
    policies: Path | None = Field(default=None, description="YAML file of what may not be shown; else the shipped one.")
    moderation: ModerationBy = Field(
        default="zero-shot",
        description="zero-shot: policies are held against vectors; open-nsfw: a classifier looks at the pictures, "
        "which needs image-assets[moderation].",
    )
    captioner: str = Field(
        default=TEMPLATE,
        min_length=1,
        description="template (from the tags), or a BLIP or BLIP-2 checkpoint: a folder or a hub name.",
    )
    captioner_revision: str | None = Field(default=None, description="Commit of the captioner's repository; pin it.")
    ocr: bool = Field(default=False, description="Whether text in images is read; needs image-assets[ocr].")
    classes: str = Field(
        default="", description="Labels to tell apart, with commas between; else those of the training set."
    )
    audit_share: float = Field(
        default=QueueParams().audit_share,
        ge=0,
        le=0.5,
        description="Share of a reviewer's images that are drawn at random and given without the model's answer.",
    )
    review_threshold: float | None = Field(
        default=_PREDICTION.review_threshold,
        ge=0,
        le=1,
        description="Predictions of less confidence need a review; else what the model's training chose.",
    )
    review_risk: float = Field(
        default=REVIEW_RISK,
        gt=0,
        le=0.5,
        description="Share of wrong answers that a training puts up with among images that nobody reviews.",
    )
    trainer: TrainerName = Field(
        default=_TRAINER.trainer, description="head (on embeddings, seconds) or fine-tune (on pixels, minutes)."
    )
    fine_tune_from: str = Field(
        default=_TRAINER.fine_tune_from,
        min_length=1,
        description="Network to fine-tune: builtin, or an image classifier by its hub name or folder.",
    )
    fine_tune_epochs: int = Field(default=_TRAINER.fine_tune_epochs, ge=1, description="Passes of fine-tuning.")
    mlflow_tracking_uri: str = Field(
        default="",
        description="Address of an MLflow server; else the file mlflow.db in the lake, or in data/ beside a cloud.",
    )
    engine: EngineName = Field(
        default="processes",
        description="processes: work runs on this machine; ray: on all nodes of the cluster that RAY_ADDRESS names, "
        "which needs image-assets[ray] and a lake that all nodes see.",
    )
    root_is_shared: bool = Field(
        default=False, description="Whether all nodes of a Ray cluster see the lake's folder under the same path (NFS)."
    )
    workers: int = Field(
        default=_ENGINE.workers,
        ge=1,
        description="Worker processes; by default one per usable core. A node of a Ray cluster has one per processor "
        "that Ray has there.",
    )
    image_timeout_s: float = Field(default=_ENGINE.item_timeout_s, gt=0, description="Seconds that one image may take.")
    worker_memory_mb: int = Field(
        default=(_ENGINE.worker_memory_bytes or 0) // 2**20,
        ge=256,
        description="Memory that one worker may take.",
    )
    chunk_size: int = Field(default=256, ge=1, description="Images per checkpoint: what a kill can cost.")
    lots: int = Field(
        default=1,
        ge=1,
        le=999,
        description="Lots that a new day is cut into at least; one for every 10,000 files that are there already.",
    )
    max_bytes: int = Field(default=_LIMITS.max_bytes, ge=1, le=2**40, description="Largest file accepted.")
    max_pixels: int = Field(default=_LIMITS.max_pixels, ge=1, le=178_000_000, description="Most pixels accepted.")
    min_side_px: int = Field(default=_LIMITS.min_side_px, ge=1, le=100_000, description="Shortest side accepted.")
    max_aspect: float = Field(default=_LIMITS.max_aspect, ge=1, description="Longest over shortest side accepted.")
    watermark_text: str = Field(default=_WATERMARK.text, pattern=r"\S", description="Text over the previews.")
    watermark_logo: Path | None = Field(default=None, description="Image file over the previews, beside the text.")
    watermark_opacity: float = Field(default=_WATERMARK.opacity, gt=0, le=1, description="0 is invisible, 1 opaque.")
    category_links: bool = Field(default=False, description="A folder tree of links by category beside each report.")
    duplicate_bits: int = Field(
        default=_DUPLICATES.max_bits, ge=0, le=16, description="Bits in which the hashes of one photo may differ."
    )
    duplicate_similarity: float = Field(
        default=_DUPLICATES.min_similarity,
        ge=-1,
        le=1,
        description="Cosine of vectors below which pictures are not laid over each other; measured for builtin.",
    )
    duplicate_likeness: float = Field(
        default=_DUPLICATES.min_likeness, gt=0, le=1, description="Least correlation of details of one photo."
    )
    index_exact_below: int = Field(
        default=_INDEX.exact_below, ge=0, description="Vectors from which on a graph is searched, not every vector."
    )
    postgres: SecretStr | None = Field(
        default=None,
        description="libpq URL of a database with pgvector to which gold is published, such as "
        "postgresql://user:password@host/database; needs image-assets[postgres].",
    )
    postgres_vectors: Literal["halfvec", "vector"] = Field(
        default="halfvec", description="How PostgreSQL keeps vectors: halfvec takes half the room, vector is exact."
    )
    index_in: Literal["lake", "postgres"] = Field(
        default="lake", description="Where vectors are searched: the lake's own index, or what postgres_gold published."
    )
    delta: str | None = Field(
        default=None,
        description="Folder or address (abfss://, az://, s3://, gs://) below which gold, predictions and vectors are "
        "Delta tables; needs image-assets[delta]. Credentials come from the cloud's own variables.",
    )
    delta_keep_hours: int = Field(
        default=168,
        ge=0,
        description="Hours for which files of former versions of the Delta tables stay: as long as readers read one "
        "and what was erased is in them.",
    )
    max_drift: float = Field(
        default=_DRIFT.max_stability_index, gt=0, description="Stability index from which on a day is unlike the last."
    )
    min_volume: float = Field(
        default=_DRIFT.min_volume_ratio, ge=0, le=1, description="Least share of the usual number of uploads."
    )
    max_volume: float = Field(
        default=_DRIFT.max_volume_ratio, ge=1, description="Largest multiple of the usual number of uploads."
    )
    max_rejected: float = Field(
        default=_DRIFT.max_reject_ratio, ge=0, le=1, description="Largest share of rejected files."
    )
    max_duplicates: float = Field(
        default=_DRIFT.max_duplicate_ratio, ge=0, le=1, description="Largest share of duplicates."
    )
    keep_runs_days: int = Field(
        default=90, ge=1, description="Days for which Dagster remembers runs that later ones have replaced."
    )
    scrub_weeks: int = Field(
        default=4, ge=1, description="Weeks in which every file of every image is read once, a share each week."
    )
    alert_webhook: str | None = Field(
        default=None,
        pattern=r"^https?://",
        repr=False,
        description="Address that is told of failed runs (JSON with a text).",
    )
    log_format: Literal["text", "json"] = Field(
        default="text", description="json: runs log a JSON object per line, as the service always does."
    )
    landing_lookback_days: int = Field(default=30, ge=1, description="Days in which the sensor looks for late files.")
    allowed_hosts: str = Field(
        default="", description="Names, with commas between, under which the service is called; else this machine's."
    )
    cors_origins: str = Field(
        default="", description="Origins of other pages, with commas between, that may call the service."
    )
    trusted_proxies: str = Field(
        default="", description="Addresses of proxies, with commas between, whose X-Forwarded-For is believed."
    )
    api_key: SecretStr | None = Field(
        default=None, description="Key of image-assets keys add, for commands that ask a service: upload --to."
    )
    upload_max_bytes: int = Field(
        default=500_000_000, ge=1, description="Largest form of uploads accepted, of all its files together."
    )
    rate_limit: str = Field(
        default="1200/minute", pattern=_RATE, description="Requests that one key may make, such as 1200/minute."
    )
    rate_limit_all: str = Field(
        default="12000/minute", pattern=_RATE, description="Requests that all callers of one service may make."
    )
    serving_torch_threads: int = Field(
        default=1, ge=1, description="Threads of one forward pass in the service; more only pay on an idle machine."
    )
    serving_decoders: int = Field(
        default=2, ge=1, description="Worker processes of the service that decode pictures of others."
    )
    serving_decode_timeout_s: float = Field(
        default=5.0, gt=0, description="Seconds that a picture of a question may take to decode."
    )
    serving_warm: bool = Field(
        default=False, description="Load the model when the service starts, not when it is first needed."
    )
    dagster_url: str | None = Field(
        default=None, pattern=r"^https?://", description="Address of Dagster's UI, for links to what made an image."
    )
    service_url: str | None = Field(
        default=None,
        pattern=r"^https?://",
        description="Address at which people reach image-assets serve, for links from Dagster and the daily report.",
    )

    @field_validator("root", "archive_root", mode="before")
    @classmethod
    def _named(cls, root: object) -> object:
        if root is None or isinstance(root, RemoteRoot):
            return root
        if not str(root).strip():
            raise ValueError("a folder has a name")
        if set(str(root)) & _GLOB:
            raise ValueError(
                f"none of {' '.join(sorted(_GLOB))} may be in the path: DuckDB would take it for a pattern"
            )
        return parse_root(str(root))

    @field_validator("root")
    @classmethod
    def _absolute(cls, root: LakeRoot) -> LakeRoot:
        if isinstance(root, RemoteRoot):
            return root
        place = root.absolute()
        if not is_text(str(place)):
            raise ValueError(f"{plain(str(place))} is not UTF-8: DuckDB and Polars do not find it")
        return place

    @field_validator("archive_root")
    @classmethod
    def _apart(cls, archive_root: LakeRoot | None, info: ValidationInfo) -> LakeRoot | None:
        """In the lake's own folder a copy would be the original, and be deleted with it."""
        if archive_root is None:
            return None
        place = archive_root if isinstance(archive_root, RemoteRoot) else archive_root.absolute()
        if _resolved(place) == _resolved(info.data.get("root", Path())):
            raise ValueError("the archive needs a folder of its own")
        return place

    @field_validator("events_queue")
    @classmethod
    def _has_container(cls, queue: str | None, info: ValidationInfo) -> str | None:
        root = info.data.get("root")
        if queue and not (isinstance(root, RemoteRoot) and root.scheme == "az"):
            raise ValueError(f"events are told of a lake at az://…: {PREFIX}ROOT is {root}")
        return queue

    @field_validator("classes")
    @classmethod
    def _differ(cls, classes: str) -> str:
        return check_classes(classes)

    @field_validator("delta")
    @classmethod
    def _known_to_delta(cls, place: str | None) -> str | None:
        scheme, is_address, _ = (place or "").partition("://")
        if is_address and scheme not in _DELTA_SCHEMES:
            raise ValueError(f"{scheme}:// is none of {', '.join(_DELTA_SCHEMES)}, nor is it a folder")
        return place

    @field_validator("postgres")
    @classmethod
    def _is_libpq_url(cls, postgres: SecretStr | None) -> SecretStr | None:
        """Its words are not repeated: they hold the password."""
        url = postgres.get_secret_value() if postgres else ""
        if url and not url.startswith(("postgresql://", "postgres://")):
            raise ValueError("a libpq URL begins with postgresql://")
        return postgres if url else None

    @field_validator("index_in")
    @classmethod
    def _has_postgres(cls, index_in: str, info: ValidationInfo) -> str:
        if index_in == "postgres" and not info.data.get("postgres"):
            raise ValueError(f"{PREFIX}POSTGRES says where that is")
        return index_in

    @field_validator("archive_tier")
    @classmethod
    def _is_in_azure(cls, tier: str | None, info: ValidationInfo) -> str | None:
        root = info.data.get("root")
        if tier and not (isinstance(root, RemoteRoot) and root.scheme == "az"):
            raise ValueError(
                f"access tiers are Azure's: {PREFIX}ROOT is no az://… ({PREFIX}ARCHIVE_ROOT is for others)"
            )
        if tier and info.data.get("archive_root"):
            raise ValueError(f"{PREFIX}ARCHIVE_ROOT is set too: originals go to one of them")
        return tier

    @field_validator("archive_after_days")
    @classmethod
    def _has_archive(cls, days: int | None, info: ValidationInfo) -> int | None:
        if days is not None and not (info.data.get("archive_root") or info.data.get("archive_tier")):
            raise ValueError(f"{PREFIX}ARCHIVE_ROOT or {PREFIX}ARCHIVE_TIER says where to")
        return days

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic's interface
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """A vault after all else, where one is named."""
        told = {**dotenv_settings(), **env_settings(), **init_settings()}
        vaults = (_open_vault(settings_cls, str(url)),) if (url := told.get("key_vault")) else ()
        return init_settings, env_settings, dotenv_settings, *vaults

    def shown(self, name: str) -> Any:
        """A value for whoever may not know secrets: `***` for one that is set, and for a password within an address."""
        value = getattr(self, name)
        if value is not None and is_secret(type(self).model_fields[name]):
            return _MASK
        return _PASSWORD.sub(f"://{_MASK}@", value) if isinstance(value, str) else value

    @property
    def hosts(self) -> tuple[str, ...]:
        """Names under which the service is called; none when they are not set."""
        return _listed(self.allowed_hosts)

    @property
    def origins(self) -> tuple[str, ...]:
        """Other pages that may call the service."""
        return _listed(self.cors_origins)

    @property
    def proxies(self) -> tuple[str, ...]:
        """Addresses of proxies that are believed."""
        return _listed(self.trusted_proxies)

    def gallery_url(self, day: date) -> str | None:
        """Where people look at the images of a day; None while nobody has said where the service is."""
        return f"{self.service_url.rstrip('/')}/?day={day}" if self.service_url else None

    @property
    def lake_params(self) -> LakeParams:
        """Where the lake is."""
        return LakeParams(self.root, self.archive_root, self.history_keep, self.storage_params)

    @property
    def storage_params(self) -> StorageParams:
        """How a cloud is asked."""
        return StorageParams(self.storage_endpoint, self.storage_timeout_s, self.storage_retries, self.storage_retry_s)

    @property
    def inspect_params(self) -> InspectParams:
        """Limits of what is accepted."""
        return InspectParams(self.max_bytes, self.max_pixels, self.min_side_px, self.max_aspect)

    @property
    def placement(self) -> Placement:
        """Where the encoder computes."""
        return Placement(self.device, self.precision, self.batch_size, self.execution)

    @property
    def class_names(self) -> tuple[str, ...]:
        """Labels to tell apart, in their normal form; none when they are not set."""
        return tuple(sorted({normalise_label(name) for name in self.classes.split(",")} - {""}))

    @property
    def class_selection(self) -> ClassSelection:
        """What a classifier is taught."""
        return ClassSelection(self.class_names)

    @property
    def prediction_params(self) -> PredictionParams:
        """What is said of a prediction."""
        return PredictionParams(self.review_threshold)

    @property
    def trainer_params(self) -> TrainerParams:
        """How a classifier is trained."""
        return TrainerParams(self.trainer, self.fine_tune_from, self.fine_tune_epochs, self.device)

    @property
    def is_lake_shared(self) -> bool:
        """Whether other machines see the lake under the same name."""
        roots = [root for root in (self.root, self.archive_root) if root]
        return self.root_is_shared or all(isinstance(root, RemoteRoot) for root in roots)

    @property
    def tracking(self) -> Tracking:
        """Where trainings are recorded; a local record keeps its files beside it."""
        if self.mlflow_tracking_uri:
            return Tracking(self.mlflow_tracking_uri, None)
        return Tracking(f"sqlite:///{self.record_file}", self.record_file.with_suffix("").as_uri())

    @property
    def record_file(self) -> Path:
        """Where trainings are recorded without a server."""
        folder = _BESIDE_A_CLOUD.absolute() if isinstance(self.root, RemoteRoot) else self.root
        return folder / "mlflow.db"

    @property
    def drift_params(self) -> DriftParams:
        """From when on a day is worth a look."""
        return DriftParams(
            max_stability_index=self.max_drift,
            min_volume_ratio=self.min_volume,
            max_volume_ratio=self.max_volume,
            max_reject_ratio=self.max_rejected,
            max_duplicate_ratio=self.max_duplicates,
        )

    @property
    def derivative_params(self) -> DerivativeParams:
        """How derivatives are made."""
        logo = _read_logo(self.watermark_logo) if self.watermark_logo else None
        watermark = WatermarkParams(text=self.watermark_text, logo=logo, opacity=self.watermark_opacity)
        return DerivativeParams(preview=PreviewParams(watermark=watermark))

    @property
    def enrichment_params(self) -> EnrichmentParams:
        """What models are asked of an image; reads the vocabulary and the policies."""
        return EnrichmentParams(
            vocabulary=read_vocabulary(self.vocabulary or SHIPPED_VOCABULARY),
            policies=read_policies(self.policies or SHIPPED_POLICIES),
            moderation=self.moderation,
            captioner=self.captioner,
            captioner_revision=self.captioner_revision,
            reads_text=self.ocr,
        )

    @property
    def duplicate_params(self) -> DuplicateParams:
        """When two images are one photo."""
        return DuplicateParams(self.duplicate_bits, self.duplicate_similarity, self.duplicate_likeness)

    @property
    def index_params(self) -> IndexParams:
        """How vectors are indexed."""
        return IndexParams(exact_below=self.index_exact_below)


def load_settings() -> Settings:
    """Read the environment and `.env`; `ConfigurationError` names what is unknown or wrong."""
    try:
        _refuse_unknown()
        return Settings()
    except UnicodeDecodeError as error:
        raise ConfigurationError(f".env is not UTF-8: {error}") from error
    except ValidationError as error:
        wrong = (f"{PREFIX}{_name(problem['loc'])}: {problem['msg']}" for problem in error.errors())
        raise ConfigurationError("; ".join(wrong)) from error


def _open_vault(settings: type[BaseSettings], url: str) -> PydanticBaseSettingsSource:
    secrets = frozenset(name for name, about in settings.model_fields.items() if is_secret(about))
    try:
        from image_assets.lake.azure.key_vault import VaultSource
    except ModuleNotFoundError as error:
        raise ConfigurationError(f'{PREFIX}KEY_VAULT needs: pip install "image-assets[azure]"') from error
    return VaultSource(settings, url, secrets)


def is_secret(about: FieldInfo) -> bool:
    """Whether a setting is a secret: one that is left out of a `repr`, or of pydantic's types for secrets."""
    return about.repr is False or "Secret" in str(about.annotation)


def origins(settings: Settings) -> Mapping[str, str]:
    """Where the value of each setting comes from: environment, .env, key vault, argument (of a program) or default."""
    here, written = ({name.upper() for name in names} for names in (os.environ, dotenv_values(".env")))
    return {name: _origin(settings, name, here, written) for name in Settings.model_fields}


def _origin(settings: Settings, name: str, here: Collection[str], written: Collection[str]) -> str:
    variable = f"{PREFIX}{name.upper()}"
    if variable in here:
        return "environment"
    if variable in written:
        return ".env"
    if name not in settings.model_fields_set:
        return "default"
    return "key vault" if settings.key_vault and name != "key_vault" else "argument"


def _name(location: tuple[int | str, ...]) -> str:
    return "_".join(str(part) for part in location).upper()


def _refuse_unknown() -> None:
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    for name, value in [*os.environ.items(), *dotenv_values(".env").items()]:
        if name.upper().startswith(PREFIX) and not is_text(value or ""):
            raise ConfigurationError(f"{name} is not UTF-8 text")
        if name.upper().startswith(PREFIX) and name.upper() not in known:
            near = difflib.get_close_matches(name.upper(), known, n=1)
            advice = f"did you mean {near[0]}?" if near else "see: image-assets settings"
            raise ConfigurationError(f"{name} is not a setting; {advice}")


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part for each in text.split(",") if (part := each.strip()))


def _resolved(root: LakeRoot) -> LakeRoot:
    return root if isinstance(root, RemoteRoot) else root.resolve()


def _read_logo(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{PREFIX}WATERMARK_LOGO: cannot read {path}: {error.strerror}") from error
