"""Calls the Hub in HF_ENDPOINT with the real `huggingface_hub`, as projects do, and checks that our own
reading of its cache is right."""

import hashlib
import os

from huggingface_hub import HfApi, hf_hub_download
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

api = HfApi(endpoint=os.environ["HF_ENDPOINT"], token=False)
REPO = "org/taken-over"

info = api.model_info(REPO, files_metadata=True)
assert info.id == REPO and len(info.sha) == 40, info
large = {f.rfilename: f for f in info.siblings}["pytorch_model.bin"]
assert len(large.lfs.sha256) == 64 and large.size == large.lfs.size, large

tree = list(api.list_repo_tree(REPO, recursive=True, expand=True))
assert {entry.path for entry in tree} == {f.rfilename for f in info.siblings}, tree
assert all(entry.last_commit.oid for entry in tree), tree

commits = api.list_repo_commits(REPO)
assert commits[0].authors == ["eve"] and commits[0].commit_id == info.sha, commits

refs = api.list_repo_refs(REPO, include_pull_requests=True)
assert [b.name for b in refs.branches] == ["main"], refs
assert refs.branches[0].target_commit == info.sha, refs

# A small file by its git id, a large one over a redirect to another host by its SHA-256.
entries = {e.path: e for e in tree}
for name in ["config.json", "pytorch_model.bin"]:
    path = hf_hub_download(REPO, name, endpoint=os.environ["HF_ENDPOINT"], token=False)
    data = open(path, "rb").read()
    blob = os.path.basename(os.path.realpath(path))
    if entries[name].lfs:
        assert hashlib.sha256(data).hexdigest() == entries[name].lfs.sha256 == blob, blob
    else:
        git = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
        assert git == entries[name].blob_id == blob, blob

# Pages, renamed names and refusals.
assert len(list(api.list_repo_tree("org/huge", recursive=True, expand=True))) == 10_000
assert api.model_info("former/quiet").id == "org/quiet"
for repo, error in [
    ("org/gated", GatedRepoError),
    ("org/deleted", RepositoryNotFoundError),
    ("org/private", HfHubHTTPError),
]:
    try:
        api.model_info(repo)
        raise SystemExit(f"{repo} was shown")
    except error:
        pass
try:
    api.model_info("org/quiet", revision="no-such-branch")
    raise SystemExit("a revision that is not there was shown")
except RevisionNotFoundError:
    pass

print("all calls succeeded")
