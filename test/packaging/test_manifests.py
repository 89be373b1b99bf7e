"""
What orchestrators and service managers are given: valid, in step with each other, with configurations that
the exporter accepts, and as strict as they say.
"""

import glob
import os
import re
import shutil
import subprocess
import tempfile
import unittest

try:
    import yaml
except ImportError:
    print("skipped: python3-yaml is not installed")
    raise SystemExit(77)

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
EXPORTER = os.environ["EXPORTER"]
DAS_SIM = os.environ["DAS_SIM"]
PORT = 10104
CONFIG_FOLDER = "/etc/mysql_session_exporter"


def path(*parts):
    return os.path.join(ROOT, "deploy", *parts)


def read(*parts):
    with open(path(*parts), encoding="utf-8") as file:
        return file.read()


def said_about(text, environment=None):
    """What --check says about a configuration. Files with secrets are made, whatever folder they are in."""
    with tempfile.TemporaryDirectory() as folder:
        for name in re.findall(r"^\w+_file = (.*)$", text, re.MULTILINE):
            file = os.path.join(folder, os.path.basename(name))
            with open(os.open(file, os.O_CREAT | os.O_WRONLY, 0o440), "w", encoding="utf-8") as secret:
                secret.write("invented")
            text = text.replace(name, file)
        # Nobody answers there, at once: what is asked is whether the file is valid.
        text = re.sub(r"^host = .*$", "host = 127.0.0.1\nport = 1", text, flags=re.MULTILINE)
        config = os.path.join(folder, "exporter.ini")
        with open(os.open(config, os.O_CREAT | os.O_WRONLY, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
        result = subprocess.run([EXPORTER, "--config.file=" + config, "--check"], capture_output=True, text=True,
                                timeout=60, env={**os.environ, **(environment or {})})
        return result.stdout + result.stderr


class Kubernetes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.documents = {}
        for file in glob.glob(path("kubernetes", "*.yaml")):
            with open(file, encoding="utf-8") as stream:
                for document in yaml.safe_load_all(stream):
                    cls.documents[document["kind"]] = document
        cls.pod = cls.documents["Deployment"]["spec"]["template"]["spec"]
        cls.container = cls.pod["containers"][0]
        cls.volumes = {volume["name"]: volume for volume in cls.pod["volumes"]}
        cls.mounts = {mount["mountPath"]: cls.volumes[mount["name"]] for mount in cls.container["volumeMounts"]}

    def test_all_manifests_are_listed_for_kustomize(self):
        files = {os.path.basename(file) for file in glob.glob(path("kubernetes", "*.yaml"))}
        self.assertEqual(set(self.documents["Kustomization"]["resources"]), files - {"kustomization.yaml"})
        self.assertEqual(self.documents.keys(), {"Kustomization", "ConfigMap", "Secret", "Deployment", "Service",
                                                 "PodMonitor", "NetworkPolicy"})

    def test_one_name_and_one_label_throughout(self):
        for kind, document in self.documents.items():
            if kind != "Kustomization":
                self.assertEqual(document["metadata"]["name"], "mysql-session-exporter", kind)
                self.assertEqual(document["metadata"]["labels"], {"app.kubernetes.io/name": "mysql-session-exporter"})

    def test_every_selector_finds_the_pod(self):
        label = self.documents["Deployment"]["spec"]["template"]["metadata"]["labels"]
        spec = {kind: document.get("spec", {}) for kind, document in self.documents.items()}
        self.assertEqual(spec["Deployment"]["selector"]["matchLabels"], label)
        self.assertEqual(spec["Service"]["selector"], label)
        self.assertEqual(spec["PodMonitor"]["selector"]["matchLabels"], label)
        self.assertEqual(spec["NetworkPolicy"]["podSelector"]["matchLabels"], label)

    def test_every_port_is_the_one_that_the_exporter_listens_on(self):
        self.assertEqual(self.container["ports"], [{"name": "metrics", "containerPort": PORT}])
        self.assertEqual(self.documents["Service"]["spec"]["ports"],
                         [{"name": "metrics", "port": PORT, "targetPort": "metrics"}])
        self.assertEqual([(endpoint["port"], endpoint["path"]) for endpoint
                          in self.documents["PodMonitor"]["spec"]["podMetricsEndpoints"]], [("metrics", "/metrics")])
        self.assertEqual(self.documents["NetworkPolicy"]["spec"]["ingress"][0]["ports"],
                         [{"protocol": "TCP", "port": "metrics"}])
        self.assertNotIn("listen", self.documents["ConfigMap"]["data"]["exporter.ini"])

    def test_the_probes_ask_the_pages_that_are_there(self):
        for probe, page in (("startupProbe", "/-/healthy"), ("livenessProbe", "/-/healthy"),
                            ("readinessProbe", "/-/ready")):
            self.assertEqual(self.container[probe]["httpGet"], {"path": page, "port": "metrics"})

    def test_the_pod_is_restricted(self):
        self.assertEqual(self.pod["securityContext"], {
            "runAsNonRoot": True, "runAsUser": 65532, "runAsGroup": 65532, "fsGroup": 65532,
            "seccompProfile": {"type": "RuntimeDefault"}})
        self.assertEqual(self.container["securityContext"], {
            "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}})
        self.assertIs(self.pod["automountServiceAccountToken"], False)
        self.assertFalse({"hostNetwork", "hostPID", "hostIPC"} & self.pod.keys())

    def test_secret_files_are_the_groups_alone(self):
        self.assertEqual(self.volumes["secrets"]["secret"]["defaultMode"], 0o440)
        self.assertIn("fsGroup", self.pod["securityContext"])

    def test_the_volumes_are_of_the_config_map_and_the_secret(self):
        self.assertEqual(self.volumes["config"]["configMap"]["name"], self.documents["ConfigMap"]["metadata"]["name"])
        self.assertEqual(self.volumes["secrets"]["secret"]["secretName"], self.documents["Secret"]["metadata"]["name"])

    def test_the_program_reads_the_file_of_the_config_map(self):
        self.assertEqual(self.container["args"], [f"--config.file={CONFIG_FOLDER}/exporter.ini"])
        self.assertIn("configMap", self.mounts[CONFIG_FOLDER])
        self.assertIn("exporter.ini", self.documents["ConfigMap"]["data"])

    def test_every_secret_file_of_the_configuration_is_a_key_of_the_secret(self):
        files = re.findall(r"^\w+_file = (.*)$", self.documents["ConfigMap"]["data"]["exporter.ini"], re.MULTILINE)
        self.assertEqual({os.path.basename(file) for file in files}, self.documents["Secret"]["stringData"].keys())
        for file in files:
            self.assertIn("secret", self.mounts[os.path.dirname(file)])

    def test_the_secret_holds_placeholders_alone(self):
        self.assertEqual(set(self.documents["Secret"]["stringData"].values()), {"REPLACE-ME"})

    def test_the_exporter_accepts_the_configuration(self):
        said = said_about(self.documents["ConfigMap"]["data"]["exporter.ini"])
        self.assertRegex(said, r"^configuration: \S+ is valid\n")

    def test_what_the_configuration_needs_is_let_out(self):
        ports = {port["port"] for rule in self.documents["NetworkPolicy"]["spec"]["egress"] for port in rule["ports"]}
        self.assertEqual(ports, {53, 443, 3306})


class Compose(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.services = yaml.safe_load(read("compose", "compose.yaml"))["services"]

    def mounted(self, service):
        return {target: os.path.normpath(path("compose", source)) for source, target, _
                in (volume.split(":") for volume in self.services[service].get("volumes", []))}

    def test_everything_mounted_is_there_and_cannot_be_written(self):
        for service, definition in self.services.items():
            for volume in definition.get("volumes", []):
                self.assertTrue(volume.endswith(":ro"), volume)
            for source in self.mounted(service).values():
                self.assertTrue(os.path.isfile(source), source)

    def test_nothing_is_published_beyond_this_machine(self):
        for definition in self.services.values():
            for port in definition.get("ports", []):
                self.assertTrue(port.startswith("127.0.0.1:"), port)

    def test_the_images_are_targets_of_the_dockerfile(self):
        dockerfile = read("container", "Dockerfile")
        for name in ("exporter", "simulator"):
            build = self.services[name]["build"]
            self.assertEqual(os.path.normpath(path("compose", build["context"])), ROOT)
            self.assertEqual(os.path.join(ROOT, build["dockerfile"]), path("container", "Dockerfile"))
            if "target" in build:
                self.assertRegex(dockerfile, rf"(?m)^FROM \S+ AS {build['target']}$")

    def test_the_exporter_accepts_the_configuration(self):
        said = said_about(read("compose", "exporter.ini"), self.services["exporter"]["environment"])
        self.assertRegex(said, r"^configuration: \S+ is valid\n")

    def test_the_simulator_accepts_its_arguments_and_is_where_the_exporter_asks(self):
        listen, *arguments = self.services["simulator"]["command"]
        self.assertIn("http://" + listen.partition("=")[2], read("compose", "exporter.ini"))
        self.assertEqual(self.services["simulator"]["network_mode"], "service:exporter")
        process = subprocess.Popen([DAS_SIM, "--listen=127.0.0.1:0", *arguments], stdout=subprocess.PIPE, text=True)
        try:
            self.assertRegex(process.stdout.readline(), "^das_sim listening on http://127.0.0.1:")
        finally:
            process.terminate()
            process.wait()
            process.stdout.close()

    def test_keys_and_passwords_are_the_same_on_both_sides(self):
        environment = self.services["exporter"]["environment"]
        self.assertIn(f"'{environment['MYSQL_PASSWORD']}'", read("compose", "user.sql"))
        config = read("compose", "exporter.ini")
        for uid, key in re.findall(r"\[account (\d+)\]\naccess_key_id = (\w+)", config):
            self.assertIn(f"--account={uid}:{key}:{environment['DEMO_SECRET']}", self.services["simulator"]["command"])

    def test_prometheus_has_its_rules_and_scrapes_the_exporter(self):
        config = yaml.safe_load(read("compose", "prometheus.yml"))
        mounted = {os.path.basename(target) for target in self.mounted("prometheus")}
        self.assertEqual(set(config["rule_files"]) | {"prometheus.yml"}, mounted)
        self.assertEqual(config["scrape_configs"][0]["static_configs"], [{"targets": [f"exporter:{PORT}"]}])


class Systemd(unittest.TestCase):
    UNIT = path("systemd", "mysql_session_exporter.service")
    WORST = 2.0  # of systemd-analyze's 0 (safe) to 10

    def analyze(self, *arguments):
        program = shutil.which("systemd-analyze")
        if program is None:
            self.skipTest("systemd-analyze is not installed")
        return subprocess.run([program, *arguments], capture_output=True, text=True)

    def test_the_sandbox_is_tight(self):
        result = self.analyze("security", "--offline=true", "--no-pager", f"--threshold={self.WORST * 10:.0f}", self.UNIT)
        print(result.stdout.strip().split("\n")[-1])
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)

    def test_the_unit_has_no_mistake(self):
        with tempfile.TemporaryDirectory() as folder:
            unit = os.path.join(folder, "mysql_session_exporter.service")
            with open(unit, "w", encoding="utf-8") as file:
                file.write(read("systemd", "mysql_session_exporter.service").replace(
                    "/usr/bin/mysql_session_exporter", EXPORTER))
            result = self.analyze("verify", "--man=no", unit)
        about_it = [line for line in result.stderr.split("\n") if "mysql_session_exporter" in line]
        self.assertEqual(about_it, [])

    def test_its_user_is_the_one_that_is_made(self):
        user = re.search(r"^User=(.*)$", read("systemd", "mysql_session_exporter.service"), re.MULTILINE)[1]
        self.assertRegex(read("systemd", "mysql_session_exporter.sysusers"), rf"(?m)^u {user} ")


class HelpPages(unittest.TestCase):
    """The manual page and the completion know the options that --help names, and no other."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        subprocess.run([os.path.join(ROOT, "tools", "help_pages.sh"), EXPORTER, cls.folder.name], check=True)
        cls.help = subprocess.run([EXPORTER, "--help"], capture_output=True, text=True, check=True).stdout
        cls.options = re.findall(r"^  (--[a-z.-]+=?)", cls.help, re.MULTILINE)

    def page(self, name):
        return os.path.join(self.folder.name, name)

    def complete(self, *words):
        """What the completion offers for a command line, as the shell takes it apart."""
        script = ('. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _mysql_session_exporter; '
                  'printf "%s\\n" "${COMPREPLY[@]}"')
        result = subprocess.run(["bash", "-c", script, "bash", self.page("mysql_session_exporter.bash"),
                                 "mysql_session_exporter", *words], capture_output=True, text=True, check=True)
        return result.stdout.split()

    def test_there_are_options(self):
        self.assertIn("--config.file=", self.options)
        self.assertIn("--health", self.options)

    def test_the_completion_offers_exactly_them(self):
        self.assertEqual(self.complete("--"), self.options)

    def test_the_values_it_offers_are_accepted(self):
        for option in ("--check", "--log.level", "--log.format", "--web.listen-address"):
            values = self.complete(option, "=")
            self.assertGreater(len(values), 0)
            for value in values:
                subprocess.run([EXPORTER, f"{option}={value}", "--version"], check=True, stdout=subprocess.DEVNULL)

    def test_the_manual_page_describes_exactly_them(self):
        with open(self.page("mysql_session_exporter.8"), encoding="utf-8") as file:
            text = file.read()
        self.assertNotIn("@", text)
        section = re.search(r"\.SH OPTIONS\n(.*?)\n\.SH", text, re.DOTALL)[1].replace("\\-", "-")
        self.assertEqual(re.findall(r"^\.BI? (--[a-z.-]+=?)", section, re.MULTILINE), self.options)
        for heading in ("SIGNALS", "EXIT STATUS"):
            self.assertRegex(text, rf"\.SH {heading}\n\w")

    def test_the_manual_page_is_well_formed(self):
        if shutil.which("man") is None:
            self.skipTest("man is not installed")
        result = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z",
                                 self.page("mysql_session_exporter.8")], capture_output=True, text=True)
        self.assertEqual((result.returncode, result.stderr), (0, ""))


if __name__ == "__main__":
    unittest.main(verbosity=2)
