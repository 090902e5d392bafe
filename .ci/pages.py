#!/usr/bin/env python3
"""Walks through what the workflow `pages` publishes: pages.py BOOK REPORT.sarif.

Every help address of the report leads to a page of the book, every link between pages to a page, and the folder
is what the upload takes: plain files, `index.html` among them, nothing that is loaded from elsewhere.
"""

import html.parser
import json
import pathlib
import sys


class Links(html.parser.HTMLParser):
    """The links of a page, and what it would load."""

    def __init__(self):
        super().__init__()
        self.links, self.loads = [], []

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == "a":
            self.links.append(attributes.get("href") or "")
        elif tag in ("script", "img", "iframe", "object", "embed", "link") or "src" in attributes:
            self.loads.append(tag)


def hold(what, true):
    if not true:
        raise SystemExit(f"FAILED: {what}")


def main():
    book, sarif = map(pathlib.Path, sys.argv[1:])
    rules = json.loads(sarif.read_text(encoding="utf-8"))["runs"][0]["tool"]["driver"]["rules"]
    hold("the report has rules", len(rules) > 100)
    for rule in rules:
        base, _, page = rule["helpUri"].rpartition("/")
        hold(f"{rule['helpUri']} is published", base.startswith("https://") and (book / page).is_file())
    files = sorted(book.rglob("*"))
    hold("plain files only", all(one.is_file() and not one.is_symlink() for one in files))
    hold("there is a first page", book / "index.html" in files)
    links = 0
    for page in files:
        read = Links()
        read.feed(page.read_text(encoding="utf-8"))
        hold(f"{page.name} loads nothing: {read.loads}", not read.loads)
        for link in read.links:
            if "://" not in link:
                links += 1
                target = link.partition("#")[0]
                hold(f"{page.name}: {link} leads to a page", not target or (book / target).is_file())
    print(f"  {len(rules)} help addresses, {len(files)} pages and {links} links between them: all there")


if __name__ == "__main__":
    main()
