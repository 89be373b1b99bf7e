/*
 * The pages for people: HTML without words, filled from the JSON of the exporter and kept up to date.
 * What comes from outside becomes text nodes and attribute values, never markup.
 */

const UPDATE_MS = 5000;
const PROGRESS_MS = 1000;
const ANSWER_MS = 10000;
const TYPING_MS = 250;
const STRETCHED_MAX = 3; // accounts that are named
const PAGES_AROUND = 2; // links to pages on each side of this one

const $ = selector => document.querySelector(selector);

// ---------------------------------------------------------------- elements

// Controls, and what would show the text in another order than it is in.
const UNSHOWN = /[\u0000-\u001f\u007f\u202a-\u202e\u2066-\u2069]/g;
const SVG = "http://www.w3.org/2000/svg";

const shown = text => String(text).replace(UNSHOWN, "\ufffd");
const present = value => value !== undefined && value !== null && value !== false;

function element(name, attributes = {}, ...children) {
    const made = name === "svg" || name === "rect" ? document.createElementNS(SVG, name) : document.createElement(name);

    for (const [key, value] of Object.entries(attributes)) {
        if (present(value)) made.setAttribute(key, value === true ? "" : shown(value));
    }
    made.append(...children.flat(Infinity).filter(present).map(child => child instanceof Node ? child : shown(child)));
    return made;
}

function keepAttributes(kept, fresh) {
    for (const { name } of [...kept.attributes]) {
        if (!fresh.hasAttribute(name)) kept.removeAttribute(name);
    }
    for (const { name, value } of fresh.attributes) {
        if (kept.getAttribute(name) !== value) kept.setAttribute(name, value);
    }
}

/* Makes the children of `parent` equal to these and touches only what differs: focus and selection stay. */
function fill(parent, ...children) {
    const fresh = children.flat(Infinity).filter(present)
        .map(child => child instanceof Node ? child : document.createTextNode(shown(child)));

    fresh.forEach((node, i) => {
        const kept = parent.childNodes[i];

        if (!kept) parent.append(node);
        else if (kept.nodeName !== node.nodeName) kept.replaceWith(node);
        else if (node.nodeType === Node.ELEMENT_NODE) {
            keepAttributes(kept, node);
            fill(kept, [...node.childNodes]);
        } else if (kept.data !== node.data) kept.data = node.data;
    });
    while (parent.childNodes.length > fresh.length) parent.lastChild.remove();
}

// ---------------------------------------------------------------- words and figures

let phrases = {};

const knows = key => Object.hasOwn(phrases, key);

