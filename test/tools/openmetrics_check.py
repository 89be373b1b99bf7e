#!/usr/bin/env python3
"""Checks a metrics page strictly: OpenMetrics 1.0.0, or the Prometheus text format 0.0.4.

    openmetrics_check.py FILE [--text]        FILE may be - for standard input

Exit status 0 when the page is valid; 1 with "FILE:LINE: reason" on standard error when it is not;
2 for wrong usage. Stricter than the formats where they leave room: a family has HELP and TYPE, in
this order, before its samples; the samples of a family are not mixed with others; no timestamps,
no exemplars. As a module: check(page, text=False) raises PageError or returns a Page.
"""
import argparse
import math
import re
import sys

NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?|[+-]Inf|NaN")
SUFFIXES = {
    "gauge": ("",),
    "counter": ("_total",),
    "histogram": ("_bucket", "_sum", "_count"),
    "unknown": ("",),
    "untyped": ("",),
}
ESCAPES = {"\\": "\\", "n": "\n", '"': '"'}


class PageError(Exception):
    """What is wrong with a page, and in which line (0: the whole page)."""

    def __init__(self, line, reason):
        super().__init__(reason)
        self.line = line


class Family:
    """A metric family: its header and its samples in the order of the page."""

    def __init__(self, name, line):
        self.name = name
        self.line = line
        self.help = None
        self.type = None
        self.samples = []  # (sample name, labels as a tuple of pairs, value)


class Page:
    """The families of a page by name, in order."""

    def __init__(self):
        self.families = {}

    def samples(self):
        for family in self.families.values():
            yield from family.samples

    def value(self, name, **labels):
        """The value of the one series with this name and exactly these labels; None: there is none."""
        for sample, pairs, value in self.samples():
            if sample == name and dict(pairs) == labels:
                return value
        return None


