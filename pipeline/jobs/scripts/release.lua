-- release(worker): hand back, unharmed, all that a worker holds; the attempts do not count.
local leased = KEY.leased .. ARGV[1]
for _, job in ipairs(redis.call('SMEMBERS', leased)) do
  if alive(job) and get(job, 'worker') == ARGV[1] then
    unlease(job)
    redis.call('HINCRBY', job_key(job), 'attempts:' .. get(job, 'stage'), -1)  -- mutant: release costs no attempt
    ready(job)
    publish_change(job)
  end
end
redis.call('DEL', leased)
return { ready_jobs }
