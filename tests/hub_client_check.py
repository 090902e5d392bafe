"""Calls the Hub in HF_ENDPOINT with the real `huggingface_hub`, as projects do."""

import hashlib
import os

from huggingface_hub import HfApi, hf_hub_download

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

path = hf_hub_download(REPO, "config.json", endpoint=os.environ["HF_ENDPOINT"], token=False)
text = open(path, "rb").read()
entry = {e.path: e for e in tree}["config.json"]
assert hashlib.sha1(b"blob %d\0" % len(text) + text).hexdigest() == entry.blob_id, entry

print("all five calls succeeded")
