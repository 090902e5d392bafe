-- Base rates over a census in Spark SQL, each with n and a 95 % Wilson interval in percent:
--   spark-sql -e "CREATE TEMPORARY VIEW facts USING parquet OPTIONS (path 'census.parquet'); $(cat base-rates.sql)"
-- `of` counts crates on which it could be determined: what is unknown is neither yes nor no.
WITH told AS (
  SELECT stack(4,
    'runs-at-build', get_json_object(line, '$.facts.build.runs_at_build'),
    'proc-macro', get_json_object(line, '$.facts.build.proc_macro'),
    'dirty-vcs-info', get_json_object(line, '$.facts.archive.vcs.dirty'),
    'has-vcs-info', get_json_object(line, '$.facts.archive.vcs.present')
  ) AS (name, value)
  FROM facts
  WHERE get_json_object(line, '$.error') IS NULL
),
counted AS (
  SELECT name, count_if(value = 'true') AS fires, count_if(value IN ('true', 'false')) AS n
  FROM told GROUP BY name
),
wilson AS (
  SELECT *, fires / n AS p, 1.959964 * 1.959964 AS zz FROM counted WHERE n > 0
)
SELECT name, fires, n AS of,
  round(100 * (p + zz / (2 * n) - 1.959964 * sqrt(p * (1 - p) / n + zz / (4 * n * n))) / (1 + zz / n), 2) AS low,
  round(100 * (p + zz / (2 * n) + 1.959964 * sqrt(p * (1 - p) / n + zz / (4 * n * n))) / (1 + zz / n), 2) AS high
FROM wilson ORDER BY name;
