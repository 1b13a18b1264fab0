-- How jobs end: their speed, webhooks, lessons and assignments; failures, cancellation, erasure.
-- Part of what is prepended to every script: see records.lua.

-- How long it takes from one job's end to the next's, the latest ends counting most, for Retry-After. Time in which
-- there was nothing to do does not count, nor do jobs that ended together.
local function record_pace(job)
  local last, every = unpack(redis.call('HMGET', KEY.pace, 'last', 'every'))
  local gap = NOW - math.max(last or 0, number(job, 'created_at', NOW))
  gap = math.max(0, math.min(gap, MAX_GAP_S))
  if gap > 0 then every = every and 0.9 * every + 0.1 * gap or gap end
  redis.call('HSET', KEY.pace, 'last', NOW, 'every', every or gap)
  redis.call('EXPIRE', KEY.pace, 86400)
end

-- A mean of the latest ten or so.
local function record_mean(name, value)
  local mean = redis.call('HGET', KEY.pace, name)
  redis.call('HSET', KEY.pace, name, mean and 0.8 * mean + 0.2 * value or value)
  redis.call('EXPIRE', KEY.pace, 86400)
end

-- Count a value in a histogram of /metrics: in the bucket of the first bound that is not below it. api/admin/histograms.py
-- has the same bounds.
local BOUNDS_S = { '0.1', '0.25', '0.5', '1', '2.5', '5', '10', '30', '60', '120', '300', '900' }
local function count_in_histogram(name, seconds)
  local bucket = 'inf'
  for _, bound in ipairs(BOUNDS_S) do
    if seconds <= tonumber(bound) then bucket = bound break end
  end
  redis.call('HINCRBY', KEY.histograms, name .. ':' .. bucket, 1)
  redis.call('HINCRBY', KEY.histograms, name .. ':sum_ms', math.floor(seconds * 1000 + 0.5))
end

-- How long a job runs at a stage, and how long a worker takes for each job of a batch.
local function record_speed(job, stage, limit_s)
  local ran = math.min(limit_s, math.max(0.001, NOW - number(job, 'claimed_at', NOW)))  -- which is rounded
  record_mean('ran:' .. stage, ran)
  record_mean('each:' .. stage, ran / (get(job, 'batch') or 1))
  count_in_histogram('ran:' .. stage, ran)
  count_in_histogram('waited:' .. stage, number(job, 'waited:' .. stage, 0))
end

local function record_audio_length(milliseconds)  -- of the recordings whose recognition was timed
  record_mean('heard', milliseconds / 1000)
  count_in_histogram('heard', milliseconds / 1000)
end

