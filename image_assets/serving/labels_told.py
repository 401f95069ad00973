"""Labels as the service tells of them."""

from pydantic import BaseModel, Field


class LabelChance(BaseModel):
    """A label and how probable it is."""

    label: str = Field(examples=["dress"])
    confidence_ratio: float = Field(ge=0, le=1, description="Calibrated probability, 0 to 1.", examples=[0.93])
