"""What the specification of the Python API has: classes with their methods and parameters, and code."""

from __future__ import annotations

import re

from tests.repository import ROOT

DOCUMENT = ROOT / "tests" / "sdk" / "api_document.md"
_BLOCK = re.compile(r"^### (.+?)\n\n```python\n(.*?)\n```$", re.MULTILINE | re.DOTALL)


def _blocks(section: str) -> dict[str, str]:
    text = DOCUMENT.read_text()
    return dict(_BLOCK.findall(text.partition(f"\n## {section}\n")[2].partition("\n## ")[0]))


CLASSES = _blocks("Classes")
"""The source of each class, by its name."""

CODE = _blocks("Code")
"""Each block of code, by its title, in the order of the document."""
