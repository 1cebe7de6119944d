"""`make shape`: how large the house is, and how its parts hang together. The limits are held by CI.

Args: --check fails where a limit is passed.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from grimp import build_graph

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("crm", "automation", "documents")
LIMITS = {
    "loose modules in crm/": 11,
    "largest import circle": 3,
    "imports inside functions": 15,
    "longest template line": 140,
    "p90 of a function's lines": 20,
    "longest function": 50,
    "longest file": 400,
    "# type: ignore": 40,
}


def sources() -> Iterator[Path]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            if "migrations" not in path.parts:
                yield path


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def lines_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """From `def` to the end, docstring included."""
    return (function.end_lineno or 0) - function.lineno + 1


def inner_imports(tree: ast.AST) -> int:
    found = {id(node) for f in functions(tree) for node in ast.walk(f) if isinstance(node, ast.Import | ast.ImportFrom)}
    return len(found)


def largest_circle() -> int:
    """The largest set of modules that reach each other by imports (Tarjan 1972)."""
    graph = build_graph(*PACKAGES, exclude_type_checking_imports=True)
    number: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    largest = 1

    def visit(module: str) -> None:
        nonlocal largest
        number[module] = low[module] = len(number)
        stack.append(module)
        for other in graph.find_modules_directly_imported_by(module):
            if other not in number:
                visit(other)
                low[module] = min(low[module], low[other])
            elif other in stack:
                low[module] = min(low[module], number[other])
        if low[module] == number[module]:
            place = stack.index(module)
            largest = max(largest, len(stack) - place)
            del stack[place:]

    sys.setrecursionlimit(10_000)
    for module in sorted(graph.modules):
        if module not in number:
            visit(module)
    return largest


def measured() -> dict[str, int]:
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in sources()}
    lengths = sorted(lines_of(function) for tree in trees.values() for function in functions(tree))
    templates = [line for path in (ROOT / "templates").rglob("*.html") for line in path.read_text().splitlines()]
    texts = {path: path.read_text(encoding="utf-8") for path in trees}
    return {
        "lines of code": sum(len(text.splitlines()) for text in texts.values()),
        "functions": len(lengths),
        "median of a function's lines": int(median(lengths)),
        "p90 of a function's lines": lengths[int(len(lengths) * 0.9)],
        "longest function": lengths[-1],
        "longest file": max(len(text.splitlines()) for text in texts.values()),
        "loose modules in crm/": sum(1 for path in (ROOT / "crm").glob("*.py") if path.name != "__init__.py"),
        "largest import circle": largest_circle(),
        "imports inside functions": sum(inner_imports(tree) for tree in trees.values()),
        "longest template line": max(map(len, templates)),
        "# type: ignore": sum(len(re.findall(r"# type: ignore", text)) for text in texts.values()),
    }


def main() -> None:
    passed = []
    for name, figure in measured().items():
        limit = LIMITS.get(name)
        over = limit is not None and figure > limit
        passed += [name] if over else []
        print(f"{name:32} {figure:7}" + ("" if limit is None else f"   at most {limit}" + ("  PASSED" if over else "")))
    if passed and "--check" in sys.argv:
        sys.exit(f"past its limit: {', '.join(passed)}")


if __name__ == "__main__":
    main()
