"""Prints "file:line: what" for each dead relative link of the Markdown pages that standard input names.

A link is dead when there is no such file, or no heading with that anchor in it. Anchors are made of
headings as GitHub does: small letters, blanks as hyphens, no punctuation, a number after equal ones.
"""

import functools
import os
import re
import sys

FENCE = re.compile(r" *```")
CODE = re.compile(r"(`+).*?\1")
HEADING = re.compile(r" {0,3}#{1,6} +(.*?) *#* *$")
LINK = re.compile(r"\]\(([^()\s]*(?:\([^()\s]*\)[^()\s]*)*)[^)]*\)")
REFERENCE = re.compile(r" {0,3}\[[^\]]+\]: *(\S+)")
ANCHOR = re.compile(r"<a (?:id|name)=\"([^\"]+)\"")
ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:|//")


def text_lines(page):
    """The numbered lines outside of code blocks."""
    in_code = False
    with open(page, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if FENCE.match(line):
                in_code = not in_code
            elif not in_code:
                yield number, line.rstrip("\n")


@functools.lru_cache(maxsize=None)
def anchors(page):
    found, seen = set(), {}
    for _, line in text_lines(page):
        found.update(ANCHOR.findall(line))
        heading = HEADING.match(line)
        if not heading:
            continue
        text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading.group(1))
        slug = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
        count = seen.get(slug, 0)
        seen[slug] = count + 1
        found.add(f"{slug}-{count}" if count else slug)
    return found


def fault(page, target):
    """Why the link of the page is dead, or None."""
    path, _, anchor = target.partition("#")
    file = os.path.normpath(os.path.join(os.path.dirname(page), path)) if path else page
    if not os.path.exists(file):
        return f"there is no {target}"
    if anchor and file.endswith(".md") and anchor not in anchors(file):
        return f"there is no heading for {target}"
    return None


def main():
    for page in sys.stdin.read().splitlines():
        for number, line in text_lines(page):
            line = CODE.sub("", line)
            for target in LINK.findall(line) + REFERENCE.findall(line):
                reason = fault(page, target) if target and not ELSEWHERE.match(target) else None
                if reason:
                    print(f"{page}:{number}: {reason}")


main()
