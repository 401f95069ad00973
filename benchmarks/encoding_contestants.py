"""Who turns the silver JPEGs of a day into vectors, each the way its users do it."""

import importlib.metadata
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TypeAlias

import torch
from PIL import Image
from torch import Tensor
from transformers import AutoImageProcessor, AutoModel

from image_assets.lake.local_object_store import LocalObjectStore
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.models.encoders.checkpoint_description import describe_checkpoint
from image_assets.models.encoders.checkpoints import locate_checkpoint
from image_assets.models.encoders.devices import dtype_of
from image_assets.models.encoders.encoder import Placement
from image_assets.models.encoders.lazy_encoder import open_encoder
from image_assets.steps.vectors.embeddings import embed_day, table_of
from image_assets.tables.images import SILVER_IMAGES
from image_assets.tables.rejections import rejections_of

Contestant: TypeAlias = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Task:
    """A day of a lake and the checkpoint that encodes it; nothing of the placement is left open."""

    root: Path
    day: date
    checkpoint: str
    placement: Placement
    workers: int

    @property
    def tables(self) -> ParquetTables:
        """The lake's tables."""
        return ParquetTables(LocalObjectStore(self.root))

    @property
    def files(self) -> list[Path]:
        """The day's silver JPEGs."""
        return [self.root / key for key in self.tables.read(SILVER_IMAGES, self.day)["cleansed_path"]]

    @property
    def folder(self) -> Path:
        """Of the checkpoint."""
        return locate_checkpoint(self.checkpoint, None).folder

    @property
    def side_px(self) -> int:
        """Of the square that the checkpoint takes."""
        return describe_checkpoint(locate_checkpoint(self.checkpoint, None)).input_size_px

    @property
    def batch_size(self) -> int:
        """Images per pass, the same for all."""
        return self.placement.batch_size or 1

    @property
    def dtype(self) -> torch.dtype:
        """In which all contestants compute."""
        return dtype_of(self.placement.precision)


def contestants(task: Task) -> Iterator[tuple[str, Contestant]]:
    """Names with versions and what to call; says who is missing."""
    yield "forward pass alone", forward_alone(task)
    yield "image_assets, a whole day", whole_day(task)
    yield "DataLoader and model, as clip-retrieval", data_loader(task)
    try:
        version = importlib.metadata.version("sentence-transformers")
        yield f"sentence-transformers {version}", sentence_transformer(task)
    except (ImportError, ValueError) as problem:
        print(f"left out: sentence-transformers ({problem})")


def whole_day(task: Task) -> Contestant:
    """Files to a committed table: reading, decoding, encoding, checkpoints, validation."""
    encoder = open_encoder(task.checkpoint, None, task.placement)
    table = table_of(encoder.description)

    def run() -> None:
        for name in (table.name, rejections_of(table).name):
            (task.root / "tables" / name / f"{task.day}.parquet").unlink(missing_ok=True)
        report = embed_day(task.tables, task.day, encoder, chunk_size=256)
        assert report.computed == len(task.files)

    return run


def forward_alone(task: Task) -> Contestant:
    """The limit: the model as this project runs it, on tensors that lie on the device."""
    encoder = open_encoder(task.checkpoint, None, task.placement)
    encoder.encode_texts(["loaded"])
    forward = encoder._encoder._forward  # type: ignore[union-attr]  # the very pass that `whole_day` makes
    batch = torch.rand(task.batch_size, 3, task.side_px, task.side_px, device=task.placement.device)
    batch = batch.to(task.dtype, memory_format=torch.channels_last)
    batches = math.ceil(len(task.files) / len(batch))
    rest = len(task.files) - (batches - 1) * len(batch)

    @torch.inference_mode()
    def run() -> None:
        for number in range(batches):
            forward(batch if number < batches - 1 else batch[:rest])
        synchronize(task)

    return run


class Pictures(torch.utils.data.Dataset[Tensor]):
    """Files as the tensors that the checkpoint's own processor makes of them."""

    def __init__(self, files: Sequence[Path], folder: Path) -> None:
        self.files = files
        self.processor = AutoImageProcessor.from_pretrained(folder, backend="pil")

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> Tensor:
        picture = Image.open(self.files[index]).convert("RGB")
        pixels: Tensor = self.processor(picture, return_tensors="pt")["pixel_values"][0]
        return pixels


def data_loader(task: Task) -> Contestant:
    """Worker processes prepare batches, the main process runs the model; vectors stay in memory."""
    model = plain_model(task)
    pictures = Pictures(task.files, task.folder)

    @torch.inference_mode()
    def run() -> None:
        loader = torch.utils.data.DataLoader(
            pictures, task.batch_size, num_workers=task.workers, pin_memory=task.placement.device.startswith("cuda")
        )
        found = []
        for batch in loader:
            pixels = batch.to(task.placement.device, task.dtype, non_blocking=True)
            features = model.get_image_features(pixel_values=pixels).pooler_output
            found.append(torch.nn.functional.normalize(features.float(), dim=1).cpu().numpy())
        assert sum(map(len, found)) == len(pictures)

    return run


def sentence_transformer(task: Task) -> Contestant:
    """`SentenceTransformer.encode` over opened pictures, as its documentation shows."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.base.modules import Transformer

    tower = Transformer(str(task.folder), model_kwargs={"dtype": task.dtype})
    model = SentenceTransformer(modules=[tower], device=task.placement.device)

    def run() -> None:
        pictures = [Image.open(path) for path in task.files]
        # Its pixels stay fp32 whatever the weights are.
        with torch.autocast(task.placement.device.partition(":")[0], task.dtype, enabled=task.dtype != torch.float32):
            model.encode(pictures, batch_size=task.batch_size, normalize_embeddings=True, show_progress_bar=False)

    return run


def plain_model(task: Task) -> torch.nn.Module:
    """As transformers loads it."""
    model: torch.nn.Module = AutoModel.from_pretrained(task.folder, dtype=task.dtype)
    return model.to(task.placement.device).eval()


def synchronize(task: Task) -> None:
    """Wait for the device."""
    if task.placement.device.startswith("cuda"):
        torch.cuda.synchronize(task.placement.device)
