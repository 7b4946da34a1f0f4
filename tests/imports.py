"""Which module of fastgrad imports which: at its top, inside functions, in Cython's files; not for type checkers."""

import ast
import re
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "fastgrad"
_CYTHON = re.compile(r"^[ \t]*from[ \t]+(\.*)([\w.]*)[ \t]+c?import[ \t]+(\([^)]*\)|[^\n#]+)", re.M)
_WHOLE = re.compile(r"^[ \t]*c?import[ \t]+(fastgrad[\w.]*)", re.M)
_INCLUDED = re.compile(r'^[ \t]*include[ \t]+"([^"]+)"', re.M)


def modules():
    """Files by the name of their module: ``core/point``; ``name.pxi`` is a module of its own, ``name.pxd`` is not."""
    found = {}
    for path in sorted(PACKAGE.rglob("*")):
        if path.suffix in (".py", ".pyx", ".pxd", ".pxi"):
            short = path.relative_to(PACKAGE)
            name = short.as_posix() if path.suffix == ".pxi" else short.with_suffix("").as_posix()
            found.setdefault(name.removesuffix("/__init__"), []).append(path)
    return found


def graph():
    """For each module those that it imports."""
    known = modules()
    found = {name: set() for name in known}
    for name, paths in known.items():
        for path in paths:
            found[name] |= {target for each in _imports(path) for target in _targets(path, *each, known)} - {name}
    return found


def circles(edges):
    """Sets of modules that lead back to themselves (Tarjan, SIAM J. Comput. 1 (1972) 146-160)."""
    number, lowest, stack, found = {}, {}, [], []

    def visit(module):
        number[module] = lowest[module] = len(number)
        stack.append(module)
        for other in sorted(edges[module]):
            if other not in number:
                visit(other)
                lowest[module] = min(lowest[module], lowest[other])
            elif other in stack:
                lowest[module] = min(lowest[module], number[other])
        if lowest[module] == number[module]:
            place = stack.index(module)
            if len(stack) - place > 1:
                found.append(sorted(stack[place:]))
            del stack[place:]

    for module in edges:
        if module not in number:
            visit(module)
    return found


def _imports(path):
    """(dots, module, names) of each import in a file."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        for node in _statements(ast.parse(text)):
            if isinstance(node, ast.ImportFrom):
                yield node.level, node.module or "", [alias.name for alias in node.names]
            elif isinstance(node, ast.Import):
                yield from ((0, alias.name, []) for alias in node.names)
        return
    for dots, module, names in _CYTHON.findall(text):
        yield len(dots), module, [name.split()[0] for name in names.strip("() \n").split(",") if name.strip()]
    yield from ((0, module, []) for module in _WHOLE.findall(text))
    for included in _INCLUDED.findall(text):
        yield None, (path.parent / included).resolve().relative_to(PACKAGE).as_posix(), []


def _statements(node):
    """All nodes below but those that only type checkers see."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
            for other in child.orelse:
                yield from (other, *_statements(other))
        else:
            yield child
            yield from _statements(child)


def _targets(path, dots, module, names, known):
    """The modules of fastgrad that an import names."""
    if dots is None:
        yield module
        return
    if dots:
        folder = path.parents[dots - 1]
    elif module.partition(".")[0] == "fastgrad":
        folder, module = PACKAGE, module.partition(".")[2]
    else:
        return
    base = folder.joinpath(*module.split(".")) if module else folder
    short = base.relative_to(PACKAGE).as_posix()
    for name in names or [""]:
        inside = name if short == "." else f"{short}/{name}"
        if inside in known:
            yield inside
        elif short in known:
            yield short
