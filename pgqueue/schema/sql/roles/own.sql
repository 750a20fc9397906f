-- Transfer the schema and its objects to the owner role.
--
-- Functions that run with the rights of their owner then have the rights of a role that owns nothing
-- else. Only objects of other owners are altered: ALTER ... OWNER locks a table against all sessions.
-- The schema comes first, as the owner of a table must be allowed to create in it.
do $$
declare
  owner regrole := quote_ident(current_setting('roles.prefix') || '_owner')::regrole;
  schema regnamespace := quote_ident(current_setting('roles.schema'))::regnamespace;
  object text;
begin
  for object in
    select format('schema %s', found.oid::regnamespace)
    from pg_namespace as found
    where found.oid = schema
      and found.nspowner <> owner
    union all
    select format(
      '%s %s',
      case found.relkind when 'v' then 'view' when 'S' then 'sequence' else 'table' end,
      found.oid::regclass
    )
    from pg_class as found
    where found.relnamespace = schema
      and found.relowner <> owner
      and found.relkind in ('r', 'v', 'S')
      and not exists (
        select
        from pg_depend as identity
        where identity.classid = 'pg_class'::regclass
          and identity.objid = found.oid
          and identity.deptype = 'i'
      )
    union all
    select format('domain %s', found.oid::regtype)
    from pg_type as found
    where found.typnamespace = schema
      and found.typowner <> owner
      and found.typtype = 'd'
    union all
    select format('function %s', found.oid::regprocedure)
    from pg_proc as found
    where found.pronamespace = schema
      and found.proowner <> owner
  loop
    execute format('alter %s owner to %s', object, owner);
  end loop;
end
$$;
