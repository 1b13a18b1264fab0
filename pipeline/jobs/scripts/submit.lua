-- Write the record of a new job, a hash of `fields`; it waits at the first of its stages.
-- idempotency_key and `fingerprint` identify a repeated request, `retry_of` names the dead job that this one replaces,
-- `rerun_of` the job of which it is another version. `lane`, `group` and `due` decide where it stands in its queues;
-- is_counted: it uses up what its key may submit. `limits` are the most unfinished jobs of the server, the tenant and the
-- session, max_tries how often one better sentence may be said again. Returns the outcome (`accepted`;
-- `same`: it was submitted before; or the code of the error that refuses it, quota_full:WHOSE with whose quota it is),
-- the record, the seconds until it may be tried again, and the ready jobs.
local job, fields = args.job, args.fields
-- mutant: repeated submission
if has_record(job) then  -- called again: its answer was lost
  if get(job, 'phase') == 'ready' then add_ready_job(job) end
  return { 'accepted', redis.call('HGETALL', job_key(job)), '0', ready_jobs }
end

local idempotency = args.idempotency_key and KEY.idempotency .. fields.tenant .. '/' .. args.idempotency_key
local first = idempotency and redis.call('HGET', idempotency, 'job')  -- mutant: idempotency key
if first and redis.call('EXISTS', job_key(first)) == 1 then
  -- mutant: request fingerprint
  local outcome = redis.call('HGET', idempotency, 'fingerprint') == args.fingerprint and 'same' or 'idempotency_key_reused'
  return { outcome, redis.call('HGETALL', job_key(first)), '0', ready_jobs }
end
if args.retry_of then
  local retry = get(args.retry_of, 'retried_as')
  if retry then return { 'same', redis.call('HGETALL', job_key(retry)), '0', ready_jobs } end
  if not get(args.retry_of, 'dead') then return { 'not_dead', {}, '0', ready_jobs } end
end

-- mutant: rerun of an expired job
if args.rerun_of and not has_record(args.rerun_of) then return { 'unknown_job', {}, '0', ready_jobs } end
local practised = fields.practised
if practised and not has_record(practised) then return { 'unknown_job', {}, '0', ready_jobs } end
if practised and not args.rerun_of and not args.retry_of then
  local count = 0
  for _, try in ipairs(redis.call('ZRANGE', KEY.tries .. practised, 0, -1)) do
    if has_record(try) and not get(try, 'error') then count = count + 1 end  -- what was not heard does not count
  end
  if count >= args.max_tries then return { 'enough_tries', {}, '0', ready_jobs } end  -- mutant: limit of tries
end
-- mutant: ended lesson takes no turns
if fields.lesson and not alive(fields.lesson) then return { 'canceled', {}, '0', ready_jobs } end
local assignment = fields.assignment
local earlier = assignment and redis.call('HGET', KEY.handed_in .. assignment, fields.student)
if assignment then
  if redis.call('EXISTS', KEY.assignment .. assignment) == 0 then return { 'unknown_assignment', {}, '0', ready_jobs } end
  local is_submission = not args.rerun_of and not args.retry_of
  local exists = earlier and has_record(earlier)
  -- mutant: same recording once
  if is_submission and exists and get(earlier, 'sha256') == fields.sha256 and not get(earlier, 'error') then
    return { 'same', redis.call('HGETALL', job_key(earlier)), '0', ready_jobs }
  end
end

local session_name = fields.tenant .. '/' .. fields.session  -- mutant: limits before writes
local function seconds_until_free(jobs)  -- until the first of `jobs` will have ended, at the pace of the latest ends
  local pace = redis.call('HGET', KEY.pace, 'every') or args.default_pace_s
  local ahead = redis.call('ZRANK', KEY.deadlines, redis.call('ZRANGE', jobs, 0, 0)[1] or '') or 0
  return format_seconds(math.max(1, pace * (ahead + 1)))
end
for _, quota in ipairs({
  { 'server', KEY.deadlines },
  { 'tenant', KEY.unfinished .. fields.tenant },
  { 'session', KEY.open_turns .. session_name },
}) do
  local whose, jobs = unpack(quota)
  -- mutant: queue limits
  if not fields.lesson and redis.call('ZCARD', jobs) >= args.limits[whose] then
    local outcome = whose == 'server' and 'server_full' or 'quota_full:' .. whose
    return { outcome, {}, seconds_until_free(jobs), ready_jobs }
  end
