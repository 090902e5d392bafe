#!/usr/bin/env python3
"""Makes a repository for every crate of a lockfile, and archives that name its commits.

Usage: repositories.py CARGO_HOME Cargo.lock FOLDER COMMITS. Archives are taken from CARGO_HOME/registry/cache.
FOLDER gets `home` (archives whose record names the new commits), `project/Cargo.lock` (with their checksums)
and `clones/owner+name` (bare; COMMITS commits before the first release, the releases as tags). A crate whose
manifest takes values over from a workspace gets its manifest in force as the author's, since the workspace is
not in the archive. `repositories.py --serve FOLDER` serves the clones over http on this machine with git's own
backend and counts what it sends.
"""
import gzip
import hashlib
import io
import json
import os
import re
import subprocess
import sys
import tarfile
import tomllib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

GIT = {"PATH": os.environ["PATH"], "GIT_CONFIG_NOSYSTEM": "1", "HOME": "/nonexistent"}


def locked(text):
    for block in text.split("[[package]]")[1:]:
        told = dict(re.findall(r'^(name|version|checksum) = "(.*)"$', block, re.M))
        if "checksum" in told:
            yield told


def unpacked(path, root):
    files = {}
    with tarfile.open(path) as tar:
        for member in tar:
            if member.isfile() and member.name.startswith(root + "/"):
                files[member.name[len(root) + 1:]] = (tar.extractfile(member).read(), member.mode)
    return files


def address(files):
    try:
        url = tomllib.loads(files["Cargo.toml"][0].decode())["package"].get("repository", "")
    except (KeyError, ValueError):
        return None
    parts = [part for part in url.split("://")[-1].split("/") if part]
    return tuple(part.removesuffix(".git").lower() for part in parts[1:3]) if len(parts) > 2 else None


def main(home, lock, folder, commits):
    text = open(lock).read()
    caches = os.path.join(home, "registry", "cache")
    registry = sorted(os.listdir(caches))[0]
    target = os.path.join(folder, "home", "registry", "cache", registry)
    for made in (target, os.path.join(folder, "clones"), os.path.join(folder, "project")):
        os.makedirs(made)
    repositories, alone = {}, 0
    for crate in locked(text):
        root = f"{crate['name']}-{crate['version']}"
        path = os.path.join(caches, registry, root + ".crate")
        if not os.path.exists(path):
            continue
        files = unpacked(path, root)
        if b"workspace" in files.get("Cargo.toml.orig", (b"",))[0]:
            files["Cargo.toml.orig"] = files["Cargo.toml"]
        record = json.loads(files.get(".cargo_vcs_info.json", (b"{}",))[0])
        at, old = address(files), record.get("git", {}).get("sha1")
        if at is None or old is None:
            os.link(path, os.path.join(target, root + ".crate"))
            alone += 1
            continue
        repositories.setdefault(at, {}).setdefault(old, []).append((crate, root, record, files))
    for at, releases in repositories.items():
        text = release(folder, target, "+".join(at), releases, commits, text)
    with open(os.path.join(folder, "project", "Cargo.lock"), "w") as file:
        file.write(text)
    crates = sum(len(all_) for releases in repositories.values() for all_ in releases.values())
    pairs = sum(len(releases) for releases in repositories.values())
    print(f"{crates} crates in {len(repositories)} repositories and {pairs} commits; {alone} without")


