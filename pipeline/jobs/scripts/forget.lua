-- Erase a job that has ended, also from its session's history; it is answered as erased for tombstone_s seconds.
allow_full_memory()
if has_record(args.job) and alive(args.job) or get(args.job, 'erased') then return { 0 } end
if redis.call('EXISTS', job_key(args.job)) == 0 then return { 0 } end
erase_anyway(args.job, args.tombstone_s)
return { 1 }
