-- forget(job, tombstone_s): erase a job that has ended; its place in the session's history goes with it.
local job, tombstone = unpack(ARGV)
if redis.call('HEXISTS', job_key(job), 'ended_at') == 0 then return { 0 } end
erase_job(job, tombstone)
return { 1 }
