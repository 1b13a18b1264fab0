-- The mistake ledgers of learners, `tenant/learner`: a job writes its entry when it succeeds, and takes it along when it is
-- erased. All versions of a job, by retries and reruns, have one entry: that of the latest version that succeeded.
-- Part of what is prepended to every script: see records.lua.

local MAX_ENTRIES = 5000  -- of one learner; the oldest make room
local MAX_VERSIONS = 1000  -- that are looked at

local function first_version(job) return get(job, 'first_version') or job end

-- Whether a later version has succeeded: its entry stays.
local function has_later_entry(job)
  local version = job
  for _ = 1, MAX_VERSIONS do
    version = get(version, 'rerun_as') or get(version, 'retried_as')
    if not version then return false end
    if get(version, 'ended_at') and not get(version, 'error') then return true end
  end
  return false
end

local function drop_entry(learner, first)
  redis.call('HDEL', KEY.ledger .. learner, first)
  redis.call('ZREM', KEY.ledger_times .. learner, first)
end

-- Write the entry of a job that has succeeded, which replaces that of an earlier version. The ledger is kept for ledger_s
-- seconds from now, and each entry for as long after its words were said.
local function write_entry(job, ledger_s)
  local learner, entry, first = get(job, 'learner'), get(job, 'ledger'), first_version(job)
  if not learner or has_later_entry(job) then return end  -- mutant: latest version counts
  if not entry or ledger_s == 0 then return drop_entry(learner, first) end
  local entries, times = KEY.ledger .. learner, KEY.ledger_times .. learner
  redis.call('HSET', entries, first, entry)
  redis.call('ZADD', times, 'NX', number(job, 'created_at', NOW), first)
  local last = redis.call('ZCARD', times) - MAX_ENTRIES - 1
  for _, old in ipairs(redis.call('ZRANGEBYSCORE', times, '-inf', NOW - ledger_s)) do drop_entry(learner, old) end
  for _, old in ipairs(last < 0 and {} or redis.call('ZRANGE', times, 0, last)) do drop_entry(learner, old) end
  redis.call('EXPIRE', entries, ledger_s)
  redis.call('EXPIRE', times, ledger_s)
end

-- The job is erased: what it added to the ledger is, too. The entry of another version stays.
local function erase_entry(job)
  local learner = get(job, 'learner')
  local entry = learner and redis.call('HGET', KEY.ledger .. learner, first_version(job))
  if not entry then return end
  local is_json, decoded = pcall(cjson.decode, entry)
  if not is_json or 'table' ~= type(decoded) or tenant_of(job) .. '/' .. tostring(decoded.job) == job then
    drop_entry(learner, first_version(job))  -- mutant: erasure reaches the ledger
  end
end
