"""How large files and functions may grow before they have found their second room."""

import ast
from collections.abc import Iterator
from pathlib import Path

FILE_LINES = 400
FUNCTION_LINES = 60


def oversized(root: Path) -> Iterator[str]:
    """Name every file and function below *root* that is too large."""
    for path in sorted(root.rglob("*.py")):
        text = path.read_text()
        if (lines := len(text.splitlines())) > FILE_LINES:
            yield f"{path.relative_to(root)}: {lines} lines"
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                if length > FUNCTION_LINES:
                    yield f"{path.relative_to(root)}: {node.name} has {length} lines"
