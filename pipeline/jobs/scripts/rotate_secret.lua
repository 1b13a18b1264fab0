-- rotate_secret(tenant, new, overlap_s): sign with the new secret, and for a while with the one before it as well.
local tenant, new, overlap = unpack(ARGV)
local secret = KEY.webhook_secret .. tenant
local present = redis.call('GET', secret)
if present ~= new then  -- else called again: its answer was lost
  if present then redis.call('SET', secret .. ':before', present, 'EX', overlap) end
  redis.call('SET', secret, new)
end
return { new }
