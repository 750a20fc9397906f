-- Take our roles apart: none of them is a member of another, so that each has its own rights alone.
--
-- From PostgreSQL 16 on there is one membership for each who granted it.
do $$
declare
  ours text[] := array(
    select current_setting('roles.prefix') || '_' || role.name
    from unnest(array['owner', 'producer', 'worker', 'viewer', 'operator']) as role (name)
  );
  given record;
begin
  for given in
    select whole.rolname as whole, part.rolname as part, grantor.rolname as grantor
    from pg_auth_members as membership
    join pg_roles as whole on whole.oid = membership.roleid
    join pg_roles as part on part.oid = membership.member
    join pg_roles as grantor on grantor.oid = membership.grantor
    where part.rolname = any(ours)
  loop
    if given.whole <> all(ours) then
      raise exception using
        errcode = 'duplicate_object',
        message = format(
          'the role %I exists already, and is a member of %I: revoke that', given.part, given.whole
        );
    elsif current_setting('server_version_num')::integer >= 160000 then
      execute format('revoke %I from %I granted by %I', given.whole, given.part, given.grantor);
    else
      execute format('revoke %I from %I', given.whole, given.part);
    end if;
  end loop;
end
$$;
