-- End the job unless it has ended; whoever works on it is refused afterwards. Returns 1 if `call` ended it.
allow_full_memory()
return { cancel(args.job, args.detail, args.call) and 1 or 0, ready_jobs }
