"""LDAP authentication of the real gateway process, asked of a real directory, from files as they are documented."""

import base64
import json
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.certificates import Authority
from tests.integration.gateway.conftest import Answer, GatewayProcess, call
from tests.integration.gateway.directory_server import (
    BASE,
    MANAGER,
    MANAGER_PASSWORD,
    PEOPLE,
    DirectoryServer,
    entry,
    person,
)
from tests.stack import free_ports, wait_until

pytestmark = pytest.mark.integration

# Names in which every sign that means something in a filter or in a distinguished name is there.
ODD = {
    "o'brien": "uid=o'brien",
    "a*b": "uid=a*b",
    "back\\slash": r"uid=back\5cslash",
    "bra(ck)et": "uid=bra(ck)et",
    "com,ma": r"uid=com\2cma",
    "pl+us=": r"uid=pl\2bus\3d",
    'quo"te': r"uid=quo\22te",
    "#hash;<x>": r"uid=\23hash\3b\3cx\3e",
}
PASSWORDS = {"ada": "sesame", "béa": "pässwörd:with:colons", **dict.fromkeys(ODD, "odd-sesame")}
POLICY = """
    - policyRef:
        name: {name}
      config:
        ldapServerURL: {url}
        ldapServerUserDn: {manager}
        ldapServerUserPassword: $LDAP_PASSWORD
        ldapSearchBase: {base}
        ldapSearchFilter: {filter}
        ldapSearchInSubtree: {subtree}
{more}    - policyRef:
        name: header-injection-flex
      config:
        inboundHeaders:
          - key: x-user
            value: "#[authentication.principal default '-']"
          - key: x-dn
            value: "#[authentication.properties.dn default '-']"
"""
API = """\
apiVersion: gateway.mulesoft.com/v1alpha1
kind: ApiInstance
metadata:
  name: {name}
spec:
  address: http://127.0.0.1:{port}/{name}
  services:
    backend:
      address: http://127.0.0.1:{backend}
      routes:
        - rules: [{{methods: GET}}]
  policies:{policies}"""


def people() -> str:
    found = [person("ada", PASSWORDS["ada"]), person("cleo", "deep-sesame", below=f"ou=north,{PEOPLE}")]
    found.insert(1, entry(f"ou=north,{PEOPLE}", "objectClass: organizationalUnit", "ou: north"))
    for name, rdn in {"béa": "uid=béa", **ODD}.items():
        dn = base64.b64encode(f"{rdn},{PEOPLE}".encode()).decode()
        uid = base64.b64encode(name.encode()).decode()
        password = base64.b64encode(PASSWORDS[name].encode()).decode()
        lines = ["objectClass: inetOrgPerson", f"uid:: {uid}", "cn: odd", "sn: odd", f"userPassword:: {password}"]
        found.append("\n".join([f"dn:: {dn}", *lines, "", ""]))
    # Two with one mail address.
    for name in ("twin1", "twin2"):
        found.append(person(name, "twin-sesame").replace(f"{name}@", "twins@"))
    found.append(entry(f"cn=nobody,{PEOPLE}", "objectClass: inetOrgPerson", "uid: nobody", "cn: nobody", "sn: Test"))
    return "".join(found)


class Place(NamedTuple):
    """A gateway with an API for every way to ask, and the directory it asks."""

    gateway: GatewayProcess
    port: int
    directory: DirectoryServer

    def call(self, path: str, name: str | None = None, password: str = "") -> Answer:
        return call(self.port, path, {} if name is None else {"authorization": basic(name, password)})

    def codes(self, path: str, name: str, password: str) -> tuple[int, str]:
        return outcome(self.call(path, name, password))


