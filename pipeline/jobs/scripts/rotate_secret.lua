-- Sign a tenant's webhooks with a new `secret`, and for overlap_s seconds with the one before it as well.
allow_full_memory()
local key = KEY.webhook_secret .. args.tenant
local present = redis.call('GET', key)
if present ~= args.secret then  -- else called again: its answer was lost
  if present then redis.call('SET', key .. ':before', present, 'EX', args.overlap_s) end
  redis.call('SET', key, args.secret)
end
return { args.secret }
