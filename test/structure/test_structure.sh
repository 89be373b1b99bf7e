#!/bin/bash
# The checks of this folder accept a sound tree and name the file of each planted violation.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Counted in a file, since most are seen in a subshell.
fail() {
    echo "$1" >&2
    echo >>"$work/failures"
}

# shellcheck disable=SC2016
make_sound_tree() {
    mkdir -p "$work/sound"/{core,config,db,das,metrics,collectors,schedule,http,app,cmake,test/core,test/das_sim}
    cd "$work/sound"
    cp "$here/../../core/banned.h" core/
    cp "$here/../../cmake/flags.cmake" cmake/
    cp "$here/../../.clang-format" .
    printf '#ifndef A_H\n#define A_H\n\nint a(void);\n\n#endif\n' >core/a.h
    printf '#include "core/a.h"\n\nint a(void)\n{\n    return 1;\n}\n' >core/a.c
    printf '#include <curl/curl.h>\n\n#include "core/a.h"\n' >das/transport.c
    printf '#include <mysql.h>\n' >db/source_mysql.c
    printf '#include <civetweb.h>\n#include <jansson.h>\n' >http/server.c
    printf '#include "app/c.h"\n#include "core/a.h"\n#include "metrics/b.h"\n' >exporter.c
    printf '#include "app/c.h"\n#include "db/loader.h"\n#include "http/server.h"\n' >app/d.c
    printf '/* time(0) and strcpy(a, b) in a comment */\nconst char *s = "rand()";\n' >metrics/b.c
    printf '#include <jansson.h>\n\n#include "core/a.h"\n' >test/core/test_a.c
    printf '#include "sim.h"\n' >test/das_sim/sim.c
    touch test/das_sim/sim.h
    printf 'rm-test1 1000000000000001 1234567890123456 "${dir}/home/x"\n' >notes.md
    make_sound_pages
    make_sound_rules
    git init -q .
}

# shellcheck disable=SC2016
make_sound_pages() {
    local language page

    mkdir docs
    print_families >metrics/family.c
    print_optional >config/optional_metrics.h
    printf '`f_total`, `g_ratio`, `o`, `p`, `p_overflow` and [a key](config.md#keys-all-of-them-1)\n' >docs/metrics.md
    print_keys 'Keys: *all* of `them`' 'a number' >docs/config.md
    print_keys '配置项：全部' '数字' >docs/config.zh-CN.md
    for language in '' .zh-CN; do
        page=README$language.md
        print_page "Text$language" >"$page"
    done
}

# shellcheck disable=SC2016
make_sound_rules() {
    mkdir -p deploy/prometheus/tests
    {
        printf 'groups:\n  - name: g\n    rules:\n      - record: a:b:sum\n        expr: b\n'
        printf '      - alert: ItFails\n        expr: b > 1\n        labels:\n          severity: warning\n'
        printf '        annotations:\n          summary: It fails\n          description: >-\n            It does.\n'
        printf '          runbook_url: https://example.com/docs/runbooks.md#itfails\n'
    } >deploy/prometheus/a_rules.yml
    {
        printf 'tests:\n  - promql_expr_test:\n      - expr: a:b:sum{c="d"}\n        eval_time: 1m\n'
        printf '    alert_rule_test:\n      - alertname: ItFails\n        exp_alerts:\n          - exp_labels:\n'
        printf '      - alertname: ItFails\n        exp_alerts: []\n'
    } >deploy/prometheus/tests/a_test.yml
    {
        printf '# Runbooks\n\n## ItFails\n\n**Means.** It.\n\n**Confirm.** `msg="it fails: …"`.\n\n'
        printf '**Do.** It.\n\n**Can wait when.** It can.\n'
    } >docs/runbooks.md
    printf 'log_warn("it fails: here");\n' >db/log.c
}

print_families() {
    printf 'struct family f = {\n    .name = "f",\n    .type = FAMILY_COUNTER,\n};\n'
    printf 'struct family g = {\n    .name = "g_ratio",\n    .type = FAMILY_GAUGE,\n};\n'
}

print_optional() {
    printf '#ifndef OPTIONAL_METRICS_H\n#define OPTIONAL_METRICS_H\n\n/* clang-format off */\n'
    printf '#define OPTIONAL_METRICS(NODE, KEYED) \\\n'
    printf '    NODE(O, "o", total, "Help.") \\\n    KEYED(P, "p", users, total, "user", "Help.")\n'
    printf '/* clang-format on */\n\n#endif\n'
}

# A page of keys; $1 is its heading, $2 what may differ between languages.
# shellcheck disable=SC2016
print_keys() {
    printf '# %s\n\n[Why](../notes.md), [below](#f), [中文](config.zh-CN.md#配置项全部)\n\n## F\n\n## %s\n\n' "$1" "$1"
    printf '| `[s]` | `k` %s `k_file` | %s | `1` | reload | [x](../core/a.h#L1) |\n' "$2" "$2"
}

