-- Make the roles that do not exist yet. None can log in: logins are granted them.
--
-- Names come from settings of the transaction, because this text is fixed and CREATE ROLE
-- takes no parameters. Who runs this is granted the owner, or it could hand over nothing.
do $$
declare
  role text;
  name text;
begin
  foreach role in array array['owner', 'producer', 'worker', 'viewer', 'operator'] loop
    name := current_setting('roles.prefix') || '_' || role;
    if to_regrole(quote_ident(name)) is null then
      execute format('create role %I nologin', name);
    elsif (select found.rolsuper from pg_roles as found where found.rolname = name) then
      raise exception using
        errcode = 'duplicate_object',
        message = format('the role %I exists already, and is a superuser', name);
    end if;
    if role = 'owner' and not pg_has_role(name, 'usage') then
      execute format('grant %I to current_user', name);
    end if;
  end loop;
end
$$;
