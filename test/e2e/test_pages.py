"""The pages for people: over HTTP, and as headless Chromium shows them."""

import gzip
import os
import signal
import time
import urllib.parse

import browser
import harness
import fleet
from fleet import Instance, UID, UID2

FORM = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "text/html"}
SELDOM = {"interval": "1h", "stale_after": "2h"}
WIDTHS = (360, 1190, 1280)
MANY = 30000
UPDATE_MS = 5000
FILES = ("/", "/targets", "/web/app.js", "/web/style.css", "/web/phrases.json", "/web/phrases.zh.json")
LANGUAGES = {"en-US,en;q=0.9": "en", "zh-CN,zh;q=0.9,en;q=0.8": "zh-CN"}
UNCONFIGURED = "1000000000000003"
HOSTILE = "<script>document.title='taken'</script><img src=x onerror=document.title='taken'>"

# Conditions on a page, and a field that gets a value as if by hand.
DRAWN = "document.querySelector('#findings li, #summary .badge, #nothing:not([hidden])')"
PROGRESS = "document.querySelector('#refresh .badge.good, #refresh .badge.warning')"
TROUBLE = "document.querySelector('#trouble:not([hidden])')"
SET = """(() => { const field = document.querySelector('#filter %s');
    field.value = '%s'; field.dispatchEvent(new Event('%s', { bubbles: true })); })()"""

# Long and hostile names, every health, three accounts of which one has no credentials.
FLEET = [
    Instance("rm-test1", "orders", users=(("app", 5),)),
    Instance("rm-test2", "支付中心主库"),
    Instance("rm-test3", HOSTILE, users=((HOSTILE, 5),)),
    Instance("rm-test4", "a-name-without-any-blank-" * 8),
    Instance("rm-test-" + "x" * 30, "a long id"),
    Instance("rm-test5", "always fails"),
    Instance("pc-test1", "ledger", "PolarDB", uid=UID2, nodes=(("pi-test1", "write"), ("pi-test-" + "x" * 24, "read"))),
    Instance("rm-test9", "nobody's", uid=UNCONFIGURED),
    *(Instance(f"rm-test{i}", f"shard {i}") for i in range(100, 210)),
]

