-- How long records and the indexes that name them are kept.
-- Part of what is prepended to every script: see records.lua.

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
-- retention, from now on, and a try no longer than the job that it practises.
local function keep(job)
  local lesson, assignment, entry = get(job, 'lesson'), get(job, 'assignment'), expiry_entry_of(job)
  local practised = get(job, 'practised')
  local is_kept = alive(job) or lesson and alive(lesson)
  if is_kept then
    redis.call('ZREM', KEY.expiries, entry)
    redis.call('PERSIST', job_key(job))
  else
    local seconds = math.ceil(number(lesson or job, 'retention', number(job, 'retention', DEFAULT_RETENTION_S)))
    local left_s = practised and redis.call('TTL', job_key(practised)) or 0
    if left_s > 0 then seconds = math.min(seconds, left_s) end  -- mutant: try ends with its job
    redis.call('EXPIRE', job_key(job), seconds)
    redis.call('ZADD', KEY.expiries, NOW + seconds, entry)
  end
  keep_tenant(tenant_of(job))
  keep_session(session_of(job), is_kept)
  if assignment then keep_submissions(assignment) end
  local parent = lesson or job
  keep_indexes({ KEY.lesson_turns .. parent, KEY.unfinished_turns .. parent }, alive(parent))
  if practised then keep_indexes({ KEY.tries .. practised }, is_kept) end
end

-- The class of an assignment, unless it is `class`, does not know the assignment any more.
local function leave_class(name, class)
  local record, id = KEY.assignment .. name, string.match(name, '/(.*)$')
  local earlier = get_of(record, 'class')
  if not earlier or earlier == class then return end
  redis.call('HDEL', KEY.class_work .. earlier, id)
  redis.call('ZREM', KEY.class_work_times .. earlier, id)
  redis.call('HDEL', record, 'class')
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
  redis.call('DEL', KEY.lesson_turns .. job, KEY.unfinished_turns .. job, KEY.progress .. job, KEY.tries .. job)
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
