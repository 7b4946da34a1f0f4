"""DataFrames of any library, through Narwhals (extra ``frames``), which is loaded when one comes by."""

from __future__ import annotations

from typing import Any


def load_narwhals() -> Any:
    """Narwhals.

    Raises
    ------
    ImportError
        It is missing (extra ``frames``).
    """
    try:
        import narwhals.stable.v2 as narwhals
    except ImportError as error:
        raise ImportError("DataFrames need narwhals: pip install 'fastgrad[frames]'") from error
    return narwhals


def native_frame(columns: dict[str, Any], library: str) -> Any:
    """A DataFrame of this library; of pandas or polars if none is named.

    Raises
    ------
    ImportError
        narwhals, or the library, is missing.
    """
    narwhals = load_narwhals()
    for backend in [library] if library else ["pandas", "polars"]:
        try:
            __import__(backend)
        except ImportError:
            continue
        return narwhals.from_dict(columns, backend=backend).to_native()
    package = library or "'fastgrad[frames]'"
    raise ImportError(f"to_frame needs {library or 'pandas or polars'}: pip install {package}")
