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
  expiries = P .. 'expiries',                   -- sorted set: what has ended, and where it is indexed, by its record's end
  session = P .. 'session:',                    -- SESSION -> hash: number of its turns, since when it counts
  turns = P .. 'turns:',                        -- SESSION -> sorted set: its jobs, by number
  open_turns = P .. 'open:',                    -- SESSION -> sorted set: its turns without an answer, by number
  blocked = P .. 'blocked',                     -- set: jobs that wait for earlier turns of their sessions
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
  fair_queue = P .. 'fair-queue:',              -- SCORE -> sorted set: classes, by the round of their latest job
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
  workers = P .. 'workers',                     -- set: the keys of workers that are alive (registry.py)
  swept_at = P .. 'swept-at',                   -- the time of the latest sweep
  changed = P .. 'changed',                     -- channel: the name of each job or assignment that changed
}

-- --- constants

local WORKER_LOST_DETAIL = 'The worker died on this job as often as a job may be tried. Try a shorter recording.'
local TOO_SLOW_DETAIL = 'A stage took longer than it may, as often as a job may be tried. Try a shorter recording.'
local LESSON_ENDED_DETAIL = 'The lesson that this is a turn of has ended before it.'
local EVENTS = {
  'job.transcribed', 'job.succeeded', 'job.failed', 'job.canceled', 'job.expired', 'assignment.completed',
}
local WORKED_AT = { 'segment', 'asr', 'llm', 'tts' }  -- stages that have workers
local WAITING = { hold = true, parts = true }  -- stages at which nobody works
-- The lanes, the fastest first, and the score at which each begins in a stage's ready jobs; eta.py has the same.
local LANES, LANE_START = { 'interactive', 'homework', 'bulk' }, { interactive = 0, homework = 1e15, bulk = 2e15 }
local SCORES_PER_MINUTE = 1e6  -- of scores for homework that is due in the same minute
local RECORD_FORMAT = 1  -- of records as this version writes them; job.py has the same
local MAX_TIME_S = 7258118400  -- the year 2200
local MAX_GAP_S = 3600  -- from one job's end to the next's; more is a clock that was set
local DEFAULT_RETENTION_S = 604800  -- of a job whose record does not say it
local TRIMMED = 4  -- names that are looked at in a set to which one is added
local ready_jobs = {}
local args = cjson.decode(ARGV[1])  -- the script's arguments; one that was not given is nil

-- Redis refuses a script that begins with an addition while its memory is full. Nothing is refused after a removal, so
-- that what frees memory, or belongs to accepted jobs, begins with one; what brings new data does not call this.
local function allow_full_memory() redis.call('DEL', P .. 'nothing') end

local function now()
  local t = redis.call('TIME')
  return tonumber(t[1]) + tonumber(t[2]) / 1000000
end
local NOW = now()

-- The key that counts the milliseconds of audio that were recognised today (UTC) for a client's API key.
local function audio_today_key(key_id) return KEY.audio_ms .. key_id .. ':' .. math.floor(NOW / 86400) end

local function job_key(job) return KEY.job .. job end

-- A field of a record; false when it is missing, or when the record is of another type and cannot be read.
local function get(job, field)
  local value = redis.pcall('HGET', job_key(job), field)
  return type(value) == 'string' and value
end

-- A field of another record, such as an assignment's, read as carefully.
local function get_of(key, field)
  local value = redis.pcall('HGET', key, field)
  return type(value) == 'string' and value
end

local function number(job, field, default) return tonumber(get(job, field) or nil) or default end
local function tenant_of(job) return string.match(job, '^[^/]*') end
local function has_record(job) return redis.pcall('HEXISTS', job_key(job), 'stages') == 1 end  -- false: erased, or never there
-- mutant: ended job is final
local function alive(job) return has_record(job) and not get(job, 'ended_at') end
local function format_seconds(seconds) return string.format('%.3f', seconds) end

local function session_of(job) return tenant_of(job) .. '/' .. (get(job, 'session') or '') end
local function session_key(job, prefix) return prefix .. session_of(job) end

local guarded  -- defined below: does something with a job whose record may be damaged