# A README that satisfies check_readme.sh; $1 is what may differ between languages.
print_page() {
    cat <<END
# $1
$1 [here](docs/config.md "$1"), [there](https://example.com/x) and \`[not](a-link)\`.

| metric | meaning |
|---|---|
| \`f_total\` | $1 |
| \`g_ratio\` | $1 |
| \`o\`, \`p\`, \`p_overflow\` | $1 |

## $1

\`\`\`console
$ echo "[not](a-link)"
\`\`\`
END
}

# expect CHECK FILE [NAME]: the check must fail on a sound tree whose FILE, or NAME in the folder FILE,
# is standard input, and say FILE.
expect() {
    local check=$1 file=$2 planted=$2${3:+/$3} output status=0

    rm -rf "$work/planted"
    cp -r "$work/sound" "$work/planted"
    cat >"$work/planted/$planted"
    output=$(bash "$here/check_$check.sh" "$work/planted" 2>&1) || status=$?
    if [ "$status" -eq 77 ]; then
        echo "check_$check.sh: $output"
    elif [ "$status" -ne 1 ] || [[ $output != *"$file"* ]]; then
        fail "check_$check.sh: exit $status for $file: $output"$'\n'"$(head -5 "$work/planted/$planted")"
    fi
}

expect_sound() {
    local check output status

    for check in "$here"/check_*.sh; do
        status=0
        output=$(bash "$check" "$work/sound" 2>&1) || status=$?
        [ "$status" -eq 0 ] || [ "$status" -eq 77 ] || fail "${check##*/}: exit $status for a sound tree: $output"
    done
}

expect_layers() {
    local pair

    for pair in core:db/x core:config/x config:db/x db:das/x db:metrics/x das:metrics/x das:db/inventory das:das/keyring/x metrics:das/x metrics:collectors/x \
        collectors:db/loader collectors:http/pages collectors:schedule/x schedule:db/loader schedule:http/pages schedule:das/x schedule:collectors/x \
        http:das/x http:db/inventory http:collectors/x http:schedule/scheduler \
        core:test/core/x core:app/x http:app/x app:test/core/x; do
        printf '#include "%s.h"\n' "${pair#*:}" | expect includes "${pair%%:*}/y.c"
    done
    for pair in core:log.h core:./core/log.h core:../core/log.h test/core:a.h test/das_sim:core/log.h; do
        printf '#include "%s"\n' "${pair#*:}" | expect includes "${pair%%:*}/y.c"
    done
    for pair in http/pages.c:civetweb.h db/loader.c:mysql.h db/loader.h:mariadb/mysql.h das/client.c:curl/curl.h \
        das/sign.c:jansson.h collectors/y.c:jansson.h config/config.c:ini.h core/y.c:core/a.h; do
        printf '#include <%s>\n' "${pair#*:}" | expect includes "${pair%%:*}"
    done
    printf '#define X "core/a.h"\n#include X\n' | expect includes core/y.c
    printf '#include <stdio.h>\n\n#include "core/a.h"\n' | expect includes core/a.c
    printf 'int a(void);\n' | expect includes core/a.c
}

expect_headers() {
    printf 'size_t f(void);\n' | expect headers db/y.h
    printf 'int x;\nint x = 1;\n' | expect headers db/y.h
    printf '#pragma once\nstatic int f(void)\n{\n    return 1;\n}\n' | expect headers http/y.h
    printf '#pragma once\nint f();\n' | expect headers http/y.h
}

expect_banned() {
    local call

    for call in 'strcpy(a, b)' '(strcpy)(a, b)' 'x = rand ()' 'f(time(0))' 'clock_gettime(1, &t)' \
        'if (1 && gettimeofday(&t, 0))' 'timespec_get(&t, 1)' 'clock()' 's = "\""; sprintf(s, "")'; do
        printf 'void f(void)\n{\n    %s;\n}\n' "$call" | expect banned collectors/y.c
    done
    printf 'void f(const char *text)\n{\n    fprintf(stderr, "%%s", text);\n}\n' | expect banned app/y.c
    printf '#undef clock_gettime\n' | expect banned collectors/y.c
    printf 'int f(void)\n{\n    return time(0);\n}\n' | expect banned core/clock.c
    printf 'static inline int f(void)\n{\n    return atoi("1");\n}\n' | expect banned test/core/y.h
}

expect_size() {
    { yes '' || true; } | head -501 | expect size db/y.c
    { yes '' || true; } | head -250 | expect size exporter.c
    { printf 'void f(void)\n{\n'; { yes '    ;' || true; } | head -98; printf '}\n'; } | expect size db/y.c
}

expect_format() {
    printf 'int  f( void ) { return 1; }\n' | expect format db/y.c
    printf 'struct s {\n  int x;\n};\n' | expect format db/y.h
}

# The texts are put together here, so that check_names.sh does not find them in this file.
expect_names() {
    local i text
    local -a texts=(LT AI5tAbCdEfGhIjKl STS. NUabcdefghijklmnopqrstuv
        rm -bp1a2b3c4d5e6f7g8 pi- 2zeabcdefgh1234567 '"uid": "1' '876543219876543"'
        ' /ho' 'me/someone/x' '"/wo' 'rk/main"' '-L/ro' 'ot/lib'
        https://deb.deb ian.org/x archive.ub untu.com mir rors.example.com files.pytho nhosted.org)

    for ((i = 0; i < ${#texts[@]}; i += 2)); do
        text=${texts[i]}${texts[i + 1]}
        printf 'a line\n%s\n' "$text" | expect names build.sh
    done
}

# expect_readme FILE SED_SCRIPT: a README that differs in this way must be found.
expect_readme() {
    sed "$2" "$work/sound/$1" | expect readme "$1"
}

# shellcheck disable=SC2016
expect_readmes() {
    local page

    for page in README.md README.zh-CN.md; do
        expect_readme "$page" 's/`f_total`/`f`/'
        expect_readme "$page" 's/`g_ratio`/`g_ratios`/'
        expect_readme "$page" 's/`o`/`n`/'
        expect_readme "$page" 's/`p_overflow`/`p`/'
        expect_readme "$page" 's/^## /### /'
        expect_readme "$page" '1d'
        expect_readme "$page" 's/echo/printf/'
        expect_readme "$page" 's/console/sh/'
        expect_readme "$page" '$s/.*/&\n| another | row |/'
    done
    expect_readme docs/metrics.md 's/g_ratio/g/'
    for page in docs/config.md docs/config.zh-CN.md; do
        expect_readme "$page" 's/`\[s\]`/`[t]`/'
        expect_readme "$page" 's/`k`/`l`/'
        expect_readme "$page" 's/`k_file`/`l_file`/'
        expect_readme "$page" 's/`1`/`11`/'
        expect_readme "$page" 's/^## /### /'
        printf 'no table\n' | expect readme "$page"
    done
    printf '# %s\n' new | expect readme docs/new.zh-CN.md
    { print_families; printf 'struct family h = {\n    .name = "h",\n    .type = FAMILY_GAUGE,\n};\n'; } |
        expect readme metrics/family.c
    printf 'struct nothing;\n' | expect readme config/optional_metrics.h
}

expect_links() {
    local link

    for link in '[x](nothing.md)' '[x](nothing.md#here)' '![x](images/x.png "X")' '[x](../docs)[y](y)' '[x]: y.md' \
        '[x](#keys)' '[x](config.md#keys-all-of-them-2)' '[x](config.zh-CN.md#配置项：全部)' '[x](config.md#Keys)'; do
        printf '# X\n\n%s\n' "$link" | expect links docs/new.md
    done
    sed '/^## F/d' "$work/sound/docs/config.md" | expect links docs/config.md
    sed 's/^## Keys/## Key/' "$work/sound/docs/config.md" | expect links docs config.md
}

# expect_alerts FILE SED_SCRIPT: rules, tests or runbooks that differ in this way must be found.
expect_alerts() {
    sed "$2" "$work/sound/$1" | expect alerts "$1"
}

expect_rules() {
    local field file part

    file=deploy/prometheus/a_rules.yml
    for field in severity summary description runbook_url; do
        expect_alerts $file "/$field:/d"
    done
    expect_alerts $file 's/warning/urgent/'
    expect_alerts $file 's/#itfails/#it/'
    expect_alerts $file 's/- alert: ItFails/- expr: 1\n        alert: ItFails/'
    expect_alerts $file 's/alert/record/'
    # What is named in the message is where the test or the section is missing.
    file=deploy/prometheus/tests
    sed '/exp_labels/d' "$work/sound/$file/a_test.yml" | expect alerts "$file/a_test.yml"
    sed 's/ \[\]$//' "$work/sound/$file/a_test.yml" | expect alerts "$file/a_test.yml"
    sed '$s/\[\]/\n          - exp_labels:/' "$work/sound/$file/a_test.yml" | expect alerts $file a_test.yml
    sed 's/exp_alerts:$/exp_alerts: []/; /exp_labels/d' "$work/sound/$file/a_test.yml" | expect alerts $file a_test.yml
    sed 's/a:b:sum/a:b:max/' "$work/sound/$file/a_test.yml" | expect alerts $file a_test.yml
    sed 's/ItFails/ItFailed/' "$work/sound/$file/a_test.yml" | expect alerts "$file/a_test.yml"
    file=docs/runbooks.md
    expect_alerts $file 's/^## ItFails/## ItFailed/'
    expect_alerts $file 's/^## ItFails/### ItFails/'
    for part in Means Confirm 'Do' 'Can wait'; do
        expect_alerts $file "s/\\*\\*$part/**Other/"
    done
    expect_alerts $file 's/it fails:/it failed:/'
    printf 'groups: []\n' | expect alerts deploy/prometheus/a_rules.yml
}

make_sound_tree
expect_sound
expect_layers
expect_headers
expect_banned
expect_size
expect_format
expect_names
expect_readmes
expect_links
expect_rules
[ ! -e "$work/failures" ] || { echo "$(wc -l <"$work/failures") checks did not do as they should" >&2; exit 1; }
