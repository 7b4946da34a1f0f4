"""The words of patterns: the only place where they are."""

from __future__ import annotations

from dataclasses import dataclass

# {of} is what the sentence is about; the verbs agree with it; {count} is how many of how many entries.
_SENTENCES = {
    "zero": "{of} {is} zero{count}, but f depends on {it}: does {its} term reach the gradient?",
    "masked": "{of} {is} zero{count}, but f depends on {it}: a mask, or a term that does not reach {it}?",
    "unmasked": "{of} should be zero{count}, since f does not depend on {it}: is a mask missing?",
    "no dependence": "{of} should be zero{count}: f does not depend on {it}",
    "slight single": "{of} is too {slight} of its value{count}",
    "single": "{of} {has} {factor} times {its} value{count}",
    "sign": "{of} {has} the wrong sign{count}",
    "large": "{of} {is} {times} times too large{count}: {reason}",
    "small": "{of} {is} {factor} times what {it} should be{count}: {reason}",
    "slight": "{of} {is} too {slight} of {its} value{count}: {reason}",
    "missing": "a factor {factor} is missing from {of}{count}: {reason}",
    "much": "there is a factor {factor} too much in {of}{count}: {reason}",
    "no term": "the term {term} is missing from {of}{count}: {reason}",
    "term": "there is a term {term} too much in {of}{count}: {reason}",
    "absolute": "{of} {has} no signs{count}: an absolute value?",
    "clipped": "{of} {is} cut off at ±{size}{count}: gradient clipping?",
    "transposed": "{of} {looks} transposed{count}",
    "reshaped": "{of} {looks} transposed and reshaped (rows for columns){count}",
    "swapped axes": "{of} {looks} transposed{count}: axes {axes} are exchanged",
    "shifted": "{of} {is} shifted by one {what}{count}",
    "reversed": "{of} {is} in reverse order{count}",
    "flipped": "{of} {is} in reverse order along {axes}{count}",
    "exchanged": "{first} and {second} are exchanged{count}",
    "exchanged lines": "{what} of {of} are exchanged{count}",
    "exchanged leaves": "{first} and {second} are exchanged",
    "permuted": "{of} {has} the right values in the wrong order{count}: a wrong index?",
    "broadcast": "every entry of {of} is the {of_what} of {what}{count}: a {of_what} that was broadcast?",
    "equal": "the {what} of {of} are all equal{count}, but should not be: a sum or a mean that was broadcast?",
    "p": "{of} {is} the softmax itself{count}: p instead of p - y?",
    "class sums": "the entries of {of} sum to {sum}{count}, and should sum to 0: p instead of p - y?",
    "elementwise": "{of} {is} p·g{count}, not p·(g - Σ p·g): softmax without its own term?",
    "diagonal": "{of} {has} only the diagonal of the Jacobian of softmax{count}: p·(1 - p)·g, not p·(g - Σ p·g)",
    "nonfinite": "{of} {is} not finite{count}",
    "none": "{of} {has} no simple pattern{count}, the worst entry is {worst}",
    "none of all": "no simple pattern, the worst entry is {worst}",
    "stale": "it is right at x {sign} {rate}·gradient: evaluated at a stale point?",
}

_REASONS = {
    "half": "a missing ½?",
    "double": "a factor of 2 lost?",
    "log10": "log for log10?",
    "sum": "a sum, not a mean, over {number}?",
    "mean": "a mean, not a sum, over {number}?",
    "norm": "divided by its norm?",
    "constant": "a constant factor?",
    "by exp": "the derivative with respect to exp({x})?",
    "by log": "the derivative with respect to log({x})?",
    "by square": "the derivative with respect to {x}²?",
    "by root": "the derivative with respect to √{x}?",
    "by logistic": "the derivative with respect to the logistic function s of {x}?",
    "by softplus": "the derivative with respect to log(1 + exp({x})), where s is the logistic function?",
    "by tanh": "the derivative with respect to tanh({x})?",
    "by sine": "the derivative with respect to sin({x})?",
    "chain": "a slip in the chain rule?",
    "twice": "a chain rule applied twice?",
    "penalty": "regularisation?",
    "penalty of L1": "L1 regularisation?",
    "constant term": "a linear term?",
    "constant term or penalty": "a linear term, or L1 regularisation?",
    "barrier": "a logarithmic barrier, or a prior?",
}


@dataclass(frozen=True)
class Subject:
    """What a sentence is about."""

    text: str
    count: str = ""
    plural: bool = False


def sentence(kind: str, subject: Subject, leaf: str = "", **said: str) -> str:
    """What a pattern says of a subject."""
    plural = subject.plural
    verbs = {
        "is": "are" if plural else "is",
        "has": "have" if plural else "has",
        "looks": "look" if plural else "looks",
        "it": "them" if plural and kind in _OBJECTS else ("they" if plural else "it"),
        "its": "their" if plural else "its",
    }
    if "reason" in said:
        said["reason"] = reason(said["reason"], leaf)
    return _SENTENCES[kind].format(of=subject.text, count=subject.count, **verbs, **said)


_OBJECTS = {"zero", "masked", "unmasked", "no dependence"}  # where {it} is an object


def reason(key: str, leaf: str) -> str:
    """Why a pattern may be there; a key may end with a number."""
    name, _, number = key.rpartition(" ")
    if not number.isdigit():
        name, number = key, ""
    return _REASONS[name].format(number=number, x=leaf)


def count(wrong: int, total: int) -> str:
    """How many entries of a leaf."""
    return f" ({wrong} of {total} {'entry' if total == 1 else 'entries'})"


def some(names: list[str], left_out: int) -> str:
    """A few entries as a subject."""
    return listed([*names, f"{left_out} more"] if left_out else names)


def listed(names: list[str]) -> str:
    """Two or more things in a row."""
    return f"{', '.join(names[:-1])} and {names[-1]}"


def lines(what: str, indices: list[int], leaf: str) -> tuple[str, bool]:
    """Rows or columns as a subject, and whether it is plural."""
    if len(indices) == 1:
        return f"{what} {indices[0]} of {leaf}", False
    return f"{what}s {listed(list(map(str, indices)))} of {leaf}", True


def more(leaves: int) -> str:
    """Leaves that are left out."""
    return f"and {leaves} more {'leaf' if leaves == 1 else 'leaves'}"


EVERYTHING = "all of it"
