#!/usr/bin/env bash
# Puts a released program into a folder: install-release.sh VERSION FOLDER [SHA256]
#
# The archive has to have the SHA-256 that is given; without one, that of the release's own list, and then
# `gh`, where it is there and has a token, also has to find the release workflow's attestation. Exit code
# 4: there is no release of this version for this machine, and nothing was written; 1: what was fetched is
# not what was promised, and nothing was written.
set -euo pipefail
version=$1
folder=$2
promised=${3:-}
repository=cargo-custody/cargo-custody
releases=${CUSTODY_RELEASES:-https://github.com/$repository/releases/download}

case "$(uname -s)-$(uname -m)" in
  Linux-x86_64) target=x86_64-unknown-linux-gnu ;;
  Linux-aarch64) target=aarch64-unknown-linux-gnu ;;
  Darwin-x86_64) target=x86_64-apple-darwin ;;
  Darwin-arm64) target=aarch64-apple-darwin ;;
  MINGW*-x86_64 | MSYS*-x86_64) target=x86_64-pc-windows-msvc ;;
  *) echo "there is no release for $(uname -s) on $(uname -m)" >&2; exit 4 ;;
esac
name=cargo-custody-v$version-$target
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

fetch() { # FILE
  curl --silent --show-error --fail --location --proto '=https,file' --proto-redir '=https' \
    --max-time 300 --max-filesize 104857600 --output "$1" "$releases/v$version/$1"
}
fetch "$name.tar.gz" || { echo "there is no release of $version for $target" >&2; exit 4; }

if command -v sha256sum > /dev/null; then found=$(sha256sum < "$name.tar.gz"); else found=$(shasum -a 256 < "$name.tar.gz"); fi
found=${found%% *}
if [ -z "$promised" ]; then
  fetch "$name.sha256" || { echo "the release names no hash of $name.tar.gz" >&2; exit 1; }
  promised=$(cut -d ' ' -f 1 < "$name.sha256")
  if [ -n "${GH_TOKEN:-}" ] && command -v gh > /dev/null; then
    gh attestation verify "$name.tar.gz" --repo "$repository" \
      --signer-workflow "$repository/.github/workflows/release.yml"
  fi
fi
if [ "$found" != "$promised" ]; then
  echo "$name.tar.gz has the SHA-256 $found, and $promised was promised" >&2
  exit 1
fi

program=cargo-custody
case $target in *-windows-*) program=cargo-custody.exe ;; esac
tar -xzf "$name.tar.gz" "$name/$program"
mkdir -p "$folder"
mv "$name/$program" "$folder/$program"
