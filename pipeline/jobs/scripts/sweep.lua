-- Take back expired leases, end jobs past their deadline, and return the ready jobs without a message: for each of the
-- `queues`, a `stage` and the Redis list `queue` of its messages, max(0, ready jobs - messages); for maintenance, tenants
-- with deliveries that are due count as ready jobs. A batch of `limit` at most each. Messages are removed when there are
-- more than `surplus` that no ready job needs. Jobs whose records have expired, expiry_limit at most, leave their indexes.
-- A job that was tried `attempts` times ends; it was too slow if it ran for more than stage_s seconds (lesson_s while a
-- lesson is segmented). A clock that went forward by more than slept_s since the latest sweep, or back, moves leases and
-- deadlines along; no lease is longer than lease_s, and no worker counts as alive for more than worker_s, after that.
allow_full_memory()  -- mutant: sweep with full memory

-- The clock was set, or the machine slept: by `seconds` since the latest sweep. What the scripts have put off, they have
-- put off by so much more or less. Nobody worked meanwhile, so that time counts neither for a deadline nor for a lease.
local function move_times(seconds)
  for index, field in pairs({ [KEY.deadlines] = 'deadline_at', [KEY.leases] = 'claimed_at' }) do
    for _, job in ipairs(redis.call('ZRANGE', index, 0, -1)) do
      redis.call('ZINCRBY', index, seconds, job)
      local time = number(job, field)
      if time then redis.call('HSET', job_key(job), field, format_seconds(time + seconds)) end
    end
  end
  if seconds < 0 then move_deliveries(seconds) end
  if redis.call('EXISTS', KEY.pace) == 1 then redis.call('HSET', KEY.pace, 'last', NOW) end
end

-- Nothing lies further ahead than it can, whatever the clock did between two sweeps.
local function limit_times()
  for _, job in ipairs(redis.call('ZRANGEBYSCORE', KEY.leases, string.format('(%.6f', NOW + args.lease_s), '+inf')) do
    redis.call('ZADD', KEY.leases, NOW + args.lease_s, job)
  end
  for _, each in ipairs(args.queues) do
    local served = redis.call('HGETALL', KEY.served .. each.stage)
    for i = 1, #served, 2 do
      if tonumber(served[i + 1]) > NOW then redis.call('HSET', KEY.served .. each.stage, served[i], format_seconds(NOW)) end
    end
  end
  for _, worker in ipairs(redis.call('SMEMBERS', KEY.workers)) do
    if redis.call('PTTL', worker) > 1000 * args.worker_s then redis.call('PEXPIRE', worker, math.ceil(1000 * args.worker_s)) end
  end
end

local moved = NOW - tonumber(redis.call('GET', KEY.swept_at) or NOW)
if moved > args.slept_s or moved < -1 then move_times(moved) end  -- mutant: moved clock
limit_times()  -- mutant: limited times
redis.call('SET', KEY.swept_at, string.format('%.3f', NOW))

for _, job in ipairs(redis.call('ZRANGEBYSCORE', KEY.leases, '-inf', NOW, 'LIMIT', 0, args.limit)) do  -- mutant: lease
  if alive(job) then
    guarded(job, take_back, args.attempts, get(job, 'stage') == 'segment' and args.lesson_s or args.stage_s)
  else
    redis.call('ZREM', KEY.leases, job)
  end
end
-- mutant: deadline
for _, job in ipairs(redis.call('ZRANGEBYSCORE', KEY.deadlines, '-inf', NOW, 'LIMIT', 0, args.limit)) do
  if alive(job) then
    guarded(job, give_up, make_error(job, 'expired', 'The job was not answered before its deadline. Retry it.', true))
  else
    redis.call('ZREM', KEY.deadlines, job)
    redis.call('ZREM', KEY.unfinished .. tenant_of(job), job)
  end
end
-- mutant: blocked for ever
for _, job in ipairs(redis.call('SRANDMEMBER', KEY.blocked, args.limit)) do
  if alive(job) and not is_newer(job) and not is_readable(job) then end_unreadable(job) end
  guarded(job, unblock)
end
sweep_expiries(args.expiry_limit)
ready_jobs = {}
for _, each in ipairs(args.queues) do
  local jobs, latest = KEY.ready .. each.stage, '+inf'
  if each.stage == 'maintenance' then jobs, latest = KEY.deliveries, NOW end
  -- mutant: only missing messages
  local missing = redis.call('ZCOUNT', jobs, '-inf', latest) - redis.call('LLEN', each.queue)
  -- a worker that claims several jobs at once needs one message of theirs
  -- mutant: surplus messages
  if -missing > args.surplus and each.stage ~= 'maintenance' then redis.call('LTRIM', each.queue, -missing - args.surplus, -1) end
  if missing > 0 then  -- mutant: missing messages
    for _, job in ipairs(redis.call('ZRANGE', jobs, 0, math.min(missing, args.limit) - 1)) do
      ready_jobs[#ready_jobs + 1] = each.stage .. ' ' .. job
    end
  end
end
return { ready_jobs }
