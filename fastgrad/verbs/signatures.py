"""Options that several verbs have, each written once: its type, default, check and text."""

# Annotations are not postponed here: the options are read from them.

import functools
import inspect
import re
import textwrap
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal, NamedTuple, TypedDict, TypeVar, get_type_hints

from ..core import options as checks
from ..core.options import Check, optional
from ..evaluate.functions import SERIAL, Evaluation, Vectorized, Workers, evaluation
from ..evaluate.results import DOMAIN_ERRORS
from ..methods.adaptive import EVALUATIONS
from ..methods.method import Method
from ..methods.named import CENTRAL, make_method

MethodName = Literal["central", "forward", "complex", "adaptive"]
Sparsity = Literal["detect", "nan"] | Any
Verb = TypeVar("Verb", bound=Callable[..., Any])


class Option(NamedTuple):
    """What an option is where it is not given, which values it takes, and what the docstring of a verb says of it."""

    default: Any
    check: Check
    kind: str
    text: str


class SchemeOptions(TypedDict, total=False):
    """Which differences are taken."""

    method: Annotated[
        MethodName,
        Option(
            "central",
            checks.one_of("central", "forward", "complex", "adaptive"),
            '{"central", "forward", "complex", "adaptive"}',
            """
            Central differences; forward differences, the cheapest; the complex step, exact to rounding for functions
            that compute analytically with complex numbers; or steps found by looking at f, see `differentiate`.
            """,
        ),
    ]
    order: Annotated[
        Literal[1, 2, 4, 6, 8] | None,
        Option(
            None,
            optional(checks.whole),
            "int",
            """
            Order of accuracy of the central differences: 2 (default), 4, 6 or 8.
            """,
        ),
    ]
    step: Annotated[
        Any,
        Option(
            None,
            optional(checks.sizes),
            "array_like",
            """
            Steps in the units of x: one number, or of x's shape. Chosen by default, see Notes of `gradient`.
            """,
        ),
    ]


TypicalX = Annotated[
    Any,
    Option(
        None,
        optional(checks.sizes),
        "array_like",
        """
        Typical sizes of the coordinates; steps are relative to the larger of this (default 1) and ``abs(x)``.
        """,
    ),
]


Scale = Annotated[
    Any,
    Option(
        None,
        optional(checks.sizes),
        "array_like",
        """
        The distances over which f changes, where these are not about ``abs(x)``: a number, or of x's shape. Steps are
        relative to them, larger or smaller than x as they may be: days for a Julian date, 1e-6 for micromoles.
        """,
    ),
]


class CoordinateOptions(TypedDict, total=False):
    """What is known of the coordinates."""

    typical_x: TypicalX
    scale: Scale
    bounds: Annotated[
        Any,
        Option(
            None,
            optional(checks.bounds),
            "(lower, upper)",
            """
            Where f may be evaluated, each a number, None or of x's shape. Stencils that would cross them become
            one-sided, of the same order, at least 2.
            """,
        ),
    ]


class NoiseOptions(TypedDict, total=False):
    """What is known of f's noise."""

    noise: Annotated[
        float | None,
        Option(
            None,
            optional(checks.noise),
            "float",
            """
            Absolute noise of one evaluation of f, where known. Steps follow from it, unless f shows less noise, or
            changes over less than them: two more evaluations a component or so look at that, but with check=False. The
            error of a solver is no noise where it is smooth: see "Noisy functions" in the documentation.
            """,
        ),
    ]


class LookOptions(TypedDict, total=False):
    """Whether derivatives by fixed steps are compared with f."""

    check: Annotated[
        bool | None,
        Option(
            None,
            optional(checks.flag),
            "bool",
            """
            Whether two more evaluations of f, along a random direction, must agree with the derivatives. Those that do
            not are taken by the adaptive method, with a warning. By default from 20 components on, where that is at
            most 5% of the cost; of Hessians, their products and complex steps; and the first time that an object of
            `grad` is called.
            """,
        ),
    ]


