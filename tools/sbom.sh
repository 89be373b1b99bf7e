#!/bin/bash
# Prints the software bill of materials of the release as SPDX 2.3 JSON:
#
#     tools/sbom.sh [PROGRAM]        of build/release/mysql_session_exporter otherwise
#
# The libraries are those that the program loads, with the packages that the package database of this
# machine says they are of; what is compiled into it comes with the version of its source package. So run
# it where the program was built. SOURCE_DATE_EPOCH dates it; without it, the commit does.
set -euo pipefail
export LC_ALL=C

program=$(realpath "${1:-build/release/mysql_session_exporter}")
cd "$(dirname "${BASH_SOURCE[0]}")/.."
[ -x "$program" ] || { echo "sbom.sh: there is no program $program; build the release first" >&2; exit 1; }

id=debian
# shellcheck source=/dev/null
[ ! -r /etc/os-release ] || id=$(. /etc/os-release && echo "${ID:-debian}")
version=$("$program" --version)
version=${version#* }
version=${version%% *}
sha256=$(sha256sum <"$program")
sha256=${sha256%% *}
created=$(date -u -d "@${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}" +%Y-%m-%dT%H:%M:%SZ)

# What the program itself asks for, and every file that is loaded for it in the end.
needed() {
    readelf -d "$program" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'
}

loaded() {
    ldd "$program" | awk '$2 == "=>" && $3 ~ /^\// { print $1, $3 }'
}

# The package that owns a file, which may be known by its path before /lib became /usr/lib.
package_of() {
    local path

    for path in "$1" "$(realpath "$1")" "/usr$1" "${1#/usr}"; do
        dpkg-query -S "$path" 2>/dev/null | sed -n '1{s/: .*//;p}' | grep . && return
    done
    echo "sbom.sh: no package has the file $1" >&2
    return 1
}

# Both in JSON, each with the separator in front.
packages='' relationships=''

# add_package SPDXID NAME VERSION ARCHITECTURE SOURCE COMMENT RELATIONSHIP
add_package() {
    local purl="pkg:deb/$id/$2@${3//+/%2B}?arch=$4" package relationship

    printf -v package '%s' "{\"SPDXID\": \"$1\", \"name\": \"$2\", \"versionInfo\": \"$3\"," \
        " \"supplier\": \"Organization: $id\", \"downloadLocation\": \"NOASSERTION\", \"filesAnalyzed\": false," \
        " \"licenseConcluded\": \"NOASSERTION\", \"licenseDeclared\": \"NOASSERTION\"," \
        " \"copyrightText\": \"NOASSERTION\", \"sourceInfo\": \"built from $5\", \"comment\": \"$6\"," \
        " \"externalRefs\": [{\"referenceCategory\": \"PACKAGE-MANAGER\", \"referenceType\": \"purl\"," \
        " \"referenceLocator\": \"$purl\"}]}"
    printf -v relationship '%s' "{\"spdxElementId\": \"SPDXRef-program\", \"relationshipType\": \"$7\"," \
        " \"relatedSpdxElement\": \"$1\"}"
    packages+=$',\n    '$package
    relationships+=$',\n    '$relationship
}

# Libraries of a package together; those that the program asks for itself come as dynamic links.
add_libraries() {
    local library path owner relation name architecture release source direct
    declare -A files=() relations=()

    direct=$(needed)
    while read -r library path; do
        owner=$(package_of "$path")
        files[$owner]+="${files[$owner]:+ }$library"
        ! grep -qxF -- "$library" <<<"$direct" || relations[$owner]=DYNAMIC_LINK
    done <<<"$(loaded)"
    while IFS= read -r owner; do
        IFS='|' read -r name architecture release source <<<"$(dpkg-query -W \
            -f '${Package}|${Architecture}|${Version}|${source:Package} ${source:Version}\n' "$owner")"
        relation=${relations[$owner]-DEPENDS_ON}
        add_package "SPDXRef-deb-${name//+/-}" "$name" "$release" "$architecture" "$source" "${files[$owner]}" "$relation"
    done <<<"$(printf '%s\n' "${!files[@]}" | sort)"
}

# Source packages that the build unpacked and compiled in.
add_compiled_in() {
    local changelog name release

    for changelog in build/sources/*/debian/changelog; do
        [ -f "$changelog" ] || continue
        name=$(dpkg-parsechangelog -l "$changelog" -S Source)
        release=$(dpkg-parsechangelog -l "$changelog" -S Version)
        add_package "SPDXRef-source-$name" "$name" "$release" source "$name $release" "compiled into the program" \
            STATIC_LINK
    done
}

add_libraries
add_compiled_in
cat <<END
{
  "spdxVersion": "SPDX-2.3",
  "dataLicense": "CC0-1.0",
  "SPDXID": "SPDXRef-DOCUMENT",
  "name": "mysql_session_exporter-$version",
  "documentNamespace": "https://spdx.org/spdxdocs/mysql_session_exporter-$version-$sha256",
  "creationInfo": {"created": "$created", "creators": ["Tool: tools/sbom.sh"]},
  "packages": [
    {"SPDXID": "SPDXRef-program", "name": "mysql_session_exporter", "versionInfo": "$version",
     "downloadLocation": "NOASSERTION", "filesAnalyzed": false, "primaryPackagePurpose": "APPLICATION",
     "licenseConcluded": "Apache-2.0", "licenseDeclared": "Apache-2.0", "copyrightText": "NOASSERTION",
     "checksums": [{"algorithm": "SHA256", "checksumValue": "$sha256"}]}$packages
  ],
  "relationships": [
    {"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES", "relatedSpdxElement": "SPDXRef-program"}$relationships
  ]
}
END
