-- Give back all jobs that a worker has leased; the attempts do not count.
allow_full_memory()
local leased = KEY.leased .. args.worker
for _, job in ipairs(redis.call('SMEMBERS', leased)) do
  if alive(job) and get(job, 'worker') == args.worker then
    unlease(job)
    redis.call('HINCRBY', job_key(job), 'attempts:' .. get(job, 'stage'), -1)  -- mutant: release costs no attempt
    ready(job)
    publish_change(job)
  end
end
redis.call('DEL', leased)
return { ready_jobs }