class DifferenceOptions(SchemeOptions, CoordinateOptions, NoiseOptions, LookOptions, total=False):
    """How differences are taken."""


class DomainOptions(TypedDict, total=False):
    """What is known of f's domain."""

    domain_errors: Annotated[
        tuple[type[Exception], ...],
        Option(
            DOMAIN_ERRORS,
            checks.exceptions,
            "tuple of exception classes",
            """
            What f raises where it is not defined: there, differences become one-sided. Any other exception in f comes
            out as it is. By default ValueError and ArithmeticError.
            """,
        ),
    ]


class WorkerOptions(TypedDict, total=False):
    """Who evaluates f."""

    workers: Annotated[
        Workers,
        Option(
            None,
            optional(checks.workers),
            "int or concurrent.futures.Executor",
            """
            Who evaluates f: so many threads if f is compiled or vectorised (it should release the GIL), so many
            processes if it is a Python function (extra ``workers``); or an executor: threads, processes, Dask, MPI. The
            result does not depend on it.
            """,
        ),
    ]
    progress: Annotated[
        bool,
        Option(
            False,
            checks.flag,
            "bool",
            """
            Show evaluations done and time left (extra ``progress``).
            """,
        ),
    ]
    retries: Annotated[
        int,
        Option(
            0,
            checks.count,
            "int",
            """
            How often workers do again what failed: f raised, or a process died.
            """,
        ),
    ]


class VectorizedOptions(TypedDict, total=False):
    """Whether f takes blocks of points."""

    vectorized: Annotated[
        Vectorized,
        Option(
            False,
            checks.vectorized,
            'bool or {"rows", "columns"}',
            """
            f takes points of shape (k, n), one a row, and returns (k,); with "columns" it takes (n, k).
            """,
        ),
    ]


class EvaluationOptions(DomainOptions, VectorizedOptions, WorkerOptions, total=False):
    """How f is evaluated."""


class Options(DifferenceOptions, EvaluationOptions, total=False):
    """Options of the verbs that choose their method."""


class AdaptiveOptions(CoordinateOptions, NoiseOptions, EvaluationOptions, total=False):
    """Options of the verbs whose method is the adaptive one."""

    tol: Annotated[
        float | None,
        Option(
            None,
            optional(checks.share),
            "float",
            """
            Relative error that is enough: evaluations stop once the error bar is below it; from 1e-4 on, 4 a component
            are mostly enough. By default they stop where more of them would gain little.
            """,
        ),
    ]
    max_evals: Annotated[
        int,
        Option(
            EVALUATIONS,
            checks.count,
            "int",
            """
            The most evaluations a component, with its part of those that all components share. Noisy functions take
            nearly all; with fewer, bars are longer, or infinite.
            """,
        ),
    ]


class NoiseLevelOptions(EvaluationOptions, total=False):
    """Options of `noise_level`."""

    typical_x: TypicalX
    scale: Scale


class ToleranceOptions(TypedDict, total=False):
    """What a check accepts."""

    atol: Annotated[
        Any,
        Option(
            0.0,
            checks.tolerance,
            "float, pytree or dict",
            """
            Absolute error that is accepted, on top of the error bars of the differences: one number, one for each
            coordinate in x's structure, or a dict of some leaves by their names, 0 for the others.
            """,
        ),
    ]
    rtol: Annotated[
        Any,
        Option(
            0.0,
            checks.tolerance,
            "float, pytree or dict",
            """
            Relative error that is accepted, as `atol`. An entry whose error bar is within what is accepted is decided.
            """,
        ),
    ]
    seed: Annotated[
        int,
        Option(
            0,
            checks.count,
            "int",
            """
            Of the random directions and points.
            """,
        ),
    ]


class GradientCheckOptions(ToleranceOptions, CoordinateOptions, EvaluationOptions, total=False):
    """Options of `check_grad` that other verbs have too."""