SHOWN = [instance for instance in FLEET if instance.ins_id != "rm-test5" and instance.uid != UNCONFIGURED]

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

    def test_files_are_sent_once_and_compressed(self):
        exporter = self.start_pages(FLEET[:1])
        for path in FILES:
            with self.subTest(path):
                plain, packed = exporter.get(path), exporter.get(path, Accept_Encoding="gzip")
                self.assertEqual((plain.status, plain.headers["Cache-Control"]), (200, "no-cache"))
                self.assertEqual(gzip.decompress(packed.body), plain.body)
                again = exporter.get(path, Accept_Encoding="gzip", If_None_Match=packed.headers["ETag"])
                self.assertEqual((again.status, again.body), (304, b""))
                self.assertEqual(again.headers["ETag"], packed.headers["ETag"])
                self.assertEqual(exporter.get(path, If_None_Match='"another"').status, 200)

    def test_the_policy_of_the_pages_allows_nothing_inline_and_nothing_foreign(self):
        exporter = self.start_pages(FLEET[:1])
        for path in ("/", "/targets"):
            policy = exporter.get(path).headers["Content-Security-Policy"]
            self.assertTrue(policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'; "))
            self.assertNotIn("unsafe", policy)
            self.assertNotIn("http", policy)

    def test_a_form_refreshes_and_leads_to_its_progress(self):
        exporter = self.start_pages(FLEET[:2])
        exporter.wait_sessions(fleet.sessions(FLEET[:2]))
        self.sim.control(generation=1)
        reply = self.post_form(exporter, ins_id="rm-test1")
        self.assertEqual(reply.status, 303)
        place = reply.headers["Location"]
        exporter.wait_for("its end", lambda: exporter.get(place).json["state"] == "finished")
        self.assertEqual(exporter.get(place, Accept="text/html").json["done"], 1)
        exporter.wait_sessions({**fleet.sessions(FLEET[1:2]), **fleet.sessions(FLEET[:1], 1)})

    def test_the_token_is_a_field_of_the_form_and_nowhere_else(self):
        token = "canary-token-of-the-form"
        exporter = self.start_pages(FLEET[:1], web={"listen": "127.0.0.1:0", "admin_token": token},
                                    exporter={"log_level": "debug"})
        self.assertEqual(exporter.get("/api/v1/overview").json["refresh"], "admin_token")
        refused, taken = self.post_form(exporter, token="wrong"), self.post_form(exporter, token=token)
        self.assertEqual((refused.status, taken.status), (401, 303))
        progress = exporter.get(taken.headers["Location"], Accept="text/html").text
        for text in (refused.text, taken.text, str(taken.headers), progress, exporter.log_text()):
            self.assertNotIn(token, text)

    def test_a_form_of_another_site_is_refused(self):
        exporter = self.start_pages(FLEET[:1])
        reply = exporter.request("POST", "/refresh", {**FORM, "Origin": "http://evil.example"}, body="ins_id=rm-test1")
        self.assertEqual(reply.status, 403)

    def test_thirty_thousand_targets_stay_usable(self):
        exporter = self.start_pages([Instance(f"rm-test{i:05}", f"shard {i}") for i in range(MANY)],
                                    metric_db_max_user_connections={"enabled": "no"})
        exporter.wait_for("the inventory", lambda: len(exporter.targets()) == MANY)
        api = "/api/v1/targets"
        for path in ("/", "/targets", "/api/v1/overview", api + "?page=1", api + "?sort=-age&page=300",
                     api + "?q=99&state=pending&page=1", api):
            with self.subTest(path):
                started = time.monotonic()
                reply = exporter.get(path)
                self.assertEqual(reply.status, 200)
                if not harness.SANITIZED:
                    self.assertLess(time.monotonic() - started, 1)
                if path != api:
                    self.assertLess(len(reply.body), 100000)
        with browser.opened() as chromium:
            chromium.look(1280)
            chromium.open(f"http://127.0.0.1:{exporter.port}/targets?sort=-ins_id")
            chromium.wait("document.querySelectorAll('tbody tr').length === 100")
            self.assertEqual(chromium.value("document.querySelector('tbody a').textContent"), "rm-test29999")
            self.assertEqual(chromium.value("document.querySelector('caption').textContent"), "Rows 1 to 100 of 30000")
            chromium.value("document.querySelector('#pager li:last-child a').click()")
            chromium.wait("document.querySelector('tbody a').textContent === 'rm-test00099'")
            self.assertEqual(chromium.value("location.search"), "?sort=-ins_id&page=300")


class Shown(harness.Case):
    """In Chromium: one browser and one exporter for all, for neither is changed."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.browser = browser.Browser()
        cls.addClassCleanup(cls.browser.close)

    def setUp(self):
        super().setUp()
        self.sim = self.simulator()
        self.sim.control(instance_fault="rm-test5:failed")
        self.exporter = self.start(self.sim, FLEET, (UID, UID2), metric_db_user_session_count=SELDOM)
        self.exporter.wait_for("data of every target", lambda: sum(
            target["up"] or target["error"] is not None or target["aliyun_uid"] == UNCONFIGURED
            for target in self.exporter.targets().values()) == len(FLEET) + 1)
        self.browser.complaints.clear()

    def tearDown(self):
        self.browser.value("localStorage.clear()")
        self.browser.open("about:blank")  # or the page would go on asking an exporter that is gone
        super().tearDown()

    def open(self, path, ready=DRAWN):
        self.browser.open(f"http://127.0.0.1:{self.exporter.port}{path}")
        self.browser.wait(ready)

    def value(self, expression):
        return self.browser.value(expression)

    def text(self, selector):
        return self.value(f"document.querySelector({selector!r}).textContent")

    def first_is(self, ins_id):
        self.browser.wait(f"document.querySelector('tbody a')?.textContent === '{ins_id}'")

    def requests(self, part):
        self.value("0")  # what came until now
        return [url for url in self.browser.requests if part in url]

    def keep_screenshot(self, name):
        """For a person to look at, when a folder for it is named."""
        folder = os.environ.get("PAGES_SCREENSHOTS")
        if folder:
            os.makedirs(folder, exist_ok=True)
            self.browser.screenshot(os.path.join(folder, name + ".png"), whole=False)

    def views(self):
        """Every page at every width, light and dark, in every language."""
        progress = self.exporter.post("/refresh", ins_id="rm-test5", wait="20s").json["refresh_id"]
        pages = {"overview": "/", "targets": "/targets?sort=state", "down": "/targets?state=down&q=rm",
                 "none": "/targets?q=nothing", "progress": "/#refresh=" + progress, "refused": "/targets?state=unknown"}
        for width in WIDTHS:
            for dark in (False, True):
                for header, tag in LANGUAGES.items():
                    self.browser.look(width, dark, header)
                    for name, path in pages.items():
                        view = f"{name}-{width}-{'dark' if dark else 'light'}-{tag}"
                        with self.subTest(view):
                            self.open("/targets?q=nobody")  # an address that differs behind the # only loads nothing
                            self.open(path, {"progress": PROGRESS, "refused": TROUBLE}.get(name, DRAWN))
                            self.keep_screenshot(view)
                            yield width, dark, tag

    def test_every_view_fits_is_readable_and_speaks_one_language(self):
        for width, dark, tag in self.views():
            self.assertEqual(self.value("document.documentElement.lang"), tag)
            self.assertEqual(self.value(WIDE_ELEMENTS), [])
            self.assertLessEqual(self.value("document.documentElement.scrollWidth"), width)
            self.assertEqual(self.value(FAINT_TEXTS), [])
            back = self.value("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)")
            self.assertEqual(sum(back) < 3 * 128, dark)
        # Nothing that the content security policy had to stop, no phrase missing; a 400 was asked for.
        self.assertEqual([text for text in self.browser.complaints if "400" not in text], [])

    def test_names_from_the_inventory_run_no_script(self):
        self.browser.look(1280)
        self.open("/targets?q=script")
        self.assertEqual(self.text("tbody .name"), HOSTILE + " · rds")
        self.assertEqual(self.value("document.title"), "Targets · MySQL Session Exporter")
        self.assertEqual(self.value("document.scripts.length"), 1)
        self.assertEqual(self.value("document.querySelectorAll('tbody script, tbody img').length"), 0)

    def test_the_filter_from_an_address_stays_a_text(self):
        self.browser.look(1280)
        self.open("/targets?ins_id=" + urllib.parse.quote(HOSTILE))
        self.assertEqual(self.text("#refresh button"), f"Refresh instance {HOSTILE} now")
        self.assertEqual(self.value("document.scripts.length"), 1)

    def test_rows_become_cards_on_a_phone(self):
        for width, display in ((1280, "table-row"), (360, "block")):
            self.browser.look(width)
            self.open("/targets")
            self.assertEqual(self.value("getComputedStyle(document.querySelector('tbody tr')).display"), display)

    def test_a_table_stays_a_table_for_a_screen_reader(self):
        self.browser.look(360)
        self.open("/targets")
        self.assertEqual(self.value(
            "[...document.querySelectorAll('table,tr,th,td')].filter(e => !e.getAttribute('role')).length"), 0)
        self.assertEqual(self.value("document.querySelectorAll('th[scope=col]').length"), 8)

    def test_filter_sort_and_page_work_together_without_loading_again(self):
        self.browser.look(1280)
        self.open("/targets")
        self.value("window.same = true; " + SET % ("select[name=state]", "up", "change"))
        self.value(SET % ("input[name=q]", "shard", "input"))
        self.browser.wait("location.search === '?state=up&q=shard'")
        self.first_is("rm-test100")
        self.value("document.querySelector('th button[data-sort=ins_id]').click()")
        self.first_is("rm-test209")
        self.assertEqual(self.value("location.search"), "?state=up&q=shard&sort=-ins_id")
        self.value("document.querySelector('#pager a:not([aria-current])').click()")
        self.first_is("rm-test109")
        self.assertEqual(self.value("location.search"), "?state=up&q=shard&sort=-ins_id&page=2")
        self.assertTrue(self.value("window.same"))
        self.value("location.reload()")
        self.browser.wait("!window.same && " + DRAWN)
        self.first_is("rm-test109")
        self.assertEqual(self.value("document.querySelector('select[name=state]').value"), "up")
        self.assertEqual(self.value("document.querySelector('input[name=q]').value"), "shard")

    def test_the_way_back_shows_what_was_there(self):
        self.browser.look(1280)
        self.open("/targets?q=shard")
        self.value(SET % ("select[name=state]", "down", "change"))
        self.browser.wait("!document.querySelector('#nothing').hidden")
        self.value("history.back()")
        self.first_is("rm-test100")
        self.assertEqual(self.value("document.querySelector('select[name=state]').value"), "")

    def test_the_order_is_told_to_a_screen_reader(self):
        self.browser.look(1280)
        self.open("/targets")
        sorted_by = ("[...document.querySelectorAll('th')].map(th => th.getAttribute('aria-sort'))")
        self.assertEqual(self.value(sorted_by), ["ascending", *[None] * 7])
        self.value("document.querySelector('th button[data-sort=failures]').click()")
        self.browser.wait("document.querySelector('th:nth-child(7)').getAttribute('aria-sort') === 'ascending'")
        self.value("document.querySelector('th button[data-sort=failures]').click()")
        self.first_is("rm-test5")
        self.assertEqual(self.value(sorted_by), [*[None] * 6, "descending", None])

    def test_the_keyboard_reaches_everything_and_sees_where_it_is(self):
        self.browser.look(1280)
        self.open("/targets")
        self.browser.press("Tab", 9)
        self.assertEqual(self.value("document.activeElement.className"), "skip")
        self.assertGreaterEqual(self.value("document.activeElement.getBoundingClientRect().left"), 0)
        self.browser.press("Enter", 13, "\r")
        self.browser.wait("document.activeElement.id === 'content'")
        for _ in range(20):
            self.browser.press("Tab", 9)
            if self.value("document.activeElement.dataset.sort") == "ins_id":
                break
        self.assertEqual(self.value("getComputedStyle(document.activeElement).outlineStyle"), "solid")
        self.browser.press("Enter", 13, "\r")
        self.first_is("rm-test9")
        self.assertEqual(self.value("document.activeElement.dataset.sort"), "ins_id")

    def test_the_language_is_switched_and_remembered(self):
        self.browser.look(1280, language="en-US")
        self.open("/targets")
        self.value("document.querySelector('#language').click()")
        self.browser.wait("document.documentElement.lang === 'zh-CN'")
        self.browser.wait("document.querySelector('tbody .badge').textContent.includes('正常')")
        self.open("/")
        self.assertEqual(self.text("h1"), "概览")
        self.assertEqual(self.value("document.title"), "概览 · MySQL Session Exporter")

    def test_it_updates_by_itself_and_keeps_the_focus(self):
        self.browser.look(1280)
        self.open("/targets?q=rm-test1")
        self.value("document.querySelector('tbody a').focus()")
        before = self.value("document.querySelector('tbody time').dateTime")
        time.sleep(1.1)  # the new data are of another second
        self.exporter.post("/refresh", ins_id="rm-test1", wait="20s")
        self.browser.wait(f"document.querySelector('tbody time').dateTime > '{before}'")
        self.assertEqual(self.value("document.activeElement.textContent"), "rm-test1")

    def test_ages_grow_between_updates(self):
        self.browser.look(1280)
        self.open("/targets?q=rm-test1")
        texts = self.value("""new Promise(done => {
            const texts = new Set(), note = () => texts.add(document.querySelector('tbody time').textContent);
            setInterval(note, 100);
            setTimeout(() => done(texts.size), 3500);
        })""")
        self.assertGreaterEqual(texts, 3)  # an update brings one at most in that time

    def test_it_asks_nothing_while_nobody_sees_it(self):
        self.browser.look(1280)
        self.open("/")
        self.browser.show(False)
        self.browser.requests.clear()
        self.value(f"new Promise(done => setTimeout(done, {UPDATE_MS} + 1500))")
        self.assertEqual(self.requests("/api/"), [])
        self.browser.show(True)
        self.browser.wait("performance.getEntriesByType('resource').at(-1).name.includes('/api/v1/overview')")
        self.assertEqual(len(self.requests("/api/")), 1)

    def test_the_button_refreshes_and_shows_how_far_it_is(self):
        self.browser.look(360)
        self.open("/targets?ins_id=rm-test1")
        self.sim.control(generation=1)
        self.value("window.same = true, document.querySelector('#refresh button').click()")
        self.browser.wait(PROGRESS)
        self.assertEqual(self.value("document.querySelector('progress').position"), 1)
        self.assertIn("1 of 1 targets done", self.text("#refresh"))
        self.assertTrue(self.value("window.same && location.hash.startsWith('#refresh=')"))
        self.assertFalse(self.value("document.querySelector('#refresh button').disabled"))
        self.exporter.wait_sessions({**fleet.sessions(SHOWN[1:]), **fleet.sessions(SHOWN[:1], 1)})

    def test_an_exporter_that_is_gone_is_told_and_what_it_said_stays(self):
        self.browser.look(1280)
        self.open("/targets?q=rm-test1")
        self.exporter.process.send_signal(signal.SIGSTOP)
        self.addCleanup(self.exporter.process.send_signal, signal.SIGCONT)
        self.browser.wait(TROUBLE)
        self.assertIn("No answer from the exporter since", self.text("#trouble"))
        self.assertEqual(self.text("tbody a"), "rm-test1")
        self.exporter.process.send_signal(signal.SIGCONT)
        self.browser.wait("document.querySelector('#trouble').hidden")

    def test_without_javascript_there_are_links_to_the_data(self):
        self.browser.look(360)
        self.browser.call("Emulation.setScriptExecutionDisabled", value=True)
        self.addCleanup(self.browser.call, "Emulation.setScriptExecutionDisabled", value=False)
        self.open("/", "document.querySelector('noscript a')")
        self.assertTrue(self.value("document.querySelector('main').hidden"))
        self.assertIn("api/v1/targets", self.value(
            "[...document.querySelectorAll('noscript a')].map(a => a.getAttribute('href'))"))
        self.assertGreater(self.value("document.querySelector('noscript form button').getClientRects().length"), 0)


class Token(harness.Case):
    """With an admin token."""

    def test_the_page_asks_for_the_token_and_sends_it_with_the_body(self):
        token = "canary-token-of-the-page"
        exporter = self.start(self.simulator(), FLEET[:1], (UID, UID2), metric_db_user_session_count=SELDOM,
                              web={"listen": "127.0.0.1:0", "admin_token": token})
        exporter.wait_ready()
        with browser.opened() as chromium:
            chromium.look(1280)
            chromium.open(f"http://127.0.0.1:{exporter.port}/")
            chromium.wait(DRAWN)
            chromium.value("document.querySelector('#refresh input').value = 'wrong', "
                           "document.querySelector('#refresh button').click()")
            chromium.wait("document.querySelector('#refresh .finding.bad')")
            chromium.value(f"document.querySelector('#refresh input').value = '{token}', "
                           "document.querySelector('#refresh button').click()")
            chromium.wait(PROGRESS)
            self.assertFalse(chromium.value(f"location.href.includes('{token}')"))
            self.assertEqual([url for url in chromium.requests if token in url], [])
        self.assertNotIn(token, exporter.log_text())


if __name__ == "__main__":
    harness.main()
