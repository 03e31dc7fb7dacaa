"""What Redis does in one step. Time is that of Redis, so that the clocks of the nodes do not matter.

A counter is one hash for all limits of a key. A limit has a field of its own, named by its kind and its period: `n` and
`e` before it are what is used and when the window ends in milliseconds; of a sliding one `t` and `p` are until when the
key is ahead, in microseconds and parts (see `gcra`). It lives until its last window ends. Redis 4 has to be told that a
script which asks for the time may write.

The maximum is no part of a name: who changes it does not make anybody's use forgotten.
"""

import hashlib
from typing import NamedTuple

from gateway_runtime.state.calendar import Ends
from gateway_runtime.state.limits import Limit

_NOW = """
if redis.replicate_commands then redis.replicate_commands() end
local time = redis.call('TIME')
local now_us = time[1] * 1000000 + time[2]
local now = math.floor(now_us / 1000)
"""

# A calendar sends the ends around its own time. Redis, which may have another, takes the next one.
_WINDOW = """
local function end_of_window(period, first, second, third)
  if first == 0 then return now + period end
  if now < first then return first end
  if now < second then return second end
  if now < third then return third end
  return now + period
end
"""

# By the time at which Redis began with the script, which may be some milliseconds before the one it was told: without
# more a window would end early. Never shorter than before, because another limit may have been for longer.
_KEEP = """
local function keep_for(ms)
  ms = ms + 100
  if ms > redis.call('PTTL', KEYS[1]) then redis.call('PEXPIRE', KEYS[1], ms) end
end
"""


class Script(NamedTuple):
    """A script and the name that Redis gives it."""

    text: str
    sha: str


def _script(text: str) -> Script:
    return Script(text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())


# One request of every limit, or none: ARGV has what `taking` returns. Answers whether it may pass, the time in
# microseconds, and for each limit what is used and for how many milliseconds more its window runs; of a sliding one by
# how many microseconds and parts the key is ahead.
TAKE = _script(
    _NOW
    + _WINDOW
    + _KEEP
    + """
local answer, passes = {1, now_us}, true
local limits = {}
for at = 1, #ARGV, 6 do
  local field, maximum, period = ARGV[at], tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  local limit = {field = field}
  if string.sub(field, 1, 1) == 's' then
    local found = redis.call('HMGET', KEYS[1], 't' .. field, 'p' .. field)
    local ahead, parts = tonumber(found[1] or 0) - now_us, tonumber(found[2] or 0)
    if ahead < 0 then ahead, parts = 0, 0 end
    if parts >= maximum then parts = 0 end
    local step_parts = math.fmod(period, maximum)
    local step = (period - step_parts) / maximum
    limit.ahead, limit.parts = ahead, parts
    limit.then_ahead, limit.then_parts = ahead + step, parts + step_parts
    if limit.then_parts >= maximum then
      limit.then_ahead, limit.then_parts = limit.then_ahead + 1, limit.then_parts - maximum
    end
    if limit.then_ahead > period or (limit.then_ahead == period and limit.then_parts > 0) then passes = false end
  else
    local found = redis.call('HMGET', KEYS[1], 'n' .. field, 'e' .. field)
    local used, ends = tonumber(found[1] or 0), tonumber(found[2] or 0)
    if ends <= now then
      used = 0
      ends = end_of_window(period, tonumber(ARGV[at + 3]), tonumber(ARGV[at + 4]), tonumber(ARGV[at + 5]))
    end
    if used >= maximum then passes = false end
    limit.used, limit.ends = used, ends
  end
  limits[#limits + 1] = limit
end
if not passes then answer[1] = 0 end
local last = 0
for _, limit in ipairs(limits) do
  if limit.ahead then
    if passes then
      limit.ahead, limit.parts = limit.then_ahead, limit.then_parts
      redis.call('HSET', KEYS[1], 't' .. limit.field, string.format('%.0f', now_us + limit.ahead))
      redis.call('HSET', KEYS[1], 'p' .. limit.field, limit.parts)
      last = math.max(last, math.ceil(limit.ahead / 1000))
    end
    answer[#answer + 1] = limit.ahead
    answer[#answer + 1] = limit.parts
  else
    if passes then
      limit.used = limit.used + 1
      redis.call('HSET', KEYS[1], 'n' .. limit.field, limit.used)
      redis.call('HSET', KEYS[1], 'e' .. limit.field, limit.ends)
      last = math.max(last, limit.ends - now)
    end
    answer[#answer + 1] = limit.used
    answer[#answer + 1] = limit.ends - now
  end
end
if passes then keep_for(last) end
return answer
"""
)

# Settles what a worker has done and leases more. ARGV has the number of limiters, then for each limit what `leasing`
# returns: `debt` has passed already, `back` was leased in that window and is not needed, `need` are requests that wait,
# `want` is for those to come. Of what is left those that wait get all, and those to come a limiter's part. Answers the
# time and for each limit what is used, when its window ends (0: none is open) and how much is granted.
LEASE = _script(
    _NOW
    + _WINDOW
    + _KEEP
    + """
local answer, last = {now}, 0
for at = 2, #ARGV, 11 do
  local field, maximum, period = ARGV[at], tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  local window, debt, back = tonumber(ARGV[at + 6]), tonumber(ARGV[at + 7]), tonumber(ARGV[at + 8])
  local need, want = tonumber(ARGV[at + 9]), tonumber(ARGV[at + 10])
  local found = redis.call('HMGET', KEYS[1], 'n' .. field, 'e' .. field)
  local used, ends = tonumber(found[1] or 0), tonumber(found[2] or 0)
  local grant = 0
  if ends <= now then
    used, ends = 0, 0
    if debt + need + want > 0 then
      ends = end_of_window(period, tonumber(ARGV[at + 3]), tonumber(ARGV[at + 4]), tonumber(ARGV[at + 5]))
    end
  elseif ends == window then
    used = math.max(0, used - back)
  end
  if ends > 0 then
    used = used + debt
    local left = math.max(0, maximum - used)
    grant = math.min(need, left)
    grant = grant + math.min(want, math.ceil((left - grant) / tonumber(ARGV[1])))
    used = used + grant
    redis.call('HSET', KEYS[1], 'n' .. field, used)
    redis.call('HSET', KEYS[1], 'e' .. field, ends)
    last = math.max(last, ends - now)
  end
  answer[#answer + 1] = used
  answer[#answer + 1] = ends
  answer[#answer + 1] = grant
end
if last > 0 then keep_for(last) end
return answer
"""
)

# Says that a limiter is there, ARGV (its name, after how many ms of silence one is gone), and answers how many are.
MEMBERS = _script(
    _NOW
    + """
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return redis.call('ZCARD', KEYS[1])
"""
)

_NO_CALENDAR: Ends = (0, 0, 0)


def taking(limit: Limit, wall: float) -> tuple[str | int, ...]:
    """Return what `TAKE` is told of a limit."""
    if limit.rate is not None:
        return (limit.field, limit.maximum, limit.rate.period, *_NO_CALENDAR)
    ends = limit.calendar.ends(wall) if limit.calendar is not None else _NO_CALENDAR
    return (limit.field, limit.maximum, limit.period_ms, *ends)


def leasing(
    limit: Limit, wall: float, *, window: int, debt: int, back: int, need: int, want: int
) -> tuple[str | int, ...]:
    """Return what `LEASE` is told of a limit, which is no sliding one."""
    return (*taking(limit, wall), window, debt, back, need, want)
