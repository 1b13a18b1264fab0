-- Write the record of a new job, a hash of `fields`; it waits at the first of its stages.
-- idempotency_key and `fingerprint` identify a repeated request, `retry_of` names the dead job that this one replaces,
-- `rerun_of` the job of which it is another version. `lane`, `group` and `due` decide where it stands in its queues;
-- `limits` are the most unfinished jobs of the server, the tenant and the session. Answers the outcome (`accepted`;
-- `same`: it was submitted before; or the code of the error that refuses it, quota_full:WHOSE with whose quota it is),
-- the record, the seconds until it may be tried again, and the ready jobs.
local job, fields = args.job, args.fields
-- mutant: repeated submission
if redis.call('HEXISTS', job_key(job), 'stages') == 1 then  -- called again: its answer was lost
  if get(job, 'phase') == 'ready' then add_ready_job(job) end
  return { 'accepted', redis.call('HGETALL', job_key(job)), '0', ready_jobs }
end

local repeated = args.idempotency_key and KEY.idempotency .. fields.tenant .. '/' .. args.idempotency_key
local first = repeated and redis.call('HGET', repeated, 'job')  -- mutant: idempotency key
if first and redis.call('EXISTS', job_key(first)) == 1 then
  -- mutant: request fingerprint
  local what = redis.call('HGET', repeated, 'fingerprint') == args.fingerprint and 'same' or 'idempotency_key_reused'
  return { what, redis.call('HGETALL', job_key(first)), '0', ready_jobs }
end
if args.retry_of then
  local again = get(args.retry_of, 'retried_as')
  if again then return { 'same', redis.call('HGETALL', job_key(again)), '0', ready_jobs } end
  if not get(args.retry_of, 'dead') then return { 'not_dead', {}, '0', ready_jobs } end
end

-- mutant: ended lesson takes no turns
if fields.lesson and not alive(fields.lesson) then return { 'canceled', {}, '0', ready_jobs } end
local assignment = fields.assignment
local handed = assignment and redis.call('HGET', KEY.handed_in .. assignment, fields.student)
if assignment then
  if redis.call('EXISTS', KEY.assignment .. assignment) == 0 then return { 'unknown_assignment', {}, '0', ready_jobs } end
  local known = handed and not args.rerun_of and not args.retry_of and redis.call('HEXISTS', job_key(handed), 'stages') == 1
  if known and get(handed, 'sha256') == fields.sha256 and not get(handed, 'error') then  -- mutant: same recording once
    return { 'same', redis.call('HGETALL', job_key(handed)), '0', ready_jobs }
  end
end

local session_name = fields.tenant .. '/' .. fields.session  -- mutant: limits before writes
local function free_in(line)  -- seconds until the first of `line` will have ended, at the pace of the latest ends
  local pace = redis.call('HGET', KEY.pace, 'every') or args.default_pace_s
  local ahead = redis.call('ZRANK', KEY.deadlines, redis.call('ZRANGE', line, 0, 0)[1] or '') or 0
  return format_seconds(math.max(1, pace * (ahead + 1)))
end
for _, bound in ipairs({
  { 'server', KEY.deadlines },
  { 'tenant', KEY.unfinished .. fields.tenant },
  { 'session', KEY.open_turns .. session_name },
}) do
  local who, line = unpack(bound)
  -- mutant: queue limits
  if not fields.lesson and redis.call('ZCARD', line) >= args.limits[who] then return { who == 'server' and 'server_full' or 'quota_full:' .. who, {}, free_in(line), ready_jobs } end
end

local rate, paid  -- the time until which the key's rate is used up by what was accepted (a token bucket, as GCRA)
if fields.key and not args.retry_of and not args.rerun_of and not fields.lesson then
  local limits = redis.call('HMGET', KEY.api_key .. fields.key, 'per_minute', 'minutes_a_day')
  local per_minute, minutes = tonumber(limits[1]) or 0, tonumber(limits[2]) or 0
  local heard = string.find(fields.stages, 'asr', 1, true) or string.find(fields.stages, 'segment', 1, true)
  if minutes > 0 and heard and tonumber(redis.call('GET', audio_today_key(fields.key)) or 0) >= 60000 * minutes then
    return { 'minutes_used', {}, format_seconds(86400 - NOW % 86400), ready_jobs }
  end
  if per_minute > 0 and not assignment then  -- a class's homework comes at once
    rate = KEY.rate .. fields.key
    paid = math.max(tonumber(redis.call('GET', rate) or 0), NOW) + 60 / per_minute
    if paid - NOW > 60.001 then return { 'rate_limited', {}, format_seconds(paid - NOW - 60), ready_jobs } end  -- mutant: rate limit of a key
  end
