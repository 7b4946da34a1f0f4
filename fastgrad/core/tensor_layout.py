"""x as a tensor of PyTorch or an array of JAX: f gets one of the same type and device, and so are the results."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .layout import ArrayLayout
from .tensors import library_of


class TensorLayout(ArrayLayout):
    """x is a tensor.

    Attributes
    ----------
    library : {"torch", "jax"}
    dtype : str
        Of what f gets, such as ``"float32"``: that of x, where it is floating.
    device : str
        Where PyTorch keeps it; "" with JAX.
    parameter : bool
        Whether x is a `torch.nn.Parameter`.
    requires_grad : bool
        Whether x asks PyTorch for its gradient: what f and grad get does so too, results do not.
    """

    __slots__ = ("device", "dtype", "library", "parameter", "requires_grad")

    def __init__(
        self,
        shape: tuple[int, ...],
        library: str,
        dtype: str,
        device: str = "",
        parameter: bool = False,
        requires_grad: bool = False,
    ) -> None:
        super().__init__(shape)
        self.library = library
        self.dtype = dtype
        self.device = device
        self.parameter = parameter
        self.requires_grad = requires_grad

    def _data(self) -> tuple[Any, ...]:
        return self.shape, self.library, self.dtype, self.device, self.parameter, self.requires_grad

    @property
    def narrow(self) -> bool:
        """As for `Layout`."""
        return self.dtype != "float64"

    def restore(self, values: NDArray[Any]) -> Any:
        """As for `Layout`: without a graph."""
        return self.block(values.reshape(self.shape))

    def maker(self) -> Callable[[NDArray[Any]], Any]:
        """As for `Layout`: it requires a gradient where x does."""
        return self._argument

    def taker(self, start: int) -> Callable[[NDArray[Any]], Any]:
        """As for `Layout`: it requires a gradient where x does."""
        place = slice(start, start + self.n)
        return lambda values: self._argument(values[place])

    def restore_columns(self, matrix: NDArray[Any]) -> Any:
        """As for `Layout`: a tensor."""
        return self.block(super().restore_columns(matrix))

    def restore_square(self, matrix: NDArray[Any]) -> Any:
        """As for `Layout`: a tensor."""
        return self.block(super().restore_square(matrix))

    def of_blocks(self, f: Callable[..., Any]) -> Callable[..., Any]:
        """As for `Layout`: f gets tensors."""
        return OfBlocks(f, self)

    def block(self, values: NDArray[Any]) -> Any:
        """As for `Layout`: a tensor."""
        if values.dtype.kind not in "fc":  # flags
            return values
        if self.library == "jax":
            jnp = importlib.import_module("jax.numpy")
            # A copy: JAX may look at what it was given when that has changed already.
            return jnp.asarray(np.array(values, dtype=self._dtype(values, jnp)))
        torch = importlib.import_module("torch")
        dtype = self._dtype(values, torch)
        if not values.flags.writeable or any(step < 0 for step in values.strides):
            values = values.copy()
        return torch.from_numpy(values).to(device=self.device, dtype=dtype)

    def _dtype(self, values: NDArray[Any], library: Any) -> Any:
        if values.dtype.kind != "c":
            return getattr(library, self.dtype)
        return library.complex64 if self.narrow else library.complex128

    def _argument(self, values: NDArray[Any]) -> Any:
        found = self.restore(values)
        if self.parameter:
            return importlib.import_module("torch").nn.Parameter(found, self.requires_grad)
        return found.requires_grad_() if self.requires_grad else found


class OfBlocks:
    """A vectorised f of tensors, which gets them instead of arrays."""

    def __init__(self, f: Callable[..., Any], layout: TensorLayout) -> None:
        self.f = f
        self.layout = layout

    def __call__(self, X: NDArray[Any], *args: Any) -> Any:
        return self.f(self.layout.block(X), *args)


def layout_of(x: Any, name: str, shape: tuple[int, ...]) -> TensorLayout:
    """The layout of points such as a tensor; one of whole numbers becomes float64, as with NumPy.

    Raises
    ------
    TypeError
        It holds numbers of less than 32 bits; the error calls it `name`.
    """
    if library_of(x) == "jax":
        jnp = importlib.import_module("jax.numpy")
        floating = jnp.issubdtype(x.dtype, jnp.floating)
        # Without jax_enable_x64 there is no float64.
        found = TensorLayout(shape, "jax", str(x.dtype if floating else jnp.zeros(()).dtype))
    else:
        dtype = str(x.dtype).removeprefix("torch.") if x.is_floating_point() else "float64"
        parameter = isinstance(x, importlib.import_module("torch").nn.Parameter)
        found = TensorLayout(shape, "torch", dtype, str(x.device), parameter, x.requires_grad)
    if found.dtype not in ("float32", "float64"):
        raise TypeError(f"{name} has dtype {found.dtype}, too coarse for differences; use float32, or better float64")
    return found
