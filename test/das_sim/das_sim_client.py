"""A small client of the simulator for tests: signs with the standard library only."""

import base64
import datetime
import hashlib
import hmac
import http.client
import json
import os
import subprocess
import urllib.parse
import uuid

ACTION = "GetMySQLAllSessionAsync"
STS_VERSION = "2015-04-01"
STS_FORM = ("RoleArn", "RoleSessionName", "DurationSeconds", "ExternalId", "Policy",
            "OIDCProviderArn", "OIDCToken")
FORM_TYPE = {"Content-Type": "application/x-www-form-urlencoded"}
ROLE_PATH = "/latest/meta-data/ram/security-credentials/"
USERS = ["app_user", "report_user", "etl_user", "monitor", "root", "aurora"]


def quote(text):
    return urllib.parse.quote(text, safe="-_.~")


def canonical_query(params):
    return "&".join(f"{quote(k)}={quote(v)}" for k, v in sorted(params.items()))


def utc(offset=0):
    now = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=offset)
    return now.strftime("%Y-%m-%dT%H:%M:%SZ")


def sign_v3(host, params, key, secret, token=None, body=b"", action=ACTION, **replace):
    """Headers of a signed request; replace overrides a header before it is signed."""
    headers = {
        "host": host,
        "x-acs-action": action,
        "x-acs-version": "2020-01-16",
        "x-acs-date": utc(),
        "x-acs-signature-nonce": uuid.uuid4().hex,
        "x-acs-content-sha256": hashlib.sha256(body).hexdigest(),
    }
    if token is not None:
        headers["x-acs-security-token"] = token
    headers.update({k.replace("_", "-"): v for k, v in replace.items()})
    names = sorted(headers)
    request = "\n".join(
        ["POST", "/", canonical_query(params)]
        + [f"{n}:{headers[n].strip()}" for n in names]
        + ["", ";".join(names), headers["x-acs-content-sha256"]]
    )
    text = "ACS3-HMAC-SHA256\n" + hashlib.sha256(request.encode()).hexdigest()
    signature = hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()
    headers["Authorization"] = (
        f"ACS3-HMAC-SHA256 Credential={key},SignedHeaders={';'.join(names)},Signature={signature}"
    )
    return headers


def sign_v1(params, key, secret, token=None, **replace):
    """The parameters of a V1 request, its signature among them; replace overrides one before that."""
    params = dict(
        params,
        Timestamp=utc(),
        SignatureNonce=uuid.uuid4().hex,
        SignatureMethod="HMAC-SHA1",
        SignatureVersion="1.0",
        AccessKeyId=key,
        Format="JSON",
    )
    if token is not None:
        params["SecurityToken"] = token
    params.update(replace)
    text = "POST&%2F&" + quote(canonical_query(params))
    digest = hmac.new((secret + "&").encode(), text.encode(), hashlib.sha1).digest()
    return dict(params, Signature=base64.b64encode(digest).decode())


def fnv1a64(data):
    value = 0xCBF29CE484222325
    for byte in data:
        value = ((value ^ byte) * 0x100000001B3) % 2**64
    return value


def expected_sessions(instance, node="", generation=0, users=USERS):
    """{user: (TotalCount, ActiveCount)} as the simulator answers."""
    if instance.startswith("pc-"):
        node = node or "pi-" + instance[3:]
    else:
        node = ""
    counts = {}
    for index, user in enumerate(users):
        h = fnv1a64(f"{instance}/{node}/{user}/{generation}".encode())
        if index == 0 or (h >> 56) % 8 != 0:
            counts[user] = (1 + h % 20, (h >> 32) % (2 + h % 20))
    return counts


def client_address(index):
    return f"2001:db8::{index + 1:x}" if index % 5 == 4 else f"10.0.{index // 250}.{index % 250 + 1}"


def expected_groups(instance, node="", generation=0, users=USERS, clients=5):
    """({client address: TotalCount}, {schema: TotalCount}) as the simulator answers."""
    total = sum(count for count, _ in expected_sessions(instance, node, generation, users).values())
    by_client, by_schema = {}, {}
    for thread in range(100000, 100000 + total):
        for group, key in ((by_client, client_address(thread % clients)),
                           (by_schema, ("shop", "ledger", "")[thread % 3])):
            group[key] = group.get(key, 0) + 1
    return by_client, by_schema


