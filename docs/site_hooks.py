"""Puts the Markdown of the checkout's top, and a list of the decisions, into the site; each text is written once."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

TOP = {"README.md": "index.md", **{name: name for name in ("CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")}}
"""Where the pages of the checkout's top are in the site."""


def on_files(files: Any, config: Any) -> Any:
    """Add the pages that are not in docs/."""
    from mkdocs.structure.files import File

    docs = Path(config.docs_dir)
    pages = {site: in_site((docs.parent / name).read_text(encoding="utf-8")) for name, site in TOP.items()}
    pages["decisions/index.md"] = decisions(docs / "decisions")
    for uri, content in pages.items():
        files.append(File.generated(config, uri, content=content))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Let a page of docs/ point at those of the checkout's top, as it does on GitHub."""
    up = "../" * (page.file.src_uri.count("/") + 1)
    for name, site in TOP.items():
        markdown = markdown.replace(f"]({up}{name}", f"]({up[3:]}{site}")
    return markdown


def in_site(markdown: str) -> str:
    """Make links of the checkout's top those of the site."""
    links = re.sub(r"\]\(docs/", "](", markdown).replace("](decisions/)", "](decisions/index.md)")
    return links.replace("](README.md", "](index.md")


def decisions(folder: Path) -> str:
    """List the decisions by their titles, in the order of their numbers."""
    titles = ((path, path.read_text(encoding="utf-8").partition("\n")[0].lstrip("# ")) for path in folder.glob("0*.md"))
    entries = "\n".join(f"- [{title}]({path.name})" for path, title in sorted(titles))
    return f"# Decisions\n\nWhat somebody could want to undo, and why it is so.\n\n{entries}\n"
