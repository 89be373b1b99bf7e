"""The PromQL of the rules and of the dashboard, each with where it comes from."""

import json
import os
import re

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
RULES = [os.path.join(ROOT, "deploy", "prometheus", name) for name in ("recording_rules.yml", "alerting_rules.yml")]
DASHBOARD = os.path.join(ROOT, "deploy", "grafana", "mysql-session-exporter.json")


def rules(path):
    """{name: expression} of a rule file: expr: on one line, or a block of deeper lines after expr: |"""
    found, name, block, indent = {}, None, None, 0
    with open(path, encoding="utf-8") as file:
        for line in file:
            depth = len(line) - len(line.lstrip())
            if block is not None and (depth > indent or not line.strip()):
                block.append(line)
                continue
            block = None
            if match := re.match(r" *- (?:alert|record): (\S+)$", line):
                name = match[1]
            elif match := re.match(r" *expr: (.*)$", line):
                block, indent = ([], depth) if match[1] == "|" else (None, 0)
                found[name] = block if block is not None else [match[1]]
    return {name: "".join(lines) for name, lines in found.items()}


def dashboard():
    with open(DASHBOARD, encoding="utf-8") as file:
        return json.load(file)


def panel_queries(board):
    """[(title of the panel, expression, legend)]"""
    return [(panel["title"], target["expr"], target["legendFormat"])
            for panel in board["panels"] for target in panel.get("targets", ())]


def variable_queries(board):
    """[(name of the variable, selector, label)] of those that are label_values(selector, label)"""
    found = []
    for variable in board["templating"]["list"]:
        if variable["type"] == "query":
            match = re.fullmatch(r"label_values\((.*), ([a-z_]+)\)", variable["query"]["query"])
            found.append((variable["name"], match[1], match[2]))
    return found


def legend_labels(legend):
    return set(re.findall(r"\{\{\s*(\w+)\s*\}\}", legend))


def page_queries(name):
    """The expressions on a page: blocks of ```promql, and indented lines that are no shell commands."""
    with open(os.path.join(ROOT, name), encoding="utf-8") as file:
        text = file.read()
    found = re.findall(r"^```promql\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
    if name.endswith("runbooks.md"):
        found += re.findall(r"^    ((?!curl ).+)$", text, flags=re.MULTILINE)
    return found
