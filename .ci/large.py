"""Writes a report about 750 packages, each with a question that is open, out of a small one: large.py REPORT.json."""

import copy
import json
import sys

report = json.load(open(sys.argv[1], encoding="utf-8"))
model = next(one for one in report["subjects"] if one.get("purl", "").startswith("pkg:cargo/"))
packages = []
for number in range(750):
    one = copy.deepcopy(model)
    one["name"] = f"package-with-a-name-{number}"
    one["purl"] = f"pkg:cargo/{one['name']}@{one['version']}"
    one["runs_at_build"] = number % 7 == 0
    packages.append(one)
report["subjects"] += packages
subjects = [{key: one[key] for key in ("kind", "name", "version", "origin")} for one in packages]
for gap in report["gaps"]:
    gap["subjects"] += subjects
json.dump(report, sys.stdout)
