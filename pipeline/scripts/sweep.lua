-- sweep(attempts, most, stage, queue, …): take back expired leases, end jobs past their deadline, and answer
-- the bells that are missing: for each stage max(0, ready jobs - messages in its queue).
local attempts, most = ARGV[1], ARGV[2]
for _, job in ipairs(redis.call('ZRANGEBYSCORE', P .. 'leases', '-inf', NOW, 'LIMIT', 0, most)) do
  if alive(job) then
    try_again(job, attempts, failure(job, 'worker_lost', LOST, true))
  else
    redis.call('ZREM', P .. 'leases', job)
  end
end
for _, job in ipairs(redis.call('ZRANGEBYSCORE', P .. 'deadlines', '-inf', NOW, 'LIMIT', 0, most)) do
  if alive(job) then
    finish(job, failure(job, 'expired', 'The job was not answered before its deadline. Send it again.', true))
  else
    redis.call('ZREM', P .. 'deadlines', job)
  end
end
bells = {}
for i = 3, #ARGV, 2 do
  local ready_key = P .. 'ready:' .. ARGV[i]
  local missing = redis.call('ZCARD', ready_key) - redis.call('LLEN', ARGV[i + 1])
  if missing > 0 then
    for _, job in ipairs(redis.call('ZRANGE', ready_key, 0, math.min(missing, tonumber(most)) - 1)) do
      bells[#bells + 1] = ARGV[i] .. ' ' .. job
    end
  end
end
return { bells }
