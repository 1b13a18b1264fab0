-- Records that cannot be read: they stop nothing else.
-- Part of what is prepended to every script: see records.lua.

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
  pcall(erase_entry, job)
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
