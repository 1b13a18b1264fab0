-- The attempt at the job's stage failed with `error`, a JSON text; with `again` it is tried once more while it was tried
-- less than `attempts` times. Refused (0) when the fence is stale.
allow_full_memory()
if not has_lease(args.job, args.stage, args.fence) then return { 0, ready_jobs } end
if args.again then try_again(args.job, args.attempts, args.error) else finish(args.job, args.error) end
return { 1, ready_jobs }
