-- Prepended to every other script of this folder: how a job's record changes. All clocks are Redis's own, in seconds.
-- A script has no KEYS; ARGV[1] is a JSON object of its arguments, which Jobs.run of store.py writes. What is stored as
-- JSON is given as a JSON text, so that no character of it changes; fences, and other numbers that are compared with
-- stored ones, are strings.
--
-- A job is named 'tenant/id'. Its phase at its present stage is `blocked` (an earlier turn of its session is not answered
-- yet), `ready` (it may be claimed), `running` (leased to a worker), `waiting` (for a teacher's review, or for a lesson's
-- turns) or `ended`. Scripts return {…, ready_jobs}: 'stage job' for each job that became ready, to be enqueued.

-- --- keys: what is stored where

local P = 'waijiao:'
local KEY = {
  job = P .. 'job:',                            -- JOB -> hash: the record
  ready = P .. 'ready:',                        -- STAGE -> sorted set: jobs that may be claimed, by score
  leases = P .. 'leases',                       -- sorted set: running jobs, by the end of their lease
  leased = P .. 'leased:',                      -- WORKER -> set: the jobs that it has leased
  deadlines = P .. 'deadlines',                 -- sorted set: unfinished jobs, by their deadline
  unfinished = P .. 'unfinished:',              -- TENANT -> sorted set: unfinished jobs, in order of acceptance
  jobs = P .. 'jobs:',                          -- TENANT -> sorted set: all jobs, in order of acceptance
  dead = P .. 'dead:',                          -- TENANT -> sorted set: dead letters, jobs that may be retried
  session = P .. 'session:',                    -- SESSION -> hash: number of its turns, since when it counts
  turns = P .. 'turns:',                        -- SESSION -> sorted set: its jobs, by number
  open_turns = P .. 'open:',                    -- SESSION -> sorted set: its turns without an answer, by number
  lesson_turns = P .. 'children:',              -- LESSON -> sorted set: the jobs of its turns, by number
  unfinished_turns = P .. 'parts:',             -- LESSON -> set: those that have not ended
  assignment = P .. 'assignment:',              -- ASSIGNMENT -> hash: what was set
  assignments = P .. 'assignments:',            -- TENANT -> sorted set: its assignments, by time
  submissions = P .. 'work:',                   -- ASSIGNMENT -> sorted set: every job handed in for it
  open_submissions = P .. 'open-work:',         -- ASSIGNMENT -> set: those that have not ended
  handed_in = P .. 'handed-in:',                -- ASSIGNMENT -> hash: student -> the job that counts
  idempotency = P .. 'repeated:',               -- TENANT/DIGEST -> hash: the job of an Idempotency-Key
  transcript = P .. 'heard-as:',                -- TENANT/DIGEST -> the job whose transcript can be used again
  progress = P .. 'progress:',                  -- JOB -> stream: partial results
  served = P .. 'served:',                      -- STAGE -> hash: lane -> when a job of it was claimed last
  fair_queue = P .. 'rounds:',                  -- SCORE -> hash: rounds in which classes take turns
  api_key = P .. 'key:',                        -- KEY -> hash: a client's key and its limits
  rate = P .. 'rate:',                          -- KEY -> the time until which its rate is used up
  audio_ms = P .. 'heard:',                     -- KEY:DAY -> milliseconds of audio that it had transcribed
  pace = P .. 'pace',                           -- hash: how fast jobs end and stages run
  accepted = P .. 'accepted',                   -- number of jobs ever accepted: their order
  ended = P .. 'ended',                         -- hash: state -> number of jobs that ended so
  deliveries = P .. 'deliveries',               -- sorted set: webhook deliveries, by the time at which they are due
  delivery = P .. 'delivery:',                  -- JOB/EVENT -> hash: one delivery
  delivering = P .. 'delivering:',              -- CALL -> set: the deliveries that one call claimed
  webhook_secret = P .. 'webhook-secret:',      -- TENANT -> the secret that signs
  erased = P .. 'erased:',                      -- CALL -> sorted set: what one call erased
  changed = P .. 'changed',                     -- channel: the name of each job or assignment that changed
}

-- --- constants

local WORKER_LOST_DETAIL = 'The worker died on this job as often as a job may be tried. Try a shorter recording.'
local TOO_SLOW_DETAIL = 'A stage took longer than it may, as often as a job may be tried. Try a shorter recording.'
local LESSON_ENDED_DETAIL = 'The lesson that this is a turn of has ended before it.'
local EVENTS = {
  'job.transcribed', 'job.succeeded', 'job.failed', 'job.canceled', 'job.expired', 'assignment.completed',
}
local WAITING = { hold = true, parts = true }  -- stages at which nobody works
-- The lanes, the fastest first, and the score at which each begins in a stage's ready jobs; eta.py has the same.
local LANES, LANE_START = { 'interactive', 'homework', 'bulk' }, { interactive = 0, homework = 1e15, bulk = 2e15 }
local SCORES_PER_MINUTE = 1e6  -- of scores for homework that is due in the same minute
local ready_jobs = {}
local args = cjson.decode(ARGV[1])  -- the script's arguments; one that was not given is nil

