"""What a PromQL expression asks for: the series it selects and the labels it names. No evaluation."""

import dataclasses
import re

TOKEN = re.compile(r"""
    (?P<blank>\s+|\#[^\n]*)
  | (?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`)
  | (?P<range>\[[^\]]*\])
  | (?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?:ms|[smhdwy])?(?:\d+(?:ms|[smhdwy]))*)
  | (?P<name>[a-zA-Z_:$][a-zA-Z0-9_:]*)
  | (?P<operator>=~|!~|!=|==|<=|>=|.)
""", re.VERBOSE | re.DOTALL)
WORDS = {"and", "or", "unless", "bool", "offset", "atan2", "inf", "nan", "by", "without", "on", "ignoring",
         "group_left", "group_right"}
GROUPINGS = {"by", "without", "on", "ignoring", "group_left", "group_right"}
RELABELS = {"label_replace", "label_join"}


@dataclasses.dataclass
class Selector:
    """name{labels…} as it stands in the expression, without range and offset."""

    name: str
    labels: tuple
    text: str


def tokens(expression):
    """[(kind, text, position)]"""
    return [(match.lastgroup, match[0], match.start()) for match in TOKEN.finditer(expression)
            if match.lastgroup != "blank"]


def closing(found, at):
    """The index of the token that closes the bracket at that index."""
    depth = 0
    for index in range(at, len(found)):
        depth += {"(": 1, "{": 1, ")": -1, "}": -1}.get(found[index][1], 0) if found[index][0] == "operator" else 0
        if depth == 0:
            return index
    raise ValueError(f"unclosed {found[at][1]!r}")


def names_between(found, start, end):
    return [text for kind, text, _ in found[start:end] if kind == "name"]


def parse(expression):
    """(selectors, labels of groupings and relabelling)"""
    found, selectors, labels, at = tokens(expression), [], set(), 0
    while at < len(found):
        kind, text, position = found[at]
        following = found[at + 1][1] if at + 1 < len(found) else ""
        if kind == "name" and text.lower() in GROUPINGS and following == "(":
            end = closing(found, at + 1)
            labels.update(names_between(found, at + 2, end))
            at = end
        elif kind == "name" and text in RELABELS:
            end = closing(found, at + 1)
            labels.update(relabelled(found[at + 2:end]))
        elif kind == "name" and text.lower() not in WORDS and following not in ("(", "by", "without"):
            end = closing(found, at + 1) if following == "{" else at
            selectors.append(Selector(text, tuple(names_between(found, at + 2, end)),
                                      expression[position:found[end][2] + len(found[end][1])]))
            at = end
        at += 1
    return selectors, labels


def relabelled(found):
    """Labels that label_replace(v, "dst", "replacement", "src", "regex") or label_join names."""
    strings = [text[1:-1] for kind, text, _ in found if kind == "string"]
    inner = [at for at, (kind, text, _) in enumerate(found) if kind == "operator" and text in "({"]
    if inner:  # strings of the argument v are not its own
        strings = [text[1:-1] for kind, text, _ in found[closing(found, inner[0]) + 1:] if kind == "string"]
    return {strings[0], strings[2]}
