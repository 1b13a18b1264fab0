-- Take back expired leases, end jobs past their deadline, and answer the ready jobs without a message: for each of the
-- `queues`, a `stage` and the Redis list `queue` of its messages, max(0, ready jobs - messages); for maintenance,
-- deliveries that are due count as ready jobs. A batch of `limit` at most each. Messages are removed when there are more
-- than `surplus` that no ready job needs. Jobs whose records have expired, expiry_limit at most, leave their indexes. A job that was tried `attempts` times
-- ends; it was too slow if it ran for more than stage_s (lesson_s: while a lesson is segmented) seconds.
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
