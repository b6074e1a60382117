"""What the import contracts and ruff cannot say about the package's own source."""

import ast
from pathlib import Path

import pytest

import tokenauth

PACKAGE = Path(tokenauth.__file__).parent
SOURCES = sorted(
    path
    for path in PACKAGE.rglob("*.py")
    if "migrations" not in path.parts and path != PACKAGE / "system.py"
)
DOORS = (
    *(".datetime.now", ".datetime.utcnow", ".datetime.today", ".date.today"),
    *(".timezone.now", ".timezone.localtime", ".timezone.localdate"),
    *(".uuid.uuid1", ".uuid.uuid4", ".uuid.uuid6", ".uuid.uuid7", ".os.urandom"),
)
MAX_LINES = 300
MAX_FUNCTION_LINES = 45


def name(path: Path) -> str:
    """Return a path as the name of a test's parameter."""
    return path.relative_to(PACKAGE).as_posix()


@pytest.mark.parametrize("path", SOURCES, ids=name)
class TestSources:
    def test_time_and_randomness_have_one_door(self, path: Path) -> None:
        """Only tokenauth.system asks the clock or the generator: tests move both there."""
        tree = ast.parse(path.read_text())
        used = {ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        used |= {
            f"{node.module}.{alias.name}"
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
        }
        assert not {name for name in used if f".{name}".endswith(DOORS)}

    def test_is_short_enough_to_be_read(self, path: Path) -> None:
        """No file is above 300 lines, and no function above 45 without its docstring."""
        text = path.read_text()
        assert len(text.splitlines()) <= MAX_LINES
        too_long = {
            node.name
            for node in ast.walk(ast.parse(text))
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            and _body_lines(node) > MAX_FUNCTION_LINES
        }
        assert not too_long


def _body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    first = (
        function.body[1] if ast.get_docstring(function) and function.body[1:] else function.body[0]
    )
    return (function.body[-1].end_lineno or 0) - first.lineno + 1
