-- Write the class `name`, tenant/id: `school_class` is its JSON text, `earlier` the one that it takes the place of, nil for
-- a new class. Returns put, or changed: what is stored is not `earlier`.
local record, tenant = KEY.class .. args.name, string.match(args.name, '^[^/]+')
local present = get_of(record, 'class') or nil
if present ~= args.earlier then return { 'changed' } end  -- mutant: class as it was read
if present and #args.school_class < #present then allow_full_memory() end  -- who is erased leaves at any time
redis.call('HSET', record, 'class', args.school_class)
redis.call('HSETNX', record, 'created_at', format_seconds(NOW))
redis.call('ZADD', KEY.classes .. tenant, 'NX', NOW, args.name)
return { 'put' }
