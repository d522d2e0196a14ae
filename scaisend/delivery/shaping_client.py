"""What the processes know of the lanes together, in Redis: one call a turn for all lanes in use.

Each lane has a shape with a number of its version, and a row of the processes that use it, which lapses by itself. A process offers
what it learned with the version it learned it on; who offers on an older one gets the newer shape instead, and learns on that.
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass

from scaisend.delivery.lanes import Lane, Others
from scaisend.delivery.shaping import GRACE_S, Shape
from scaisend.storage.redis import Redis, Script, text_of

MEMBER_S = 10
KEPT_S = 7 * 86_400
AT_ONCE = 200

TOGETHER = Script("""
local asked, me, member_s, kept_s = cjson.decode(ARGV[1]), ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local now = tonumber(redis.call('TIME')[1])
local answers = {}
for _, lane in ipairs(asked) do
  local key = KEYS[1] .. lane.key
  local state = redis.call('HMGET', key, 'version', 'shape')
  local version, shape = tonumber(state[1] or 0), state[2]
  if lane.shape and lane.version == version then
    version, shape = version + 1, lane.shape
    redis.call('HSET', key, 'version', version, 'shape', shape)
  end
  redis.call('EXPIRE', key, kept_s)
  local row = key .. ':used'
  redis.call('HSET', row, me, now .. ' ' .. lane.connections .. ' ' .. lane.per_minute)
  local names, connections, per_minute, rank, count = redis.call('HGETALL', row), 0, 0, 0, 0
  for i = 1, #names, 2 do
    local at, open, sent = string.match(names[i + 1], '(%S+) (%S+) (%S+)')
    if now - tonumber(at) > member_s then
      redis.call('HDEL', row, names[i])
    else
      count = count + 1
      if names[i] < me then rank = rank + 1 end
      if names[i] ~= me then
        connections, per_minute = connections + tonumber(open), per_minute + tonumber(sent)
      end
    end
  end
  redis.call('EXPIRE', row, member_s * 2)
  table.insert(answers, {version = version, shape = shape or '', connections = connections, per_minute = per_minute, rank = rank, count = count})
end
return cjson.encode(answers)
""")


@dataclass(frozen=True, slots=True)
class Told:
    """A lane's shape, and the others' use of it; `is_news`: the shape is this process's own and has yet to be offered."""

    lane: Lane
    shape: Shape
    others: Others
    is_news: bool


class SharedShapes:
    """The lanes of this process beside those of the others. `process` is its name among them."""

    def __init__(self, *, redis: Redis, process: str) -> None:
        self._redis = redis
        self._process = process

    async def turn(self, lanes: Sequence[Lane], offered: Collection[Lane]) -> list[Told]:
        """What is offered was offered; each lane's shape and the others' use of it. `lane.base` is the version it stands on now.

        Raises: Unavailable.
        """
        told: list[Told] = []
        for first in range(0, len(lanes), AT_ONCE):
            told += await self._turn(lanes[first : first + AT_ONCE], offered)
        return told

    async def _turn(self, lanes: Sequence[Lane], offered: Collection[Lane]) -> list[Told]:
        asked, before = [], [lane.shape for lane in lanes]
        for lane in lanes:
            each: dict[str, object] = {
                "key": f"{lane.source}|{lane.destination}", "version": lane.base, "connections": lane.connections,
                "per_minute": round(lane.per_minute, 3),
            }
            asked.append(each | {"shape": json.dumps(asdict(lane.shape))} if lane in offered else each)
        reply = await self._redis.run(TOGETHER, (f"{self._redis.prefix}shape:",), json.dumps(asked), self._process, MEMBER_S, KEPT_S)
        told = []
        for lane, was, answer in zip(lanes, before, json.loads(text_of(reply)), strict=True):
            shape = Shape(**json.loads(answer["shape"])) if answer["shape"] else lane.shape
            # It learned more meanwhile, or heard a complaint that the others have not: that is offered on the newer version.
            is_news = lane.shape is not was or (lane in offered and _is_own_news(lane.shape, shape))
            lane.base = answer["version"]
            others = Others(answer["connections"], answer["per_minute"], max(1, answer["count"]), answer["rank"])
            told.append(Told(lane, lane.shape if is_news else shape, others, is_news))
        return told


def _is_own_news(own: Shape, theirs: Shape) -> bool:
    """Whether this process heard a complaint after the last one that all know of."""
    return own.is_cut and own.cut_at - theirs.cut_at >= GRACE_S
