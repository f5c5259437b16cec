"""The blocks of code in the documentation, and how they are run."""

from __future__ import annotations

import io
import re
from contextlib import redirect_stdout
from itertools import pairwise
from typing import Any

from tests.repository import ROOT

_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def blocks(document: str, language: str | None = None, *, below: str = "") -> list[tuple[str, str]]:
    """Return the language and the text of each block of a document, or of those in one language, or below a heading."""
    text = (ROOT / document).read_text(encoding="utf-8")
    found = _BLOCK.findall(text.partition(f"## {below}\n")[2] if below else text)
    return [block for block in found if language in (None, block[0])]


def python_blocks(document: str) -> list[str]:
    """Return the text of each block of Python."""
    return [text for _, text in blocks(document, "python")]


def commands(document: str) -> list[str]:
    """Return the commands of the shell in a document, each in one line."""
    texts = [text for language, text in blocks(document) if language in ("", "sh")]
    lines = (line for text in texts for line in text.replace("\\\n", " ").splitlines())
    return [line for line in lines if re.match(r"(\.venv/bin/)?modelwatch ", line)]


def run(document: str, names: dict[str, Any], *, until: str | None = None) -> list[tuple[str, str]]:
    """Run the Python of a document in order, and return what was printed beside what the document says of it.

    Parameters
    ----------
    names : dict
        What the blocks find; what they define is added.
    until : str, optional
        A word of the first block that is not run any more.
    """
    printed: list[tuple[str, str]] = []
    for (language, text), (next_language, expected) in pairwise([*blocks(document), ("", "")]):
        if language == "python":
            if until is not None and until in text:
                return printed
            with redirect_stdout(io.StringIO()) as output:
                exec(compile(text, document, "exec"), names)
            if next_language == "text":
                printed.append((output.getvalue(), expected))
    return printed


def words_of_sentences(document: str) -> list[tuple[str, int]]:
    """Return each sentence of a document, outside of code, and the number of its words; a link counts as its text."""
    text = _BLOCK.sub("\n\n", (ROOT / document).read_text(encoding="utf-8"))
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"^[#>-]+ ", "\n", text, flags=re.MULTILINE).replace("|", "\n\n")
    parts = (" ".join(part.split()) for part in re.split(r"\n\s*\n", text))
    sentences = (sentence for part in parts for sentence in re.split(r"(?<=[.!?])\*{0,2} ", part))
    return [(sentence, len(re.findall(r"[\w`'-]+(?:[./][\w`]+)*", sentence))) for sentence in sentences if sentence]
