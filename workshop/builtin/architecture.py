"""The shape of `builtin`: EfficientNet-Lite2 for images and a small text tower behind one projection."""

from pathlib import Path
from typing import Any, Final

from tokenizers import Tokenizer, normalizers, pre_tokenizers, processors
from tokenizers.models import WordLevel
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval
from transformers import (
    BertConfig,
    PreTrainedTokenizerFast,
    VisionTextDualEncoderConfig,
    VisionTextDualEncoderModel,
    VisionTextDualEncoderProcessor,
)
from transformers.models.vit.image_processing_pil_vit import ViTImageProcessorPil

from image_assets.models.encoders.efficientnet_lite import (
    EfficientNetLiteConfig,
    EfficientNetLiteModel,
    register,
)

INPUT_SIZE_PX: Final = 176
SMALL_SIZE_PX: Final = 128
"""At which pictures are learned from as well, for `builtin-small`: the same weights at 120 px."""

MEAN: Final = (0.5, 0.5, 0.5)
STD: Final = (0.5, 0.5, 0.5)

_WIDTHS: Final = (16, 24, 48, 88, 120, 208, 352)
_DEPTHS: Final = (1, 3, 3, 4, 4, 5, 1)
"""Of Lite2: those of Lite0 times 1.1 and 1.2, channels rounded to eights, the first and last stage one block deep."""

_SKIP_RATE: Final = 0.1
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
    return _build_model(len(tokenizer), _image_tower(skip_rate=_SKIP_RATE)), tokenizer


def _image_tower(**options: Any) -> EfficientNetLiteConfig:
    return EfficientNetLiteConfig(widths=_WIDTHS, depths=_DEPTHS, **options)


def _build_model(vocabulary_size: int, image_tower: EfficientNetLiteConfig) -> VisionTextDualEncoderModel:
    register()
    return VisionTextDualEncoderModel(
        VisionTextDualEncoderConfig(
            vision_config=image_tower.to_dict(),
            text_config=_text_tower(vocabulary_size).to_dict(),
            projection_dim=_DIMENSION,
        )
    )


def image_tower_of(model: VisionTextDualEncoderModel) -> EfficientNetLiteModel:
    """The part that sees."""
    tower = model.vision_model
    assert isinstance(tower, EfficientNetLiteModel)
    return tower


def fold(model: VisionTextDualEncoderModel) -> VisionTextDualEncoderModel:
    """A copy whose batch normalisation is part of the convolutions: for use, and but for rounding the same."""
    words: Any = model.config.text_config  # transformers hides the types of its parts
    folded = _build_model(words.vocab_size, _image_tower(is_folded=True))
    folded.train(mode=False)
    convolutional = tuple(f"vision_model.{part}." for part in ("stem", "blocks", "head"))
    others = {name: values for name, values in model.state_dict().items() if not name.startswith(convolutional)}
    folded.load_state_dict(others, strict=False)
    fused = _fused_convolutions(image_tower_of(model))
    wanted = [layer for layer in image_tower_of(folded).modules() if isinstance(layer, nn.Conv2d)]
    for target, source in zip(wanted, fused, strict=True):
        target.load_state_dict(source.state_dict())
    return folded


def _fused_convolutions(tower: EfficientNetLiteModel) -> list[nn.Module]:
    tower.train(mode=False)
    convolutions = [layer for layer in tower.modules() if isinstance(layer, nn.Conv2d)]
    norms = [layer for layer in tower.modules() if isinstance(layer, nn.BatchNorm2d)]
    return [fuse_conv_bn_eval(layer, norm) for layer, norm in zip(convolutions, norms, strict=True)]


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
    """Writes folded half-precision weights and everything that `from_pretrained` needs."""
    folder.mkdir(parents=True, exist_ok=True)
    fold(model).half().save_pretrained(folder)
    build_processor(tokenizer).save_pretrained(folder)