def release(folder, target, name, releases, commits, text):
    clone = os.path.join(folder, "clones", name)
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", clone], env=GIT, check=True)
    for key, value in (("remote.origin.url", f"https://github.com/{name.replace('+', '/')}.git"),
                       ("uploadpack.allowFilter", "true"), ("uploadpack.allowAnySHA1InWant", "true")):
        subprocess.run(["git", "-C", clone, "config", key, value], env=GIT, check=True)
    stream, seconds = io.BytesIO(), 1_500_000_000

    def commit(message, files):
        nonlocal seconds
        seconds += 86_400
        stream.write(f"commit refs/heads/main\ncommitter P{seconds // 86_400 % 5} <p@mail.example> {seconds} +0000\n"
                     f"data {len(message)}\n{message}\n".encode())
        for path, (data, _) in files:
            stream.write(f"M 100644 inline {json.dumps(path)}\ndata {len(data)}\n".encode() + data + b"\n")

    for number in range(commits):
        commit("c", [("log", (f"{number}\n".encode() * 20, 0))])
    for at, crates in enumerate(releases.values()):
        stream.write(b"")
        files = []
        for crate, _, record, contents in crates:
            # An old record does not tell the folder: several crates of one commit must not lie in one.
            below = record.get("path_in_vcs", crate["name"] if len(crates) > 1 else "")
            for path, data in contents.items():
                if path in (".cargo_vcs_info.json", "Cargo.toml", "Cargo.lock"):
                    continue
                path = "Cargo.toml" if path == "Cargo.toml.orig" else path
                files.append((f"{below}/{path}" if below else path, data))
        commit("release", files)
        stream.write(f"reset refs/tags/made-{at}\nfrom refs/heads/main\n\n".encode())
    subprocess.run(["git", "-C", clone, "fast-import", "--quiet"], input=stream.getvalue(), env=GIT, check=True)
    for at, crates in enumerate(releases.values()):
        made = subprocess.run(["git", "-C", clone, "rev-parse", f"refs/tags/made-{at}"], env=GIT, check=True,
                              capture_output=True, text=True).stdout.strip()
        for crate, root, record, contents in crates:
            record["git"]["sha1"] = made
            contents[".cargo_vcs_info.json"] = (json.dumps(record).encode(), 0o644)
            data = packed(root, contents)
            with open(os.path.join(target, root + ".crate"), "wb") as file:
                file.write(data)
            text = text.replace(crate["checksum"], hashlib.sha256(data).hexdigest())
    return text


def packed(root, contents):
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as tar:
        for path, (data, mode) in contents.items():
            member = tarfile.TarInfo(f"{root}/{path}")
            member.size, member.mode = len(data), mode
            tar.addfile(member, io.BytesIO(data))
    return gzip.compress(plain.getvalue(), 1, mtime=0)


class Backend(BaseHTTPRequestHandler):
    sent = 0

    def answer(self):
        path, _, query = self.path.partition("?")
        owner, name, rest = path.lstrip("/").split("/", 2)
        length = int(self.headers.get("content-length") or 0)
        variables = dict(GIT, GIT_PROJECT_ROOT=os.path.join(sys.argv[2], "clones"), GIT_HTTP_EXPORT_ALL="1",
                         REQUEST_METHOD=self.command, QUERY_STRING=query,
                         PATH_INFO=f"/{owner}+{name.removesuffix('.git')}/{rest}",
                         CONTENT_TYPE=self.headers.get("content-type") or "", CONTENT_LENGTH=str(length),
                         HTTP_CONTENT_ENCODING=self.headers.get("content-encoding") or "",
                         GIT_PROTOCOL=self.headers.get("git-protocol") or "", GIT_CONFIG_COUNT="1",
                         GIT_CONFIG_KEY_0="safe.directory", GIT_CONFIG_VALUE_0="*")
        out = subprocess.run(["git", "http-backend"], input=self.rfile.read(length), env=variables,
                             capture_output=True).stdout
        head, _, body = out.partition(b"\r\n\r\n")
        lines = dict(line.split(": ", 1) for line in head.decode().splitlines())
        self.send_response(int(lines.pop("Status", "200").split()[0]))
        for name, value in lines.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        Backend.sent += len(body)
        with open(os.path.join(sys.argv[2], "sent"), "w") as file:
            file.write(str(Backend.sent))

    do_GET = do_POST = answer

    def log_message(self, *_):
        pass


if sys.argv[1] == "--serve":
    server = ThreadingHTTPServer(("127.0.0.1", 0), Backend)
    print(server.server_address[1], flush=True)
    server.serve_forever()
else:
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
