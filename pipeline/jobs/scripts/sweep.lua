-- sweep(attempts, stage_s, lesson_s, most, stage, queue, …): take back expired leases, end jobs past their deadline, and
-- answer the ready jobs that are missing: for each stage max(0, ready jobs - messages in its queue); for maintenance,
-- deliveries that are due.
local attempts, stage_s, lesson_s, most = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
for _, job in ipairs(redis.call('ZRANGEBYSCORE', KEY.leases, '-inf', NOW, 'LIMIT', 0, most)) do  -- mutant: lease
  if alive(job) then
    take_back(job, attempts, get(job, 'stage') == 'segment' and lesson_s or stage_s)
  else
    redis.call('ZREM', KEY.leases, job)
  end
end
-- mutant: deadline
for _, job in ipairs(redis.call('ZRANGEBYSCORE', KEY.deadlines, '-inf', NOW, 'LIMIT', 0, most)) do
  if alive(job) then
    give_up(job, make_error(job, 'expired', 'The job was not answered before its deadline. Retry it.', true))
  else
    redis.call('ZREM', KEY.deadlines, job)
  end
end
ready_jobs = {}
for i = 5, #ARGV, 2 do
  local line, latest = KEY.ready .. ARGV[i], '+inf'
  if ARGV[i] == 'maintenance' then line, latest = KEY.deliveries, NOW end
  -- mutant: only missing messages
  local missing = redis.call('ZCOUNT', line, '-inf', latest) - redis.call('LLEN', ARGV[i + 1])
  if missing > 0 then  -- mutant: missing messages
    for _, job in ipairs(redis.call('ZRANGE', line, 0, math.min(missing, tonumber(most)) - 1)) do
      ready_jobs[#ready_jobs + 1] = ARGV[i] .. ' ' .. job
    end
  end
end
return { ready_jobs }
