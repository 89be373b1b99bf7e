#!/usr/bin/env python3
"""The checker of test/tools accepts good pages and says what is wrong with bad ones."""
import os
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tools"))

import openmetrics_check  # noqa: E402

GAUGE = "# HELP g text\n# TYPE g gauge\n"
COUNTER = "# HELP c text\n# TYPE c counter\n"
HISTOGRAM = "# HELP h text\n# TYPE h histogram\n"
BUCKETS = 'h_bucket{le="1.0"} 1\nh_bucket{le="+Inf"} 2\n'

BAD = {
    "no_eof": (GAUGE + "g 1\n", "no # EOF"),
    "text_after_eof": (GAUGE + "g 1\n# EOF\n\n", "after # EOF"),
    "eof_without_newline": (GAUGE + "g 1\n# EOF", "no newline"),
    "sample_without_type": ("g 1\n# EOF\n", "without HELP and TYPE"),
    "type_before_help": ("# TYPE g gauge\n# HELP g text\ng 1\n# EOF\n", "does not follow its HELP"),
    "comment_without_blank": ("#HELP g text\n# EOF\n", "neither HELP nor TYPE"),
    "unknown_type": ("# HELP g text\n# TYPE g gauges\n# EOF\n", "unknown type"),
    "family_twice": (GAUGE + "g 1\n" + COUNTER + "c_total 1\n" + GAUGE + 'g{a="b"} 1\n# EOF\n', "twice"),
    "mixed_families": (GAUGE + "g 1\n" + COUNTER + "c_total 1\ng 2\n# EOF\n", "does not belong"),
    "family_without_samples": (GAUGE + "# EOF\n", "no samples"),
    "series_twice": (GAUGE + 'g{a="b"} 1\ng{a="b"} 2\n# EOF\n', "series appears twice"),
    "series_twice_in_other_order": (GAUGE + 'g{a="b",c="d"} 1\ng{c="d",a="b"} 2\n# EOF\n', "twice"),
    "label_order_varies": (GAUGE + 'g{a="b",c="d"} 1\ng{c="e",a="b"} 2\n# EOF\n', "names or order"),
    "label_twice": (GAUGE + 'g{a="b",a="c"} 1\n# EOF\n', "label a appears twice"),
    "bad_escape": (GAUGE + 'g{a="\\t"} 1\n# EOF\n', "bad escape"),
    "quote_not_escaped": (GAUGE + 'g{a="b"c"} 1\n# EOF\n', "not closed"),
    "newline_not_escaped": (GAUGE + 'g{a="b\nc"} 1\n# EOF\n', "not closed"),
    "help_quote_not_escaped": ('# HELP g a "b"\n# TYPE g gauge\ng 1\n# EOF\n', "quote in HELP"),
    "help_bad_escape": ("# HELP g a\\t\n# TYPE g gauge\ng 1\n# EOF\n", "bad escape"),
    "empty_labels": (GAUGE + "g{} 1\n# EOF\n", "bad label name"),
    "trailing_comma": (GAUGE + 'g{a="b",} 1\n# EOF\n', "bad label name"),
    "no_value": (GAUGE + "g \n# EOF\n", "bad value"),
    "timestamp": (GAUGE + "g 1 1735787045\n# EOF\n", "bad value"),
    "underscore_in_value": (GAUGE + "g 1_0\n# EOF\n", "bad value"),
    "two_blanks": (GAUGE + "g  1\n# EOF\n", "bad value"),
    "empty_line": (GAUGE + "\ng 1\n# EOF\n", "empty line"),
    "counter_without_total": (COUNTER + "c 1\n# EOF\n", "does not belong"),
    "counter_total_in_header": ("# HELP c_total t\n# TYPE c_total counter\nc_total 1\n# EOF\n", "_total"),
    "counter_negative": (COUNTER + "c_total -1\n# EOF\n", "negative"),
    "counter_nan": (COUNTER + "c_total NaN\n# EOF\n", "NaN"),
    "histogram_without_inf": (HISTOGRAM + 'h_bucket{le="1.0"} 1\nh_sum 1\nh_count 1\n# EOF\n', "+Inf"),
    "histogram_le_descends": (
        HISTOGRAM + 'h_bucket{le="2.0"} 1\nh_bucket{le="1.0"} 1\n' + 'h_bucket{le="+Inf"} 1\nh_sum 1\nh_count 1\n# EOF\n',
        "ascend",
    ),
    "histogram_counts_descend": (
        HISTOGRAM + 'h_bucket{le="1.0"} 3\nh_bucket{le="+Inf"} 2\nh_sum 1\nh_count 2\n# EOF\n',
        "descend",
    ),
    "histogram_count_differs": (HISTOGRAM + BUCKETS + "h_sum 1\nh_count 3\n# EOF\n", "differs"),
    "histogram_without_sum": (HISTOGRAM + BUCKETS + "h_count 2\n# EOF\n", "_sum"),
    "bucket_without_le": (HISTOGRAM + "h_bucket 1\nh_sum 1\nh_count 1\n# EOF\n", "le belongs"),
    "type_of_the_text_format": ("# HELP g t\n# TYPE g untyped\ng 1\n# EOF\n", "other format"),
    "nul_byte": (GAUGE + 'g{a="\0"} 1\n# EOF\n', "NUL"),
}

