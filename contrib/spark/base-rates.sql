-- Base rates over a census, as Spark SQL: a table in the form of rules/tables/base-rates.toml, each rate with
-- its 95 % Wilson interval in percent. `of` counts the crates on which a signal could be told: what is
-- unknown is neither yes nor no, and a crate that comes twice counts once. `census.py --sql` runs it; by hand:
--   CREATE TEMPORARY VIEW facts USING parquet OPTIONS (path 'census.parquet');
WITH signals(signal, place, yes) AS (SELECT * FROM VALUES
  -- A signal, its fact, and how a fact looks on which it fires; three characters are a list of something.
  ('build-decode', '$.facts.build.capability_names', '"(decode|decompress|decrypt)"'),
  ('build-dynamic-load', '$.facts.build.capability_names', '"dynamic-load"'),
  ('build-home-read', '$.facts.build.capability_names', '"home-or-credential-read"'),
  ('build-network', '$.facts.build.capability_names', '"(network|download|raw-socket)"'),
  ('build-secret-read', '$.facts.build.capability_names', '"secret-read"'),
  ('build-shell', '$.facts.build.capability_names', '"shell"'),
  ('build-writes-outside', '$.facts.build.capability_names', '"(write-outside-out-dir|rustc-wrapper)"'),
  ('cargo-config-program', '$.facts.concealment.cargo_programs', '^.{3}'),
  ('dirty-vcs-info', '$.facts.archive.vcs', '"dirty":true'),
  ('ignored-build-input', '$.facts.concealment.ignored_inputs', '^.{3}'),
  ('native-command-chain', '$.facts.native.chains', '^.{3}'),
  ('no-vcs-info', '$.facts.archive.vcs.present', '^false$'),
  ('pre-main', '$.facts.secrets.pre_main', '^.{3}'),
  ('probe-cannot-compile', '$.facts.native.broken_probes', '^.{3}'),
  ('runs-at-build', '$.facts.build.runs_at_build', '^true$'),
  ('sole-publisher', '$.facts.custody.sole_publisher', '^true$'),
  ('trailing-data', '$.facts.concealment.trailing', '^.{3}')
),
crates AS (
  SELECT min(line) AS line FROM facts
  WHERE get_json_object(line, '$.subject.kind') = 'crate'
  GROUP BY get_json_object(line, '$.subject')
),
told AS (
  SELECT signal, yes, get_json_object(line, place) AS fact FROM crates CROSS JOIN signals
),
counted AS (
  -- An object is `{"$unknown": "reason"}`.
  SELECT signal, count(*) FILTER (WHERE fact NOT LIKE '{"$unknown"%' AND fact RLIKE yes) AS fires,
    count(*) FILTER (WHERE fact NOT LIKE '{"$unknown"%') AS n
  FROM told GROUP BY signal
),
wilson AS (
  SELECT *, 1.959964D * 1.959964D AS zz, CASE WHEN n > 0 THEN CAST(fires AS DOUBLE) / n ELSE 0 END AS p
  FROM counted
),
bounds AS (
  SELECT *, (p + zz / (2 * greatest(n, 1))) / (1 + zz / greatest(n, 1)) AS centre,
    1.959964D * sqrt(p * (1 - p) / greatest(n, 1) + zz / (4D * greatest(n, 1) * greatest(n, 1)))
      / (1 + zz / greatest(n, 1)) AS spread
  FROM wilson
),
lines(part, signal, line) AS (
  SELECT 0, '', format_string('date = "%s"', CAST(current_date() AS STRING))
  UNION ALL SELECT 1, '', format_string('source = "base-rates.sql over facts of %d crates"', count(*)) FROM crates
  UNION ALL SELECT 2, '', ''
  UNION ALL SELECT 3, '', '[signals]'
  UNION ALL SELECT 4, signal, format_string('%s = { fires = %d, of = %d }', signal, fires, n)
    || CASE WHEN n > 0 THEN format_string(' # %.2f to %.2f %%', 100 * greatest(centre - spread, 0D),
      100 * least(centre + spread, 1D)) ELSE '' END
  FROM bounds
)
SELECT line FROM lines ORDER BY part, signal;
