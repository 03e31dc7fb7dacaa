"""What policies say: told where it has changed, and one sentence of each policy for all workers."""

from gateway_runtime.notices import NoticeBook, Reported, merged
from gateway_runtime.schema.replica import Notice
from gateway_runtime.testing import FakeClock


class Says:
    def __init__(self) -> None:
        self.said: tuple[bool, str] | None = None

    def __call__(self) -> tuple[bool, str] | None:
        return self.said


def test_only_changes_are_told_with_the_time_since_when() -> None:
    clock, says = FakeClock(50), Says()
    book = NoticeBook(clock)
    assert book.take() is None
    book.use([Reported("api", "binding", "health-check", says)])
    assert book.take() is None
    says.said = (False, "It is ill.")
    first = Notice(api="api", binding="binding", policy="health-check", good=False, text="It is ill.", since=50)
    assert book.take() == [first]
    clock.advance(10)
    assert book.take() is None
    says.said = (True, "It is well.")
    [second] = book.take() or []
    assert (second.good, second.since) == (True, 60)
    book.use([])
    assert book.take() == []
    assert book.take() is None


def test_a_new_revision_does_not_begin_the_time_anew() -> None:
    clock, says = FakeClock(50), Says()
    says.said = (False, "It is ill.")
    book = NoticeBook(clock)
    book.use([Reported("api", "binding", "health-check", says)])
    assert book.take()
    clock.advance(10)
    book.use([Reported("api", "binding", "health-check", says), Reported("api", "other", "health-check", says)])
    assert [each.since for each in book.take() or []] == [50, 60]


def notice(since: float, *, good: bool, binding: str = "b") -> Notice:
    return Notice(api="a", binding=binding, policy="p", good=good, text="t", since=since)


def test_what_is_bad_for_one_worker_is_bad() -> None:
    workers = [
        [notice(10, good=True)],
        [notice(30, good=False)],
        [notice(20, good=False), notice(5, good=True, binding="c")],
    ]
    assert merged(workers) == [notice(20, good=False), notice(5, good=True, binding="c")]