class JacobianCheckOptions(ToleranceOptions, CoordinateOptions, EvaluationOptions, total=False):
    """Options of `check_jacobian` that other verbs have too."""


# By verb: the checks of its options, and their defaults.
_KNOWN: dict[Callable[..., Any], tuple[dict[str, Check], dict[str, Any]]] = {}


def with_options(kind: Any) -> Callable[[Verb], Verb]:
    """Decorate a verb with ``**options: Unpack[kind]``: its signature and docstring show each of the options.

    Nothing is done at a call. In the docstring the entry ``**options`` of the parameters gives way to the options'
    own; an option that the docstring has an entry for keeps that.
    """
    hints, known, entries = _read(kind)

    def decorated(verb: Verb) -> Verb:
        own = inspect.signature(verb)
        parameters = [each for each in own.parameters.values() if each.kind is not each.VAR_KEYWORD]
        for name, hint in hints.items():
            default, kind = known[name].default, hint.__origin__
            parameters.append(inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind))
        verb.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined]
        if verb.__doc__:
            verb.__doc__ = _with_entries(verb.__doc__, entries)
        checks = {name: option.check for name, option in known.items()}
        _KNOWN[verb] = checks, SERIAL._asdict() | {name: option.default for name, option in known.items()}
        return verb

    return decorated


@functools.cache
def _read(kind: Any) -> tuple[dict[str, Any], dict[str, Option], dict[str, str]]:
    """The type, the option and the entry in docstrings of each option of a kind."""
    hints = get_type_hints(kind, include_extras=True)
    known = {name: hint.__metadata__[0] for name, hint in hints.items()}
    return hints, known, {name: _entry(name, option) for name, option in known.items()}


@functools.cache
def _entry(name: str, option: Option) -> str:
    return f"{name} : {option.kind}, optional\n" + textwrap.indent(inspect.cleandoc(option.text), "    ")


def _with_entries(doc: str, entries: Mapping[str, str]) -> str:
    doc = inspect.cleandoc(doc)
    written = {name for names in re.findall(r"^(\w[\w, ]*) : ", doc, re.M) for name in names.split(", ")}
    texts = [entry for name, entry in entries.items() if name not in written]
    return re.sub(r"^\*\*options\n(?:    .*\n)*", lambda _: "\n".join(texts) + "\n", doc, flags=re.M)


def checked(verb: Callable[..., Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """All options of a verb: those that were given, checked, and the defaults of the others.

    Raises
    ------
    TypeError
        The verb has no such option; a value has the wrong type.
    ValueError
        A value is wrong.
    """
    known, found = _KNOWN[verb]
    found = found.copy()
    for name, value in given.items():
        if name not in known:
            raise _unexpected(verb, name)
        found[name] = known[name](name, value)
    return found


def choose(verb: Callable[..., Any], given: Mapping[str, Any]) -> tuple[Method, Evaluation]:
    """The method, and how f is evaluated, that the options of a call name; errors as for `checked`."""
    if not given:
        return CENTRAL, SERIAL
    found = checked(verb, given)
    return method_of(found), evaluation_of(found, given)


def evaluation_of(found: Mapping[str, Any], given: Mapping[str, Any]) -> Evaluation:
    """How f is evaluated, by all options of a call and those that were given."""
    return SERIAL if _OF_EVALUATION.isdisjoint(given) else evaluation(found)


_OF_EVALUATION = frozenset(Evaluation._fields)


def method_of(found: Mapping[str, Any]) -> Method:
    """The method that checked options name."""
    return make_method(
        found["method"],
        found["order"],
        found["step"],
        found["typical_x"],
        found["bounds"],
        found["noise"],
        found["scale"],
        found["check"],
    )


def _unexpected(verb: Callable[..., Any], name: str) -> TypeError:
    from difflib import get_close_matches

    near = get_close_matches(name, inspect.signature(verb).parameters, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return TypeError(f"{verb.__name__}() got an unexpected option {name!r}{hint}")