function say(key, values = {}) {
    if (!knows(key)) console.error(`no phrase for ${key}`);
    return (phrases[key] ?? key).replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

/* The reader's own choice is remembered; a browser may forbid that. */
function chosenLanguage(choice) {
    try {
        if (choice) localStorage.setItem("language", choice);
        return localStorage.getItem("language");
    } catch {
        return choice ?? null;
    }
}

/* Without a choice the exporter takes the language that the browser prefers. */
async function loadPhrases(choice = chosenLanguage()) {
    const name = choice === "zh" || choice === "en" ? `phrases.${choice}.json` : "phrases.json";

    phrases = await ask(`web/${name}`, { cache: "default" });
    document.documentElement.lang = phrases.language;
    for (const part of document.querySelectorAll("[data-say]")) part.textContent = say(part.dataset.say);
    for (const part of document.querySelectorAll("nav, section[data-label]")) {
        part.setAttribute("aria-label", say(part.dataset.label));
    }
    document.title = `${say(document.body.dataset.page)} · MySQL Session Exporter`;
    $("#language").textContent = say("language.other");
    $("#language").lang = phrases.language === "en" ? "zh-CN" : "en";
}

/* The two largest units. */
function duration(seconds) {
    const units = [[86400, "day"], [3600, "hour"], [60, "minute"], [1, "second"]];
    const whole = Math.max(0, Math.floor(seconds));
    const i = units.findIndex(([size]) => whole >= size || size === 1);
    const amount = (count, unit) => `${count} ${say("unit." + unit)}`;
    const rest = i < 3 ? Math.floor(whole % units[i][0] / units[i + 1][0]) : 0;

    return amount(Math.floor(whole / units[i][0]), units[i][1]) + (rest > 0 ? " " + amount(rest, units[i + 1][1]) : "");
}

const rate = callsPerSecond => callsPerSecond.toFixed(1);

/* The exporter's clock. Its answers tell whole seconds, so the furthest of them is the nearest to the truth. */
const clock = {
    ahead: 0,
    now: () => performance.now() + clock.ahead,

    set(date) {
        const ahead = Date.parse(date) - performance.now();

        if (ahead > clock.ahead || ahead < clock.ahead - 2000) clock.ahead = ahead;
    },
};

function distance(iso) {
    const seconds = Math.trunc((Date.parse(iso) - clock.now()) / 1000);

    if (seconds === 0) return say("time.now");
    return say(seconds > 0 ? "time.in" : "time.ago", { duration: duration(Math.abs(seconds)) });
}

/* A moment by its distance, which tick() keeps true. */
const moment = iso => iso === null ? "–" : element("time", { datetime: iso, title: iso }, distance(iso));

function tick() {
    for (const time of document.querySelectorAll("time")) fill(time, distance(time.getAttribute("datetime")));
}

// ---------------------------------------------------------------- pieces of both pages

const MARKS = { good: "✓", note: "…", warning: "!", bad: "✗" };
const HEALTHS = { down: "bad", pending: "note", up: "good" };
const STATES = ["waiting", "ready", "calling", "computing", "retrying", "no_credentials"];

const mark = level => element("span", { "aria-hidden": "true" }, MARKS[level]);
const badge = (level, ...words) => element("span", { class: `badge ${level}` }, mark(level), " ", words);
const fact = (name, ...value) => [element("dt", {}, say(name)), element("dd", {}, value)];

/* In the English that it comes in. */
function failure(error) {
    return element("span", { class: "error", lang: "en" }, element("b", {}, error.class),
        ` ${error.code}${error.code ? " · " : ""}${error.message}`,
        error.request_id && element("code", {}, `RequestId ${error.request_id}`));
}

const path = (page, parameters) => `${page}?${new URLSearchParams(parameters)}`;

// ---------------------------------------------------------------- asking

class Refusal extends Error {}

async function ask(url, options = {}) {
    const reply = await fetch(url, { cache: "no-store", signal: AbortSignal.timeout(ANSWER_MS), ...options });

    if (!reply.ok) throw new Refusal((await reply.text()).trim().replace(/\s+/g, " ") || reply.statusText, { cause: reply.status });
    clock.set(reply.headers.get("Date") ?? Date());
    return reply.json();
}

/*
 * Calls `update` now and again some time after its end, while anybody can see the page. Returns what
 * calls it at once, and what ends it.
 */
function live(update, period) {
    let timer, ended = false, turn = 0;

    async function run() {
        const mine = ++turn;

        clearTimeout(timer);
        await update(() => mine === turn && !ended);
        if (mine === turn && !ended && !document.hidden) timer = setTimeout(run, period);
    }
    function seen() {
        clearTimeout(timer);
        if (!document.hidden) run();
    }
    function end() {
        ended = true;
        clearTimeout(timer);
        document.removeEventListener("visibilitychange", seen);
    }
    document.addEventListener("visibilitychange", seen);
    if (!document.hidden) run();
    return { run, end };
}

// ---------------------------------------------------------------- the refresh

const refresh = {
    scope: {},
    progress: null, // the latest of the refresh that is followed
    follower: null,

    /* What the button would refresh, and whether it may: `needs` is what the exporter says of this browser. */
    show(needs, scope) {
        const form = $("#refresh form");
        const key = scope.ins_id ? "instance" : scope.aliyun_uid ? "account" : "all";

        refresh.scope = scope;
        form.hidden = needs === "another_place";
        $("#refresh > p").hidden = needs !== "another_place";
        $("#refresh label").hidden = needs !== "admin_token";
        form.elements.token.required = needs === "admin_token";
        fill(form.querySelector("button"), say("refresh." + key, { name: scope.ins_id ?? scope.aliyun_uid }));
        refresh.showProgress();
    },

    showProgress() {
        const { progress } = refresh;
        const finished = progress?.state === "finished";

        if (!progress) return;
        $("#refresh button").disabled = !finished;
        fill($("#refresh > div"), element("div", { class: "card" },
            element("p", {}, badge(!finished ? "note" : progress.failed > 0 ? "warning" : "good",
                say(finished ? "refresh.finished" : "refresh.running"))),
            element("progress", {
                "aria-label": say("refresh.progress", progress), max: Math.max(1, progress.targets),
                value: progress.targets > 0 ? progress.done : 1,
            }),
            element("p", {}, say("refresh.progress", progress)),
            element("dl", { class: "facts" },
                progress.failed > 0 && fact("refresh.failed", progress.failed, " ",
                    element("a", { href: "targets?state=down" }, say("show"))),
                fact("refresh.elapsed", duration(progress.elapsed_seconds)),
                !finished && progress.estimated_seconds !== null &&
                    fact("refresh.estimated", duration(progress.estimated_seconds)))));
    },

    refused(trouble) {
        const why = trouble instanceof Refusal ? say("trouble.refused", { why: trouble.message })
            : say("trouble.no_answer", { time: new Date().toLocaleTimeString(phrases.language) });

        fill($("#refresh > div"), element("p", { class: "finding bad" }, mark("bad"), " ", why));
    },

    async start(event) {
        const form = event.target;
        const fields = new URLSearchParams(refresh.scope);

        event.preventDefault();
        if (!form.querySelector("label").hidden) fields.set("token", form.elements.token.value);
        form.querySelector("button").disabled = true;
        refresh.progress = null;
        try {
            const progress = await ask("refresh", { method: "POST", body: fields, headers: { Accept: "application/json" } });

            // In the address, so that loading the page again goes on showing it.
            history.replaceState(null, "", `${location.pathname}${location.search}#refresh=${progress.refresh_id}`);
            refresh.follow(progress.refresh_id);
        } catch (trouble) {
            form.querySelector("button").disabled = false;
            refresh.refused(trouble);
        }
    },

    follow(id) {
        refresh.follower?.end();
        refresh.follower = live(async current => {
            try {
                const progress = await ask(`refresh/${id}`, { headers: { Accept: "application/json" } });

                if (!current()) return;
                refresh.progress = progress;
                refresh.showProgress();
                if (progress.state === "finished") refresh.end();
            } catch (trouble) {
                if (trouble.cause === 404 && current()) refresh.end(say("refresh.forgotten"));
            }
        }, PROGRESS_MS);
    },

    end(why) {
        refresh.follower.end();
        $("#refresh button").disabled = false;
        if (why) fill($("#refresh > div"), element("p", { class: "soft" }, why));
        else page.live.run();
    },
};

// ---------------------------------------------------------------- the overview

/* Where to see more. */
const FINDING_LINKS = [[/^targets_(down|pending)$/, ([, state]) => `targets?state=${state}`],
    [/^accounts?_(?!table)/, () => "#accounts"], [/^(inventory|users|accounts_table)_(?!loading)/, () => "#inventory"]];

function findingLink(code) {
    const found = FINDING_LINKS.find(([pattern]) => pattern.test(code));

    return found && found[1](code.match(found[0]));
}

function findingItem(finding, i) {
    const link = findingLink(finding.code);
    const values = { ...finding, duration: duration(finding.seconds) };

    return element("li", { class: `finding ${finding.level}${i === 0 ? " first" : ""}` },
        mark(finding.level), " ", say("finding." + finding.code, values),
        link && element("small", {}, " ", element("a", { href: link }, say("show"))),
        finding.error && failure(finding.error));
}

function figure(name, ...value) {
    return element("div", { class: "card" }, fact(name, value));
}

/* Quotas as shares of the limit, in SVG, since a style attribute would need a laxer content security policy. */
function quotaBar(account) {
    const share = value => account.rate_limit > 0 ? Math.min(100, 100 * value / account.rate_limit) : 0;
    const bar = (kind, place) => element("rect", { class: kind, height: 10, ...place });

    return element("svg", {
        class: "quota", viewBox: "0 0 100 10", preserveAspectRatio: "none", role: "img",
        "aria-label": say("quota.bar", { demand: rate(account.rate_demand), used: rate(account.rate_used),
            effective: rate(account.rate_effective), limit: rate(account.rate_limit) }),
    }, bar("track", { width: 100 }), bar(account.overcommitted ? "over" : "need", { width: share(account.rate_demand) }),
    bar("used", { y: 3, height: 4, width: share(account.rate_used) }),
    bar("allowed", { width: 0.7, x: Math.min(99.3, share(account.rate_effective)) }));
}

function credentials(account) {
    const end = account.credentials_expiry;
    const key = Date.parse(end) > clock.now() ? "credentials.expire" : "credentials.expired";

    return [say("credentials." + account.credentials),
        end !== null && element("span", { class: "soft small" }, ` ${say(key)} `, moment(end))];
}

function quotaFacts(account) {
    return [
        ["rate_demand", "rate_used", "rate_effective", "rate_limit"].map(name =>
            fact(name, say("calls_per_second", { rate: rate(account[name]) }))),
        fact("cycle", duration(account.cycle_seconds),
            account.overcommitted && [" ", badge("warning", say("cycle.stretched"))]),
    ];
}

function accountCard(account, explained) {
    const configured = account.credentials !== "none";

    return element("article", { class: "card" },
        element("h3", {}, account.aliyun_uid, " ", badge(account.level, say("state." + account.state))),
        account.error && !explained(account.error) && element("p", {}, failure(account.error)),
        configured && quotaBar(account),
        element("dl", { class: "facts" },
            fact("targets_up", element("a", { href: path("targets", { aliyun_uid: account.aliyun_uid }) },
                say("of", { count: account.targets_up, total: account.targets }))),
            configured && quotaFacts(account),
            fact("throttled", account.throttled),
            fact("credentials", credentials(account))));
}

function loadFact(name, success, failures) {
    return fact(name, success === null ? say("never") : moment(success),
        failures > 0 && [" ", badge("bad", say("inventory.failures", { count: failures }))]);
}

function inventoryFacts(inventory, explained) {
    const rejected = Object.entries(inventory.rejected).filter(([, count]) => count > 0).map(([reason, count]) =>
        element("span", {}, say("rejected", { reason: say("rejected." + reason), count })));

    return [
        loadFact("inventory.instances", inventory.last_success, inventory.failures),
        loadFact("inventory.users", inventory.users_last_success, inventory.users_failures),
        element("dt", {}, say("inventory.rejected")),
        element("dd", { class: "lines" }, rejected.length > 0 ? rejected : say("none")),
        inventory.error && !explained(inventory.error) && fact("last_error", failure(inventory.error)),
    ];
}

function programFacts(overview, explained) {
    const { loaded, error } = overview.configuration;

    return [
        fact("program.version", overview.version, " ",
            element("span", { class: "soft small" }, `(${overview.revision})`)),
        fact("program.uptime", duration((clock.now() - Date.parse(overview.started)) / 1000)),
        fact("configuration", say("configuration.loaded"), " ", moment(loaded),
            error && [" ", badge("bad", say("configuration.failed")), !explained(error) && failure(error)]),
    ];
}

/* Whether a finding at the top says this already. */
function explainer(findings) {
    const texts = new Set(findings.filter(finding => finding.error).map(finding => JSON.stringify(finding.error)));

    return error => texts.has(JSON.stringify(error));
}

const overviewPage = {
    url: () => "api/v1/overview",

    render(overview) {
        const { totals, accounts } = overview;
        const explained = explainer(overview.findings);

        fill($("#findings"), overview.findings.map(findingItem));
        fill($("#figures"),
            figure("targets_up", say("of", { count: totals.targets_up, total: totals.targets })),
            figure("accounts_up", say("of", { count: totals.accounts_up, total: totals.accounts })),
            figure("instances", totals.instances), figure("queue_length", totals.queue_length));
        refresh.show(overview.refresh, {});
        fill($("#accounts p"), say(accounts.length > 0 ? "quota.legend" : "accounts.none"));
        fill($("#accounts .cards"), accounts.map(account => accountCard(account, explained)));
        fill($("#inventory dl"), inventoryFacts(overview.inventory, explained));
        fill($("#program dl"), programFacts(overview, explained));
    },
};

// ---------------------------------------------------------------- the targets

const FILTERS = ["aliyun_uid", "ins_id", "state", "q"];
const COLUMNS = { ins_id: "instance", node_id: "node", aliyun_uid: "account", state: "state", age: "data",
    next_run: "next_run", failures: "failures", error: "last_error" };

/* What is shown is what the address says. */
const view = {
    get: name => new URLSearchParams(location.search).get(name) ?? "",

    /* The parameters with these changes; another selection or order begins at its first page. */
    with(changes) {
        const parameters = new URLSearchParams(location.search);

        for (const [name, value] of Object.entries({ page: "", ...changes })) {
            if (value === "") parameters.delete(name);
            else parameters.set(name, value);
        }
        return parameters;
    },

    href: changes => `targets?${view.with(changes)}`,

    go(href, replace) {
        history[replace ? "replaceState" : "pushState"](null, "", href.replace(/\?$/, "") + location.hash);
        view.follow();
    },

    /* Shows what the address says now. */
    follow() {
        $("#filter").elements.q.value = view.get("q");
        page.live?.run();
    },

    sort: () => ({ column: view.get("sort").replace(/^-/, "") || "ins_id", descending: view.get("sort").startsWith("-") }),
};

function fillSelect(name, options) {
    const select = $("#filter").elements[name];

    fill(select, options.map(([value, words]) => element("option", { value }, words)));
    if (select.value !== view.get(name)) select.value = view.get(name);
}

function fillSelects(aliyunUids) {
    const accounts = new Set([...aliyunUids, view.get("aliyun_uid")].filter(Boolean));
    const states = [...Object.keys(HEALTHS), ...STATES];

    fillSelect("aliyun_uid", [["", say("all")], ...[...accounts].map(uid => [uid, uid])]);
    fillSelect("state", [["", say("all")], ...states.map(state => [state, say("state." + state)])]);
    fillSelect("sort", Object.entries(COLUMNS).flatMap(([column, name]) =>
        [[column === "ins_id" ? "" : column, say(name) + " ▲"], ["-" + column, say(name) + " ▼"]]));
}

/* Why data are older than the interval. */
function stretched(accounts) {
    return accounts.filter(account => account.overcommitted).slice(0, STRETCHED_MAX).map(account =>
        element("p", { class: "finding warning" }, mark("warning"), " ", say("targets.stretched", {
            name: account.aliyun_uid, demand: rate(account.rate_demand), limit: rate(account.rate_limit),
            duration: duration(account.cycle_seconds) })));
}

function summary(selection) {
    return [say("targets.selected", { count: selection.targets, total: selection.of }),
        Object.entries(HEALTHS).filter(([health]) => selection[health] > 0).map(([health, level]) =>
            [" ", badge(level, say("state." + health), " ", selection[health])])];
}

/* Kept on one line as far as that is sensible. */
const identifier = id => element("span", { class: "id" }, id);
const below = (...words) => element("span", { class: "name" }, words);

function cell(name, kind, ...content) {
    return element("td", { role: "cell", class: kind || null, "data-label": say(name) }, element("span", {}, content));
}

function row(target) {
    return element("tr", { role: "row" },
        cell("instance", "", element("a", { class: "id", href: path("targets", { ins_id: target.ins_id }) }, target.ins_id),
            below(target.ins_name, " · ", target.ins_type)),
        cell("node", "", identifier(target.node_id || "–"), below(say("node." + target.node_type))),
        cell("account", "", identifier(target.aliyun_uid)),
        cell("state", "state", badge(HEALTHS[target.health], say("state." + target.health)), below(say("state." + target.state))),
        cell("data", "when", moment(target.last_success)),
        cell("next_run", "when", moment(target.next_run)),
        cell("failures", target.failures === 0 ? "number none" : "number", target.failures),
        cell("last_error", target.error ? "why" : "why none", target.error ? failure(target.error) : "–"));
}

/* The first page, those around this one, and the last. */
function pager({ page: current, pages }) {
    const numbers = new Set([1, pages]);
    const items = [];
    let before = 0;

    for (let i = Math.max(1, current - PAGES_AROUND); i <= Math.min(pages, current + PAGES_AROUND); i++) numbers.add(i);
    for (const number of [...numbers].sort((a, b) => a - b)) {
        if (number > before + 1) items.push(element("li", {}, element("span", { class: "gap" }, "…")));
        items.push(element("li", {}, element("a", {
            href: view.href({ page: number > 1 ? number : "" }), "aria-current": number === current && "page",
        }, number)));
        before = number;
    }
    return pages > 1 ? items : [];
}

function showSort() {
    const { column, descending } = view.sort();

    for (const button of document.querySelectorAll("th button")) {
        const sorted = button.dataset.sort === column && (descending ? "descending" : "ascending");

        if (sorted) button.parentElement.setAttribute("aria-sort", sorted);
        else button.parentElement.removeAttribute("aria-sort");
    }
}

const targetsPage = {
    url: () => `api/v1/targets?${new URLSearchParams({ page: 1, ...Object.fromEntries(new URLSearchParams(location.search)) })}`,

    render(answer) {
        const { selection } = answer;
        const scope = Object.fromEntries(["aliyun_uid", "ins_id"].map(name => [name, view.get(name)]).filter(([, value]) => value));

        fillSelects(answer.aliyun_uids);
        $("#reset").hidden = !FILTERS.some(view.get);
        fill($("#stretched"), stretched(answer.accounts));
        fill($("#summary"), summary(selection));
        refresh.show(answer.refresh, scope);
        $("table").hidden = selection.targets === 0;
        fill($("caption"), say("targets.rows", {
            first: selection.first, last: selection.first + answer.targets.length - 1, total: selection.targets,
        }));
        showSort();
        fill($("tbody"), answer.targets.map(row));
        $("#nothing").hidden = selection.targets > 0;
        fill($("#nothing"), say(selection.of > 0 ? "targets.no_match" : "targets.none"));
        fill($("#pager"), pager(selection));
    },

    start() {
        const filter = $("#filter");
        let typing;

        const apply = field => view.go(view.href({ [field.name]: field.value }), field.name === "q");
        filter.addEventListener("submit", event => event.preventDefault());
        filter.addEventListener("change", event => event.target.name !== "q" && apply(event.target));
        filter.addEventListener("input", event => {
            if (event.target.name !== "q") return;
            clearTimeout(typing);
            typing = setTimeout(apply, TYPING_MS, event.target);
        });
        $("thead").addEventListener("click", event => {
            const column = event.target.dataset.sort;
            const sort = view.sort();
            const value = column === sort.column && !sort.descending ? "-" + column : column;

            if (column) view.go(view.href({ sort: value === "ins_id" ? "" : value }));
        });
        document.addEventListener("click", event => {
            const link = event.target.closest("main a[href^='targets']");

            if (!link || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
            event.preventDefault();
            view.go(link.getAttribute("href"));
            if (link.closest("#pager")) $("#content").scrollIntoView();
        });
        addEventListener("popstate", view.follow);
        view.follow();
    },
};

// ---------------------------------------------------------------- the start

const page = {
    kind: { overview: overviewPage, targets: targetsPage }[document.body.dataset.page],
    answer: null, // the latest
    answered: null, // when
    live: null,

    /* Draws the latest answer; a question that has been overtaken changes nothing. */
    async update(current) {
        try {
            const answer = await ask(page.kind.url());

            if (!current()) return;
            page.answer = answer;
            page.answered = new Date();
            page.kind.render(answer);
            $("#trouble").hidden = true;
        } catch (trouble) {
            if (current()) page.complain(trouble);
        }
    },

    complain(trouble) {
        const time = (page.answered ?? new Date()).toLocaleTimeString(phrases.language);

        if (trouble instanceof Refusal) fill($("#trouble"), say("trouble.refused", { why: trouble.message }));
        else fill($("#trouble"), say("trouble.no_answer", { time }));
        $("#trouble").hidden = false;
        if ($("#reset")) $("#reset").hidden = false;
    },

    async switchLanguage() {
        const choice = phrases.language === "en" ? "zh" : "en";

        chosenLanguage(choice);
        await loadPhrases(choice);
        if (page.answer) page.kind.render(page.answer);
    },

    async start() {
        const followed = location.hash.match(/^#refresh=([0-9a-f]+)$/);

        await loadPhrases();
        $("#language").hidden = $("main").hidden = false;
        $("#language").addEventListener("click", () => page.switchLanguage().catch(page.complain));
        $("#refresh form").addEventListener("submit", refresh.start);
        page.kind.start?.();
        page.live = live(page.update, UPDATE_MS);
        if (followed) refresh.follow(followed[1]);
        setInterval(() => document.hidden || tick(), 1000);
    },
};

page.start().catch(() => {
    document.body.append("The exporter does not answer; load this page again. exporter 无应答，请重新加载本页面。");
});
