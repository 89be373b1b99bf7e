#!/bin/bash
# The program calls nothing that starts another program, neither by itself nor through what is linked into it:
#
#     symbols.sh PROGRAM
set -euo pipefail

undefined=$(nm -D --undefined-only "$1")
# Without it nothing is known of the program.
grep -qw curl_easy_perform <<<"$undefined" || { echo "$1: nm shows no symbol of its libraries" >&2; exit 1; }
if found=$(grep -wE 'popen|system|fork|vfork|exec[lv]p?e?|fexecve|posix_spawnp?' <<<"$undefined"); then
    echo "$1: can start programs: $found" >&2
    exit 1
fi
