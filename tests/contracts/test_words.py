"""Every module and every public name says what it is."""

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
    for each in node.body:
        if not isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        if each.name.startswith("_") or _is_protocol(node) or _is_overload(each):
            continue
        if not ast.get_docstring(each):
            bare.append(prefix + each.name)
        if isinstance(each, ast.ClassDef):
            bare += _without_docstring(each, f"{each.name}.")
    return bare


def _is_protocol(node: ast.Module | ast.ClassDef) -> bool:
    # A protocol's docstring tells its verbs.
    return isinstance(node, ast.ClassDef) and any("Protocol" in ast.dump(b) for b in node.bases)


def _is_overload(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> bool:
    return any("overload" in ast.dump(each) for each in node.decorator_list)
