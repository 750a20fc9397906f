-- Return the options of a call, or refuse them: a misspelled option would be lost without a word.
create function pgqueue.checked_options(options jsonb) returns jsonb
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  types constant jsonb = '{
    "queue": ["string"],
    "priority": ["number"],
    "executor": ["string"],
    "delivery": ["string"],
    "max_attempts": ["number"],
    "backoff": ["string"],
    "backoff_base_seconds": ["number"],
    "backoff_max_seconds": ["number"],
    "backoff_jitter": ["boolean"],
    "timeout_seconds": ["number", "null"],
    "keep_seconds": ["number"],
    "expires_after_seconds": ["number", "null"],
    "tags": ["array"]
  }';
  option record;
begin
  if jsonb_typeof(options) <> 'object' then
    raise exception using
      errcode = 'invalid_parameter_value',
      message = 'options takes a JSON object, and no ' || jsonb_typeof(options),
      hint = 'Leave options out, or pass SQL null, for the options of the task.';
  end if;
  for option in select each.key, each.value from jsonb_each(options) as each loop
    if not types ? option.key then
      raise exception using
        errcode = 'invalid_parameter_value',
        message = format('options has no option %L', option.key),
        hint = 'It takes ' || (
          select string_agg(name, ', ' order by name) from jsonb_object_keys(types) as name
        ) || '.';
    end if;
    if not types -> option.key ? jsonb_typeof(option.value) then
      raise exception using
        errcode = 'invalid_parameter_value',
        message = format('option %L takes no %s', option.key, jsonb_typeof(option.value)),
        hint = 'It takes a value of type ' || (types -> option.key ->> 0) || '.';
    end if;
  end loop;
  return options;
end
$$;
