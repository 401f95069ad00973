"""The shape of `builtin`: a small convolutional image tower and a small text tower behind one projection.

The image tower is a basic-block ResNet pooled by one attention layer, like CLIP's RN50 (Radford et al. 2021).
Transformers calls that a hybrid DPT, so a plain `AutoModel.from_pretrained` rebuilds it without our code.
"""

from pathlib import Path
from typing import Any, Final

import torch
from safetensors import SafetensorError
from tokenizers import Tokenizer, normalizers, pre_tokenizers, processors
from tokenizers.models import WordLevel
from transformers import (
    BertConfig,
    DPTConfig,
    PreTrainedTokenizerFast,
    VisionTextDualEncoderConfig,
    VisionTextDualEncoderModel,
    VisionTextDualEncoderProcessor,
)
from transformers.models.vit.image_processing_pil_vit import ViTImageProcessorPil

from image_assets.errors import ModelError

INPUT_SIZE_PX: Final = 128
MEAN: Final = (0.5, 0.5, 0.5)
STD: Final = (0.5, 0.5, 0.5)

_STRIDE_PX: Final = 32
_STAGES: Final = (48, 96, 160, 256)
_BLOCKS: Final = (1, 2, 2, 1)
_POOLING_WIDTH: Final = 192
_TEXT_WIDTH: Final = 128
_TEXT_LENGTH: Final = 24
_DIMENSION: Final = 256
_SPECIAL_TOKENS: Final = {
    "pad_token": "[PAD]",
    "unk_token": "[UNK]",
    "cls_token": "[CLS]",
    "sep_token": "[SEP]",
}


def build_pair(texts: list[str]) -> tuple[VisionTextDualEncoderModel, PreTrainedTokenizerFast]:
    """The untrained dual encoder and a tokenizer that knows the words of the texts."""
    tokenizer = build_tokenizer(texts)
    return build_model(tokenizer), tokenizer


def load_pair(folder: Path) -> tuple[VisionTextDualEncoderModel, PreTrainedTokenizerFast]:
    """What `save_checkpoint` wrote, in fp32.

    Raises:
        ModelError: the folder holds no such checkpoint.
    """
    try:
        model = VisionTextDualEncoderModel.from_pretrained(folder, dtype=torch.float32, local_files_only=True)
        tokenizer = PreTrainedTokenizerFast.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError, RuntimeError, SafetensorError) as problem:
        raise ModelError(f"training cannot go on from {folder}: {problem}") from problem
    return model, tokenizer


def build_model(tokenizer: PreTrainedTokenizerFast) -> VisionTextDualEncoderModel:
    """The untrained dual encoder."""
    return VisionTextDualEncoderModel(
        VisionTextDualEncoderConfig(
            vision_config=_image_tower().to_dict(),
            text_config=_text_tower(len(tokenizer)).to_dict(),
            projection_dim=_DIMENSION,
        )
    )


def accept_size(model: VisionTextDualEncoderModel, size_px: int) -> None:
    """Makes the image tower take squares of another size, a multiple of 32, by stretching its position table."""
    tower: Any = model.vision_model
    tower.embeddings.image_size = (size_px, size_px)


def _image_tower() -> DPTConfig:
    trunk = {
        "model_type": "resnet",
        "layer_type": "basic",
        "embedding_size": 32,
        "hidden_sizes": list(_STAGES),
        "depths": list(_BLOCKS),
        "out_features": ["stage2", "stage3", "stage4"],
    }
    grid = INPUT_SIZE_PX // _STRIDE_PX
    return DPTConfig(
        is_hybrid=True,
        image_size=INPUT_SIZE_PX,
        patch_size=_STRIDE_PX,
        hidden_size=_POOLING_WIDTH,
        num_hidden_layers=1,
        num_attention_heads=4,
        intermediate_size=2 * _POOLING_WIDTH,
        backbone_config=trunk,
        backbone_featmap_shape=[1, _STAGES[-1], grid, grid],
        pooler_act="linear",
        initializer_range=_POOLING_WIDTH**-0.5,  # keeps the spread between pictures from the first step on
        layer_norm_eps=1e-6,  # the default, 1e-12, vanishes in half precision
    )


def _text_tower(vocabulary_size: int) -> BertConfig:
    return BertConfig(
        vocab_size=vocabulary_size,
        hidden_size=_TEXT_WIDTH,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=2 * _TEXT_WIDTH,
        max_position_embeddings=_TEXT_LENGTH,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        initializer_range=_TEXT_WIDTH**-0.5,
    )


def build_tokenizer(texts: list[str]) -> PreTrainedTokenizerFast:
    """One token per word or sign of the texts, lower case; any other word is [UNK] and never an error."""
    normalizer = normalizers.Sequence([normalizers.NFKD(), normalizers.StripAccents(), normalizers.Lowercase()])
    splitter = pre_tokenizers.BertPreTokenizer()
    words = {word for text in texts for word, _ in splitter.pre_tokenize_str(normalizer.normalize_str(text))}
    vocabulary = {token: index for index, token in enumerate([*_SPECIAL_TOKENS.values(), *sorted(words)])}
    tokenizer = Tokenizer(WordLevel(vocabulary, unk_token=_SPECIAL_TOKENS["unk_token"]))
    tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = splitter
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        special_tokens=[("[CLS]", vocabulary["[CLS]"]), ("[SEP]", vocabulary["[SEP]"])],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        model_max_length=_TEXT_LENGTH,
        **_SPECIAL_TOKENS,
    )


def build_processor(tokenizer: PreTrainedTokenizerFast) -> VisionTextDualEncoderProcessor:
    """The whole picture brought to a square, 0..255 mapped to -1..1."""
    image_processor = ViTImageProcessorPil(
        size={"height": INPUT_SIZE_PX, "width": INPUT_SIZE_PX},
        resample=3,
        image_mean=list(MEAN),
        image_std=list(STD),
    )
    return VisionTextDualEncoderProcessor(image_processor=image_processor, tokenizer=tokenizer)


def save_checkpoint(model: VisionTextDualEncoderModel, tokenizer: PreTrainedTokenizerFast, folder: Path) -> None:
    """Writes half-precision weights and everything that `from_pretrained` needs."""
    folder.mkdir(parents=True, exist_ok=True)
    model.half().save_pretrained(folder)
    build_processor(tokenizer).save_pretrained(folder)
