"""The users in the file of the Redis that is started here."""

from portal.cli.up.redis import with_password

OURS = "user default on #5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8 ~* &* +@all"


def test_a_first_file_has_our_user_alone() -> None:
    assert with_password("", "password") == OURS


def test_users_of_gateways_stay_and_our_password_is_the_present_one() -> None:
    saved = "user default on sanitize-payload #00 ~* &* +@all\nuser gateway-1-1 on #11 %R~x -@all +get\n"
    assert with_password(saved, "password").splitlines() == [OURS, "user gateway-1-1 on #11 %R~x -@all +get"]
