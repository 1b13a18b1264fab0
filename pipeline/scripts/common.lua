-- How a record moves. Prepended to every script beside it; all clocks are Redis's own, in seconds.
-- A job is named 'tenant/id'. Its phase at its current stage: held (an earlier turn is not answered yet),
-- ready (it may be claimed), running (leased to a worker), ended. Scripts answer {…, bells}: a bell is
-- 'stage job' for each job that became ready, for the caller to ring.
local P = 'waijiao:'
local LOST = 'The worker died on this job as often as a job may be tried. Try a shorter recording.'
local TOO_SLOW = 'A stage took longer than it may, as often as a job may be tried. Try a shorter recording.'
local EVENTS = { 'job.transcribed', 'job.succeeded', 'job.failed', 'job.canceled', 'job.expired' }
local bells = {}

local function now()
  local t = redis.call('TIME')
  return tonumber(t[1]) + tonumber(t[2]) / 1000000
end
local NOW = now()

-- Where the milliseconds of recordings are counted that a client's key has had heard on this day, in UTC.
local function heard_today(whose) return P .. 'heard:' .. whose .. ':' .. math.floor(NOW / 86400) end

local function key(job) return P .. 'job:' .. job end
local function get(job, field) return redis.call('HGET', key(job), field) end
local function alive(job) return redis.call('HEXISTS', key(job), 'road') == 1 and not get(job, 'ended_at') end
local function stamp(seconds) return string.format('%.3f', seconds) end

local function session_key(job, what)
  return P .. what .. ':' .. get(job, 'tenant') .. '/' .. get(job, 'session')
end

local function touch(job)
  redis.call('HINCRBY', key(job), 'version', 1)
  redis.call('HSET', key(job), 'updated_at', stamp(NOW))
  redis.call('PUBLISH', P .. 'changed', job)
end

