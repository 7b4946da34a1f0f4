"""No verb asks f beyond its bounds, not by one ulp: random boxes, from one ulp wide."""

import os
import warnings

import numpy as np
import pytest

import fastgrad as fg

BOXES = int(os.environ.get("FASTGRAD_BOXES", "12"))  # a verb; 10^5 boxes take three minutes


def boxes(count, seed):
    """Points and the boxes around them (x, lower, upper), of every kind of place in a box."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        scale = 10.0 ** rng.integers(-12, 13)
        lower = scale * rng.uniform(-1, 1, 2) * rng.choice([0.0, 1.0], 2, p=[0.1, 0.9])
        ulps = rng.integers(1, 40, 2) * np.spacing(np.abs(lower))
        upper = np.where(rng.random(2) < 0.3, lower + ulps, lower + scale * 10.0 ** rng.uniform(-16, 0, 2))
        upper = np.maximum(upper, np.nextafter(lower, np.inf))
        inside = rng.choice([0.0, 1e-12, 1e-6, 1e-3, 0.3, 0.7, 1 - 1e-3, 1 - 1e-6, 1 - 1e-12, 1.0], 2)
        yield np.clip(lower + inside * (upper - lower), lower, upper), lower, upper


def exp(x):
    return np.exp(np.clip(x, -30, 30))


VERBS = {
    "gradient": (lambda f, x, **o: fg.gradient(f, x, **o), False),
    "checked": (lambda f, x, **o: fg.gradient(f, x, check=True, **o), False),
    "order 4, checked": (lambda f, x, **o: fg.gradient(f, x, order=4, check=True, **o), False),
    "jacobian, checked": (lambda f, x, **o: fg.jacobian(f, x, check=True, **o), True),
    "order 8": (lambda f, x, **o: fg.gradient(f, x, order=8, **o), False),
    "forward": (lambda f, x, **o: fg.gradient(f, x, method="forward", **o), False),
    "adaptive": (lambda f, x, **o: fg.gradient(f, x, method="adaptive", **o), False),
    "differentiate": (lambda f, x, **o: fg.differentiate(f, x, **o), False),
    "partial i, i": (lambda f, x, **o: fg.partial(f, x, 0, 0, **o), False),
    "hessian": (lambda f, x, **o: fg.hessian(f, x, **o), False),
    "hessian, order 4": (lambda f, x, **o: fg.hessian(f, x, order=4, **o), False),
    "hessian, forward": (lambda f, x, **o: fg.hessian(f, x, method="forward", **o), False),
    "directional": (lambda f, x, **o: fg.directional(f, x, np.array([1.0, -0.3]), **o), False),
    "hvp": (lambda f, x, **o: fg.hvp(f, x, np.array([1.0, -0.3]), **o), False),
    "batch_gradient": (lambda f, x, **o: fg.batch_gradient(f, np.stack([x, x]), **o), False),
    "jacobian": (lambda f, x, **o: fg.jacobian(f, x, **o), True),
    "plan": (lambda f, x, **o: fg.plan_jacobian(f, x, sparsity=np.eye(2, dtype=bool), **o)(x), True),
    "jvp": (lambda f, x, **o: fg.jvp(f, x, np.array([1.0, -0.3]), **o), True),
}  # fmt: skip


@pytest.mark.parametrize("verb", VERBS)
def test_boxes_are_never_left(verb):
    call, vector = VERBS[verb]
    left = []
    for x, lower, upper in boxes(BOXES, sum(map(ord, verb))):

        def f(point, lower=lower, upper=upper, x=x):
            if (point < lower).any() or (point > upper).any():
                left.append((x, lower, upper, point.copy()))
            values = exp(point)
            return values if vector else float(values.sum())

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            try:
                call(f, x, bounds=(lower, upper))
            except ValueError as error:
                # At a corner there is no way along v; a box of some ulps has no direction to compare a pattern along.
                if "bounds= stop x" not in str(error) and "pattern is wrong" not in str(error):
                    raise
    assert not left, left[0]


@pytest.mark.parametrize("verb", VERBS)
def test_boxes_of_subnormal_width_have_no_room(verb):
    """Parts of such a distance are no numbers of their own: nothing moves, and nothing hangs."""
    call, vector = VERBS[verb]
    ulp = np.nextafter(0.0, 1.0)
    for low, at, high in ((0, 20, 40), (-3, 1, 2), (0, 0, 7), (-30, 11, 11)):
        lower, x, upper = (np.array([k * ulp, k * ulp]) for k in (low, at, high))
        left = []

        def f(point, lower=lower, upper=upper, left=left):
            left.extend(p for p in [point.copy()] if (p < lower).any() or (p > upper).any())
            values = exp(point)
            return values if vector else float(values.sum())

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            try:
                call(f, x, bounds=(lower, upper))
            except ValueError as error:
                assert "bounds= stop x" in str(error) or "pattern is wrong" in str(error)  # noqa: PT017
        assert not left, left[0]
