/*
 * One column on a phone, where the rows of a wide table become cards; light and dark after the
 * reader's own setting. Every pair of text and background has a contrast of at least 4.5 to 1.
 */
#include "http/stylesheet.h"

#define PALETTE                                                                                              \
    ":root{color-scheme:light dark;--page:#f6f7f9;--card:#fff;--line:#d8dde5;--text:#1b2330;--soft:#546072;" \
    "--link:#0b57c2;--button:#0b57c2;--on-button:#fff;--good:#12692f;--good-back:#e2f4e7;--warn:#7d4a00;"    \
    "--warn-back:#fff1d6;--bad:#a8131f;--bad-back:#fde7e8;--need:#9dbdf0;--used:#0b57c2;--track:#e6eaf0}\n"  \
    "@media(prefers-color-scheme:dark){:root{--page:#11151b;--card:#1a2029;--line:#323b49;--text:#e4e9f1;"   \
    "--soft:#9ba8ba;--link:#86b4ff;--button:#86b4ff;--on-button:#0c1726;--good:#7fd89a;--good-back:#14301e;" \
    "--warn:#f3c063;--warn-back:#35280c;--bad:#ff9a9f;--bad-back:#3c181b;--need:#3d5f95;--used:#86b4ff;"     \
    "--track:#2b3441}}\n"

#define FRAME                                                                                                \
    "*{box-sizing:border-box}\n"                                                                             \
    "body{margin:0;background:var(--page);color:var(--text);line-height:1.5;overflow-wrap:anywhere;"         \
    "font:1rem/1.5 system-ui,-apple-system,\"Segoe UI\",Roboto,\"Noto Sans\",\"PingFang SC\","               \
    "\"Microsoft YaHei\",\"Noto Sans CJK SC\",sans-serif}\n"                                                 \
    "a{color:var(--link)}\n"                                                                                 \
    ":focus-visible{outline:3px solid var(--link);outline-offset:2px}\n"                                     \
    "code{font:.875em/1.4 ui-monospace,SFMono-Regular,Menlo,\"DejaVu Sans Mono\",monospace}\n"               \
    "header{background:var(--card);border-bottom:1px solid var(--line)}\n"                                   \
    "header>div,main{max-width:84rem;margin:0 auto;padding:.75rem 1rem}\n"                                   \
    "header>div{display:flex;flex-wrap:wrap;gap:.25rem 2rem;align-items:baseline}\n"                         \
    ".brand{font-weight:700;color:inherit;text-decoration:none}\n"                                           \
    "nav{display:flex;flex-wrap:wrap;gap:.25rem 1.25rem}\n"                                                  \
    "nav a{padding:.125rem 0;text-decoration:none;border-bottom:2px solid transparent}\n"                    \
    "nav a:hover{text-decoration:underline}\n"                                                               \
    "nav [aria-current]{color:inherit;font-weight:600;border-color:var(--link)}\n"                           \
    "main{padding-bottom:3rem}\n"                                                                            \
    "h1{font-size:1.5rem;line-height:1.25;margin:.75rem 0 1rem}\n"                                           \
    "h2{font-size:1.125rem;margin:2rem 0 .75rem}\n"                                                          \
    "h3{font-size:1rem;margin:0;display:flex;flex-wrap:wrap;gap:.25rem .75rem;align-items:center}\n"         \
    "p{margin:.5rem 0}\n"                                                                                    \
    ".soft{color:var(--soft)}\n"                                                                             \
    ".small{font-size:.875rem}\n"

#define PARTS                                                                                                \
    ".card,.finding{background:var(--card);border:1px solid var(--line);border-radius:.5rem;"                \
    "padding:.875rem 1rem}\n"                                                                                \
    ".cards{display:grid;gap:.75rem;grid-template-columns:repeat(auto-fill,minmax(min(20rem,100%),1fr))}\n"  \
    ".figures{display:grid;gap:.75rem;margin:0;"                                                             \
    "grid-template-columns:repeat(auto-fit,minmax(min(9rem,100%),1fr))}\n"                                   \
    ".figures dd{margin:0;font-size:1.375rem;font-weight:600;line-height:1.3;"                               \
    "font-variant-numeric:tabular-nums}\n"                                                                   \
    "dt{color:var(--soft);font-size:.875rem}\n"                                                              \
    ".facts{display:grid;grid-template-columns:minmax(7rem,auto) 1fr;gap:.25rem 1rem;margin:.5rem 0 0}\n"    \
    ".facts dd{margin:0}\n"                                                                                  \
    ".finding{border-left-width:.375rem;margin:0 0 .5rem}\n"                                                 \
    ".finding p{margin:.25rem 0 0}\n"                                                                        \
    ".finding.first{font-size:1.125rem}\n"                                                                   \
    ".finding small{font-size:.875rem}\n"                                                                    \
    ".good{border-left-color:var(--good)}.warning{border-left-color:var(--warn)}"                            \
    ".bad{border-left-color:var(--bad)}\n"                                                                   \
    ".badge{display:inline-block;border-radius:1rem;padding:0 .625rem;font-size:.875rem;font-weight:600;"    \
    "white-space:nowrap}\n"                                                                                  \
    ".badge.good{color:var(--good);background:var(--good-back)}\n"                                           \
    ".badge.warning{color:var(--warn);background:var(--warn-back)}\n"                                        \
    ".badge.bad{color:var(--bad);background:var(--bad-back)}\n"                                              \
    ".badge.note{color:var(--soft);background:var(--track)}\n"                                               \
    ".error{display:block;font-size:.875rem}.error b{color:var(--bad)}\n"                                    \
    ".quota{display:block;width:100%;height:.75rem;margin:.5rem 0 .25rem;border-radius:.25rem}\n"            \
    ".track{fill:var(--track)}.need{fill:var(--need)}.used{fill:var(--used)}.over{fill:var(--bad)}"          \
    ".allowed{fill:var(--text)}\n"                                                                           \
    "progress{width:100%;height:1rem;accent-color:var(--button)}\n"                                          \
    "ul.plain{list-style:none;padding:0;margin:0}\n"                                                         \
    ".links{display:flex;flex-wrap:wrap;gap:.25rem 1.5rem;list-style:none;padding:0;margin:0}\n"

