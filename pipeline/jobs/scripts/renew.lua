-- Extend those of the `leases` at a stage, each a `job` and its `fence`, that are still the caller's: they end lease_s
-- seconds from now. Returns the jobs of the others.
allow_full_memory()  -- mutant: renewal with full memory
local lost = {}
for _, lease in ipairs(args.leases) do
  if has_lease(lease.job, args.stage, lease.fence) then
    redis.call('ZADD', KEY.leases, NOW + args.lease_s, lease.job)
  else
    lost[#lost + 1] = lease.job
  end
end
return { lost }
