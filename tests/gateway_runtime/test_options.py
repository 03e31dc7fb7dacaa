from pathlib import Path

import pytest

from gateway_runtime.options import OptionError, Options, read_options

NEEDED = ("--registration", "r.yaml")


def test_defaults() -> None:
    assert read_options(NEEDED, {}) == Options(
        registration=Path("r.yaml"),
        workers=1,
        admin_host="127.0.0.1",
        admin_port=9998,
        state=Path("var/gateway"),
        drain_seconds=25.0,
        upgrade_seconds=60.0,
    )


def test_everything_can_be_set_by_the_environment_and_flags_win() -> None:
    environment = {
        "PORTICO_GATEWAY_REGISTRATION": "/etc/r.yaml",
        "PORTICO_GATEWAY_WORKERS": "4",
        "PORTICO_GATEWAY_ADMIN": "[::1]:1234",
        "PORTICO_GATEWAY_STATE": "/var/lib/gateway",
        "PORTICO_GATEWAY_DRAIN": "5",
        "PORTICO_GATEWAY_PORT_OFFSET": "100",
    }
    options = read_options(["--workers", "2"], environment)
    assert (options.registration, options.workers) == (Path("/etc/r.yaml"), 2)
    assert (options.admin_host, options.admin_port) == ("::1", 1234)
    assert (options.state, options.drain_seconds) == (Path("/var/lib/gateway"), 5.0)
    assert options.port_offset == 100
    assert read_options([*NEEDED, "--port-offset", "7"], environment).port_offset == 7


def test_the_state_is_in_the_home_unless_said_otherwise() -> None:
    assert read_options(NEEDED, {"PORTICO_HOME": "/srv/portico"}).state == Path("/srv/portico/gateway")


def test_declarative_files_take_the_place_of_a_registration() -> None:
    options = read_options(("--config", "conf.d"), {})
    assert (options.config, options.registration) == (Path("conf.d"), None)
    assert read_options((), {"PORTICO_GATEWAY_CONFIG": "/etc/conf.d"}).config == Path("/etc/conf.d")
    # A flag says what is wanted now, whatever the environment holds.
    options = read_options(("--config", "conf.d"), {"PORTICO_GATEWAY_REGISTRATION": "r.yaml"})
    assert (options.config, options.registration) == (Path("conf.d"), None)


def test_the_documented_drain_time_counts_where_ours_is_not_set() -> None:
    environment = {"FLEX_SERVICE_ENVOY_DRAIN_TIME": "7"}
    assert read_options(NEEDED, environment).drain_seconds == 7
    assert read_options(NEEDED, {**environment, "PORTICO_GATEWAY_DRAIN": "5"}).drain_seconds == 5


@pytest.mark.parametrize(
    ("arguments", "environment", "sentence"),
    [
        ((*NEEDED, "--config", "c"), {}, "Give either --registration FILE or --config PATH"),
        ((), {"PORTICO_GATEWAY_REGISTRATION": "r", "PORTICO_GATEWAY_CONFIG": "c"}, "Give either --registration FILE"),
        ((), {}, "Give the registration file of this gateway with --registration FILE."),
        ((*NEEDED, "--workers", "0"), {}, "--workers must be a whole number from 1 to 256, not “0”."),
        ((*NEEDED, "--workers", "1_0"), {}, "--workers must be a whole number from 1 to 256, not “1_0”."),
        ((*NEEDED, "--workers", "٣"), {}, "--workers must be a whole number from 1 to 256, not “٣”."),
        (NEEDED, {"PORTICO_GATEWAY_WORKERS": " 2"}, "PORTICO_GATEWAY_WORKERS must be a whole number"),
        (NEEDED, {"PORTICO_GATEWAY_ADMIN": "9998"}, "PORTICO_GATEWAY_ADMIN must be HOST:PORT, for example"),
        ((*NEEDED, "--admin", ":9998"), {}, "--admin must be HOST:PORT"),
        ((*NEEDED, "--admin", "localhost:99999"), {}, "The port of --admin must be a whole number from 0 to 65535"),
        ((*NEEDED, "--drain", "-1"), {}, "--drain must be a whole number from 0 to 3600"),
    ],
)
def test_a_bad_value_is_one_clear_sentence(
    arguments: tuple[str, ...], environment: dict[str, str], sentence: str
) -> None:
    with pytest.raises(OptionError) as caught:
        read_options(arguments, environment)
    assert str(caught.value).startswith(sentence)


def test_unknown_and_shortened_flags_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    for flag in ("--worker", "--colour"):
        with pytest.raises(SystemExit) as caught:
            read_options((*NEEDED, f"{flag}=2"), {})
        assert caught.value.code == 2