BAD_TEXT = {
    "eof": (GAUGE + "g 1\n# EOF\n", "neither HELP nor TYPE"),
    "counter_without_total": (COUNTER + "c 1\n", "_total"),
    "help_quote_escaped": ('# HELP g \\"\n# TYPE g gauge\ng 1\n', "bad escape"),
}

GOOD = {
    "empty": "# EOF\n",
    "all_types": GAUGE + "g 1\n" + COUNTER + 'c_total{a="b"} 1e3\n' + HISTOGRAM + BUCKETS + "h_sum 1.5\nh_count 2\n# EOF\n",
    "escapes": '# HELP g \\\\ \\n \\"\n# TYPE g gauge\ng{a="\\\\ \\n \\""} 1\n# EOF\n',
    "other_line_separators_in_values": GAUGE + 'g{a="\r\u2028\x85\x0b"} NaN\n# EOF\n',
    "equal_only_without_escapes": GAUGE + 'g{a="\\\\n"} 1\ng{a="\\n"} 1\n# EOF\n',
    "histograms_by_label": HISTOGRAM
    + "".join(f'h_bucket{{p="{p}",le="+Inf"}} 2\nh_sum{{p="{p}"}} 1\nh_count{{p="{p}"}} 2\n' for p in "ab")
    + "# EOF\n",
}

GOOD_TEXT = {
    "empty": "",
    "counter": '# HELP c_total "t"\n# TYPE c_total counter\nc_total 1\n',
}


class CheckerTest(unittest.TestCase):
    def assert_bad(self, cases, text):
        for name, (page, reason) in cases.items():
            with self.subTest(name):
                with self.assertRaises(openmetrics_check.PageError) as raised:
                    openmetrics_check.check(page.encode(), text)
                self.assertIn(reason, str(raised.exception))

    def assert_good(self, cases, text):
        for name, page in cases.items():
            with self.subTest(name):
                openmetrics_check.check(page.encode(), text)

    def test_bad_openmetrics_is_refused_with_the_reason(self):
        self.assert_bad(BAD, False)

    def test_bad_text_is_refused_with_the_reason(self):
        self.assert_bad(BAD_TEXT, True)

    def test_good_openmetrics_is_accepted(self):
        self.assert_good(GOOD, False)

    def test_good_text_is_accepted(self):
        self.assert_good(GOOD_TEXT, True)

    def test_broken_utf8_is_refused_with_its_line(self):
        with self.assertRaises(openmetrics_check.PageError) as raised:
            openmetrics_check.check(GAUGE.encode() + b'g{a="\xff"} 1\n# EOF\n')
        self.assertEqual(raised.exception.line, 3)

    def test_values_can_be_looked_up(self):
        page = openmetrics_check.check((GAUGE + 'g{a="b"} 1\ng{a="c"} 2\n# EOF\n').encode())
        self.assertEqual(page.value("g", a="c"), 2)
        self.assertIsNone(page.value("g", a="d"))


if __name__ == "__main__":
    unittest.main()