class Checker:
    def __init__(self, text):
        self.text = text
        self.page = Page()
        self.series = set()
        self.family = None
        self.ended = False
        self.line = 0

    def fail(self, reason):
        raise PageError(self.line, reason)

    def require(self, condition, reason):
        if not condition:
            self.fail(reason)

    def run(self, data):
        try:
            page = data.decode("utf-8", "strict")
        except UnicodeDecodeError as error:
            self.line = data.count(b"\n", 0, error.start) + 1
            self.fail("not UTF-8: " + error.reason)
        self.require("\0" not in page, "NUL byte")
        self.require(page == "" or page.endswith("\n"), "the last line has no newline")
        # Only \n ends a line: splitlines() would also split at \r, U+2028 and others.
        for self.line, line in enumerate(page.split("\n")[:-1], 1):
            self.check_line(line)
        self.finish_family()
        self.require(self.text or self.ended, "no # EOF at the end")
        return self.page

    def check_line(self, line):
        self.require(not self.ended, "text after # EOF")
        if not self.text and line == "# EOF":
            self.ended = True
        elif line.startswith("# HELP "):
            self.start_family(line[len("# HELP "):])
        elif line.startswith("# TYPE "):
            self.set_type(line[len("# TYPE "):])
        elif line.startswith("#"):
            self.fail("comment that is neither HELP nor TYPE")
        else:
            self.require(line != "", "empty line")
            self.add_sample(line)

    def start_family(self, rest):
        self.finish_family()
        name, blank, text = rest.partition(" ")
        self.require(NAME.fullmatch(name), "bad family name in HELP")
        self.require(blank == " ", "HELP without text")
        self.require(name not in self.page.families, f"family {name} appears twice")
        self.family = Family(name, self.line)
        self.family.help = self.unescape(text, 'n\\' if self.text else 'n\\"', "HELP")
        if not self.text:
            self.require(not re.search(r'(?<!\\)(\\\\)*"', text), "quote in HELP not escaped")
        self.page.families[name] = self.family

    def set_type(self, rest):
        name, _, kind = rest.partition(" ")
        self.require(self.family is not None and self.family.name == name, "TYPE does not follow its HELP")
        self.require(self.family.type is None, "second TYPE of a family")
        self.require(kind in SUFFIXES, f"unknown type {kind!r}")
        self.require(kind != ("unknown" if self.text else "untyped"), f"type {kind} is of the other format")
        if kind == "counter":
            total = name.endswith("_total")
            self.require(total == self.text, "_total belongs to the header of a counter in text only")
        self.family.type = kind

    def unescape(self, text, allowed, where):
        def replace(match):
            self.require(match[1] != "" and match[1] in allowed, f"bad escape {match[0]!r} in {where}")
            return ESCAPES[match[1]]

        return re.sub(r"\\(.?)", replace, text, flags=re.DOTALL)

    def suffixes(self):
        if self.text and self.family.type == "counter":
            return ("",)
        return SUFFIXES[self.family.type]

    def add_sample(self, line):
        self.require(self.family is not None and self.family.type is not None, "sample without HELP and TYPE")
        name = NAME.match(line)
        self.require(name, "bad sample name")
        self.require(name[0] in [self.family.name + suffix for suffix in self.suffixes()],
                     f"sample {name[0]} does not belong to {self.family.type} {self.family.name}")
        labels, at = self.read_labels(line, name.end())
        self.require(line[at:at + 1] == " ", "no blank before the value")
        value = line[at + 1:]
        self.require(NUMBER.fullmatch(value), f"bad value {value!r}")
        series = (name[0], tuple(sorted(labels)))
        self.require(series not in self.series, "series appears twice")
        self.series.add(series)
        self.family.samples.append((name[0], tuple(labels), float(value.replace("Inf", "inf"))))

    def read_labels(self, line, at):
        labels = []
        if line[at:at + 1] != "{":
            return labels, at
        while True:
            name = LABEL_NAME.match(line, at + 1)
            self.require(name, "bad label name")
            self.require(name[0] not in dict(labels), f"label {name[0]} appears twice")
            self.require(line[name.end():name.end() + 2] == '="', "no quoted value after a label name")
            value = re.compile(r'(?:[^"\\]|\\.)*', re.DOTALL).match(line, name.end() + 2)
            self.require(line[value.end():value.end() + 1] == '"', "label value not closed")
            labels.append((name[0], self.unescape(value[0], 'n\\"', "a label value")))
            at = value.end() + 1
            if line[at:at + 1] == "}":
                return labels, at + 1
            self.require(line[at:at + 1] == ",", "labels not closed")

    def finish_family(self):
        family, self.family = self.family, None
        if family is None:
            return
        line, self.line = self.line, family.line
        self.require(family.type is not None, f"family {family.name} has no TYPE")
        self.require(family.samples, f"family {family.name} has no samples")
        if family.type == "histogram":
            self.check_histogram(family)
        if family.type == "counter":
            for _, _, value in family.samples:
                self.require(value >= 0, "counter is negative or NaN")
        label_sets = {tuple(name for name, _ in labels if name != "le") for _, labels, _ in family.samples}
        self.require(len(label_sets) == 1, f"series of {family.name} differ in their label names or order")
        self.line = line

    def check_histogram(self, family):
        groups = {}
        for name, labels, value in family.samples:
            suffix = name[len(family.name):]
            group = tuple(pair for pair in labels if pair[0] != "le")
            self.require((suffix == "_bucket") == ("le" in dict(labels)), "le belongs to buckets, and to all")
            if groups and group not in groups:
                self.require("_count" in list(groups.values())[-1], "series of histograms are mixed")
            parts = groups.setdefault(group, {"buckets": []})
            if suffix == "_bucket":
                self.require("_sum" not in parts and "_count" not in parts, "bucket after _sum or _count")
                parts["buckets"].append((self.bound(dict(labels)["le"]), value))
            else:
                parts[suffix] = value
        for parts in groups.values():
            self.check_buckets(parts)

    def bound(self, text):
        self.require(NUMBER.fullmatch(text) and text != "NaN", f"bad le {text!r}")
        return float(text.replace("Inf", "inf"))

    def check_buckets(self, parts):
        bounds = [bound for bound, _ in parts["buckets"]]
        counts = [count for _, count in parts["buckets"]]
        self.require(bounds and bounds[-1] == math.inf, "the last bucket is not +Inf")
        self.require(all(a < b for a, b in zip(bounds, bounds[1:])), "le does not ascend")
        self.require(all(a <= b for a, b in zip(counts, counts[1:])), "bucket counts descend")
        self.require(all(count >= 0 and count == int(count) for count in counts), "bucket count is no count")
        self.require("_sum" in parts and "_count" in parts, "no _sum or no _count")
        self.require(parts["_count"] == counts[-1], "_count differs from the +Inf bucket")


def check(data, text=False):
    """Checks the bytes of a page. Returns a Page; raises PageError."""
    return Checker(text).run(data)


def main():
    parser = argparse.ArgumentParser(description="Checks a metrics page strictly.")
    parser.add_argument("file", metavar="FILE", help="the page; - is standard input")
    parser.add_argument("--text", action="store_true", help="text format 0.0.4 instead of OpenMetrics 1.0.0")
    arguments = parser.parse_args()
    try:
        if arguments.file == "-":
            data = sys.stdin.buffer.read()
        else:
            with open(arguments.file, "rb") as file:
                data = file.read()
        check(data, arguments.text)
    except OSError as error:
        print(f"{arguments.file}: {error.strerror}", file=sys.stderr)
        return 1
    except PageError as error:
        print(f"{arguments.file}:{error.line}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