end

local rate, used_until  -- the time until which the key's rate is used up by accepted jobs (a token bucket, as GCRA)
if fields.key and args.is_counted and not fields.lesson then
  local limits = redis.call('HMGET', KEY.api_key .. fields.key, 'per_minute', 'minutes_a_day')
  local per_minute, minutes = tonumber(limits[1]) or 0, tonumber(limits[2]) or 0
  local has_audio = string.find(fields.stages, 'asr', 1, true) or string.find(fields.stages, 'segment', 1, true)
  if minutes > 0 and has_audio and tonumber(redis.call('GET', audio_today_key(fields.key)) or 0) >= 60000 * minutes then
    return { 'minutes_used', {}, format_seconds(86400 - NOW % 86400), ready_jobs }
  end
  if per_minute > 0 and not assignment then  -- a class submits its homework all at once
    rate = KEY.rate .. fields.key
    local used_before = tonumber(redis.call('GET', rate) or 0)
    -- mutant: rate after a clock was set back
    if used_before > NOW + 61 then used_before = NOW end
    used_until = math.max(used_before, NOW) + 60 / per_minute
    if used_until - NOW > 60.001 then  -- mutant: rate limit of a key
      return { 'rate_limited', {}, format_seconds(used_until - NOW - 60), ready_jobs }
    end
  end
end

-- The job's score before its rounds (score_at adds them). What is overdue counts as due now, so that it cannot be passed
-- over for ever.
local function score_of(order)
  local due = args.lane == 'homework' and math.max(args.due or NOW + args.deadline_s, NOW) or 0
  local start = LANE_START[args.lane]  -- mutant: lanes
  if start == 0 then return order % ORDERS / ORDERS end
  return start + math.floor(due / 60) * SCORES_PER_MINUTE  -- mutant: due first done first
end

for field, value in pairs(fields) do redis.call('HSET', job_key(job), field, value) end
if rate then redis.call('SET', rate, string.format('%.6f', used_until), 'EX', 61) end
local session = session_key(job, KEY.session)
local seq = redis.call('HINCRBY', session, 'seq', 1)
redis.call('HINCRBY', session, 'unfinished', 1)
local order = redis.call('INCR', KEY.accepted)
-- mutant: classes take turns
redis.call('HSET', job_key(job), 'fair_class', fair_queue_member(fields.tenant, args.group))
redis.call('HSET', job_key(job), 'seq', seq, 'score', string.format('%.6f', score_of(order)),
  'created_at', format_seconds(NOW), 'deadline_at', format_seconds(NOW + args.deadline_s), 'retention', args.retention_s,
  'stage', string.match(fields.stages, '^[^,]+'), 'format', RECORD_FORMAT)
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
if fields.lesson then
  local turns, unfinished = KEY.lesson_turns .. fields.lesson, KEY.unfinished_turns .. fields.lesson
  redis.call('ZADD', turns, args.number, job)
  redis.call('SADD', unfinished, job)
end
if practised then
  redis.call('ZADD', KEY.tries .. practised, order, job)
  trim(KEY.tries .. practised)
end
if assignment then
  local submissions, open = KEY.submissions .. assignment, KEY.open_submissions .. assignment
  local handed_in = KEY.handed_in .. assignment
  redis.call('ZADD', submissions, order, job)
  redis.call('SADD', open, job)
  local replaced = args.retry_of or args.rerun_of
  -- mutant: newer recording stays
  if not replaced or earlier == replaced then  -- else a newer recording was submitted since
    redis.call('HSET', handed_in, fields.student, job)
    if earlier then guarded(earlier, cancel, args.replaced_detail, job) end  -- mutant: recording replaces earlier
  end
  keep_assignment(assignment, 0)
end
keep(job)
if idempotency then
  redis.call('HSET', idempotency, 'job', job, 'fingerprint', args.fingerprint)
  redis.call('EXPIRE', idempotency, args.idempotency_s)
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
local version_of = args.retry_of or args.rerun_of
if version_of then redis.call('HSET', job_key(job), 'first_version', get(version_of, 'first_version') or version_of) end
ready(job)
publish_change(job)
return { 'accepted', redis.call('HGETALL', job_key(job)), '0', ready_jobs }
