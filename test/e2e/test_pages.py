"""The pages for people: over HTTP, and as headless Chromium shows them."""

import os
import time
import urllib.parse

import browser
import harness
import fleet
from fleet import Instance, UID, UID2

FORM = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "text/html"}
SELDOM = {"interval": "1h", "stale_after": "2h"}
WIDTHS = (390, 1190, 1280)
LANGUAGES = {"en-US,en;q=0.9": "en", "zh-CN,zh;q=0.9,en;q=0.8": "zh-CN"}
UNCONFIGURED = "1000000000000003"

# Long and hostile names, every health, three accounts of which one has no credentials.
FLEET = [
    Instance("rm-test1", "orders", users=(("app", 5),)),
    Instance("rm-test2", "支付中心主库"),
    Instance("rm-test3", "<script>document.title='taken'</script>"),
    Instance("rm-test4", "a-name-without-any-blank-" * 8),
    Instance("rm-test-" + "x" * 30, "a long id"),
    Instance("rm-test5", "always fails"),
    Instance("pc-test1", "ledger", "PolarDB", uid=UID2, nodes=(("pi-test1", "write"), ("pi-test-" + "x" * 24, "read"))),
    Instance("rm-test9", "nobody's", uid=UNCONFIGURED),
    *(Instance(f"rm-test{i}", f"shard {i}") for i in range(100, 210)),
]

# Texts whose contrast with what is behind them is below 4.5 to 1 (WCAG 2.1, 1.4.3).
FAINT_TEXTS = """
(() => {
    const parse = c => { const p = c.match(/[\\d.]+/g).map(Number); return p.length < 4 ? [...p, 1] : p; };
    const light = c => c.slice(0, 3).map(v => v / 255)
        .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
        .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
    const behind = e => { for (; e; e = e.parentElement) {
        const c = parse(getComputedStyle(e).backgroundColor); if (c[3] > 0) return c; } return [255, 255, 255]; };
    const faint = new Set();
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
        const element = texts.currentNode.parentElement;
        if (!texts.currentNode.data.trim() || element.tagName === 'OPTION' || !element.getClientRects().length) continue;
        const [a, b] = [light(parse(getComputedStyle(element).color)), light(behind(element))];
        if ((Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05) < 4.5) faint.add(element.outerHTML.slice(0, 90));
    }
    return [...faint];
})()
"""

# Elements that stick out of the window on the right.
WIDE_ELEMENTS = """
[...document.querySelectorAll('body *')].filter(e => e.getBoundingClientRect().right > innerWidth + 1)
    .slice(0, 5).map(e => e.outerHTML.slice(0, 90))
"""


class Pages(harness.Case):
    def setUp(self):
        super().setUp()
        self.sim = self.simulator()

    def start_pages(self, instances, **changes):
        return self.start(self.sim, instances, (UID, UID2), metric_db_user_session_count=SELDOM, **changes)

    def post_form(self, exporter, accept="text/html", **fields):
        return exporter.request("POST", "/refresh", {**FORM, "Accept": accept}, body=urllib.parse.urlencode(fields))

    def test_both_pages_speak_the_language_that_is_asked_for(self):
        exporter = self.start_pages(FLEET[:2])
        for path in ("/", "/targets"):
            for header, tag in LANGUAGES.items():
                with self.subTest(path + " " + tag):
                    reply = exporter.get(path, Accept_Language=header)
                    self.assertEqual((reply.status, reply.headers["Vary"]), (200, "Accept-Language"))
                    self.assertIn(f'<html lang="{tag}">', reply.text)

    def test_a_form_refreshes_and_leads_to_its_progress(self):
        exporter = self.start_pages(FLEET[:2])
        exporter.wait_sessions(fleet.sessions(FLEET[:2]))
        self.sim.control(generation=1)
        reply = self.post_form(exporter, ins_id="rm-test1")
        self.assertEqual(reply.status, 303)
        place = reply.headers["Location"]
        page = exporter.wait_for("its end", lambda: next((
            page for page in [exporter.get(place, Accept="text/html").text] if "finished</span>" in page), None))
        self.assertNotIn("http-equiv", page)
        self.assertEqual(exporter.get(place).json["done"], 1)
        exporter.wait_sessions({**fleet.sessions(FLEET[1:2]), **fleet.sessions(FLEET[:1], 1)})

    def test_the_token_is_a_field_of_the_form_and_nowhere_else(self):
        token = "canary-token-of-the-form"
        exporter = self.start_pages(FLEET[:1], web={"listen": "127.0.0.1:0", "admin_token": token},
                                    exporter={"log_level": "debug"})
        self.assertIn('type="password" name="token"', exporter.get("/").text)
        refused, taken = self.post_form(exporter, token="wrong"), self.post_form(exporter, token=token)
        self.assertEqual((refused.status, taken.status), (401, 303))
        progress = exporter.get(taken.headers["Location"], Accept="text/html").text
        for text in (refused.text, taken.text, str(taken.headers), progress, exporter.log_text()):
            self.assertNotIn(token, text)

    def test_a_form_of_another_site_is_refused(self):
        exporter = self.start_pages(FLEET[:1])
        reply = exporter.request("POST", "/refresh", {**FORM, "Origin": "http://evil.example"}, body="ins_id=rm-test1")
        self.assertEqual(reply.status, 403)

    def test_ten_thousand_targets_stay_usable(self):
        exporter = self.start_pages([Instance(f"rm-test{i}", f"shard {i}") for i in range(10000)],
                                    metric_db_max_user_connections={"enabled": "no"})
        exporter.wait_for("the inventory", lambda: "10000 targets" in exporter.get("/targets").text)
        for path in ("/", "/targets", "/targets?sort=-age&page=100", "/targets?q=99&state=pending", "/api/v1/targets"):
            with self.subTest(path):
                started = time.monotonic()
                reply = exporter.get(path)
                self.assertEqual(reply.status, 200)
                if not harness.SANITIZED:
                    self.assertLess(time.monotonic() - started, 1)
                if path != "/api/v1/targets":
                    self.assertLess(len(reply.body), 300000)


