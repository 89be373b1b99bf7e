#!/bin/bash
# The bill of materials names every library that the program loads, with a version, and what is compiled in.
# shellcheck source=test/packaging/common.sh
. "$(dirname "$0")/common.sh"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
program=${EXPORTER:-build/release/mysql_session_exporter}
fact "it can be made" bash -c "tools/sbom.sh '$program' >'$work/sbom.json'"
fact "it is the same when it is made again" bash -c "tools/sbom.sh '$program' | cmp - '$work/sbom.json'"

cat >"$work/check.py" <<'END'
import hashlib
import json
import re
import subprocess
import sys

program, path = sys.argv[1:]
with open(path, encoding="utf-8") as file:
    document = json.load(file)
packages = {package["SPDXID"]: package for package in document["packages"]}

# What SPDX 2.3 requires.
for key in ("spdxVersion", "dataLicense", "SPDXID", "name", "documentNamespace", "creationInfo"):
    assert document[key], key
assert (document["spdxVersion"], document["dataLicense"]) == ("SPDX-2.3", "CC0-1.0")
assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", document["creationInfo"]["created"])
assert document["creationInfo"]["creators"][0].startswith("Tool: ")
assert len(packages) == len(document["packages"]), "an SPDXID is used twice"
for spdx_id, package in packages.items():
    assert re.fullmatch(r"SPDXRef-[A-Za-z0-9.-]+", spdx_id), spdx_id
    for key in ("name", "downloadLocation", "versionInfo"):
        assert package[key], (spdx_id, key)
for relation in document["relationships"]:
    for end in ("spdxElementId", "relatedSpdxElement"):
        assert relation[end] in packages or relation[end] == document["SPDXID"], relation

# What it is of.
with open(program, "rb") as file:
    digest = hashlib.sha256(file.read()).hexdigest()
assert packages["SPDXRef-program"]["checksums"] == [{"algorithm": "SHA256", "checksumValue": digest}]

# Every library is in it; those that the program names itself are dynamic links.
kinds = {relation["relatedSpdxElement"]: relation["relationshipType"] for relation in document["relationships"]}
libraries = {}
for spdx_id, package in packages.items():
    if spdx_id.startswith("SPDXRef-deb-"):
        assert package["externalRefs"][0]["referenceLocator"].startswith("pkg:deb/"), package
        libraries.update((library, spdx_id) for library in package["comment"].split())
needed = re.findall(r"\(NEEDED\).*\[(.*)\]", subprocess.check_output(["readelf", "-d", program], text=True))
assert len(needed) > 5, needed
for library in needed:
    assert library in libraries, f"{library} is missing"
    assert kinds[libraries[library]] == "DYNAMIC_LINK", library

# CivetWeb is in it whichever way it is linked.
assert any("civetweb" in package["name"] for package in packages.values()), "CivetWeb is missing"
print(f"{len(packages)} packages, {len(needed)} libraries linked, {len(libraries)} loaded")
END
fact "it is whole and true" /usr/bin/env python3 "$work/check.py" "$program" "$work/sbom.json"
finish