def basic(name: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


def outcome(answer: Answer) -> tuple[int, str]:
    return answer.status, json.loads(answer.body).get("code", "")


@contextmanager
def place_with(folder: Path, backend: int) -> Iterator[Place]:
    authority = Authority()
    directory = DirectoryServer(folder / "slapd", people(), authority.issue("127.0.0.1"))
    directory.start()
    [port] = free_ports(1)
    plain = {"name": "ldap-authentication-flex", "url": f"ldap://127.0.0.1:{directory.port}", "manager": MANAGER,
             "base": PEOPLE, "filter": '"(uid={0})"', "subtree": "false", "more": ""}  # fmt: skip
    secure = {**plain, "url": f"ldaps://127.0.0.1:{directory.tls_port}"}
    indented = "".join(f"          {line}\n" for line in authority.pem.splitlines())
    ours = f"        trustedCa: |\n{indented}"
    ways = {
        "level": plain,
        "subtree": {**plain, "name": "ldap-authentication", "subtree": "true"},
        "base": {**plain, "base": f"uid=ada,{PEOPLE}", "subtree": "true"},
        "below-base": {**plain, "base": f"uid=ada,{PEOPLE}"},
        "mail": {**plain, "filter": '"(&(objectClass=inetOrgPerson)(mail={0}@example.com))"'},
        "either": {**plain, "filter": '"(|(uid={0})(mail={0}))"'},
        "wrong-manager": {**plain, "manager": f"uid=ada,{PEOPLE}"},
        "wrong-base": {**plain, "base": f"ou=gone,{BASE}"},
        "slow": {**plain, "more": "        requestTimeout: 2000\n        cacheSeconds: 0\n"},
        "shadow": {**plain, "more": "      mode: shadow\n"},
        "away": {**plain, "url": "ldap://127.0.0.1:1"},
        "tls": {**secure, "more": ours},
        "tls-other-name": {**secure, "url": f"ldaps://localhost:{directory.tls_port}", "more": ours},
        "tls-unknown-authority": secure,
        "tls-to-plain-port": {**secure, "url": f"ldaps://127.0.0.1:{directory.port}", "more": ours},
    }
    conf = folder / "conf.d"
    conf.mkdir()
    for name, way in ways.items():
        text = API.format(name=name, port=port, backend=backend, policies=POLICY.format(**way))
        (conf / f"{name}.yaml").write_text(text)
    gateway = GatewayProcess(folder, config=conf, workers=1, environment={"LDAP_PASSWORD": MANAGER_PASSWORD})
    try:
        gateway.start()
        gateway.wait_for_revision(1)
        yield Place(gateway, port, directory)
    finally:
        gateway.kill()
        directory.close()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, backend: int) -> Iterator[Place]:
    with place_with(tmp_path_factory.mktemp("ldap"), backend) as running:
        yield running


def seen(answer: Answer) -> dict[str, str]:
    return json.loads(answer.body)["headers"]


def test_a_user_of_the_directory_passes_and_is_known_to_later_policies(place: Place) -> None:
    answer = place.call("/level/a", "ada", "sesame")
    assert answer.status == 200
    assert seen(answer)["x-user"] == "ada"
    assert seen(answer)["x-dn"] == f"uid=ada,{PEOPLE}"
    assert seen(answer)["authorization"] == basic("ada", "sesame")


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "ldap_credentials_missing"),
        ({"authorization": "Bearer abc"}, "ldap_credentials_missing"),
        ({"authorization": "Basic ???"}, "ldap_credentials_invalid"),
        ({"authorization": basic("ada", "")}, "ldap_credentials_invalid"),
        ({"authorization": basic("ada", "Sesame")}, "ldap_credentials_invalid"),
        ({"authorization": basic("ada", "sesame ")}, "ldap_credentials_invalid"),
        ({"authorization": basic("eve", "sesame")}, "ldap_credentials_invalid"),
        ({"authorization": basic("nobody", "sesame")}, "ldap_credentials_invalid"),
        ({"authorization": basic("", "sesame")}, "ldap_credentials_invalid"),
    ],
)
def test_everybody_else_is_challenged(place: Place, headers: dict[str, str], code: str) -> None:
    answer = call(place.port, "/level/a", headers)
    assert outcome(answer) == (401, code)
    assert answer.headers["www-authenticate"] == 'Basic realm="mule-realm"'


@pytest.mark.parametrize(
    ("path", "name", "password", "status"),
    [
        ("/level", "cleo", "deep-sesame", 401),
        ("/subtree", "cleo", "deep-sesame", 200),
        ("/subtree", "ada", "sesame", 200),
        ("/base", "ada", "sesame", 200),  # the subtree holds its base
        ("/below-base", "ada", "sesame", 401),  # one level does not
        ("/mail", "ada", "sesame", 200),
        ("/mail", "nobody", "sesame", 401),
    ],
)
def test_where_a_user_is_looked_for(place: Place, path: str, name: str, password: str, status: int) -> None:
    assert place.codes(path, name, password)[0] == status


@pytest.mark.parametrize("name", [*ODD, "béa"])
def test_names_with_signs_that_mean_something_elsewhere(place: Place, name: str) -> None:
    assert place.codes("/level", name, PASSWORDS[name])[0] == 200
    assert place.codes("/level", name, "other") == (401, "ldap_credentials_invalid")


def test_an_ambiguous_user_is_refused_also_with_the_right_password(place: Place) -> None:
    assert place.codes("/mail", "twins", "twin-sesame") == (401, "ldap_user_ambiguous")


_PIECES = ("*", "ada", "a*", "*a", "(", ")", "\\", "\\2a", "\x00", "|", "&", "!", "=", ">=", "~=", ":dn:=", ",", "#",
           ")(uid=*", ")(|(uid=*", "*)(objectClass=*", "ada)(&", "ada)(!(&(1=0", "*)(uid=*))(|(uid=*", "ada,ou=people",
           "ada\\00", "ada)(cn=*)", "（", "＊", "\u202eada")  # fmt: skip


