"""The Lua of the Redis queue. Ids come and go as one text, joined by line feeds: one reply is parsed once.

Keys, in this order (all begin with the queue's NAME; what waits behind a lane is NAME:behind:<lane>):
    NAME           list: the ids that wait, tenants taking turns     NAME:known     hash: id → worker that claimed it, or ''
    NAME:lanes     hash: lane → its ids in NAME                      NAME:delayed   zset: ids by due moment
    NAME:workers   set: workers that ever claimed                    NAME:bell      list: one element when ids came
    NAME:behind:<lane>  zset: ids of the lane beyond its window, all of score 0, so that they stand by age: an id begins with its moment
    NAME:inflight:<worker>  hash: id → number of the claim (microseconds when it was made)
"""

from scaisend.ids import LANE_AT, LANE_LENGTH
from scaisend.storage.queue import HEARTBEAT_TTL_S, LANE_WINDOW, NEWEST_SHARE
from scaisend.storage.redis import Script

PROMOTED_AT_ONCE = 1_000
STALE_CLAIM_S = 3_600

_COMMON = f"""
local main, known, lanes, delayed, workers, bell = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local WINDOW = {LANE_WINDOW}

local function lane_of(id)
  local at = (string.find(id, '_', 1, true) or 0) + {LANE_AT}
  return string.sub(id, at + 1, at + {LANE_LENGTH})
end

local function split(text)
  local ids, count = {{}}, 0
  for id in string.gmatch(text, '[^\\n]+') do count = count + 1; ids[count] = id end
  return ids
end

local function in_parts(list, fn)
  for first = 1, #list, 1000 do fn(first, math.min(first + 999, #list)) end
end

local function each_known(ids, fn)
  in_parts(ids, function(first, last)
    local holders = redis.call('HMGET', known, unpack(ids, first, last))
    for i = first, last do fn(ids[i], holders[i - first + 1]) end
  end)
end

local function set_all(key, pairs_list)
  in_parts(pairs_list, function(first, last) redis.call('HSET', key, unpack(pairs_list, first, last)) end)
end

local function drop_all(command, key, list)
  in_parts(list, function(first, last) redis.call(command, key, unpack(list, first, last)) end)
end

local function counts_of(names)
  local counts = {{}}
  in_parts(names, function(first, last)
    local values = redis.call('HMGET', lanes, unpack(names, first, last))
    for i = first, last do counts[names[i]] = tonumber(values[i - first + 1] or 0) end
  end)
  return counts
end

local function by_lane(ids)
  local names, groups = {{}}, {{}}
  for i = 1, #ids do
    local lane = lane_of(ids[i])
    if not groups[lane] then groups[lane] = {{}}; names[#names + 1] = lane end
    table.insert(groups[lane], ids[i])
  end
  return names, groups
end

local function keep_counts(names, counts)
  local kept, gone = {{}}, {{}}
  for i = 1, #names do
    local lane = names[i]
    if counts[lane] > 0 then kept[#kept + 1] = lane; kept[#kept + 1] = counts[lane] else gone[#gone + 1] = lane end
  end
  set_all(lanes, kept)
  drop_all('HDEL', lanes, gone)
end

local function take_main(oldest, newest)
  local taken = oldest > 0 and redis.call('LRANGE', main, 0, oldest - 1) or {{}}
  if newest > 0 then
    for _, id in ipairs(redis.call('LRANGE', main, -newest, -1)) do taken[#taken + 1] = id end
  end
  if #taken > 0 then redis.call('LTRIM', main, oldest, -newest - 1) end
  return taken
end

local function take_behind(lane, room)
  local from = main .. ':behind:' .. lane
  local behind = redis.call('ZCARD', from)
  local moving = math.min(room, behind)
  local newest = math.floor((moving + behind % 2) / 2)
  local taken = {{}}
  if moving > newest then
    local oldest = redis.call('ZPOPMIN', from, moving - newest)
    for i = 1, #oldest, 2 do taken[#taken + 1] = oldest[i] end
  end
  if newest > 0 then
    local last = redis.call('ZPOPMAX', from, newest)
    for i = #last - 1, 1, -2 do taken[#taken + 1] = last[i] end
  end
  return taken
end

local function ring()
  if redis.call('LLEN', bell) == 0 then redis.call('RPUSH', bell, '1') end
end

local function enqueue(ids)
  local names = by_lane(ids)
  local counts, to_main, to_lanes = counts_of(names), {{}}, {{}}
  for i = 1, #ids do
    local lane = lane_of(ids[i])
    if counts[lane] < WINDOW then
      counts[lane] = counts[lane] + 1
      to_main[#to_main + 1] = ids[i]
    else
      to_lanes[lane] = to_lanes[lane] or {{}}
      table.insert(to_lanes[lane], 0)
      table.insert(to_lanes[lane], ids[i])
    end
  end
  drop_all('RPUSH', main, to_main)
  for lane, more in pairs(to_lanes) do drop_all('ZADD', main .. ':behind:' .. lane, more) end
  keep_counts(names, counts)
  ring()
end

local function add(ids)
  local fresh, marks, seen = {{}}, {{}}, {{}}
  each_known(ids, function(id, holder)
    if not holder and not seen[id] then
      seen[id] = true
      fresh[#fresh + 1] = id
      marks[#marks + 1] = id
      marks[#marks + 1] = ''
    end
  end)
  if #fresh > 0 then
    set_all(known, marks)
    enqueue(fresh)
  end
  return fresh
end
"""

