from gateway_runtime.state.limits import Limit, Windows


def test_keys_are_bounded_and_overflowing_ones_share_a_window() -> None:
    windows = Windows((Limit(1, 10.0),), key_limit=2)
    assert [windows.ask(key, 1.0).retry_after > 0 for key in ("a", "b", "c", "d", "a")] == [
        False,
        False,
        False,
        True,
        True,
    ]
    assert len(windows) == 3


def test_ended_windows_make_room_for_new_keys() -> None:
    windows = Windows((Limit(1, 10.0),), key_limit=2)
    for key in ("a", "b"):
        windows.ask(key, 1.0)
    assert not windows.ask("c", 12.0).retry_after
    assert not windows.ask("d", 12.0).retry_after
    assert windows.ask("c", 12.0).retry_after


def test_a_refused_request_opens_no_window() -> None:
    windows = Windows((Limit(5, 1.0), Limit(1, 10.0)))
    assert not windows.ask("k", 0.0).retry_after
    assert windows.ask("k", 9.5).retry_after == 0.5
    # The window of a second begins here, not with the refused request before.
    assert not windows.ask("k", 10.0).retry_after
    assert windows.ask("k", 10.9).reset == 9.1
    other = Windows((Limit(1, 1.0), Limit(2, 10.0)))
    assert [other.ask("k", now).retry_after for now in (0.0, 1.0, 9.5)] == [0.0, 0.0, 0.5]
    assert [other.ask("k", now).retry_after for now in (10.0, 10.9)] == [0.0, 0.09999999999999964]
