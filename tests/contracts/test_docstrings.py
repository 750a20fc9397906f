"""Every module and every public name has a docstring."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "pgqueue").rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_and_its_public_names_have_docstrings(path: Path) -> None:
    module = ast.parse(path.read_text())

    bare = [] if ast.get_docstring(module) else ["the module itself"]
    bare += _without_docstring(module, prefix="")

    assert [] == bare


def _without_docstring(node: ast.Module | ast.ClassDef, prefix: str) -> list[str]:
    bare = []
    for item in node.body:
        if not isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        if item.name.startswith("_") or _is_protocol(node) or _is_overload(item):
            continue
        if not ast.get_docstring(item):
            bare.append(prefix + item.name)
        if isinstance(item, ast.ClassDef):
            bare += _without_docstring(item, f"{item.name}.")
    return bare


def _is_protocol(node: ast.Module | ast.ClassDef) -> bool:
    # The docstring of a protocol describes its methods.
    return isinstance(node, ast.ClassDef) and any("Protocol" in ast.dump(b) for b in node.bases)


def _is_overload(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> bool:
    return any("overload" in ast.dump(decorator) for decorator in node.decorator_list)
