-- release(worker): hand back, unharmed, all that a worker holds; the attempts do not count.
local held = P .. 'held:' .. ARGV[1]
for _, job in ipairs(redis.call('SMEMBERS', held)) do
  if alive(job) and get(job, 'worker') == ARGV[1] then
    unlease(job)
    redis.call('HINCRBY', key(job), 'attempts:' .. get(job, 'stage'), -1)  -- mutant: release costs no attempt
    ready(job)
    touch(job)
  end
end
redis.call('DEL', held)
return { bells }
