"""The pages that strangers read, and what can be checked in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from attrs import evolve, frozen

ROOT = Path(__file__).parents[2]
PAGES = (ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md")))

RUN = frozenset({"python", "yaml", "console"})
SHOWN = frozenset({"text", "json", "js"})
"""Languages of blocks that are only looked at."""

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_NOTE = re.compile(r"<!-- (continues|prints|warns \d+) -->\n\Z")


@frozen
class Block:
    """A fenced block.

    Attributes:
        page: Where it stands.
        line: Its first line, from 1.
        language: What is behind the fence.
        text: What is in it; a block that continues another holds both.
        note: The comment right above it: ``continues``, ``prints`` or ``warns N``.
    """

    page: Path
    line: int
    language: str
    text: str
    note: str = ""

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks(page: Path) -> list[Block]:
    """Return the blocks of *page*, in order."""
    text = page.read_text()
    found = []
    for match in _FENCE.finditer(text):
        note = _NOTE.search(text[: match.start()])
        line = text.count("\n", 0, match.start()) + 2
        found.append(Block(page, line, match[1], match[2], note[1] if note else ""))
    return found


def programs(language: str) -> list[Block]:
    """Return all that is to be run or loaded: the blocks of *language*, joined where they continue."""
    joined: list[Block] = []
    for page in PAGES:
        for block in blocks(page):
            if block.language != language:
                continue
            if block.note == "continues":
                assert joined, f"{block} continues nothing"
                assert joined[-1].page == page, f"{block} continues another page's"
                block = evolve(block, text=f"{joined[-1].text}\n{block.text}")  # noqa: PLW2901
            joined.append(block)
    return joined


def printed(program: Block) -> str | None:
    """Return what its page says that *program* prints, if it says so."""
    after = [block for block in blocks(program.page) if block.line > program.line]
    return after[0].text if after and after[0].note == "prints" else None


def commands() -> Iterator[tuple[Block, str]]:
    """Yield every command of the console blocks: the lines that start with ``$``, continued ones joined."""
    for block in programs("console"):
        lines = iter(block.text.splitlines())
        for line in lines:
            command = line
            while command.endswith("\\"):
                command = command[:-1] + next(lines)
            if command.startswith("$ "):
                yield block, command[2:]


def prose(page: Path) -> str:
    """Return *page* without its fenced blocks."""
    return _FENCE.sub("", page.read_text())


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
