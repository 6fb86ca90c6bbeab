"""Types of arrays with their shapes: `Float32[np.ndarray, "rows d"]`.

jaxtyping's, for readers, for mypy and for the tests, which check every call against them. A run
checks nothing, and so does without them: importing jaxtyping and making a class of each shape takes
.15 s of every start.
"""

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING or "jaxtyping" in sys.modules:
    from jaxtyping import Bool as Bool
    from jaxtyping import Float as Float
    from jaxtyping import Float32 as Float32
    from jaxtyping import Float64 as Float64
    from jaxtyping import Int as Int
    from jaxtyping import Int8 as Int8
    from jaxtyping import Int32 as Int32
    from jaxtyping import Int64 as Int64
    from jaxtyping import Integer as Integer
    from jaxtyping import Shaped as Shaped
    from jaxtyping import UInt8 as UInt8
    from jaxtyping import UInt32 as UInt32
else:

    class Shaped:
        """Stands for all of them: the type without its shape."""

        def __class_getitem__(cls, array_and_shape: tuple[Any, str]) -> Any:
            return array_and_shape[0]

    Bool = Float = Float32 = Float64 = Int = Int8 = Int32 = Int64 = Integer = UInt8 = UInt32 = (
        Shaped
    )
