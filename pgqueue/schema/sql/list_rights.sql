-- List the rights on the schema: of our roles, of public, and of owners.
--
-- An owner's own rights are left out, as it has them all. A role that is a `member` of another has
-- the rights of that one too. The roles go by their short names,
-- others by their own. A right on some columns names them; `future` lists what the owner's next
-- objects will grant.
--
-- Index: none; the catalogs, by schema.
-- Locks: none.
with named as (
  select role.oid, right(role.rolname, - length(%(prefix)s::text) - 1) as name
  from pg_catalog.pg_roles as role
  where role.rolname = any(%(roles)s::text[])
),
home as (
  select space.oid, space.nspowner, space.nspacl
  from pg_catalog.pg_namespace as space
  where space.nspname = %(schema)s::text
),
object as (
  select
    'schema' as kind,
    ''::text as name,
    null::text as part,
    home.nspowner as owner,
    coalesce(home.nspacl, pg_catalog.acldefault('n', home.nspowner)) as acl
  from home
  union all
  select
    case class.relkind when 'v' then 'view' when 'S' then 'sequence' else 'table' end,
    class.relname,
    null,
    class.relowner,
    coalesce(
      class.relacl,
      pg_catalog.acldefault(
        case class.relkind when 'S' then 's'::"char" else 'r'::"char" end,
        class.relowner
      )
    )
  from home
  join pg_catalog.pg_class as class on class.relnamespace = home.oid
  where class.relkind in ('r', 'v', 'S')
  union all
  select 'columns', class.relname, attribute.attname, class.relowner, attribute.attacl
  from home
  join pg_catalog.pg_class as class on class.relnamespace = home.oid
  join pg_catalog.pg_attribute as attribute on attribute.attrelid = class.oid
  where attribute.attacl is not null
  union all
  -- An array has the rights of its element type.
  select
    case type.typtype when 'd' then 'domain' else 'row type' end,
    type.typname,
    null,
    type.typowner,
    coalesce(type.typacl, pg_catalog.acldefault('T', type.typowner))
  from home
  join pg_catalog.pg_type as type on type.typnamespace = home.oid
  where type.typtype in ('d', 'c')
  union all
  select
    'function',
    function.proname,
    null,
    function.proowner,
    coalesce(function.proacl, pg_catalog.acldefault('f', function.proowner))
  from home
  join pg_catalog.pg_proc as function on function.pronamespace = home.oid
  union all
  select
    'future',
    future.kind,
    null,
    named.oid,
    coalesce(general.defaclacl, pg_catalog.acldefault(future.letter::"char", named.oid))
      || coalesce(here.defaclacl, '{}')
  from named
  cross join home
  cross join (
    values ('table', 'r', 'r'), ('sequence', 's', 'S'), ('function', 'f', 'f'), ('type', 'T', 'T')
  ) as future (kind, letter, type)
  left join pg_catalog.pg_default_acl as general
    on general.defaclrole = named.oid
    and general.defaclnamespace = 0
    and general.defaclobjtype = future.type::"char"
  left join pg_catalog.pg_default_acl as here
    on here.defaclrole = named.oid
    and here.defaclnamespace = home.oid
    and here.defaclobjtype = future.type::"char"
  where named.name = 'owner'
)
select named.name, 'exists', 'role', ''
from named
union all
select distinct
  named.name,
  'member',
  'role',
  coalesce(parent.name, pg_catalog.pg_get_userbyid(membership.roleid))
from pg_catalog.pg_auth_members as membership
join named on named.oid = membership.member
left join named as parent on parent.oid = membership.roleid
union all
select
  coalesce(named.name, pg_catalog.pg_get_userbyid(object.owner)),
  'owns',
  object.kind,
  object.name
from object
left join named on named.oid = object.owner
where object.kind not in ('columns', 'row type', 'future')
union all
select
  coalesce(
    named.name,
    case when privilege.grantee = 0 then 'public' else pg_catalog.pg_get_userbyid(privilege.grantee) end
  ),
  lower(privilege.privilege_type),
  object.kind,
  object.name
    || coalesce(' (' || string_agg(object.part, ', ' order by object.part) || ')', '')
from object
cross join lateral pg_catalog.aclexplode(object.acl) as privilege
left join named on named.oid = privilege.grantee
where privilege.grantee <> object.owner
group by named.name, privilege.grantee, privilege.privilege_type, object.kind, object.name;
