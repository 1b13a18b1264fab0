-- How a record moves. Prepended to every script beside it; all clocks are Redis's own, in seconds.
-- A job is named 'tenant/id'. Its phase at its current stage: held (an earlier turn is not answered yet),
-- ready (it may be claimed), running (leased to a worker), ended. Scripts answer {…, bells}: a bell is
-- 'stage job' for each job that became ready, for the caller to ring.
local P = 'waijiao:'
local bells = {}

local function now()
  local t = redis.call('TIME')
  return tonumber(t[1]) + tonumber(t[2]) / 1000000
end
local NOW = now()

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
  redis.call('ZADD', P .. 'ready:' .. stage, get(job, 'order'), job)
  bells[#bells + 1] = stage .. ' ' .. job
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
    redis.call('HDEL', P .. 'held:' .. worker, job)
    redis.call('HDEL', key(job), 'worker')
  end
end

local function finish(job, failure)
  unlease(job)
  redis.call('ZREM', P .. 'ready:' .. get(job, 'stage'), job)
  redis.call('ZREM', P .. 'deadlines', job)
  redis.call('HSET', key(job), 'phase', 'ended', 'ended_at', stamp(NOW))
  if failure then redis.call('HSET', key(job), 'error', failure) end
  redis.call('EXPIRE', key(job), get(job, 'retention'))
  leave_line(job)
  touch(job)
end

local function failure(job, code, detail, retryable)
  return cjson.encode({ code = code, stage = get(job, 'stage'), detail = detail, retryable = retryable })
end

-- The attempt did not end well: try again while attempts are left, else fail.
local function try_again(job, attempts, why)
  unlease(job)
  if tonumber(get(job, 'attempts:' .. get(job, 'stage')) or '0') >= tonumber(attempts) then
    finish(job, why)
  else
    ready(job)
    touch(job)
  end
end

local LOST = 'The worker died on this job as often as a job may be tried. Try a shorter recording.'

local function holds(job, stage, fence)
  return alive(job) and get(job, 'phase') == 'running' and get(job, 'stage') == stage and get(job, 'fence') == fence
end
