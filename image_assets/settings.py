"""What can be set from outside: environment variables `IMAGE_ASSETS_*` and a `.env` file, read once.

Belongs here: names, types, defaults and descriptions of settings, and their translation into the frozen
parameters of the floors below. Stays out: anything that acts on them.
"""

import difflib
import os
from datetime import date
from pathlib import Path

from dotenv import dotenv_values
from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from image_assets.compute.engine import EngineParams
from image_assets.errors import ConfigurationError
from image_assets.imaging.derivatives import DerivativeParams, PreviewParams
from image_assets.imaging.inspect import InspectParams
from image_assets.imaging.watermark import WatermarkParams

PREFIX = "IMAGE_ASSETS_"
_LIMITS = InspectParams()
_WATERMARK = WatermarkParams()
_ENGINE = EngineParams()
_GLOB = set("*?[]")


class Settings(BaseSettings):
    """Every setting; read it with `load_settings`."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_file=".env", frozen=True, extra="ignore")

    root: Path = Field(default=Path("data/lake"), description="Folder of the lake.")
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
    batch_size: int = Field(
        default=64, ge=1, le=4096, description="Images per forward pass; halved when memory runs out."
    )
    workers: int = Field(default=_ENGINE.workers, ge=1, description="Worker processes; by default one per usable core.")
    image_timeout_s: float = Field(default=_ENGINE.item_timeout_s, gt=0, description="Seconds that one image may take.")
    worker_memory_mb: int = Field(
        default=(_ENGINE.worker_memory_bytes or 0) // 2**20,
        ge=256,
        description="Memory that one worker may take.",
    )
    chunk_size: int = Field(default=256, ge=1, description="Images per checkpoint: what a kill can cost.")
    max_bytes: int = Field(default=_LIMITS.max_bytes, ge=1, description="Largest file accepted.")
    max_pixels: int = Field(default=_LIMITS.max_pixels, ge=1, le=178_000_000, description="Most pixels accepted.")
    min_side_px: int = Field(default=_LIMITS.min_side_px, ge=1, description="Shortest side accepted.")
    max_aspect: float = Field(default=_LIMITS.max_aspect, ge=1, description="Longest over shortest side accepted.")
    watermark_text: str = Field(default=_WATERMARK.text, pattern=r"\S", description="Text over the previews.")
    watermark_logo: Path | None = Field(default=None, description="Image file over the previews, beside the text.")
    watermark_opacity: float = Field(default=_WATERMARK.opacity, gt=0, le=1, description="0 is invisible, 1 opaque.")
    landing_lookback_days: int = Field(default=30, ge=1, description="Days in which the sensor looks for late files.")

    @field_validator("root", mode="before")
    @classmethod
    def _named(cls, root: object) -> object:
        if not str(root).strip():
            raise ValueError("the lake needs a folder")
        if set(str(root)) & _GLOB:
            raise ValueError(
                f"none of {' '.join(sorted(_GLOB))} may be in the path: DuckDB would take it for a pattern"
            )
        return root

    @field_validator("root")
    @classmethod
    def _absolute(cls, root: Path) -> Path:
        return root.expanduser().absolute()

    @property
    def inspect_params(self) -> InspectParams:
        """Limits of what is accepted."""
        return InspectParams(self.max_bytes, self.max_pixels, self.min_side_px, self.max_aspect)

    @property
    def derivative_params(self) -> DerivativeParams:
        """How derivatives are made."""
        logo = _read_logo(self.watermark_logo) if self.watermark_logo else None
        watermark = WatermarkParams(text=self.watermark_text, logo=logo, opacity=self.watermark_opacity)
        return DerivativeParams(preview=PreviewParams(watermark=watermark))

    @property
    def engine_params(self) -> EngineParams:
        """How worker processes are run."""
        return EngineParams(
            workers=self.workers,
            item_timeout_s=self.image_timeout_s,
            worker_memory_bytes=self.worker_memory_mb * 2**20,
        )


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


def _name(location: tuple[int | str, ...]) -> str:
    return "_".join(str(part) for part in location).upper()


def _refuse_unknown() -> None:
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    for name in [*os.environ, *dotenv_values(".env")]:
        if name.upper().startswith(PREFIX) and name.upper() not in known:
            near = difflib.get_close_matches(name.upper(), known, n=1)
            advice = f"did you mean {near[0]}?" if near else "see: image-assets settings"
            raise ConfigurationError(f"{name} is not a setting; {advice}")


def _read_logo(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{PREFIX}WATERMARK_LOGO: cannot read {path}: {error.strerror}") from error
