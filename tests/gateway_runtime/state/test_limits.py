from gateway_runtime.state.limits import Limit, Windows


def test_keys_are_bounded_and_overflowing_ones_share_a_window() -> None:
    windows = Windows((Limit(1, 10.0),), key_limit=2)
    assert [windows.take(key, 1.0).retry_after > 0 for key in ("a", "b", "c", "d", "a")] == [
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
        windows.take(key, 1.0)
    assert not windows.take("c", 12.0).retry_after
    assert not windows.take("d", 12.0).retry_after
    assert windows.take("c", 12.0).retry_after
