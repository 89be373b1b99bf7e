"""Certificates of private authorities, made by the openssl command."""

import shutil
import subprocess
import tempfile
import unittest

EXPIRED = ("-startdate", "20200101000000Z", "-enddate", "20200102000000Z")


class Certificates:
    """A folder with two authorities, ca and other_ca, and what they sign: NAME.pem and NAME.key."""

    def __init__(self, case_class):
        if shutil.which("openssl") is None:
            raise unittest.SkipTest("the openssl command is not installed")
        self.folder = tempfile.mkdtemp(prefix="e2e-tls-")
        case_class.addClassCleanup(shutil.rmtree, self.folder)
        for authority in ("ca", "other_ca"):
            self.openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", authority + ".key",
                         "-out", authority + ".pem", "-subj", "/CN=" + authority, "-days", "2")

    def openssl(self, *arguments):
        subprocess.run(["openssl", *arguments], check=True, cwd=self.folder, capture_output=True)

    def path(self, name):
        return f"{self.folder}/{name}"

    def make(self, name, subject, *validity, authority="ca"):
        """Subject alternative names; validity: options of openssl ca. The key is for its owner only."""
        with open(self.path("ca.cnf"), "w", encoding="ascii") as file:
            file.write("[ca]\ndefault_ca = here\n[here]\ndatabase = index\nnew_certs_dir = .\nrand_serial = yes\n"
                       "default_md = sha256\npolicy = any\ndefault_days = 2\nunique_subject = no\n"
                       f"[any]\ncommonName = supplied\n[extensions]\nsubjectAltName = {subject}\n")
        with open(self.path("index"), "w", encoding="ascii"):
            pass
        self.openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", name + ".key", "-out", name + ".csr",
                     "-subj", "/CN=" + name)
        self.openssl("ca", "-batch", "-notext", "-config", "ca.cnf", "-extensions", "extensions",
                     "-cert", authority + ".pem", "-keyfile", authority + ".key", "-in", name + ".csr",
                     "-out", name + ".pem", *validity)
