"""A hostile schema at the head of a search path, which catches every unqualified name."""

import re
from typing import Any

import psycopg
from statement_files import STATEMENT_FILES

from pgqueue.store.schema_name import Schema

TABLES = (
    *("jobs", "tasks", "attempts", "logs", "workers", "supervisors", "requests"),
    *("new_jobs", "listening_queues"),
)
STATEMENTS = [file for file in STATEMENT_FILES if file != "copy_jobs"]

# For each type, or pair of types, an overload that PostgreSQL prefers to the built-in function,
# unless the arguments have exactly the types of the built-in one.
_OVERLOADS = r"""
do $$
declare
  types text[] := '{smallint,integer,bigint,double precision,numeric,text,name,boolean,jsonb,json,
    timestamptz,interval,text[],bigint[]}';
  operators text[] := '{=,<>,<,<=,>,>=,+,-,*,/,||,->,->>,?,@>,^@}';
  one text;
  two text;
  name text;
begin
  create schema evil;
  grant usage on schema evil to public;
  foreach one in array types loop
    foreach two in array types loop
      execute format(
        'create function evil.strike(%s, %s) returns boolean language plpgsql as
        ''begin raise exception ''''hijacked''''; end''', one, two);
      foreach name in array operators loop
        execute format(
          'create operator evil.%s (leftarg = %s, rightarg = %s, function = evil.strike)',
          name, one, two);
      end loop;
      foreach name in array string_to_array(current_setting('hostile.functions'), ',') loop
        execute format(
          'create function evil.%I(%s, %s) returns %2$s language plpgsql as
          ''begin raise exception ''''hijacked''''; end''', name, one, two);
      end loop;
    end loop;
    foreach name in array string_to_array(current_setting('hostile.functions'), ',') loop
      execute format(
        'create function evil.%I(%s) returns %2$s language plpgsql as
        ''begin raise exception ''''hijacked''''; end''', name, one);
    end loop;
  end loop;
end
$$
"""


def overload(connection: "psycopg.Connection[Any]") -> None:
    """Create the schema with its functions and operators, unless it exists."""
    if connection.execute("select to_regnamespace('evil') is null").fetchall() == [(True,)]:
        connection.execute(
            "select set_config('hostile.functions', %s, false)", [",".join(_functions())]
        )
        connection.execute(_OVERLOADS)


def shadow(connection: "psycopg.Connection[Any]") -> None:
    """Create a table in it for each of our tables."""
    for table in TABLES:
        connection.execute(
            f"create table if not exists evil.{table} (like pgqueue.{table})".encode()
        )
    connection.execute("grant all on all tables in schema evil to public")


def _functions() -> list[str]:
    """The names of the functions that our statements call, as far as a pattern can tell."""
    text = " ".join(Schema().render(file) for file in STATEMENTS)
    known = {"any", "all", "in", "as", "and", "or", "exists", "select", "values", "filter"}
    return sorted(set(re.findall(r"(?<![.\w])([a-z_]+)\(", text)) - known)
