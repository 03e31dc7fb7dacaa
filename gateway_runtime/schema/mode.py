"""What a policy binding does with the traffic it sees."""

import enum


class Mode(enum.StrEnum):
    """Act; only say what would have been done; or nothing."""

    ENFORCE = "enforce"
    SHADOW = "shadow"
    OFF = "off"
