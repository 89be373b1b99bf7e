"""DAS over TLS with a private authority: the certificate is always verified."""

import harness
import fleet
from certificates import EXPIRED, Certificates
from fleet import Instance

ONE = Instance("rm-test1")


class Tls(harness.Case):
    @classmethod
    def setUpClass(cls):
        made = Certificates(cls)
        made.make("good", "IP:127.0.0.1")
        made.make("wrong_host", "DNS:das.example")
        made.make("expired", "IP:127.0.0.1", *EXPIRED)
        cls.certificates = made.folder

    def serve(self, certificate, *arguments):
        sim = self.simulator("--tls-cert", f"{self.certificates}/{certificate}.pem",
                             "--tls-key", f"{self.certificates}/{certificate}.key", *arguments)
        sim.allow(bad_requests=True)
        return sim

    def run_with(self, certificate, *arguments, ca_file="ca.pem"):
        self.sim = self.serve(certificate, *arguments)
        ca = f"{self.certificates}/{ca_file}" if ca_file else None
        self.exporter = self.start(self.sim, [ONE], das={"ca_file": ca})
        return self.exporter

    def assert_refused(self, reason):
        """No call was made, and log and pages say why."""
        self.assertRegex(self.exporter.wait_log("target failed")["error"], reason)
        self.assertRegex(self.exporter.targets()["rm-test1", ""]["error"]["message"], reason)
        self.assertEqual(self.exporter.up("rm-test1") or 0, 0)
        self.assertEqual(self.sim.stats()["total"]["calls"], 0)

    def test_a_certificate_of_the_given_authority_is_accepted(self):
        self.run_with("good").wait_sessions(ONE.sessions())

    def test_an_authority_that_the_system_does_not_know_is_refused(self):
        self.run_with("good", ca_file=None)
        self.assert_refused("(?i)certificate")

    def test_another_authority_is_refused(self):
        self.run_with("good", ca_file="other_ca.pem")
        self.assert_refused("(?i)certificate")

    def test_a_certificate_for_another_host_is_refused(self):
        self.run_with("wrong_host")
        self.assert_refused("(?i)certificate.*127.0.0.1|127.0.0.1.*certificate")

    def test_an_expired_certificate_is_refused(self):
        self.run_with("expired")
        self.assert_refused("(?i)certificate.*expired")

    def test_tls_1_1_is_refused(self):
        self.run_with("good", "--tls-max-version", "1.1")
        self.assert_refused("(?i)version|protocol|alert|handshake")

    def test_tls_1_2_is_accepted(self):
        self.run_with("good", "--tls-max-version", "1.2").wait_sessions(ONE.sessions())


if __name__ == "__main__":
    harness.main()
