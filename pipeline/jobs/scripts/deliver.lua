-- Claim deliveries that are due. At most `limit` are open at the same time, of one tenant at most tenant_limit, of a
-- tenant to one host at most host_limit; only one to a host whose latest delivery failed. Those that the caller is sending
-- already are counted: `open` has 'tenant/host' for each. A tenant or a host gets another one only while it has fewer than
-- are still free, and a host of a tenant while it has fewer than are free for that tenant: so there is always one left for
-- those that have none, however many are slow (dynamic thresholds, as in switches with a shared memory: Choudhury and
-- Hahne, 1998). Those with the fewest open come first.
-- A claimed delivery is due again after lease_s seconds. A delivery whose job is gone is removed; one that was tried
-- `attempts` times is given up. Called again (its answer was lost), `call` claims what it claimed before. Returns names,
-- and the fields of each delivery.
allow_full_memory()
local MAX_REMOVED = 500  -- in one call
local mine, open, free, removed, claimed = KEY.delivering .. args.call, {}, args.limit, 0, {}

-- How many are open: of a tenant, of a tenant to a host, or of all tenants ('*') to a host.
local function count(tenant, host) return open[tenant .. '/' .. (host or '*')] or 0 end

local function add_open(tenant, host)
  free = free - 1
  for _, each in ipairs({ tenant .. '/*', tenant .. '/' .. host, '*/' .. host }) do open[each] = (open[each] or 0) + 1 end
end

local function has_room(tenant) return count(tenant) < math.min(args.tenant_limit, free) end  -- mutant: deliveries per tenant

local function host_has_room(tenant, host)
  local answers = redis.call('EXISTS', KEY.answering .. tenant .. '/' .. host) == 1  -- mutant: slow start
  local limit = math.min(answers and args.host_limit or 1, args.tenant_limit - count(tenant))
  -- mutant: deliveries per host
  if count(tenant, host) < limit and count('*', host) < free then return true end
  return false
end

-- The tenant's due host with the fewest open deliveries. Of those due first only as many are looked at as may be busy.
local function next_host(tenant)
  local best
  for _, host in ipairs(redis.call('ZRANGEBYSCORE', hosts_key(tenant), '-inf', NOW, 'LIMIT', 0, args.limit + 1)) do
    if host_has_room(tenant, host) and (not best or count(tenant, host) < count(tenant, best)) then best = host end
  end
  return best
end

-- The first delivery that is due to the host, if it can be made; one that cannot be is removed, and so is a host whose
-- deliveries have expired.
local function next_delivery(tenant, host)
  local name = redis.call('ZRANGEBYSCORE', host_key(tenant, host), '-inf', NOW, 'LIMIT', 0, 1)[1]
  if not name then return index_delivery(tenant, host) end
  local delivery = KEY.delivery .. name
  local tried = string.match(get_of(delivery, 'host') and get_of(delivery, 'tried') or '', '^%d+$')
  local is_open = tried and has_record(string.match(name, '^(.*)/') or '')
  if is_open and tonumber(tried) < args.attempts then return name end
  remove_due(name, host)
  if is_open then redis.call('HSET', delivery, 'state', 'given_up') else redis.call('DEL', delivery) end
end

-- An earlier version had the deliveries themselves where the tenants are now.
local function index_as_before(name)
  local host = get_of(KEY.delivery .. name, 'host')
  redis.call('ZREM', KEY.deliveries, name)
  if host then set_due(name, host, NOW) end
end

local function claim_next(tenant)  -- false when the tenant has nothing more that may be claimed
  while has_room(tenant) and removed < MAX_REMOVED do
    local host = next_host(tenant)
    if not host then
      index_by_first(KEY.deliveries, tenant, hosts_key(tenant))  -- a tenant whose deliveries have expired leaves it
      return false
    end
    local name = next_delivery(tenant, host)
    if name then
      add_open(tenant, host)
      redis.call('HINCRBY', KEY.delivery .. name, 'tried', 1)
      redis.call('SADD', mine, name)
      redis.call('EXPIRE', mine, math.ceil(args.lease_s) + 1)
      set_due(name, host, NOW + args.lease_s)  -- mutant: delivery lease
      return true
    end
    removed = removed + 1
  end
  return false
end

if redis.call('EXISTS', mine) == 0 then
  for _, each in ipairs(args.open) do add_open(unpack({ string.match(each, '^([^/]*)/(.*)$') })) end
  for _, each in ipairs(redis.call('ZRANGEBYSCORE', KEY.deliveries, '-inf', NOW)) do
    if string.find(each, '/', 1, true) then index_as_before(each) end
  end
  local tenants = redis.call('ZRANGEBYSCORE', KEY.deliveries, '-inf', NOW)
  for level = 0, args.tenant_limit - 1 do  -- first those with nothing open, then those with one …
    local rest = {}
    for _, tenant in ipairs(tenants) do
      if count(tenant) > level or claim_next(tenant) then rest[#rest + 1] = tenant end
    end
    tenants = rest
  end
end
for _, name in ipairs(redis.call('SMEMBERS', mine)) do
  local delivery = redis.pcall('HGETALL', KEY.delivery .. name)
  if not delivery.err and #delivery > 0 then claimed[#claimed + 1] = { name, delivery } end
end
return claimed
