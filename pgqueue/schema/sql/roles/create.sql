-- Make the roles that do not exist yet. None can log in: logins are granted them.
--
-- Names come from settings of the transaction, because this text is fixed and CREATE ROLE
-- takes no parameters. The current role becomes a member of the owner role; otherwise it could not
-- transfer objects to it.
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
    select format('the role %I exists already, and %s', name, refused.attribute)
    into refusal
    from pg_roles as existing
    cross join lateral (
      values
        (existing.rolsuper, 'is a superuser'),
        (existing.rolcreaterole, 'may create roles'),
        (existing.rolcreatedb, 'may create databases'),
        (existing.rolcanlogin, 'can log in'),
        (existing.rolbypassrls, 'bypasses row security'),
        (existing.rolreplication, 'may replicate')
    ) as refused (is_set, attribute)
    where existing.rolname = name
      and refused.is_set
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
