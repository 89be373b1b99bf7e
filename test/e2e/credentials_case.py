"""Accounts of every kind, for the tests of their credentials."""

import base64
import os
import shutil
import subprocess
import sys
import unittest

import harness
import fleet
from fleet import Instance, UID

STATIC = UID
ROLE, OIDC, ECS, URI, TABLE = (f"10000000000000{number}" for number in range(12, 17))
KINDS = {STATIC: "static", ROLE: "role", OIDC: "oidc", ECS: "ecs", URI: "uri", TABLE: "table"}
TEMPORARY = (ROLE, OIDC, ECS, URI)
KEY, SECRET = fleet.KEYS[UID]
TABLE_KEY, TABLE_SECRET = "testak6", "testsecret6"
EXTERNAL_ID = "monitoring-1"
OIDC_TOKEN = "eyJhbGciOiJSUzI1NiJ9.e30.SimTokenOidc"
PASSWORD = "fernetcanary"
EXPIRY = "session_exporter_credentials_expiry_timestamp_seconds"


def role_arn(uid):
    return f"acs:ram::{uid}:role/exporter"


def instances(*uids):
    """Two of each account."""
    return [Instance(f"rm-{uid[-2:]}{letter}", f"name {letter}", uid=uid) for uid in uids for letter in "ab"]


def fernet_column(secret, password=PASSWORD):
    """What belongs into aliyun_uids, made by python3-cryptography. Skips the test without it."""
    peer = os.path.join(harness.ROOT, "test", "das", "keyring", "fernet_peer.py")
    result = subprocess.run([sys.executable, peer, "encrypt", password.encode().hex(), secret.encode().hex()],
                            capture_output=True, text=True)
    if result.returncode == 77:
        raise unittest.SkipTest("python3-cryptography is not installed")
    return result.stdout.strip()


def fernet_secret(column, password=PASSWORD):
    """What that package finds in a column of aliyun_uids."""
    peer = os.path.join(harness.ROOT, "test", "das", "keyring", "fernet_peer.py")
    result = subprocess.run([sys.executable, peer, "decrypt", password.encode().hex(), column.encode().hex()],
                            capture_output=True, text=True)
    if result.returncode == 77:
        raise unittest.SkipTest("python3-cryptography is not installed")
    return bytes.fromhex(result.stdout.strip()).decode()


def with_broken_mac(column):
    token = bytearray(base64.urlsafe_b64decode(base64.urlsafe_b64decode(column)))
    token[-1] ^= 1
    return base64.urlsafe_b64encode(base64.urlsafe_b64encode(bytes(token))).decode()


