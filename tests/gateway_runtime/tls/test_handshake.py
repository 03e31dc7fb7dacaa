import gc
import ssl
from pathlib import Path
from typing import Any

import pytest

from gateway_runtime.tls import handshake as module
from tests.gateway_runtime.tls.base import (
    AUTHORITY,
    BANK,
    PARTNERS,
    SHOP,
    Meeting,
    client,
    compiled,
    names_shown,
    settings,
    switched,
)

TRUST = {"require_client_certificate": True, "trusted_ca": PARTNERS.pem}


def test_a_new_connection_gets_the_new_certificate_and_one_under_way_the_old_one() -> None:
    switch = switched(compiled(settings(SHOP)))
    under_way = Meeting(switch, client())
    under_way.step(under_way.client)
    under_way.step(under_way.server)
    switch.current = compiled(settings(BANK))
    assert names_shown(Meeting(switch, client()).finish())[0] == "bank.example"
    assert names_shown(under_way.finish()) == ["shop.example"]
    assert switch.outcomes == {"completed": 2}


def test_who_began_before_client_certificates_were_asked_for_is_not_let_in() -> None:
    switch = switched(compiled(settings()))
    under_way = Meeting(switch, client())
    under_way.step(under_way.client)
    under_way.step(under_way.server)
    switch.current = compiled(settings(**TRUST))
    with pytest.raises(ssl.SSLError):
        under_way.finish()
    assert switch.outcomes == {"settings_changed": 1}


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
def test_a_session_from_before_does_not_lead_past_client_certificates(version: str) -> None:
    switch = switched(compiled(settings()))
    caller = client(maximum_version=version)
    before = Meeting(switch, caller, "shop.example").finish()
    assert Meeting(switch, caller, "shop.example", before.session).finish().session_reused
    switch.current = compiled(settings(**TRUST))
    with pytest.raises(ssl.SSLError):
        Meeting(switch, caller, "shop.example", before.session).finish()


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
def test_a_session_does_not_lead_from_one_listener_to_another(version: str) -> None:
    caller = client(maximum_version=version)
    before = Meeting(switched(compiled(settings())), caller, "shop.example").finish()
    with pytest.raises(ssl.SSLError):
        Meeting(switched(compiled(settings(**TRUST), "other")), caller, "shop.example", before.session).finish()


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
def test_a_session_ends_with_the_certificate_it_began_with(
    version: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    switch = switched(compiled(settings(**TRUST)))
    caller = client(PARTNERS.issue("till.example", days=1), tmp_path, maximum_version=version)
    before = Meeting(switch, caller, "shop.example").finish()
    assert Meeting(switch, caller, "shop.example", before.session).finish().session_reused
    later = module.time.time() + 2 * 86_400
    monkeypatch.setattr(module.time, "time", lambda: later)
    with pytest.raises(ssl.SSLError):
        Meeting(switch, caller, "shop.example", before.session).finish()
    assert switch.outcomes["client_certificate"] == 1


def failing(**changes: Any) -> dict[str, int]:
    """Return how a handshake that fails was counted."""
    switch = switched(compiled(settings(**changes.pop("settings", {}))))
    with pytest.raises(ssl.SSLError):
        Meeting(switch, client(**changes)).finish()
    return dict(switch.outcomes)


def test_failures_are_counted_by_reason(tmp_path: Path) -> None:
    assert failing(settings={"max_version": "1.2"}, minimum_version="TLSv1_3") == {"version": 1}
    assert failing(settings=TRUST) == {"client_certificate": 1}
    assert failing(settings=TRUST, shown=AUTHORITY.issue("till.example"), folder=tmp_path) == {"client_certificate": 1}
    assert failing(settings={"ciphers": ["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"]}, maximum_version="TLSv1_2") == {
        "cipher": 1
    }


@pytest.mark.parametrize("sent", [b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"\x00" * 64, b"SSH-2.0-x\r\n"])
def test_what_is_no_handshake_is_counted_and_ends(sent: bytes) -> None:
    switch = switched(compiled(settings()))
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = switch.wrap_bio(incoming, outgoing)
    incoming.write(sent)
    with pytest.raises(ssl.SSLError):
        server.do_handshake()
    assert sum(switch.outcomes.values()) == 1


def test_a_caller_that_goes_away_is_counted() -> None:
    switch = switched(compiled(settings()))
    meeting = Meeting(switch, client())
    meeting.step(meeting.client)
    meeting.step(meeting.server)
    del meeting
    gc.collect()
    assert switch.outcomes == {"abandoned": 1}


def test_a_replaced_context_is_freed_without_the_collector() -> None:
    gc.collect()
    gc.disable()
    try:
        before = sum(type(each) is ssl.SSLContext for each in gc.get_objects())
        switch = switched(compiled(settings()))
        for _ in range(5):
            switch.current = compiled(settings())
        assert sum(type(each) is ssl.SSLContext for each in gc.get_objects()) - before == 2
    finally:
        gc.enable()
