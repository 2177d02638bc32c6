#!/usr/bin/env python3
"""Makes a book of the pages of docs/: target/book/html, with `mdbook` (or the program that MDBOOK names). Fails at links that lead nowhere.

Pages link to each other as they lie in the repository, also to files outside of docs/; a book has them beside its pages. So they are laid out
anew first: pages of SUMMARY.md side by side, other files that a page links to below `files/`.
"""

import html.parser
import os
import pathlib
import re
import shutil
import subprocess
import sys
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parent.parent
DOCS, BOOK = ROOT / "docs", ROOT / "target" / "book"
LINK = re.compile(r"(\]\()([^)\s]+)(\))")


def name_of(page):
    """What a page is called in the book; README.md is its first."""
    if page.name == "README.md":
        return "index.md" if page.parent == DOCS else "front.md"
    return page.name if page.parent == DOCS else page.name.lower()


def outside_code(text, change):
    """Applies `change` to what is neither a fenced block nor code in a line."""
    parts = re.split(r"(^```.*?^```$|`[^`\n]*`)", text, flags=re.M | re.S)
    # Code in the text of a link leaves its end, where the target stands, outside.
    return "".join(part if at % 2 else change(part) for at, part in enumerate(parts))


def lay_out(page, pages, source):
    def moved(match):
        target = match.group(2)
        if re.match(r"[a-z]+:", target) or target.startswith("#"):
            return match.group(0)
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve()
        anchor = f"#{anchor}" if anchor else ""
        if there in pages:
            return match.group(1) + pages[there] + anchor + match.group(3)
        if there.suffix == ".png" and there.parent == DOCS:
            shutil.copy(there, source / there.name)
            return match.group(1) + there.name + match.group(3)
        kept = pathlib.Path("files") / there.relative_to(ROOT)
        # A page that is not in the book is shown as it is written, a file as its text.
        kept = kept.with_suffix(".txt") if there.suffix == ".md" else kept
        (source / kept).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(there, source / kept)
        return match.group(1) + str(kept) + match.group(3)

    text = page.read_text()
    change = lambda part: LINK.sub(moved, part)
    (source / ("SUMMARY.md" if page.name == "SUMMARY.md" else name_of(page))).write_text(outside_code(text, change))


class Page(html.parser.HTMLParser):
    """The names and the links of a page."""

    def __init__(self, path):
        super().__init__()
        self.names, self.links = set(), []
        self.feed(path.read_text())

    def handle_starttag(self, tag, attributes):
        for key, value in attributes:
            if key in ("id", "name") and value:
                self.names.add(value)
            if key in ("href", "src") and value:
                self.links.append(value)


def dead_links(out):
    pages = {path: Page(path) for path in out.rglob("*.html") if path.name not in ("print.html", "toc.html", "404.html")}
    for path, page in pages.items():
        for link in page.links:
            url = urllib.parse.urlsplit(link)
            if url.scheme or url.netloc:
                continue
            there = (path.parent / urllib.parse.unquote(url.path)).resolve() if url.path else path
            if not there.exists():
                yield f"{path.name}: {link} is not there"
            elif url.fragment and there in pages and urllib.parse.unquote(url.fragment) not in pages[there].names:
                yield f"{path.name}: {link} has no such place"


def main():
    source, out = BOOK / "src", BOOK / "html"
    shutil.rmtree(BOOK, ignore_errors=True)
    source.mkdir(parents=True)
    summary = (DOCS / "SUMMARY.md").read_text()
    listed = [(DOCS / path).resolve() for _, path, _ in LINK.findall(summary)]
    pages = {page: name_of(page) for page in listed}
    missing = [page.name for page in sorted(DOCS.glob("*.md")) if page not in pages and page.name != "SUMMARY.md"]
    if missing:
        sys.exit(f"SUMMARY.md does not list {', '.join(missing)}")
    for page in [*pages, DOCS / "SUMMARY.md"]:
        lay_out(page, pages, source)
    shutil.copy(DOCS / "book.toml", BOOK / "book.toml")
    subprocess.run([os.environ.get("MDBOOK", "mdbook"), "build", str(BOOK)], check=True)
    dead = sorted(set(dead_links(out)))
    if dead:
        sys.exit("links of the book that lead nowhere:\n  " + "\n  ".join(dead))
    print(f"{len(pages)} pages: {out / 'index.html'}")


if __name__ == "__main__":
    main()
