"""The memory of the process is its own: no core file, no debugger, and no secret longer than it is used."""

import os
import re
import resource
import signal
import subprocess
import unittest

import harness
import fleet
from credentials_case import CredentialsCase, KEY, ROLE, SECRET, STATIC, role_arn

NEW_KEY, NEW_SECRET = "testak9", "MemoryCanary/New/0001"
OLD_KEY, OLD_SECRET = "testak8", "MemoryCanary/Old/0001"

NOBODY = ("--reuid=65534", "--clear-groups", "--pdeathsig=KILL")


def memory_with(pid, secret):
    """Mappings of a process that hold the secret, and how often."""
    found = {}
    with open(f"/proc/{pid}/maps", encoding="utf-8") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for line in maps:
            low, high, rights, name = re.match(r"(\w+)-(\w+) (\S+) \S+ \S+ \S+ *(.*)", line).groups()
            if not rights.startswith("rw"):
                continue
            try:
                memory.seek(int(low, 16))
                count = memory.read(int(high, 16) - int(low, 16)).count(secret.encode())
            except OSError:
                continue
            if count:
                found[name or low] = found.get(name or low, 0) + count
    return found


class Cores(CredentialsCase):
    def run_one(self):
        self.simulate()
        self.run_accounts(STATIC)
        self.exporter.wait_ready()

    def test_the_limit_for_core_files_is_0(self):
        self.run_one()
        with open(f"/proc/{self.exporter.process.pid}/limits", encoding="ascii") as file:
            self.assertRegex(file.read(), r"Max core file size +0 +0 ")

    def test_a_crash_leaves_no_core_file(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
        try:
            resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
            self.run_one()
        finally:
            resource.setrlimit(resource.RLIMIT_CORE, (soft, hard))
        exporter = self.exporter
        self.exporters.remove(exporter)
        exporter.process.send_signal(signal.SIGSEGV)
        code = exporter.process.wait(harness.PATIENCE)
        if not harness.SANITIZED:
            self.assertEqual(code, -signal.SIGSEGV)
        self.assertEqual([name for name in os.listdir(self.folder) if "core" in name], [])

    @unittest.skipIf(harness.SANITIZED, "the leak check of a sanitizer needs to trace its own process")
    @unittest.skipUnless(os.getuid() == 0, "only the superuser can start it as another user")
    def test_another_process_of_the_same_user_cannot_read_its_memory(self):
        self.simulate()
        sections = self.sections(STATIC)
        sections["account " + STATIC] = fleet.account(STATIC)
        if self.as_nobody("test", "-x", harness.EXPORTER).returncode != 0:
            self.skipTest("nobody may not run the exporter in this folder")
        self.run_as_nobody(sections)
        self.assertNotEqual(self.as_nobody("cat", f"/proc/{self.exporter.process.pid}/environ").returncode, 0)
        self.assertEqual(os.stat(f"/proc/{self.exporter.process.pid}/mem").st_uid, 0)

    def as_nobody(self, *words):
        return subprocess.run(["setpriv", *NOBODY, *words], capture_output=True)

    def run_as_nobody(self, sections):
        original = harness.command
        harness.command = lambda *words: original("sh", "-c", f"chown -R 65534 . && exec setpriv {' '.join(NOBODY)} \"$@\"",
                                                  "sh", *words)
        try:
            self.exporter = self.start_with(sections)
        finally:
            harness.command = original
        self.exporter.wait_ready()


@unittest.skipIf(harness.SANITIZED, "sanitizers keep freed memory")
@unittest.skipUnless(os.getuid() == 0, "only the superuser may read the memory of the process")
class Memory(CredentialsCase):
    """Secrets that are not in force any more are nowhere in the writable memory of the process."""

    def copies(self, secret):
        return memory_with(self.exporter.process.pid, secret)

    def wait_gone(self, secret):
        self.exporter.wait_for("the end of its last copy", lambda: not self.copies(secret), timeout=15)

    def run_accounts(self, *uids, **changes):
        # Binding symbols late, as no release does, saves vector registers on the stack: copies of secrets with them.
        return super().run_accounts(*uids, environment={"LD_BIND_NOW": "1"}, **changes)

    def run_old(self, **account):
        self.simulate(f"--account={STATIC}:{OLD_KEY}:{OLD_SECRET}", f"--account={STATIC}:{NEW_KEY}:{NEW_SECRET}")
        self.name = "account_" + STATIC
        self.run_accounts(STATIC, **{self.name: {"access_key_id": OLD_KEY, "access_key_secret_file": None,
                                                 "access_key_secret": OLD_SECRET, **account}})
        self.wait_generation(1, STATIC)

    def test_the_secret_in_force_is_found(self):
        self.run_old()
        self.assertTrue(self.copies(OLD_SECRET))

    def test_one_that_a_reload_replaced_is_gone(self):
        self.run_old()
        self.exporter.configure(self.sections(STATIC, **{self.name: {
            "access_key_id": NEW_KEY, "access_key_secret_file": None, "access_key_secret": NEW_SECRET}}))
        self.assertEqual(self.exporter.post("/-/reload").status, 200)
        self.wait_generation(2, STATIC)
        self.wait_gone(OLD_SECRET)
        self.assertTrue(self.copies(NEW_SECRET))

    def test_one_that_a_file_replaced_is_gone(self):
        self.write_secret("rotating", OLD_SECRET)
        self.write("id", OLD_KEY)
        self.run_old(access_key_id=None, access_key_id_file="id", access_key_secret=None,
                     access_key_secret_file="rotating")
        self.sim.allow(auth_failures=True)
        self.write_secret("rotating", NEW_SECRET)
        self.write("id", NEW_KEY)
        self.exporter.wait_for("the new one", lambda: self.copies(NEW_SECRET))
        self.wait_generation(2, STATIC)
        self.exporter.post("/-/reload")
        self.wait_gone(OLD_SECRET)

    def test_tokens_that_were_renewed_are_gone(self):
        self.simulate("--token-lifetime=1000s").allow(auth_failures=True)
        self.run_accounts(STATIC, ROLE)
        self.wait_generation(1, STATIC, ROLE)
        old = self.token_in_memory()
        self.sim.control(expire_tokens=ROLE)
        self.wait_generation(2, STATIC, ROLE)
        self.wait_gone(old)

    def token_in_memory(self):
        """The first 60 characters of the security token in force."""
        pid = self.exporter.process.pid
        with open(f"/proc/{pid}/maps", encoding="utf-8") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
            for line in maps:
                low, high, rights = re.match(r"(\w+)-(\w+) (\S+)", line).groups()
                if rights.startswith("rw"):
                    try:
                        memory.seek(int(low, 16))
                        match = re.search(rb"CAIS\+/SimToken[A-Za-z0-9+/]{46}", memory.read(int(high, 16) - int(low, 16)))
                    except OSError:
                        continue
                    if match:
                        return match[0].decode()
        self.fail("there is no token in the memory")


if __name__ == "__main__":
    harness.main()
