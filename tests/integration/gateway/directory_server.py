"""A real directory (slapd) as a process of a test's own, with its own configuration, people and certificate."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from tests.certificates import Pair
from tests.stack import ROOT, free_ports, wait_until

BASE = "dc=example,dc=com"
PEOPLE = f"ou=people,{BASE}"
MANAGER, MANAGER_PASSWORD = f"cn=gateway,{BASE}", "manager-sesame"
CONFIGURATION = """\
include {home}/etc/ldap/schema/core.schema
include {home}/etc/ldap/schema/cosine.schema
include {home}/etc/ldap/schema/inetorgperson.schema
modulepath {home}/usr/lib/ldap
moduleload back_mdb.so
pidfile {folder}/slapd.pid
# The trap that a gateway must not fall into: a name without a password is an anonymous bind, and succeeds.
allow bind_anon_cred
{tls}
database mdb
suffix "{base}"
rootdn "{manager}"
rootpw {password}
directory {folder}/data
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="{manager}" read by * none
"""


def find_slapd() -> Path:
    """Return the folder that the directory server lies in. Without one the test is skipped, and says so."""
    found = subprocess.run(["sh", str(ROOT / "tests/slapd.sh")], capture_output=True, text=True, timeout=300)
    if found.returncode:
        pytest.skip("THERE IS NO DIRECTORY SERVER (slapd), and it cannot be fetched: LDAP is not tested.")
    return Path(found.stdout.strip())


def entry(dn: str, *lines: str) -> str:
    """Return an entry as LDIF."""
    return "\n".join([f"dn: {dn}", *lines, "", ""])


def person(name: str, password: str, *, dn: str = "", below: str = PEOPLE) -> str:
    """Return a person. `dn` is where the name cannot be written as it is."""
    lines = ["objectClass: inetOrgPerson", f"uid: {name}", f"cn: {name}", "sn: Test", f"mail: {name}@example.com"]
    return entry(dn or f"uid={name},{below}", *lines, f"userPassword: {password}")


class DirectoryServer:
    """One slapd. `port` speaks LDAP, `tls_port` TLS where it has a certificate."""

    def __init__(self, folder: Path, people: str, pair: Pair | None = None) -> None:
        self.home = find_slapd()
        self._folder = folder
        self.port, self.tls_port = free_ports(2)
        self._process: subprocess.Popen[bytes] | None = None
        self._tls = pair is not None
        (folder / "data").mkdir(parents=True)
        tls = ""
        if pair is not None:
            (folder / "certificate.pem").write_text(pair.certificate)
            (folder / "key.pem").write_text(pair.key)
            tls = f"TLSCertificateFile {folder}/certificate.pem\nTLSCertificateKeyFile {folder}/key.pem"
        (folder / "slapd.conf").write_text(
            CONFIGURATION.format(
                home=self.home, folder=folder, base=BASE, manager=MANAGER, password=MANAGER_PASSWORD, tls=tls
            )
        )
        (folder / "people.ldif").write_text(
            entry(BASE, "objectClass: dcObject", "objectClass: organization", "o: Example", "dc: example")
            + entry(PEOPLE, "objectClass: organizationalUnit", "ou: people")
            + people
        )
        self._run("slapadd", "-f", f"{folder}/slapd.conf", "-l", f"{folder}/people.ldif")

    def _environment(self) -> dict[str, str]:
        libraries = ":".join(str(each) for each in (self.home / "usr/lib").iterdir() if each.is_dir())
        return {**os.environ, "LD_LIBRARY_PATH": libraries}

    def _run(self, program: str, *arguments: str) -> None:
        # The one program there is does what it is called.
        done = subprocess.run(
            [program, *arguments], executable=str(self.home / "usr/sbin/slapd"), env=self._environment(),
            capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-2000:]

    def start(self) -> DirectoryServer:
        """Start it, with the people it had."""
        addresses = f"ldap://127.0.0.1:{self.port}/" + (f" ldaps://127.0.0.1:{self.tls_port}/" if self._tls else "")
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(self.home / "usr/sbin/slapd"), "-d", "256", "-f", f"{self._folder}/slapd.conf", "-h", addresses],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self._environment(),
            )  # fmt: skip
        wait_until(self._answers, seconds=15, what=f"slapd; its log says\n{self.log[-2000:]}")
        return self

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.log
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    @property
    def log(self) -> str:
        """Return what it has logged: every connection, bind and search."""
        path = self._folder / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    def binds(self, dn: str) -> int:
        """Return how often somebody has bound as an entry."""
        return self.log.count(f'BIND dn="{dn}" method=128')

    def pause(self) -> None:
        """Let it hang: connections are taken and nothing is answered."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """End it as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def close(self) -> None:
        """End it and take its data away."""
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)
