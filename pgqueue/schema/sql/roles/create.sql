-- Make the roles that do not exist yet. None can log in: logins are granted them.
--
-- Names come from settings of the transaction, because this text is fixed and CREATE ROLE
-- takes no parameters. Who runs this is granted the owner, or it could hand over nothing.
do $$
declare
  role text;
  name text;
  refusal text;
begin
  foreach role in array array['owner', 'producer', 'worker', 'viewer', 'operator'] loop
    name := current_setting('roles.prefix') || '_' || role;
    if to_regrole(quote_ident(name)) is null then
      execute format('create role %I nologin', name);
    end if;
    select format('the role %I exists already, and %s', name, might.what)
    into refusal
    from pg_roles as found
    cross join lateral (
      values
        (found.rolsuper, 'is a superuser'),
        (found.rolcreaterole, 'may create roles'),
        (found.rolcreatedb, 'may create databases'),
        (found.rolcanlogin, 'can log in'),
        (found.rolbypassrls, 'bypasses row security'),
        (found.rolreplication, 'may replicate')
    ) as might (holds, what)
    where found.rolname = name
      and might.holds
    limit 1;
    if refusal is not null then
      raise exception using errcode = 'duplicate_object', message = refusal;
    end if;
    if role = 'owner' and not pg_has_role(name, 'usage') then
      execute format('grant %I to current_user', name);
    end if;
  end loop;
end
$$;
