-- submit(job, terms, fields): write the record, a JSON object of fields; it waits at the first of its stages.
-- Of the terms, `key` and `fingerprint` make a repeated request the same job, `retry_of` names the dead job it stands
-- in for, `rerun_of` the job of which it is another version. Answers what came of it (accepted, same, other, gone; ended:
-- the lesson has, whose turn it would be; assignment: there is none such; server, tenant or session has too many; the
-- client's key has used up its rate or its minutes), the record, the seconds until it may be tried again, and the bells.
local job, terms, fields = ARGV[1], cjson.decode(ARGV[2]), cjson.decode(ARGV[3])
-- mutant: repeated submission
if redis.call('HEXISTS', key(job), 'stages') == 1 then  -- said again: its answer was lost
  if get(job, 'phase') == 'ready' then ring(job) end
  return { 'accepted', redis.call('HGETALL', key(job)), '0', bells }
end

local repeated = terms.key and P .. 'repeated:' .. fields.tenant .. '/' .. terms.key
local first = repeated and redis.call('HGET', repeated, 'job')  -- mutant: idempotency key
if first and redis.call('EXISTS', key(first)) == 1 then
  -- mutant: request fingerprint
  local what = redis.call('HGET', repeated, 'fingerprint') == terms.fingerprint and 'same' or 'other'
  return { what, redis.call('HGETALL', key(first)), '0', bells }
end
if terms.retry_of then
  local again = get(terms.retry_of, 'retried_as')
  if again then return { 'same', redis.call('HGETALL', key(again)), '0', bells } end
  if not get(terms.retry_of, 'dead') then return { 'gone', {}, '0', bells } end
end

-- mutant: ended lesson takes no turns
if fields.lesson and not alive(fields.lesson) then return { 'ended', {}, '0', bells } end
local assignment = fields.assignment
local handed = assignment and redis.call('HGET', P .. 'handed-in:' .. assignment, fields.student)
if assignment then
  if redis.call('EXISTS', P .. 'assignment:' .. assignment) == 0 then return { 'assignment', {}, '0', bells } end
  local known = handed and not terms.rerun_of and not terms.retry_of and redis.call('HEXISTS', key(handed), 'stages') == 1
  if known and get(handed, 'sha256') == fields.sha256 and not get(handed, 'error') then  -- mutant: same recording once
    return { 'same', redis.call('HGETALL', key(handed)), '0', bells }
  end
end

local session_name = fields.tenant .. '/' .. fields.session  -- mutant: limits before writes
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
  -- mutant: queue limits
  if not fields.lesson and redis.call('ZCARD', line) >= terms['most_' .. who] then return { who, {}, free_in(line), bells } end
end

local rate, paid  -- the time until which the key's rate is used up by what was accepted (a token bucket, as GCRA)
if fields.key and not terms.retry_of and not terms.rerun_of and not fields.lesson then
  local limits = redis.call('HMGET', P .. 'key:' .. fields.key, 'per_minute', 'minutes_a_day')
  local per_minute, minutes = tonumber(limits[1]) or 0, tonumber(limits[2]) or 0
  local heard = string.find(fields.stages, 'asr', 1, true) or string.find(fields.stages, 'segment', 1, true)
  if minutes > 0 and heard and tonumber(redis.call('GET', heard_today(fields.key)) or 0) >= 60000 * minutes then
    return { 'minutes', {}, stamp(86400 - NOW % 86400), bells }
  end
  if per_minute > 0 and not assignment then  -- a class's homework comes at once
    rate = P .. 'rate:' .. fields.key
    paid = math.max(tonumber(redis.call('GET', rate) or 0), NOW) + 60 / per_minute
    if paid - NOW > 60.001 then return { 'rate', {}, stamp(paid - NOW - 60), bells } end  -- mutant: rate limit of a key
  end
end

-- In the lane, where: as it comes; homework by the minute in which it is due, where what was due before now counts as due
-- now, so that it waits for nobody for ever. Within that, classes take turns (start-time fair queueing).
local function place_of(order, lasting)
  if terms.lane == 'interactive' then return order end  -- mutant: lanes
  local due = terms.lane == 'homework' and math.max(terms.due or NOW + terms.deadline_s, NOW) or 0
  local rounds, begin = rounds_at(FROM[terms.lane] + math.floor(due / 60) * MINUTE)  -- mutant: due first done first
  -- mutant: classes take turns
  local class, now = 'of:' .. fields.tenant .. '/' .. terms.group, tonumber(redis.call('HGET', rounds, 'now') or 0)
  local mine = 1 + math.max(tonumber(redis.call('HGET', rounds, class) or 0), now)
  redis.call('HSET', rounds, class, string.format('%.0f', mine))
  outlast({ rounds }, lasting)
  return begin + mine
end

for field, value in pairs(fields) do redis.call('HSET', key(job), field, value) end
if rate then redis.call('SET', rate, string.format('%.6f', paid), 'EX', 61) end
local session = session_key(job, 'session')
local seq = redis.call('HINCRBY', session, 'seq', 1)
local order = redis.call('INCR', P .. 'accepted')
local lasting = math.ceil(terms.retention_s + terms.deadline_s)
redis.call('HSET', key(job), 'seq', seq, 'place', string.format('%.0f', place_of(order, lasting)),
  'created_at', stamp(NOW), 'deadline_at', stamp(NOW + terms.deadline_s), 'retention', terms.retention_s,
  'stage', string.match(fields.stages, '^[^,]+'))
local turns = session_key(job, 'turns')
redis.call('ZADD', turns, seq, job)
trim(turns)
if string.find(fields.stages, 'llm', 1, true) then redis.call('ZADD', session_key(job, 'open'), seq, job) end
local all = P .. 'jobs:' .. fields.tenant
if not fields.lesson then  -- a lesson's turns are listed with it, count as it does, and end with it
  redis.call('ZADD', P .. 'deadlines', NOW + terms.deadline_s, job)
  redis.call('ZADD', P .. 'unfinished:' .. fields.tenant, order, job)
  redis.call('ZADD', all, order, job)
end
trim(all)
outlast({ P .. 'unfinished:' .. fields.tenant, all }, lasting)
for _, what in ipairs({ 'session', 'turns', 'open' }) do outlast({ session_key(job, what) }, lasting) end
if fields.lesson then
  local children, parts = P .. 'children:' .. fields.lesson, P .. 'parts:' .. fields.lesson
  redis.call('ZADD', children, terms.number, job)
  redis.call('SADD', parts, job)
  outlast({ children, parts }, lasting)
end
if assignment then
  local work, open, in_hand = P .. 'work:' .. assignment, P .. 'open-work:' .. assignment, P .. 'handed-in:' .. assignment
  redis.call('ZADD', work, order, job)
  redis.call('SADD', open, job)
  local instead = terms.retry_of or terms.rerun_of
  -- mutant: newer recording stays
  if not instead or handed == instead then  -- else a newer recording was handed in since
    redis.call('HSET', in_hand, fields.student, job)
    if handed then cancel(handed, terms.replaced, job) end  -- mutant: recording replaces earlier
  end
  outlast({ P .. 'assignment:' .. assignment, P .. 'assignments:' .. fields.tenant, work, open, in_hand }, lasting)
end
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
if terms.rerun_of then
  redis.call('HSET', key(job), 'rerun_of', terms.rerun_of)
  redis.call('HSET', key(terms.rerun_of), 'rerun_as', job)
  touch(terms.rerun_of)
end
ready(job)
touch(job)
return { 'accepted', redis.call('HGETALL', key(job)), '0', bells }
