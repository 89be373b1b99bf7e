"""Secrets that no output of the exporter may hold, in any of the forms that an output may give them."""

import base64
import gzip
import html
import json
import os
import re
import urllib.parse

ISSUED = ("SimSecret", "SimToken")  # how the simulator's temporary secrets and security tokens begin
SHORTEST = 8  # characters; what is shorter may occur by chance and is not searched for
SECRET_KEYS = ("access_key_secret", "security_token", "password", "encryption_password", "credentials_uri",
               "sts_proxy")
FILE_KEYS = tuple(key + "_file" for key in SECRET_KEYS) + ("oidc_token_file", "admin_token_file", "basic_auth_file",
                                                           "tls_key_file")
CONFIG_LINE = re.compile(r"^\s*([a-z_]+)\s*[=:]\s*(.*?)\s*$", re.MULTILINE)
SECRET_VARIABLE = re.compile(r"(SECRET|TOKEN|PASSWORD)$")


def forms(secret):
    """The secret as it stands in a text, a URL, JSON, HTML, and a header of basic authentication."""
    escaped, quoted = json.dumps(secret)[1:-1], urllib.parse.quote(secret, safe="")
    return {form.encode() for form in (
        secret, escaped, escaped.replace("/", "\\/"), html.escape(secret), urllib.parse.quote_plus(secret), quoted,
        re.sub("%..", lambda match: match[0].lower(), quoted),
        base64.b64encode(secret.encode()).decode().rstrip("="))}


class Canary:
    def __init__(self):
        self.forms = {}  # form -> secret
        self.found = []  # sentences
        self.add(*ISSUED)

    def add(self, *secrets):
        for secret in secrets:
            if len(secret) >= SHORTEST:
                self.forms.update((form, secret) for form in forms(secret))

    def add_file(self, path):
        """Every line of a file, if there is one."""
        try:
            with open(path, encoding="utf-8", errors="surrogateescape") as file:
                self.add(*(line.strip() for line in file.read(1 << 20).splitlines() if not line.startswith("-----")))
        except (OSError, UnicodeEncodeError):
            pass

    def add_environment(self, environment):
        self.add(*(value for name, value in environment.items() if SECRET_VARIABLE.search(name)))

    def add_configuration(self, text, folder, environment):
        """What a configuration holds or names."""
        for key, value in CONFIG_LINE.findall(text):
            if key in FILE_KEYS:
                path = os.path.join(folder, value)
                if os.path.isfile(path):
                    self.add_file(path)
            elif key in SECRET_KEYS:
                variable = re.fullmatch(r"\$\{(\w+)\}", value)
                self.add(environment.get(variable[1], "") if variable else value)

    def add_authorization(self, value):
        """What a request header of that name proves who asks."""
        kind, _, proof = value.partition(" ")
        self.add(proof)
        if kind.lower() == "basic":
            try:
                self.add(base64.b64decode(proof).decode().partition(":")[2])
            except ValueError:
                pass

    def search(self, where, output):
        """Remembers every secret in a text or in bytes."""
        data = output.encode(errors="surrogateescape") if isinstance(output, str) else output
        if data[:2] == b"\x1f\x8b":
            try:
                data = gzip.decompress(data)
            except (OSError, EOFError):
                pass
        for form, secret in list(self.forms.items()):
            at = data.find(form)
            if at >= 0:
                near = data[max(0, at - 60):at + len(form) + 20]
                self.found.append(f"{where} holds the secret {secret}: {near!r}")

    def judge(self):
        """What was found, each thing once."""
        return sorted(set(self.found))
