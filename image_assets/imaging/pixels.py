"""What a picture is to this package: an array of pixels."""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

RgbImage: TypeAlias = npt.NDArray[np.uint8]
"""uint8, rows x columns x 3, sRGB."""

GreyImage: TypeAlias = npt.NDArray[np.uint8]
"""uint8, rows x columns, ITU-R BT.601 luma."""

Pixels: TypeAlias = RgbImage | GreyImage
"""Of either kind."""
