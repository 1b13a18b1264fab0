-- How a record moves. Prepended to every script beside it; all clocks are Redis's own, in seconds.
-- A job is named 'tenant/id'. Its phase at its current stage: held (an earlier turn is not answered yet),
-- ready (it may be claimed), running (leased to a worker), waiting (for a teacher's word, or for a lesson's turns),
-- ended. Scripts answer {…, bells}: a bell is 'stage job' for each job that became ready, for the caller to ring.
local P = 'waijiao:'
local LOST = 'The worker died on this job as often as a job may be tried. Try a shorter recording.'
local TOO_SLOW = 'A stage took longer than it may, as often as a job may be tried. Try a shorter recording.'
local LESSON_OVER = 'The lesson that this is a turn of has ended before it.'
local EVENTS = {
  'job.transcribed', 'job.succeeded', 'job.failed', 'job.canceled', 'job.expired', 'assignment.completed',
}
local WAITING = { hold = true, parts = true }  -- stages at which nobody works
-- The lanes, the fastest first, and where each begins among the places of a stage's ready jobs; forecast.py knows it too.
local LANES, FROM = { 'interactive', 'homework', 'bulk' }, { interactive = 0, homework = 1e15, bulk = 2e15 }
local MINUTE = 1e6  -- places for what is due in the same minute
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
-- mutant: ended job is final
local function alive(job) return redis.call('HEXISTS', key(job), 'stages') == 1 and not get(job, 'ended_at') end
local function stamp(seconds) return string.format('%.3f', seconds) end

local function session_key(job, what)
  return P .. what .. ':' .. get(job, 'tenant') .. '/' .. get(job, 'session')
end

local function touch(job)
  redis.call('HINCRBY', key(job), 'version', 1)
  redis.call('HSET', key(job), 'updated_at', stamp(NOW))
  redis.call('PUBLISH', P .. 'changed', job)
  local assignment = get(job, 'assignment')
  if assignment then redis.call('PUBLISH', P .. 'changed', assignment) end
end