class CredentialsCase(harness.Case):
    password = PASSWORD  # of the accounts table, as --check is told

    def simulate(self, *arguments, roles=(role_arn(ROLE) + ":" + EXTERNAL_ID, role_arn(OIDC))):
        """A simulator that knows every kind of account."""
        self.sim = self.simulator(
            f"--account={TABLE}:{TABLE_KEY}:{TABLE_SECRET}", *("--role=" + role for role in roles),
            "--oidc-token=" + OIDC_TOKEN, "--imds-listen=127.0.0.1:0", f"--imds-role=ecs-exporter:{ECS}", *arguments)
        return self.sim

    def section(self, uid):
        """What [account UID] holds. The secret files are beside the configuration."""
        if uid == STATIC:
            return {"access_key_id": KEY, "access_key_secret_file": self.write_secret("secret", SECRET)}
        if uid == ROLE:
            return {"role_arn": role_arn(ROLE), "external_id": EXTERNAL_ID, "source_account": STATIC}
        if uid == OIDC:
            return {"role_arn": role_arn(OIDC), "oidc_provider_arn": f"acs:ram::{OIDC}:oidc-provider/ack-rrsa",
                    "oidc_token_file": self.write_secret("oidc_token", OIDC_TOKEN)}
        if uid == ECS:
            return {"ecs_role": "auto"}
        assert uid == URI
        return {"credentials_uri": f"{self.sim.metadata_url}/credentials?uid={URI}"}

    def sections(self, *uids, targets=None, **changes):
        """The configuration for these accounts; changes as fleet.configuration(). Fills the inventory's file."""
        self.write_inventory(instances(*uids) if targets is None else targets)
        sections = fleet.configuration(
            self.sim.url, (), exporter={"log_level": "debug"},
            accounts={"sts_endpoint": self.sim.url, "metadata_endpoint": self.sim.metadata_url})
        for uid in uids:
            if uid != TABLE:
                sections["account " + uid] = self.section(uid)
        for name, keys in changes.items():
            name = name.replace("account_", "account ").replace("metric_", "metric ")
            section = {**sections.get(name, {}), **keys}
            sections[name] = {key: value for key, value in section.items() if value is not None}
        return sections

    def run_accounts(self, *uids, environment=None, **changes):
        self.exporter = self.start_with(self.sections(*uids, **changes), environment=environment)
        return self.exporter

    def table(self, uid=TABLE, key=TABLE_KEY, column=None):
        """A database whose inventory is the instances of that account, and its row. Returns both's sections."""
        self.db = self.database(instances(uid))
        self.add_row(uid, key, fernet_column(TABLE_SECRET) if column is None else column)
        return self.table_sections()

    def table_sections(self):
        return {"mysql": self.db.configuration(), "inventory": {"source": "mysql", "file": None},
                "accounts": {"source": "database", "encryption_password": "${ENCRYPTION_PASSWORD}"}}

    def add_row(self, uid, key, column):
        self.db.sql("REPLACE INTO aliyun_uids (aliyun_uid, access_key_id, encrypted_access_key_secret) VALUES "
                    f"({fleet.text(uid)}, {fleet.text(key)}, {fleet.text(column)})")

    def account(self, uid):
        """What /api/v1/targets says of it."""
        return next(account for account in self.exporter.get("/api/v1/targets").json["accounts"]
                    if account["aliyun_uid"] == uid)

    def account_up(self, uid):
        return self.exporter.value("session_exporter_account_up", aliyun_uid=uid)

    def issued(self, uid):
        return self.sim.stats()["accounts"][uid]["tokens_issued"]

    def wait_generation(self, generation, *uids):
        """New values of these accounts, which none but good credentials can have brought."""
        self.sim.control(generation=generation)
        expected = fleet.sessions(instances(*uids), generation)
        self.exporter.wait_for("new values", lambda: expected.items() <= self.exporter.sessions().items())

    def assert_never_failed(self, *uids):
        targets = [target for target in self.exporter.targets().values() if target["aliyun_uid"] in uids]
        self.assertEqual({(target["up"], target["failures"]) for target in targets}, {(True, 0)}, targets)

    def assert_down(self, uid, *words):
        """The account is down and says so with these words on the pages, in the log and in --check."""
        exporter = self.exporter
        exporter.wait_for("the account down", lambda: self.account_up(uid) == 0 and self.account(uid)["error"])
        exporter.wait_for("its targets down", lambda: all(
            target["error"] for target in exporter.targets().values() if target["aliyun_uid"] == uid))
        message = self.account(uid)["error"]["message"]
        pages = {"/api/v1/overview": message, "/api/v1/targets": exporter.get("/api/v1/targets").text,
                 "the log": exporter.log_text(), "--check": self.check().stdout}
        for place, text in pages.items():
            for word in words:
                with self.subTest(place, word=word):
                    self.assertIn(word, text)
        return message

    def check(self, *arguments):
        return self.run_program("--config.file=" + self.exporter.config, *(arguments or ("--check",)),
                                environment={"ENCRYPTION_PASSWORD": self.password})

    def assert_others_go_on(self, *uids):
        self.wait_generation(7, *uids)
        self.wait_generation(8, *uids)