local function ring(job) bells[#bells + 1] = get(job, 'stage') .. ' ' .. job end

-- More leave a list of jobs than come, so that none grows for ever: each that joins sees two oldest ones out.
local function trim(list)
  for _, oldest in ipairs(redis.call('ZRANGE', list, 0, 1)) do
    if redis.call('EXISTS', key(oldest)) == 0 then redis.call('ZREM', list, oldest) end
  end
end

local function ready(job)
  local stage = get(job, 'stage')
  if stage == 'llm' then
    local first = redis.call('ZRANGE', session_key(job, 'open'), 0, 0)[1]
    if first and first ~= job then
      redis.call('HSET', key(job), 'phase', 'held')
      return
    end
  end
  redis.call('HSET', key(job), 'phase', 'ready', 'ready_at', stamp(NOW))
  redis.call('ZADD', P .. 'ready:' .. stage, get(job, 'place'), job)
  ring(job)
end

local function leave_line(job)  -- the turn is answered or ended: let the next one of its session pass
  local open = session_key(job, 'open')
  redis.call('ZREM', open, job)
  local following = redis.call('ZRANGE', open, 0, 0)[1]
  if following and get(following, 'phase') == 'held' and get(following, 'stage') == 'llm' then
    ready(following)
    touch(following)
  end
end

local function unlease(job)
  local worker = get(job, 'worker')
  redis.call('ZREM', P .. 'leases', job)
  if worker then
    redis.call('SREM', P .. 'held:' .. worker, job)
    redis.call('HDEL', key(job), 'worker')
  end
end

local function unlist(job)
  unlease(job)
  redis.call('ZREM', P .. 'ready:' .. get(job, 'stage'), job)
  redis.call('ZREM', P .. 'deadlines', job)
  redis.call('ZREM', P .. 'unfinished:' .. get(job, 'tenant'), job)
end

-- How long it takes from one job's end to the next's, the latest ends counting most, for Retry-After. Time in which
-- there was nothing to do does not count, nor do jobs that ended together.
local function note_pace(job)
  local last, every = unpack(redis.call('HMGET', P .. 'pace', 'last', 'every'))
  local gap = NOW - math.max(last or 0, get(job, 'created_at'))
  if gap > 0 then every = every and 0.9 * every + 0.1 * gap or gap end
  redis.call('HSET', P .. 'pace', 'last', NOW, 'every', every or gap)
  redis.call('EXPIRE', P .. 'pace', 86400)
end

-- How long a job runs at a stage, and how long a worker takes for each job of a batch: means of the latest ten or so.
local function note_speed(job, stage)
  local ran = math.max(0.001, NOW - get(job, 'claimed_at'))  -- which is rounded
  for name, seconds in pairs({ ['ran:' .. stage] = ran, ['each:' .. stage] = ran / (get(job, 'batch') or 1) }) do
    local known = redis.call('HGET', P .. 'pace', name)
    redis.call('HSET', P .. 'pace', name, known and 0.8 * known + 0.2 * seconds or seconds)
  end
  redis.call('EXPIRE', P .. 'pace', 86400)
end

-- An event that the job's webhook asked to be told becomes a delivery together with the change that it tells of, so
-- that no crash loses it. It is due at once.
local function tell(job, event)
  local host, events = unpack(redis.call('HMGET', key(job), 'webhook_host', 'webhook_events'))
  if not events or not string.find(events, event, 1, true) then return end
  local name, due = job .. '/' .. event, P .. 'deliveries'
  local lasting = math.ceil(get(job, 'retention') + math.max(0, get(job, 'deadline_at') - NOW))
  redis.call('HSET', P .. 'delivery:' .. name, 'host', host, 'at', stamp(NOW), 'tried', 0, 'state', 'waiting')
  redis.call('EXPIRE', P .. 'delivery:' .. name, lasting)
  redis.call('ZADD', due, NOW, name)
  redis.call('EXPIRE', due, math.max(lasting, redis.call('TTL', due)))
  bells[#bells + 1] = 'chores ' .. job
end

-- The state in which the job ended, from its failure: the last four of record.py.
local function end_state(failure)
  if not failure then return 'succeeded' end
  local code = cjson.decode(failure).code
  return (code == 'canceled' or code == 'expired') and code or 'failed'
end

local function finish(job, failure)
  unlist(job)
  redis.call('HSET', key(job), 'phase', 'ended', 'ended_at', stamp(NOW))
  if failure then redis.call('HSET', key(job), 'error', failure) end
  redis.call('EXPIRE', key(job), get(job, 'retention'))
  note_pace(job)
  leave_line(job)
  touch(job)
  tell(job, 'job.' .. end_state(failure))
  redis.call('HINCRBY', P .. 'ended', end_state(failure), 1)
end

-- The job failed through no fault of its own; it is listed as dead, and may be retried.
local function give_up(job, failure)
  finish(job, failure)
  local dead = P .. 'dead:' .. get(job, 'tenant')
  redis.call('HSET', key(job), 'dead', '1')
  redis.call('ZADD', dead, redis.call('ZSCORE', P .. 'jobs:' .. get(job, 'tenant'), job) or 0, job)
  trim(dead)
  redis.call('EXPIRE', dead, get(job, 'retention'))
end

local function failure(job, code, detail, retryable)
  return cjson.encode({ code = code, stage = get(job, 'stage'), detail = detail, retryable = retryable })
end

-- Whether `call` ended the job, now or when it was first made and only its answer was lost.
local function cancel(job, detail, call)
  if alive(job) then
    finish(job, failure(job, 'canceled', detail, false))
    redis.call('HSET', key(job), 'canceled_by', call)
  end
  return get(job, 'canceled_by') == call
end

-- The attempt did not end well: try again while attempts are left, else give up.
local function try_again(job, attempts, why)
  unlease(job)
  if tonumber(get(job, 'attempts:' .. get(job, 'stage')) or '0') >= tonumber(attempts) then
    give_up(job, why)
  else
    ready(job)
    touch(job)
  end
end

-- Its worker's child died, was killed by the hard limit, or sleeps: the lease is broken.
local function take_back(job, attempts, stage_s)
  if NOW - get(job, 'claimed_at') > tonumber(stage_s) then
    try_again(job, attempts, failure(job, 'too_slow', TOO_SLOW, true))
  else
    try_again(job, attempts, failure(job, 'worker_lost', LOST, true))
  end
end

-- Every trace of the job but a tombstone, which tells its owner that it was erased.
local function forget(job, tombstone_s)
  unlist(job)
  redis.call('ZREM', session_key(job, 'turns'), job)
  redis.call('ZREM', session_key(job, 'open'), job)
  redis.call('ZREM', P .. 'dead:' .. get(job, 'tenant'), job)
  redis.call('ZREM', P .. 'jobs:' .. get(job, 'tenant'), job)
  local owner = get(job, 'owner')
  redis.call('DEL', key(job), P .. 'progress:' .. job)
  for _, event in ipairs(EVENTS) do
    redis.call('DEL', P .. 'delivery:' .. job .. '/' .. event)
    redis.call('ZREM', P .. 'deliveries', job .. '/' .. event)
  end
  redis.call('HSET', key(job), 'erased', '1')
  if owner then redis.call('HSET', key(job), 'owner', owner) end
  redis.call('EXPIRE', key(job), tombstone_s)
  redis.call('PUBLISH', P .. 'changed', job)
end

local function holds(job, stage, fence)
  return alive(job) and get(job, 'phase') == 'running' and get(job, 'stage') == stage and get(job, 'fence') == fence
end
