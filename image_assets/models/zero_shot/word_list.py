"""Files that people write and we read: YAML of a known shape, whose mistakes are told by name."""

from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from image_assets.errors import ConfigurationError


class Entry(BaseModel):
    """A part of such a file; a key that is not expected is a mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True)


EntryT = TypeVar("EntryT", bound=Entry)


def read_word_list(path: Path, shape: type[EntryT], setting: str) -> EntryT:
    """The file as the given shape.

    Raises:
        ConfigurationError: unreadable, no YAML, or of another shape; names the file, the place and the setting.
    """
    # Imported here, because settings know this module, and few commands read such a file.
    import yaml

    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        return shape.model_validate(content or {})
    except OSError as error:
        raise ConfigurationError(f"{setting}: cannot read {path}: {error.strerror}") from error
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigurationError(f"{setting}: {path} is no YAML: {' '.join(str(error).split())}") from error
    except ValidationError as error:
        wrong = (f"{'.'.join(map(str, each['loc'])) or 'the file'}: {each['msg']}" for each in error.errors())
        advice = "quote what YAML takes for something else than a word, such as on, no or 7"
        raise ConfigurationError(f"{setting}: {path}: {'; '.join(wrong)}; {advice}") from error
