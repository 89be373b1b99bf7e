#!/bin/bash
# No file has real looking cloud ids or access keys, paths of somebody's machine, or hosts of
# package mirrors: fixtures use invented ids, builds use the mirrors of the machine they run on.
# The brackets keep the patterns from matching this file.
set -euo pipefail
# shellcheck source=test/structure/common.sh
. "$(dirname "$0")/common.sh"

access_keys='LT[A]I[0-9A-Za-z]{12,}|STS\.[0-9A-Za-z]{20,}'
# Of instances and nodes: a long mix of letters and digits.
instance_ids='\b(?:rm|rr|pc|pe|pi)-(?=[0-9]*[a-z])(?=[a-z]*[0-9])[0-9a-z]{14,}\b'
# Of accounts: 16 digits that are neither 1 and zeros, nor a count upwards, nor a round time.
account_ids='(?<![0-9A-Za-z.])1(?!0{9}|234567890123456)[0-9]{10}(?!00000)[0-9]{5}(?![0-9A-Za-z])'
paths='(?:(?<![0-9A-Za-z_.})*])|(?<=-[IL]))/(?:[h]ome|[r]oot|[w]ork|[U]sers)/[0-9A-Za-z_.]'
mirrors='[d]ebian\.org/debian|(?:deb|security|ftp|archive|snapshot|cdn-aws\.deb)\.[d]ebian\.org'
mirrors+='|(?:archive|security|ports|azure)[.a-z]*\.[u]buntu\.com|dl-cdn\.[a]lpinelinux\.org'
mirrors+='|(?:files\.)?\b[p]ypi(?:thonhosted)?\.org|[p]ythonhosted\.org|[n]pmjs\.org|proxy\.[g]olang\.org'
mirrors+='|//[m]irrors?\.|\b[m]irrors?\.[a-z0-9-]+\.[a-z]{2,}|//[^/ ]*(?:[a]rtifactory|[n]exus)[^/ ]*/'

matches() {
    project_files '*' | tr '\n' '\0' | { xargs -0 -r grep -HnIoP -e "$2" || true; } | sed "s/\$/: $1/"
}

{
    matches 'looks like an access key' "$access_keys"
    matches 'looks like the id of a real instance' "$instance_ids"
    matches 'looks like the id of a real account' "$account_ids"
    matches 'a path of one machine' "$paths"
    matches 'the host of a package mirror' "$mirrors"
} | report
