"""Arrays in an ``.npz`` file, read by a table of what each must be."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from ..core.given import shown

if TYPE_CHECKING:
    import zipfile

LARGEST = float(np.finfo(np.float64).max)
MANY = 2**53
"""More than there are: iterations, evaluations, rows."""
_LONGEST_TEXT = 1 << 16
_STORED = 0  # zipfile's ZIP_STORED


@dataclass(frozen=True, eq=False)
class Entry:
    """What an array of a file must be: float64 within limits, unless said otherwise.

    Attributes
    ----------
    shape : tuple of int or range
        Its shape; a range where several lengths are allowed.
    low, high : float or ndarray
        All entries are within; by default they are finite.
    kind : type
        float, int, or str for a text.
    nan : bool
        Whether NaN is allowed too: not known.
    """

    shape: tuple[int | range, ...] = ()
    low: float | NDArray[np.float64] = -LARGEST
    high: float | NDArray[np.float64] = LARGEST
    kind: type = float
    nan: bool = False

    @property
    def dtype(self) -> np.dtype[Any]:
        """How it is kept."""
        return np.dtype({float: np.float64, int: np.int64}.get(self.kind, np.str_))

    def allows(self, shape: tuple[int, ...]) -> bool:
        """Whether an array may have this shape."""
        pairs = zip(shape, self.shape, strict=False)
        fits = all(found in allowed if isinstance(allowed, range) else found == allowed for found, allowed in pairs)
        return len(shape) == len(self.shape) and fits

    def expected(self) -> str:
        """The shape in words."""
        lengths = [f"{d.start} or more" if isinstance(d, range) and len(d) > 99 else d for d in self.shape]
        texts = [f"{d.start} to {d.stop - 1}" if isinstance(d, range) else str(d) for d in lengths]
        return f"({', '.join(texts)}{',' if len(texts) == 1 else ''})"


def read(file: IO[bytes], table: Mapping[str, Entry], others: bool = False) -> dict[str, Any]:
    """The entries of a table; those without axes as numbers or text.

    Parameters
    ----------
    file : binary file
        At its beginning.
    table : mapping of str to Entry
    others : bool, optional
        Whether the file may have more.

    Raises
    ------
    ValueError
        An entry is not what the table says: the text names it.
    Exception
        Of whatever kind zipfile and NumPy raise: the file is not an archive of arrays.
    """
    import zipfile  # loaded when used: most descents have no checkpoint

    size = os.fstat(file.fileno()).st_size
    with zipfile.ZipFile(file) as archive:
        members: dict[str, zipfile.ZipInfo] = {}
        for member in archive.infolist():
            name = member.filename.removesuffix(".npy")
            if name in members or not (name in table or others):
                raise ValueError(f"it has an entry {shown(name)} {'twice' if name in members else 'too many'}")
            members[name] = member
        for name in table:
            if name not in members:
                raise ValueError(f"its entry {name} is missing")
        return {name: _entry(archive, members[name], name, entry, size) for name, entry in table.items()}


def _entry(archive: zipfile.ZipFile, member: zipfile.ZipInfo, name: str, entry: Entry, size: int) -> Any:
    """One entry: its header is compared before anything is allocated."""
    if member.compress_type != _STORED or not member.file_size == member.compress_size <= size:
        raise ValueError(f"its entry {name} is compressed, or longer than the file")
    with archive.open(member) as stream:
        if npy.read_magic(stream) != (1, 0):
            raise ValueError(f"its entry {name} is an array of another version")
        shape, by_columns, dtype = npy.read_array_header_1_0(stream)
        length = _compared(name, entry, shape, dtype)
        if by_columns or length > member.file_size:
            raise ValueError(f"its entry {name} is stored otherwise than a descent does")
        data = stream.read(length)
        # Its end is where the checksum is compared.
        if len(data) != length or stream.read(1):
            raise ValueError(f"its entry {name} is not as long as it says")
    return _within(name, entry, np.frombuffer(data, dtype, 1 if not shape else -1).reshape(shape))


def _compared(name: str, entry: Entry, shape: tuple[int, ...], dtype: np.dtype[Any]) -> int:
    """How many bytes an array takes, if it has the kind and the shape that it must have."""
    if dtype.kind != entry.dtype.kind or (dtype.kind != "U" and dtype.itemsize != entry.dtype.itemsize):
        raise ValueError(f"its entry {name} has dtype {shown(dtype.str)}, expected {entry.dtype.str}")
    if not entry.allows(shape):
        raise ValueError(f"its entry {name} has shape {shown(shape)}, expected {entry.expected()}")
    if dtype.kind == "U" and not 0 < dtype.itemsize <= 4 * _LONGEST_TEXT:
        raise ValueError(f"its entry {name} is a text of {dtype.itemsize // 4} characters")
    return dtype.itemsize * math.prod(shape)


def _within(name: str, entry: Entry, found: NDArray[Any]) -> Any:
    """An array of this machine's, which is the caller's own, if all of it is within its limits."""
    if entry.kind is str:
        return str(found.item())
    values = found.astype(entry.dtype)
    inside = (entry.low <= values) & (values <= entry.high)
    if entry.nan:
        inside |= np.isnan(values)
    if not inside.all():
        place = tuple(np.argwhere(~inside)[0].tolist())
        low, high = (float(np.broadcast_to(limit, values.shape)[place]) for limit in (entry.low, entry.high))
        expected = f"{low:g} or more" if high >= MANY and low >= 0 else f"{low:g} to {high:g}"
        expected = "a finite number" if high - low == math.inf else expected
        at = f"[{', '.join(map(str, place))}]" if place else ""
        raise ValueError(f"its entry {name}{at} is {values[place]}, expected {expected}")
    return values if values.ndim else values.item()


def write(file: IO[bytes], table: Mapping[str, Entry], values: Mapping[str, Any]) -> None:
    """The entries of a table, with these values, as `read` takes them."""
    import zipfile

    with zipfile.ZipFile(file, "w", _STORED) as archive:
        for name, entry in table.items():
            array = np.ascontiguousarray(values[name], entry.dtype).reshape(np.shape(values[name]))
            with archive.open(f"{name}.npy", "w", force_zip64=True) as stream:
                npy.write_array(stream, array, (1, 0), allow_pickle=False)