local function publish_change(job)
  redis.pcall('HINCRBY', job_key(job), 'version', 1)
  redis.call('HSET', job_key(job), 'updated_at', format_seconds(NOW))
  redis.call('PUBLISH', KEY.changed, job)
  local assignment = get(job, 'assignment')
  if assignment then redis.call('PUBLISH', KEY.changed, assignment) end
end

local function add_ready_job(job) ready_jobs[#ready_jobs + 1] = (get(job, 'stage') or '') .. ' ' .. job end

-- Remove those of some jobs of a sorted set whose records are gone. The sweep does so when a record expires; as each job
-- that is added calls this, no set grows for ever either when a record was lost in another way.
local function trim(jobs)
  for _, job in ipairs(redis.call('ZRANDMEMBER', jobs, TRIMMED)) do  -- mutant: trim
    if redis.call('EXISTS', job_key(job)) == 0 then redis.call('ZREM', jobs, job) end
  end
end

-- --- how long records and indexes are kept

-- The entry of a job among the expiries: with it the job is found in its indexes when its record is gone.
local function expiry_entry(job, session, assignment, student)
  return cjson.encode({ job, session, assignment or '', student or '' })
end

local function expiry_entry_of(job)
  return expiry_entry(job, session_of(job), get(job, 'assignment'), get(job, 'student'))
end

-- Keep indexes for ever while one of their jobs is unfinished, and afterwards until the last record of all expires. No
-- index needs that time: a job stays in it for exactly as long as its record exists (leave_all_indexes), and Redis removes
-- an empty set. But where no worker sweeps, it ends them.
local function keep_indexes(indexes, has_unfinished)
  local latest = redis.call('ZREVRANGE', KEY.expiries, 0, 0, 'WITHSCORES')[2]
  for _, index in ipairs(indexes) do
    if has_unfinished or not latest then
      redis.call('PERSIST', index)
    else
      redis.call('EXPIREAT', index, math.ceil(latest) + 1)
    end
  end
end

local function keep_tenant(tenant)
  local unfinished = KEY.unfinished .. tenant
  keep_indexes({ KEY.jobs .. tenant, KEY.dead .. tenant, KEY.assignments .. tenant, unfinished }, redis.call('EXISTS', unfinished) == 1)
  keep_indexes({ KEY.expiries }, false)
end

local function keep_session(session, is_kept)
  local has_unfinished = is_kept or tonumber(redis.call('HGET', KEY.session .. session, 'unfinished') or 0) > 0
  keep_indexes({ KEY.session .. session, KEY.turns .. session, KEY.open_turns .. session }, has_unfinished)
end

local function keep_submissions(assignment)
  local open = KEY.open_submissions .. assignment
  keep_indexes({ KEY.assignment .. assignment, KEY.submissions .. assignment, KEY.handed_in .. assignment, open }, redis.call('EXISTS', open) == 1)
end

-- Set the life of a record and of everything that indexes it: every script calls this when a job is accepted, waits or
-- ends. What is unfinished is kept, and so are the turns of an unfinished lesson; what has ended is kept for its
-- retention, from now on.
local function keep(job)
  local lesson, assignment, entry = get(job, 'lesson'), get(job, 'assignment'), expiry_entry_of(job)
  local is_kept = alive(job) or lesson and alive(lesson)
  if is_kept then
    redis.call('ZREM', KEY.expiries, entry)
    redis.call('PERSIST', job_key(job))
  else
    local seconds = math.ceil(number(lesson or job, 'retention', number(job, 'retention', DEFAULT_RETENTION_S)))
    redis.call('EXPIRE', job_key(job), seconds)
    redis.call('ZADD', KEY.expiries, NOW + seconds, entry)
  end
  keep_tenant(tenant_of(job))
  keep_session(session_of(job), is_kept)
  if assignment then keep_submissions(assignment) end
  local parent = lesson or job
  keep_indexes({ KEY.lesson_turns .. parent, KEY.unfinished_turns .. parent }, alive(parent))
end

local function remove_assignment(name)
  redis.call('DEL', KEY.assignment .. name, KEY.submissions .. name, KEY.open_submissions .. name, KEY.handed_in .. name)
  redis.call('ZREM', KEY.assignments .. string.match(name, '^[^/]+'), name)
  redis.call('ZREM', KEY.expiries, expiry_entry('', '', name))
end

-- Keep an assignment for at least so many seconds, and for as long as anything that was submitted for it is kept.
local function keep_assignment(name, seconds)
  local record = KEY.assignment .. name
  local until_ = tonumber(redis.call('HGET', record, 'keep_until')) or NOW + math.max(0, redis.call('TTL', record))
  until_ = math.min(math.max(until_, NOW + seconds), MAX_TIME_S)
  redis.call('HSET', record, 'keep_until', format_seconds(until_))
  redis.call('ZADD', KEY.expiries, until_, expiry_entry('', '', name))
  keep_submissions(name)
  keep_tenant(string.match(name, '^[^/]+'))
end

local function expire_assignment(name)
  if redis.call('EXISTS', KEY.submissions .. name) == 1 then return end  -- the last of them takes it along
  local until_ = get_of(KEY.assignment .. name, 'keep_until')
  if until_ and tonumber(until_) <= NOW then remove_assignment(name) end
end

-- Take a job out of every index, since its record is gone or will be; what indexed nothing else is gone with it.
local function leave_all_indexes(job, session, assignment, student)
  local tenant = string.match(job, '^[^/]+')
  redis.call('ZREM', KEY.expiries, expiry_entry(job, session, assignment, student))
  for _, index in ipairs({
    KEY.jobs .. tenant, KEY.dead .. tenant, KEY.unfinished .. tenant, KEY.deadlines, KEY.leases,
    KEY.turns .. session, KEY.open_turns .. session,
  }) do redis.call('ZREM', index, job) end
  if redis.call('EXISTS', KEY.turns .. session) == 0 then redis.call('DEL', KEY.session .. session) end
  redis.call('DEL', KEY.lesson_turns .. job, KEY.unfinished_turns .. job, KEY.progress .. job)
  keep_session(session)
  keep_tenant(tenant)
  if not assignment or assignment == '' then return end
  redis.call('ZREM', KEY.submissions .. assignment, job)
  redis.call('SREM', KEY.open_submissions .. assignment, job)
  if redis.call('HGET', KEY.handed_in .. assignment, student) == job then redis.call('HDEL', KEY.handed_in .. assignment, student) end
  expire_assignment(assignment)
  keep_submissions(assignment)
end

-- Take the `limit` that should have expired first out of their indexes. A record that is there nevertheless stays.
local function sweep_expiries(limit)
  for _, entry in ipairs(redis.call('ZRANGEBYSCORE', KEY.expiries, '-inf', NOW, 'LIMIT', 0, limit)) do  -- mutant: expiry
    local job, session, assignment, student = unpack(cjson.decode(entry))
    redis.call('ZREM', KEY.expiries, entry)
    if job == '' then
      expire_assignment(assignment)
    else
      local ttl_ms = redis.call('PTTL', job_key(job))
      if ttl_ms > 0 and has_record(job) then
        redis.call('ZADD', KEY.expiries, NOW + ttl_ms / 1000, entry)
      elseif ttl_ms ~= -1 then
        leave_all_indexes(job, session, assignment, student)
      end
    end
  end
end

local function following(job, stage)
  return string.match(',' .. (get(job, 'stages') or '') .. ',', ',' .. stage .. ',([^,]+)')
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
-- key that counts them, and the score at which they begin. Its member `now` is the present round. A class is in it while
-- a job of it waits for a later one, since it may have a job in the next round anyway.
local function fair_queue_at(score)
  local lane = lane_of(score)
  local begin = LANE_START[lane]
  if lane == 'homework' then begin = begin + math.floor((score - begin) / SCORES_PER_MINUTE) * SCORES_PER_MINUTE end
  return KEY.fair_queue .. string.format('%.0f', begin), begin
end

-- A class in these rounds. It is no name, since what is erased must not be named there.
local function fair_queue_member(tenant, group) return redis.sha1hex(tenant .. '/' .. group) end

local function suspend(job, stage)
  redis.call('HSET', job_key(job), 'phase', 'waiting')
  if stage == 'hold' then  -- the teacher may review it for as long as answers are kept
    local until_ = NOW + number(job, 'retention', DEFAULT_RETENTION_S)
    redis.call('HSET', job_key(job), 'deadline_at', format_seconds(until_))
    redis.call('ZADD', KEY.deadlines, until_, job)
  end
  keep(job)
end

-- The turn of a session that the language model answers next; those whose records were lost are left out.
local function first_open_turn(job)
  local open = session_key(job, KEY.open_turns)
  while true do
    local first = redis.call('ZRANGE', open, 0, 0)[1]
    if not first or alive(first) then return first end  -- mutant: lost turn blocks nobody
    redis.call('ZREM', open, first)
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
    local first = first_open_turn(job)
    if first and first ~= job then  -- mutant: order of turns
      redis.call('HSET', job_key(job), 'phase', 'blocked')
      redis.call('SADD', KEY.blocked, job)
      return
    end
  end
  redis.call('SREM', KEY.blocked, job)
  local score = get(job, 'score')
  local lane = lane_of(tonumber(score))
  redis.call('HSET', job_key(job), 'phase', 'ready', 'ready_at', format_seconds(NOW))
  if not first_ready(lane, stage) then record_served(lane, stage) end  -- from now on its lane waits
  redis.call('ZADD', KEY.ready .. stage, score, job)
  add_ready_job(job)
end

local function unblock_next_turn(job)  -- the turn is answered or ended: the next one of its session may begin
  redis.call('ZREM', session_key(job, KEY.open_turns), job)
  local following = first_open_turn(job)
  -- mutant: next turn goes on
  if following and get(following, 'phase') == 'blocked' and get(following, 'stage') == 'llm' then
    guarded(following, function()
      ready(following)
      publish_change(following)
    end)
  end
end

-- Let a blocked job begin whose session has no earlier turn any more, since that was lost.
local function unblock(job)
  if not alive(job) or get(job, 'phase') ~= 'blocked' then
    redis.call('SREM', KEY.blocked, job)
  elseif first_open_turn(job) == job then
    ready(job)
    publish_change(job)
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
    guarded(lesson, function()
      -- mutant: lesson goes on after last turn
      if get(lesson, 'stage') == 'parts' and redis.call('EXISTS', KEY.unfinished_turns .. lesson) == 0 then ready(lesson) end
      publish_change(lesson)
    end)
  end
end

local function leave_ready(job)
  local stage = get(job, 'stage')
  for _, each in ipairs(stage and { stage } or WORKED_AT) do redis.call('ZREM', KEY.ready .. each, job) end
end

local function leave_indexes(job)
  unlease(job)  -- mutant: cancel breaks lease
  leave_lesson(job)
  leave_ready(job)
  redis.call('ZREM', KEY.deadlines, job)
  redis.call('SREM', KEY.blocked, job)
  redis.call('ZREM', KEY.unfinished .. tenant_of(job), job)
end

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

-- How long a job runs at a stage, and how long a worker takes for each job of a batch.
local function record_speed(job, stage, limit_s)
  local ran = math.min(limit_s, math.max(0.001, NOW - number(job, 'claimed_at', NOW)))  -- which is rounded
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
  local ttl_s = math.ceil(number(job, 'retention', DEFAULT_RETENTION_S) + math.max(0, number(job, 'deadline_at', NOW) - NOW))
  redis.call('HSET', KEY.delivery .. name, 'host', host, 'at', format_seconds(NOW), 'tried', 0, 'state', 'waiting')
  redis.call('EXPIRE', KEY.delivery .. name, ttl_s)
  redis.call('ZADD', due, NOW, name)  -- mutant: event becomes delivery
  redis.call('EXPIRE', due, math.max(ttl_s, redis.call('TTL', due)))
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

-- Erase everything of the job, and of its turns, if it is a lesson; what remains is a tombstone.
local erase_job
function erase_job(job, tombstone_s)
  local turns, owner, cache_key = redis.call('ZRANGE', KEY.lesson_turns .. job, 0, -1), get(job, 'owner'), get(job, 'heard_as')
  leave_indexes(job)
  if get(job, 'lesson') then redis.call('ZREM', KEY.lesson_turns .. get(job, 'lesson'), job) end
  unblock_next_turn(job)  -- mutant: erasure unblocks next turn
  if alive(job) then redis.call('HINCRBY', session_key(job, KEY.session), 'unfinished', -1) end
  leave_all_indexes(job, session_of(job), get(job, 'assignment'), get(job, 'student'))
  if cache_key and redis.call('GET', KEY.transcript .. cache_key) == job then redis.call('DEL', KEY.transcript .. cache_key) end
  redis.call('DEL', job_key(job))  -- mutant: erasure removes record
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
    if has_record(turn) then erase_job(turn, tombstone_s) end  -- else it was erased before
  end
end

local function has_lease(job, stage, fence)
  -- mutant: fence
  return alive(job) and get(job, 'phase') == 'running' and get(job, 'stage') == stage and get(job, 'fence') == fence
end

-- --- records that cannot be read: they stop nothing else

-- Whether this version can work on a job: its record has what scripts and workers need, each of the right kind.
local function is_readable(job)
  if redis.call('TYPE', job_key(job)).ok ~= 'hash' then return false end
  for _, field in ipairs({ 'score', 'seq', 'created_at', 'deadline_at', 'retention' }) do
    if not number(job, field) then return false end
  end
  for _, field in ipairs({ 'fence', 'version', 'attempts:' .. (get(job, 'stage') or '') }) do
    if not string.match(get(job, field) or '0', '^%-?%d+$') then return false end
  end
  for _, field in ipairs({ 'session', 'stages', 'phase' }) do
    if not get(job, field) then return false end
  end
  local is_json, question = pcall(cjson.decode, get(job, 'question') or '')
  return is_json and type(question) == 'table' and type(question.id) == 'string'
end

-- Whether a newer version has written the record: this one leaves it to workers of that version.
local function is_newer(job) return number(job, 'format', 1) > RECORD_FORMAT end

-- End a job whose record cannot be read, with whatever is left of it.
local function end_unreadable(job)
  local tenant = tenant_of(job)
  local detail = 'The stored record of the job cannot be read; the log of the server names it. Submit it again.'
  redis.log(redis.LOG_WARNING, 'waijiao: the record of a job cannot be read: ' .. job)
  local error_json = cjson.encode({ code = 'broken_record', stage = get(job, 'stage') or '', detail = detail, retryable = false })
  if alive(job) and pcall(finish, job, error_json) then return end
  for _, stage in ipairs(WORKED_AT) do redis.call('ZREM', KEY.ready .. stage, job) end
  for _, index in ipairs({ KEY.leases, KEY.deadlines, KEY.unfinished .. tenant }) do redis.call('ZREM', index, job) end
  if redis.call('TYPE', job_key(job)).ok == 'hash' and not get(job, 'erased') then
    redis.call('HSET', job_key(job), 'phase', 'ended', 'ended_at', format_seconds(NOW), 'error', error_json)
    redis.call('EXPIRE', job_key(job), DEFAULT_RETENTION_S)
    redis.call('ZREM', session_key(job, KEY.open_turns), job)
  end
end

-- Do something with a job; if that fails because of its record, end the job, so that nothing else is stopped.
function guarded(job, action, ...)
  local is_done, result = pcall(action, job, ...)
  if is_done then return result end
  end_unreadable(job)
end

-- Erase a job, whatever its record looks like; `session` and `assignment` are those in which it was found.
local function erase_anyway(job, tombstone_s, session, assignment)
  if has_record(job) and pcall(erase_job, job, tombstone_s) or get(job, 'erased') then return end
  redis.call('DEL', job_key(job))
  for _, stage in ipairs(WORKED_AT) do redis.call('ZREM', KEY.ready .. stage, job) end
  leave_all_indexes(job, session or '', assignment, '')
  if assignment then
    local submissions = redis.call('HGETALL', KEY.handed_in .. assignment)
    for i = 1, #submissions, 2 do
      if submissions[i + 1] == job then redis.call('HDEL', KEY.handed_in .. assignment, submissions[i]) end
    end
  end
  redis.call('HSET', job_key(job), 'erased', '1')
  redis.call('EXPIRE', job_key(job), tombstone_s)
  redis.call('PUBLISH', KEY.changed, job)
end