@pytest.mark.parametrize("path", ["/level", "/either", "/mail"])
def test_no_name_can_become_another_filter(place: Place, path: str) -> None:
    variants = {*_PIECES, *(a + b for a in _PIECES for b in _PIECES)} - {"ada"}
    with ThreadPoolExecutor(6) as pool:
        found = {*pool.map(lambda name: place.codes(path, name, "sesame"), sorted(variants))}
    assert found == {(401, "ldap_credentials_invalid")}


def test_known_credentials_are_not_asked_about_again(place: Place) -> None:
    assert place.codes("/subtree", "a*b", "odd-sesame")[0] == 200
    asked = place.directory.log.count("conn=")
    for _ in range(20):
        assert place.codes("/subtree", "a*b", "odd-sesame")[0] == 200
    assert place.directory.log.count("conn=") == asked


def test_callers_with_the_same_credentials_share_one_question(place: Place) -> None:
    dn = f"uid=ada,{PEOPLE}"
    before = place.directory.binds(dn)
    place.directory.pause()
    with ThreadPoolExecutor(8) as pool:
        waiting = [pool.submit(place.codes, "/either", "ada", "sesame") for _ in range(8)]
        time.sleep(0.2)
        place.directory.resume()
        assert {each.result()[0] for each in waiting} == {200}
    wait_until(lambda: place.directory.binds(dn) > before, seconds=5, what="the bind in the log")
    assert place.directory.binds(dn) == before + 1


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/away", "refused"),
        ("/wrong-manager", "manager_refused"),
        ("/wrong-base", "search_result_32"),
        ("/tls-other-name", "tls_failed"),
        ("/tls-unknown-authority", "tls_failed"),
        ("/tls-to-plain-port", "tls_failed"),
    ],
)
def test_a_directory_that_cannot_be_asked_lets_nobody_in(place: Place, path: str, reason: str) -> None:
    answer = place.call(path, "ada", "sesame")
    assert outcome(answer) == (503, "ldap_unavailable")
    assert answer.headers["retry-after"] == "5"
    assert reason in {line["code"] for line in place.gateway.events("directory_failed")}


def test_tls_with_an_authority_of_ones_own(place: Place) -> None:
    assert place.codes("/tls", "ada", "sesame")[0] == 200
    assert place.codes("/tls", "ada", "wrong") == (401, "ldap_credentials_invalid")


def test_a_directory_that_hangs_costs_a_caller_no_more_than_the_timeout_and_others_nothing(place: Place) -> None:
    assert place.codes("/level", "ada", "sesame")[0] == 200
    place.directory.pause()
    try:
        with ThreadPoolExecutor(8) as pool:
            began = time.monotonic()
            waiting = [pool.submit(place.codes, "/slow", f"user{number}", "sesame") for number in range(8)]
            # Who is known passes meanwhile: the loop is not held up.
            for _ in range(20):
                assert place.codes("/level", "ada", "sesame")[0] == 200
            assert not any(each.done() for each in waiting)
            assert {each.result() for each in waiting} == {(503, "ldap_unavailable")}
            assert 2 <= time.monotonic() - began < 3.5
    finally:
        place.directory.resume()
    wait_until(lambda: place.codes("/slow", "ada", "sesame")[0] == 200, seconds=10, what="the directory to be back")


def test_a_directory_that_is_killed_and_started_again_in_the_middle(place: Place) -> None:
    assert place.codes("/slow", "ada", "sesame")[0] == 200
    place.directory.kill()
    found = {place.codes("/slow", "ada", "sesame") for _ in range(5)}
    assert found == {(503, "ldap_unavailable")}
    place.directory.start()
    assert place.codes("/slow", "ada", "sesame")[0] == 200
    assert place.codes("/slow", "ada", "wrong") == (401, "ldap_credentials_invalid")
    assert place.gateway.events("directory_back")


def test_in_shadow_everybody_passes_and_is_counted(place: Place) -> None:
    sent = [("ada", "wrong"), ("ada", "sesame"), (None, "")]
    answers = [place.call("/shadow/a", name, password) for name, password in sent]
    assert [answer.status for answer in answers] == [200, 200, 200]
    assert {seen(answer)["x-user"] for answer in answers} == {"-"}

    def counted() -> set[str]:
        lines = place.gateway.page("/metrics").body.decode().splitlines()
        return set(
            re.findall(r'reason="(ldap_[a-z_]+)"', "".join(each for each in lines if "shadow_rejections" in each))
        )

    expected = {"ldap_credentials_missing", "ldap_credentials_invalid"}
    wait_until(lambda: counted() == expected, seconds=5, what="the verdicts in the metrics")


def test_no_password_is_in_the_log(place: Place) -> None:
    place.codes("/level", "ada", "wrong-open-sesame")
    for secret in (MANAGER_PASSWORD, "wrong-open-sesame", "deep-sesame", basic("ada", "sesame").split()[1]):
        assert secret not in place.gateway.log
