-- release(job, stage, fence): hand the work back, unharmed; the attempt does not count.
local job, stage, fence = unpack(ARGV)
if not holds(job, stage, fence) then return { 0, bells } end
redis.call('HINCRBY', key(job), 'attempts:' .. stage, -1)
unlease(job)
ready(job)
touch(job)
return { 1, bells }
