-- Base rates over a census in DuckDB, as lines of rules/tables/base-rates.toml with a 95 % Wilson interval
-- in percent. First a view `facts` with a column `line`:
--   CREATE VIEW facts AS SELECT json::VARCHAR AS line FROM read_json_objects('facts.jsonl',
--     format = 'newline_delimited', maximum_object_size = 67108864);      -- what `facts --stdin` printed
--   CREATE VIEW facts AS SELECT line FROM read_parquet('census.parquet/*.parquet');       -- what Spark wrote
-- `of` counts crates on which it could be determined: what is unknown is neither yes nor no.
WITH told AS (
  SELECT unnest([
    {name: 'runs-at-build', value: json_extract_string(line, '$.facts.build.runs_at_build')},
    {name: 'proc-macro', value: json_extract_string(line, '$.facts.build.proc_macro')},
    {name: 'dirty-vcs-info', value: json_extract_string(line, '$.facts.archive.vcs.dirty')},
    {name: 'has-vcs-info', value: json_extract_string(line, '$.facts.archive.vcs.present')}
  ], recursive := true)
  FROM facts
  WHERE json_extract(line, '$.error') IS NULL
),
counted AS (
  SELECT name, count_if(value = 'true') AS fires, count_if(value IN ('true', 'false')) AS n
  FROM told GROUP BY name
),
wilson AS (
  SELECT *, fires / n AS p, 1.959964 * 1.959964 AS zz FROM counted WHERE n > 0
)
SELECT format('{} = {{ fires = {}, of = {} }} # {:.2f} to {:.2f} %', name, fires, n,
  100 * (p + zz / (2 * n) - 1.959964 * sqrt(p * (1 - p) / n + zz / (4 * n * n))) / (1 + zz / n),
  100 * (p + zz / (2 * n) + 1.959964 * sqrt(p * (1 - p) / n + zz / (4 * n * n))) / (1 + zz / n)) AS rate
FROM wilson ORDER BY name;
