"""What the documentation site needs beside the guides (`tox -e docs`).

The guides are written for a reader of the repository. So files that they link to outside of `docs/`
become part of the site, README and CONTRIBUTING pages of it, equations MathML, which browsers draw
without a script, and every package has a page with its docstrings.
"""

from __future__ import annotations

import html
import posixpath
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from latex2mathml.converter import convert
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[1]
PAGES = {"README.md": "index.md", "CONTRIBUTING.md": "CONTRIBUTING.md"}
"""Files of the repository's root that are pages -> their place on the site."""
OTHERS = "repository"
"""Folder of the site for the repository's other files."""
PACKAGES = ("algorithms", "ablations", "bench")

LINK = re.compile(r"(?<=\]\()(?!\w+:)([^)#\s]+)(?=[)#])")
ITEM = re.compile(r"(?:[*-]|\d+\.) +")
EQUATION = re.compile(r'<(span|div) class="arithmatex">\\[(\[](.*?)\\[)\]]</\1>', re.DOTALL)


def on_config(config: Any) -> Any:
    """Add the reference to the navigation."""
    config.nav.append({"Reference": [{name: reference(name)} for name, _ in packages()]})
    return config


def on_files(files: Files, config: Any) -> Files:
    """Add the files that pages link to, until no page links to another, and the reference."""
    for source, place in PAGES.items():
        files.append(File.generated(config, place, abs_src_path=str(ROOT / source)))
    pending = [file for file in files if file.is_documentation_page()]
    while pending:
        page = pending.pop()
        for source in linked(page.src_uri, page.content_string):
            place = place_of(source)
            if files.get_file_from_path(place) is None and (ROOT / source).is_file():
                file = File.generated(config, place, abs_src_path=str(ROOT / source))
                files.append(file)
                pending += [file] * file.is_documentation_page()
    for package, modules in packages():
        text = "\n\n".join([f"# {package}", *(f"::: {module}" for module in modules)])
        files.append(File.generated(config, reference(package), content=text))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Let links lead to where their files are on the site."""
    uri = page.file.src_uri

    def moved(link: re.Match[str]) -> str:
        place = place_of(target(uri, link[0]))
        return posixpath.relpath(place, posixpath.dirname(uri) or ".")

    return LINK.sub(moved, "\n".join(_strict_lists(markdown.splitlines())))


def _strict_lists(lines: list[str]) -> Iterator[str]:
    """Lists as Python-Markdown takes them: an empty line before, four spaces within."""
    previous, fenced, depth = "", False, 0
    for line in lines:
        indented = line[:depth].isspace() and depth > 0
        if line and not previous and not indented and not ITEM.match(line):
            depth = 0
        item = None if fenced else ITEM.match(line)
        if item and not indented:
            if previous and not ITEM.match(previous) and not depth:
                yield ""
            depth = len(item[0])
            yield line
        elif indented:
            yield f"    {line[depth:]}"
        else:
            yield line
        fenced ^= line.lstrip().startswith("```")
        previous = line


def on_page_content(content: str, **_: Any) -> str:
    """Draw equations."""

    def drawn(equation: re.Match[str]) -> str:
        display = "block" if equation[1] == "div" else "inline"
        return convert(html.unescape(equation[2]), display=display)

    return EQUATION.sub(drawn, content)


def linked(page: str, text: str) -> Iterator[str]:
    """The files of the repository that a page of the site links to."""
    return (target(page, link) for link in LINK.findall(text))


def target(page: str, link: str) -> str:
    """The path in the repository that a link of a page of the site leads to."""
    sources = {place: source for source, place in PAGES.items()}
    if page.startswith(f"{OTHERS}/"):
        source = page.removeprefix(f"{OTHERS}/")
    else:
        source = sources.get(page, f"docs/{page}")
    return posixpath.normpath(posixpath.join(posixpath.dirname(source), link))


def place_of(source: str) -> str:
    """Where a file of the repository is on the site."""
    if source in PAGES:
        return PAGES[source]
    relative = source.removeprefix("docs/")
    return relative if relative != source else f"{OTHERS}/{source}"


def reference(package: str) -> str:
    """The page of a package."""
    return f"reference/{package}.md"


def packages() -> Iterator[tuple[str, list[str]]]:
    """Every package with itself and its modules, by their dotted names."""
    for name in PACKAGES:
        for path in sorted((ROOT / name).rglob("__init__.py")):
            package = ".".join(path.parent.relative_to(ROOT).parts)
            stems = sorted(file.stem for file in path.parent.glob("*.py"))
            modules = [f"{package}.{stem}" for stem in stems if not stem.startswith("__")]
            yield package, [package, *modules]
