-- The files of this folder are prepended to every script: how a job's record changes. All clocks are Redis's, in seconds.
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
  tries = P .. 'tries:',                        -- JOB -> sorted set: the jobs in which its better sentence is said again
  assignment = P .. 'assignment:',              -- ASSIGNMENT -> hash: what was set
  assignments = P .. 'assignments:',            -- TENANT -> sorted set: its assignments, by time
  submissions = P .. 'work:',                   -- ASSIGNMENT -> sorted set: every job handed in for it
  open_submissions = P .. 'open-work:',         -- ASSIGNMENT -> set: those that have not ended
  handed_in = P .. 'handed-in:',                -- ASSIGNMENT -> hash: student, or pupil's id -> the job that counts
  class = P .. 'class:',                        -- CLASS -> hash: its name and pupils
  classes = P .. 'classes:',                    -- TENANT -> sorted set: its classes, by time
  class_work = P .. 'class-work:',              -- CLASS -> hash: assignment -> what progress needs of it
  class_work_times = P .. 'class-work-times:',  -- CLASS -> sorted set: these assignments, by time
  ledger = P .. 'ledger:',                      -- LEARNER -> hash: first version of a job -> what the job adds, as JSON
  ledger_times = P .. 'ledger-times:',          -- LEARNER -> sorted set: these versions, by when their words were said
  idempotency = P .. 'repeated:',               -- TENANT/DIGEST -> hash: the job of an Idempotency-Key
  transcript = P .. 'heard-as:',                -- TENANT/DIGEST -> the job whose transcript can be used again
  progress = P .. 'progress:',                  -- JOB -> stream: partial results
  served = P .. 'served:',                      -- STAGE -> hash: lane -> when a job of it was claimed last
  fair_queue = P .. 'fair-queue:',              -- STAGE:SCORE -> sorted set: classes, by the round of their latest job
  api_key = P .. 'key:',                        -- KEY -> hash: a client's key and its limits
  rate = P .. 'rate:',                          -- KEY -> the time until which its rate is used up
  audio_ms = P .. 'heard:',                     -- KEY:DAY -> milliseconds of audio that it had transcribed
  pace = P .. 'pace',                           -- hash: how fast jobs end and stages run
  histograms = P .. 'histograms',               -- hash: NAME:BOUND -> how many values; NAME:sum_ms (api/admin/histograms.py)
  accepted = P .. 'accepted',                   -- number of jobs ever accepted: their order
  ended = P .. 'ended',                         -- hash: state -> number of jobs that ended so
  deliveries = P .. 'deliveries',               -- sorted set: tenants with open webhook deliveries, by the time of the first
  deliveries_of = P .. 'deliveries:',           -- TENANT -> its hosts; TENANT/HOST -> deliveries; by the time when due
  delivery = P .. 'delivery:',                  -- JOB/EVENT -> hash: one delivery
  answering = P .. 'answering:',                -- TENANT/HOST -> exists while this receiver answers
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
-- The lanes, the fastest first, and the score at which each begins in a stage's ready jobs; job.py has the same.
local LANES, LANE_START = { 'interactive', 'homework', 'bulk' }, { interactive = 0, homework = 1e15, bulk = 2e15 }
local SCORES_PER_MINUTE = 1e6  -- of scores for homework that is due in the same minute
local ORDERS = 1e6  -- interactive jobs of one round whose order of acceptance is known
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
