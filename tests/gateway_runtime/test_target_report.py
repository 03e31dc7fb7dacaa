"""What a replica tells of its targets."""

from gateway_runtime.control import TargetState
from gateway_runtime.schema.replica import TargetHealth
from gateway_runtime.target_report import MOST, TargetReport


def state(word: str, target: str = "a:1", service: str = "s") -> TargetState:
    return TargetState(service=service, name="orders", target=target, state=word)


def test_a_target_is_as_the_worst_of_its_workers_says_and_those_come_first() -> None:
    told = TargetReport().of(
        [[state("healthy"), state("healthy", "b:1")], [state("ejected"), state("unhealthy", "c:1")]]
    )
    assert told == [
        TargetHealth(service="s", target="c:1", state="unhealthy"),
        TargetHealth(service="s", target="a:1", state="ejected"),
        TargetHealth(service="s", target="b:1", state="healthy"),
    ]


def test_no_more_than_so_many_are_told_and_none_that_is_not_well_is_left_out() -> None:
    many = [state("healthy", f"h:{port}") for port in range(MOST + 50)] + [state("unhealthy", "z:1")]
    told = TargetReport().of([many])
    assert (len(told), told[0].target) == (MOST, "z:1")


def test_nothing_is_made_anew_until_a_worker_tells_something() -> None:
    report, first, second = TargetReport(), [state("healthy")], [state("healthy", "b:1")]
    made = report.of([first, second])
    assert report.of([first, second]) is made
    assert report.of([first, [state("unhealthy", "b:1")]]) != made
    assert report.of([first]) == [TargetHealth(service="s", target="a:1", state="healthy")]