local function ring(job) bells[#bells + 1] = get(job, 'stage') .. ' ' .. job end

-- Keep the keys for at least as many seconds as given; longer if they are to be kept longer.
local function outlast(keys, seconds)
  for _, each in ipairs(keys) do
    if redis.call('TTL', each) < tonumber(seconds) then redis.call('EXPIRE', each, math.ceil(seconds)) end
  end
end

-- More leave a list of jobs than come, so that none grows for ever: each that joins sees two oldest ones out.
local function trim(list)
  for _, oldest in ipairs(redis.call('ZRANGE', list, 0, 1)) do
    if redis.call('EXISTS', key(oldest)) == 0 then redis.call('ZREM', list, oldest) end
  end
end

local function following(job, stage)
  return string.match(',' .. get(job, 'stages') .. ',', ',' .. stage .. ',([^,]+)')
end

local function lane_of(place)
  for i = #LANES, 2, -1 do
    if place >= FROM[LANES[i]] then return LANES[i] end
  end
  return LANES[1]
end

-- The first ready job of a lane; none when nothing waits there.
local function first_of(lane, stage)
  local line = P .. 'ready:' .. stage
  local first, place = unpack(redis.call('ZRANGEBYSCORE', line, FROM[lane], '+inf', 'WITHSCORES', 'LIMIT', 0, 1))
  return first and lane_of(tonumber(place)) == lane and first or nil
end

local function note_served(lane, stage)
  redis.call('HSET', P .. 'served:' .. stage, lane, stamp(NOW))
  redis.call('EXPIRE', P .. 'served:' .. stage, 86400)
end

-- The rounds in which classes take turns: in a lane, among homework that is due in the same minute. Answers where they
-- are counted, and the place at which they begin.
local function rounds_at(place)
  local lane = lane_of(place)
  local begin = FROM[lane]
  if lane == 'homework' then begin = begin + math.floor((place - begin) / MINUTE) * MINUTE end
  return P .. 'rounds:' .. string.format('%.0f', begin), begin
end

local function wait(job, stage)
  redis.call('HSET', key(job), 'phase', 'waiting')
  if stage == 'hold' then  -- the teacher may take as long as answers are kept
    local until_ = NOW + get(job, 'retention')
    redis.call('HSET', key(job), 'deadline_at', stamp(until_))
    redis.call('ZADD', P .. 'deadlines', until_, job)
  end
end

local function ready(job)
  local stage = get(job, 'stage')
  if stage == 'parts' and redis.call('EXISTS', P .. 'parts:' .. job) == 0 then  -- mutant: lesson goes on without turns
    stage = following(job, stage)
    redis.call('HSET', key(job), 'stage', stage)
  end
  if WAITING[stage] then return wait(job, stage) end  -- mutant: held answer waits
  if stage == 'llm' then
    local first = redis.call('ZRANGE', session_key(job, 'open'), 0, 0)[1]
    if first and first ~= job then  -- mutant: order of turns
      redis.call('HSET', key(job), 'phase', 'held')
      return
    end
  end
  local place = get(job, 'place')
  local lane = lane_of(tonumber(place))
  redis.call('HSET', key(job), 'phase', 'ready', 'ready_at', stamp(NOW))
  if not first_of(lane, stage) then note_served(lane, stage) end  -- from now on it waits
  redis.call('ZADD', P .. 'ready:' .. stage, place, job)
  ring(job)
end

local function leave_line(job)  -- the turn is answered or ended: let the next one of its session pass
  local open = session_key(job, 'open')
  redis.call('ZREM', open, job)
  local following = redis.call('ZRANGE', open, 0, 0)[1]
  -- mutant: next turn goes on
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

-- The turn of a lesson has ended: when it is the last, the lesson goes on.
local function leave_lesson(job)
  local lesson = get(job, 'lesson')
  if not lesson then return end
  redis.call('SREM', P .. 'parts:' .. lesson, job)
  if alive(lesson) then
    -- mutant: lesson goes on after last turn
    if get(lesson, 'stage') == 'parts' and redis.call('EXISTS', P .. 'parts:' .. lesson) == 0 then ready(lesson) end
    touch(lesson)
  end
end

local function unlist(job)
  unlease(job)  -- mutant: cancel breaks lease
  leave_lesson(job)
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

-- A mean of the latest ten or so.
local function note_mean(name, value)
  local known = redis.call('HGET', P .. 'pace', name)
  redis.call('HSET', P .. 'pace', name, known and 0.8 * known + 0.2 * value or value)
  redis.call('EXPIRE', P .. 'pace', 86400)
end

-- How long a job runs at a stage, and how long a worker takes for each job of a batch.
local function note_speed(job, stage)
  local ran = math.max(0.001, NOW - get(job, 'claimed_at'))  -- which is rounded
  note_mean('ran:' .. stage, ran)
  note_mean('each:' .. stage, ran / (get(job, 'batch') or 1))
end

local function note_length(milliseconds)  -- of the recordings whose recognition was timed
  note_mean('heard', milliseconds / 1000)
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
  redis.call('ZADD', due, NOW, name)  -- mutant: event becomes delivery
  redis.call('EXPIRE', due, math.max(lasting, redis.call('TTL', due)))
  bells[#bells + 1] = 'maintenance ' .. job
end

-- The state in which the job ended, from its failure: the last four of record.py.
local function end_state(failure)
  if not failure then return 'succeeded' end
  local code = cjson.decode(failure).code
  return (code == 'canceled' or code == 'expired') and code or 'failed'
end

local function failure(job, code, detail, retryable)
  return cjson.encode({ code = code, stage = get(job, 'stage'), detail = detail, retryable = retryable })
end

-- Whether everybody has handed in who was to; where nobody was named, whoever did.
local function all_handed_in(assignment)
  local set = redis.call('HGET', P .. 'assignment:' .. assignment, 'assignment')
  if not set then return false end
  for _, student in ipairs(cjson.decode(set).students) do
    if redis.call('HEXISTS', P .. 'handed-in:' .. assignment, student.name) == 0 then return false end
  end
  return true
end

local function leave_assignment(job)
  local assignment = get(job, 'assignment')
  if not assignment then return end
  local open = P .. 'open-work:' .. assignment
  redis.call('SREM', open, job)
  -- mutant: complete when all ended, complete when all handed in
  if redis.call('EXISTS', open) == 0 and all_handed_in(assignment) then tell(job, 'assignment.completed') end
end

-- Seconds for which a job that ends now is kept: a lesson's turn until the lesson itself has ended, at least.
local function lasting(job)
  local lesson, retention = get(job, 'lesson'), get(job, 'retention')
  local left = lesson and alive(lesson) and math.max(0, get(lesson, 'deadline_at') - NOW) or 0
  return math.ceil(retention + left)
end

local finish  -- a lesson's end is its turns' as well

-- The turns of a lesson that has ended: those that still wait have nobody to wait for; all are kept as long as it is.
local function end_turns(lesson)
  for _, turn in ipairs(redis.call('ZRANGE', P .. 'children:' .. lesson, 0, -1)) do
    if alive(turn) then  -- mutant: lesson ends its turns
      finish(turn, failure(turn, 'canceled', LESSON_OVER, false))
    end
    redis.call('EXPIRE', key(turn), get(lesson, 'retention'))
  end
  redis.call('EXPIRE', P .. 'children:' .. lesson, get(lesson, 'retention'))
end

function finish(job, failure)
  unlist(job)
  redis.call('HSET', key(job), 'phase', 'ended', 'ended_at', stamp(NOW))
  if failure then redis.call('HSET', key(job), 'error', failure) end
  redis.call('EXPIRE', key(job), lasting(job))
  note_pace(job)
  leave_line(job)
  touch(job)
  tell(job, 'job.' .. end_state(failure))
  redis.call('HINCRBY', P .. 'ended', end_state(failure), 1)
  leave_assignment(job)
  end_turns(job)
end

-- The job failed through no fault of its own; it is listed as dead, and may be retried.
local function give_up(job, failure)
  finish(job, failure)
  local dead = P .. 'dead:' .. get(job, 'tenant')
  redis.call('HSET', key(job), 'dead', '1')
  if get(job, 'lesson') then return end  -- which names it
  redis.call('ZADD', dead, redis.call('ZSCORE', P .. 'jobs:' .. get(job, 'tenant'), job) or 0, job)
  trim(dead)
  redis.call('EXPIRE', dead, get(job, 'retention'))
end

-- Whether `call` ended the job, now or when it was first made and only its answer was lost.
local function cancel(job, detail, call)
  if alive(job) then  -- mutant: cancel mark
    finish(job, failure(job, 'canceled', detail, false))
    redis.call('HSET', key(job), 'canceled_by', call)
  end
  return get(job, 'canceled_by') == call
end

-- The attempt did not end well: try again while attempts are left, else give up.
local function try_again(job, attempts, why)
  unlease(job)
  if tonumber(get(job, 'attempts:' .. get(job, 'stage')) or '0') >= tonumber(attempts) then  -- mutant: attempts limit
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

-- Every trace of the job but a tombstone, which tells its owner that it was erased; and of its turns, if it is a lesson.
local forget
function forget(job, tombstone_s)
  local turns, assignment = redis.call('ZRANGE', P .. 'children:' .. job, 0, -1), get(job, 'assignment')
  unlist(job)
  if assignment then
    redis.call('ZREM', P .. 'work:' .. assignment, job)
    redis.call('SREM', P .. 'open-work:' .. assignment, job)
    local student = get(job, 'student')
    if redis.call('HGET', P .. 'handed-in:' .. assignment, student) == job then
      redis.call('HDEL', P .. 'handed-in:' .. assignment, student)
    end
  end
  redis.call('ZREM', session_key(job, 'turns'), job)
  redis.call('ZREM', session_key(job, 'open'), job)
  redis.call('ZREM', P .. 'dead:' .. get(job, 'tenant'), job)
  redis.call('ZREM', P .. 'jobs:' .. get(job, 'tenant'), job)
  local owner = get(job, 'owner')
  -- mutant: erasure removes record
  redis.call('DEL', key(job), P .. 'progress:' .. job, P .. 'children:' .. job, P .. 'parts:' .. job)
  for _, event in ipairs(EVENTS) do
    redis.call('DEL', P .. 'delivery:' .. job .. '/' .. event)
    redis.call('ZREM', P .. 'deliveries', job .. '/' .. event)
  end
  redis.call('HSET', key(job), 'erased', '1')
  if owner then redis.call('HSET', key(job), 'owner', owner) end
  redis.call('EXPIRE', key(job), tombstone_s)
  redis.call('PUBLISH', P .. 'changed', job)
  for _, turn in ipairs(turns) do
    -- mutant: erasure takes turns, turn erased before
    if redis.call('HEXISTS', key(turn), 'stages') == 1 then forget(turn, tombstone_s) end  -- else it was erased by itself
  end
end

local function holds(job, stage, fence)
  -- mutant: fence
  return alive(job) and get(job, 'phase') == 'running' and get(job, 'stage') == stage and get(job, 'fence') == fence
end
