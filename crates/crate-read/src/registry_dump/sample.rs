//! Hand-made dumps for tests, in the layout and quoting of the registry.
#![expect(clippy::missing_panics_doc, reason = "a sample that cannot be written ends its test")]

use std::io::Write;

/// A gzip tar of these members, each path below the dated folder.
pub fn dump(members: &[(&str, &str)]) -> Vec<u8> {
    gzip(&tar(members))
}

/// The tar alone.
pub fn tar(members: &[(&str, &str)]) -> Vec<u8> {
    let mut out = Vec::new();
    for (path, text) in members {
        out.extend_from_slice(&header(&format!("2026-03-14-020043/{path}"), text.len() as u64));
        out.extend_from_slice(text.as_bytes());
        out.resize(out.len().next_multiple_of(512), 0);
    }
    out.resize(out.len() + 1024, 0);
    out
}

/// One ustar header.
pub fn header(path: &str, size: u64) -> [u8; 512] {
    let mut header = [0_u8; 512];
    header[..path.len()].copy_from_slice(path.as_bytes());
    header[124..136].copy_from_slice(format!("{size:011o}\0").as_bytes());
    header[156] = b'0';
    header[257..263].copy_from_slice(b"ustar\0");
    header[148..156].copy_from_slice(b"        ");
    let sum: u32 = header.iter().map(|&byte| u32::from(byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    header
}

/// Compresses.
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("small");
    encoder.finish().expect("small")
}

/// The tables of a small registry: one crate, two owners and a team, three versions.
pub const MEMBERS: [(&str, &str); 8] = [
    ("README.md", "# hello\n"),
    ("data/crate_owners.csv", OWNERS),
    ("data/crates.csv", CRATES),
    (
        "data/deleted_crates.csv",
        "available_at,created_at,deleted_at,deleted_by,id,message,name\n,2026-03-01 00:00:00+00,2026-03-02 10:00:00+00,17,9,malicious,acme-tensro\n",
    ),
    ("data/teams.csv", "avatar,github_id,id,login,name,org_id\n,1,55,github:acme:core,core,2\n"),
    ("data/users.csv", USERS),
    ("data/versions.csv", VERSIONS),
    (
        "metadata.json",
        "{\"timestamp\":\"2026-03-14T02:00:43.5Z\",\"crates_io_commit\":\"57fa0006\"}",
    ),
];

/// Founder 17, then user 7001 added by 17, then a team.
pub const OWNERS: &str = "crate_id,created_at,created_by,owner_id,owner_kind\n\
4242,2021-05-02 10:00:00+00,17,17,0\n\
4242,2026-02-20 17:03:11.120000+00,17,7001,0\n\
4242,2022-01-01 00:00:00+00,,55,1\n";

/// With a readme that spans lines and doubles its quotes.
pub const CRATES: &str = "created_at,description,documentation,homepage,id,max_features,max_upload_size,name,readme,repository,trustpub_only,updated_at\n\
2021-05-02 10:00:00+00,\"Fast, \"\"small\"\"\ntensors\",,,4242,,,acme-tensor,\"# Acme\n\nline, \"\"two\"\"\n\",https://forge.invalid/acme/tensor,f,2026-03-14 09:26:53+00\n";

/// The second was made ten weeks before it published.
pub const USERS: &str = "created_at,gh_id,gh_login,id,name,username\n\
2016-01-01 00:00:00+00,1,olga,17,\"Olga \"\"O\"\" K\",olga\n\
2025-12-30 08:00:00+00,2,mira-k,7001,,mira-k\n";

/// Bin names are an array; the first version names no publisher.
pub const VERSIONS: &str = "bin_names,crate_id,created_at,num,published_by,yanked,repository,homepage\n\
{},4242,2021-05-02 10:00:00+00,0.1.0,,f,,\n\
\"{a,b}\",4242,2023-05-02 10:00:00.5+00,0.2.0,17,t,https://forge.invalid/acme/tensor,\n\
{},4242,2026-03-14 09:26:53.123456+00,0.4.1,7001,f,https://forge.invalid/acme/tensor,https://acme.invalid\n";
