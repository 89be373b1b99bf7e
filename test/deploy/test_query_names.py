"""Every metric and label in the rules, the dashboard and the pages for operators is one that the exporter has."""

import os
import re
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tools"))

import promql
import queries

SCRAPE_LABELS = {"job", "instance"}  # Prometheus adds them
PAGES = ["runbooks.md", "migration.md", "migration.zh-CN.md"]
NAME = re.compile(r"(?<![:\w])(?:session_exporter|db)_[a-z_]+(?![:./\w-])")


def families():
    """{name in queries: labels} as the program has them."""
    output = subprocess.run([os.environ["PRINT_FAMILIES"]], check=True, capture_output=True, text=True).stdout
    known = {"up": set(SCRAPE_LABELS)}
    for name, kind, *labels in (line.split() for line in output.splitlines()):
        suffixes = ("_bucket", "_sum", "_count") if kind == "histogram" else ("",)
        for suffix in suffixes:
            known[name + suffix] = set(labels) | SCRAPE_LABELS | ({"le"} if suffix == "_bucket" else set())
    return known


def violations(expression, known, more_labels=()):
    """What the expression, or a legend of it, names that does not exist."""
    selectors, grouped = promql.parse(expression)
    allowed = set()
    for selector in selectors:
        if selector.name not in known:
            yield f"there is no metric {selector.name}"
            continue
        allowed |= known[selector.name]
        for label in set(selector.labels) - known[selector.name]:
            yield f"{selector.name} has no label {label}"
    for label in (grouped | set(more_labels)) - allowed - {"db_user"}:
        yield f"none of its metrics has the label {label}"


class QueryNames(unittest.TestCase):
    def setUp(self):
        self.known = families()
        self.recorded = {}
        for path in queries.RULES:
            for name, expression in queries.rules(path).items():
                labels = set().union(*(self.known.get(selector.name, self.recorded.get(selector.name, set()))
                                       for selector in promql.parse(expression)[0]))
                self.recorded[name] = labels

    def test_rules_are_found(self):
        self.assertGreater(len(self.recorded), 20)

    def test_rules(self):
        for path in queries.RULES:
            for name, expression in queries.rules(path).items():
                with self.subTest(name):
                    self.assertEqual(list(violations(expression, {**self.known, **self.recorded})), [])

    def test_labels_in_texts_of_alerts(self):
        for path in queries.RULES:
            with open(path, encoding="utf-8") as file:
                parts = re.split(r"^ *- (?:alert|record): ", file.read(), flags=re.MULTILINE)[1:]
            for part in parts:
                name = part.split()[0]
                with self.subTest(name):
                    self.assertEqual(set(re.findall(r"\$labels\.(\w+)", part)) - self.recorded[name], set())

    def test_panels_of_the_dashboard(self):
        panels = queries.panel_queries(queries.dashboard())
        self.assertGreater(len(panels), 30)
        for title, expression, legend in panels:
            with self.subTest(title):
                self.assertEqual(list(violations(expression, self.known, queries.legend_labels(legend))), [])

    def test_variables_of_the_dashboard(self):
        variables = queries.variable_queries(queries.dashboard())
        self.assertEqual([name for name, _, _ in variables], ["job", "instance", "aliyun_uid", "ins_id", "db_user"])
        for name, selector, label in variables:
            with self.subTest(name):
                self.assertEqual(list(violations(selector, self.known, {label})), [])

    def test_the_dashboard_fits_every_grafana(self):
        board = queries.dashboard()
        sources = {part["datasource"]["uid"] for panel in board["panels"] if panel["type"] != "row"
                   for part in (panel, *panel["targets"])}
        self.assertEqual(sources, {"${datasource}"})
        self.assertNotIn("id", board)

    def test_panels_have_ids_of_their_own_and_do_not_overlap(self):
        panels, cells = queries.dashboard()["panels"], set()
        self.assertEqual(len({panel["id"] for panel in panels}), len(panels))
        for panel in panels:
            place = panel["gridPos"]
            self.assertLessEqual(place["x"] + place["w"], 24)
            covered = {(x, y) for x in range(place["x"], place["x"] + place["w"])
                       for y in range(place["y"], place["y"] + place["h"])}
            self.assertFalse(covered & cells, panel["title"])
            cells |= covered

    def test_names_on_the_pages_for_operators(self):
        for page in PAGES:
            with open(os.path.join(queries.ROOT, "docs", page), encoding="utf-8") as file:
                names = set(NAME.findall(file.read())) - {"db_user"}
            with self.subTest(page):
                self.assertEqual(names - self.known.keys(), set())


class Violations(unittest.TestCase):
    """The check itself finds what it is for."""

    KNOWN = {"a": {"x", "job"}, "b_total": {"y"}}

    def found(self, expression, *more_labels):
        return list(violations(expression, self.KNOWN, more_labels))

    def test_good_expressions(self):
        for expression in ('a', 'sum by (x) (a{x="1", job=~"b"} offset 5m)', 'rate(b_total[5m]) > bool 1e3',
                           'a / on (x) group_left () label_replace(a, "db_user", "$1", "x", "(.*)")',
                           'topk(3, a) or vector(0)', 'a{x="nothing{y}"} unless b_total', '-a + 1.5 * time()'):
            with self.subTest(expression):
                self.assertEqual(self.found(expression), [])

    def test_bad_expressions(self):
        for expression in ('c', 'sum(a) + rate(c[5m])', 'a{z="1"}', 'b_total{x="1"}', 'sum by (z) (a)',
                           'a and on (z) b_total', 'label_replace(a, "db_user", "$1", "z", "(.*)")',
                           'max_over_time((a - c)[1d:1m])', 'a unless on (x) c > 1'):
            with self.subTest(expression):
                self.assertEqual(len(self.found(expression)), 1, self.found(expression))

    def test_bad_legends(self):
        self.assertEqual(self.found("a", "x"), [])
        self.assertEqual(len(self.found("a", "y")), 1)


if __name__ == "__main__":
    unittest.main()
