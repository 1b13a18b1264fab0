-- End a job whose record cannot be read, unless it has ended.
allow_full_memory()
if alive(args.job) then end_unreadable(args.job) end
return { 1, ready_jobs }
