-- Take back expired leases, end jobs past their deadline, and answer the ready jobs without a message: for each of the
-- `queues`, a `stage` and the Redis list `queue` of its messages, max(0, ready jobs - messages); for maintenance,
-- deliveries that are due count as ready jobs. A batch of `limit` at most each. A job that was tried `attempts` times
-- ends; it was too slow if it ran for more than stage_s (lesson_s: while a lesson is segmented) seconds.
for _, job in ipairs(redis.call('ZRANGEBYSCORE', KEY.leases, '-inf', NOW, 'LIMIT', 0, args.limit)) do  -- mutant: lease
  if alive(job) then
    take_back(job, args.attempts, get(job, 'stage') == 'segment' and args.lesson_s or args.stage_s)
  else
    redis.call('ZREM', KEY.leases, job)
  end
end
-- mutant: deadline
for _, job in ipairs(redis.call('ZRANGEBYSCORE', KEY.deadlines, '-inf', NOW, 'LIMIT', 0, args.limit)) do
  if alive(job) then
    give_up(job, make_error(job, 'expired', 'The job was not answered before its deadline. Retry it.', true))
  else
    redis.call('ZREM', KEY.deadlines, job)
  end
end
ready_jobs = {}
for _, each in ipairs(args.queues) do
  local jobs, latest = KEY.ready .. each.stage, '+inf'
  if each.stage == 'maintenance' then jobs, latest = KEY.deliveries, NOW end
  -- mutant: only missing messages
  local missing = redis.call('ZCOUNT', jobs, '-inf', latest) - redis.call('LLEN', each.queue)
  if missing > 0 then  -- mutant: missing messages
    for _, job in ipairs(redis.call('ZRANGE', jobs, 0, math.min(missing, args.limit) - 1)) do
      ready_jobs[#ready_jobs + 1] = each.stage .. ' ' .. job
    end
  end
end
return { ready_jobs }
