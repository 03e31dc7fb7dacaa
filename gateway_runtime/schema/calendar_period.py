"""Spans of time that begin and end with the calendar."""

import enum


class CalendarPeriod(enum.StrEnum):
    """A day, week, month or year. Weeks begin on Monday."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"