class Shown(harness.Case):
    """In Chromium: one browser and one exporter for all, for neither is changed."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.browser = browser.Browser()
        cls.addClassCleanup(cls.browser.close)

    def setUp(self):
        super().setUp()
        sim = self.simulator()
        sim.control(instance_fault="rm-test5:failed")
        self.exporter = self.start(sim, FLEET, (UID, UID2), metric_db_user_session_count=SELDOM)
        self.exporter.wait_for("data of every target", lambda: sum(
            target["up"] or target["error"] is not None or target["aliyun_uid"] == UNCONFIGURED
            for target in self.exporter.targets().values()) == len(FLEET) + 1)
        self.browser.complaints.clear()

    def open(self, path):
        self.browser.open(f"http://127.0.0.1:{self.exporter.port}{path}")

    def refresh_page(self):
        return self.exporter.post("/refresh", ins_id="rm-test5", wait="20s").json["status_url"]

    def keep_screenshot(self, name):
        """For a person to look at, when a folder for it is named."""
        folder = os.environ.get("PAGES_SCREENSHOTS")
        if folder:
            os.makedirs(folder, exist_ok=True)
            self.browser.screenshot(os.path.join(folder, name + ".png"), whole=False)

    def views(self):
        """Every page at every width, light and dark, in every language."""
        pages = {"overview": "/", "targets": "/targets?sort=state", "down": "/targets?state=down&q=rm",
                 "none": "/targets?q=nothing", "progress": self.refresh_page(), "refused": "/refresh/unknown"}
        for width in WIDTHS:
            for dark in (False, True):
                for header, tag in LANGUAGES.items():
                    self.browser.look(width, dark, header)
                    for name, path in pages.items():
                        view = f"{name}-{width}-{'dark' if dark else 'light'}-{tag}"
                        with self.subTest(view):
                            self.open(path)
                            self.keep_screenshot(view)
                            yield width, dark, tag

    def test_every_view_fits_is_readable_and_speaks_one_language(self):
        for width, dark, tag in self.views():
            self.assertEqual(self.browser.value("document.documentElement.lang"), tag)
            self.assertEqual(self.browser.value(WIDE_ELEMENTS), [])
            self.assertLessEqual(self.browser.value("document.documentElement.scrollWidth"), width)
            self.assertEqual(self.browser.value(FAINT_TEXTS), [])
            back = self.browser.value("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)")
            self.assertEqual(sum(back) < 3 * 128, dark)
        # Nothing that the content security policy would have to stop; a 404 was asked for.
        self.assertEqual([text for text in self.browser.complaints if "404" not in text], [])

    def test_names_from_the_inventory_run_no_script(self):
        self.browser.look(1280)
        self.open("/targets?q=script")
        self.assertEqual(self.browser.value("document.title"), "Targets · MySQL Session Exporter")
        self.assertEqual(self.browser.value("document.scripts.length"), 0)

    def test_rows_become_cards_on_a_phone(self):
        for width, display in ((1280, "table-row"), (390, "block")):
            self.browser.look(width)
            self.open("/targets")
            self.assertEqual(self.browser.value("getComputedStyle(document.querySelector('tbody tr')).display"), display)

    def test_a_table_stays_a_table_for_a_screen_reader(self):
        self.browser.look(390)
        self.open("/targets")
        self.assertEqual(self.browser.value(
            "[...document.querySelectorAll('table,tr,th,td')].filter(e => !e.getAttribute('role')).length"), 0)
        self.assertEqual(self.browser.value("document.querySelectorAll('th[scope=col]').length"), 8)

    def test_filter_sort_and_page_work_together(self):
        self.browser.look(1280)
        self.open("/targets")
        self.browser.value("document.querySelector('select[name=state]').value = 'up',"
                           "document.querySelector('input[name=q]').value = 'shard',"
                           "document.querySelector('form[role=search] button').click()")
        self.browser.wait("location.search.includes('state=up') && document.querySelector('caption')")
        self.browser.value("document.querySelector('th a[href*=\"sort=-ins_id\"]').click()")
        self.browser.wait("location.search.includes('sort=-ins_id')")
        self.assertEqual(self.browser.value("document.querySelector('tbody a').textContent"), "rm-test209")
        self.browser.value("document.querySelector('.pager a:not([aria-current])').click()")
        self.browser.wait("location.search.includes('page=2')")
        self.assertEqual(self.browser.value("document.querySelector('tbody a').textContent"), "rm-test109")
        self.assertEqual(self.browser.value("document.querySelector('select[name=state]').value"), "up")
        self.assertEqual(self.browser.value("document.querySelector('input[name=q]').value"), "shard")

    def test_the_button_refreshes_without_a_script(self):
        self.browser.look(390)
        self.open("/targets?ins_id=rm-test1")
        self.browser.value("document.querySelector('form.refresh button').click()")
        self.browser.wait("location.pathname.startsWith('/refresh/')")
        self.browser.wait("document.querySelector('.badge.good') && !document.querySelector('meta[http-equiv]')")
        self.assertEqual(self.browser.value("document.querySelector('progress').position"), 1)


if __name__ == "__main__":
    harness.main()
