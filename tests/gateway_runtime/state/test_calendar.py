from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_runtime.schema.calendar_period import CalendarPeriod
from gateway_runtime.state.calendar import USUAL_SECONDS, Calendar, zone_of

ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Kiritimati"]
moments = st.datetimes(datetime(2000, 1, 1), datetime(2090, 1, 1)).map(lambda at: at.timestamp())


@given(moments, st.sampled_from(ZONES), st.sampled_from(CalendarPeriod))
def test_every_moment_lies_in_one_period_that_begins_and_ends_at_midnight(
    now: float, zone: str, period: CalendarPeriod
) -> None:
    begin, end, next_end = Calendar(period, zone).ends(now)
    assert begin <= now * 1000 < end < next_end
    assert abs((end - begin) / 1000 - USUAL_SECONDS[period]) <= 3 * 86_400
    for edge in (begin, end, next_end):
        there = datetime.fromtimestamp(edge / 1000, ZoneInfo(zone))
        assert (there.hour, there.minute, there.second) == (0, 0, 0)
        assert period is not CalendarPeriod.WEEK or there.weekday() == 0
        assert period not in (CalendarPeriod.MONTH, CalendarPeriod.YEAR) or there.day == 1
        assert period is not CalendarPeriod.YEAR or there.month == 1


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-06-01", 24)])
def test_a_day_in_which_clocks_change_is_shorter_or_longer(day: str, hours: int) -> None:
    noon = datetime.fromisoformat(f"{day}T12:00:00").replace(tzinfo=ZoneInfo("Europe/Berlin"))
    begin, end, _ = Calendar(CalendarPeriod.DAY, "Europe/Berlin").ends(noon.timestamp())
    assert end - begin == hours * 3_600_000


def test_what_is_kept_of_one_period_does_not_hold_for_another() -> None:
    calendar, now = Calendar(CalendarPeriod.MONTH, "UTC"), datetime(2026, 1, 31, 23, 59, tzinfo=ZoneInfo("UTC"))
    first = calendar.ends(now.timestamp())
    later = calendar.ends((now + timedelta(minutes=1)).timestamp())
    assert later[0] == first[1]
    # A clock that is set back finds the period before.
    assert calendar.ends(now.timestamp()) == first


@pytest.mark.parametrize(
    "name", ["", "Mars/Olympus", "../../etc/passwd", "/etc/passwd", "UTC\0", "europe berlin", "x" * 300]
)
def test_what_is_no_time_zone_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="There is no time zone"):
        zone_of(name)
