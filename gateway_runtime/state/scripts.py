"""What Redis does in one step. Time is that of Redis, so that the clocks of the nodes do not matter.

A counter is one hash: for limit number i the field `n{i}` is what is used of the window that ends at `e{i}`, in
milliseconds. It lives until its last window ends. Redis 4 has to be told that a script which asks for the time may
write.
"""

import hashlib
from typing import NamedTuple

_NOW = """
if redis.replicate_commands then redis.replicate_commands() end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
"""


class Script(NamedTuple):
    """A script and the name that Redis gives it."""

    text: str
    sha: str


def _script(text: str) -> Script:
    return Script(text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())


# One request of every limit, or none: ARGV has (maximum, period in ms) of each. Answers whether it may pass, and for
# each limit what is used and for how many milliseconds more its window runs.
TAKE = _script(
    _NOW
    + """
local answer, last, passes = {1}, 0, true
local windows = {}
for i = 1, #ARGV / 2 do
  local maximum, period = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
  local found = redis.call('HMGET', KEYS[1], 'n' .. i, 'e' .. i)
  local used, ends = tonumber(found[1] or 0), tonumber(found[2] or 0)
  if ends <= now then used, ends = 0, now + period end
  if used >= maximum then passes = false end
  windows[i] = {used, ends}
end
if not passes then answer[1] = 0 end
for i, window in ipairs(windows) do
  local used, ends = window[1], window[2]
  if passes then
    used = used + 1
    redis.call('HSET', KEYS[1], 'n' .. i, used)
    redis.call('HSET', KEYS[1], 'e' .. i, ends)
    if ends > last then last = ends end
  end
  answer[#answer + 1] = used
  answer[#answer + 1] = ends - now
end
if passes then redis.call('PEXPIRE', KEYS[1], last - now) end
return answer
"""
)

# Settles what a worker has done and leases more. ARGV has the number of limiters, then for each limit (maximum, period
# in ms, window, debt, back, want): `debt` has passed already, `back` was leased in that window and is not needed. What
# is left is shared between all limiters, so nobody gets more than his part of it. Answers the time and for each limit
# what is used, when its window ends (0: none is open) and how much is granted.
LEASE = _script(
    _NOW
    + """
local answer, last = {now}, 0
for i = 1, (#ARGV - 1) / 6 do
  local at = 6 * i - 4
  local maximum, period, window = tonumber(ARGV[at]), tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  local debt, back, want = tonumber(ARGV[at + 3]), tonumber(ARGV[at + 4]), tonumber(ARGV[at + 5])
  local found = redis.call('HMGET', KEYS[1], 'n' .. i, 'e' .. i)
  local used, ends = tonumber(found[1] or 0), tonumber(found[2] or 0)
  local grant = 0
  if ends <= now then
    used, ends = 0, 0
    if debt + want > 0 then ends = now + period end
  elseif ends == window then
    used = math.max(0, used - back)
  end
  if ends > 0 then
    used = used + debt
    grant = math.min(want, math.max(0, math.ceil((maximum - used) / tonumber(ARGV[1]))))
    used = used + grant
    redis.call('HSET', KEYS[1], 'n' .. i, used)
    redis.call('HSET', KEYS[1], 'e' .. i, ends)
    if ends > last then last = ends end
  end
  answer[#answer + 1] = used
  answer[#answer + 1] = ends
  answer[#answer + 1] = grant
end
if last > 0 then redis.call('PEXPIRE', KEYS[1], last - now) end
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