end

-- In the lane, where: as it comes; homework by the minute in which it is due, where what was due before now counts as due
-- now, so that it waits for nobody for ever. Within that, classes take turns (start-time fair queueing).
local function score_of(order, ttl_s)
  if args.lane == 'interactive' then return order end  -- mutant: lanes
  local due = args.lane == 'homework' and math.max(args.due or NOW + args.deadline_s, NOW) or 0
  local rounds, begin = fair_queue_at(LANE_START[args.lane] + math.floor(due / 60) * SCORES_PER_MINUTE)  -- mutant: due first done first
  -- mutant: classes take turns
  local class, now = 'of:' .. fields.tenant .. '/' .. args.group, tonumber(redis.call('HGET', rounds, 'now') or 0)
  local mine = 1 + math.max(tonumber(redis.call('HGET', rounds, class) or 0), now)
  redis.call('HSET', rounds, class, string.format('%.0f', mine))
  extend_ttl({ rounds }, ttl_s)
  return begin + mine
end

for field, value in pairs(fields) do redis.call('HSET', job_key(job), field, value) end
if rate then redis.call('SET', rate, string.format('%.6f', paid), 'EX', 61) end
local session = session_key(job, KEY.session)
local seq = redis.call('HINCRBY', session, 'seq', 1)
local order = redis.call('INCR', KEY.accepted)
local ttl_s = math.ceil(args.retention_s + args.deadline_s)
redis.call('HSET', job_key(job), 'seq', seq, 'score', string.format('%.0f', score_of(order, ttl_s)),
  'created_at', format_seconds(NOW), 'deadline_at', format_seconds(NOW + args.deadline_s), 'retention', args.retention_s,
  'stage', string.match(fields.stages, '^[^,]+'))
local turns = session_key(job, KEY.turns)
redis.call('ZADD', turns, seq, job)
trim(turns)
if string.find(fields.stages, 'llm', 1, true) then redis.call('ZADD', session_key(job, KEY.open_turns), seq, job) end
local all = KEY.jobs .. fields.tenant
if not fields.lesson then  -- a lesson's turns are listed with it, count as it does, and end with it
  redis.call('ZADD', KEY.deadlines, NOW + args.deadline_s, job)
  redis.call('ZADD', KEY.unfinished .. fields.tenant, order, job)
  redis.call('ZADD', all, order, job)
end
trim(all)
extend_ttl({ KEY.unfinished .. fields.tenant, all }, ttl_s)
for _, prefix in ipairs({ KEY.session, KEY.turns, KEY.open_turns }) do extend_ttl({ session_key(job, prefix) }, ttl_s) end
if fields.lesson then
  local children, parts = KEY.lesson_turns .. fields.lesson, KEY.unfinished_turns .. fields.lesson
  redis.call('ZADD', children, args.number, job)
  redis.call('SADD', parts, job)
  extend_ttl({ children, parts }, ttl_s)
end
if assignment then
  local work, open, in_hand = KEY.submissions .. assignment, KEY.open_submissions .. assignment, KEY.handed_in .. assignment
  redis.call('ZADD', work, order, job)
  redis.call('SADD', open, job)
  local instead = args.retry_of or args.rerun_of
  -- mutant: newer recording stays
  if not instead or handed == instead then  -- else a newer recording was handed in since
    redis.call('HSET', in_hand, fields.student, job)
    if handed then cancel(handed, args.replaced_detail, job) end  -- mutant: recording replaces earlier
  end
  extend_ttl({ KEY.assignment .. assignment, KEY.assignments .. fields.tenant, work, open, in_hand }, ttl_s)
end
if repeated then
  redis.call('HSET', repeated, 'job', job, 'fingerprint', args.fingerprint)
  redis.call('EXPIRE', repeated, args.idempotency_s)
end
if args.retry_of then
  redis.call('HSET', job_key(job), 'retry_of', args.retry_of)
  redis.call('HSET', job_key(args.retry_of), 'retried_as', job)
  redis.call('HDEL', job_key(args.retry_of), 'dead')
  redis.call('ZREM', KEY.dead .. fields.tenant, args.retry_of)
  publish_change(args.retry_of)
end
if args.rerun_of then
  redis.call('HSET', job_key(job), 'rerun_of', args.rerun_of)
  redis.call('HSET', job_key(args.rerun_of), 'rerun_as', job)
  publish_change(args.rerun_of)
end
ready(job)
publish_change(job)
return { 'accepted', redis.call('HGETALL', job_key(job)), '0', ready_jobs }