PUSH = Script(_COMMON + """
local fresh = add(split(ARGV[1]))
if #fresh > 0 and redis.call('ZCARD', delayed) > 0 then drop_all('ZREM', delayed, fresh) end
return #fresh
""")

CLAIM = Script(_COMMON + f"""
local worker, most, number, inflight, heartbeat = ARGV[1], tonumber(ARGV[2]), ARGV[3], KEYS[7], KEYS[8]
redis.call('SET', heartbeat, '1', 'EX', {HEARTBEAT_TTL_S})
local waiting = redis.call('LLEN', main)
if waiting == 0 then
  redis.call('DEL', bell)
  return ''
end
local newest = waiting > most and math.floor(most / {NEWEST_SHARE}) or 0
local ids = take_main(math.min(most, waiting) - newest, newest)
local holders, numbers = {{}}, {{}}
for i = 1, #ids do
  holders[2 * i - 1], holders[2 * i] = ids[i], worker
  numbers[2 * i - 1], numbers[2 * i] = ids[i], number
end
set_all(known, holders)
set_all(inflight, numbers)
redis.call('SADD', workers, worker)
local names, groups = by_lane(ids)
local counts = counts_of(names)
for i = 1, #names do
  local lane = names[i]
  local left = counts[lane] - #groups[lane]
  if counts[lane] >= WINDOW and left < WINDOW then
    local more = take_behind(lane, WINDOW - left)
    drop_all('RPUSH', main, more)
    left = left + #more
  end
  counts[lane] = left
end
keep_counts(names, counts)
if redis.call('LLEN', main) > 0 then ring() else redis.call('DEL', bell) end
return table.concat(ids, '\\n')
""")

RECLAIM = Script(_COMMON + """
local numbers, found, all = {}, {}, redis.call('HGETALL', KEYS[7])
for i = 1, #ARGV do numbers[ARGV[i]] = true end
for i = 1, #all, 2 do
  if numbers[all[i + 1]] then found[#found + 1] = all[i] end
end
return table.concat(found, '\\n')
""")

ACKNOWLEDGE = Script(_COMMON + """
local ids, mine = split(ARGV[2]), {}
each_known(ids, function(id, holder)
  if holder == ARGV[1] then mine[#mine + 1] = id end
end)
drop_all('HDEL', known, mine)
drop_all('HDEL', KEYS[7], ids)
return #mine
""")