#define FORMS                                                                                                \
    "form{display:flex;flex-wrap:wrap;gap:.625rem;align-items:end;margin:0 0 1rem}\n"                        \
    "label{display:block;flex:1 1 12rem;font-size:.875rem;color:var(--soft)}\n"                              \
    "form.refresh{justify-content:start}form.refresh label{flex:0 1 20rem}\n"                                \
    "input,select,button{font:inherit;min-height:2.5rem;border-radius:.375rem;max-width:100%}\n"             \
    "input,select{display:block;width:100%;color:var(--text);background:var(--card);"                        \
    "border:1px solid var(--soft);padding:.25rem .625rem}\n"                                                 \
    "button{color:var(--on-button);background:var(--button);border:1px solid var(--button);"                 \
    "padding:.25rem 1rem;font-weight:600;cursor:pointer}\n"                                                  \
    "button:hover{filter:brightness(1.1)}\n"                                                                 \
    ".reset{padding:.5rem .25rem}\n"                                                                         \
    ".figures+*{margin:1rem 0}\n"

#define TABLES                                                                                               \
    "table{width:100%;border-collapse:collapse;background:var(--card);border:1px solid var(--line);"         \
    "font-size:.9375rem}\n"                                                                                  \
    "caption{text-align:start;padding:.25rem 0 .5rem;color:var(--soft)}\n"                                   \
    "th,td{padding:.5rem .625rem;text-align:start;vertical-align:top;border-top:1px solid var(--line)}\n"    \
    "th{font-size:.875rem;white-space:nowrap}\n"                                                             \
    "th a{color:inherit;text-decoration:none}th a:hover{text-decoration:underline}\n"                        \
    "td.number{text-align:end;font-variant-numeric:tabular-nums}\n"                                          \
    "td .name{display:block;color:var(--soft);font-size:.875rem}\n"                                          \
    ".id{display:inline-block;width:max-content;max-width:14rem;overflow-wrap:break-word}\n"                 \
    "td:first-child{min-width:11rem}.why{min-width:15rem}.when,.state .name{white-space:nowrap}\n"           \
    ".pager{display:flex;flex-wrap:wrap;gap:.375rem;margin:1rem 0;padding:0;list-style:none}\n"              \
    ".pager a,.pager span{display:block;min-width:2.5rem;padding:.375rem .625rem;text-align:center;"         \
    "border:1px solid var(--line);border-radius:.375rem;background:var(--card);text-decoration:none}\n"      \
    ".pager [aria-current]{border-color:var(--link);font-weight:700}\n"                                      \
    ".pager .gap{border-color:transparent;background:none}\n"                                                \
    ".sorting{display:none}\n"                                                                               \
    "@media(max-width:89.9rem){.id{max-width:10rem}.state .name{white-space:normal}}\n"                      \
    "@media(max-width:74rem){\n"                                                                             \
    "table,tbody,tr,td{display:block}thead{display:none}.sorting{display:block}\n"                           \
    "table{background:none;border:0}caption{display:block}\n"                                                \
    "tr{background:var(--card);border:1px solid var(--line);border-radius:.5rem;padding:.5rem .75rem;"       \
    "margin-bottom:.75rem}\n"                                                                                \
    "td,td.number{border:0;padding:.125rem 0;text-align:start;display:grid;"                                 \
    "grid-template-columns:7.5rem minmax(0,1fr);gap:.75rem}\n"                                               \
    "td::before{content:attr(data-label);color:var(--soft);font-size:.875rem}\n"                             \
    ".why{min-width:0}td.none{display:none}.when,.state "                                                    \
    ".name{white-space:normal}.id{width:auto;max-width:100%}}\n"

const char stylesheet[] = PALETTE FRAME PARTS FORMS TABLES;
