-- submit(job, terms, fields): write the record, a JSON object of fields; it waits at the first stage of its road.
-- Of the terms, `key` and `fingerprint` make a repeated request the same job, `retry_of` names the dead job it stands
-- in for. Answers what came of it (accepted, same, other, gone; server, tenant or session has too many; the client's key
-- has used up its rate or its minutes), the record, the seconds until it may be tried again, and the bells.
local job, terms, fields = ARGV[1], cjson.decode(ARGV[2]), cjson.decode(ARGV[3])
if redis.call('HEXISTS', key(job), 'road') == 1 then  -- said again: its answer was lost
  if get(job, 'phase') == 'ready' then ring(job) end
  return { 'accepted', redis.call('HGETALL', key(job)), '0', bells }
end

local repeated = terms.key and P .. 'repeated:' .. fields.tenant .. '/' .. terms.key
local first = repeated and redis.call('HGET', repeated, 'job')
if first and redis.call('EXISTS', key(first)) == 1 then
  local what = redis.call('HGET', repeated, 'fingerprint') == terms.fingerprint and 'same' or 'other'
  return { what, redis.call('HGETALL', key(first)), '0', bells }
end
if terms.retry_of then
  local again = get(terms.retry_of, 'retried_as')
  if again then return { 'same', redis.call('HGETALL', key(again)), '0', bells } end
  if not get(terms.retry_of, 'dead') then return { 'gone', {}, '0', bells } end
end

local session_name = fields.tenant .. '/' .. fields.session
local function free_in(line)  -- seconds until the first of `line` will have ended, at the pace of the latest ends
  local pace = redis.call('HGET', P .. 'pace', 'every') or terms.pace
  local ahead = redis.call('ZRANK', P .. 'deadlines', redis.call('ZRANGE', line, 0, 0)[1] or '') or 0
  return stamp(math.max(1, pace * (ahead + 1)))
end
for _, bound in ipairs({
  { 'server', P .. 'deadlines' },
  { 'tenant', P .. 'unfinished:' .. fields.tenant },
  { 'session', P .. 'open:' .. session_name },
}) do
  local who, line = unpack(bound)
  if redis.call('ZCARD', line) >= terms['most_' .. who] then return { who, {}, free_in(line), bells } end
end

local rate, paid  -- the time until which the key's rate is used up by what was accepted (a token bucket, as GCRA)
if fields.key and not terms.retry_of then
  local limits = redis.call('HMGET', P .. 'key:' .. fields.key, 'per_minute', 'minutes_a_day')
  local per_minute, minutes = tonumber(limits[1]) or 0, tonumber(limits[2]) or 0
  if minutes > 0 and string.find(fields.road, 'asr', 1, true)
    and tonumber(redis.call('GET', heard_today(fields.key)) or 0) >= 60000 * minutes then
    return { 'minutes', {}, stamp(86400 - NOW % 86400), bells }
  end
  if per_minute > 0 then
    rate = P .. 'rate:' .. fields.key
    paid = math.max(tonumber(redis.call('GET', rate) or 0), NOW) + 60 / per_minute
    if paid - NOW > 60.001 then return { 'rate', {}, stamp(paid - NOW - 60), bells } end
  end
end

local behind = fields.behind
fields.behind = nil
for field, value in pairs(fields) do redis.call('HSET', key(job), field, value) end
if rate then redis.call('SET', rate, string.format('%.6f', paid), 'EX', 61) end
local session = session_key(job, 'session')
local seq = redis.call('HINCRBY', session, 'seq', 1)
local order = redis.call('INCR', P .. 'accepted')
redis.call('HSET', key(job), 'seq', seq, 'place', string.format('%.0f', order + behind), 'created_at', stamp(NOW),
  'deadline_at', stamp(NOW + terms.deadline_s), 'retention', terms.retention_s,
  'stage', string.match(fields.road, '^[^,]+'))
local turns = session_key(job, 'turns')
redis.call('ZADD', turns, seq, job)
trim(turns)
if string.find(fields.road, 'llm', 1, true) then redis.call('ZADD', session_key(job, 'open'), seq, job) end
redis.call('ZADD', P .. 'deadlines', NOW + terms.deadline_s, job)
redis.call('ZADD', P .. 'unfinished:' .. fields.tenant, order, job)
local lasting = math.ceil(terms.retention_s + terms.deadline_s)
local all = P .. 'jobs:' .. fields.tenant
redis.call('ZADD', all, order, job)
trim(all)
redis.call('EXPIRE', P .. 'unfinished:' .. fields.tenant, lasting)
redis.call('EXPIRE', all, lasting)
for _, what in ipairs({ 'session', 'turns', 'open' }) do redis.call('EXPIRE', session_key(job, what), lasting) end
if repeated then
  redis.call('HSET', repeated, 'job', job, 'fingerprint', terms.fingerprint)
  redis.call('EXPIRE', repeated, terms.repeat_s)
end
if terms.retry_of then
  redis.call('HSET', key(job), 'retry_of', terms.retry_of)
  redis.call('HSET', key(terms.retry_of), 'retried_as', job)
  redis.call('HDEL', key(terms.retry_of), 'dead')
  redis.call('ZREM', P .. 'dead:' .. fields.tenant, terms.retry_of)
  touch(terms.retry_of)
end
ready(job)
touch(job)
return { 'accepted', redis.call('HGETALL', key(job)), '0', bells }
