-- Erase a job that has ended, also from its session's history; it is answered as erased for tombstone_s seconds.
if redis.call('HEXISTS', job_key(args.job), 'ended_at') == 0 then return { 0 } end
erase_job(args.job, args.tombstone_s)
return { 1 }
