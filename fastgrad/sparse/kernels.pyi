import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..evaluate.python import PythonFunction

class Pattern:
    row_starts: NDArray[np.int32]
    columns: NDArray[np.int32]
    column_starts: NDArray[np.int32]
    rows: NDArray[np.int32]
    def __init__(self, m: int, n: int, row_starts: ArrayLike, columns: ArrayLike) -> None: ...
    def colours(self, smallest_last: bool = False, star: bool = False) -> tuple[NDArray[np.int32], int]: ...

class Compression:
    groups: NDArray[np.int32]
    group_starts: NDArray[np.int32]
    entries: NDArray[np.int32]
    entry_starts: NDArray[np.int32]
    entry_rows: NDArray[np.int32]
    entry_columns: NDArray[np.int32]
    count: int
    outputs: int
    def __init__(
        self,
        outputs: int,
        groups: ArrayLike,
        group_starts: ArrayLike,
        entries: ArrayLike,
        entry_starts: ArrayLike,
        entry_rows: ArrayLike,
        entry_columns: ArrayLike,
    ) -> None: ...
    def scatter(
        self,
        rights: NDArray[np.float64],
        lefts: NDArray[np.float64],
        x: NDArray[np.float64],
        first: NDArray[np.float64],
        second: NDArray[np.float64],
        data: NDArray[np.float64],
    ) -> None: ...

def compressed(
    f: PythonFunction,
    by: Compression,
    x: NDArray[np.float64],
    h: NDArray[np.float64],
    data: NDArray[np.float64],
) -> None: ...
