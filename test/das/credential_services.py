"""STS, the ECS metadata service and a credentials URI for https_server.py: just enough of each, and
some bad habits. The name of a role names what happens to a request for it."""
import base64
import collections
import hashlib
import hmac
import json
import threading
import time
import urllib.parse

CALLER_ID = "TestAk"
CALLER_SECRET = "TestSecret"
TOKEN = "metadata-token-1"
ROLES = "/latest/meta-data/ram/security-credentials/"
REPLY_TYPE = ["Content-Type: application/json"]
HOUR = 3600

lock = threading.Lock()
counts = collections.Counter()  # requests by the name of the role, or "metadata"
secrets = {CALLER_ID: CALLER_SECRET, "STS.Issued": "IssuedSecret"}
old_tokens = set()


def issued(**changes):
    """Credentials as all three services write them."""
    members = {"AccessKeyId": "STS.Issued", "AccessKeySecret": "IssuedSecret", "SecurityToken": "CAIS+issued/==",
               "Expiration": "2030-01-02T03:04:05Z"}
    members.update(changes)
    return {name: value for name, value in members.items() if value is not None}


def fresh(life):
    """Credentials like no others, which live so many seconds."""
    with lock:
        number = len(secrets)
        key, secret = "STS.Fresh%d" % number, "FreshSecret%d" % number
        secrets[key] = secret
    expiration = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + life))
    return issued(AccessKeyId=key, AccessKeySecret=secret, SecurityToken="Fresh%d" % number, Expiration=expiration)


def count(name):
    with lock:
        counts[name] += 1
        return counts[name]


def refusal(status, code, message="no"):
    return status, json.dumps({"RequestId": "R-3", "HostId": "sts", "Code": code, "Message": message}).encode(), []


def percent(text):
    return urllib.parse.quote(text, safe="-_.~")


def string_to_sign(method, parameters):
    pairs = "&".join("%s=%s" % (percent(name), percent(parameters[name])) for name in sorted(parameters))
    return "%s&%s&%s" % (method, percent("/"), percent(pairs))


def signature(method, parameters):
    digest = hmac.new((secrets.get(parameters["AccessKeyId"], "") + "&").encode(), string_to_sign(method, parameters).encode(), hashlib.sha1)
    return base64.b64encode(digest.digest()).decode()


def pairs_of(text):
    return dict(urllib.parse.parse_qsl(text, keep_blank_values=True, strict_parsing=bool(text)))


def sts(request):
    query = pairs_of(urllib.parse.urlsplit(request[":target"]).query)
    form = pairs_of(request[":body"])
    if request.get("content-type") != "application/x-www-form-urlencoded" or query.get("Version") != "2015-04-01":
        return refusal("400 Bad Request", "InvalidParameter")
    if query["Action"] == "AssumeRole":
        signed = {**query, **form}
        given = signed.pop("Signature", "")
        if given != signature(request[":method"], signed):
            return refusal("400 Bad Request", "SignatureDoesNotMatch",
                           "Specified signature is not matched. server string to sign is:" +
                           string_to_sign(request[":method"], signed))
    elif query["Action"] != "AssumeRoleWithOIDC" or "Signature" in query or not form.get("OIDCToken"):
        return refusal("400 Bad Request", "InvalidAction")
    return sts_answer(form["RoleArn"].rpartition("/")[2], query, form)


def sts_answer(role, query, form):
    count(role)
    if role == "wary":  # calls the first token that it sees an old one
        with lock:
            if not old_tokens:
                old_tokens.add(query.get("SecurityToken", ""))
            if query.get("SecurityToken", "") in old_tokens:
                return refusal("400 Bad Request", "InvalidSecurityToken.Expired")
    if role.startswith("fresh"):
        return "200 OK", json.dumps({"RequestId": "R-5", "Credentials": fresh(HOUR)}).encode(), REPLY_TYPE
    if role == "short":
        return "200 OK", json.dumps({"RequestId": "R-6", "Credentials": fresh(4)}).encode(), REPLY_TYPE
    if role == "forbidden":
        return refusal("403 Forbidden", "NoPermission", "You are not authorized to do this action.")
    if role == "throttled":
        return refusal("400 Bad Request", "Throttling.User")
    if role == "old_token":
        return refusal("400 Bad Request", "InvalidSecurityToken.Expired")
    if role == "echo":
        return refusal("400 Bad Request", "InvalidParameter", "token %s%s is odd" % (
            query.get("SecurityToken", ""), form.get("OIDCToken", "")))
    if role == "broken":
        return "502 Bad Gateway", b"<html>bad gateway</html>", []
    if role == "redirect":
        return "302 Found", b"", ["Location: /?InstanceId=credentials"]
    if role == "large":
        return "200 OK", b" " * (2 << 20), []
    changes = {"half": {"SecurityToken": None}, "long": {"SecurityToken": "t" * 200000}}.get(role, {})
    return "200 OK", json.dumps({"RequestId": "R-4", "Credentials": issued(**changes)}).encode(), REPLY_TYPE


def metadata(habit, request):
    """The habits: metadata (hardened), metadata_plain (without tokens), metadata_bare (no role)."""
    path = request[":target"]
    if path == "/latest/api/token":
        if habit == "metadata_plain" or request[":method"] != "PUT":
            return "404 Not Found", b"", []
        if request.get("x-aliyun-ecs-metadata-token-ttl-seconds") != "21600":
            return "400 Bad Request", b"", []
        return "200 OK", TOKEN.encode(), []
    if habit != "metadata_plain" and request.get("x-aliyun-ecs-metadata-token") != TOKEN:
        return "403 Forbidden", b"", []
    if not path.startswith(ROLES) or habit == "metadata_bare":
        return "404 Not Found", b"<html>not found</html>", []
    role = path[len(ROLES):]
    if role == "":
        return "200 OK", b"exporter-role\n", []
    if role == "exporter-role":
        return "200 OK", json.dumps(issued(Code="Success", LastUpdated="2030-01-01T21:04:05Z")).encode(), REPLY_TYPE
    if role == "fresh":
        count("metadata")
        return "200 OK", json.dumps({"Code": "Success", **fresh(HOUR)}).encode(), REPLY_TYPE
    if role == "failing":
        return "200 OK", json.dumps({"Code": "AssumeUnauthorized"}).encode(), REPLY_TYPE
    return "404 Not Found", b"", []
