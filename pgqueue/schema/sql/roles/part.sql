-- Revoke the memberships of our roles in each other, so that each has its own rights alone.
--
-- From PostgreSQL 16 on each grantor has a membership of its own.
do $$
declare
  ours text[] := array(
    select current_setting('roles.prefix') || '_' || role.name
    from unnest(array['owner', 'producer', 'worker', 'viewer', 'operator']) as role (name)
  );
  grant_row record;
begin
  for grant_row in
    select parent.rolname as parent, child.rolname as child, grantor.rolname as grantor
    from pg_auth_members as membership
    join pg_roles as parent on parent.oid = membership.roleid
    join pg_roles as child on child.oid = membership.member
    join pg_roles as grantor on grantor.oid = membership.grantor
    where child.rolname = any(ours)
  loop
    if grant_row.parent <> all(ours) then
      raise exception using
        errcode = 'duplicate_object',
        message = format(
          'the role %I exists already, and is a member of %I: revoke that',
          grant_row.child,
          grant_row.parent
        );
    elsif current_setting('server_version_num')::integer >= 160000 then
      execute format(
        'revoke %I from %I granted by %I', grant_row.parent, grant_row.child, grant_row.grantor
      );
    else
      execute format('revoke %I from %I', grant_row.parent, grant_row.child);
    end if;
  end loop;
end
$$;