DEFER = Script(_COMMON + """
local ids, moments, scored, held = split(ARGV[1]), split(ARGV[2]), {}, {}
local at = 0
each_known(ids, function(id, holder)
  at = at + 1
  if holder and holder ~= '' then
    redis.call('HDEL', main .. ':inflight:' .. holder, id)
    held[#held + 1] = id
  end
  if holder ~= '' then
    scored[#scored + 1] = moments[at]
    scored[#scored + 1] = id
  end
end)
drop_all('HDEL', known, held)
drop_all('ZADD', delayed, scored)
return #held
""")

PROMOTE = Script(_COMMON + f"""
local due = redis.call('ZRANGEBYSCORE', delayed, '-inf', ARGV[1], 'LIMIT', 0, {PROMOTED_AT_ONCE})
drop_all('ZREM', delayed, due)
return tostring(#due) .. ' ' .. tostring(#add(due))
""")

RECOVER = Script(_COMMON + f"""
local now = redis.call('TIME')
local stale = (tonumber(now[1]) - {STALE_CLAIM_S}) * 1000000
local back = {{}}
local function take_back(worker, is_dead)
  local inflight = main .. ':inflight:' .. worker
  local all, taken = redis.call('HGETALL', inflight), {{}}
  for i = 1, #all, 2 do
    if is_dead or (tonumber(all[i + 1]) or 0) < stale then taken[#taken + 1] = all[i] end
  end
  each_known(taken, function(id, holder)
    if holder == worker then back[#back + 1] = id end
  end)
  drop_all('HDEL', inflight, taken)
  if is_dead then redis.call('SREM', workers, worker) end
end
for _, worker in ipairs(redis.call('SMEMBERS', workers)) do
  take_back(worker, redis.call('EXISTS', ARGV[1] .. worker) == 0)
end
if #back > 0 then
  local marks, names, groups = {{}}, by_lane(back)
  local counts = counts_of(names)
  for i = 1, #back do marks[2 * i - 1], marks[2 * i] = back[i], '' end
  for i = 1, #names do counts[names[i]] = counts[names[i]] + #groups[names[i]] end
  set_all(known, marks)
  keep_counts(names, counts)
  drop_all('LPUSH', main, back)
  ring()
end
return #back
""")

DEPTH = Script(_COMMON + """
local held = 0
for _, worker in ipairs(redis.call('SMEMBERS', workers)) do held = held + redis.call('HLEN', main .. ':inflight:' .. worker) end
return (redis.call('HLEN', known) - held) .. ' ' .. redis.call('ZCARD', delayed) .. ' ' .. held
""")

REPAIR = Script(_COMMON + """
local in_main, in_lanes, held = redis.call('LLEN', main), 0, 0
local counted, all = 0, redis.call('HGETALL', lanes)
for i = 1, #all, 2 do
  counted = counted + tonumber(all[i + 1])
  in_lanes = in_lanes + redis.call('ZCARD', main .. ':behind:' .. all[i])
end
local holders = redis.call('SMEMBERS', workers)
for i = 1, #holders do held = held + redis.call('HLEN', main .. ':inflight:' .. holders[i]) end
if counted == in_main and redis.call('HLEN', known) == in_main + in_lanes + held then return 0 end
local waiting = redis.call('LRANGE', main, 0, -1)
for i = 1, #all, 2 do
  local from = main .. ':behind:' .. all[i]
  for _, id in ipairs(redis.call('ZRANGE', from, 0, -1)) do waiting[#waiting + 1] = id end
  redis.call('DEL', from, main .. ':lane:' .. all[i])  -- the second: a list of 0.1.0
end
redis.call('DEL', main, known, lanes)
for i = 1, #holders do
  local marks = {}
  for _, id in ipairs(redis.call('HKEYS', main .. ':inflight:' .. holders[i])) do
    marks[#marks + 1] = id
    marks[#marks + 1] = holders[i]
  end
  set_all(known, marks)
end
add(waiting)
return 1
""")

GENERATION = Script("""
redis.call('SET', KEYS[1], ARGV[1], 'NX')
return redis.call('GET', KEYS[1]) .. '.' .. (string.match(redis.call('INFO', 'server'), 'run_id:(%x+)') or '')
""")
