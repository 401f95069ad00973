"""Forms in the shape of a model: read once, where the mark is looked at too."""

from collections.abc import Callable
from typing import Any, TypeVar, get_origin

from fastapi import Depends
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

from image_assets.serving.gallery.pages import Posted

_Shape = TypeVar("_Shape", bound=BaseModel)


def fields_of(shape: type[_Shape]) -> Any:
    """The dependency that reads a form; to be named behind the caller, who is looked at first."""
    return Depends(_reader(shape))


def _reader(shape: type[_Shape]) -> Callable[..., _Shape]:
    lists = {name for name, field in shape.model_fields.items() if get_origin(field.annotation) is list}

    def read(form: Posted) -> _Shape:
        values = {name: form.getlist(name) if name in lists else form[name] for name in form}
        try:
            return shape.model_validate(values)
        except ValidationError as fault:
            raise RequestValidationError(fault.errors()) from fault

    return read