local function now()
  local t = redis.call('TIME')
  return tonumber(t[1]) + tonumber(t[2]) / 1000000
end
local NOW = now()

-- The key that counts the milliseconds of audio that were recognised today (UTC) for a client's API key.
local function audio_today_key(key_id) return KEY.audio_ms .. key_id .. ':' .. math.floor(NOW / 86400) end

local function job_key(job) return KEY.job .. job end
local function get(job, field) return redis.call('HGET', job_key(job), field) end
-- mutant: ended job is final
local function alive(job) return redis.call('HEXISTS', job_key(job), 'stages') == 1 and not get(job, 'ended_at') end
local function format_seconds(seconds) return string.format('%.3f', seconds) end

local function session_key(job, prefix)
  return prefix .. get(job, 'tenant') .. '/' .. get(job, 'session')
end

local function publish_change(job)
  redis.call('HINCRBY', job_key(job), 'version', 1)
  redis.call('HSET', job_key(job), 'updated_at', format_seconds(NOW))
  redis.call('PUBLISH', KEY.changed, job)
  local assignment = get(job, 'assignment')
  if assignment then redis.call('PUBLISH', KEY.changed, assignment) end
end

local function add_ready_job(job) ready_jobs[#ready_jobs + 1] = get(job, 'stage') .. ' ' .. job end

-- Keep the keys for at least so many seconds; longer if their present time to live is longer.
local function extend_ttl(keys, seconds)
  for _, each in ipairs(keys) do
    if redis.call('TTL', each) < seconds then redis.call('EXPIRE', each, math.ceil(seconds)) end
  end
end

-- Remove up to two of the oldest jobs of a sorted set, if their records have expired. As each job that is added calls
-- this, no set grows for ever.
local function trim(jobs)
  for _, oldest in ipairs(redis.call('ZRANGE', jobs, 0, 1)) do
    if redis.call('EXISTS', job_key(oldest)) == 0 then redis.call('ZREM', jobs, oldest) end
  end
end

local function following(job, stage)
  return string.match(',' .. get(job, 'stages') .. ',', ',' .. stage .. ',([^,]+)')
end

local function lane_of(score)
  for i = #LANES, 2, -1 do
    if score >= LANE_START[LANES[i]] then return LANES[i] end
  end
  return LANES[1]
end

-- The first ready job of a lane; nil when it has none.
local function first_ready(lane, stage)
  local jobs = KEY.ready .. stage
  local first, score = unpack(redis.call('ZRANGEBYSCORE', jobs, LANE_START[lane], '+inf', 'WITHSCORES', 'LIMIT', 0, 1))
  return first and lane_of(tonumber(score)) == lane and first or nil
end

local function record_served(lane, stage)
  redis.call('HSET', KEY.served .. stage, lane, format_seconds(NOW))
  redis.call('EXPIRE', KEY.served .. stage, 86400)
end

-- The rounds in which classes are served in turn: in a lane, among homework that is due in the same minute. Returns the
-- key that counts them, and the score at which they begin.
local function fair_queue_at(score)
  local lane = lane_of(score)
  local begin = LANE_START[lane]
  if lane == 'homework' then begin = begin + math.floor((score - begin) / SCORES_PER_MINUTE) * SCORES_PER_MINUTE end
  return KEY.fair_queue .. string.format('%.0f', begin), begin
end

local function suspend(job, stage)
  redis.call('HSET', job_key(job), 'phase', 'waiting')
  if stage == 'hold' then  -- the teacher may review it for as long as answers are kept
    local until_ = NOW + get(job, 'retention')
    redis.call('HSET', job_key(job), 'deadline_at', format_seconds(until_))
    redis.call('ZADD', KEY.deadlines, until_, job)
  end
end

local function ready(job)
  local stage = get(job, 'stage')
  if stage == 'parts' and redis.call('EXISTS', KEY.unfinished_turns .. job) == 0 then  -- mutant: lesson goes on without turns
    stage = following(job, stage)
    redis.call('HSET', job_key(job), 'stage', stage)
  end
  if WAITING[stage] then return suspend(job, stage) end  -- mutant: held answer waits
  if stage == 'llm' then
    local first = redis.call('ZRANGE', session_key(job, KEY.open_turns), 0, 0)[1]
    if first and first ~= job then  -- mutant: order of turns
      redis.call('HSET', job_key(job), 'phase', 'blocked')
      return
    end
  end
  local score = get(job, 'score')
  local lane = lane_of(tonumber(score))
  redis.call('HSET', job_key(job), 'phase', 'ready', 'ready_at', format_seconds(NOW))
  if not first_ready(lane, stage) then record_served(lane, stage) end  -- from now on its lane waits
  redis.call('ZADD', KEY.ready .. stage, score, job)
  add_ready_job(job)
end

local function unblock_next_turn(job)  -- the turn is answered or ended: the next one of its session may begin
  local open = session_key(job, KEY.open_turns)
  redis.call('ZREM', open, job)
  local following = redis.call('ZRANGE', open, 0, 0)[1]
  -- mutant: next turn goes on
  if following and get(following, 'phase') == 'blocked' and get(following, 'stage') == 'llm' then
    ready(following)
    publish_change(following)
  end
end

local function unlease(job)
  local worker = get(job, 'worker')
  redis.call('ZREM', KEY.leases, job)
  if worker then
    redis.call('SREM', KEY.leased .. worker, job)
    redis.call('HDEL', job_key(job), 'worker')
  end
end

-- The turn of a lesson has ended: when it is the last, the lesson goes on.
local function leave_lesson(job)
  local lesson = get(job, 'lesson')
  if not lesson then return end
  redis.call('SREM', KEY.unfinished_turns .. lesson, job)
  if alive(lesson) then
    -- mutant: lesson goes on after last turn
    if get(lesson, 'stage') == 'parts' and redis.call('EXISTS', KEY.unfinished_turns .. lesson) == 0 then ready(lesson) end
    publish_change(lesson)
  end
end

local function leave_indexes(job)
  unlease(job)  -- mutant: cancel breaks lease
  leave_lesson(job)
  redis.call('ZREM', KEY.ready .. get(job, 'stage'), job)
  redis.call('ZREM', KEY.deadlines, job)
  redis.call('ZREM', KEY.unfinished .. get(job, 'tenant'), job)
end

-- How long it takes from one job's end to the next's, the latest ends counting most, for Retry-After. Time in which
-- there was nothing to do does not count, nor do jobs that ended together.
local function record_pace(job)
  local last, every = unpack(redis.call('HMGET', KEY.pace, 'last', 'every'))
  local gap = NOW - math.max(last or 0, get(job, 'created_at'))
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

-- How long a job runs at a stage, and how long a worker takes for each job of a batch.
local function record_speed(job, stage)
  local ran = math.max(0.001, NOW - get(job, 'claimed_at'))  -- which is rounded
  record_mean('ran:' .. stage, ran)
  record_mean('each:' .. stage, ran / (get(job, 'batch') or 1))
end

local function record_audio_length(milliseconds)  -- of the recordings whose recognition was timed
  record_mean('heard', milliseconds / 1000)
end

-- An event that the job's webhook has subscribed to becomes a delivery in the same script as the change itself, so that
-- no crash loses it. It is due at once.
local function add_delivery(job, event)
  local host, events = unpack(redis.call('HMGET', job_key(job), 'webhook_host', 'webhook_events'))
  if not events or not string.find(events, event, 1, true) then return end
  local name, due = job .. '/' .. event, KEY.deliveries
  local ttl_s = math.ceil(get(job, 'retention') + math.max(0, get(job, 'deadline_at') - NOW))
  redis.call('HSET', KEY.delivery .. name, 'host', host, 'at', format_seconds(NOW), 'tried', 0, 'state', 'waiting')
  redis.call('EXPIRE', KEY.delivery .. name, ttl_s)
  redis.call('ZADD', due, NOW, name)  -- mutant: event becomes delivery
  redis.call('EXPIRE', due, math.max(ttl_s, redis.call('TTL', due)))
  ready_jobs[#ready_jobs + 1] = 'maintenance ' .. job
end

-- The state in which the job ended, from its error: one of the last four of State in job.py.
local function end_state(error_json)
  if not error_json then return 'succeeded' end
  local code = cjson.decode(error_json).code
  return (code == 'canceled' or code == 'expired') and code or 'failed'
end

local function make_error(job, code, detail, retryable)
  return cjson.encode({ code = code, stage = get(job, 'stage'), detail = detail, retryable = retryable })
end

-- Whether every student of the assignment has submitted; true for an assignment without students.
local function all_handed_in(assignment)
  local text = redis.call('HGET', KEY.assignment .. assignment, 'assignment')
  if not text then return false end
  for _, student in ipairs(cjson.decode(text).students) do
    if redis.call('HEXISTS', KEY.handed_in .. assignment, student.name) == 0 then return false end
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

-- Seconds for which a job that ends now is kept: a lesson's turn until the lesson itself has ended, at least.
local function ttl_s(job)
  local lesson, retention = get(job, 'lesson'), get(job, 'retention')
  local left = lesson and alive(lesson) and math.max(0, get(lesson, 'deadline_at') - NOW) or 0
  return math.ceil(retention + left)
end

local finish  -- defined below, since the end of a lesson ends its turns

-- End the unfinished turns of a lesson that has ended; all turns are kept for as long as the lesson.
local function end_turns(lesson)
  for _, turn in ipairs(redis.call('ZRANGE', KEY.lesson_turns .. lesson, 0, -1)) do
    if alive(turn) then  -- mutant: lesson ends its turns
      finish(turn, make_error(turn, 'canceled', LESSON_ENDED_DETAIL, false))
    end
    redis.call('EXPIRE', job_key(turn), get(lesson, 'retention'))
  end
  redis.call('EXPIRE', KEY.lesson_turns .. lesson, get(lesson, 'retention'))
end

function finish(job, error_json)
  leave_indexes(job)
  redis.call('HSET', job_key(job), 'phase', 'ended', 'ended_at', format_seconds(NOW))
  if error_json then redis.call('HSET', job_key(job), 'error', error_json) end
  redis.call('EXPIRE', job_key(job), ttl_s(job))
  record_pace(job)
  unblock_next_turn(job)
  publish_change(job)
  add_delivery(job, 'job.' .. end_state(error_json))
  redis.call('HINCRBY', KEY.ended, end_state(error_json), 1)
  leave_assignment(job)
  end_turns(job)
end

-- The job failed through no fault of its own; it is listed as dead, and may be retried.
local function give_up(job, error_json)
  finish(job, error_json)
  local dead = KEY.dead .. get(job, 'tenant')
  redis.call('HSET', job_key(job), 'dead', '1')
  if get(job, 'lesson') then return end  -- the lesson lists its failed turns
  redis.call('ZADD', dead, redis.call('ZSCORE', KEY.jobs .. get(job, 'tenant'), job) or 0, job)
  trim(dead)
  redis.call('EXPIRE', dead, get(job, 'retention'))
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
  if tonumber(get(job, 'attempts:' .. get(job, 'stage')) or '0') >= attempts then  -- mutant: attempts limit
    give_up(job, why)
  else
    ready(job)
    publish_change(job)
  end
end

-- Take the job from a worker whose child died, was killed by the hard limit, or hangs.
local function take_back(job, attempts, stage_s)
  if NOW - get(job, 'claimed_at') > stage_s then
    try_again(job, attempts, make_error(job, 'too_slow', TOO_SLOW_DETAIL, true))
  else
    try_again(job, attempts, make_error(job, 'worker_lost', WORKER_LOST_DETAIL, true))
  end
end

-- Erase everything of the job, and of its turns, if it is a lesson; what remains is a tombstone.
local erase_job
function erase_job(job, tombstone_s)
  local turns, assignment = redis.call('ZRANGE', KEY.lesson_turns .. job, 0, -1), get(job, 'assignment')
  leave_indexes(job)
  if assignment then
    redis.call('ZREM', KEY.submissions .. assignment, job)
    redis.call('SREM', KEY.open_submissions .. assignment, job)
    local student = get(job, 'student')
    if redis.call('HGET', KEY.handed_in .. assignment, student) == job then
      redis.call('HDEL', KEY.handed_in .. assignment, student)
    end
  end
  redis.call('ZREM', session_key(job, KEY.turns), job)
  redis.call('ZREM', session_key(job, KEY.open_turns), job)
  redis.call('ZREM', KEY.dead .. get(job, 'tenant'), job)
  redis.call('ZREM', KEY.jobs .. get(job, 'tenant'), job)
  local owner = get(job, 'owner')
  -- mutant: erasure removes record
  redis.call('DEL', job_key(job), KEY.progress .. job, KEY.lesson_turns .. job, KEY.unfinished_turns .. job)
  for _, event in ipairs(EVENTS) do
    redis.call('DEL', KEY.delivery .. job .. '/' .. event)
    redis.call('ZREM', KEY.deliveries, job .. '/' .. event)
  end
  redis.call('HSET', job_key(job), 'erased', '1')
  if owner then redis.call('HSET', job_key(job), 'owner', owner) end
  redis.call('EXPIRE', job_key(job), tombstone_s)
  redis.call('PUBLISH', KEY.changed, job)
  for _, turn in ipairs(turns) do
    -- mutant: erasure takes turns, turn erased before
    if redis.call('HEXISTS', job_key(turn), 'stages') == 1 then erase_job(turn, tombstone_s) end  -- else it was erased before
  end
end

local function has_lease(job, stage, fence)
  -- mutant: fence
  return alive(job) and get(job, 'phase') == 'running' and get(job, 'stage') == stage and get(job, 'fence') == fence
end