class Simulator:
    """Starts a das_sim, stops it at the end of the with block."""

    def __init__(self, *arguments, binary=None):
        binary = binary or os.environ["DAS_SIM"]
        self.process = subprocess.Popen([binary, *arguments], stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        if not line.startswith("das_sim listening on "):
            self.process.wait()
            raise RuntimeError(f"das_sim said {line!r}")
        self.url = line.split()[-1]
        self.host = self.url.split("//")[1]
        self.metadata_url = self.metadata_host = None
        if any(argument.startswith("--imds-listen") for argument in arguments):
            self.metadata_url = self.process.stdout.readline().split()[-1]
            self.metadata_host = self.metadata_url.split("//")[1]

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.stop()

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
        code = self.process.wait(10)
        self.process.stdout.close()
        return code

    def connect(self, timeout=10):
        return http.client.HTTPConnection(self.host, timeout=timeout)

    def page(self, method, path):
        connection = self.connect()
        connection.request(method, path)
        reply = connection.getresponse()
        status, body = reply.status, json.loads(reply.read())
        connection.close()
        return status, body

    def control(self, **settings):
        query = urllib.parse.urlencode({k.replace("_", "-"): v for k, v in settings.items()})
        return self.page("POST", "/control?" + query)

    def stats(self, instances=False):
        return self.page("GET", "/stats" + ("?instances=1" if instances else ""))[1]

    def post(self, path, headers, body=b"", connection=None, timeout=10):
        """(status, headers, body bytes)"""
        own = connection is None
        connection = connection or self.connect(timeout)
        try:
            connection.request("POST", path, body, headers)
            reply = connection.getresponse()
            return reply.status, reply.headers, reply.read()
        finally:
            if own:
                connection.close()

    def call(self, key, secret, connection=None, token=None, timeout=10, **params):
        params = {k: v for k, v in params.items() if v is not None}
        headers = sign_v3(self.host, params, key, secret, token)
        return self.post("/?" + canonical_query(params), headers, b"", connection, timeout)

    def sts(self, params, headers=None, timeout=10):
        """Sends parameters that are complete, each where it belongs."""
        form = {k: v for k, v in params.items() if k in STS_FORM}
        query = {k: v for k, v in params.items() if k not in STS_FORM}
        return self.post("/?" + canonical_query(query), FORM_TYPE if headers is None else headers,
                         canonical_query(form).encode(), timeout=timeout)

    def assume_role(self, key, secret, arn, token=None, timeout=10, **more):
        """more: DurationSeconds and the like, None leaves one out; Timestamp and the like replace."""
        params = {"Action": "AssumeRole", "Version": STS_VERSION, "RoleArn": arn,
                  "RoleSessionName": "test-session", **more}
        params = {k: str(v) for k, v in params.items() if v is not None}
        replace = {k: params[k] for k in ("Timestamp", "SignatureNonce", "Format") if k in params}
        return self.sts(sign_v1(params, key, secret, token, **replace), timeout=timeout)

    def assume_role_with_oidc(self, arn, provider, oidc_token, **more):
        params = {"Action": "AssumeRoleWithOIDC", "Version": STS_VERSION, "Format": "JSON",
                  "Timestamp": utc(), "RoleArn": arn, "OIDCProviderArn": provider,
                  "OIDCToken": oidc_token, "RoleSessionName": "test-session", **more}
        return self.sts({k: str(v) for k, v in params.items() if v is not None})

    def metadata(self, path, method="GET", headers=None, timeout=10):
        """(status, headers, body text) of the second listener"""
        connection = http.client.HTTPConnection(self.metadata_host, timeout=timeout)
        try:
            connection.request(method, path, headers=headers or {})
            reply = connection.getresponse()
            return reply.status, reply.headers, reply.read().decode()
        finally:
            connection.close()

    def metadata_token(self, ttl=21600):
        """The header to send from now on."""
        ttl = {"X-aliyun-ecs-metadata-token-ttl-seconds": str(ttl)}
        status, _, token = self.metadata("/latest/api/token", "PUT", ttl)
        assert status == 200, token
        return {"X-aliyun-ecs-metadata-token": token}

    def role_credentials(self, role, headers=None):
        """What the metadata server gives the instance."""
        status, _, body = self.metadata(ROLE_PATH + role, headers=headers or self.metadata_token())
        assert status == 200, body
        return json.loads(body)

    def uri_credentials(self, uid):
        status, _, body = self.metadata(f"/credentials?uid={uid}")
        assert status == 200, body
        return json.loads(body)

    def call_with(self, credentials, **params):
        """A DAS call signed with what STS, the metadata server or the URI gave."""
        return self.call(credentials["AccessKeyId"], credentials["AccessKeySecret"],
                         token=credentials["SecurityToken"], **params)
