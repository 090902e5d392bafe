-- Which projects of a fleet lock a crate, from the records that `cargo custody fleet --out audits` leaves, as
-- DuckDB. `cargo custody fleet who NAME --out audits` answers the same without SQL.
SELECT locked.name AS crate, locked.version AS version, count(DISTINCT project) AS projects,
  list(DISTINCT project ORDER BY project) AS who
FROM (
  SELECT project, unnest(locked) AS locked
  FROM read_json('audits/projects/*.json', columns = {project: 'VARCHAR',
    locked: 'STRUCT(name VARCHAR, version VARCHAR)[]'})
)
WHERE locked.name = 'serde'
GROUP BY ALL ORDER BY version;