-- An event that the job's webhook has subscribed to becomes a delivery in the same script as the change itself, so that
-- no crash loses it. It is due at once.
local function add_delivery(job, event)
  local host, events = unpack(redis.call('HMGET', job_key(job), 'webhook_host', 'webhook_events'))
  if not events or not string.find(events, event, 1, true) then return end
  local name = job .. '/' .. event
  local ttl_s = math.ceil(number(job, 'retention', DEFAULT_RETENTION_S) + math.max(0, number(job, 'deadline_at', NOW) - NOW))
  redis.call('HSET', KEY.delivery .. name, 'host', host, 'at', format_seconds(NOW), 'tried', 0, 'state', 'waiting')
  redis.call('EXPIRE', KEY.delivery .. name, ttl_s)
  set_due(name, host, NOW)  -- mutant: event becomes delivery
  ready_jobs[#ready_jobs + 1] = 'maintenance ' .. job
end

-- The state in which the job ended, from its error: one of the last four of State in job.py.
local function end_state(error_json)
  if not error_json then return 'succeeded' end
  local is_json, decoded = pcall(cjson.decode, error_json)
  local code = is_json and type(decoded) == 'table' and decoded.code
  return (code == 'canceled' or code == 'expired') and code or 'failed'
end

local function make_error(job, code, detail, retryable)
  return cjson.encode({ code = code, stage = get(job, 'stage'), detail = detail, retryable = retryable })
end

-- Whether every student of the assignment has submitted; true for an assignment without students.
local function all_handed_in(assignment)
  local text = get_of(KEY.assignment .. assignment, 'assignment')
  if not text then return false end
  local is_json, decoded = pcall(cjson.decode, text)
  if not is_json or type(decoded) ~= 'table' or type(decoded.students) ~= 'table' then return false end
  for _, student in ipairs(decoded.students) do
    local key = student.pupil and student.pupil ~= '' and student.pupil or student.name
    if redis.call('HEXISTS', KEY.handed_in .. assignment, key) == 0 then return false end
  end
  return true
end

local function leave_assignment(job)
  local assignment = get(job, 'assignment')
  if not assignment then return end
  local open = KEY.open_submissions .. assignment
  redis.call('SREM', open, job)
  -- mutant: complete when all ended, complete when all handed in
  if redis.call('EXISTS', open) == 0 and all_handed_in(assignment) then add_delivery(job, 'assignment.completed') end
end

local finish  -- defined below, since the end of a lesson ends its turns

-- End the unfinished turns of a lesson that has ended; all turns are kept for as long as the lesson.
local function end_turns(lesson)
  for _, turn in ipairs(redis.call('ZRANGE', KEY.lesson_turns .. lesson, 0, -1)) do
    if alive(turn) then  -- mutant: lesson ends its turns
      guarded(turn, finish, make_error(turn, 'canceled', LESSON_ENDED_DETAIL, false))
    elseif has_record(turn) then
      keep(turn)
    end
  end
end

function finish(job, error_json)
  leave_indexes(job)
  redis.call('HSET', job_key(job), 'phase', 'ended', 'ended_at', format_seconds(NOW))
  if error_json then redis.call('HSET', job_key(job), 'error', error_json) end
  record_pace(job)
  unblock_next_turn(job)
  publish_change(job)
  add_delivery(job, 'job.' .. end_state(error_json))
  redis.call('HINCRBY', KEY.ended, end_state(error_json), 1)
  leave_assignment(job)
  redis.call('HINCRBY', session_key(job, KEY.session), 'unfinished', -1)
  keep(job)
  end_turns(job)
end

-- The job failed through no fault of its own; it is listed as dead, and may be retried.
local function give_up(job, error_json)
  finish(job, error_json)
  local dead = KEY.dead .. tenant_of(job)
  redis.call('HSET', job_key(job), 'dead', '1')
  if get(job, 'lesson') then return end  -- the lesson lists its failed turns
  redis.call('ZADD', dead, redis.call('ZSCORE', KEY.jobs .. tenant_of(job), job) or 0, job)
  trim(dead)
end

-- Whether `call` ended the job, now or when it was first made and only its answer was lost.
local function cancel(job, detail, call)
  if alive(job) then  -- mutant: cancel mark
    finish(job, make_error(job, 'canceled', detail, false))
    redis.call('HSET', job_key(job), 'canceled_by', call)
  end
  return get(job, 'canceled_by') == call
end

-- The attempt failed: try again while attempts are left, else give up.
local function try_again(job, attempts, why)
  unlease(job)
  if number(job, 'attempts:' .. (get(job, 'stage') or ''), 0) >= attempts then  -- mutant: attempts limit
    give_up(job, why)
  else
    ready(job)
    publish_change(job)
  end
end

-- Take the job from a worker whose child died, was killed by the hard limit, or hangs.
local function take_back(job, attempts, stage_s)
  if NOW - number(job, 'claimed_at', NOW) > stage_s then
    try_again(job, attempts, make_error(job, 'too_slow', TOO_SLOW_DETAIL, true))
  else
    try_again(job, attempts, make_error(job, 'worker_lost', WORKER_LOST_DETAIL, true))
  end
end

-- Erase everything of the job, of its turns, if it is a lesson, and of its tries; what remains is a tombstone.
local erase_job
function erase_job(job, tombstone_s)
  local turns, owner, cache_key = redis.call('ZRANGE', KEY.lesson_turns .. job, 0, -1), get(job, 'owner'), get(job, 'heard_as')
  erase_entry(job)
  leave_indexes(job)
  local tries, practised = redis.call('ZRANGE', KEY.tries .. job, 0, -1), get(job, 'practised')
  if get(job, 'lesson') then redis.call('ZREM', KEY.lesson_turns .. get(job, 'lesson'), job) end
  if practised then redis.call('ZREM', KEY.tries .. practised, job) end
  unblock_next_turn(job)  -- mutant: erasure unblocks next turn
  if alive(job) then redis.call('HINCRBY', session_key(job, KEY.session), 'unfinished', -1) end
  leave_all_indexes(job, session_of(job), get(job, 'assignment'), get(job, 'student'))
  if cache_key and redis.call('GET', KEY.transcript .. cache_key) == job then redis.call('DEL', KEY.transcript .. cache_key) end
  local host = get(job, 'webhook_host')
  redis.call('DEL', job_key(job))  -- mutant: erasure removes record
  for _, event in ipairs(host and EVENTS or {}) do
    redis.call('DEL', KEY.delivery .. job .. '/' .. event)
    remove_due(job .. '/' .. event, host)
  end
  redis.call('HSET', job_key(job), 'erased', '1')
  if owner then redis.call('HSET', job_key(job), 'owner', owner) end
  redis.call('EXPIRE', job_key(job), tombstone_s)
  redis.call('PUBLISH', KEY.changed, job)
  for _, turn in ipairs(turns) do
    -- mutant: erasure takes turns, turn without record
    if has_record(turn) then erase_job(turn, tombstone_s) end  -- else it has expired
  end
  for _, try in ipairs(tries) do
    if has_record(try) then erase_job(try, tombstone_s) end  -- mutant: erasure takes tries
  end
end

local function has_lease(job, stage, fence)
  -- mutant: fence
  return alive(job) and get(job, 'phase') == 'running' and get(job, 'stage') == stage and get(job, 'fence') == fence
end
